"""Running sums, products and extremes along one axis: element i of the result speaks of elements 0 to i.

(..., n, ...) -> (..., n, ...)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.dtypes import int64
from ..arrays.types import Array, DType
from ..engine.broadcast import expand_to
from ..engine.call import op
from ..engine.tensor import as_array
from .choice import where
from .declared import appears
from .dims import axis
from .elementwise import mul
from .extreme import Chosen, choosing, chosen
from .reduce import prod_others, sum


def _running(name: str, ufunc: np.ufunc, input: Any, dim: Any, dtype: Any) -> np.ndarray:
    d = axis(name, dim, input.ndim)
    if dtype is None:
        dtype = input.dtype if input.dtype.kind in "fc" else int64
    if np.dtype(dtype).kind == "b":
        raise RuntimeError(f"{name}: a bool counts no further than 1; give a dtype= of numbers")
    if input.ndim == 0:
        return input.astype(dtype)
    dtype = np.dtype(dtype)
    return ufunc.accumulate(input, axis=d, dtype=_DOUBLE.get(dtype, dtype)).astype(dtype, copy=False)


# Every element is added, or multiplied, to all before it: in float32 the last ones would have few digits left.
_DOUBLE = {np.dtype(np.float32): np.dtype(np.float64), np.dtype(np.complex64): np.dtype(np.complex128)}


@appears("function out method in_place")
@op
def cumsum(input: Array, dim: int, dtype: DType | None = None) -> Array:
    """out[i] = input[0] + ... + input[i] along dim.

    Integers and bool are summed as int64, unless there is a dtype. IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = tg.cumsum(x, 0)
    >>> y.tolist()
    [1.0, 3.0, 6.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [3.0, 2.0, 1.0]
    """
    return _running("cumsum", np.add, input, dim, dtype)


cumsum.grad(input=lambda g, dim: sum_onwards(g, dim))
cumsum.explain("An element is in every later sum: it gets the sum of their gradients.", input="[i] = Σ_{j ≥ i} g[j]")


@op
def sum_onwards(input: Array, dim: int) -> Array:
    """out[i] = input[i] + ... + input[n-1] along dim: what cumsum is differentiated to."""
    return np.flip(_running("sum_onwards", np.add, np.flip(input, dim), dim, None), dim) if input.ndim else input.copy()


sum_onwards.grad(input=lambda g, dim: cumsum(g, dim))
sum_onwards.explain(
    "An element is in every earlier sum: it gets the sum of their gradients.", input="[i] = Σ_{j ≤ i} g[j]"
)


@appears("function out method in_place")
@op
def cumprod(input: Array, dim: int, dtype: DType | None = None) -> Array:
    """out[i] = input[0] · ... · input[i] along dim. The gradient is right where elements are 0.

    Integers and bool are multiplied as int64, unless there is a dtype. IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> y = tg.cumprod(x, 0)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([2.0, 0.0, 0.0], [1.0, 8.0, 0.0])
    """
    return _running("cumprod", np.multiply, input, dim, dtype)


def _cumprod_to_input(g: Any, input: Any, out: Any, dim: int) -> Any:
    """Element k of the gradient is Σ over i >= k of g[i] times the product of the first i elements but for k."""
    shape = np.shape(as_array(input))
    if not shape:
        return g
    if isinstance(input, np.ndarray) and input.all():
        return sum_onwards(g * out, dim) / input
    d = axis("cumprod", dim, len(shape))
    n = shape[d]
    # Row i along a new axis in front of d: the first i elements, ones behind them.
    rows = (*shape[:d], n, *shape[d:])
    first = np.tril(np.ones((n, n), bool)).reshape((n, n) + (1,) * (len(shape) - d - 1))
    others = prod_others(where(first, expand_to(input.reshape((*shape[:d], 1, *shape[d:])), rows), 1), d + 1)
    g = expand_to(g.reshape((*shape[: d + 1], 1, *shape[d + 1 :])), rows)
    return sum(where(first, mul(g, others), 0), d)


cumprod.grad(input=_cumprod_to_input)
cumprod.explain(
    "An element is a factor of every later product.",
    zero="another factor is zero",
    input="[i] = Σ_{j ≥ i} g[j] · Π_{k ≤ j, k ≠ i} input[k]",
)


# Extremes so far, with their places: the latest of equal ones, as in PyTorch.


@op
def _latest(input: Array, dim: int, least: bool) -> Array:
    """Where the extreme of elements 0 to i stands, for each i."""
    if input.ndim == 0:
        return np.zeros((), int64)
    best = (np.minimum if least else np.maximum).accumulate(input, axis=dim)
    place = np.arange(input.shape[dim]).reshape((-1,) + (1,) * (input.ndim - 1 - dim))
    is_best = (input == best) | (input != input)  # NaN is an extreme, whoever comes later
    return np.maximum.accumulate(np.where(is_best, place, 0), axis=dim)


_latest.grad(input=None)


@appears("function out exact method")
def cummax(input: Array, dim: int) -> Chosen:
    """The greatest of elements 0 to i along dim, as (values, indices).

    The latest of equal ones; NaN stays once it came. IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.cummax(tg.tensor([1, 3, 2]), 0).values.tolist()
    [1, 3, 3]
    """
    d = axis("cummax", dim, input.ndim)
    return chosen(_cummax, input, _latest(input, d, False), d)


_cummax = choosing("cummax")


@appears("function out exact method")
def cummin(input: Array, dim: int) -> Chosen:
    """The smallest of elements 0 to i along dim, as (values, indices).

    The latest of equal ones; NaN stays once it came.

    >>> import tinygrad_cnn as tg
    >>> values, indices = tg.cummin(tg.tensor([3, 1, 2, 1]), 0)
    >>> values.tolist(), indices.tolist()
    ([3, 1, 1, 1], [0, 1, 1, 3])
    """
    d = axis("cummin", dim, input.ndim)
    return chosen(_cummin, input, _latest(input, d, True), d)


_cummin = choosing("cummin")
