"""Singular values and eigenvalues, and what they tell: rank, condition, the inverse of a matrix that has none.

The rules are in J. Townsend, Differentiating the singular value decomposition (2016), and M. Giles, Collected matrix
derivative results (2008), section 3. They divide by the gaps between the values: where two are equal, vectors have no
derivative, and it is infinite or NaN here; that of the values alone is right. B stands for any axes in front.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..arrays.types import Array
from ..engine.call import op
from ..engine.tensor import Tensor, as_array, wrap
from .declared import appears
from .factors import again, mirrored
from .linalg import matmul
from .matrices import floating, lapack, matrices, square
from .reduce import sum
from .shape import reshape


def _diagonal(values: Any) -> Any:
    """(B, N) -> (B, N, N)"""
    return values[..., None] * np.eye(values.shape[-1], dtype=values.dtype)


def _skew(x: Any) -> Any:
    return x - x.mT


# Singular values.


class SVD(NamedTuple):
    U: Tensor
    S: Tensor
    Vh: Tensor


@op(keeps=("U", "S", "V"), exact=True)
def _svd(A: Array, full_matrices: bool = False) -> Any:
    """A = U diag(S) V: columns of U and rows of V are orthonormal, S falls."""
    u, s, v = lapack("linalg.svd", np.linalg.svd, A, full_matrices)
    return (u, s, v), u, s, v


def _svd_to_A(g: Any, A: Any, U: Any, S: Any, V: Any) -> Any:
    """What moves S, what turns U and V within what they span, and what turns them out of it."""
    U, S, V = again(_svd, A, U, S, V)
    m, n, k = U.shape[-2], V.shape[-1], S.shape[-1]
    U, V = U[..., :k], V[..., :k, :]
    column, row = S[..., :, None], S[..., None, :]
    gaps = (row - column) * (row + column) + np.eye(k, dtype=S.dtype)
    inner, outer = 0.0, 0.0
    if 0 in g:
        gU = g[0][..., :k]
        inner = inner + _skew(U.mT @ gU) / gaps * row
        if m > k:
            outer = outer + (gU - U @ (U.mT @ gU)) / row @ V
    if 1 in g:
        inner = inner + _diagonal(g[1])
    if 2 in g:
        gV = g[2][..., :k, :]
        inner = inner + column * (_skew(V @ gV.mT) / gaps)
        if n > k:
            outer = outer + U @ ((gV - (gV @ V.mT) @ V) / column)
    return U @ inner @ V + outer


_svd.grad(A=_svd_to_A)
_svd.explain(
    "The singular values move with the diagonal of Uᵀ dA Vᵀ; the vectors turn by the rest of it, over the gaps.",
    A="U @ (skew(U^{T} @ g_{U}) / gaps(S^{2}) @ diag(S) + diag(g_{S}) "
    "+ diag(S) @ (skew(V @ g_{V}^{T}) / gaps(S^{2}))) @ V "
    "+ across(U, g_{U}) @ inv(diag(S)) @ V + U @ inv(diag(S)) @ across(V^{T}, g_{V}^{T})^{T}",
)


@op(exact=True)
def _svdvals(A: Array) -> Array:
    """The singular values alone."""
    return lapack("linalg.svdvals", np.linalg.svd, A, compute_uv=False)


def _svdvals_to_A(g: Any, A: Any) -> Any:
    U, _, V = _svd(A)
    return (U * g[..., None, :]) @ V


_svdvals.grad(A=_svdvals_to_A)
_svdvals.explain(
    "A singular value grows with A along its vectors, a column of U times a row of V.",
    A="U @ diag(g) @ V",
)


def refuse_driver(name: str, driver: Any) -> None:
    if driver is not None:
        raise RuntimeError(f"{name}: driver= chooses between the libraries of a GPU; leave it out, got {driver!r}")


@appears("linalg out exact")
def svd(A: Array, full_matrices: bool = True, *, driver: str | None = None) -> SVD:
    """U, S, Vh with A = U diag(S) Vh: orthonormal columns, singular values that fall, orthonormal rows.

    (B, M, N) -> (B, M, M), (B, K), (B, N, N) with K = min(M, N), or (B, M, K), (B, K), (B, K, N) without full_matrices.
    Signs of pairs of vectors are those of the LAPACK that computes them. The gradient is of K vectors; it is infinite
    or NaN where singular values are equal, or 0. LinAlgError for NaN and infinite numbers.

    >>> import tinygrad_cnn as tg
    >>> A = tg.tensor([[3.0, 0.0], [0.0, -2.0], [0.0, 0.0]], requires_grad=True)
    >>> U, S, Vh = tg.linalg.svd(A, full_matrices=False)
    >>> S.sum().backward()
    >>> S.tolist(), A.grad.tolist()
    ([3.0, 2.0], [[1.0, 0.0], [0.0, -1.0], [0.0, 0.0]])
    """
    refuse_driver("linalg.svd", driver)
    return SVD(*_svd(matrices("linalg.svd", A), bool(full_matrices)))


@appears("linalg out exact")
def svdvals(A: Array, *, driver: str | None = None) -> Array:
    """The singular values, which fall: (B, M, N) -> (B, min(M, N)).

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.svdvals(tg.tensor([[0.0, 2.0], [-3.0, 0.0]])).tolist()
    [3.0, 2.0]
    """
    refuse_driver("linalg.svdvals", driver)
    return _svdvals(matrices("linalg.svdvals", A))


# Eigenvalues.


class Eigen(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor


@op(keeps=("L", "Q"), exact=True)
def _eigh(A: Array) -> Any:
    """The symmetric part of A is Q diag(L) Qᵀ; L rises."""
    values, vectors = lapack("linalg.eigh", np.linalg.eigh, (A + A.mT) / 2)
    return (values, vectors), values, vectors


def _eigh_to_A(g: Any, A: Any, L: Any, Q: Any) -> Any:
    L, Q = again(_eigh, A, L, Q)
    inner = 0.0
    if 0 in g:
        inner = inner + _diagonal(g[0])
    if 1 in g:
        gaps = L[..., None, :] - L[..., :, None] + np.eye(L.shape[-1], dtype=L.dtype)
        inner = inner + _skew(Q.mT @ g[1]) / gaps / 2
    return Q @ inner @ Q.mT


_eigh.grad(A=_eigh_to_A)
_eigh.explain(
    "The eigenvalues move with the diagonal of Qᵀ dA Q; the vectors turn by the rest of it, over the gaps.",
    A="Q @ (diag(g_{L}) + skew(Q^{T} @ g_{Q}) / (2 · gaps(L))) @ Q^{T}",
)


@op(exact=True)
def _eigvalsh(A: Array) -> Array:
    """The eigenvalues of the symmetric part, which rise."""
    return lapack("linalg.eigvalsh", np.linalg.eigvalsh, (A + A.mT) / 2)


def _eigvalsh_to_A(g: Any, A: Any) -> Any:
    _, Q = _eigh(A)
    return (Q * g[..., None, :]) @ Q.mT


_eigvalsh.grad(A=_eigvalsh_to_A)
_eigvalsh.explain(
    "An eigenvalue grows with A along its vector, a column of Q, taken twice.",
    A="Q @ diag(g) @ Q^{T}",
)


def _symmetric(name: str, A: Any, UPLO: str) -> Any:
    square(name, A)
    if not isinstance(UPLO, str) or UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"{name}: expected UPLO argument to be 'L' or 'U', got {UPLO!r}")
    return mirrored(A, UPLO.upper() == "U")


@appears("linalg out exact")
def eigh(A: Array, UPLO: str = "L") -> Eigen:
    """The eigenvalues L of a symmetric matrix, which rise, and its eigenvectors, the columns of Q: A = Q diag(L) Qᵀ.

    (B, N, N) -> (B, N), (B, N, N). A's lower triangle is read, the upper one for UPLO "U". Signs of vectors are those
    of the LAPACK that computes them; where values are equal, the gradient of vectors is infinite or NaN. RuntimeError
    for a matrix that is not square, and for another word.

    >>> import tinygrad_cnn as tg
    >>> L, Q = tg.linalg.eigh(tg.tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> L.round(decimals=4).tolist()
    [1.0, 3.0]
    """
    return Eigen(*_eigh(_symmetric("linalg.eigh", A, UPLO)))


@appears("linalg out exact")
def eigvalsh(A: Array, UPLO: str = "L") -> Array:
    """The eigenvalues of a symmetric matrix, which rise: (B, N, N) -> (B, N).

    >>> import tinygrad_cnn as tg
    >>> A = tg.tensor([[2.0, 1.0], [1.0, 2.0]], requires_grad=True)
    >>> tg.linalg.eigvalsh(A)[1].backward()
    >>> A.grad.round(decimals=4).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    return _eigvalsh(_symmetric("linalg.eigvalsh", A, UPLO))


def _complex(name: str, A: Any) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of any square matrix, in complex numbers, which have no gradient here."""
    square(name, A)
    if isinstance(A, Tensor) and A.requires_grad:
        raise RuntimeError(
            f"{name}: its results are complex, and gradients of complex numbers are not in tinygrad_cnn; .detach() the "
            "matrix, or use linalg.eigh for a symmetric one"
        )
    a = as_array(A)
    values, vectors = lapack(name, np.linalg.eig, a)
    kind = np.result_type(a.dtype, np.complex64)
    return values.astype(kind), vectors.astype(kind)


@appears("linalg out")
def eig(A: Array) -> Eigen:
    """The eigenvalues of a square matrix, in no order, and its eigenvectors, as columns; complex, without gradients.

    RuntimeError for a matrix that is not square or requires grad.

    >>> import tinygrad_cnn as tg
    >>> values, vectors = tg.linalg.eig(tg.tensor([[0.0, 1.0], [-1.0, 0.0]]))
    >>> values.numpy().imag.tolist()
    [1.0, -1.0]
    """
    return Eigen(*map(wrap, _complex("linalg.eig", A)))


@appears("linalg out")
def eigvals(A: Array) -> Array:
    """The eigenvalues of a square matrix, in no order; complex, and without gradients.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.eigvals(tg.tensor([[0.0, 1.0], [-1.0, 0.0]])).numpy().imag.tolist()
    [1.0, -1.0]
    """
    return wrap(_complex("linalg.eigvals", A)[0])


# What they tell.


def _threshold(largest: np.ndarray, shape: Any, atol: Any, rtol: Any) -> np.ndarray:
    """Below which a singular value counts as 0: max(atol, rtol · the largest one)."""
    if rtol is None:
        rtol = max(shape[-2:]) * np.finfo(largest.dtype).eps * (np.asarray(0.0 if atol is None else atol) <= 0)
    return np.maximum(np.asarray(0.0 if atol is None else atol), np.asarray(rtol) * largest)


def _magnitudes(A: np.ndarray, hermitian: bool) -> np.ndarray:
    """The singular values, of a symmetric matrix the magnitudes of its eigenvalues."""
    return np.abs(np.linalg.eigvalsh(A)) if hermitian else np.linalg.svd(A, compute_uv=False)


@op(exact=True)
def _matrix_rank(A: Array, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Array:
    """How many singular values are above the threshold."""
    s = lapack("linalg.matrix_rank", _magnitudes, A, hermitian)
    tolerance = _threshold(s.max(-1, initial=0), A.shape, atol, rtol)
    return (s > tolerance[..., None]).sum(-1)


_matrix_rank.grad(A=None)


@appears("linalg out")
def matrix_rank(A: Array, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Array:
    """How many singular values are above max(atol, rtol · the largest one): (B, M, N) -> (B), int64.

    rtol is max(M, N) · eps where neither is given; tol is an older name of atol. hermitian: A is symmetric.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.matrix_rank(tg.tensor([[1.0, 2.0], [2.0, 4.0]])).item()
    1
    """
    matrices("linalg.matrix_rank", A)
    if hermitian:
        square("linalg.matrix_rank", A)
    if tol is not None:
        atol, rtol = tol, 0.0
    return _matrix_rank(A, atol, rtol, hermitian)


@op(exact=True)
def _pinv(A: Array, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Array:
    """Moore and Penrose's inverse: V⁻¹ and U⁻¹ are their transposes, small singular values have none."""
    if hermitian:
        s, u = lapack("linalg.pinv", np.linalg.eigh, A)
        v = u.mT
    else:
        u, s, v = lapack("linalg.pinv", np.linalg.svd, A, full_matrices=False)
    tolerance = _threshold(np.abs(s).max(-1, initial=0), A.shape, atol, rtol)
    there = np.abs(s) > tolerance[..., None]
    turned = np.where(there, 1 / np.where(there, s, 1), 0).astype(A.dtype)
    return (v.mT * turned[..., None, :]) @ u.mT


def _pinv_to_A(g: Any, A: Any, out: Any) -> Any:
    """Golub and Pereyra 1973: as that of an inverse, and what moves the spaces that A and its transpose reach."""
    P, (n, m) = out, out.shape[-2:]
    left, right = np.eye(m, dtype=A.dtype) - A @ P, np.eye(n, dtype=A.dtype) - P @ A
    return -(P.mT @ g @ P.mT) + left @ g.mT @ (P @ P.mT) + (P.mT @ P) @ g.mT @ right


_pinv.grad(A=_pinv_to_A)
_pinv.explain(
    "As an inverse moves, and with it the spaces that A reaches, and that it comes from.",
    A="−(out^{T} @ g @ out^{T}) + (g^{T} − A @ out @ g^{T}) @ out @ out^{T} "
    "+ out^{T} @ out @ (g^{T} − g^{T} @ out @ A)",
)


@appears("linalg out")
def pinv(A: Array, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Array:
    """Moore and Penrose's inverse, X with A X A = A and X A X = X, both products symmetric: (B, M, N) -> (B, N, M).

    Singular values up to max(atol, rtol · the largest one) count as 0; rtol is max(M, N) · eps where neither is given.
    rcond is an older name of rtol. hermitian: A is symmetric. The gradient is right while the rank stays.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.pinv(tg.tensor([[2.0], [0.0]])).tolist()
    [[0.5, 0.0]]
    """
    matrices("linalg.pinv", A)
    if hermitian:
        A = mirrored(square("linalg.pinv", A))
    return _pinv(A, atol, rcond if rtol is None else rtol, hermitian)


class LeastSquares(NamedTuple):
    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


@appears("linalg out")
def lstsq(A: Array, B: Array, rcond: float | None = None, *, driver: str | None = None) -> LeastSquares:
    """X with ‖A X − B‖ least, and of those the one with ‖X‖ least: (B, M, N) (B, M, K) -> (B, N, K), or vectors.

    driver: "gelsy", the default, also gives the rank; "gelsd" and "gelss" the singular values, too; "gels", which takes
    A to be of full rank, neither. All but "gelsy" give the residuals ‖A X − B‖² of each column, where M > N and A is of
    full rank. What is not given is empty. rcond: singular values up to rcond · the largest one count as 0; without it,
    max(M, N) · eps. RuntimeError where shapes or dtypes do not fit, and for another driver.

    >>> import tinygrad_cnn as tg
    >>> A = tg.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> tg.linalg.lstsq(A, tg.tensor([1.0, 3.0, 5.0])).solution.round(decimals=4).tolist()
    [1.0, 2.0]
    """
    name = "linalg.lstsq"
    matrices(name, A)
    floating(name, A, B)
    driver = "gelsy" if driver is None else driver
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(f"{name}: driver must be 'gels', 'gelsy', 'gelsd' or 'gelss', got {driver!r}")
    vector = B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1])
    rows = B[..., None] if vector else B
    if rows.ndim < 2 or rows.shape[-2] != A.shape[-2]:
        raise RuntimeError(f"{name}: shapes {tuple(A.shape)} and {tuple(B.shape)} do not fit into A X = B")
    m, n = A.shape[-2:]
    X = matmul(_pinv(A, None, rcond), rows)
    rank = _matrix_rank(A, None, rcond)
    left = sum((matmul(A, X) - rows) ** 2, -2)
    if m <= n or driver == "gelsy" or (driver != "gels" and bool((rank < n).any())):
        left = reshape(left, (-1,))[:0]
    none = lambda dtype: wrap(np.empty((0,), dtype))
    values = svdvals(A.detach()) if driver in ("gelsd", "gelss") else none(A.dtype)
    return LeastSquares(X[..., 0] if vector else X, left, none(np.int64) if driver == "gels" else rank, values)
