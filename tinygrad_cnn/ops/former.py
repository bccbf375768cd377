"""Functions of matrices under the names that came before `linalg`, with the arguments that they had then."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from ..arrays.lines import user_level
from ..arrays.types import Array
from ..engine.tensor import Tensor, as_array, wrap
from . import factors, matrix_functions, solve, spectrum
from .choice import where
from .declared import appears
from .factors import LU, QR
from .linalg import dot as dot_product
from .matrices import matrices, refuse, square
from .solve import SLogDet


def _deprecated(old: str, new: str) -> None:
    warnings.warn(f"{old} is deprecated in favor of {new}", UserWarning, stacklevel=user_level())


@appears("function method")
def det(input: Array) -> Array:
    """The determinant, as `linalg.det`: (B, N, N) -> (B).

    >>> import tinygrad_cnn as tg
    >>> tg.det(tg.tensor([[1.0, 2.0], [3.0, 4.0]])).round(decimals=4).item()
    -2.0
    """
    return solve.det(input)


@appears("function out method")
def slogdet(input: Array) -> SLogDet:
    """The sign of the determinant and the logarithm of its magnitude, as `linalg.slogdet`: (B, N, N) -> (B), (B).

    >>> import tinygrad_cnn as tg
    >>> tg.slogdet(tg.eye(2)).sign.item()
    1.0
    """
    return solve.slogdet(input)


@appears("function method")
def logdet(input: Array) -> Array:
    """The logarithm of the determinant, NaN where that is negative: (B, N, N) -> (B).

    >>> import tinygrad_cnn as tg
    >>> tg.logdet(tg.eye(2)).item(), tg.logdet(tg.tensor([[-1.0]])).item()
    (0.0, nan)
    """
    sign, logarithm = solve.slogdet(input)
    return where(sign < 0, math.nan, logarithm)


@appears("function out method")
def inverse(input: Array) -> Array:
    """The inverse, as `linalg.inv`: (B, N, N) -> (B, N, N).

    >>> import tinygrad_cnn as tg
    >>> tg.inverse(tg.tensor([[2.0]])).tolist()
    [[0.5]]
    """
    return solve.inv(input)


@appears("function method")
def pinverse(input: Array, rcond: float = 1e-15) -> Array:
    """Moore and Penrose's inverse, as `linalg.pinv` with rtol=rcond: (B, M, N) -> (B, N, M).

    >>> import tinygrad_cnn as tg
    >>> tg.pinverse(tg.tensor([[2.0], [0.0]])).tolist()
    [[0.5, 0.0]]
    """
    return spectrum.pinv(input, atol=0.0, rtol=rcond)


@appears("function out method")
def matrix_power(input: Array, n: int) -> Array:
    """A product of n times the same matrix, as `linalg.matrix_power`: (B, N, N) -> (B, N, N).

    >>> import tinygrad_cnn as tg
    >>> tg.matrix_power(tg.tensor([[1, 1], [0, 1]]), 3).tolist()
    [[1, 3], [0, 1]]
    """
    return matrix_functions.matrix_power(input, n)


@appears("function method")
def matrix_exp(input: Array) -> Array:
    """The exponential of matrices, as `linalg.matrix_exp`: (B, N, N) -> (B, N, N).

    >>> import tinygrad_cnn as tg
    >>> tg.matrix_exp(tg.zeros(1, 1)).tolist()
    [[1.0]]
    """
    return matrix_functions.matrix_exp(input)


@appears("function out")
def chain_matmul(*matrices: Array) -> Array:
    """The product of a chain of matrices: deprecated, as in PyTorch, for `linalg.multi_dot`, which takes a list.

    >>> import tinygrad_cnn as tg, warnings
    >>> warnings.simplefilter("ignore")
    >>> tg.chain_matmul(tg.ones(1, 2), tg.ones(2, 3), tg.ones(3, 1)).tolist()
    [[6.0]]
    """
    _deprecated("chain_matmul", "linalg.multi_dot, which takes a list")
    if len(matrices) == 1:
        return matrices[0]
    for i, m in enumerate(matrices):
        if m.ndim != 2:
            raise RuntimeError(f"chain_matmul: operand {i} must be a matrix, got shape {tuple(m.shape)}")
    return matrix_functions.multi_dot(matrices)


@appears("function out exact method")
def cross(input: Array, other: Array, dim: int | None = None) -> Array:
    """As `linalg.cross`, along the first axis of length 3 where dim is not given, which is deprecated.

    >>> import tinygrad_cnn as tg
    >>> tg.cross(tg.tensor([1, 0, 0]), tg.tensor([0, 1, 0]), dim=0).tolist()
    [0, 0, 1]
    """
    if dim is None:
        _deprecated("cross without dim", "linalg.cross, whose dim is -1")
        shape = np.broadcast_shapes(input.shape, other.shape) if input.ndim == other.ndim else input.shape
        if 3 not in shape:
            raise RuntimeError(f"cross: no dimension of size 3 in input, got shape {tuple(input.shape)}")
        dim = shape.index(3)
    return matrix_functions.cross(input, other, dim=dim)


@appears("function out exact method")
def vdot(input: Array, other: Array) -> Array:
    """Σ input · other of two vectors, as `dot`: the numbers are real.

    >>> import tinygrad_cnn as tg
    >>> tg.vdot(tg.tensor([1, 2]), tg.tensor([3, 4])).item()
    11
    """
    return dot_product(input, other)


# Factors.


@appears("function out method")
def cholesky(input: Array, upper: bool = False) -> Array:
    """L with input = L Lᵀ, or its transpose: deprecated, as in PyTorch, for `linalg.cholesky`.

    >>> import tinygrad_cnn as tg, warnings
    >>> warnings.simplefilter("ignore")
    >>> tg.cholesky(tg.tensor([[4.0]])).tolist()
    [[2.0]]
    """
    _deprecated("cholesky", "linalg.cholesky")
    return factors.cholesky(input, upper=upper)


@appears("function out method")
def cholesky_solve(input: Array, input2: Array, upper: bool = False) -> Array:
    """X of A X = input, where input2 is A's triangle of `linalg.cholesky`: (B, N, K) (B, N, N) -> (B, N, K).

    >>> import tinygrad_cnn as tg
    >>> tg.cholesky_solve(tg.tensor([[4.0]]), tg.tensor([[2.0]])).tolist()
    [[1.0]]
    """
    matrices("cholesky_solve", input, "input")
    L = square("cholesky_solve", input2, "input2")
    L = L.mT if upper else L
    if not np.diagonal(as_array(L), axis1=-2, axis2=-1).all():  # divided by zero, as substitution does
        return solve.solve_triangular(L.mT, solve.solve_triangular(L, input, upper=False), upper=True)
    L = factors.read_as(L, np.tril(as_array(L)))
    return solve.solve_matrices(L.mT, solve.solve_matrices(L, input))


@appears("function out method")
def cholesky_inverse(input: Array, upper: bool = False) -> Array:
    """The inverse of A, where input is its triangle of `linalg.cholesky`: (B, N, N) -> (B, N, N).

    LinAlgError where there is a zero on its diagonal.

    >>> import tinygrad_cnn as tg
    >>> tg.cholesky_inverse(tg.tensor([[2.0]])).tolist()
    [[0.25]]
    """
    L = square("cholesky_inverse", input, "input")
    zero = np.diagonal(as_array(L), axis1=-2, axis2=-1) == 0
    if zero.any():
        refuse("cholesky_inverse", np.where(zero.any(-1), zero.argmax(-1) + 1, 0), "element {} of its diagonal is zero")
    return cholesky_solve(wrap(np.eye(L.shape[-1], dtype=L.dtype)), L, upper)


@appears("function out exact method")
def qr(input: Array, some: bool = True) -> QR:
    """Q and R of input = Q R, with all columns of Q unless some: deprecated, as in PyTorch, for `linalg.qr`.

    >>> import tinygrad_cnn as tg, warnings
    >>> warnings.simplefilter("ignore")
    >>> tg.qr(tg.ones(3, 2), some=False).Q.shape
    (3, 3)
    """
    _deprecated("qr", "linalg.qr, whose mode is 'reduced' or 'complete'")
    return factors.qr(input, "reduced" if some else "complete")


class SVDWithV(NamedTuple):
    U: Tensor
    S: Tensor
    V: Tensor


@appears("function out exact method")
def svd(input: Array, some: bool = True, compute_uv: bool = True) -> SVDWithV:
    """U, S and V with input = U diag(S) Vᵀ: as `linalg.svd`, but the last is not transposed, and short unless not some.

    Without compute_uv U and V are zeros.

    >>> import tinygrad_cnn as tg
    >>> U, S, V = tg.svd(tg.ones(3, 2))
    >>> U.shape, S.shape, V.shape
    ((3, 2), (2,), (2, 2))
    """
    matrices("svd", input, "input")
    if compute_uv:
        U, S, Vh = spectrum.svd(input, not some)
        return SVDWithV(U, S, Vh.mT)
    m, n = input.shape[-2:]
    none = [wrap(np.zeros((*input.shape[:-2], k, k), input.dtype)) for k in (m, n)]
    return SVDWithV(none[0], spectrum.svdvals(input), none[1])


@appears("function out method")
def lu(A: Array, pivot: bool = True, get_infos: bool = False) -> tuple[Array, ...]:
    """L and U in one matrix, swaps of rows, and with get_infos which pivot is zero: deprecated, as in PyTorch, for
    `linalg.lu_factor`.

    >>> import tinygrad_cnn as tg, warnings
    >>> warnings.simplefilter("ignore")
    >>> tg.lu(tg.eye(2))[1].tolist()
    [1, 2]
    """
    _deprecated("lu", "linalg.lu_factor and linalg.lu_factor_ex")
    found = factors.lu_factor_ex(A, pivot=pivot)
    return tuple(found) if get_infos else tuple(found[:2])


@appears("function out exact method")
def lu_solve(input: Array, LU_data: Array, LU_pivots: Array) -> Array:
    """X of A X = input with what `lu` made of A: deprecated, as in PyTorch, for `linalg.lu_solve`.

    >>> import tinygrad_cnn as tg, warnings
    >>> warnings.simplefilter("ignore")
    >>> tg.lu_solve(tg.ones(2, 1), *tg.lu(tg.eye(2))).tolist()
    [[1.0], [1.0]]
    """
    _deprecated("lu_solve", "linalg.lu_solve")
    return factors.lu_solve(LU_data, LU_pivots, input)


@appears("function out exact")
def lu_unpack(LU_data: Array, LU_pivots: Array, unpack_data: bool = True, unpack_pivots: bool = True) -> LU:
    """P, L and U of what `linalg.lu_factor` gives; what is not unpacked is empty: (B, M, N) (B, K) -> (B, M, M), ...

    >>> import tinygrad_cnn as tg
    >>> P, L, U = tg.lu_unpack(*tg.linalg.lu_factor(tg.tensor([[0.0, 2.0], [4.0, 2.0]])))
    >>> (P @ L @ U).tolist()
    [[0.0, 2.0], [4.0, 2.0]]
    """
    return factors.unpacked(matrices("lu_unpack", LU_data, "LU_data"), LU_pivots, unpack_data, unpack_pivots)


class TriangularSolution(NamedTuple):
    solution: Tensor
    cloned_coefficient: Tensor


@appears("function out exact method")
def triangular_solve(
    input: Array, A: Array, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> TriangularSolution:
    """X of A X = input for a triangular A, and a copy of A: deprecated, as in PyTorch, for `linalg.solve_triangular`.

    >>> import tinygrad_cnn as tg, warnings
    >>> warnings.simplefilter("ignore")
    >>> tg.triangular_solve(tg.ones(1, 1), tg.tensor([[2.0]])).solution.tolist()
    [[0.5]]
    """
    _deprecated("triangular_solve", "linalg.solve_triangular")
    side = upper != transpose
    X = solve.solve_triangular(A.mT if transpose else A, input, upper=side, unitriangular=unitriangular)
    return TriangularSolution(X, A.clone())


# What PyTorch has no more.


def _removed(name: str, where: str, instead: str) -> None:
    def refused(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"{name}: this function was removed from PyTorch; use {instead}")

    refused.__name__ = refused.__qualname__ = name
    refused.__doc__ = f"""Refused, as in PyTorch, which has removed it: use {instead}.

    >>> import tinygrad_cnn as tg
    >>> tg.{name}(tg.eye(2))
    Traceback (most recent call last):
        ...
    RuntimeError: {name}: this function was removed from PyTorch; use {instead}
    """
    appears(where)(refused)


_removed("symeig", "function method", "linalg.eigh")
_removed("eig", "function method", "linalg.eig")
_removed("lstsq", "function method", "linalg.lstsq, whose first argument is the matrix")
_removed("solve", "function method", "linalg.solve, whose first argument is the matrix")
_removed("matrix_rank", "function", "linalg.matrix_rank")
