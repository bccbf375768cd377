"""Statistics of a sample: quantiles, the most frequent value, covariances."""

from __future__ import annotations

import warnings
from typing import Any, overload

import numpy as np

from ..arrays.dtypes import int64
from ..arrays.types import Array
from ..engine.call import op
from ..engine.tensor import Tensor, as_array
from .choice import clamp, where
from .compare import isnan, logical_not
from .declared import appears
from .dims import axis
from .elementwise import divide, lerp, mul
from .extreme import Chosen, choosing, chosen
from .gather import gather
from .index import getitem
from .linalg import mm
from .rearrange import diagonal
from .reduce import sum as total
from .shape import expand, movedim, reshape, squeeze, t, unsqueeze
from .sort import median, sort
from .unary import ceil, floor, round, sqrt

# Quantiles.

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@appears("function out exact method")
def quantile(
    input: Array, q: float | Array, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Array:
    """The element that a share q of all along dim is below: number q·(n - 1) in order, of all elements without dim.

    q: a number from 0 to 1, or a vector of such in the dtype of input, whose results stand along a new first axis.
    interpolation: what lies between two elements is the point "linear" between them, the "lower", "higher" or "nearest"
    one, or their "midpoint". NaN where there is one. RuntimeError for an empty input, and for all but float32 and
    float64.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[4.0, 1.0, 2.0], [9.0, 7.0, 8.0]])
    >>> tg.quantile(x, 0.5).item(), tg.quantile(x, tg.tensor([0.0, 0.75]), dim=1).tolist()
    (5.5, [[1.0, 7.0], [3.0, 8.5]])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@appears("function out exact method")
def nanquantile(
    input: Array, q: float | Array, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Array:
    """`quantile` of what is not NaN; NaN where nothing else is there.

    >>> import tinygrad_cnn as tg
    >>> tg.nanquantile(tg.tensor([3.0, float("nan"), 1.0]), 0.5).item()
    2.0
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


def _quantile(name: str, input: Any, q: Any, dim: Any, keepdim: bool, interpolation: str) -> Any:
    dtype, several = as_array(input).dtype, isinstance(q, Tensor | np.ndarray)
    if dtype not in (np.float32, np.float64):
        raise RuntimeError(f"{name}: input must be of dtype float32 or float64, got {dtype}; convert it")
    if not np.size(as_array(input)):
        raise RuntimeError(f"{name}: input must not be empty, got shape {tuple(input.shape)}")
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(f"{name}: interpolation must be one of {', '.join(INTERPOLATIONS)}; got {interpolation!r}")
    if not several and not hasattr(q, "__float__"):
        raise TypeError(f"{name}: q must be a number or a Tensor, got {type(q).__name__}")
    if several and (q.ndim > 1 or q.dtype != dtype):
        raise RuntimeError(f"{name}: q must be a number or a vector of dtype {dtype}; got {tuple(q.shape)}, {q.dtype}")
    given = np.asanyarray(as_array(q))
    if not np.all((given >= 0) & (given <= 1)):
        raise RuntimeError(f"{name}: q must be in the range 0 to 1, got {given.tolist()}")
    d = None if dim is None else axis(name, dim, input.ndim)
    kept = tuple(1 if d is None or i == d else n for i, n in enumerate(input.shape))
    rows = reshape(input, (-1,)) if d is None or not input.ndim else movedim(input, d, -1)
    found = _in_order(name, rows, q if several else np.asarray(q, dtype), interpolation)  # (..., number of q)
    rest = kept if keepdim else kept[:0] if d is None else (*kept[:d], *kept[d + 1 :])
    if not several or not q.ndim:
        return reshape(found, rest)
    return reshape(movedim(found, -1, 0), (len(given), *rest))


def _in_order(name: str, rows: Any, q: Any, interpolation: str) -> Any:
    """The quantiles of each row: (..., n) -> (..., number of q)."""
    n = rows.shape[-1]
    values = sort(rows).values
    unknown = as_array(isnan(values))
    if name == "quantile":
        last = n - 1
        ranks = where(unknown.any(-1, keepdims=True), last, reshape(q, (-1,)) * last)
    else:
        there = (n - 1 - np.count_nonzero(unknown, axis=-1, keepdims=True)).astype(values.dtype)
        ranks = reshape(q, (-1,)) * np.maximum(there, 0)
    shape = (*rows.shape[:-1], ranks.shape[-1])
    ranks = expand(ranks, shape)
    if interpolation in ("lower", "higher", "nearest"):
        ranks = {"lower": floor, "higher": ceil, "nearest": round}[interpolation](ranks)
    places = as_array(ranks)
    below = gather(values, -1, places.astype(np.int64))
    if interpolation not in ("linear", "midpoint"):
        return below
    above = gather(values, -1, np.ceil(places).astype(np.int64))
    weight = ranks - np.floor(places) if interpolation == "linear" else np.full(shape, 0.5, values.dtype)
    return lerp(below, above, weight)


# The middle and the most frequent one.


@overload
def nanmedian(input: Array) -> Array: ...
@overload
def nanmedian(input: Array, dim: int, keepdim: bool = False) -> Chosen: ...
@appears("function out method")
def nanmedian(input: Array, dim: int | None = None, keepdim: bool = False) -> Any:
    """`median` of what is not NaN; NaN where nothing else is there.

    >>> import tinygrad_cnn as tg
    >>> tg.nanmedian(tg.tensor([4.0, float("nan"), 3.0, 2.0])).item()
    3.0
    """
    if dim is None:
        known = np.asarray(as_array(logical_not(isnan(input))))
        return median(getitem(input, known) if known.any() else input)
    d = axis("nanmedian", dim, input.ndim)
    if 0 in tuple(input.shape)[d : d + 1]:
        raise IndexError(f"nanmedian: axis {d} of shape {tuple(input.shape)} is empty; expected a size of 1 or more")
    return chosen(_nanmedian, input, _known_middle(input, d), d, keepdim)


_nanmedian = choosing("nanmedian")


@op
def _known_middle(input: Array, dim: int) -> Array:
    """Where the lower median of what is not NaN stands along dim."""
    if input.ndim == 0:
        return np.zeros((), int64)
    places = np.argsort(input, axis=dim, kind="stable")  # NaN comes last
    known = np.count_nonzero(input == input, axis=dim, keepdims=True)
    return np.take_along_axis(places, np.maximum(known - 1, 0) // 2, dim)


_known_middle.grad(input=None)


@appears("function out exact method")
def mode(input: Array, dim: int = -1, keepdim: bool = False) -> Chosen:
    """The most frequent element along dim, the smallest of several, as (values, indices): where it stands last.

    IndexError for an empty axis.

    >>> import tinygrad_cnn as tg
    >>> values, indices = tg.mode(tg.tensor([[3, 1, 3], [2, 1, 0]]))
    >>> values.tolist(), indices.tolist()
    ([3, 0], [2, 2])
    """
    d = axis("mode", dim, input.ndim)
    if 0 in tuple(input.shape)[d : d + 1]:
        raise IndexError(f"mode: axis {d} of shape {tuple(input.shape)} is empty; expected a size of 1 or more")
    return chosen(_mode, input, _most_frequent(input, d), d, keepdim)


_mode = choosing("mode")


@op
def _most_frequent(input: Array, dim: int) -> Array:
    """Where the last of the most frequent elements stands along dim."""
    if input.ndim == 0:
        return np.zeros((), int64)
    places = np.moveaxis(np.argsort(input, axis=dim, kind="stable"), dim, -1)
    values = np.take_along_axis(np.moveaxis(input, dim, -1), places, -1)
    count = np.arange(values.shape[-1])
    begins = np.ones(values.shape, bool)
    begins[..., 1:] = values[..., 1:] != values[..., :-1]
    run = count - np.maximum.accumulate(np.where(begins, count, 0), axis=-1)  # how many equal ones stand before it
    if not run.size:
        return np.zeros(tuple(1 if i == dim else n for i, n in enumerate(input.shape)), int64)
    ends = np.expand_dims(run.argmax(-1), -1)
    return np.moveaxis(np.take_along_axis(places, ends, -1), -1, dim)


_most_frequent.grad(input=None)


# Of several variables.


@appears("function method")
def cov(input: Array, *, correction: int = 1, fweights: Array | None = None, aweights: Array | None = None) -> Array:
    """The covariances of variables, a row each: Σ (x - mean x)·(y - mean y) / (n - correction)        (V, n) -> (V, V)

    fweights: how often each observation counts, integers. aweights: how important it is, floating. One variable, a
    vector, gives its variance. RuntimeError for more than two axes, for bool, and for weights that do not fit.

    >>> import tinygrad_cnn as tg
    >>> tg.cov(tg.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    if input.ndim > 2:
        raise RuntimeError(f"cov: expected at most two axes, got shape {tuple(input.shape)}")
    if input.dtype.kind == "b":
        raise RuntimeError("cov: a bool has no covariance; convert input with .float()")
    x = input if input.ndim == 2 else reshape(input, (1, -1))
    n = x.shape[1]
    weights: Any = None
    for name, given, kind in (("fweights", fweights, "iu"), ("aweights", aweights, "f")):
        if given is None:
            continue
        if given.ndim > 1 or np.size(as_array(given)) != n:
            raise RuntimeError(
                f"cov: {name} must be a vector of {n}, one of each observation; got {tuple(given.shape)}"
            )
        if given.dtype.kind not in kind:
            raise RuntimeError(f"cov: {name} must be {'integers' if kind == 'iu' else 'floating'}, got {given.dtype}")
        if n and np.min(as_array(given)) < 0:
            raise RuntimeError(f"cov: {name} cannot be negative")
        weights = given if weights is None else mul(weights, given)
    whole: Any = n if weights is None else total(weights)
    if weights is not None and float(as_array(whole)) == 0:
        raise RuntimeError("cov: the weights sum to zero, so they cannot be normalized")
    summed = total(x if weights is None else mul(x, weights), 1)
    freedom: Any = whole - correction
    if aweights is not None and correction:
        freedom = whole - correction * total(mul(weights, aweights)) / whole
    elif aweights is not None:
        freedom = whole
    if float(as_array(freedom)) <= 0:
        warnings.warn("cov: there are no more observations than correction, so it is divided by zero", stacklevel=3)
        freedom = 0
    x = x - unsqueeze(divide(summed, whole), 1)
    return squeeze(divide(mm(x, t(x if weights is None else mul(x, weights))), freedom))


@appears("function method")
def corrcoef(input: Array) -> Array:
    """The correlations of variables, a row each: cov(x, y) / √(var x · var y)        (V, n) -> (V, V)

    One variable, a vector, gives 1.

    >>> import tinygrad_cnn as tg
    >>> tg.corrcoef(tg.tensor([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    found = cov(input)
    if not found.ndim:
        return divide(found, found)
    spread = sqrt(diagonal(found))
    return clamp(found / reshape(spread, (-1, 1)) / reshape(spread, (1, -1)), -1, 1)
