"""Order: sorting, ranks and counts. NaN counts as greater than everything, as in PyTorch.

The places are found on arrays; the values are then gathered from them, which is where the gradient flows.
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from ..arrays.dtypes import float32, float64, int64
from ..arrays.types import Array
from ..engine.call import op
from ..engine.tensor import as_array
from .compare import isnan
from .declared import appears
from .dims import axis, whole
from .extreme import Chosen, choosing, chosen, shared


@appears("function out method")
@op
def argsort(input: Array, dim: int = -1, descending: bool = False, stable: bool = False) -> Array:
    """The places that bring the elements along dim in order; equal ones keep theirs, stable or not.

    NaN comes last, in descending order first. IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.argsort(tg.tensor([3.0, 1.0, 2.0])).tolist()
    [1, 2, 0]
    """
    d = axis("argsort", dim, input.ndim)
    if input.ndim == 0:
        return np.zeros((), int64)
    if not descending:
        return np.argsort(input, axis=d, kind="stable")
    # Sorted from behind and read from behind: descending, and equal ones in their first order.
    return input.shape[d] - 1 - np.flip(np.argsort(np.flip(input, d), axis=d, kind="stable"), d)


argsort.grad(input=None)


@appears("function out exact method")
def sort(input: Array, dim: int = -1, descending: bool = False, stable: bool = False) -> Chosen:
    """The elements along dim in order, as (values, indices).

    NaN comes last, in descending order first; equal ones keep their order. The gradient goes to the places.
    IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> values, indices = tg.sort(tg.tensor([3.0, 1.0, 2.0]), descending=True)
    >>> values.tolist(), indices.tolist()
    ([3.0, 2.0, 1.0], [0, 2, 1])
    """
    return chosen(_sort, input, argsort(input, dim, descending), dim)


_sort = choosing("sort")


@appears("function out exact method")
def msort(input: Array) -> Array:
    """The values of `sort` along the first axis.

    >>> import tinygrad_cnn as tg
    >>> tg.msort(tg.tensor([[3, 1], [1, 2]])).tolist()
    [[1, 1], [3, 2]]
    """
    return sort(input, 0).values


@appears("function out exact method")
def topk(input: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Chosen:
    """The k largest (or smallest) elements along dim, in order, as (values, indices).

    RuntimeError where k is larger than the axis.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 9.0, 4.0], requires_grad=True)
    >>> values, indices = tg.topk(x, 2)
    >>> values.sum().backward()
    >>> values.tolist(), indices.tolist(), x.grad.tolist()
    ([9.0, 4.0], [1, 2], [0.0, 1.0, 1.0])
    """
    d, k = axis("topk", dim, input.ndim), whole("topk", "k", k)
    n = input.shape[d] if input.ndim else 1
    if not 0 <= k <= n:
        raise RuntimeError(f"topk: k must be in 0 to {n}, the size of axis {d} of shape {tuple(input.shape)}, got {k}")
    return chosen(_topk, input, _ranks(input, 0, k, d, largest), d)


_topk = choosing("topk")


@op
def _ranks(input: Array, first: int, k: int, dim: int, descending: bool) -> Array:
    """Where the elements of k ranks along dim stand, from rank `first` on."""
    places = argsort.op.forward(input, dim, descending)  # type: ignore[attr-defined]
    return np.take(places, np.arange(first, first + k), dim) if input.ndim else places


_ranks.grad(input=None)


@appears("function out exact method")
def kthvalue(input: Array, k: int, dim: int = -1, keepdim: bool = False) -> Chosen:
    """The k-th smallest element along dim, k counted from 1, as (values, indices).

    RuntimeError for a k that is no place of the axis.

    >>> import tinygrad_cnn as tg
    >>> value, index = tg.kthvalue(tg.tensor([30, 10, 20]), 2)
    >>> value.item(), index.item()
    (20, 2)
    """
    d, k = axis("kthvalue", dim, input.ndim), whole("kthvalue", "k", k)
    n = input.shape[d] if input.ndim else 1
    if not 1 <= k <= n:
        raise RuntimeError(f"kthvalue: k must be in 1 to {n}, the size of axis {d} of {tuple(input.shape)}, got {k}")
    return chosen(_kthvalue, input, _ranks(input, k - 1, 1, d, False), d, keepdim)


_kthvalue = choosing("kthvalue")


@overload
def median(input: Array) -> Array: ...
@overload
def median(input: Array, dim: int, keepdim: bool = False) -> Chosen: ...
@appears("function out method")
def median(input: Array, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element in order, the lower one of two; with dim (values, indices) along it. NaN if there is one.

    Without dim equal ones share the gradient. IndexError for an empty axis.

    >>> import tinygrad_cnn as tg
    >>> tg.median(tg.tensor([4.0, 1.0, 3.0, 2.0])).item()
    2.0
    """
    if dim is None:
        return _whole_median(input)
    d = axis("median", dim, input.ndim)
    n = input.shape[d] if input.ndim else 1
    if n == 0:
        raise IndexError(f"median: axis {d} of shape {tuple(input.shape)} is empty; expected a size of 1 or more")
    return chosen(_median, input, _middle(input, d), d, keepdim)


_median = choosing("median")


@op(exact=True)
def _whole_median(input: Array) -> Array:
    """The lower median of all elements; NaN where there is one, and where there is none."""
    if not input.size:
        if input.dtype.kind != "f":
            raise RuntimeError(f"median: a tensor of shape {input.shape} and dtype {input.dtype} has no middle element")
        return np.asarray(np.nan, input.dtype)
    row = input.reshape(-1)
    return row[_middle(row, 0)[0]]


def _median_to_input(g: Any, input: Any, out: Any) -> Any:
    if np.isnan(as_array(out)):
        input, out = isnan(input), isnan(out)
    return shared(g, input, out, None, False)


_whole_median.grad(input=_median_to_input)
_whole_median.explain(
    "The middle element gets the gradient; equal ones share it.",
    zero="not the middle one",
    input="g · [input = out] / Σ [input = out]",
)


@op
def _middle(input: Array, dim: int) -> Array:
    """Where the lower median along dim stands; the first NaN where there is one."""
    if input.ndim == 0:
        return np.zeros((), int64)
    places = np.argsort(input, axis=dim, kind="stable")
    middle = np.take(places, [(input.shape[dim] - 1) // 2], axis=dim)
    if input.dtype.kind != "f":
        return middle
    unknown = np.isnan(input)
    return np.where(unknown.any(dim, keepdims=True), unknown.argmax(dim, keepdims=True), middle)


_middle.grad(input=None)


# What there is, and how often.


@appears("function method", flags="return_inverse return_counts -> tuple[Array, ...]")
@op
def unique(
    input: Array, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Array:
    """The different elements in order; with return_inverse where each went, with return_counts how many there are.

    dim: compare the slices along this axis instead of the elements.

    >>> import tinygrad_cnn as tg
    >>> values, counts = tg.unique(tg.tensor([2, 1, 2]), return_counts=True)
    >>> values.tolist(), counts.tolist()
    ([1, 2], [1, 2])
    """
    d = None if dim is None else axis("unique", dim, input.ndim)
    values, inverse, counts = np.unique(input, return_inverse=True, return_counts=True, axis=d, equal_nan=False)
    inverse = inverse.reshape(input.shape if dim is None else -1)
    out = (values, *([inverse] if return_inverse else []), *([counts] if return_counts else []))
    return out if len(out) > 1 else values


unique.grad(input=None)


@appears("function method")
@op(exact=True)
def bincount(input: Array, weights: Array | None = None, minlength: int = 0) -> Array:
    """How often each integer 0, 1, ... occurs, or the sum of its weights        (n,) -> (max + 1,)

    RuntimeError for negative numbers, and for all but integers.

    >>> import tinygrad_cnn as tg
    >>> tg.bincount(tg.tensor([1, 3, 1])).tolist()
    [0, 2, 0, 1]
    >>> tg.bincount(tg.tensor([1, 3, 1]), weights=tg.tensor([0.5, 2.0, 0.25]), minlength=5).tolist()
    [0.0, 0.75, 0.0, 2.0, 0.0]
    """
    if input.dtype.kind not in "iu":
        raise NotImplementedError(f"bincount: input must be of integers, got {input.dtype}")
    if input.ndim != 1 or (input.size and input.min() < 0):
        raise RuntimeError(
            f"bincount: input must be a vector of integers, none negative; got shape {input.shape}, {input.dtype}"
        )
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError(f"bincount: weights {weights.shape} must have the shape of input {input.shape}")
    counts = np.bincount(input, weights, minlength)
    if not input.size:
        return counts.astype(int64)
    return counts if weights is None else counts.astype(float32 if weights.dtype == float32 else float64)


bincount.grad(input=None)


@appears("function out exact method")
def histc(input: Array, bins: int = 100, min: float = 0, max: float = 0) -> Array:
    """How many elements fall into each of `bins` equal parts of [min, max]; if both are equal, of the input's range.

    The last part includes max; what is outside does not count. NotImplementedError for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.histc(tg.tensor([0.0, 0.5, 1.0, 2.0, 5.0]), bins=2, min=0, max=2).tolist()
    [2.0, 2.0]
    """
    if input.dtype.kind != "f":
        raise NotImplementedError(f"histc: input must be floating, got {input.dtype}; convert it with .float()")
    if min > max:
        raise RuntimeError(f"histc: max must not be smaller than min, got {min} and {max}")
    if bins < 1:
        raise RuntimeError(f"histc: bins must be 1 or more, got {bins}")
    return _histc(input.detach(), bins, min, max)


@op
def _histc(input: Array, bins: int, min: float, max: float) -> Array:
    if min == max and input.size:
        min, max = float(input.min()), float(input.max())
    if min == max:
        min, max = min - 1, max + 1
    counts, _ = np.histogram(input[(input >= min) & (input <= max)], bins, (min, max))
    return counts.astype(input.dtype)


_histc.grad(input=None)
