"""The greatest and the smallest along the axes `dim`, and where they stand: reductions like those in `reduce.py`.

A tie shares the gradient evenly, unless `dim` asks for the one place that was chosen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, overload

import numpy as np

from ..arrays.dtypes import int64
from ..arrays.plain import once
from ..arrays.types import Array, Axis
from ..engine.call import op
from ..engine.tensor import Tensor, as_array
from ..kernels import kernel
from .checks import every
from .choice import maximum, minimum, where
from .compare import eq, isnan
from .declared import appears
from .dims import axis, over, reduced
from .index import Places, getitem, parse, place, read
from .reduce import mean, spread, sum
from .shape import squeeze


class Chosen(NamedTuple):
    """What was chosen along an axis, and where it stood."""

    values: Tensor
    indices: Tensor


def _not_empty(name: str, input: Any, dim: Any, keepdim: Any) -> tuple:
    """The axes to reduce, none of them empty: nothing has no extreme."""
    over = reduced(name, dim, input.ndim, keepdim)
    if input.size == 0:
        if dim is None:
            kind = IndexError if name.startswith("arg") else RuntimeError
            raise kind(f"{name}: a tensor of shape {input.shape} has no elements; give a dim that is not empty")
        for i in over:
            if input.shape[i] == 0:
                raise IndexError(f"{name}: axis {i} of shape {input.shape} is empty; expected a size of 1 or more")
    return over


@appears("function out exact method")
@op
def amax(input: Array, dim: Axis | None = None, keepdim: bool = False) -> Array:
    """The greatest element along dim; NaN if there is one.

    dim: an int, a tuple of them, None for all axes; they go away, or stay with length 1 under keepdim.
    Equal ones share the gradient. IndexError for an empty axis.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 3.0, 3.0], requires_grad=True)
    >>> tg.amax(x).backward()
    >>> x.grad.tolist()
    [0.0, 0.5, 0.5]
    """
    over = _not_empty("amax", input, dim, keepdim)
    return kernel.fold(once(input, over), "max", over, keepdim)


amax.grad(input=lambda g, input, out, dim, keepdim: shared(g, input, out, dim, keepdim))


def _equals(dim: Any = None, input_shape: Any = None) -> str:
    return f"g · [input = out] / Σ{over(dim, input_shape)} [input = out]"


amax.explain(
    "The greatest element gets the gradient; equal ones share it.",
    zero="not chosen by the max",
    input=_equals,
)


@appears("function out exact method")
@op
def amin(input: Array, dim: Axis | None = None, keepdim: bool = False) -> Array:
    """The smallest element along dim; NaN if there is one.

    Equal ones share the gradient. IndexError for an empty axis.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[1.0, 3.0], [2.0, 2.0]], requires_grad=True)
    >>> y = tg.amin(x, dim=1)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([1.0, 2.0], [[1.0, 0.0], [0.5, 0.5]])
    """
    over = _not_empty("amin", input, dim, keepdim)
    return kernel.fold(once(input, over), "min", over, keepdim)


amin.grad(input=lambda g, input, out, dim, keepdim: shared(g, input, out, dim, keepdim))
amin.explain(
    "The smallest element gets the gradient; equal ones share it.",
    zero="not chosen by the min",
    input=_equals,
)


def shared(g: Any, input: Any, out: Any, dim: Any, keepdim: bool, unknown: float = math.nan) -> Any:
    """g in equal parts for the elements that are equal to out; `unknown` where that is NaN, which nothing equals."""
    shape = np.shape(as_array(input))
    best = eq(input, spread(out, shape, dim, keepdim))
    count = sum(best, dim, keepdim, g.dtype)
    elsewhere = where(eq(count, 0), unknown, 0.0)
    return where(best, spread(g / count, shape, dim, keepdim), spread(elsewhere, shape, dim, keepdim))


@appears("function out exact method")
@op
def argmax(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Where the greatest element along dim stands, the first of equal ones; without dim in the flattened tensor.

    NaN counts as the greatest. IndexError where there is no element.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[1, 7, 7], [9, 0, 2]])
    >>> tg.argmax(x, dim=1).tolist(), tg.argmax(x).item()
    ([1, 0], 3)
    """
    return _where_extreme("argmax", np.argmax, input, dim, keepdim)


argmax.grad(input=None)


@appears("function out exact method")
@op
def argmin(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Where the smallest element along dim stands, the first of equal ones; without dim in the flattened tensor.

    NaN counts as the smallest. IndexError where there is no element.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[4, 1, 1], [9, 0, 2]])
    >>> tg.argmin(x, dim=1).tolist(), tg.argmin(x).item()
    ([1, 1], 4)
    """
    return _where_extreme("argmin", np.argmin, input, dim, keepdim)


argmin.grad(input=None)


def _where_extreme(name: str, find: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    if dim is not None:
        dim = axis(name, dim, input.ndim)
    over = _not_empty(name, input, dim, keepdim)
    held = once(input, over)
    place = find(held, axis=dim if input.ndim else None, keepdims=keepdim and input.ndim > 0)
    if dim is None and held.shape != input.shape:  # counted in all that there are; equal ones stand behind the first
        where = np.unravel_index(int(np.ravel(place)[0]), held.shape)
        place = np.full(np.shape(place), np.ravel_multi_index(where, input.shape))
    return np.asarray(place, int64)


@appears("function out exact method")
def aminmax(input: Array, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """The smallest and the greatest element along dim, as (min, max).

    dim and keepdim as in `amax`, with an int as dim.

    >>> import tinygrad_cnn as tg
    >>> low, high = tg.aminmax(tg.tensor([[4.0, 1.0], [2.0, 9.0]]), dim=0)
    >>> low.tolist(), high.tolist()
    ([2.0, 1.0], [4.0, 9.0])
    """
    return MinMax(amin(input, dim, keepdim), amax(input, dim, keepdim))


class MinMax(NamedTuple):
    min: Tensor
    max: Tensor


@overload
def max(input: Array) -> Array: ...
@overload
def max(input: Array, dim: int, keepdim: bool = False) -> Chosen: ...
@overload
def max(input: Array, other: Array) -> Array: ...
@appears("function out method")  # type: ignore[misc] # `other` may also stand where dim does
def max(input: Array, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The greatest element; with dim (values, indices) along it; with a second tensor the greater of the two.

    NaN counts as the greatest. Along dim the place that was chosen, the first of equal ones, gets the gradient; without
    dim equal ones share it. IndexError for an empty axis.

    >>> import tinygrad_cnn as tg
    >>> values, indices = tg.max(tg.tensor([[1.0, 5.0], [7.0, 3.0]]), dim=1)
    >>> values.tolist(), indices.tolist()
    ([5.0, 7.0], [1, 0])
    """
    return _extreme(input, dim, keepdim, other, maximum, amax, argmax, _max)


@overload
def min(input: Array) -> Array: ...
@overload
def min(input: Array, dim: int, keepdim: bool = False) -> Chosen: ...
@overload
def min(input: Array, other: Array) -> Array: ...
@appears("function out method")  # type: ignore[misc] # `other` may also stand where dim does
def min(input: Array, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element; with dim (values, indices) along it; with a second tensor the smaller of the two.

    NaN counts as the smallest. Along dim the place that was chosen, the first of equal ones, gets the gradient.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[2.0, 1.0], [3.0, 3.0]], requires_grad=True)
    >>> values, indices = tg.min(x, dim=1)
    >>> values.sum().backward()
    >>> values.tolist(), indices.tolist(), x.grad.tolist()
    ([1.0, 3.0], [1, 0], [[0.0, 1.0], [1.0, 0.0]])
    """
    return _extreme(input, dim, keepdim, other, minimum, amin, argmin, _min)


def _extreme(
    input: Any, dim: Any, keepdim: bool, other: Any, pairwise: Any, whole: Any, find: Any, read_at: Any
) -> Any:
    if not isinstance(keepdim, bool):
        raise TypeError(f"{whole.__name__[1:]}: keepdim must be a bool, got {type(keepdim).__name__}")
    if isinstance(dim, Tensor):
        dim, other = None, dim
    if other is not None:
        return pairwise(input, other)
    if dim is None:
        out = whole(input)
        found = as_array(out)
        # NaNs share the gradient too, though they equal nothing.
        unknown = isnan(every(out)).any() and isnan(found)
        return mean(getitem(input, isnan(input))) if unknown else out
    return chosen(read_at, input, find(input, dim, True), dim, keepdim)


def choosing(name: str) -> Callable:
    """The op that reads what was chosen along an axis, under the name of the function that chooses."""

    def read_at(input: Array, indices: Array, dim: int, keepdim: bool) -> Any:
        if not input.ndim:
            return input.copy(), Places((...,), None)
        grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
        grid[dim] = indices
        if not keepdim:
            grid = [np.squeeze(part, dim) for part in grid]
        places = parse(tuple(grid), input.shape)
        return read(input, places), places

    read_at.__name__ = f"_{name}"
    made = op(read_at, keeps="places", exact=True)
    made.grad(input=lambda g, places, input_shape: place(g, places, input_shape), indices=None)
    made.explain(
        "Each element's gradient returns to the place that it was chosen from; what was not chosen gets zero.",
        zero=f"not chosen by {name}",
        input="Σ_{reads of a place} g",
    )
    return made


_max, _min = choosing("max"), choosing("min")


def chosen(read_at: Callable, input: Any, indices: Any, dim: int, keepdim: bool = True) -> Chosen:
    """The elements at these places along dim, with the places; `read_at` is made by `choosing`."""
    values = read_at(input, indices, dim, keepdim)
    return Chosen(values, indices if keepdim else squeeze(indices, dim))
