"""Counting and finding: how many elements fall into which part, where they stand among others, and what repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays.dtypes import int32, int64, promote
from ..arrays.types import Array, Number
from ..engine.call import op
from ..engine.tensor import Tensor, as_array, wrap
from .declared import appears
from .dims import axis, whole


class Histogram(NamedTuple):
    """How many elements fell between neighbouring edges, and the edges."""

    hist: Tensor
    bin_edges: Tensor


@appears("function out exact method")
def histogram(
    input: Array,
    bins: int | Array = 100,
    *,
    range: Sequence[float] | None = None,
    weight: Array | None = None,
    density: bool = False,
) -> Histogram:
    """How many elements fall between neighbouring edges, as (hist, bin_edges); the last part includes its end.

    bins: their number, which divide `range` (that of the input by default) evenly; or the edges, in order.
    weight: what an element counts, in the shape of input. density: divide so that the integral is 1.
    RuntimeError for no bins, a range that goes backward, edges of another dtype; NotImplementedError for integers.

    >>> import tinygrad_cnn as tg
    >>> hist, edges = tg.histogram(tg.tensor([0.5, 1.0, 3.5, 4.0]), 2, range=(0.0, 4.0))
    >>> hist.tolist(), edges.tolist()
    ([2.0, 2.0], [0.0, 2.0, 4.0])
    """
    x, dtype = as_array(input).reshape(-1), as_array(input).dtype
    if dtype.kind != "f" or dtype == np.float16:
        raise NotImplementedError(f"histogram: input must be of dtype float32 or float64, got {dtype}; convert it")
    if hasattr(bins, "ndim"):
        edges = as_array(bins)
        if edges.dtype != dtype:
            raise RuntimeError(f"histogram: the edges must be of dtype {dtype}, as input is; got {edges.dtype}")
        if edges.ndim != 1 or not edges.size:
            raise RuntimeError(f"histogram: the edges must be a vector, got shape {edges.shape}")
        if range is not None:
            raise TypeError("histogram: range is for a number of bins; edges say it themselves")
    else:
        if whole("histogram", "bins", bins) <= 0:
            raise RuntimeError(f"histogram: bins must be > 0, got {bins}")
        edges = _edges(x, bins, range)
    if weight is not None and tuple(weight.shape) != tuple(input.shape):
        raise RuntimeError(f"histogram: weight must have the shape of input {tuple(input.shape)}")
    if weight is not None and weight.dtype != dtype:
        raise RuntimeError(f"histogram: weight must be of dtype {dtype}, as input is; got {weight.dtype}")
    inside = (x >= edges[0]) & (x <= edges[-1])
    place = np.minimum(np.searchsorted(edges, x[inside], "right") - 1, len(edges) - 2)
    weights = None if weight is None else as_array(weight).reshape(-1)[inside]
    counts = np.bincount(place, weights, len(edges) - 1).astype(dtype)
    if density:
        counts = counts / counts.sum() / np.diff(edges)
    return Histogram(wrap(counts), wrap(np.array(edges)))


def _edges(x: np.ndarray, bins: int, range: Any) -> np.ndarray:
    """The edges of equal parts."""
    low, high = (x.min(), x.max()) if range is None and x.size else (0, 0) if range is None else range
    if not np.isfinite(low) or not np.isfinite(high):
        raise RuntimeError(f"histogram: the range from {low} to {high} is not finite")
    if low > high:
        raise RuntimeError(f"histogram: min should not exceed max, got {low} and {high}")
    if low == high:
        low, high = (low - 0.5, high + 0.5) if range is not None or x.size else (0, 1)
    return np.linspace(low, high, bins + 1).astype(x.dtype)


# Places in what is in order.


@appears("function out exact")
def searchsorted(
    sorted_sequence: Array,
    input: Array | Number,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Array | None = None,
) -> Array:
    """Where each number would stand in a sequence in ascending order: before the first that is not smaller.

    sorted_sequence: a vector for all of input, or a row for each row of it. right (side="right"): behind equal ones.
    sorter: the order of a sequence that is not sorted, as argsort gives it. int64, or int32 if so asked.
    RuntimeError where the rows do not match.

    >>> import tinygrad_cnn as tg
    >>> edges = tg.tensor([1.0, 3.0, 5.0])
    >>> tg.searchsorted(edges, tg.tensor([0.0, 3.0, 9.0])).tolist(), tg.searchsorted(edges, 3.0, right=True).item()
    ([0, 1, 3], 2)
    """
    name, rows, numbers = "searchsorted", as_array(sorted_sequence), np.asanyarray(as_array(input))
    if side not in (None, "left", "right"):
        raise RuntimeError(f"{name}: side must be 'left' or 'right', got {side!r}")
    if side == "left" and right:
        raise RuntimeError(f"{name}: side and right can't be opposites, got side='left' and right=True")
    if rows.ndim != 1 and (not numbers.ndim or not rows.ndim):
        raise RuntimeError(f"{name}: one number is looked up in a vector, got shape {rows.shape}")
    if rows.ndim > 1 and rows.shape[:-1] != numbers.shape[:-1]:
        raise RuntimeError(
            f"{name}: sorted_sequence {rows.shape} must be a vector, or have a row for each of input {numbers.shape}"
        )
    if sorter is not None:
        order = as_array(sorter)
        if order.dtype != int64 or order.shape != rows.shape:
            raise RuntimeError(f"{name}: sorter must be int64 of shape {rows.shape}, got {order.dtype}, {order.shape}")
        if order.size and not 0 <= order.min() <= order.max() < rows.shape[-1]:
            raise RuntimeError(f"{name}: sorter index out of range for {rows.shape[-1]} elements")
        rows = np.take_along_axis(rows, order, -1)
    where: Any = "right" if right or side == "right" else "left"
    rows, numbers = promote(rows, numbers) if numbers.dtype != rows.dtype else (rows, numbers)
    if rows.ndim == 1:
        found = np.asarray(np.searchsorted(rows, numbers, where))
    else:
        found = np.empty(numbers.shape, int64)
        for i in np.ndindex(*rows.shape[:-1]):
            found[i] = np.searchsorted(rows[i], numbers[i], where)
    return wrap(found.astype(int32 if out_int32 else int64))


@appears("function out exact")
def bucketize(input: Array | Number, boundaries: Array, *, out_int32: bool = False, right: bool = False) -> Array:
    """The number of the bucket between boundaries in ascending order that each element falls into.

    A bucket includes its upper end, with right=True the lower. RuntimeError unless boundaries is a vector.

    >>> import tinygrad_cnn as tg
    >>> tg.bucketize(tg.tensor([0.5, 1.0, 7.0]), tg.tensor([1.0, 5.0])).tolist()
    [0, 0, 2]
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"bucketize: boundaries must be a vector, got shape {tuple(boundaries.shape)}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@appears("function out exact")
def isin(
    elements: Array | Number, test_elements: Array | Number, *, assume_unique: bool = False, invert: bool = False
) -> Array:
    """Whether each element is among test_elements, or with invert, whether it is not. RuntimeError for bool.

    >>> import tinygrad_cnn as tg
    >>> tg.isin(tg.tensor([1, 2, 3]), tg.tensor([3, 1])).tolist()
    [True, False, True]
    """
    given = elements, test_elements
    if not any(hasattr(x, "ndim") for x in given) or any(isinstance(x, list | tuple | str | None) for x in given):
        raise TypeError("isin: elements and test_elements must be Tensors, or one of them a number")
    pair = [np.asanyarray(as_array(x)) for x in (elements, test_elements)]
    if any(a.dtype.kind == "b" for a in pair):
        raise RuntimeError("isin: bool is not looked up; compare it, or convert it with .int()")
    one, several = promote(*pair)
    return wrap(np.asarray(np.isin(one, several, invert=invert)))


@appears("function method", flags="return_inverse return_counts -> tuple[Array, ...]")
@op
def unique_consecutive(
    input: Array, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Array:
    """The elements without those that equal the one before; return_inverse: where each went.

    return_counts: how many there were. dim: compare the slices along this axis instead of the elements.

    >>> import tinygrad_cnn as tg
    >>> values, counts = tg.unique_consecutive(tg.tensor([1, 1, 2, 1]), return_counts=True)
    >>> values.tolist(), counts.tolist()
    ([1, 2, 1], [2, 1, 1])
    """
    d = None if dim is None else axis("unique_consecutive", dim, input.ndim)
    rows = input.reshape(-1, 1) if d is None or not input.ndim else np.moveaxis(input, d, 0).reshape(input.shape[d], -1)
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).any(1)
    values = input.reshape(-1)[new] if d is None or not input.ndim else np.compress(new, input, d)
    inverse = np.cumsum(new) - 1
    counts = np.diff(np.append(np.flatnonzero(new), len(rows)))
    if d is None:
        inverse = inverse.reshape(input.shape)
    out = (values, *([inverse] if return_inverse else []), *([counts] if return_counts else []))
    return out if len(out) > 1 else values


unique_consecutive.grad(input=None)
