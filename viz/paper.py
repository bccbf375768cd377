"""The picture for paper, as PNG or PDF: laid out by Graphviz, drawn by matplotlib; or all of it by the `dot` program.

Graphviz hands out a picture as drawing instructions (xdot, as JSON): a few words for shapes, curves, colours, texts.
"""

from __future__ import annotations

import importlib.util
import io
import json
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinygrad_cnn import files

from .dot import dot
from .source import document_from
from .svg import SECONDS, engine, fitting

POINTS = 72  # of Graphviz, to an inch
DPI = 144
LARGEST = 16_000  # dots along a side; where that is not enough, a PNG gets coarser
ORDER = ("_draw_", "_ldraw_", "_hdraw_", "_tdraw_")


def can_draw(suffix: str) -> None:
    """A RuntimeError that names the cures where nothing is installed that makes such a file."""
    if _has_matplotlib():
        engine()
    elif not shutil.which("dot"):
        raise RuntimeError(
            f'{suffix} files are drawn by matplotlib, which is not installed: pip install "tinygrad_cnn[viz,plot]", or '
            "install Graphviz so that `dot` is on the PATH; .dot and .txt need neither"
        )


def paper(source: Any, path: str | Path, depth: int | None = None, *, seconds: float = SECONDS, **options: Any) -> None:
    """Write the picture of a graph as a PNG or a PDF, as the name says; options are those of `dot`.

    depth: of modules shown as frames; None takes the deepest that is laid out within `seconds`. Raises a RuntimeError
    where nothing is installed that makes such a file, and a ValueError for another suffix.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0], requires_grad=True)
    >>> paper(x * 2, "graph.pdf")  # doctest: +SKIP
    """
    suffix = Path(path).suffix
    if suffix not in (".png", ".pdf"):
        raise ValueError(f"{path}: expected a name that ends in .png or .pdf")
    can_draw(suffix)
    document = document_from(source)
    if _has_matplotlib():
        laid, _ = fitting(document, depth, seconds, options, "json")
        files.write(path, _drawn(json.loads(laid), suffix[1:]))
    else:
        text = dot(document, depth, **options).source
        files.write(path, _by_program(text, suffix[1:], seconds))


def _has_matplotlib() -> bool:
    return importlib.util.find_spec("matplotlib") is not None


def _by_program(text: str, form: str, seconds: float) -> bytes:
    command = ["dot", f"-T{form}", "-Gbgcolor=white", *([f"-Gdpi={DPI}"] if form == "png" else [])]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise ValueError(f"dot: the layout took more than {seconds:g} s; fold modules with depth=0") from None
    if done.returncode != 0 or not done.stdout:
        raise RuntimeError(f"dot: {form} failed: {done.stderr.decode(errors='replace').strip()[:400]}")
    return done.stdout


def _drawn(laid: dict[str, Any], form: str) -> bytes:
    """A laid out picture, drawn."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    left, bottom, right, top = map(float, laid["bb"].split(","))
    width, height = (right - left) / POINTS + 0.2, (top - bottom) / POINTS + 0.2
    with rc_context({"font.family": "DejaVu Sans", "pdf.fonttype": 42}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name may hold characters that no font here has
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(left - 7.2, right + 7.2), ylim=(bottom - 7.2, top + 7.2))
        axes.axis("off")
        for z, instructions in enumerate(_instructions(laid)):
            _follow(axes, instructions, z)
        out = io.BytesIO()
        undated = {"CreationDate": None} if form == "pdf" else None  # the same graph, the same bytes
        dpi = min(DPI, LARGEST / max(width, height))
        figure.savefig(out, format=form, dpi=dpi, facecolor="white", metadata=undated)
    return out.getvalue()


def _instructions(laid: dict[str, Any]) -> Iterator[list[dict]]:
    """The parts of a picture in the order in which they cover each other: frames, arrows, boxes."""
    objects = laid.get("objects", [])
    frames, boxes = ([o for o in objects if ("nodes" in o or "bb" in o) == framed] for framed in (True, False))
    for thing in [laid, *frames, *laid.get("edges", []), *boxes]:
        for part in ORDER:
            if part in thing:
                yield thing[part]


def _follow(axes: Any, instructions: list[dict], z: int) -> None:
    """Do what the instructions of one part say."""
    from matplotlib.patches import Ellipse, PathPatch, Polygon
    from matplotlib.path import Path as Curve

    pen = fill = "black"
    size, wide, dashes = 11.0, 1.0, "solid"
    for one in instructions:
        op, points = one["op"], one.get("points", ())
        if op == "c":
            pen = _colour(one["color"])
        elif op == "C":
            fill = _colour(one["color"])
        elif op == "F":
            size = one["size"]
        elif op == "S":
            number = re.fullmatch(r"setlinewidth\(([\d.]+)\)", one["style"])
            wide = float(number[1]) if number else wide
            dashes = one["style"] if one["style"] in ("solid", "dashed", "dotted") else dashes
        elif op == "T":
            _write(axes, one, size, pen, z)
        else:
            look: dict[str, Any] = {"edgecolor": pen, "linewidth": wide, "linestyle": dashes, "zorder": z}
            look["facecolor"] = fill if op in "EPB" else "none"
            if op in "Ee":
                x, y, rx, ry = one["rect"]
                axes.add_patch(Ellipse((x, y), 2 * rx, 2 * ry, **look))
            elif op in "Pp":
                axes.add_patch(Polygon(points, closed=True, **look))
            elif op in "LBb":
                codes = [Curve.MOVETO] + [Curve.LINETO if op == "L" else Curve.CURVE4] * (len(points) - 1)
                axes.add_patch(PathPatch(Curve(points, codes), **look))


def _write(axes: Any, one: dict, size: float, pen: str, z: int) -> None:
    """A text, made smaller where the font at hand runs wider than the one that was reckoned with."""
    from matplotlib.textpath import TextPath

    x, y = one["pt"]
    text = one["text"]
    if not text.strip():
        return
    taken = TextPath((0, 0), text.replace("$", r"\$"), size=size).get_extents().width  # a dollar begins no formula
    size *= min(1.0, 1.06 * one["width"] / taken) if taken else 1.0
    align = {"l": "left", "c": "center", "r": "right"}[one["align"]]
    axes.text(x, y, text, size=size, color=pen, ha=align, va="baseline", zorder=z, parse_math=False)


def _colour(name: str) -> str:
    return "none" if name == "transparent" else name
