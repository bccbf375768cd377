"""Inverses, determinants, and A X = B: what elimination gives, by NumPy's LAPACK.

The rules are in M. Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation
(2008), section 2. B stands for any axes in front, as in `matrices.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays.types import Array
from ..engine.call import op
from ..engine.tensor import Tensor, as_array
from .choice import where
from .declared import appears
from .matrices import SINGULAR, LinAlgError, floating, matrices, refuse, singular, square, substituted
from .rearrange import tril, triu
from .shape import movedim, reshape

# Inverses. `exact` hands half precision to the forward function as it is, which refuses it.


@appears("linalg out exact")
@op(exact=True)
def inv(A: Array) -> Array:
    """The inverse of A: (B, N, N) -> (B, N, N).

    LinAlgError for a singular matrix, RuntimeError for one that is not square.

    >>> import tinygrad_cnn as tg
    >>> A = tg.tensor([[2.0, 0.0], [0.0, 4.0]], requires_grad=True)
    >>> X = tg.linalg.inv(A)
    >>> X.sum().backward()
    >>> X.tolist(), A.grad.tolist()
    ([[0.5, 0.0], [0.0, 0.25]], [[-0.25, -0.125], [-0.125, -0.0625]])
    """
    square("linalg.inv", A)
    try:
        return np.linalg.inv(A)
    except np.linalg.LinAlgError:
        refuse("linalg.inv", singular(A), SINGULAR)
        raise LinAlgError("linalg.inv: the matrix is singular") from None


inv.grad(A=lambda g, out: -(out.mT @ g @ out.mT))
inv.explain("The inverse stands on both sides of the gradient: A⁻¹ moves by −A⁻¹ dA A⁻¹.", A="−(out^{T} @ g @ out^{T})")


class Inverse(NamedTuple):
    inverse: Tensor
    info: Tensor


class Solution(NamedTuple):
    result: Tensor
    info: Tensor


@op
def _singular(A: Array) -> Array:
    """0 for a matrix that has an inverse, else which pivot of its elimination is zero."""
    return singular(A)


_singular.grad(A=None)


def where_regular(A: Any, info: Any) -> tuple[Any, Any]:
    """The unit matrix in the place of those whose `info` is not 0; and a factor that is NaN for them, 1 for others."""
    there = (info == 0)[..., None, None]
    factor = np.where(as_array(there), 1, np.nan).astype(A.dtype)
    return where(there, A, np.eye(A.shape[-1], dtype=A.dtype)), factor


def _regular(name: str, A: Any, check_errors: bool) -> tuple[Any, Any, Any]:
    """What `where_regular` gives, and the pivots that are zero."""
    info = _singular(square(name, A))
    if check_errors:
        refuse(name, as_array(info), SINGULAR)
    return (*where_regular(A, info), info)


@appears("linalg out exact")
def inv_ex(A: Array, *, check_errors: bool = False) -> Inverse:
    """The inverse of A and, as `info`, 0 or the pivot that is zero, an error for check_errors alone.

    The inverse of a singular matrix is NaN. (B, N, N) -> (B, N, N), (B,) int32.

    >>> import tinygrad_cnn as tg
    >>> inverse, info = tg.linalg.inv_ex(tg.tensor([[2.0, 0.0], [0.0, 0.0]]))
    >>> info.item()
    2
    """
    regular, factor, info = _regular("linalg.inv_ex", A, check_errors)
    return Inverse(inv(regular) * factor, info)


# A X = B.


@op(exact=True)
def solve_matrices(A: Array, B: Array) -> Array:
    """X of A X = B: (B, N, N) (B, N, K) -> (B, N, K); axes in front broadcast."""
    try:
        return np.linalg.solve(A, B)
    except np.linalg.LinAlgError:
        refuse("linalg.solve", singular(A), SINGULAR)
        raise LinAlgError("linalg.solve: the matrix is singular") from None


solve_matrices.grad(A=lambda g, A, out: -(solve_matrices(A.mT, g) @ out.mT), B=lambda g, A: solve_matrices(A.mT, g))
solve_matrices.explain(
    "B's gradient solves the same equations, transposed; A's is that, times what was found.",
    A="−(solve(A^{T}, g) @ out^{T})",
    B="solve(A^{T}, g)",
)


@appears("linalg out exact")
def solve(A: Array, B: Array, *, left: bool = True) -> Array:
    """X of A X = B, or of X A = B where left is False: (B, N, N) (B, N, K) -> (B, N, K), or a vector (N,) -> (N,).

    LinAlgError for a singular matrix, RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.solve(tg.tensor([[2.0, 0.0], [0.0, 4.0]]), tg.tensor([2.0, 2.0])).tolist()
    [1.0, 0.5]
    """
    return _solved("linalg.solve", A, B, left, solve_matrices)


def _solved(name: str, A: Any, B: Any, left: bool, solve: Callable, vectors: bool = True) -> Any:
    square(name, A)
    if not hasattr(B, "ndim"):
        raise TypeError(f"{name}: B must be a Tensor, got {type(B).__name__}")
    floating(name, A, B)
    vector = vectors and (B.ndim == 1 or (B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1])))
    if vector:
        if not left:
            raise RuntimeError(f"{name}: with left=False, B must be a matrix, got the vectors {tuple(B.shape)}")
        B = B[..., None]
    if B.ndim < 2 or B.shape[-2 if left else -1] != A.shape[-1]:
        equation = "A X = B" if left else "X A = B"
        raise RuntimeError(f"{name}: shapes {tuple(A.shape)} and {tuple(B.shape)} do not fit into {equation}")
    try:
        np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    except ValueError:
        raise RuntimeError(
            f"{name}: the axes in front of {tuple(A.shape)} and {tuple(B.shape)} do not broadcast"
        ) from None
    X = solve(A, B) if left else solve(A.mT, B.mT).mT
    return X[..., 0] if vector else X


@appears("linalg out exact")
def solve_ex(A: Array, B: Array, *, left: bool = True, check_errors: bool = False) -> Solution:
    """`solve` and, as `info`, 0 or the pivot that is zero: a singular matrix is an error for check_errors alone.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.solve_ex(tg.eye(2), tg.ones(2)).info.item()
    0
    """
    regular, factor, info = _regular("linalg.solve_ex", A, check_errors)
    return Solution(_solved("linalg.solve_ex", regular, B, left, lambda A, B: solve_matrices(A, B) * factor), info)


@op(exact=True)
def _substituted(A: Array, B: Array, upper: bool, unitriangular: bool) -> Array:
    """X of A X = B, where A is 0 on one side of its diagonal, by substitution; that side is not read."""
    return substituted(A, B, upper, unitriangular)


def _one_side(x: Any, upper: bool, unit: bool) -> Any:
    """What substitution reads of a matrix."""
    return triu(x, int(unit)) if upper else tril(x, -int(unit))


def _first(upper: bool, unit: bool) -> str:
    """The first diagonal of it."""
    return "0" if not unit else "1" if upper else "−1"


_substituted.grad(
    A=lambda g, A, out, upper, unitriangular: _one_side(
        -(_substituted(A.mT, g, not upper, unitriangular) @ out.mT), upper, unitriangular
    ),
    B=lambda g, A, upper, unitriangular: _substituted(A.mT, g, not upper, unitriangular),
)
_substituted.explain(
    "B's gradient solves the same equations, transposed; A's is that, times what was found, where A is read.",
    A=lambda upper=True, unitriangular=False: (
        f"tri{'u' if upper else 'l'}(−(substitute(A^{{T}}, g) @ out^{{T}}), {_first(upper, unitriangular)})"
    ),
    B="substitute(A^{T}, g)",
)


@appears("linalg out exact")
def solve_triangular(A: Array, B: Array, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Array:
    """X of A X = B (of X A = B where left is False) for a triangular A, by substitution.

    A is read on and above its diagonal (upper) or on and below it; unitriangular: its diagonal is taken to be 1. A zero
    on it divides as zeros do. (B, N, N) (B, N, K) -> (B, N, K). RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> A = tg.tensor([[1.0, 1.0], [7.0, 2.0]])
    >>> tg.linalg.solve_triangular(A, tg.tensor([[3.0], [4.0]]), upper=True).tolist()
    [[1.0], [2.0]]
    """
    matrices("linalg.solve_triangular", B, "B")
    side = upper if left else not upper
    name, solve = "linalg.solve_triangular", lambda A, B: _substituted(A, B, side, unitriangular)
    return _solved(name, A, B, left, solve, vectors=False)


# Determinants.


@appears("linalg out exact")
@op(exact=True)
def det(A: Array) -> Array:
    """The determinant: (B, N, N) -> (B). The gradient is right where it is 0.

    RuntimeError for a matrix that is not square.

    >>> import tinygrad_cnn as tg
    >>> A = tg.tensor([[2.0, 1.0], [4.0, 2.0]], requires_grad=True)
    >>> d = tg.linalg.det(A)
    >>> d.backward()
    >>> d.item(), A.grad.round(decimals=4).tolist()
    (0.0, [[2.0, -4.0], [-1.0, 2.0]])
    """
    return np.linalg.det(square("linalg.det", A))


def _det_to_A(g: Any, A: Any, out: Any) -> Any:
    g, out = g[..., None, None], out[..., None, None]
    return g * out * inv(A).mT if np.all(as_array(out)) else g * _cofactors(A)


det.grad(A=_det_to_A)
det.explain("An element's slope is its cofactor: what is left without its row and column.", A="g · cofactors(A)")


def _without(s: np.ndarray, *places: int) -> np.ndarray:
    """The product of all s but those at these places."""
    return np.delete(s, places, -1).prod(-1)


def _handed(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Whether the two turn or mirror: 1 or -1."""
    return (np.linalg.det(u) * np.linalg.det(v))[..., None, None]


@op
def _cofactors(A: Array) -> Array:
    """The cofactor of each element of A = U diag(s) V, in whose axes it is the product of all other s."""
    u, s, v = np.linalg.svd(A)
    others = np.stack([_without(s, i) for i in range(A.shape[-1])], -1)
    return _handed(u, v) * ((u * others[..., None, :]) @ v)


_cofactors.grad(A=lambda g, A: _minors(g, A))
_cofactors.explain(
    "Each cofactor moves with the elements of other rows and columns, by what is left without both.",
    A="the turn of cofactors(A) along g",
)


@op
def _minors(step: Array, A: Array) -> Array:
    """How the cofactors move when A moves by `step`: a linear map of it that is its own adjoint.

    In the axes of A's decomposition, with P[i, j] the product of all s but those of i and j, cofactor [i, i] moves by
    Σⱼ P[i, j] · step[j, j], and cofactor [i, j] by −P[i, j] · step[j, i].
    """
    u, s, v = np.linalg.svd(A)
    n = A.shape[-1]
    step = u.mT @ step @ v.mT
    P = np.zeros_like(A)
    for i, j in np.ndindex(n, n):
        if i != j:
            P[..., i, j] = _without(s, i, j)
    moved = -P * step.mT
    moved[..., range(n), range(n)] = (P @ np.diagonal(step, axis1=-2, axis2=-1)[..., None])[..., 0]
    return _handed(u, v) * (u @ moved @ v)


_minors.grad(step=None, A=None)


class SLogDet(NamedTuple):
    sign: Tensor
    logabsdet: Tensor


@op(exact=True)
def _slogdet(A: Array) -> tuple[Array, Array]:
    """The sign of the determinant, and the logarithm of its magnitude."""
    return tuple(np.linalg.slogdet(A))


def _slogdet_to_A(g: Any, A: Any) -> Any:
    """The sign does not move, the logarithm by A⁻ᵀ, which is NaN for a singular matrix."""
    return g[1][..., None, None] * inv_ex(A).inverse.mT if 1 in g else None


_slogdet.grad(A=_slogdet_to_A)
_slogdet.explain(
    "The logarithm of a determinant moves by the inverse, its sign does not move.",
    zero="only the sign was used",
    A="g_{1} · inv(A)^{T}",
)


@appears("linalg out exact")
def slogdet(A: Array) -> SLogDet:
    """The sign of the determinant, and the logarithm of its magnitude, which does not overflow: (B, N, N) -> (B), (B).

    A singular matrix has sign 0 and logarithm -inf. RuntimeError for a matrix that is not square.

    >>> import tinygrad_cnn as tg
    >>> sign, logabsdet = tg.linalg.slogdet(tg.tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> sign.item(), logabsdet.item()
    (-1.0, 0.0)
    """
    return SLogDet(*_slogdet(square("linalg.slogdet", A)))


# Equations in several axes.


@appears("linalg out")
def tensorinv(A: Array, ind: int = 2) -> Array:
    """The inverse of A as a map of the axes from `ind` on to those before: the one X with tensordot(X, A, ind) = 1.

    The first ind axes have as many elements as the others, else RuntimeError.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.tensorinv(tg.eye(6).reshape(2, 3, 6)).shape
    (6, 2, 3)
    """
    if ind <= 0:
        raise RuntimeError(f"linalg.tensorinv: expects ind to be positive, got {ind}")
    front, behind = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    rows, columns = math.prod(front), math.prod(behind)
    if rows != columns:
        raise RuntimeError(f"linalg.tensorinv: {front} has {rows} elements, {behind} {columns}; they must be equal")
    return reshape(inv(reshape(A, (rows, columns))), (*behind, *front))


@appears("linalg out")
def tensorsolve(A: Array, B: Array, dims: Sequence[int] | None = None) -> Array:
    """X of tensordot(A, X, X.ndim) = B: the last axes of A are those of X, the first those of B.

    dims: axes of A that are moved behind all others before. RuntimeError where the elements are not as many.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.tensorsolve(tg.eye(6).reshape(2, 3, 6), tg.ones(2, 3)).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if dims is not None:
        A = movedim(A, tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    left = tuple(A.shape[B.ndim :])
    rows, columns = math.prod(A.shape[: B.ndim]), math.prod(left)
    if rows != columns or math.prod(B.shape) != rows:
        raise RuntimeError(
            f"linalg.tensorsolve: the first {B.ndim} axes of {tuple(A.shape)} must have as many elements as the "
            f"others, and as B, {tuple(B.shape)}"
        )
    return reshape(solve(reshape(A, (rows, columns)), reshape(B, (rows,))), left)
