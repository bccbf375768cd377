"""Reductions: sums, products, means and variances along the axes `dim` (an int, a tuple of them, None for all).

The reduced axes go away, or stay with length 1 under keepdim=True. Integers and bool are summed as int64.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np

from ..arrays.dtypes import int64
from ..arrays.plain import once
from ..arrays.types import Array, Axis, DType
from ..engine.broadcast import cast, expand_to, in_float32
from ..engine.call import op
from ..engine.tensor import as_array
from ..kernels import kernel
from ..kernels.at_once import at_once
from .choice import where
from .compare import eq, isnan, logical_not
from .declared import appears
from .dims import along, axis, counted, over, reduced
from .elementwise import divide, mul
from .pointwise import elementwise
from .unary import nought, real


def spread(a: Any, shape: tuple, dim: Any, keepdim: bool) -> Any:
    """A reduced array repeated along the axes that it lost: the adjoint of a sum, -> shape."""
    return expand_to(_kept(a, shape, dim, keepdim), shape)


def _kept(a: Any, shape: tuple, dim: Any, keepdim: bool) -> Any:
    """A reduced array with axes of length 1 in place of those that it lost; a number is as good."""
    if a.shape and not keepdim:
        lost = reduced("spread", dim, len(shape))
        a = a.reshape(tuple(1 if i in lost else n for i, n in enumerate(shape)))
    return a


def _counted(input: Any, dtype: Any) -> Any:
    """The dtype of a sum: as given, else int64 for integers and bool."""
    if dtype is not None:
        return np.dtype(dtype)
    return None if input.dtype.kind in "fc" else int64


@appears("function out method")
@op
def sum(input: Array, dim: Axis | None = None, keepdim: bool = False, dtype: DType | None = None) -> Array:
    """Σ input along dim.

    dim: an int, a tuple of them, None for all axes; they go away, or stay with length 1 under keepdim.
    dtype: convert the input to it first; integers and bool are summed as int64.
    IndexError for an axis that is not there, RuntimeError for one that is named twice.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> y = tg.sum(x, dim=1)
    >>> y.tolist()
    [3.0, 7.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    over = reduced("sum", dim, input.ndim, keepdim)
    if dtype is not None:
        input = input.astype(dtype, copy=False)
    if input.dtype.kind not in "fc":
        return np.add.reduce(input, axis=over, dtype=_counted(input, dtype), keepdims=keepdim)  # type: ignore[call-overload]
    return kernel.sum(input, over, keepdim)


sum.grad(input=lambda g, input_shape, dim, keepdim: spread(g, input_shape, dim, keepdim))
sum.explain(
    "Every element that was added gets the sum's gradient.",
    input=lambda dim=0, input_shape=None: "g" + along(dim, input_shape),
)


@appears("function out method")
@op
def mean(input: Array, dim: Axis | None = None, keepdim: bool = False, dtype: DType | None = None) -> Array:
    """Σ input / n along dim; NaN where n is 0. RuntimeError for integers, whose mean is none.

    dim: an int, a tuple of them, None for all axes; they go away, or stay with length 1 under keepdim.
    dtype: convert the input to it first. IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.mean(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0).tolist()
    [2.0, 3.0]
    """
    kind = np.dtype(dtype or input.dtype)
    if kind.kind not in "fc":
        raise RuntimeError(
            f"mean: the dtype of the result must be floating, got {kind}; convert with .float() or give dtype="
        )
    return average(input.astype(kind, copy=False), reduced("mean", dim, input.ndim, keepdim), keepdim)


def average(a: np.ndarray, over: tuple, keepdim: bool = False) -> Any:
    """The mean of an array over these axes, finite even where the sum is beyond the range of its dtype."""
    n = a.size if len(over) == a.ndim else math.prod([a.shape[i] for i in over])
    out = kernel.sum(a, over, keepdim) / n
    whole = out if out.ndim == 0 else np.add.reduce(out, axis=None)  # finite where they are, and sooner looked at
    return out if cmath.isfinite(whole) or not n else kernel.sum(a / n, over, keepdim)


def _mean_to_input(g: Any, input_shape: tuple, dim: Any, keepdim: bool) -> Any:
    n = math.prod(input_shape[i] for i in reduced("mean", dim, len(input_shape)))
    return spread(g / n, input_shape, dim, keepdim)


mean.grad(input=_mean_to_input)
mean.explain(
    "Every element gets an equal share of the mean's gradient.",
    input=lambda dim=0, input_shape=None: "g / n" + along(dim, input_shape),
    numbers={"n": counted},
)


@appears("function out method")
@op
def prod(input: Array, dim: Axis | None = None, keepdim: bool = False, dtype: DType | None = None) -> Array:
    """Π input along one axis, or of all elements. The gradient is right where elements are 0.

    dim: an int; the axis goes away, or stays with length 1 under keepdim.
    dtype: compute in it; integers and bool are multiplied as int64. IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> tg.prod(x).backward()
    >>> x.grad.tolist()
    [0.0, 6.0, 0.0]
    """
    if dim is not None:
        dim = (axis("prod", dim, input.ndim),)[: input.ndim]
    if dtype is not None or input.dtype.kind not in "fc":
        input = input.astype(_counted(input, dtype), copy=False)
    return kernel.fold(input, "prod", tuple(range(input.ndim)) if dim is None else dim, keepdim)


def _prod_to_input(g: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    shape = np.shape(as_array(input))
    g = spread(g, shape, dim, keepdim)
    if dim is None:
        return g * prod_others(input.reshape((-1,)), 0).reshape(shape)
    return g * prod_others(input, axis("prod", dim, len(shape)))


prod.grad(input=_prod_to_input)
prod.explain(
    "Each factor gets the product of the others.",
    zero="another factor is zero",
    input="[i] = g · Π_{j ≠ i} input[j]",
)


@at_once
def _divided(whole: np.ndarray, input: np.ndarray) -> np.ndarray:
    return whole / input


@op
def prod_others(input: Array, dim: int) -> Array:
    """For each element the product of all the others along dim: what prod is differentiated to."""
    if input.ndim == 0:
        return np.ones_like(input)
    whole = kernel.fold(input, "prod", (dim % input.ndim,), True)
    size = np.abs(whole)
    if whole.size and np.finfo(whole.dtype).tiny <= size.min() and size.max() < math.inf:
        return _divided(whole, input)  # no factor is 0, and no digit of the product is lost
    input = np.moveaxis(input, dim, -1)
    before = np.ones_like(input)
    np.cumprod(input[..., :-1], axis=-1, out=before[..., 1:])
    behind = np.ones_like(input)
    np.cumprod(input[..., :0:-1], axis=-1, out=behind[..., -2::-1])
    return np.moveaxis(before * behind, -1, dim)


def _prod_others_to_input(g: Any, input: Any, dim: int) -> Any:
    """Element k of the gradient is Σ over i ≠ k of g[i] times the product of all but i and k."""
    shape = np.shape(as_array(input))
    if not shape:
        return nought(g)
    n = shape[dim]
    # Row i along a new axis in front of dim: the input with element i made 1, so that it is out of every product.
    rows = (*shape[:dim], n, *shape[dim:])
    own = np.eye(n, dtype=bool).reshape((n, n) + (1,) * (len(shape) - dim - 1))
    pairs = prod_others(where(own, 1, _before(input, dim, rows)), dim + 1)
    g = expand_to(g.reshape((*shape[: dim + 1], 1, *shape[dim + 1 :])), rows)
    return sum(where(own, 0, g * pairs), dim)


def _before(a: Any, dim: int, rows: tuple) -> Any:
    """The array repeated along a new axis in front of dim."""
    shape = np.shape(as_array(a))
    return expand_to(a.reshape((*shape[:dim], 1, *shape[dim:])), rows)


prod_others.grad(input=_prod_others_to_input)
prod_others.explain(
    "Each factor gets the products of all others but one.",
    zero="other factors are zero",
    input="[i] = Σ_{k ≠ i} g[k] · Π_{j ≠ i, j ≠ k} input[j]",
)


@appears("function out method")
def nansum(input: Array, dim: Axis | None = None, keepdim: bool = False, dtype: DType | None = None) -> Array:
    """The sum along dim, NaN counted as 0.

    dim, keepdim and dtype as in `sum`.

    >>> import tinygrad_cnn as tg
    >>> tg.nansum(tg.tensor([[1.0, float("nan")], [3.0, 4.0]]), dim=1).tolist()
    [1.0, 7.0]
    """
    return sum(where(isnan(input), 0, input), dim, keepdim, dtype)


@appears("function out method")
def nanmean(input: Array, dim: Axis | None = None, keepdim: bool = False, dtype: DType | None = None) -> Array:
    """The mean along dim of what is not NaN.

    NaN where nothing else is there. RuntimeError for integers.

    dim, keepdim and dtype as in `mean`.

    >>> import tinygrad_cnn as tg
    >>> nan = float("nan")
    >>> tg.nanmean(tg.tensor([[1.0, nan], [3.0, 5.0], [nan, nan]]), dim=1).tolist()
    [1.0, 4.0, nan]
    """
    wide = input if dtype is None else cast(input, dtype)
    expect_floating("nanmean", wide)
    return _nanmean(wide, dim, keepdim)


@in_float32
def _nanmean(input: Any, dim: Any, keepdim: bool) -> Any:
    return divide(nansum(input, dim, keepdim), sum(logical_not(isnan(input)), dim, keepdim))


@appears("function method")
@op
def count_nonzero(input: Array, dim: Axis | None = None) -> Array:
    """How many elements along dim are not zero, int64.

    >>> import tinygrad_cnn as tg
    >>> tg.count_nonzero(tg.tensor([[0.0, 2.0], [-1.0, float("nan")]]), dim=1).tolist()
    [1, 2]
    """
    return np.asarray(np.count_nonzero(input, axis=reduced("count_nonzero", dim, input.ndim)), int64)


count_nonzero.grad(input=None)


@elementwise
def _powers(input: Array, top: Array) -> Array:
    """e^(input - top)"""
    return np.exp(input - top)


_powers.grad(input=lambda g, out: g * out, top=lambda g, out: -g * out)
_powers.explain("The exponential is its own slope.", input="g · out", top="−g · out")


@appears("function out method")
@op
def logsumexp(input: Array, dim: Axis, keepdim: bool = False) -> Array:
    """ln Σ e^input along dim, for inputs of any size.

    dim and keepdim as in `sum`. The gradient is the softmax.

    >>> import tinygrad_cnn as tg
    >>> round(tg.logsumexp(tg.tensor([1000.0, 1000.0]), 0).item(), 3)
    1000.693
    """
    input = real(input)
    over = reduced("logsumexp", dim, input.ndim, keepdim)
    top = np.maximum.reduce(once(input, over), axis=over, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    out = np.log(kernel.sum(_powers(input, top), over, True)) + top
    return out if keepdim else out.squeeze(over)


def _logsumexp_to_input(g: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    """g · softmax(input), by the maximum and not by the result, whose digits a common offset of the input takes up."""
    values = as_array(input)
    over = reduced("logsumexp", dim, values.ndim)
    top = np.maximum.reduce(values, axis=over, keepdims=True, initial=-np.inf)
    powers = _powers(input, np.where(np.isfinite(top), top, 0).astype(values.dtype))
    total = sum(powers, over, True)
    return mul(powers, _kept(g, values.shape, dim, keepdim) / where(eq(total, 0), 1, total))  # of nothing, no share


logsumexp.grad(input=_logsumexp_to_input)
logsumexp.explain(
    "Each element gets its share in the sum: the softmax.",
    input="g · e^{input − out}",
)


@elementwise
def _apart(input: Array, mean: Array, grad: Array, factor: float) -> Array:
    """(input - mean) · grad · factor: what the variance is differentiated to"""
    return (input - mean) * grad * factor


_apart.grad(
    input=lambda g, grad, factor: g * grad * factor,
    mean=lambda g, grad, factor: -g * grad * factor,
    grad=lambda g, input, mean, factor: g * (input - mean) * factor,
)
_apart.explain(
    "A product: each factor gets the gradient times the other.",
    zero="the element is the mean itself",
    input="g · grad · factor",
    mean="−g · grad · factor",
    grad="g · (input − mean) · factor",
)


@op
def variance(input: Array, dim: Axis | None = None, correction: float = 1, keepdim: bool = False) -> Array:
    """Σ (input - mean)² / (n - correction) along dim; NaN where n <= correction."""
    expect_floating("var", input)
    return _variance(input, dim, correction, False, keepdim)


def _variance(input: np.ndarray, dim: Any, correction: float, root: bool, keepdim: bool) -> Any:
    over = reduced("var", dim, input.ndim, keepdim)
    n = math.prod([input.shape[i] for i in over])
    return kernel.variance(input, over, _at_least_0(n - correction), root, keepdim)


def expect_floating(name: str, input: Any) -> None:
    if input.dtype.kind not in "fc":
        raise RuntimeError(f"{name}: only floating tensors have one, got {input.dtype}; convert it with .float()")


def _at_least_0(n: float) -> float:
    return n if n > 0 else 0


def _variance_to_input(g: Any, input: Any, dim: Any, correction: float, keepdim: bool) -> Any:
    shape = np.shape(as_array(input))
    n = math.prod(shape[i] for i in reduced("var", dim, len(shape)))
    freedom = _at_least_0(n - correction)
    factor = 2 / freedom if freedom else math.nan
    return _apart(input, mean(input, dim, True), _kept(g, shape, dim, keepdim), factor)


variance.grad(input=_variance_to_input)
variance.explain(
    "Each element gets its distance from the mean; the mean's own part cancels.",
    zero="the element is the mean itself",
    input=lambda dim=None, input_shape=None: f"2 · g · (input − mean{over(dim, input_shape)} input) / (n − correction)",
    numbers={"n": counted},
)


@op
def deviation(input: Array, dim: Axis | None = None, correction: float = 1, keepdim: bool = False) -> Array:
    """The square root of `variance`; where it is 0 its gradient is 0."""
    expect_floating("std", input)
    return _variance(input, dim, correction, True, keepdim)


def _deviation_to_input(g: Any, input: Any, out: Any, dim: Any, correction: float, keepdim: bool) -> Any:
    still = eq(out, 0)
    g = where(still, 0, g) / (2 * where(still, 1, out))
    return _variance_to_input(g, input, dim, correction, keepdim)


deviation.grad(input=_deviation_to_input)
deviation.explain(
    "The variance's gradient divided by twice the deviation.",
    zero="there is no deviation",
    input=lambda dim=None, input_shape=None: (
        f"g · (input − mean{over(dim, input_shape)} input) / ((n − correction) · out)"
    ),
    numbers={"n": counted},
)


@appears("function out method")
def var(
    input: Array,
    dim: Axis | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Array:
    """Σ (input - mean)² / (n - correction) along dim. unbiased=False is correction=0; the default is 1.

    dim: an int, a tuple of them, None for all axes; they go away, or stay with length 1 under keepdim.
    NaN where n <= correction. RuntimeError for integers, TypeError for unbiased beside correction.

    >>> import tinygrad_cnn as tg
    >>> tg.var(tg.tensor([1.0, 2.0, 3.0])).item(), tg.var(tg.tensor([1.0, 3.0]), correction=0).item()
    (1.0, 1.0)
    """
    return variance(input, *_freedom("var", dim, unbiased, correction), keepdim)


@appears("function out method")
def std(
    input: Array,
    dim: Axis | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Array:
    """√var: the standard deviation along dim.

    correction and unbiased as in `var`. Where it is 0, its gradient is 0. RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]])
    >>> tg.std(x, dim=1).tolist(), tg.std(tg.tensor([1.0, 3.0]), correction=0).item()
    ([1.0, 0.0], 1.0)
    """
    return deviation(input, *_freedom("std", dim, unbiased, correction), keepdim)


@appears("function")
def var_mean(
    input: Array,
    dim: Axis | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Array, Array]:
    """(var, mean) along dim.

    The arguments are those of `var`.

    >>> import tinygrad_cnn as tg
    >>> var, mean = tg.var_mean(tg.tensor([[1.0, 3.0], [2.0, 6.0]]), dim=1)
    >>> var.tolist(), mean.tolist()
    ([2.0, 8.0], [2.0, 4.0])
    """
    dim, correction = _freedom("var_mean", dim, unbiased, correction)
    return variance(input, dim, correction, keepdim), mean(input, dim, keepdim)


@appears("function")
def std_mean(
    input: Array,
    dim: Axis | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Array, Array]:
    """(std, mean) along dim.

    The arguments are those of `var`.

    >>> import tinygrad_cnn as tg
    >>> std, mean = tg.std_mean(tg.tensor([[1.0, 3.0], [2.0, 6.0]]), dim=1, correction=0)
    >>> std.tolist(), mean.tolist()
    ([1.0, 2.0], [2.0, 4.0])
    """
    dim, correction = _freedom("std_mean", dim, unbiased, correction)
    return deviation(input, dim, correction, keepdim), mean(input, dim, keepdim)


def _freedom(name: str, dim: Any, unbiased: Any, correction: Any) -> tuple[Any, float]:
    """dim and correction, from one of the ways to say them; var(x, False) is PyTorch's var(x, unbiased=False)."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{name}: unbiased={unbiased} and correction={correction} say the same; give one of them")
    if correction is None:
        correction = 0 if unbiased is False else 1
    return dim, correction
