"""Products of matrices on the micro-kernel of convolution.

BLAS would be as fast, but it keeps threads of its own, and two teams that wait busily for work on the same cores
slow each other down tenfold. So while the kernels run on a team, big products run on that team as well.

Rows of the left matrix are read where they lie, whatever their strides. The right one is packed panel by panel,
DEPTH rows of LANES columns, which stay in the cache while all rows of the left pass by.

M rows, N columns, K the length of the sums. Source: Goto and van de Geijn 2008 (see micro.py).
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from .. import faster, threads
from . import memory
from .compiled import compiled
from .micro import ADD, BIAS, LANES, ROWS, ZERO, copy, tile

DEPTH = 512
PER_FLOP = 1 / 80  # nanoseconds
ALONE, ALONE_ON_A_VECTOR = 250_000, 9_000  # multiplications up to which BLAS, too, stays on one thread


def _is_big(a, b) -> bool:
    """a @ b is a product of float32 matrices for which BLAS would wake its threads, or an outer product."""
    if a.ndim != 2 or b.ndim != 2 or a.dtype != np.float32 or b.dtype != np.float32 or a.shape[1] != b.shape[0]:
        return False
    (M, K), N = a.shape, b.shape[1]
    if M == 1 or N == 1:
        matrix = b if M == 1 else a
        return matrix.size > ALONE_ON_A_VECTOR and (matrix.flags.c_contiguous or matrix.flags.f_contiguous)
    return M * N * K > ALONE or K == 1


@faster(when=_is_big)
def matmul(input, other):
    (M, K), N = input.shape, other.shape[1]
    if M == 1:
        return _times_vector(other.T, input[0])[None]
    if N == 1:
        return _times_vector(input, other[:, 0])[:, None]
    return np.multiply(input, other) if K == 1 else product(input, other, None)


def _is_big_layer(input, weight, bias):
    return input.dtype == np.float32 and _is_big(input.reshape(-1, input.shape[-1]), weight.T)


@faster(when=_is_big_layer)
def linear(input, weight, bias):
    *lead, I = input.shape
    rows = input.reshape(-1, I)
    if len(rows) > 1 and len(weight) > 1:
        out = product(rows, weight.T, bias)
    else:
        out = matmul(rows, weight.T)
        if bias is not None:
            out += bias
    return out.reshape(*lead, len(weight))


def _is_product(input, weight, bias):
    return _is_big_layer(input, weight, bias) and input.size > input.shape[-1] and len(weight) > 1


@faster(when=_is_product)
def linear_relu(input, weight, bias):
    *lead, I = input.shape
    return product(input.reshape(-1, I), weight.T, bias, relu=1).reshape(*lead, len(weight))


def _times_vector(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    """matrix @ x for a matrix that is contiguous by rows or by columns        (M,K) (K,) -> (M,)"""
    out = np.empty(len(matrix), np.float32)
    x = np.ascontiguousarray(x)
    if matrix.flags.c_contiguous:
        _dot(matrix.size / 8, matrix, x, out)
    else:
        _add_rows(matrix.size / 8, matrix.T, x, out)
    return out


_MATRIX, _VECTOR = "Array(f4, 2, 'C', readonly=True)", "Array(f4, 1, 'C', readonly=True)"


@compiled(f"{_MATRIX}, {_VECTOR}, f4[::1]")
def _dot(thread, part, parts, matrix, x, out):
    """out[m] = Σ matrix[m]·x, each part some of the rows."""
    M, K = matrix.shape
    for m in range(part * M // parts, (part + 1) * M // parts):
        total = np.float32(0)
        for k in range(K):
            total += matrix[m, k] * x[k]
        out[m] = total


@compiled(f"{_MATRIX}, {_VECTOR}, f4[::1]")
def _add_rows(thread, part, parts, rows, x, out):
    """out = Σ x[k]·rows[k], each part some of the columns."""
    K, M = rows.shape
    begin, end = part * M // parts, (part + 1) * M // parts
    out[begin:end] = 0
    for k in range(K):
        for m in range(begin, end):
            out[m] += x[k] * rows[k, m]


def product(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None, relu: int = 0) -> np.ndarray:
    """a @ b + bias, or with `relu` its positive part        (M,K) (K,N) (N,) -> (M,N)

    Packing a matrix whose columns lie in memory as rows costs more than the product with a few rows. Then the
    smaller one is packed: (a @ b).T = b.T @ a.T.
    """
    (M, K), N = a.shape, b.shape[1]
    if b.strides[1] != 4 and M < N:
        turned = product(b.T, a.T, None).T
        out = np.add(turned, 0 if bias is None else bias, out=memory.empty((M, N)))
        return np.maximum(out, 0, out=out) if relu else out
    out = memory.empty((M, N))
    team = threads.get_num_threads()
    panels = memory.empty((team, DEPTH * LANES))
    bias = _NOTHING if bias is None else np.ascontiguousarray(bias)
    _product(2 * M * N * K * PER_FLOP + M * N, a, b, bias, panels, relu, out)
    return out


_NOTHING = np.empty(0, np.float32)


@compiled(
    "Array(f4, 2, 'A', readonly=True), Array(f4, 2, 'A', readonly=True), Array(f4, 1, 'C', readonly=True),"
    "f4[:,::1], i8, f4[:,::1]",
    pieces=2,
)
def _product(thread, part, parts, a, b, bias, panels, relu, out):
    """Shares are blocks of LANES columns; where these are few, the rows are parted as well."""
    (M, K), N = a.shape, b.shape[1]
    blocks = (N + LANES - 1) // LANES
    bands = min((parts + blocks - 1) // blocks, (M + ROWS - 1) // ROWS)
    step_m, step_k = a.strides[0] // 4, a.strides[1] // 4
    row_a, row_c = np.empty(ROWS, np.int64), np.empty(ROWS, np.int64)
    run = np.zeros(1, np.int64)
    panel = panels.ctypes.data + thread * panels.shape[1] * 4
    for share in range(part * blocks * bands // parts, (part + 1) * blocks * bands // parts):
        first, band = share // bands * LANES, share % bands
        lanes = min(LANES, N - first)
        tiles = (M + ROWS - 1) // ROWS
        begin, end = band * tiles // bands * ROWS, min((band + 1) * tiles // bands * ROWS, M)
        for k in range(0, K, DEPTH):
            depth = min(DEPTH, K - k)
            _pack(b, k, depth, first, lanes, panels[thread])
            start = ADD if k else BIAS if len(bias) else ZERO
            for m in range(begin, end, ROWS):
                for r in range(ROWS):
                    row_a[r] = min(r, end - 1 - m) * step_m
                    row_c[r] = min(r, end - 1 - m) * N
                tile(
                    a.ctypes.data + (m * step_m + k * step_k) * 4,
                    panel,
                    out.ctypes.data + (m * N + first) * 4,
                    bias.ctypes.data + first * 4,
                    row_a.ctypes.data,
                    row_c.ctypes.data,
                    run.ctypes.data,
                    1,
                    depth,
                    step_k,
                    LANES,
                    lanes,
                    start,
                    relu if k + DEPTH >= K else 0,
                )


@register_jitable
def _pack(b, k, depth, first, lanes, panel):
    """Rows k..., columns first... of b, LANES floats a row; what lies beyond the columns there is never stored."""
    if b.strides[1] == 4:
        source = b.ctypes.data + k * b.strides[0] + first * 4
        for row in range(depth):
            copy(panel.ctypes.data + row * LANES * 4, source + row * b.strides[0], lanes)
    else:
        for near in range(0, depth, 16):  # a few rows at a time: the panel's part stays in the first-level cache
            for lane in range(lanes):
                for row in range(near, min(near + 16, depth)):
                    panel[row * LANES + lane] = b[k + row, first + lane]
