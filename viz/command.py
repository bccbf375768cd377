"""What `tinygrad-cnn graph` and `tinygrad-cnn diff` do. A mistake of the user's is one clear line."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import tinygrad_cnn as tg
from tinygrad_cnn import files
from tinygrad_cnn.engine.tensor import Tensor, wrap
from tinygrad_cnn.nn import Module

from .diff import diff as diff_page
from .dot import DEFAULT_SHOW, dot, show_set
from .page import html
from .paper import can_draw, paper
from .recorder import record
from .script import Script
from .snapshot import load, save
from .svg import engine, svg
from .text import WIDTH, problem_lines, text

FORMATS = (".svg", ".png", ".pdf", ".html", ".json", ".dot", ".txt")
MOST_PASSES = 8


def graph(
    target: str,
    output: str | None = None,
    *,
    depth: int | None = None,
    show: str | None = None,
    hide: str | None = None,
    inputs: Sequence[str] = (),
    arguments: Sequence[str] = (),
) -> str | None:
    """Draw `SCRIPT.py[:NAME]` into `output`, whose suffix says what it becomes; without one, return the text view.

    With an output, its name and the problems of the graph are returned, if it has any.
    NAME: a Tensor, a Module (with `inputs`, texts such as "1,1,28,28"), or a function that returns a loss. arguments:
    what the script finds in `sys.argv`. Raises ValueError and FileNotFoundError, each with one line, before anything is
    written; but where the script fails, what it computed until then is drawn, with the call that failed in red, and a
    Failed is raised behind it.
    """
    suffix = _suffix(output)
    shown = show_set(DEFAULT_SHOW if show is None else show)
    hidden = [op for op in (hide or "").split(",") if op]
    if suffix in (".svg", ".html"):
        engine()
    if suffix in (".png", ".pdf"):
        can_draw(suffix)
    full = suffix in (".html", ".json")
    shapes = [shape(s) for s in inputs]
    try:
        document = run_target(target, shapes, values=True, check=full, arguments=arguments).document
    except Failed as failure:
        there = {n["op"] for n in failure.document["nodes"]}
        hidden = [op for op in hidden if op in there]
        failure.printed = _drawn(failure.document, output, suffix, depth, shown, hidden)
        raise
    return _drawn(document, output, suffix, depth, shown, hidden)


def _drawn(
    document: dict[str, Any], output: str | None, suffix: str, depth: int | None, shown: set[str], hidden: list[str]
) -> str | None:
    if output is None:
        return text(document, hide=hidden)
    if suffix == ".json":
        save(document, output)
    elif suffix == ".txt":
        files.write(output, text(document, hide=hidden) + "\n")
    elif suffix == ".dot":
        files.write(output, dot(document, depth, show=shown, hide=hidden).source)
    elif suffix == ".svg":
        svg(document, output, depth, show=shown, hide=hidden)
    elif suffix in (".png", ".pdf"):
        paper(document, output, depth, show=shown, hide=hidden)
    else:
        html(document, output, depth=depth, show=shown, hide=hidden)
    return "\n".join([output, *problem_lines(document, WIDTH)]) if document.get("problems") else None


def diff(before: str, after: str, output: str) -> None:
    """Write one page on what changed between two JSON snapshots."""
    if Path(output).suffix != ".html":
        raise ValueError(f"{output}: the comparison is a page; give a name that ends in .html")
    a, b = load(before), load(after)
    try:
        diff_page(a, b, output, names=(Path(before).name, Path(after).name))
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:  # values that no recorder writes
        raise ValueError(f"{before} and {after} cannot be compared: {type(error).__name__}: {error}") from error


class Failed(ValueError):
    """The script raised an error, said in one line; `document` is the graph until then, with the call that failed."""

    def __init__(self, said: object, document: dict[str, Any]):
        super().__init__(said)
        self.document = document
        self.printed: str | None = None


def run_target(
    target: str,
    shapes: list[tuple[int, ...]],
    *,
    values: bool,
    check: bool,
    arguments: Sequence[str] = (),
    recorder: Callable[..., Any] = record,
    script: Script | None = None,
) -> Any:
    """Run the script, make the loss, go backward; all of it recorded. Raises Failed where the script raises.

    arguments: what the script finds in `sys.argv`. recorder: makes the recordings, one of the script and, where NAME is
    not a Tensor, one of its call. script: that of the target, where it is known already.
    """
    path, _, name = target.partition(":")
    own = script or Script(path, arguments)
    failed: list[record] = []

    @contextlib.contextmanager
    def recorded(model: Any = None, names: dict[str, Tensor] | None = None) -> Iterator[Any]:
        with recorder(model, names=names, values=values, check=check) as run:
            try:
                yield run
            except Exception as error:
                frames = own.frames(error.__traceback__)
                for frame, _ in frames:
                    run.name(frame.f_locals)
                if frames:
                    run.failed(error)
                    failed.append(run)
                raise

    try:
        with own:
            tg.manual_seed(0)
            with recorded() as script_run:
                namespace = own.run()
                script_run.name(namespace)
                name, thing = _find(own, name, namespace)
                if isinstance(thing, Tensor) and not script_run.walked(thing):
                    _backward(f"{path}:{name}", thing)
            if len(script_run.document["passes"]) > MOST_PASSES:
                raise ValueError(
                    f"{path}: it runs {len(script_run.document['passes'])} backward passes, too many for a picture; "
                    "name a function that returns one loss"
                )
            if isinstance(thing, Tensor):
                return script_run
            return _called(f"{path}:{name}", thing, shapes, namespace, recorded)
    except ValueError as error:
        if failed:
            raise Failed(error, failed[0].document) from error
        raise


def _called(what: str, thing: Any, shapes: list, namespace: dict[str, Any], recorded: Callable[..., Any]) -> Any:
    """Call a Module or a function of the script, and go backward from what it returns."""
    arguments = [tg.randn(*shape) for shape in shapes]
    if isinstance(thing, Module) and not arguments:
        raise ValueError(f"{what} is a Module; say what goes in with --input, for example --input 1,1,28,28")
    if not isinstance(thing, Module):
        needed = [p.name for p in inspect.signature(thing).parameters.values() if p.default is p.empty]
        if len(needed) > len(arguments):
            raise ValueError(f"{what} takes {', '.join(needed)}; give a function without arguments, or --input")
    model = thing if isinstance(thing, Module) else None
    with recorded(model, {f"input{i or ''}": x for i, x in enumerate(arguments)}) as run:
        if model is None:
            run.name(namespace)
        loss = thing(*arguments)
        if not isinstance(loss, Tensor):
            raise ValueError(f"{what} returned a {type(loss).__name__}; it must return one Tensor")
        if not run.walked(loss):
            _backward(what, loss)
    return run


def _backward(what: str, t: Tensor) -> None:
    if not t.requires_grad:
        raise ValueError(f"{what} has no history: nothing that it was computed from requires a gradient")
    ones = wrap(t.detach().numpy() * 0 + 1)
    t.backward(ones, retain_graph=True)


def _find(script: Script, name: str, namespace: dict[str, Any]) -> tuple[str, Any]:
    """What is to be drawn: the thing of that name or, without a name, the one that it can only be."""
    good = {k: v for k, v in namespace.items() if not k.startswith("_") and _drawable(v)}
    if name:
        if name not in namespace:
            raise script.lacks(name, good, "nothing that can be drawn")
        if name not in good and not (callable(namespace[name]) and not isinstance(namespace[name], type)):
            kind = type(namespace[name]).__name__
            raise ValueError(
                f"{script.path}:{name} is a {kind}; expected a Tensor with a history, a Module, or a function"
            )
        return name, namespace[name]
    results = [k for k, v in good.items() if isinstance(v, Tensor)]
    for candidates in (["loss"], results[-1:], [k for k in good if isinstance(good[k], Module)]):
        if len(candidates) == 1 and candidates[0] in good:
            return candidates[0], good[candidates[0]]
    names = ", ".join(good) or "nothing that can be drawn"
    raise ValueError(f"{script.path}: say what to draw, as {script.path}:NAME; it has {names}")


def _drawable(v: Any) -> bool:
    return (
        isinstance(v, Module)
        or (isinstance(v, Tensor) and v.grad_fn is not None)
        or (inspect.isfunction(v) and not (v.__module__ or "").startswith("tinygrad_cnn"))
    )


def _suffix(output: str | None) -> str:
    if output is None:
        return ""
    suffix = Path(output).suffix
    if suffix not in FORMATS:
        raise ValueError(f"{output}: what should it be? End the name in {', '.join(FORMATS)}")
    if not Path(output).resolve().parent.is_dir():
        raise FileNotFoundError(f"{output}: there is no such folder")
    return suffix


def shape(text_: str) -> tuple[int, ...]:
    try:
        return tuple(int(n) for n in text_.split(",") if n.strip())
    except ValueError:
        raise ValueError(f"--input {text_}: expected a shape such as 1,1,28,28") from None
