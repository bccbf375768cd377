"""The loss around a network: over a plane in the space of its parameters, through where it is, or through given points.

    θ(x, y) = θ₀ + x·d + y·e

A random direction is brought to the size of the parameters, filter by filter: d_f ← d_f · ‖θ_f‖ / ‖d_f‖, as a network
behind a ReLU does the same with weights of any size, and one step would else mean much here and little there; vectors
(biases, norms) stay where they are. (Li et al. 2018, Visualizing the Loss Landscape of Neural Nets.) The direction to
a point is the way there, so x = 1 or y = 1 is the point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.arrays.blocks import all_at_once, block
from tinygrad_cnn.arrays.quiet import quietly
from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.engine.tensor import Tensor, as_array
from tinygrad_cnn.nn import Module
from tinygrad_cnn.random import get_rng_state, set_rng_state

from .probe import require_model, untouched

Point = dict[str, np.ndarray]  # numbers of float64, by the names of their tensors


class Landscape(NamedTuple):
    """The loss over a plane: losses[r, k] at x[k], y[r]."""

    losses: np.ndarray  # (R,K)
    x: np.ndarray  # (K,)
    y: np.ndarray  # (R,)
    directions: tuple[str, str]  # what x and y go along
    points: dict[str, tuple[float, float]]  # where the given points are, or "here"


def landscape(
    model: Module,
    loss: Callable[[], Any],
    *,
    points: Sequence[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]] | None = None,
    size: int | tuple[int, int] = 21,
    span: float = 1.0,
    training: bool = False,
    seed: int = 0,
) -> Landscape:
    """losses[r,k] = loss at θ₀ + x[k]·d + y[r]·e        -> (R,K)

    loss: a function without arguments that runs the model on what is to be judged and returns one number.
    points: two or three `state_dict()`s, or {name: state_dict}; without them, θ₀ is where the model is, and both
    directions are random. Of two points d leads from the first to the second, and e is random; of three, e leads from
    the first to the third. Running statistics and other buffers of floats go along between points.
    size: rows and columns, or one number for both; a single row is a line, y = 0. span: how far to go to both sides of
    θ₀; around points, how much farther than they are. seed: of the random directions.

    The model runs in eval mode, unless `training`, and with the same random numbers everywhere. It is left as it was,
    to the bit.

    Raises a ValueError for a model without trainable floats, and for points that are not of this model.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Linear(1, 1, bias=False)
    >>> _ = net.weight.data.fill_(2.0)
    >>> found = landscape(net, lambda: net(tg.ones(1, 1)).square().sum(), size=(1, 3))
    >>> found.x.tolist(), found.losses.tolist()
    ([-1.0, 0.0, 1.0], [[0.0, 4.0, 16.0]])
    """
    require_model("landscape", model)
    rows, columns = _size(size)
    if not (math.isfinite(span) and span > 0):
        raise ValueError(f"landscape: span must be a positive number, got {span!r}")
    given = _points(model, points)
    origin = next(iter(given.values()))
    rng = quietly(np.random.default_rng, seed)
    ways = [{key: point[key] - a for key, a in origin.items()} for point in list(given.values())[1:]]
    missing = ("a random direction", "another random direction")[: 2 - len(ways)]
    towards = [*(f"to {name}" for name in list(given)[1:]), *missing]
    ways += [_random(model, origin, rng) for _ in missing]
    x = _axis(columns, span, len(given) > 1)
    y = _axis(rows, span, len(given) > 2)
    places = dict(zip(given, ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)), strict=False))
    state = get_rng_state()
    with untouched(model, training), no_grad(), _movable(model) as arrays:
        losses = np.array([[_at(arrays, origin, ways, (a, b), loss, state) for a in x] for b in y])
    return Landscape(losses, x, y, (towards[0], towards[1]), places)


def _size(size: Any) -> tuple[int, int]:
    rows, columns = size if isinstance(size, tuple | list) and len(size) == 2 else (size, size)
    if not all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in (rows, columns)):
        raise TypeError(f"landscape: size must be one integer or two, got {size!r:.60}")
    if rows < 1 or columns < 2:
        raise ValueError(f"landscape: size must be at least 1 row and 2 columns, got {size!r}")
    return int(rows), int(columns)


def _axis(n: int, span: float, pointed: bool) -> np.ndarray:
    """Where to look: -span ... span, around a point at 1 up to 1 + span; the origin alone where that is all."""
    return np.linspace(-span, span + pointed, n) if n > 1 else np.zeros(1)


def _points(model: Module, points: Any) -> dict[str, Point]:
    """The points by name, each with an array for everything that moves."""
    here, trained = _floats(model), _trained(model)
    if not trained:
        raise ValueError(f"landscape: {type(model).__name__} has no trainable parameter of floats to move along")
    if points is None:
        return {"here": {name: here[name].astype(np.float64) for name in here if name in trained}}
    named = points if isinstance(points, Mapping) else {str(i + 1): point for i, point in enumerate(points)}
    if len(named) not in (2, 3):
        raise ValueError(f"landscape: points must be two or three state_dicts, got {len(named)}")
    found: dict[str, Point] = {}
    for name, point in named.items():
        if not isinstance(point, Mapping):
            raise TypeError(f"landscape: point {name!r} must be a state_dict, got {type(point).__name__}")
        arrays = {key: np.array(as_array(value), np.float64) for key, value in point.items() if key in here}
        wrong = next((key for key, a in here.items() if key not in arrays or arrays[key].shape != a.shape), None)
        if wrong is not None:
            has = f"has shape {arrays[wrong].shape}" if wrong in arrays else "is missing"
            raise ValueError(
                f"landscape: point {name!r} is not of this model: {wrong!r} {has}, not {here[wrong].shape}"
            )
        found[str(name)] = arrays
    return found


def _random(model: Module, origin: Point, rng: np.random.Generator) -> Point:
    """A random direction in the trained parameters, each filter as long as that of the origin."""
    trained, way = _trained(model), {}
    for name, a in origin.items():
        d = rng.standard_normal(a.shape)
        if a.ndim < 2 or name not in trained:
            way[name] = np.zeros(a.shape)
            continue
        axes = tuple(range(1, a.ndim))
        lengths = np.sqrt((d * d).sum(axes, keepdims=True))
        way[name] = d * (np.sqrt((a * a).sum(axes, keepdims=True)) / np.where(lengths > 0, lengths, 1))
    return way


def _trained(model: Module) -> set[str]:
    return {name for name, p in model.named_parameters() if p.requires_grad and p.dtype.kind == "f"}


def _floats(model: Module) -> dict[str, np.ndarray]:
    """The arrays of all parameters and buffers of floats, each once, though it may have several names."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: t.detach().numpy() for name, t in tensors if t.dtype.kind == "f"}


@block
def _movable(model: Module) -> Iterator[dict[str, np.ndarray]]:
    """A block in which the arrays of the model's floats may be written to; afterwards they hold what they held."""
    arrays = _floats(model)
    before = [(a, a.copy()) for a in arrays.values()]
    try:
        yield arrays
    finally:
        all_at_once(np.copyto, before)


def _at(arrays: Point, origin: Point, ways: list[Point], place: tuple[float, float], loss: Any, state: Any) -> float:
    """The loss at one place."""
    for name, a in origin.items():
        moved = a
        for way, far in zip(ways, place, strict=True):
            moved = moved + far * way[name]
        quietly(np.copyto, arrays[name], moved, "same_kind")
    set_rng_state(state)
    value = loss()
    try:
        return float(value.item() if isinstance(value, Tensor | np.ndarray) else value)
    except (TypeError, ValueError, RuntimeError):
        given = tuple(value.shape) if isinstance(value, Tensor | np.ndarray) else type(value).__name__
        raise TypeError(f"landscape: loss must return one number, got {given}") from None
