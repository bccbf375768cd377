"""Factors of matrices: Cholesky's, orthogonal and triangular ones, and those of elimination.

The rules are in S. Walter and L. Lehmann, Algorithmic differentiation of linear algebra functions with application in
optimum experimental design (2010), and I. Murray, Differentiation of the Cholesky decomposition (2016). A factor that
a rule needs is handed on by forward; where the gradient is itself differentiated, it is computed again from A, as part
of that graph. B stands for any axes in front, as in `matrices.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..arrays.dtypes import int32
from ..arrays.types import Array
from ..engine.call import op
from ..engine.tensor import Tensor, as_array, wrap
from .declared import appears
from .gather import take_along_dim
from .join import cat
from .matrices import INDEFINITE, LinAlgError, eliminated, indefinite, lapack, matrices, refuse, square, zero_pivots
from .rearrange import tril, triu
from .solve import solve_triangular, where_regular


def again(op: Any, A: Any, *kept: Any) -> Any:
    """What forward handed on; where A has a history, computed from it once more."""
    return op(A) if isinstance(A, Tensor) else kept


def read_as(A: Any, values: np.ndarray) -> Any:
    """A, with the values that it is taken to have; to its gradient it has them."""
    a = as_array(A)
    return A if np.array_equal(values, a, equal_nan=True) else A + wrap(values - a)


def mirrored(A: Any, upper: bool = False) -> Any:
    """A with one of its triangles in the place of the other."""
    half = np.triu(as_array(A)) if upper else np.tril(as_array(A))
    return read_as(A, half + (np.triu(half, 1) if upper else np.tril(half, -1)).mT)


# A = L Lᵀ.


@op(exact=True)
def _cholesky(A: Array) -> Array:
    """The lower triangle L with L Lᵀ the symmetric part of A."""
    try:
        return np.linalg.cholesky((A + A.mT) / 2)
    except np.linalg.LinAlgError:
        refuse("linalg.cholesky", indefinite(A), INDEFINITE)
        raise LinAlgError("linalg.cholesky: the matrix is not positive definite") from None


def _cholesky_to_A(g: Any, out: Any) -> Any:
    inner = tril(out.mT @ g)
    inner = (inner + tril(inner, -1)) / 2
    step = solve_triangular(out.mT, inner, upper=True)  # L⁻ᵀ inner L⁻¹
    step = solve_triangular(out, step, upper=False, left=False)
    return (step + step.mT) / 2


_cholesky.grad(A=_cholesky_to_A)
_cholesky.explain(
    "The gradient, brought back through both factors, with half of what is on the diagonal.",
    A="sym(inv(out)^{T} @ half(out^{T} @ g) @ inv(out))",
)


class CholeskyInfo(NamedTuple):
    L: Tensor
    info: Tensor


@appears("linalg out exact")
def cholesky(A: Array, *, upper: bool = False) -> Array:
    """L, lower triangular, with A = L Lᵀ; its transpose for upper: (B, N, N) -> (B, N, N).

    A is symmetric: the lower triangle of it is read, the upper one for upper. LinAlgError where it is not positive
    definite, RuntimeError where it is not square.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.cholesky(tg.tensor([[4.0, 2.0], [2.0, 5.0]])).tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    L = _cholesky(mirrored(square("linalg.cholesky", A), upper))
    return L.mT if upper else L


@appears("linalg out exact")
def cholesky_ex(A: Array, *, upper: bool = False, check_errors: bool = False) -> CholeskyInfo:
    """`cholesky` and, as `info`, 0 or the order of the leading minor that is not positive definite: an error for
    check_errors alone.

    The factor of such a matrix is NaN. (B, N, N) -> (B, N, N), (B,) int32.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.cholesky_ex(tg.tensor([[1.0, 0.0], [0.0, -1.0]])).info.item()
    2
    """
    A = mirrored(square("linalg.cholesky_ex", A), upper)
    info = indefinite(as_array(A))
    if check_errors:
        refuse("linalg.cholesky_ex", info, INDEFINITE)
    definite, factor = where_regular(A, wrap(info))
    L = _cholesky(definite) * factor
    return CholeskyInfo(L.mT if upper else L, wrap(info))


# A = Q R.


class QR(NamedTuple):
    Q: Tensor
    R: Tensor


@op(keeps=("Q", "R"), exact=True)
def _qr(A: Array, mode: str = "reduced") -> Any:
    """Q with orthogonal columns of length 1, R upper triangular, A = Q R."""
    q, r = lapack("linalg.qr", np.linalg.qr, A, "complete" if mode == "complete" else "reduced")
    if mode == "r":
        q = np.empty((0,), A.dtype)
    return (q, r), q, r


def _qr_to_A(g: Any, A: Any, Q: Any, R: Any, mode: str) -> Any:
    """(gQ + Q S) R⁻ᵀ, where S is symmetric with the lower triangle of R gRᵀ − gQᵀ Q."""
    if mode == "r":
        raise RuntimeError("linalg.qr: the derivative needs Q, which mode='r' does not compute; use mode='reduced'")
    if mode == "complete" and Q.shape[-1] > R.shape[-1]:
        raise RuntimeError(
            "linalg.qr: the columns that complete Q are not determined by A, so they have no derivative; "
            "use mode='reduced'"
        )
    Q, R = again(_qr, A, Q, R)
    inner = 0.0
    if 1 in g:
        inner = R @ triu(g[1]).mT
    if 0 in g:
        inner = inner - g[0].mT @ Q
    step = Q @ (tril(inner) + tril(inner, -1).mT)
    if 0 in g:
        step = step + g[0]
    return solve_triangular(R.mT, step, upper=False, left=False)


_qr.grad(A=_qr_to_A)
_qr.explain(
    "What moves Q's columns, out of what they span and within it, and R with it, by the triangle's inverse.",
    A="(g_{Q} + Q @ copied(R @ g_{R}^{T} − g_{Q}^{T} @ Q)) @ inv(R)^{T}",
)


@appears("linalg out exact")
def qr(A: Array, mode: str = "reduced") -> QR:
    """Q with orthonormal columns and R, upper triangular, with A = Q R: (B, M, N) -> (B, M, K), (B, K, N).

    mode: "reduced", K = min(M, N); "complete", K = M; "r": R alone, Q is empty. Signs are those of the LAPACK that
    computes it. No derivative of Q in mode "r", nor where "complete" adds columns. RuntimeError for another mode.

    >>> import tinygrad_cnn as tg
    >>> Q, R = tg.linalg.qr(tg.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> (Q @ R).round(decimals=4).tolist(), R.shape
    ([[3.0, 1.0], [4.0, 2.0]], (2, 2))
    """
    return _factored(QR, "linalg.qr", A, mode)


def _factored(kind: Any, name: str, A: Any, mode: str) -> Any:
    """Q and R, as this kind of tuple. Of a wide matrix, the columns behind the square are taken along."""
    matrices(name, A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"{name}: mode must be 'reduced', 'complete' or 'r', got {mode!r}")
    m, n = A.shape[-2:]
    if n <= m or mode == "r":
        return kind(*_qr(A, mode))
    Q, R = _qr(A[..., :m])
    return kind(Q, cat([R, Q.mT @ A[..., m:]], -1))


# A = P L U.


class LU(NamedTuple):
    P: Tensor
    L: Tensor
    U: Tensor


class LUFactor(NamedTuple):
    LU: Tensor
    pivots: Tensor


class LUFactorInfo(NamedTuple):
    LU: Tensor
    pivots: Tensor
    info: Tensor


@op
def _eliminated(A: Array) -> Array:
    """L below the diagonal, U on and above it, in one matrix, with A = L U: rows stay in their order."""
    return eliminated(A, pivot=False)[0]


def _unit_lower(lu: Any) -> Any:
    return tril(lu, -1) + np.eye(lu.shape[-2], lu.shape[-1], dtype=lu.dtype)


def _eliminated_to_A(g: Any, out: Any) -> Any:
    """L⁻ᵀ (the lower triangle of Lᵀ gL, the upper one of gU Uᵀ) U⁻ᵀ."""
    L, U = _unit_lower(out), triu(out)
    inner = tril(L.mT @ tril(g, -1), -1) + triu(triu(g) @ U.mT)
    step = solve_triangular(L.mT, inner, upper=True, unitriangular=True)
    return solve_triangular(U.mT, step, upper=False, left=False)


_eliminated.grad(A=_eliminated_to_A)
_eliminated.explain(
    "Each triangle's gradient, brought back through both factors.",
    A="inv(L)^{T} @ (tril(L^{T} @ tril(g, −1), −1) + triu(triu(g, 0) @ U^{T}, 0)) @ inv(U)^{T}, "
    "where L = unit(out), U = triu(out, 0)",
)


def _in_order(A: Any, pivot: bool) -> tuple[Any, np.ndarray]:
    """The factors in one matrix, and the order of A's rows. What is beside the square goes through its factors."""
    m, n = A.shape[-2:]
    k = min(m, n)
    _, order = eliminated(as_array(A), pivot)
    rows = take_along_dim(A, wrap(order[..., None]), -2) if pivot else A
    lu = _eliminated(rows[..., :k, :k])
    if m > k:
        below = solve_triangular(triu(lu), rows[..., k:, :], upper=True, left=False)
        return cat([lu, below], -2), order
    if n > k:
        beside = solve_triangular(lu, rows[..., k:], upper=False, unitriangular=True)
        return cat([lu, beside], -1), order
    return lu, order


@appears("linalg out exact")
def lu(A: Array, *, pivot: bool = True) -> LU:
    """P, a permutation, L, lower triangular with ones on its diagonal, U, upper triangular: A = P L U.

    (B, M, N) -> (B, M, M), (B, M, K), (B, K, N) with K = min(M, N). Without pivot rows stay in their order; P is empty.

    >>> import tinygrad_cnn as tg
    >>> P, L, U = tg.linalg.lu(tg.tensor([[0.0, 2.0], [4.0, 2.0]]))
    >>> P.tolist(), L.tolist(), U.tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [[4.0, 2.0], [0.0, 2.0]])
    """
    packed, order = _in_order(matrices("linalg.lu", A), pivot)
    return LU(_permutation(order, A.dtype) if pivot else wrap(np.empty((0,), A.dtype)), *_unpacked(packed))


def unpacked(packed: Any, pivots: Any, data: bool, order: bool) -> LU:
    """P, L and U of what `lu_factor` gives; what is not asked for is empty."""
    none = wrap(np.empty((0,), packed.dtype))
    swaps = as_array(pivots)
    if swaps.dtype != int32:
        raise RuntimeError(f"lu_unpack: expects pivots of dtype int32, got {swaps.dtype}")
    P = _permutation(_as_order(swaps, packed.shape[-2]), packed.dtype) if order else none
    return LU(P, *(_unpacked(packed) if data else (none, none)))


def _unpacked(packed: Any) -> tuple[Any, Any]:
    k = min(packed.shape[-2:])
    return _unit_lower(packed[..., :, :k]), triu(packed[..., :k, :])


def _permutation(order: np.ndarray, dtype: Any) -> Tensor:
    """The matrix that brings rows from this order into their own."""
    return wrap(np.ascontiguousarray(np.eye(order.shape[-1], dtype=dtype)[order].mT))


def _as_swaps(order: np.ndarray, k: int) -> np.ndarray:
    """The order of rows as LAPACK tells it: row i changes places with row pivots[i], counted from 1, one by one."""
    n = order.shape[-1]
    found = np.zeros((*order.shape[:-1], k), int32)
    for i in np.ndindex(order.shape[:-1]):
        now = list(range(n))
        for j in range(k):
            p = now.index(order[i][j])
            now[j], now[p] = now[p], now[j]
            found[i][j] = p + 1
    return found


def _as_order(pivots: np.ndarray, n: int) -> np.ndarray:
    """What `_as_swaps` makes swaps of."""
    order = np.tile(np.arange(n), (*pivots.shape[:-1], 1))
    for i in np.ndindex(pivots.shape[:-1]):
        for j, p in enumerate(pivots[i]):
            order[i][[j, p - 1]] = order[i][[p - 1, j]]
    return order


@appears("linalg out exact")
def lu_factor(A: Array, *, pivot: bool = True) -> LUFactor:
    """L and U in one matrix (the ones on L's diagonal are left out), and the swaps of rows, for `lu_solve`.

    (B, M, N) -> (B, M, N), (B, K) int32. RuntimeError where a pivot is zero.

    >>> import tinygrad_cnn as tg
    >>> LU, pivots = tg.linalg.lu_factor(tg.tensor([[0.0, 2.0], [4.0, 2.0]]))
    >>> LU.tolist(), pivots.tolist()
    ([[4.0, 2.0], [0.0, 2.0]], [2, 2])
    """
    LU, pivots, info = lu_factor_ex(A, pivot=pivot)
    if as_array(info).any():
        i = as_array(info)[as_array(info) != 0][0]
        raise RuntimeError(f"linalg.lu_factor: pivot {i} is zero, by which lu_solve divides; use linalg.lu")
    return LUFactor(LU, pivots)


@appears("linalg out exact")
def lu_factor_ex(A: Array, *, pivot: bool = True, check_errors: bool = False) -> LUFactorInfo:
    """`lu_factor` and, as `info`, 0 or the pivot that is zero, an error for check_errors alone.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.lu_factor_ex(tg.zeros(2, 2)).info.item()
    1
    """
    packed, order = _in_order(matrices("linalg.lu_factor_ex", A), pivot)
    info = zero_pivots(as_array(packed))
    if check_errors:
        refuse("linalg.lu_factor_ex", info, "pivot {} is zero")
    return LUFactorInfo(packed, wrap(_as_swaps(order, min(A.shape[-2:]))), wrap(info))


@appears("linalg out exact")
def lu_solve(LU: Array, pivots: Array, B: Array, *, left: bool = True, adjoint: bool = False) -> Array:
    """X of A X = B, with what `lu_factor` made of A; X A = B where left is False, Aᵀ in its place for adjoint.

    (B, N, N) (B, N) (B, N, K) -> (B, N, K). RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> A = tg.tensor([[0.0, 2.0], [4.0, 2.0]])
    >>> tg.linalg.lu_solve(*tg.linalg.lu_factor(A), tg.tensor([[2.0], [6.0]])).tolist()
    [[1.0], [1.0]]
    """
    square("linalg.lu_solve", LU, "LU")
    swaps = as_array(pivots)
    if swaps.dtype != int32:
        raise RuntimeError(f"linalg.lu_solve: expects pivots of dtype int32, got {swaps.dtype}")
    if swaps.shape != tuple(LU.shape[:-1]):
        raise RuntimeError(f"linalg.lu_solve: expects a pivot for each row of {tuple(LU.shape)}, got {swaps.shape}")
    if not left:
        return lu_solve(LU, pivots, B.mT, adjoint=not adjoint).mT
    P = _permutation(_as_order(swaps, LU.shape[-1]), LU.dtype)
    if adjoint:
        X = solve_triangular(LU.mT, B, upper=False)
        return P @ solve_triangular(LU.mT, X, upper=True, unitriangular=True)
    X = solve_triangular(LU, P.mT @ B, upper=False, unitriangular=True)
    return solve_triangular(LU, X, upper=True)
