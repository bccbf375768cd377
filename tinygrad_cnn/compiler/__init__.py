"""The compiler: `compile(f)` runs f once, keeps what it did as a program, and runs the program from then on.

    step = tg.compile(step)
    step(x, y)          captured: runs as it stands, while every op is written down
    step(x, y)          replayed: guards are looked at, then kernels are called one after the other

Its files are read in this order, and a file imports only those above it:

    program     what was captured, as plain data that can be printed
    guards      what has to be as it was, for a program to be right
    permitted   what may run while a program is captured, and what a program can not hold
    steps       what instructions call that is neither an op nor a rule
    capture     f runs, and becomes a program
    passes/     programs become better programs, each file one idea
    launched    what is nothing but compiled loops is recorded, and run again in one call
    replay      a program becomes a Python function, a flat list of calls
    compiled    what `compile` returns: programs by their guards, and eager where nothing can be captured
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from ..pytorch.absent import explains

if TYPE_CHECKING:
    from ..nn.module import Module
    from .compiled import Compiled

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound="Module")


@overload
def compile(
    model: None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Callable[[Callable[P, R]], Compiled[P, R]]: ...
@overload
def compile(  # type: ignore[overload-overlap]
    model: M,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> M: ...
@overload
def compile(
    model: Callable[P, R],
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Compiled[P, R]: ...
def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The same function or module, captured as a program at its first call and replayed after that. Also a decorator.

    model: a function of tensors, a Module, or a whole training step with its backward and optimizer. fullgraph: raise a
    RuntimeError where something cannot be captured; otherwise it is said once, and the function runs as it stands.
    options: {"passes": [...]}, names of the passes to run, in this order. disable: return the model as it is.
    dynamic, backend, mode: PyTorch's, without effect here.

    Every other shape, dtype, mode or Python value makes a program of its own, at most eight. `print(f.program)` shows
    the one that ran last.

    >>> import tinygrad_cnn as tg
    >>> @tg.compile
    ... def f(x, y):
    ...     return (x * y).sum()
    >>> x = tg.ones(3)
    >>> f(x, x).item(), f(x, x * 2).item()
    (3.0, 6.0)
    """
    if model is None:
        return lambda f: compile(
            f, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options, disable=disable
        )
    if not callable(model):
        raise TypeError(f"compile: expected a module or a function, got {type(model).__name__}")
    if disable:
        return model
    from .compiled import compiled

    return compiled(model, fullgraph, options)


explains(__name__)
