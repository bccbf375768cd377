"""Products of matrices, and layers that multiply by one.

BLAS would be as fast, but it keeps threads of its own, and two teams that wait busily for work on the same cores
slow each other down tenfold. So while the kernels run on a team, big products run on that team as well
(machinery/products.py); those with a vector are a loop of their own.
"""

from __future__ import annotations

import numpy as np

from .. import faster
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import compiled
from .machinery.products import product

STRETCH, ROW_STRETCH = 1024, 512  # terms that are added in one go: of a row, and of many rows
ALONE, ALONE_ON_A_VECTOR = 250_000, 9_000  # multiplications up to which BLAS, too, stays on one thread
_NOTHING = np.empty(0, np.float32)


def _is_big(a, b) -> bool:
    """a @ b is a product of float32 matrices for which BLAS would wake its threads, or an outer product.

    Any axes may stand before those of a, if it lies in order.
    """
    if a.ndim > 2 and a.flags.c_contiguous and a.size:
        a = a.reshape(-1, a.shape[-1])
    if a.ndim != 2 or b.ndim != 2 or not readable(a, b) or a.shape[1] != b.shape[0]:
        return False
    (M, K), N = a.shape, b.shape[1]
    if M == 1 or N == 1:
        matrix = b if M == 1 else a
        return matrix.size > ALONE_ON_A_VECTOR and (matrix.flags.c_contiguous or matrix.flags.f_contiguous)
    return M * N * K > ALONE or K == 1


@faster(when=_is_big, pure=True)
def matmul(input, other):
    if input.ndim > 2:
        return matmul(input.reshape(-1, input.shape[-1]), other).reshape(*input.shape[:-1], other.shape[1])
    (M, K), N = input.shape, other.shape[1]
    if K == 1:
        out = memory.empty((M, N))
        _outer(M * N / 4, input[:, 0], other[0], out)
        return out
    if M == 1:
        return _times_vector(other.T, input[0])[None]
    if N == 1:
        return _times_vector(input, other[:, 0])[:, None]
    return product(input, other, None)


def _takes_layer(input, weight, bias):
    if not readable(input, weight, bias) or input.size == 0 or weight.size == 0:
        return False
    if not (bias is None or bias.flags.c_contiguous) or (input.ndim > 2 and not input.flags.c_contiguous):
        return False
    if input.size == input.shape[-1]:
        return weight.flags.c_contiguous
    return len(weight) == 1 or input.size * len(weight) > ALONE or input.shape[-1] == 1


@faster(when=_takes_layer, pure=True)
def linear(input, weight, bias):
    return _layer(input, weight, bias, relu=0)


@faster(when=_takes_layer, pure=True)
def linear_relu(input, weight, bias):
    return _layer(input, weight, bias, relu=1)


def _layer(input, weight, bias, relu):
    *lead, I = input.shape
    O, rows = len(weight), input.reshape(-1, I)
    if len(rows) == 1 and rows.flags.c_contiguous and weight.flags.c_contiguous:
        out = _dot_rows(weight, rows[0], bias, relu)
    elif O == 1 and rows.flags.c_contiguous and weight.flags.c_contiguous:
        out = _dot_rows(rows, weight[0], bias, relu)
    else:
        out = product(rows, weight.T, bias, relu)
    return out.reshape(*lead, O)


def _times_vector(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    """matrix @ x for a matrix that is contiguous by rows or by columns        (M,K) (K,) -> (M,)"""
    if not x.flags.c_contiguous:
        return product(matrix, x[:, None], None)[:, 0]
    if matrix.flags.c_contiguous:
        return _dot_rows(matrix, x, None, 0)
    out = np.empty(len(matrix), np.float32)
    _add_rows(matrix.size / 8, matrix.T, x, out)
    return out


def _dot_rows(matrix: np.ndarray, x: np.ndarray, bias: np.ndarray | None, relu: int) -> np.ndarray:
    """matrix @ x + bias, or with `relu` its positive part; one bias for each row, or one for all"""
    out = np.empty(len(matrix), np.float32)
    _dot(matrix.size / 8, matrix, x, _NOTHING if bias is None else bias, relu, out)
    return out


@compiled("Array(f4, 1, 'A', readonly=True), Array(f4, 1, 'A', readonly=True), f4[:,::1]")
def _outer(thread, part, parts, a, b, out):
    """out[m, n] = a[m]·b[n], each part some of the longer of a and b."""
    M, N = out.shape
    rows, columns = (part, parts) if M > N else (0, 1), (part, parts) if M <= N else (0, 1)
    for m in range(rows[0] * M // rows[1], (rows[0] + 1) * M // rows[1]):
        for n in range(columns[0] * N // columns[1], (columns[0] + 1) * N // columns[1]):
            out[m, n] = a[m] * b[n]


_MATRIX, _VECTOR = "Array(f4, 2, 'C', readonly=True)", "Array(f4, 1, 'C', readonly=True)"


@compiled(f"{_MATRIX}, {_VECTOR}, {_VECTOR}, i8, f4[::1]")
def _dot(thread, part, parts, matrix, x, bias, relu, out):
    """out[m] = Σ matrix[m]·x + bias[m], each part some of the rows; there may be one bias for all, or none."""
    M, K = matrix.shape
    for m in range(part * M // parts, (part + 1) * M // parts):
        total = 0.0
        for first in range(0, K, STRETCH):
            stretch, row, column = np.float32(0), matrix[m, first : first + STRETCH], x[first : first + STRETCH]
            for k in range(len(row)):
                stretch += row[k] * column[k]
            total += stretch
        if len(bias):
            total += bias[m if len(bias) > 1 else 0]
        out[m] = 0 if relu and total < 0 else total


@compiled(f"{_MATRIX}, {_VECTOR}, f4[::1]")
def _add_rows(thread, part, parts, rows, x, out):
    """out = Σ x[k]·rows[k], each part some of the columns."""
    K, M = rows.shape
    begin, end = part * M // parts, (part + 1) * M // parts
    total, stretch = np.zeros(end - begin), np.empty(end - begin, np.float32)
    for first in range(0, K, ROW_STRETCH):
        last = min(first + ROW_STRETCH, K)
        stretch[:] = 0
        for k in range(first, last - 3, 4):  # sums are read and written once for four rows
            r0, r1, r2, r3 = rows[k, begin:end], rows[k + 1, begin:end], rows[k + 2, begin:end], rows[k + 3, begin:end]
            for m in range(len(stretch)):
                stretch[m] += x[k] * r0[m] + x[k + 1] * r1[m] + x[k + 2] * r2[m] + x[k + 3] * r3[m]
        for k in range(last - (last - first) % 4, last):
            row = rows[k, begin:end]
            for m in range(len(stretch)):
                stretch[m] += x[k] * row[m]
        for m in range(len(stretch)):
            total[m] += stretch[m]
    out[begin:end] = total
