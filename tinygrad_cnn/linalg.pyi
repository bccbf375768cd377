"""Linear algebra.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

import builtins
from typing import Any
from collections.abc import Sequence
from tinygrad_cnn.arrays.types import Axis
from tinygrad_cnn.arrays.types import DType
from tinygrad_cnn.engine.tensor import Tensor
from tinygrad_cnn.ops.factors import CholeskyInfo
from tinygrad_cnn.ops.factors import LU
from tinygrad_cnn.ops.factors import LUFactor
from tinygrad_cnn.ops.factors import LUFactorInfo
from tinygrad_cnn.ops.factors import QR
from tinygrad_cnn.ops.solve import Inverse
from tinygrad_cnn.ops.solve import SLogDet
from tinygrad_cnn.ops.solve import Solution
from tinygrad_cnn.ops.spectrum import Eigen
from tinygrad_cnn.ops.spectrum import LeastSquares
from tinygrad_cnn.ops.spectrum import SVD

from tinygrad_cnn.ops.matrices import LinAlgError as LinAlgError

def cholesky(A: Tensor, *, upper: builtins.bool = False, out: Tensor | None = None) -> Tensor:
    """L, lower triangular, with A = L Lᵀ; its transpose for upper: (B, N, N) -> (B, N, N)."""

def cholesky_ex(A: Tensor, *, upper: builtins.bool = False, check_errors: builtins.bool = False, out: builtins.tuple[Tensor, ...] | None = None) -> CholeskyInfo:
    """`cholesky` and, as `info`, 0 or the order of the leading minor that is not positive definite: an error for"""

def cond(A: Tensor, p: builtins.float | builtins.str | None = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number ‖A‖ · ‖A⁻¹‖ in the norm p of `matrix_norm`: (B, M, N) -> (B), inf for a singular matrix."""

def cross(input: Tensor, other: Tensor, *, dim: builtins.int = -1, out: Tensor | None = None) -> Tensor:
    """The vectors at right angles to those of input and other along dim, which are of length 3; other axes broadcast."""

def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant: (B, N, N) -> (B). The gradient is right where it is 0."""

def diagonal(A: Tensor, *, offset: builtins.int = 0, dim1: builtins.int = -2, dim2: builtins.int = -1) -> Tensor:
    """The diagonal of each matrix, as the last axis: (B, M, N) -> (B, K). A view."""

def eig(A: Tensor, *, out: builtins.tuple[Tensor, ...] | None = None) -> Eigen:
    """The eigenvalues of a square matrix, in no order, and its eigenvectors, as columns; complex, without gradients."""

def eigh(A: Tensor, UPLO: builtins.str = 'L', *, out: builtins.tuple[Tensor, ...] | None = None) -> Eigen:
    """The eigenvalues L of a symmetric matrix, which rise, and its eigenvectors, the columns of Q: A = Q diag(L) Qᵀ."""

def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of a square matrix, in no order; complex, and without gradients."""

def eigvalsh(A: Tensor, UPLO: builtins.str = 'L', *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of a symmetric matrix, which rise: (B, N, N) -> (B, N)."""

def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A: (B, N, N) -> (B, N, N)."""

def inv_ex(A: Tensor, *, check_errors: builtins.bool = False, out: builtins.tuple[Tensor, ...] | None = None) -> Inverse:
    """The inverse of A and, as `info`, 0 or the pivot that is zero, an error for check_errors alone."""

def lstsq(A: Tensor, B: Tensor, rcond: builtins.float | None = None, *, driver: builtins.str | None = None, out: builtins.tuple[Tensor, ...] | None = None) -> LeastSquares:
    """X with ‖A X − B‖ least, and of those the one with ‖X‖ least: (B, M, N) (B, M, K) -> (B, N, K), or vectors."""

def lu(A: Tensor, *, pivot: builtins.bool = True, out: builtins.tuple[Tensor, ...] | None = None) -> LU:
    """P, a permutation, L, lower triangular with ones on its diagonal, U, upper triangular: A = P L U."""

def lu_factor(A: Tensor, *, pivot: builtins.bool = True, out: builtins.tuple[Tensor, ...] | None = None) -> LUFactor:
    """L and U in one matrix (the ones on L's diagonal are left out), and the swaps of rows, for `lu_solve`."""

def lu_factor_ex(A: Tensor, *, pivot: builtins.bool = True, check_errors: builtins.bool = False, out: builtins.tuple[Tensor, ...] | None = None) -> LUFactorInfo:
    """`lu_factor` and, as `info`, 0 or the pivot that is zero, an error for check_errors alone."""

def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: builtins.bool = True, adjoint: builtins.bool = False, out: Tensor | None = None) -> Tensor:
    """X of A X = B, with what `lu_factor` made of A; X A = B where left is False, Aᵀ in its place for adjoint."""

def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input @ other: (..., N, K) (..., K, M) -> (..., N, M); axes in front broadcast."""

def matrix_exp(A: Tensor) -> Tensor:
    """Σ Aⁿ / n!, by scaling and squaring of a rational function (Higham 2005): (B, N, N) -> (B, N, N)."""

def matrix_norm(A: Tensor, ord: builtins.float | builtins.str = 'fro', dim: Axis = ..., keepdim: builtins.bool = False, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """A norm of the matrices along the two axes of dim: (B, M, N) -> (B), or (B, 1, 1) under keepdim."""

def matrix_power(A: Tensor, n: builtins.int, *, out: Tensor | None = None) -> Tensor:
    """A · A · ... · A, n times, by repeated squares; the inverse where n is negative: (B, N, N) -> (B, N, N)."""

def matrix_rank(A: Tensor, tol: Any = None, hermitian: builtins.bool = False, *, atol: Any = None, rtol: Any = None, out: Tensor | None = None) -> Tensor:
    """How many singular values are above max(atol, rtol · the largest one): (B, M, N) -> (B), int64."""

def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The product of two or more matrices, with brackets where they make it cheapest; the outer ones may be vectors."""

def norm(A: Tensor, ord: builtins.float | builtins.str | None = None, dim: Axis | None = None, keepdim: builtins.bool = False, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """`vector_norm` along one axis, `matrix_norm` along two; without ord, the root of the sum of squares along any."""

def pinv(A: Tensor, rcond: Any = None, hermitian: builtins.bool = False, *, atol: Any = None, rtol: Any = None, out: Tensor | None = None) -> Tensor:
    """Moore and Penrose's inverse, X with A X A = A and X A X = X, both products symmetric: (B, M, N) -> (B, N, M)."""

def qr(A: Tensor, mode: builtins.str = 'reduced', *, out: builtins.tuple[Tensor, ...] | None = None) -> QR:
    """Q with orthonormal columns and R, upper triangular, with A = Q R: (B, M, N) -> (B, M, K), (B, K, N)."""

def slogdet(A: Tensor, *, out: builtins.tuple[Tensor, ...] | None = None) -> SLogDet:
    """The sign of the determinant, and the logarithm of its magnitude, which does not overflow: (B, N, N) -> (B), (B)."""

def solve(A: Tensor, B: Tensor, *, left: builtins.bool = True, out: Tensor | None = None) -> Tensor:
    """X of A X = B, or of X A = B where left is False: (B, N, N) (B, N, K) -> (B, N, K), or a vector (N,) -> (N,)."""

def solve_ex(A: Tensor, B: Tensor, *, left: builtins.bool = True, check_errors: builtins.bool = False, out: builtins.tuple[Tensor, ...] | None = None) -> Solution:
    """`solve` and, as `info`, 0 or the pivot that is zero: a singular matrix is an error for check_errors alone."""

def solve_triangular(A: Tensor, B: Tensor, *, upper: builtins.bool, left: builtins.bool = True, unitriangular: builtins.bool = False, out: Tensor | None = None) -> Tensor:
    """X of A X = B (of X A = B where left is False) for a triangular A, by substitution."""

def svd(A: Tensor, full_matrices: builtins.bool = True, *, driver: builtins.str | None = None, out: builtins.tuple[Tensor, ...] | None = None) -> SVD:
    """U, S, Vh with A = U diag(S) Vh: orthonormal columns, singular values that fall, orthonormal rows."""

def svdvals(A: Tensor, *, driver: builtins.str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values, which fall: (B, M, N) -> (B, min(M, N))."""

def tensorinv(A: Tensor, ind: builtins.int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A as a map of the axes from `ind` on to those before: the one X with tensordot(X, A, ind) = 1."""

def tensorsolve(A: Tensor, B: Tensor, dims: Sequence[builtins.int] | None = None, *, out: Tensor | None = None) -> Tensor:
    """X of tensordot(A, X, X.ndim) = B: the last axes of A are those of X, the first those of B."""

def vander(x: Tensor, N: builtins.int | None = None) -> Tensor:
    """The powers 0 to N - 1 of each element: (B, n) -> (B, n, N), N = n where it is not given."""

def vecdot(x: Tensor, y: Tensor, *, dim: builtins.int = -1, out: Tensor | None = None) -> Tensor:
    """Σ x · y along dim; other axes broadcast."""

def vector_norm(x: Tensor, ord: builtins.float = 2, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """(Σ |x|^ord)^(1/ord) along dim; for ord 0 how many are not 0, for inf and -inf the largest and smallest |x|."""
