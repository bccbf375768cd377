"""What is inside a network, as arrays: its filters, its feature maps, its activations, the size of its gradients.

N batch, C channels, H W picture, O filters, h w window.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.engine.modes import Setting, mode
from tinygrad_cnn.engine.tensor import Tensor, as_array
from tinygrad_cnn.engine.watch import Tracer
from tinygrad_cnn.nn import Module

from .charts import brief, escape, image_grid
from .pixels import data_uri, signed, signed_or_colour
from .probe import convolutions, find, leaves, outputs, require_model, tensor_for, untouched
from .samples import norm

SHOWN = 64  # channels in a notebook


class FeatureMaps(NamedTuple):
    """What one layer returned, and which of its channels were silent."""

    layer: str
    maps: np.ndarray  # (N,C,H,W)
    dead: np.ndarray  # (C,) bool

    def _repr_html_(self) -> str:
        """In a notebook, the maps of the first image, on one scale around zero."""
        if not self.maps.size:
            return f"<p>{escape(repr(self.maps.shape))}: no maps</p>"
        first = self.maps[0][:SHOWN]
        planes = first.reshape(len(first), -1, first.shape[-1] if first.ndim > 1 else 1)
        top = float(np.abs(planes[np.isfinite(planes)]).max(initial=0))
        dead = self.dead[: len(planes)].tolist()
        captions = [f"{i} dead" if d else str(i) for i, d in enumerate(dead)]
        words = (
            f"{self.layer}: {len(planes)} of {len(self.dead)} channels of image 0 of {len(self.maps)}, {sum(self.dead)}"
        )
        words += f" dead; orange is positive, blue negative, up to ±{brief(top, 3)}"
        drawn = image_grid([signed(p, top) for p in planes], captions, words, marked=dead, alone=True)
        return f"<figure><figcaption>{escape(words)}</figcaption>{drawn}</figure>"


def feature_maps(model: Module, x: Any, layer: str | Module | None = None) -> FeatureMaps:
    """What `layer` returns for x, by default the first convolution: maps (N,C,H,W), dead (C,).

    A channel is dead on these images when it is nowhere positive: a ReLU lets nothing of it through.
    The model runs in eval mode and is left as it was; of a layer that is called several times, the last call.

    >>> import tinygrad_cnn as tg
    >>> net = tg.vision.models.get_model("lenet")
    >>> found = tg.viz.feature_maps(net, tg.zeros(2, 1, 28, 28), "3")
    >>> found.maps.shape, found.dead.shape
    ((2, 16, 10, 10), (16,))
    """
    require_model("feature_maps", model)
    chosen = convolutions("feature_maps", model)[0] if layer is None else find("feature_maps", model, layer)
    found = outputs(model, x, [chosen])
    if chosen[0] not in found:
        raise ValueError(f"feature_maps: layer {chosen[0]!r} was not called, or does not return a Tensor")
    maps = found[chosen[0]][-1]
    if maps.ndim < 2:
        raise ValueError(f"feature_maps: layer {chosen[0]!r} returns {maps.shape}; expected channels, (N,C,...)")
    dead = np.all(maps <= 0, axis=(0, *range(2, maps.ndim)))
    return FeatureMaps(chosen[0], maps, np.asarray(dead))


class Filters(NamedTuple):
    """Filters, and one picture of them in the units of the weights."""

    weight: np.ndarray  # (O,C,h,w)
    grid: np.ndarray  # (rows, columns), or (rows, columns, 3); NaN between the filters
    scale: float  # the largest magnitude in the grid

    @property
    def picture(self) -> np.ndarray:
        """The grid divided by its scale, -1 ... 1; zeros where all weights are zero."""
        return self.grid / (self.scale or 1)

    def _repr_html_(self) -> str:
        """In a notebook, the grid."""
        if not self.grid.size:
            return f"<p>{escape(repr(self.weight.shape))}: no filters</p>"
        zoom = max(1, min(12, 480 // max(self.grid.shape[:2])))
        O, C, h, w = self.weight.shape
        colours = (
            "orange above 0, blue below" if self.grid.ndim == 2 else "red, green and blue, brighter than grey above 0"
        )
        words = f"{O} filters of {C} × {h} × {w}, up to ±{brief(self.scale, 3)}: {colours}"
        pixels = np.repeat(np.repeat(signed_or_colour(self.picture), zoom, 0), zoom, 1)
        return f'<figure><figcaption>{words}</figcaption><img alt="{words}" src="{data_uri(pixels)}"/></figure>'


def filters(source: Module | Tensor | np.ndarray, layer: str | Module | None = None, *, most: int = 64) -> Filters:
    """The filters of a convolution side by side, all on one scale around zero.

    source: a weight (O,C,h,w) or (O,C,w), or a model, of which `layer` is shown, by default the first convolution.
    Filters of one or three channels (then in colour) are laid out in a square; others get a row each, with a
    column for each channel. At most `most` tiles are shown.

    >>> import numpy as np
    >>> found = filters(np.ones((4, 1, 3, 3)))
    >>> found.grid.shape, found.scale
    ((9, 9), 1.0)
    """
    if isinstance(source, Module):
        path, module = convolutions("filters", source)[0] if layer is None else find("filters", source, layer)
        source = getattr(module, "weight", None)  # type: ignore[assignment]
        if source is None:
            raise ValueError(f"filters: layer {path!r}, a {type(module).__name__}, has no weight")
    weight = np.asarray(as_array(source))
    if weight.ndim == 3:
        weight = weight[:, :, None, :]
    if weight.ndim != 4:
        raise ValueError(
            f"filters: expected a weight (O,C,h,w), got {weight.shape}; a linear layer's can be given as "
            "weight.reshape(O, 1, h, w)"
        )
    if most < 1:
        raise ValueError(f"filters: most must be at least 1, got {most}")
    O, C = weight.shape[:2]
    if C == 1:
        drawn = grid(weight[:most, 0])
    elif C == 3:
        drawn = grid(weight[:most].transpose(0, 2, 3, 1))
    else:
        columns = min(C, max(math.isqrt(most), most // max(O, 1)))
        rows = min(O, max(1, most // max(columns, 1)))
        drawn = grid(weight[:rows, :columns].reshape(-1, *weight.shape[2:]), columns)
    finite = drawn[np.isfinite(drawn)]
    return Filters(weight, drawn, float(np.abs(finite).max(initial=0)))


def grid(tiles: Any, columns: int | None = None, *, gap: int = 1, fill: float = math.nan) -> np.ndarray:
    """Pictures side by side, `gap` cells of `fill` around each; columns: about as many as rows by default.

    (T,H,W) -> (rows·(H+gap)+gap, columns·(W+gap)+gap); with a last axis of 3 for colours, that is kept.

    >>> import numpy as np
    >>> grid(np.ones((3, 1, 1)), columns=2, fill=0).astype(int).tolist()
    [[0, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]
    """
    tiles = np.asarray(as_array(tiles))
    if tiles.ndim not in (3, 4):
        raise ValueError(f"grid: expected pictures (T,H,W) or (T,H,W,3), got {tiles.shape}")
    T, H, W = tiles.shape[:3]
    if columns is None:
        columns = math.ceil(math.sqrt(T))
    columns = max(1, min(columns, T))
    rows = -(-T // columns)
    dtype = np.result_type(tiles.dtype, np.float32) if math.isnan(fill) else tiles.dtype
    out = np.full((rows * (H + gap) + gap, columns * (W + gap) + gap, *tiles.shape[3:]), fill, dtype)
    for i, tile in enumerate(tiles):
        y, x = (i // columns) * (H + gap) + gap, (i % columns) * (W + gap) + gap
        out[y : y + H, x : x + W] = tile
    return out


class Histogram(NamedTuple):
    """How often which activations occur."""

    counts: np.ndarray  # (bins,)
    edges: np.ndarray  # (bins + 1,)
    mean: float
    std: float
    zeros: float  # share of exact zeros
    bad: int  # how many are NaN or infinite; they are counted nowhere else


def activation_histograms(model: Module, x: Any, *, bins: int = 40) -> dict[str, Histogram]:
    """The distribution of what each layer returns for x, {path: Histogram}, in order of first calls.

    Layers are the modules without modules inside. The model runs in eval mode and is left as it was.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Sequential(tg.nn.Linear(3, 4), tg.nn.ReLU())
    >>> found = tg.viz.activation_histograms(net, tg.randn(5, 3))
    >>> [(path, int(h.counts.sum())) for path, h in found.items()]
    [('0', 20), ('1', 20)]
    """
    require_model("activation_histograms", model)
    if bins < 1:
        raise ValueError(f"activation_histograms: bins must be at least 1, got {bins}")
    found = outputs(model, x, leaves(model))
    return {path: _histogram(np.concatenate([a.ravel() for a in calls]), bins) for path, calls in found.items()}


def _histogram(a: np.ndarray, bins: int) -> Histogram:
    wide = a.astype(np.float64) if a.dtype.kind != "c" else np.abs(a)
    good = wide[np.isfinite(wide)]
    counts, edges = np.histogram(good, bins)
    mean, std, zeros = (good.mean(), good.std(), (good == 0).mean()) if good.size else (math.nan, math.nan, 0.0)
    return Histogram(counts, edges, float(mean), float(std), float(zeros), int(wide.size - good.size))


class DeadUnits(NamedTuple):
    """Which units of one activation let no gradient through, whatever of these examples goes in."""

    dead: np.ndarray  # (U,) bool
    shut: float  # share of all its values through which no gradient goes

    @property
    def number(self) -> int:
        """How many units are dead."""
        return int(self.dead.sum())


def dead_units(model: Module, x: Any) -> dict[str, DeadUnits]:
    """The units of each ReLU that are dead on x, {call: DeadUnits}, in the order of the calls.

    A unit is a channel behind a convolution, and a feature elsewhere. It is dead when its value is held at a bound for
    all examples, at all places: what is before it gets no gradient. Calls are found in modules and functions alike
    (relu, relu6, hardtanh), and go by their names in the graph. The model runs in eval mode and is left as it was.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Sequential(tg.nn.Linear(1, 3), tg.nn.ReLU())
    >>> _ = net[0].weight.data.copy_(tg.tensor([[1.0], [-1.0], [0.0]]))
    >>> _ = net[0].bias.data.zero_()
    >>> found = tg.viz.dead_units(net, tg.ones(5, 1))
    >>> {call: (units.dead.tolist(), units.number) for call, units in found.items()}
    {'1/relu': ([False, True, True], 2)}
    """
    seen = _Activations(require_model("dead_units", model))
    with untouched(model), no_grad(), Setting(watch=True, tracer=seen):
        model(tensor_for(model, x))
    return seen.found


class _Activations(Tracer):
    """What was seen of the activations of one forward pass."""

    plain = True

    def __init__(self, model: Module):
        self.paths = {id(m): path for path, m in model.named_modules()}
        self.found: dict[str, DeadUnits] = {}
        self.convolved = False  # whether units are channels: axis 1, else the last one

    def called(self, op: Any, args: Any, out: Any, node: Any) -> None:
        if op.name.startswith("conv"):
            self.convolved = True
        elif op.name in ("linear", "matmul"):
            self.convolved = False
        elif op.name in ("relu", "hardtanh"):
            low, high = (0.0, math.inf) if op.name == "relu" else args[1:]
            shut = np.asarray(as_array(out) <= low) | np.asarray(as_array(out) >= high)
            self.add(op.name, shut)

    def add(self, op: str, shut: np.ndarray) -> None:
        scope = mode.scope
        while scope is not None and id(scope.module) not in self.paths:
            scope = scope.outer
        call = name = "/".join(filter(None, ["" if scope is None else self.paths[id(scope.module)], op]))
        nth = 1
        while call in self.found:
            nth += 1
            call = f"{name}:{nth}"
        axis = min(1, shut.ndim - 1) if self.convolved else shut.ndim - 1
        dead = shut.all(tuple(i for i in range(shut.ndim) if i != axis)) & (shut.size > 0)
        self.found[call] = DeadUnits(np.atleast_1d(dead), float(shut.mean()) if shut.size else 0.0)


def gradient_norms(model: Module) -> dict[str, float | None]:
    """‖∂loss/∂parameters‖ of each layer that has parameters, {path: norm}; None where it was not computed.

    Call it between `loss.backward()` and `zero_grad()`. Parameters of the model itself go by its class.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Sequential(tg.nn.Linear(2, 1), tg.nn.Linear(1, 1))
    >>> (net[0](tg.ones(1, 2)) * 3).sum().backward()
    >>> {path: n and round(n, 3) for path, n in tg.viz.gradient_norms(net).items()}
    {'0': 5.196, '1': None}
    """
    require_model("gradient_norms", model)
    seen: set[int] = set()
    norms: dict[str, float | None] = {}
    for path, module in model.named_modules():
        own = [p for p in module.parameters(recurse=False) if id(p) not in seen]
        seen.update(map(id, own))
        if own:
            grads = [p.grad for p in own if p.grad is not None]
            norms[path or type(model).__name__] = math.hypot(*(norm(as_array(g)) for g in grads)) if grads else None
    return norms
