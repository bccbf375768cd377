"""Products of matrices on the micro-kernel of convolution.

BLAS would be as fast, but it keeps threads of its own, and two teams that wait busily for work on the same cores
slow each other down tenfold. So while the kernels run on a team, big products run on that team as well.

The sums are cut into stretches of DEPTH. For each of them some columns of the right matrix are packed into panels,
LANES columns wide, and tiles of ROWS rows of the left matrix pass by:

    small   one panel at a time stays in the first-level cache, all else in the second
    big     a block of panels stays in the second-level cache, and a tile passes by all of them, so that what lies in
            memory, the left matrix and the result, is walked through once for many columns, along its rows

The left matrix is read where it lies, whatever its strides. Only where its rows are pages apart, they are copied side
by side first: one set of the first-level cache would have to hold them all. Most layers multiply by weight.T, whose
columns lie in memory as rows; these are transposed in registers while they are packed. What is read but once, or is
no longer than a vector, is not worth packing.

M rows, N columns, K the length of the sums. Source: Goto and van de Geijn 2008 (see machinery/micro.py).
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from .. import faster, threads
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import compiled
from .machinery.lanes import first_lanes
from .machinery.micro import ADD, BIAS, LANES, ROWS, THIRD, WIDTH, ZERO, copy, short_tile
from .machinery.transpose import transpose_block

DEPTH = 512
LONG, STRETCH = 16 * DEPTH, 1024  # terms of sums that are taken in one go: by tiles, and by vectors
BLOCK = 64_000  # floats of the right matrix that are packed at a time, if it pays
PASSING = 300_000  # floats of the left matrix and of the result up to which they stay in the second-level cache
PAGE = 4096  # bytes
PER_FLOP = 1 / 80  # nanoseconds
ALONE, ALONE_ON_A_VECTOR = 250_000, 9_000  # multiplications up to which BLAS, too, stays on one thread


def _is_big(a, b) -> bool:
    """a @ b is a product of float32 matrices for which BLAS would wake its threads, or an outer product."""
    if a.ndim != 2 or b.ndim != 2 or not readable(a, b) or a.shape[1] != b.shape[0]:
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


def _takes_layer(input, weight, bias):
    if not readable(input, weight, bias) or input.size == 0 or weight.size == 0:
        return False
    if input.size == input.shape[-1]:
        return weight.flags.c_contiguous
    return len(weight) == 1 or input.size * len(weight) > ALONE or input.shape[-1] == 1


def _matrix_and_vector(input, weight):
    """The two whose product the layer is, where it has one example or one output."""
    I = input.shape[-1]
    if input.size == I:
        return weight, input.reshape(I)
    return (np.ascontiguousarray(input).reshape(-1, I), weight[0]) if len(weight) == 1 else None


@faster(when=_takes_layer)
def linear(input, weight, bias):
    return _layer(input, weight, bias, relu=0)


@faster(when=_takes_layer)
def linear_relu(input, weight, bias):
    return _layer(input, weight, bias, relu=1)


def _layer(input, weight, bias, relu):
    *lead, I = input.shape
    if pair := _matrix_and_vector(input, weight):
        matrix, x = pair
        out = np.empty(len(matrix), np.float32)
        bias = _NOTHING if bias is None else np.ascontiguousarray(bias)
        _dot(matrix.size / 8, matrix, np.ascontiguousarray(x), bias, relu, out)
    else:
        out = product(input.reshape(-1, I), weight.T, bias, relu)
    return out.reshape(*lead, len(weight))


def _times_vector(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    """matrix @ x for a matrix that is contiguous by rows or by columns        (M,K) (K,) -> (M,)"""
    out = np.empty(len(matrix), np.float32)
    x = np.ascontiguousarray(x)
    if matrix.flags.c_contiguous:
        _dot(matrix.size / 8, matrix, x, _NOTHING, 0, out)
    else:
        _add_rows(matrix.size / 8, matrix.T, x, out)
    return out


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
    for first in range(0, K, DEPTH):
        last = min(first + DEPTH, K)
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


def product(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None, relu: int = 0) -> np.ndarray:
    """a @ b + bias, or with `relu` its positive part        (M,K) (K,N) (N,) -> (M,N)"""
    (M, K), N = a.shape, b.shape[1]
    if K > LONG:  # sums of sums, whose errors grow like log K
        half = K // 2
        out = product(a[:, :half], b[:half], bias) + product(a[:, half:], b[half:], None)
        return np.maximum(out, 0, out=out) if relu else out
    out = memory.empty((M, N))
    depth = -(-K // -(-K // DEPTH))  # stretches of equal length ...
    depth = -(-depth // WIDTH) * WIDTH  # ... in whole vectors
    big = K > WIDTH and max(M * K, M * N) > PASSING
    most = max(1, min(BLOCK // (depth * LANES), -(-N // LANES))) if big else 1
    team = threads.get_num_threads()
    scratch = memory.empty((team, ROWS * (depth + WIDTH) + most * depth * LANES))
    bias = _NOTHING if bias is None else np.ascontiguousarray(bias)
    _product(2 * M * N * K * PER_FLOP + M * N, a, b, bias, scratch, depth, most, relu, out, team=team)
    return out


_NOTHING = np.empty(0, np.float32)


@compiled(
    "Array(f4, 2, 'A', readonly=True), Array(f4, 2, 'A', readonly=True), Array(f4, 1, 'C', readonly=True),"
    "f4[:,::1], i8, i8, i8, f4[:,::1]",
    pieces=2,
)
def _product(thread, part, parts, a, b, bias, scratch, depth, most, relu, out):
    """Shares are panels of LANES columns; where these are few, the rows are parted as well."""
    (M, K), N = a.shape, b.shape[1]
    panels, thirds = (N + LANES - 1) // LANES, (M + THIRD - 1) // THIRD
    bands = min((parts + panels - 1) // panels, thirds)
    copied = a.strides[1] == 4 and a.strides[0] % PAGE == 0 and K > WIDTH
    step_m, step_k = depth + WIDTH if copied else a.strides[0] // 4, a.strides[1] // 4
    in_place = b.strides[1] == 4 and (M <= ROWS or K <= WIDTH)
    row_a, row_c, run = np.empty(ROWS, np.int64), np.empty(ROWS, np.int64), np.zeros(1, np.int64)
    left = scratch.ctypes.data + thread * scratch.shape[1] * 4
    right = left + ROWS * (depth + WIDTH) * 4
    share, last = part * panels * bands // parts, (part + 1) * panels * bands // parts
    while share < last:
        first, band = share // bands * LANES, share % bands
        count = min(most, last - share) if bands == 1 else 1
        share += count
        begin, end = band * thirds // bands * THIRD, min((band + 1) * thirds // bands * THIRD, M)
        seen = min(count, (N - first) // LANES) if in_place else 0  # panels of b that are read where they lie
        for k in range(0, K, depth):
            n = min(depth, K - k)
            packed = first + seen * LANES
            _pack(b, k, n, packed, min(first + count * LANES, N) - packed, depth, right)
            start, finish = ADD if k else BIAS if len(bias) else ZERO, relu if k + depth >= K else 0
            for m in range(begin, end, ROWS):
                rows, here = min(ROWS, end - m), a.ctypes.data + m * a.strides[0] + k * a.strides[1]
                if copied:
                    for r in range(rows):
                        copy(left + r * step_m * 4, here + r * a.strides[0], n)
                    here = left
                for r in range(ROWS):
                    row_a[r] = min(r, rows - 1) * step_m
                    row_c[r] = min(r, rows - 1) * N
                for panel in range(count):
                    column = first + panel * LANES
                    if panel < seen:
                        there, step_b = b.ctypes.data + k * b.strides[0] + column * 4, b.strides[0] // 4
                    else:
                        there, step_b = right + (panel - seen) * depth * LANES * 4, LANES
                    short_tile(
                        rows,
                        here,
                        there,
                        out.ctypes.data + (m * N + column) * 4,
                        bias.ctypes.data + column * 4,
                        row_a.ctypes.data,
                        row_c.ctypes.data,
                        run.ctypes.data,
                        1,
                        n,
                        step_k,
                        step_b,
                        min(LANES, N - column),
                        start,
                        finish,
                    )


@register_jitable
def _pack(b, k, n, first, columns, depth, panels):
    """n rows of b from k on, some columns from `first` on        -> (columns / LANES, depth, LANES)

    Lanes beyond the columns may hold anything: what is made of them is never stored.
    """
    down, across = b.strides
    source = b.ctypes.data + k * down + first * across
    if across == 4:  # row by row, so that what lies side by side is read at once
        for row in range(n):
            for column in range(0, columns, LANES):
                to = panels + (column * depth + row * LANES) * 4
                copy(to, source + row * down + column * 4, min(LANES, columns - column))
        return
    for column in range(0, columns, WIDTH):
        lanes = min(WIDTH, columns - column)
        to = panels + (column // LANES * depth * LANES + column % LANES) * 4
        for row in range(0, n, WIDTH):
            here = source + row * down + column * across
            if down == 4:
                _turn(here, across, to + row * LANES * 4, lanes, min(WIDTH, n - row))
                continue
            for r in range(min(WIDTH, n - row)):
                for lane in range(lanes):
                    copy(to + ((row + r) * LANES + lane) * 4, here + r * down + lane * across, 1)


@register_jitable
def _turn(source, across, to, lanes, rows):
    """Up to WIDTH columns of b become lanes; what is known to be all of them needs no masks."""
    if rows < WIDTH:
        transpose_block(source, across, to, LANES * 4, first_lanes(lanes), first_lanes(rows))
    elif lanes < WIDTH:
        transpose_block(source, across, to, LANES * 4, first_lanes(lanes), first_lanes(WIDTH))
    else:
        transpose_block(source, across, to, LANES * 4, first_lanes(WIDTH), first_lanes(WIDTH))
