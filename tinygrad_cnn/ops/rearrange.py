"""Ops that copy elements to other places: mirrored, rolled, repeated, padded, cut to a triangle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.dtypes import number
from ..arrays.types import Array, Axis, Number, Shape
from ..arrays.windows import fitting
from ..engine.broadcast import sum_to
from ..engine.call import op
from ..engine.tensor import as_array
from .declared import appears
from .dims import axes, axis, whole
from .index import getitem
from .shape import clone, flatten, ints, reshape, transpose


@appears("function sizes")
@op
def flip(input: Array, dims: Sequence[int]) -> Array:
    """The order of the elements turned round along each axis of dims; a copy.

    IndexError for an axis that is not there, RuntimeError for one that is named twice.

    >>> import tinygrad_cnn as tg
    >>> tg.arange(3).flip(0).tolist()
    [2, 1, 0]
    """
    found = axes("flip", dims, input.ndim)
    return np.flip(input, found if input.ndim else ()).copy()


flip.grad(input=lambda g, dims: flip(g, dims))
flip.explain("Turned round again.")


@appears("function method")
def fliplr(input: Array) -> Array:
    """Mirrored: axis 1 turned round.

    A copy. RuntimeError for fewer than 2 axes.

    >>> import tinygrad_cnn as tg
    >>> tg.fliplr(tg.tensor([[1, 2], [3, 4]])).tolist()
    [[2, 1], [4, 3]]
    """
    if input.ndim < 2:
        raise RuntimeError(f"fliplr: expects at least 2 axes, got shape {tuple(input.shape)}; use .flip(0)")
    return flip(input, (1,))


@appears("function method")
def flipud(input: Array) -> Array:
    """Upside down: axis 0 turned round.

    A copy. RuntimeError for a number.

    >>> import tinygrad_cnn as tg
    >>> tg.flipud(tg.tensor([[1, 2], [3, 4]])).tolist()
    [[3, 4], [1, 2]]
    """
    if input.ndim < 1:
        raise RuntimeError("flipud: expects at least 1 axis, got a number")
    return flip(input, (0,))


@appears("function method")
def rot90(input: Array, k: int = 1, dims: Sequence[int] = (0, 1)) -> Array:
    """Turned by k · 90 degrees, from axis dims[0] towards axis dims[1].

    RuntimeError unless dims are two different axes.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([[1, 2], [3, 4]]).rot90().tolist()
    [[2, 4], [1, 3]]
    """
    if len(dims) != 2:
        raise RuntimeError(f"rot90: dims must be the two axes that are turned, got {tuple(dims)}")
    a, b = axes("rot90", tuple(dims), input.ndim)
    return (
        lambda x: flip(x, ()),
        lambda x: flip(transpose(x, a, b), (a,)),
        lambda x: flip(x, (a, b)),
        lambda x: transpose(flip(x, (a,)), a, b),
    )[k % 4](input)


@appears("function method")
@op
def roll(input: Array, shifts: Axis, dims: Axis | None = None) -> Array:
    """Shifted along axes; what leaves at the end comes in at the start. Without dims, as if it were one axis.

    RuntimeError unless there is one shift for each of dims.

    >>> import tinygrad_cnn as tg
    >>> tg.arange(5).roll(2).tolist()
    [3, 4, 0, 1, 2]
    """
    shifts, dims = ints("roll", shifts), () if dims is None else ints("roll", dims)
    if len(shifts) == 1 and not dims:
        return np.roll(input, shifts[0])
    if len(shifts) != len(dims) or not shifts:
        raise RuntimeError(f"roll: shifts {shifts} and dims {dims} must have one length, 1 or more")
    return np.roll(input, shifts, [axis("roll", d, input.ndim) for d in dims])


roll.grad(input=lambda g, shifts, dims: roll(g, tuple(-n for n in ints("roll", shifts)), dims))
roll.explain(
    "Shifted back.",
    input=lambda dims=None: f"roll(g, back{', dims' if dims not in (None, ()) else ''})",
    numbers={"back": lambda shifts: tuple(-n for n in ints("roll", shifts))},
)


# Repeated.

MOST = 1 << 56  # numbers; NumPy counts those of a repetition without looking whether the count overflows


def _refuse_endless(name: str, count: int) -> None:
    if count > MOST:
        raise MemoryError(f"{name}: {count:,} numbers are more than memory holds")


@appears("sizes")
@op
def repeat(input: Array, repeats: Shape) -> Array:
    """The tensor repeats[i] times along axis i; more repeats than axes make new axes in front. A copy.

    RuntimeError for fewer repeats than axes, and for negative ones.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([1, 2]).repeat(2, 2).tolist()
    [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    repeats = ints("repeat", repeats)
    if len(repeats) < input.ndim or min(repeats, default=0) < 0:
        raise RuntimeError(
            f"repeat: repeats {repeats} must be {input.ndim} or more numbers, none negative, for a tensor of "
            f"shape {input.shape}"
        )
    _refuse_endless("repeat", math.prod(repeats) * input.size)
    return np.tile(input, repeats)


def _repeat_to_input(g: Any, repeats: Any, input_shape: tuple) -> Any:
    """The sum over all repetitions: each axis of g, a·H long, is seen as (a, H), and summed over a."""
    repeats = ints("repeat", repeats)
    lengths = (1,) * (len(repeats) - len(input_shape)) + tuple(input_shape)
    apart = tuple(n for pair in zip(repeats, lengths, strict=True) for n in pair)  # (a·H, b·W) -> (a, H, b, W)
    once = tuple(n for length in lengths for n in (1, length))  # (1, H, 1, W)
    return reshape(sum_to(reshape(g, apart), once), tuple(input_shape))


repeat.grad(input=_repeat_to_input)
repeat.explain("An element gets the sum of its copies' gradients.", input="Σ_{copies} g")


@appears("function sizes")
def tile(input: Array, dims: Sequence[int]) -> Array:
    """`repeat`, where missing repeats in front are 1.

    >>> import tinygrad_cnn as tg
    >>> tg.tile(tg.tensor([[1, 2]]), (2,)).tolist(), tg.tile(tg.tensor([1, 2]), (2, 1)).tolist()
    ([[1, 2, 1, 2]], [[1, 2], [1, 2]])
    """
    dims = ints("tile", dims)
    return repeat(input, (1,) * (input.ndim - len(dims)) + dims)


@appears("function method")
def repeat_interleave(
    input: Array, repeats: int | Array, dim: int | None = None, *, output_size: int | None = None
) -> Array:
    """Each slice of axis dim repeated, one behind the other: by one number, or by a number for each.

    RuntimeError for another number of repeats than slices, and for negative ones.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([1, 2]).repeat_interleave(2).tolist()
    [1, 1, 2, 2]
    """
    if dim is None:
        input, dim = flatten(input), 0
    d = axis("repeat_interleave", dim, input.ndim)
    repeats = np.asarray(as_array(repeats))
    if repeats.dtype.kind not in "iu" or repeats.ndim > 1 or repeats.size not in (1, input.shape[d]):
        raise RuntimeError(
            f"repeat_interleave: repeats must be an int, or {input.shape[d]} ints for the slices of axis {d}; "
            f"got shape {repeats.shape}, dtype {repeats.dtype}"
        )
    if repeats.size and repeats.min() < 0:
        raise RuntimeError(f"repeat_interleave: repeats must not be negative, got {repeats.min()}")
    if repeats.size and int(repeats.max()) * input.shape[d] > MOST:
        _refuse_endless(
            "repeat_interleave", sum(repeats.ravel().tolist()) * (input.shape[d] if repeats.size == 1 else 1)
        )
    return along(input, d, np.repeat(np.arange(input.shape[d]), repeats))


def along(input: Any, d: int, places: np.ndarray) -> Any:
    """The slices at these places of axis d."""
    return getitem(input, (slice(None),) * d + (places,))


# Padded.


@appears("function")
@op(exact=True)
def constant_pad_nd(input: Array, pad: tuple, value: Number = 0.0) -> Array:
    """`pad` with a constant. Padding by a negative number cuts off, so it is its own way back.

    pad: (before, after) of the last axis, then of the last but one, and so on.
    Raises a RuntimeError where a length would be negative.

    >>> import tinygrad_cnn as tg
    >>> tg.constant_pad_nd(tg.tensor([[1, 2]]), (1, -1, 0, 1), 7).tolist()
    [[7, 1], [7, 7]]
    """
    widths = _widths(pad, input.ndim)
    shape = tuple(n + a + b for n, (a, b) in zip(input.shape, widths, strict=True))
    if min(shape, default=0) < 0:
        raise RuntimeError(f"pad: a tensor of shape {input.shape} padded by {tuple(pad)} would have shape {shape}")
    out = np.full(shape, number(value, input.dtype), input.dtype)
    inner = tuple(slice(max(a, 0), n - max(b, 0)) for n, (a, b) in zip(shape, widths, strict=True))
    kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(input.shape, widths, strict=True))
    out[inner] = input[kept]
    return out


constant_pad_nd.grad(input=lambda g, pad: constant_pad_nd(g, tuple(-n for n in pad)))
constant_pad_nd.explain(
    "The border is cut off again; what was cut off gets zero.",
    zero="these elements were cut off",
    input="without_border(g, pad)",
)


def _widths(pad: Sequence[int], ndim: int) -> list[tuple[int, int]]:
    """How much to add before and after each axis; `pad` speaks of the last axis first."""
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    return [(0, 0)] * (ndim - len(pairs)) + pairs[::-1]


def _reflected(n: int, a: int, b: int) -> np.ndarray:
    places = np.abs(np.arange(-a, n + b))
    return np.minimum(places, 2 * (n - 1) - places)


def _circular(n: int, a: int, b: int) -> np.ndarray:
    """What negative widths leave goes round."""
    kept = np.arange(max(-a, 0), n - max(-b, 0))
    return kept[np.arange(-max(a, 0), len(kept) + max(b, 0)) % len(kept)]


# Which element stands where, for an axis of n elements padded by a and b.
_PLACES = {
    "reflect": _reflected,
    "replicate": lambda n, a, b: np.arange(-a, n + b).clip(0, n - 1),
    "circular": _circular,
}


@appears("functional")
def pad(input: Array, pad: Sequence[int], mode: str = "constant", value: Number | None = None) -> Array:
    """More elements around: pad = (left, right, top, bottom, ...), beginning with the last axis.

    mode: "constant" (by `value`, 0 if not given), "reflect" (without repeating the edge), "replicate" (the
    edge), "circular". Negative numbers cut off.

    RuntimeError where a width is larger than the axis gives, NotImplementedError for another mode.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.pad(tg.tensor([1, 2, 3]), (1, 2), mode="reflect").tolist()
    [2, 1, 2, 3, 2, 1]
    """
    widths = ints("pad", pad)
    if len(widths) % 2:
        raise RuntimeError(f"pad: expects a width for both ends of each axis, got {len(widths)} numbers: {widths}")
    if len(widths) > 2 * input.ndim:
        raise RuntimeError(f"pad: {len(widths)} widths are too many for the {input.ndim} axes of {tuple(input.shape)}")
    if mode == "constant":
        return constant_pad_nd(input, widths, 0.0 if value is None else value)
    if mode not in _PLACES:
        raise NotImplementedError(f"pad: mode must be constant, reflect, replicate or circular, got {mode!r}")
    if value is not None:
        raise RuntimeError(f"pad: mode {mode!r} takes no value, got {value}")
    for d, (a, b) in enumerate(_widths(widths, input.ndim)):
        n = input.shape[d]
        if (a, b) == (0, 0):
            continue
        left = n + min(a, 0) + min(b, 0)
        if n + a + b < 0 or left < 0:
            raise RuntimeError(f"pad: {(a, b)} cuts more off axis {d} than its length {n}")
        if (mode == "reflect" and max(a, b) >= n) or (mode == "circular" and max(a, b) > left) or (n == 0 and a + b):
            less = "less than" if mode == "reflect" else "at most"
            raise RuntimeError(f"pad: {mode} padding {(a, b)} of axis {d} must be {less} its length {n}")
        input = along(input, d, _PLACES[mode](n, a, b))
    return input


# Windows, triangles, diagonals.


@op(view=True, geometry="dimension size step")
def windows(input: Array, dimension: int, size: int, step: int) -> Array:
    """Views of all windows along an axis: see `unfold`."""
    d = axis("unfold", dimension, input.ndim)
    n = input.shape[d] if input.ndim else 1
    size, step = whole("unfold", "size", size), whole("unfold", "step", step)
    if step <= 0 or not 0 <= size <= n:
        raise RuntimeError(f"unfold: size {size} must be 0 to {n}, the length of axis {d}, and step {step} positive")
    if input.ndim == 0:
        return input.reshape(1)[:size]
    shape, strides = list(input.shape), list(input.strides)
    shape[d], strides[d] = fitting(n, size, step), strides[d] * step
    shape, strides = [*shape, size], [*strides, input.strides[d]]
    writeable = input.flags.writeable and (size <= step or shape[d] <= 1)
    return np.lib.stride_tricks.as_strided(input, shape, strides, writeable=writeable)


windows.grad(input=lambda g, geometry, input_shape: fold_windows(g, *geometry, input_shape))
windows.explain(
    "An element gets the sum of its gradients in all windows.", input="fold_windows(g, dimension, size, step)"
)


@op(geometry="dimension size step")
def fold_windows(input: Array, dimension: int, size: int, step: int, shape: tuple) -> Array:
    """Each element of each window added at the place that it came from: the way back of `windows`."""
    if not shape:
        return np.add.reduce(input)
    out = np.zeros(shape, input.dtype)
    d = axis("unfold", dimension, out.ndim)
    rows, parts = np.moveaxis(out, d, 0), np.moveaxis(input, d, 0)
    for i in range(size):
        rows[i : i + step * len(parts) : step] += parts[..., i]
    return out


fold_windows.grad(input=lambda g, geometry: windows(g, *geometry))
fold_windows.explain("The windows of the gradient.", input="windows(g, dimension, size, step)")


@appears("method")
def unfold(input: Array, dimension: int, size: int, step: int) -> Array:
    """All windows of `size` elements along an axis, `step` apart; the elements of a window are the new last axis.

    A view; where windows overlap, an element lies in several places of it and cannot be written to.

    >>> import tinygrad_cnn as tg
    >>> tg.arange(5).unfold(0, 3, 2).tolist()
    [[0, 1, 2], [2, 3, 4]]
    """
    return windows(input, dimension, size, step)


@appears("function out exact method in_place")
@op
def tril(input: Array, diagonal: int = 0) -> Array:
    """The lower triangle of each matrix, zeros above; `diagonal` counts upwards from the main one.

    RuntimeError for a vector.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2, 3)
    >>> tg.tril(x).tolist(), tg.tril(x, 1).tolist()
    ([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]], [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    """
    _refuse_vector("tril", input)
    return np.tril(input, whole("tril", "diagonal", diagonal))


tril.grad(input=lambda g, diagonal: tril(g, diagonal))
tril.explain("The same triangle of the gradient.", zero="these elements were left out")


@appears("function out exact method in_place")
@op
def triu(input: Array, diagonal: int = 0) -> Array:
    """The upper triangle of each matrix, zeros below; `diagonal` counts upwards from the main one.

    RuntimeError for a vector.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2, 3)
    >>> tg.triu(x).tolist(), tg.triu(x, 1).tolist()
    ([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]], [[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    """
    _refuse_vector("triu", input)
    return np.triu(input, whole("triu", "diagonal", diagonal))


triu.grad(input=lambda g, diagonal: triu(g, diagonal))
triu.explain("The same triangle of the gradient.", zero="these elements were left out")


def _refuse_vector(name: str, input: np.ndarray) -> None:
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 axes, got shape {input.shape}")


@appears("function method")
@op(view=True, place="offset dim1 dim2")
def diagonal(input: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """The elements whose places along dim1 and dim2 are equal (or `offset` apart), as the last axis. A view.

    RuntimeError where dim1 and dim2 are one axis.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2, 2)
    >>> x.diagonal().fill_(1).sum().item(), x.tolist()
    (2.0, [[1.0, 0.0], [0.0, 1.0]])
    """
    return _diagonal(input, offset, dim1, dim2)


diagonal.grad(input=lambda g, place, input_shape: diagonal_place(g, *place, input_shape))
diagonal.explain(
    "The gradient goes back to the diagonal; the rest gets zero.",
    zero="off the diagonal",
    input="on_diagonal(g, offset, dim1, dim2)",
)


def _diagonal(a: np.ndarray, offset: int, dim1: int, dim2: int) -> np.ndarray:
    dim1, dim2 = axis("diagonal", dim1, a.ndim), axis("diagonal", dim2, a.ndim)
    if dim1 == dim2:
        raise RuntimeError(f"diagonal: dim1 and dim2 must differ, both are axis {dim1}")
    line = np.diagonal(a, whole("diagonal", "offset", offset), dim1, dim2)
    if a.flags.writeable:
        line.flags.writeable = True  # NumPy's diagonals are read-only, ours are views like any other
    return line


@op(place="offset dim1 dim2")
def diagonal_place(input: Array, offset: int, dim1: int, dim2: int, shape: tuple) -> Array:
    """Zeros of this shape with `input` on a diagonal: the way back of `diagonal`."""
    out = np.zeros(shape, input.dtype)
    _diagonal(out, offset, dim1, dim2)[...] = input
    return out


diagonal_place.grad(input=lambda g, place: diagonal(g, *place))
diagonal_place.explain("The gradient's diagonal.", input="diagonal(g, offset, dim1, dim2)")


_line = diagonal  # `diag` has a parameter of that name


@appears("function out exact method")
def diag(input: Array, diagonal: int = 0) -> Array:
    """The diagonal of a matrix, a copy; of a vector, the matrix that has it as its diagonal.

    RuntimeError for more than two axes, and for a number.

    >>> import tinygrad_cnn as tg
    >>> tg.diag(tg.tensor([1, 2])).tolist()
    [[1, 0], [0, 2]]
    """
    if input.ndim == 2:
        return clone(_line(input, diagonal))
    if input.ndim != 1:
        raise RuntimeError(f"diag: expects a vector or a matrix, got shape {tuple(input.shape)}; use diagonal")
    n = input.shape[0] + abs(whole("diag", "diagonal", diagonal))
    return diagonal_place(input, diagonal, 0, 1, (n, n))
