"""Small pictures as SVG, with nothing but text: lines, heat maps, bars, images side by side.

A picture has a title and a description for those who cannot see it. Series differ by dashes, markers and a label
at their end, not by colour alone. Colours are CSS variables, so they follow the page that it stands in; a file of
its own (`alone=True`) carries them with it, for light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape as escape_html
from typing import Any

import numpy as np

from .names import printable
from .pixels import data_uri

VARIABLES = (
    "--ink:#1b1b22;--quiet:#55555f;--rule:#c9c9d4;--heat:#c44800;--bar:#2f5fc0;--bad:#c0007a;"
    "--s0:#1f4aa8;--s1:#b04a00;--s2:#1d6b3a;--s3:#a3163c;--s4:#5b3ea6;--s5:#6b5900"
)
DARK = (
    "--ink:#e9e9f0;--quiet:#b4b4c0;--rule:#4a4a58;--heat:#ff963c;--bar:#7da2f2;--bad:#ff5cc8;"
    "--s0:#9db8ff;--s1:#f4b884;--s2:#7fd6a0;--s3:#ff8fa8;--s4:#c9b3ff;--s5:#e3d26f"
)
STYLE = (
    ".chart text{fill:var(--ink);font:12px system-ui,'Helvetica Neue',Arial,sans-serif}.chart .quiet{fill:var(--quiet)}"
    ".chart .axis{stroke:var(--rule);fill:none}.chart .edge{stroke:var(--rule)}.chart .small{font-size:11px}"
    ".chart .line{fill:none;stroke-width:2}.chart image{image-rendering:pixelated}"
)
COLOURS = 6
DASHES = ("", "6 3", "2 3", "9 3 2 3", "4 2", "1 2")
MOST_POINTS = 300


def picture(width: float, height: float, title: str, description: str, body: str, alone: bool = False) -> str:
    """The SVG around a body; alone: with its own colours, and a namespace."""
    own = ""
    if alone:
        own = f"<style>svg{{{VARIABLES}}}@media (prefers-color-scheme:dark){{svg{{{DARK}}}}}{STYLE}</style>"
    size = f'viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}"'
    label = escape(f"{title}. {description}" if description else title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {size} role="img" aria-label="{label}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{own}{body}</svg>"
    )


def nothing(title: str, why: str = "nothing was measured", width: float = 300, alone: bool = False) -> str:
    """The picture that is shown where there is nothing to draw."""
    return picture(width, 60, title, why, _text(12, 34, f"{title}: {why}"), alone)


# lines


def line_chart(
    series: Mapping[str, Any],
    title: str,
    *,
    x_label: str = "epoch",
    y_label: str = "",
    first: int = 1,
    at: Any = None,
    size: tuple[int, int] = (540, 260),
    alone: bool = False,
) -> str:
    """A line for each name; its numbers stand at x = first, first + 1, ..., or at those given. A gap where one is not
    finite.

    More than 300 numbers are drawn as the means of 300 groups, and the description says so.

    >>> line_chart({"loss": [2.0, 1.0]}, "Loss")[:27]
    '<svg xmlns="http://www.w3.o'
    """
    lines = {str(name): _thinned(np.asarray(y, dtype=np.float64).ravel(), first, at) for name, y in series.items()}
    width, height = size
    left, top, bottom = 58, 14, 40
    right = 18 + 7 * max((len(name) for name in lines), default=0)
    good = [y[np.isfinite(y)] for _, y in lines.values()]
    y_all = np.concatenate([*good, np.empty(0)])
    if not y_all.size:
        return nothing(title, width=width, alone=alone)
    x_all = np.concatenate([x for x, _ in lines.values()])
    ticks_y, ticks_x = ticks(y_all.min(), y_all.max()), ticks(x_all.min(), x_all.max(), whole=at is None)
    low, high = min(ticks_y[0], y_all.min()), max(ticks_y[-1], y_all.max())
    start, end = x_all.min(), x_all.max() if x_all.max() > x_all.min() else x_all.min() + 1

    def at_x(x: Any) -> Any:
        return left + (x - start) / (end - start) * (width - left - right)

    def at_y(y: Any) -> Any:
        return height - bottom - (y - low) / (high - low) * (height - top - bottom)

    parts = [_text(at_x((start + end) / 2), height - 6, x_label, "quiet", "middle")]
    if y_label:
        middle = (top + height - bottom) / 2
        parts.append(_text(12, middle, y_label, "quiet", "middle", f' transform="rotate(-90 12 {_n(middle)})"'))
    for tick in ticks_y:
        parts.append(f'<path class="axis" d="M{left} {_n(at_y(tick))}H{width - right}"/>')
        parts.append(_text(left - 6, at_y(tick) + 4, brief(tick), "quiet", "end"))
    for tick in sorted({max(tick, start) for tick in ticks_x}):
        if tick <= end:
            parts.append(f'<path class="axis" d="M{_n(at_x(tick))} {height - bottom}v5"/>')
            parts.append(_text(at_x(tick), height - bottom + 18, brief(tick), "quiet", "middle"))
    labels = []
    for i, (name, (x, y)) in enumerate(lines.items()):
        colour = f"var(--s{i % COLOURS})"
        dash = f' stroke-dasharray="{DASHES[i % len(DASHES)]}"' if i % len(DASHES) else ""
        ok = np.isfinite(y)
        path = "".join(
            f"{'L' if k and ok[k - 1] else 'M'}{_n(at_x(x[k]))} {_n(at_y(y[k]))}" for k in np.flatnonzero(ok)
        )
        parts.append(f'<path class="line" stroke="{colour}"{dash} d="{path}"/>')
        if ok.sum() <= 30:
            parts += [_marker(i, at_x(x[k]), at_y(y[k]), colour) for k in np.flatnonzero(ok)]
        if ok.any():
            labels.append((float(at_y(y[ok][-1])), name, colour))
    for place, (_, name, colour) in zip(_apart([p for p, _, _ in sorted(labels)], 14), sorted(labels), strict=True):
        parts.append(_text(width - right + 8, place + 4, name, extra=f' style="fill:{colour}"'))
    description = "; ".join(_in_words(name, y) for name, (_, y) in lines.items())
    if any(len(np.ravel(y)) > MOST_POINTS for y in series.values()):
        description += f"; drawn as the means of {MOST_POINTS} groups"
    return picture(width, height, title, description, "".join(parts), alone)


def _thinned(y: np.ndarray, first: int, at: Any) -> tuple[np.ndarray, np.ndarray]:
    x = np.arange(first, first + len(y), dtype=np.float64) if at is None else np.asarray(at, dtype=np.float64)
    if len(y) <= MOST_POINTS:
        return x, y
    groups = np.array_split(np.arange(len(y)), MOST_POINTS)
    return np.array([x[g].mean() for g in groups]), np.array([y[g].mean() for g in groups])


def _in_words(name: str, y: np.ndarray) -> str:
    good = y[np.isfinite(y)]
    if not good.size:
        return f"{name}: no finite number"
    ends = f"from {brief(good[0])} to {brief(good[-1])}" if len(good) > 1 else brief(good[0])
    bad = f", {len(y) - len(good)} not measured or not finite" if len(good) < len(y) else ""
    return f"{name} {ends}, least {brief(good.min())}, most {brief(good.max())}{bad}"


def _marker(i: int, x: float, y: float, colour: str) -> str:
    shapes = ("M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z", "M-3 -3h6v6h-6z", "M0 -4l4 7h-8z", "M0 -4l4 4l-4 4l-4 -4z")
    return f'<path d="{shapes[i % len(shapes)]}" transform="translate({_n(x)} {_n(y)})" fill="{colour}"/>'


def _apart(places: list[float], least: float) -> list[float]:
    """Sorted places, each moved down until it keeps a distance from the one before."""
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + least)
    return places


def ticks(low: float, high: float, count: int = 5, whole: bool = False) -> list[float]:
    """About `count` round numbers that span low ... high.

    >>> ticks(0.03, 2.31)
    [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    """
    if not high > low:
        high = low + (abs(low) or 1)
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)
    if whole:
        step = max(1.0, round(step))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


# bars


def bars(
    counts: Any, edges: Any, title: str, *, x_label: str = "", size: tuple[int, int] = (260, 130), alone: bool = False
) -> str:
    """A histogram: counts (B,), edges (B + 1,); ValueError for other shapes.

    >>> bars([3, 1], [0.0, 0.5, 1.0], "Weights").count("<rect")
    2
    """
    counts, edges = np.asarray(counts, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    if counts.ndim != 1 or edges.shape != (len(counts) + 1,):
        raise ValueError(f"bars: expected counts (B,) and edges (B+1,), got {counts.shape} and {edges.shape}")
    width, height = size
    left, right, top, bottom = 8, 8, 20, 22 + (14 if x_label else 0)
    top_count = counts.max(initial=0)
    if not top_count:
        return nothing(title, "nothing was counted", width, alone)
    step = (width - left - right) / len(counts)
    floor = height - bottom
    tall = counts / top_count * (floor - top)
    body = "".join(
        f'<rect x="{_n(left + i * step)}" y="{_n(floor - h)}" width="{_n(max(step - 0.6, 0.6))}" height="{_n(h)}"'
        f' fill="var(--bar)"/>'
        for i, h in enumerate(np.maximum(tall, np.where(counts > 0, 1, 0)))
        if h
    )
    body += _text(left, 13, title)
    body += f'<path class="axis" d="M{left} {_n(floor)}H{width - right}"/>'
    body += _text(left, floor + 15, brief(edges[0]), "quiet small")
    body += _text(width - right, floor + 15, brief(edges[-1]), "quiet small", "end")
    if edges[0] < 0 < edges[-1]:
        zero = left - edges[0] / (edges[-1] - edges[0]) * (width - left - right)
        body += f'<path class="axis" d="M{_n(zero)} {top}V{_n(floor + 4)}"/>'
        if 40 < zero < width - 50:
            body += _text(zero, floor + 15, "0", "quiet small", "middle")
    if x_label:
        body += _text(width / 2, height - 4, x_label, "quiet small", "middle")
    most = int(counts.argmax())
    description = (
        f"{int(counts.sum())} numbers from {brief(edges[0])} to {brief(edges[-1])}; most often between "
        f"{brief(edges[most])} and {brief(edges[most + 1])}"
    )
    return picture(width, height, title, description, body, alone)


# heat maps


def heat_map(
    values: Any,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    *,
    x_label: str = "",
    y_label: str = "",
    alone: bool = False,
) -> str:
    """A cell for each number (R,K), the stronger the larger; the number is written in it where there is room.

    A cell that is not finite is left open, with a dash.

    >>> "<title>dog,  cat: 2</title>" in heat_map([[5, 1], [2, 6]], ["cat", "dog"], ["cat", "dog"], "Confusion")
    True
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (len(rows), len(columns)):
        raise ValueError(
            f"heat_map: {len(rows)} rows and {len(columns)} columns are named, the values are {values.shape}"
        )
    if not values.size:
        return nothing(title, alone=alone)
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    share = np.where(finite, np.nan_to_num(values) - low, 0) / (high - low if high > low else 1)
    left = 16 + 6.6 * max(len(_short(r)) for r in rows)
    wide = min(46.0, max(5.0, 560 / len(columns)))
    tall = 24.0 if len(rows) <= 24 else 17.0
    top = 26
    width, height = left + wide * len(columns) + 16, top + tall * len(rows) + 62
    parts = []
    for r, name in enumerate(rows):
        y = top + r * tall
        parts.append(_text(left - 6, y + tall / 2 + 4, _short(name), anchor="end"))
        for c in range(len(columns)):
            x = left + c * wide
            tip = f"<title>{escape(f'{name}, {x_label} {columns[c]}: {brief(values[r, c])}')}</title>"
            fill = _strength(share[r, c]) if finite[r, c] else 'fill="none"'
            box = f'x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" height="{_n(tall)}"'
            parts.append(f'<rect class="edge" {box} {fill}>{tip}</rect>')
            if wide >= 34:
                text = brief(values[r, c], 2) if finite[r, c] else "–"
                text = text if len(text) <= 6 else f"{values[r, c]:.2f}"
                parts.append(_text(x + wide / 2, y + tall / 2 + 4, text, "small", "middle"))
    every = max(1, math.ceil((max(len(c) for c in columns) * 7.5 + 6) / wide))
    for c in range(0, len(columns), every):
        parts.append(_text(left + (c + 0.5) * wide, top + tall * len(rows) + 16, _short(columns[c]), "quiet", "middle"))
    if y_label:
        parts.append(_text(left - 6, 16, y_label, "quiet", "end"))
    foot = top + tall * len(rows)
    if x_label:
        parts.append(_text(left, foot + 34, x_label, "quiet"))
    parts.append(_scale(left, foot + 42, low, high) if finite.any() else "")
    description = f"{len(rows)} rows, {len(columns)} columns; from {brief(low)} to {brief(high)}"
    return picture(max(width, left + 260), height, title, description, "".join(parts), alone)


def _strength(share: float) -> str:
    """A fill from 0 to 1, never so strong that the text on it could not be read."""
    return f'fill="var(--heat)" fill-opacity="{0.04 + 0.5 * share:.3f}"'


def _scale(x: float, y: float, low: float, high: float) -> str:
    """Cells of five strengths between the least and the largest number."""
    cells = "".join(
        f'<rect x="{_n(x + 52 + i * 16)}" y="{_n(y)}" width="16" height="12" {_strength(i / 4)}/>' for i in range(5)
    )
    return (
        _text(x + 46, y + 10, brief(low), "quiet small", "end")
        + cells
        + _text(x + 138, y + 10, brief(high), "quiet small")
    )


# images


def image_grid(
    images: Sequence[Any],
    captions: Sequence[str],
    title: str,
    *,
    marked: Sequence[bool] = (),
    columns: int = 8,
    side: int = 72,
    alone: bool = False,
) -> str:
    """Images side by side, each a uint8 array (H,W), (H,W,3) or (H,W,4), with a caption under it.

    marked: these get a dashed frame, and should say why in their caption.

    >>> image_grid([np.zeros((8, 8), np.uint8)], ["a zero"], "Digits").count("<image")
    1
    """
    if len(images) != len(captions):
        raise ValueError(f"image_grid: {len(images)} images, {len(captions)} captions; give one for each")
    columns = max(1, min(columns, len(images)))
    longest = max((len(c) for c in captions), default=0)
    step = max(side + 10, int(longest * 6.2) + 8)
    tall = side + 24
    parts = []
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        x, y = (i % columns) * step + 4, (i // columns) * tall + 4
        h, w = np.shape(image)[:2]
        zoom = side / max(h, w, 1)
        dashed = (
            ' stroke-dasharray="4 3" style="stroke:var(--s3);stroke-width:2"' if i < len(marked) and marked[i] else ""
        )
        parts.append(
            f'<image x="{x}" y="{y}" width="{_n(w * zoom)}" height="{_n(h * zoom)}" href="{data_uri(image)}"/>'
            f'<rect class="axis" x="{x}" y="{y}" width="{_n(w * zoom)}" height="{_n(h * zoom)}"{dashed}/>'
        )
        parts.append(_text(x, y + side + 14, caption, "small"))
    rows = -(-len(images) // columns)
    described = 0 < len(captions) <= 40
    description = "; ".join(captions) if described else f"{len(captions)} images"
    return picture(columns * step + 4, max(rows, 1) * tall + 4, title, description, "".join(parts), alone)


# text


def escape(text: str) -> str:
    """Text that stays text in a page and in an SVG file, in the order of its letters: without control characters."""
    return escape_html(printable(str(text)))


def brief(x: float, digits: int = 4) -> str:
    """A number in few digits.

    >>> [brief(x) for x in (0.0, 12.0, 0.123456, 1e-9, float("nan"))]
    ['0', '12', '0.1235', '1e-09', 'NaN']
    """
    return "NaN" if math.isnan(x) else f"{float(x):.{digits}g}"


def _short(text: str, most: int = 24) -> str:
    return text if len(text) <= most else "…" + text[1 - most :]


def _n(x: float) -> str:
    return f"{float(x):.1f}".removesuffix(".0")


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "", extra: str = "") -> str:
    kind = f' class="{kind}"' if kind else ""
    anchor = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{kind}{anchor}{extra}>{escape(text)}</text>'
