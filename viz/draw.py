"""The pictures of training as SVG, with nothing installed besides: `viz.plot` draws the same with matplotlib.

Each function takes what another one measured, and returns the text of one picture; with alone=True it is a file of its
own, that carries its colours, for light and dark. `viz.report` puts them into a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from tinygrad_cnn.arrays.quiet import silent

from .charts import _n, _short, _text, bars, brief, escape, line_chart, nothing, picture, ticks
from .contours import lines
from .curves import History
from .features import DeadUnits, Histogram
from .landscape import Landscape
from .pixels import ABOVE, colours, data_uri, shades, unit

MOST_COLUMNS = 480  # of a film; more steps are drawn as the means of as many groups
LEVELS = 9  # of the lines of a landscape
HEAT_BAR = data_uri(shades(colours(np.linspace(0, 1, 64)[None])))
# How a cell of the film looks that has no place on its scale.
LOOKS = {
    "not computed": 'fill="var(--rule)"',
    "zero": 'fill="none" stroke="var(--quiet)" stroke-dasharray="3 2"',
    "not finite": 'fill="var(--bad)"',
}


def gradients(history: History, of: str = "steps", *, alone: bool = False) -> str:
    """The film of gradients: a row for each layer, a column for each step, log₁₀ of the norm as heat.

    A norm of zero is an open cell, one that is not finite is magenta, and grey is what was not computed.

    >>> history = History()
    >>> history.step(gradients={"conv": 0.5, "fc": 0.0})
    >>> history.step(gradients={"conv": 0.05, "fc": None})
    >>> "conv: 0.5 … 0.05" in gradients(history)
    True
    """
    layers, norms = history.gradients(of)
    title = "log₁₀ ‖gradient‖ by layer"
    if not norms.size:
        return nothing(title, alone=alone)
    steps = norms.shape[1]
    groups = np.array_split(np.arange(steps), min(steps, MOST_COLUMNS))
    means, computed = _means(norms, history.computed(of), groups)
    kinds = {"not computed": ~computed, "zero": means == 0, "not finite": computed & ~np.isfinite(means)}
    heat, low, high = _heat(means)
    left, top, tall = 16 + 6.6 * max(len(_short(layer)) for layer in layers), 8, 22.0 if len(layers) <= 24 else 14.0
    wide = min(46.0, 600 / len(groups))
    foot, span = top + tall * len(layers), wide * len(groups)
    size = f'width="{_n(span)}" height="{_n(foot - top)}" preserveAspectRatio="none"'
    parts = [f'<image x="{_n(left)}" y="{top}" {size} href="{data_uri(heat)}"/>']
    for r, layer in enumerate(layers):
        y = top + r * tall
        tip = f"<title>{escape(f'{layer}: {_ends(means[r])}')}</title>"
        parts.append(f"<g>{tip}{_text(left - 6, y + tall / 2 + 4, _short(layer), anchor='end')}</g>")
        for kind, where in kinds.items():
            for begin, end in _runs(where[r]):
                x, far = left + begin * wide, max((end - begin) * wide - 1, 0.5)
                box = f'x="{_n(x + 0.5)}" y="{_n(y + 0.5)}" width="{_n(far)}" height="{_n(tall - 1)}"'
                parts.append(f"<rect {box} {LOOKS[kind]}><title>{escape(f'{layer}: {kind}')}</title></rect>")
    begins = [group[0] for group in groups]
    for tick in sorted({max(tick, 1) for tick in ticks(1, steps, whole=True)}):
        if tick <= steps:
            x = left + (np.searchsorted(begins, tick - 1, side="right") - 0.5) * wide
            parts.append(f'<path class="axis" d="M{_n(x)} {_n(foot)}v5"/>')
            parts.append(_text(x, foot + 18, brief(tick), "quiet", "middle"))
    parts.append(_text(left, foot + 36, of.removesuffix("s"), "quiet"))
    parts.append(_scale(left + 50, foot + 27, brief(10**low, 2), brief(10**high, 2)))
    x = left
    for kind in [kind for kind, where in kinds.items() if where.any()]:
        parts.append(f'<rect x="{_n(x + 0.5)}" y="{_n(foot + 46.5)}" width="14" height="11" {LOOKS[kind]}/>')
        parts.append(_text(x + 20, foot + 56, kind, "quiet small"))
        x += 36 + 6 * len(kind)
    said = [f"{len(layers)} layers, {steps} {of}", f"norms from {brief(10**low)} to {brief(10**high)}"]
    said += [f"drawn as the means of {len(groups)} groups"] if len(groups) < steps else []
    said += [f"{kind}: {', '.join(_names(layers, where))}" for kind, where in kinds.items() if where.any()]
    return picture(max(left + span + 16, left + 320), foot + 66, title, "; ".join(said), "".join(parts), alone)


@silent
def _means(norms: np.ndarray, computed: np.ndarray, groups: list) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each group of columns over what was computed, and where anything was.        (L,T) -> (L,G) twice"""
    begins = [group[0] for group in groups]
    counts = np.add.reduceat(computed.astype(np.int64), begins, axis=1)
    sums = np.add.reduceat(np.where(computed, norms, 0), begins, axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), counts > 0


@silent
def _heat(means: np.ndarray) -> tuple[np.ndarray, float, float]:
    """log₁₀ as colours (L,G,4), clear where there is none; and the ends of the scale."""
    good = np.isfinite(means) & (means > 0)
    logs = np.log10(np.where(good, means, 1))
    low, high = (logs[good].min(), logs[good].max()) if good.any() else (0.0, 0.0)
    share = (logs - low) / (high - low) if high > low else np.full(logs.shape, 0.5)
    clear = np.where(good, 255, 0).astype(np.uint8)[..., None]
    return np.concatenate([shades(colours(share)), clear], -1), float(low), float(high)


def _ends(row: np.ndarray) -> str:
    known = row[~np.isnan(row)]
    return f"{brief(known[0])} … {brief(known[-1])}" if len(known) else "no number"


def _names(layers: list[str], where: np.ndarray) -> list[str]:
    """The first few layers that have such a cell."""
    found = [layer for layer, row in zip(layers, where, strict=True) if row.any()]
    return found if len(found) <= 8 else [*found[:7], f"{len(found) - 7} more layers"]


def _runs(mask: np.ndarray) -> Iterator[tuple[int, int]]:
    """Where the True ones begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _scale(x: float, y: float, low: str, high: str, bar: str = HEAT_BAR) -> str:
    """The scale of a heat, between the words for its ends."""
    start = x + 6.6 * len(low)
    return (
        _text(x, y + 10, low, "quiet small")
        + f'<image x="{_n(start + 6)}" y="{_n(y)}" width="120" height="12" preserveAspectRatio="none" href="{bar}"/>'
        + _text(start + 132, y + 10, high, "quiet small")
    )


def histograms(found: Mapping[str, Histogram], *, columns: int = 3, alone: bool = False) -> str:
    """How often which activations occur, a histogram for each layer, side by side.

    >>> histograms({"fc": Histogram(np.array([1, 2]), np.array([0.0, 0.5, 1.0]), 0.6, 0.2, 0.0, 0)}).count("<svg")
    2
    """
    title = "Activations by layer"
    if not found:
        return nothing(title, alone=alone)
    columns, wide, tall = max(1, min(columns, len(found))), 276, 140
    parts = []
    for i, (layer, h) in enumerate(found.items()):
        place = f'<svg x="{i % columns * wide}" y="{i // columns * tall}" '
        parts.append(one_histogram(layer, h).replace("<svg ", place, 1))
    rows = -(-len(found) // columns)
    said = "; ".join(f"{layer}: {h.zeros:.0%} zeros" for layer, h in list(found.items())[:40])
    return picture(columns * wide, rows * tall, title, said, "".join(parts), alone)


def one_histogram(layer: str, h: Histogram) -> str:
    """That of one layer, which says in its title how many are zero."""
    bad = f", {h.bad} not finite" if h.bad else ""
    return bars(h.counts, h.edges, f"{_short(layer)}: {h.zeros:.0%} zeros{bad}")


def dead_units(found: Mapping[str, DeadUnits], *, alone: bool = False) -> str:
    """How many units of each activation are dead: a bar for each, as long as their share, and which ones they are.

    >>> "2 of 3" in dead_units({"relu": DeadUnits(np.array([True, False, True]), 0.7)})
    True
    """
    title = "Dead units"
    if not found:
        return nothing(title, alone=alone)
    left, wide, tall, top = 16 + 6.6 * max(len(_short(call)) for call in found), 300, 24, 8
    parts, said = [], []
    for r, (call, units) in enumerate(found.items()):
        y, n = top + r * tall, len(units.dead)
        words = f"{units.number} of {n}"
        which = ", ".join(map(str, np.flatnonzero(units.dead)[:40])) or "none"
        parts.append(_text(left - 6, y + 15, _short(call), anchor="end"))
        tip = f"<title>{escape(f'{call}: dead are {which}')}</title>"
        box = f'x="{_n(left)}" y="{y + 3}" height="{tall - 8}"'
        parts.append(f'<g>{tip}<rect {box} width="{wide}" fill="none" class="edge"/>')
        parts.append(f'<rect {box} width="{_n(wide * units.number / max(n, 1))}" fill="var(--bad)"/></g>')
        parts.append(_text(left + wide + 8, y + 15, words))
        said.append(f"{call}: {words}")
    height = top + tall * len(found) + 8
    return picture(left + wide + 110, height, title, "; ".join(said), "".join(parts), alone)


def landscape(found: Landscape, *, alone: bool = False) -> str:
    """The loss over the plane: the stronger the larger, with lines of equal loss, and the points in it.

    A single row is a line. What is not finite is magenta.

    >>> flat = Landscape(np.ones((2, 2)), np.array([0.0, 1.0]), np.array([0.0, 1.0]), ("d", "e"), {"here": (0.0, 0.0)})
    >>> "<title>Loss landscape</title>" in landscape(flat)
    True
    """
    losses, x, y = found.losses, found.x, found.y
    title = "Loss landscape"
    finite = np.isfinite(losses)
    if not finite.any():
        return nothing(title, "no loss is finite", alone=alone)
    low, high = float(losses[finite].min()), float(losses[finite].max())
    said = f"losses from {brief(low)} to {brief(high)}; across: {found.directions[0]}"
    if len(y) == 1:
        return line_chart({"loss": losses[0]}, title, at=x, x_label=found.directions[0], y_label="loss", alone=alone)
    height_of = heights(losses)
    left, top, side = 62, 10, 380
    dx, dy = side / len(x), side / len(y)  # a cell has its place in its middle
    cells = np.zeros((*losses.shape, 4), np.uint8)
    cells[..., :3] = np.where(finite[..., None], ABOVE, (214, 0, 147))
    cells[..., 3] = np.where(finite, 10 + 150 * height_of, 255)
    parts = [
        f'<image x="{left}" y="{top}" width="{side}" height="{side}" preserveAspectRatio="none" '
        f'href="{data_uri(cells[::-1])}"/><rect class="axis" x="{left}" y="{top}" width="{side}" height="{side}"/>'
    ]

    def at(column: float, row: float) -> tuple[float, float]:
        return left + (column + 0.5) * dx, top + side - (row + 0.5) * dy

    def place(a: float, b: float) -> tuple[float, float]:
        return at((a - x[0]) / (x[-1] - x[0]) * (len(x) - 1), (b - y[0]) / (y[-1] - y[0]) * (len(y) - 1))

    for level in np.linspace(0, 1, LEVELS + 2)[1:-1]:
        path = "".join(
            "M{} {}L{} {}".format(*map(_n, (*at(*begin), *at(*end)))) for begin, end in lines(height_of, float(level))
        )
        parts.append(f'<path class="axis" style="stroke:var(--ink);stroke-opacity:.55" d="{path}"/>' if path else "")
    for tick in ticks(x[0], x[-1]):
        if x[0] <= tick <= x[-1]:
            parts.append(_text(place(tick, y[0])[0], top + side + 16, brief(tick), "quiet", "middle"))
    for tick in ticks(y[0], y[-1]):
        if y[0] <= tick <= y[-1]:
            parts.append(_text(left - 6, place(x[0], tick)[1] + 4, brief(tick), "quiet", "end"))
    middle = top + side / 2
    parts.append(_text(left + side / 2, top + side + 34, found.directions[0], "quiet", "middle"))
    turned = f' transform="rotate(-90 14 {_n(middle)})"'
    parts.append(_text(14, middle, found.directions[1], "quiet", "middle", turned))
    for name, (a, b) in found.points.items():
        px, py = place(a, b)
        parts.append(f'<circle cx="{_n(px)}" cy="{_n(py)}" r="4" fill="var(--ink)"/>')
        parts.append(_text(px + 8, py + 4, _short(name), extra=' font-weight="600"'))
    strengths = np.zeros((1, 16, 4), np.uint8)
    strengths[..., :3], strengths[..., 3] = ABOVE, np.linspace(10, 160, 16)
    most = brief(high) + ", by their logarithms" * steep(losses)
    parts.append(_scale(left, top + side + 44, brief(low), most, data_uri(strengths)))
    said += f"; upwards: {found.directions[1]}"
    if not finite.all():
        said += f"; {int((~finite).sum())} are not finite"
    return picture(left + side + 110, top + side + 64, title, said, "".join(parts), alone)


def steep(losses: np.ndarray) -> bool:
    """Whether losses span so much, more than two decades, that they are shown by their logarithms."""
    good = losses[np.isfinite(losses)]
    return bool(good.size and 0 < 100 * good.min() < good.max())


@silent
def heights(losses: np.ndarray) -> np.ndarray:
    """The losses from 0, the least, to 1, the greatest, as they are shown; NaN where they are not finite."""
    return np.where(np.isfinite(losses), unit(np.log10(losses) if steep(losses) else losses), np.nan)
