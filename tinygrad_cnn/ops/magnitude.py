"""How large vectors and matrices are: norms along the axes `dim`, reductions like those in `reduce.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.types import Array, Axis, DType
from ..engine.broadcast import cast
from ..engine.call import op
from ..engine.tensor import as_array
from ..kernels import kernel
from .choice import where
from .compare import eq
from .declared import appears
from .dims import over, reduced
from .extreme import shared
from .reduce import expect_floating, spread
from .unary import abs, nought, sign


def in_dtype(name: str, x: Any, dtype: Any) -> Any:
    """x in the dtype that a norm is to be computed in; a RuntimeError where that is narrower."""
    if dtype is None:
        return x
    if (dtype := np.dtype(dtype)).kind not in "fc" or dtype.itemsize < x.dtype.itemsize:
        raise RuntimeError(f"{name}: dtype must be a floating one, and no narrower than {x.dtype}, got {dtype}")
    return cast(x, dtype)


@appears("linalg out exact")
@op
def vector_norm(
    x: Array, ord: float = 2, dim: Axis | None = None, keepdim: bool = False, dtype: DType | None = None
) -> Array:
    """(Σ |x|^ord)^(1/ord) along dim; for ord 0 how many are not 0, for inf and -inf the largest and smallest |x|.

    The gradient is 0 where the norm is 0.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([3.0, 4.0], requires_grad=True)
    >>> y = vector_norm(x)
    >>> y.backward()
    >>> y.item(), x.grad.tolist()
    (5.0, [0.6000000238418579, 0.800000011920929])
    """
    expect_floating("norm", x)
    over = reduced("norm", dim, x.ndim, keepdim)
    if (ord < 0 or ord == math.inf) and 0 in [x.shape[axis] for axis in over]:
        raise RuntimeError(f"norm: of order {ord} it needs elements, but shape {x.shape} has none along dim={dim}")
    x = in_dtype("norm", x, dtype)
    if ord == 2 and x.dtype.kind == "f":
        return np.sqrt(kernel.fold(x, "squares", over, keepdim))
    x = np.abs(x)
    if ord == math.inf:
        return np.maximum.reduce(x, axis=over, keepdims=keepdim, initial=0)  # type: ignore[call-overload]
    if ord == -math.inf:
        return np.minimum.reduce(x, axis=over, keepdims=keepdim, initial=math.inf)  # type: ignore[call-overload]
    if ord == 0:
        return np.add.reduce(x != 0, axis=over, keepdims=keepdim, dtype=x.dtype)  # type: ignore[call-overload]
    if ord == 1:
        return kernel.sum(x, over, keepdim)
    if ord == 2:
        return np.sqrt(kernel.sum(x * x, over, keepdim))
    return kernel.sum(x**ord, over, keepdim) ** (1 / ord)


def _norm_to_x(g: Any, x: Any, out: Any, ord: float, dim: Any, keepdim: bool) -> Any:
    if ord == 0:
        return nought(x)
    shape = np.shape(as_array(x))
    if ord in (math.inf, -math.inf):
        return shared(g, abs(x), out, dim, keepdim, 0.0) * sign(x)
    if ord == 1:
        return spread(g, shape, dim, keepdim) * sign(x)
    still = eq(out, 0)
    g = spread(where(still, 0, g), shape, dim, keepdim)
    length = spread(where(still, 1, out), shape, dim, keepdim)
    if ord == 2:
        return g * (x / length)
    zero = eq(x, 0)
    return where(zero, 0, g * sign(x) * (where(zero, 1, abs(x)) / length) ** (ord - 1))


def _formula(ord: float = 2, dim: Any = None, x_shape: Any = None) -> str:
    if ord == 0:
        return "0"
    if ord in (math.inf, -math.inf):
        return f"g · sign(x) · [abs(x) = out] / Σ{over(dim, x_shape)} [abs(x) = out]"
    if ord == 1:
        return "g · sign(x)"
    return "g · x / out" if ord == 2 else "g · sign(x) · (abs(x) / out)^{ord − 1}"


vector_norm.grad(x=_norm_to_x)
vector_norm.explain(
    "The gradient in the direction of the vector.",
    zero="the norm does not feel this element",
    x=_formula,
)


@op
def nuclear_norm(input: Array, dim: tuple) -> Array:
    """Σ of the singular values of the matrices along the two axes of dim."""
    return np.linalg.svd(np.moveaxis(input, dim, (-2, -1)), compute_uv=False).sum(-1)


nuclear_norm.grad(
    input=lambda g, input, dim: spread_back(g, dim, len(np.shape(as_array(input)))) * _rotation(input, dim)
)
nuclear_norm.explain("The rotation that brings the matrix to its singular values and back.", input="g · U Vᵀ")


@op
def _rotation(input: Array, dim: tuple) -> Array:
    """U·Vᵀ of the singular value decomposition of each matrix: what the nuclear norm is differentiated to."""
    u, _, v = np.linalg.svd(np.moveaxis(input, dim, (-2, -1)), full_matrices=False)
    return np.moveaxis(u @ v, (-2, -1), dim)


_rotation.grad(input=lambda g, input, dim: _rotation_step(g, input, dim))
_rotation.explain("The turn of the matrix, undone.", input="the turn of U Vᵀ along g")


@op
def _rotation_step(step: Array, input: Array, dim: tuple) -> Array:
    """How U·Vᵀ moves when the matrix moves by `step`; a linear map of it that is its own adjoint."""
    step = np.moveaxis(step, dim, (-2, -1))
    u, s, v = np.linalg.svd(np.moveaxis(input, dim, (-2, -1)), full_matrices=False)
    ut, vt, inside = np.swapaxes(u, -1, -2), np.swapaxes(v, -1, -2), s[..., None]
    turned = ut @ step @ vt
    moved = u @ ((turned - np.swapaxes(turned, -1, -2)) / (inside + s[..., None, :])) @ v
    moved += (step - u @ (ut @ step)) @ vt / s[..., None, :] @ v  # out of what the columns span
    moved += u @ (ut @ (step - step @ vt @ v) / inside)
    return np.moveaxis(moved, (-2, -1), dim)


_rotation_step.grad(step=None, input=None)


def spread_back(a: Any, over: tuple, ndim: int) -> Any:
    """With axes of length 1 in place of those that went away."""
    kept = iter(a.shape)
    return a.reshape(tuple(1 if i in over else next(kept) for i in range(ndim)))


@appears("function out exact method")
def norm(
    input: Array,
    p: float | str | None = "fro",
    dim: Axis | None = None,
    keepdim: bool = False,
    dtype: DType | None = None,
) -> Array:
    """(Σ |input|^p)^(1/p) along dim, of all elements without it; "fro" is p = 2, "nuc" the sum of singular values.

    dim: an int, a tuple of them, None for all axes; they go away, or stay with length 1 under keepdim.
    Where the norm is 0, its gradient is 0.
    RuntimeError for integers, for another word, and for "nuc" of other than two axes.

    >>> import tinygrad_cnn as tg
    >>> tg.norm(tg.tensor([[3.0, 0.0], [0.0, 4.0]])).item()
    5.0
    """
    if p == "nuc":
        expect_floating("norm", input)
        over = reduced("norm", dim, input.ndim, keepdim)
        if len(over) != 2:
            raise RuntimeError(f"norm: 'nuc' is of a matrix, two axes; got dim={dim} for shape {tuple(input.shape)}")
        out = nuclear_norm(in_dtype("norm", input, dtype), over)
        return spread_back(out, over, input.ndim) if keepdim else out
    if isinstance(p, str):
        if p != "fro":
            raise RuntimeError(f"norm: p must be a number, 'fro' or 'nuc', got {p!r}")
        p = 2
    return vector_norm(input, 2 if p is None else p, dim, keepdim, dtype)
