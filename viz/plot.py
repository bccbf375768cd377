"""The same pictures as matplotlib figures, for those who have it (`pip install "tinygrad_cnn[plot]"`).

Each function returns a Figure and shows nothing; in a notebook it shows itself, in a script `figure.savefig(...)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.nn import Module

from .attribution import grad_cam
from .charts import _short
from .confusion import Confusion
from .curves import History
from .draw import LEVELS, heights, steep
from .features import DeadUnits, FeatureMaps, Filters, Histogram, grid
from .landscape import Landscape
from .names import printable
from .pixels import overlay, unit
from .probe import tensor_for


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, np.ndarray]:
    """A figure that belongs to no window, and its axes (rows, columns)."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            'viz.plot draws with matplotlib, which is not installed: pip install "tinygrad_cnn[plot]"; '
            "viz.line_chart, viz.heat_map, viz.image_grid and viz.bars draw SVG without it"
        ) from None
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def _plain(text: Any) -> str:
    """Text that is drawn letter by letter, the end of a long one: a dollar begins no formula."""
    return _short(printable(str(text)), 40).replace("$", r"\$")


def curves(history: History, of: str = "epochs") -> Any:
    """Lines of all that was measured: losses, accuracies, the rest, side by side."""
    names = history.names(of)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(next((e for e in ("loss", "accuracy", "lr") if name.endswith(e)), name), []).append(name)
    figure, axes = _figure(1, max(len(groups), 1), (4.5, 3))
    for ax, (heading, group) in zip(axes[0], groups.items(), strict=False):
        for name, style in zip(group, ("-o", "--s", ":^", "-.d") * len(group), strict=False):
            y = history.values(name, of)
            ax.plot(
                np.arange(1, len(y) + 1), y, style, markersize=4 if len(y) <= 30 else 0, label=_plain(name).lstrip("_")
            )
        ax.set(xlabel=of[:-1], ylabel=_plain(heading))
        ax.legend()
    return figure


def gradients(history: History, of: str = "steps") -> Any:
    """The film of gradients: log₁₀ of the norm of each layer's, open where it is zero or was not computed.

    What is not finite is magenta.
    """
    layers, norms = history.gradients(of)
    figure, ((ax,),) = _figure(1, 1, (7, 1 + 0.3 * len(layers)))
    if norms.size:
        logs = np.log10(norms, out=np.full(norms.shape, np.nan), where=norms > 0)
        L, T = norms.shape
        shown = ax.imshow(
            logs, aspect="auto", interpolation="nearest", cmap="inferno", extent=(0.5, T + 0.5, L - 0.5, -0.5)
        )
        figure.colorbar(shown, label="log₁₀ ‖gradient‖")
        bad = history.computed(of) & ~np.isfinite(norms)
        ax.imshow(_magenta(bad), aspect="auto", interpolation="nearest", extent=shown.get_extent())
    ax.set(xlabel=of[:-1])
    ax.set_yticks(range(len(layers)), map(_plain, layers))
    return figure


def confusion(found: Confusion) -> Any:
    """The matrix with its numbers."""
    n = len(found.classes)
    figure, ((ax,),) = _figure(1, 1, (2 + 0.45 * n, 1.6 + 0.45 * n))
    ax.imshow(
        found.counts, cmap="Oranges", vmax=max(int(found.counts.max(initial=0)), 1) * 1.6
    )  # pale enough for black
    for (t, p), count in np.ndenumerate(found.counts):
        if count:
            ax.text(p, t, str(count), ha="center", va="center")
    ax.set(xlabel="predicted", ylabel="true")
    classes = [_plain(name) for name in found.classes]
    ax.set_xticks(range(n), classes, rotation=90 if max(map(len, found.classes), default=0) > 3 else 0)
    ax.set_yticks(range(n), classes)
    return figure


def filters(found: Filters) -> Any:
    """The grid of filters with its scale."""
    figure, ((ax,),) = _figure(1, 1, (5, 4))
    if found.grid.ndim == 3:
        ax.imshow(np.nan_to_num(found.picture / 2 + 0.5, nan=1.0))
    else:
        top = found.scale or 1
        figure.colorbar(ax.imshow(found.grid, cmap="RdBu_r", vmin=-top, vmax=top))
    ax.axis("off")
    return figure


def feature_maps(found: FeatureMaps, image: int = 0) -> Any:
    """The maps of one image side by side; how many channels are dead is in the title."""
    if found.maps.ndim != 4:
        raise ValueError(f"plot.feature_maps: expected maps (N,C,H,W), got {found.maps.shape}")
    figure, ((ax,),) = _figure(1, 1, (6, 5))
    top = float(np.abs(found.maps[image]).max(initial=0)) or 1.0
    figure.colorbar(ax.imshow(grid(found.maps[image]), cmap="RdBu_r", vmin=-top, vmax=top))
    dead = ", ".join(map(str, np.flatnonzero(found.dead)))
    ax.set_title(f"{_plain(found.layer)}: {f'dead channels {dead}' if dead else 'no dead channel'}")
    ax.axis("off")
    return figure


def histograms(found: dict[str, Histogram]) -> Any:
    """One histogram for each layer."""
    columns = min(4, max(len(found), 1))
    figure, axes = _figure(-(-max(len(found), 1) // columns), columns, (3, 2))
    for ax, (layer, h) in zip(axes.flat, found.items(), strict=False):
        ax.stairs(h.counts, h.edges, fill=True)
        ax.set_title(f"{_plain(layer)}: {h.zeros:.0%} zeros", fontsize="small")
    for ax in axes.flat[len(found) :]:
        ax.axis("off")
    return figure


def dead_units(found: dict[str, DeadUnits]) -> Any:
    """How many units of each activation are dead, as a share, with their numbers."""
    figure, ((ax,),) = _figure(1, 1, (6, 1 + 0.35 * len(found)))
    for r, units in enumerate(found.values()):
        n = max(len(units.dead), 1)
        ax.barh(r, units.number / n, color="#c0007a")
        ax.text(1.02, r, f"{units.number} of {len(units.dead)}", va="center")
    ax.set(xlim=(0, 1), xlabel="share of dead units")
    ax.set_yticks(range(len(found)), map(_plain, found))
    ax.invert_yaxis()
    return figure


def landscape(found: Landscape) -> Any:
    """The loss over the plane, with lines of equal loss and the points in it; a line where there is one row."""
    figure, ((ax,),) = _figure(1, 1, (6, 5))
    across, upwards = map(_plain, found.directions)
    if len(found.y) == 1:
        ax.plot(found.x, found.losses[0], "-o", markersize=3)
        ax.set(xlabel=across, ylabel="loss")
        return figure
    losses = np.where(np.isfinite(found.losses), found.losses, np.nan)
    (left, right), (low, high) = ((a[0] - (a[1] - a[0]) / 2, a[-1] + (a[1] - a[0]) / 2) for a in (found.x, found.y))
    shown: dict[str, Any] = {"origin": "lower", "extent": (left, right, low, high), "aspect": "auto"}
    scale = "log" if steep(losses) else "linear"
    figure.colorbar(ax.imshow(losses, norm=scale, cmap="Oranges", alpha=0.6, **shown), label="loss")  # pale, for names
    ax.imshow(_magenta(np.isnan(losses)), **shown)
    if np.isfinite(losses).any() and np.nanmax(losses) > np.nanmin(losses):
        ax.contour(
            found.x, found.y, heights(losses), np.linspace(0, 1, LEVELS + 2)[1:-1], colors="#555", linewidths=0.8
        )
    for name, (a, b) in found.points.items():
        ax.plot(a, b, "ko")
        ax.annotate(_plain(name), (a, b), xytext=(6, 4), textcoords="offset points")
    ax.set(xlabel=across, ylabel=upwards)
    return figure


def _magenta(where: np.ndarray) -> np.ndarray:
    """A picture that covers what is true, and nothing else.        (R,K) -> (R,K,4)"""
    return np.where(where[..., None], (0.75, 0.0, 0.48, 1.0), 0.0)


def looks(model: Module, images: Any, layer: Any = None, target: Any = None) -> Any:
    """Each image (N,C,H,W), and beside it ½ image + ½ Grad-CAM."""
    x = tensor_for(model, images)
    maps = grad_cam(model, x, layer, target)
    figure, axes = _figure(max(len(maps), 1), 2, (2, 2))
    for (left, right), image, heat in zip(axes, x.detach().numpy(), maps, strict=False):
        left.imshow(np.broadcast_to(unit(image).transpose(1, 2, 0), (*heat.shape, 3)))
        right.imshow(overlay(image, heat))
    for ax in axes.flat:
        ax.axis("off")
    return figure
