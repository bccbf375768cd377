"""What linear algebra asks of its matrices, and what is said of those that it can do nothing with.

B stands for any axes in front, M N K for the sizes of a matrix: (B, M, N) is a batch of matrices, or one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.dtypes import float16

# Those that refuse half precision as a wrong argument, in PyTorch; the others have no kernel for it there.
LOOK_FIRST = frozenset("inv inv_ex inverse slogdet logdet pinv lstsq matrix_exp matrix_rank tensorinv".split())


class LinAlgError(RuntimeError):
    """A matrix that has no inverse, no such factors, or numbers that an algorithm does not converge on.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.inv(tg.zeros(2, 2))
    Traceback (most recent call last):
        ...
    tinygrad_cnn.ops.matrices.LinAlgError: linalg.inv: the matrix is singular: pivot 1 is zero
    """


def floating(name: str, *operands: Any) -> None:
    """Raise unless these arrays, or tensors, are of one dtype that LAPACK computes in: float32, float64 or complex."""
    for x in operands:
        if x.dtype.kind not in "fc":
            raise RuntimeError(f"{name}: expects a floating point tensor, got {x.dtype}; convert it with .float()")
        if x.dtype == float16:
            kind = RuntimeError if name.rpartition(".")[2] in LOOK_FIRST else NotImplementedError
            raise kind(f"{name}: low precision dtypes are not supported, got {x.dtype}; use .float()")
        if x.dtype != operands[0].dtype:
            raise RuntimeError(f"{name}: expects one dtype, got {operands[0].dtype} and {x.dtype}; convert one")


def matrices(name: str, x: Any, which: str = "A") -> Any:
    """x, if it has the two axes of a matrix, and numbers that are computed with."""
    if x.ndim < 2:
        raise RuntimeError(f"{name}: {which} must have at least 2 dimensions, got shape {tuple(x.shape)}")
    floating(name, x)
    return x


def square(name: str, x: Any, which: str = "A") -> Any:
    """x, if it is a square matrix or a batch of them."""
    matrices(name, x, which)
    if x.shape[-1] != x.shape[-2]:
        rows, columns = x.shape[-2:]
        raise RuntimeError(f"{name}: {which} must be batches of square matrices, but they are {rows} by {columns}")
    return x


def lapack(name: str, f: Callable, *args: Any, **kwargs: Any) -> Any:
    """What NumPy's LAPACK gives; where it finds no end, that is said."""
    try:
        return f(*args, **kwargs)
    except np.linalg.LinAlgError as error:
        numbers = "" if all(np.isfinite(a).all() for a in args) else "; there are infinite numbers or NaN in it"
        raise LinAlgError(f"{name}: {error}{numbers}") from None


def refuse(name: str, info: np.ndarray, words: str) -> None:
    """Raise, for the first matrix of a batch whose `info` is not 0, what these words say of it."""
    if info.any():
        i = int(np.flatnonzero(info)[0])
        place = f"(batch element {i}) " if info.ndim else ""
        raise LinAlgError(f"{name}: {place}{words.format(info.ravel()[i])}")


SINGULAR = "the matrix is singular: pivot {} is zero"
INDEFINITE = "the matrix is not positive definite: its leading minor of order {} is not"


def eliminated(A: np.ndarray, pivot: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Gauss' elimination with the largest pivot of each column (Golub and Van Loan 2013, algorithm 3.4.1).

    (B, M, N) -> L below the diagonal and U above it in one matrix (B, M, N), and the order of the rows (B, M).
    """
    batch, (m, n) = A.shape[:-2], A.shape[-2:]
    lu = A.reshape(math.prod(batch), m, n).copy()
    order = np.tile(np.arange(m), (len(lu), 1))
    every = np.arange(len(lu))
    for k in range(min(m, n)):
        if pivot:
            best = k + np.abs(lu[:, k:, k]).argmax(-1)
            for rows in (lu, order):
                rows[every, k], rows[every, best] = rows[every, best], rows[every, k].copy()
        d = lu[:, k, k]
        lu[:, k + 1 :, k] /= np.where(d == 0, 1, d)[:, None]
        lu[:, k + 1 :, k + 1 :] -= lu[:, k + 1 :, k, None] * lu[:, None, k, k + 1 :]
    return lu.reshape(A.shape), order.reshape(*batch, m)


def zero_pivots(lu: np.ndarray) -> np.ndarray:
    """Which pivot of each of these eliminated matrices is the first to be zero, counted from 1; 0: there is none."""
    zero = np.diagonal(lu, axis1=-2, axis2=-1) == 0
    return np.where(zero.any(-1), zero.argmax(-1) + 1 if zero.shape[-1] else 0, 0).astype(np.int32)


def singular(A: np.ndarray) -> np.ndarray:
    """`zero_pivots` of matrices: 0 where there is an inverse."""
    if np.linalg.slogdet(A)[0].all():
        return np.zeros(A.shape[:-2], np.int32)
    return zero_pivots(eliminated(A)[0])


def indefinite(A: np.ndarray) -> np.ndarray:
    """The order of the first leading minor that is not positive definite, in each matrix; 0: there is none."""
    found = np.zeros(A.shape[:-2], np.int32)
    for i in np.ndindex(found.shape):
        for k in range(1, A.shape[-1] + 1):
            try:
                np.linalg.cholesky(A[i][:k, :k])
            except np.linalg.LinAlgError:
                found[i] = k
                break
    return found


def substituted(A: np.ndarray, B: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    """X of A X = B by substitution, row by row, from the one that has a single unknown (Golub and Van Loan, 3.1).

    A is read on one side of its diagonal; unit: that is taken to be 1.        (B, N, N) (B, N, K) -> (B, N, K)
    """
    n = A.shape[-1]
    batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    X = np.array(np.broadcast_to(B, (*batch, *B.shape[-2:])))
    for i in reversed(range(n)) if upper else range(n):
        known = slice(i + 1, n) if upper else slice(0, i)
        X[..., i, :] -= (A[..., i, None, known] @ X[..., known, :])[..., 0, :]
        if not unit:
            X[..., i, :] /= A[..., i, i, None]
    return X
