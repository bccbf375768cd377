"""Products of matrices on the micro-kernel of convolution.

The sums are cut into stretches of DEPTH. For each of them a block of columns of the right matrix is packed into
panels, LANES columns wide, which stay in the second-level cache. Every tile of ROWS rows of the left matrix passes by
all of them, so what lies in memory, the left matrix and the result, is walked through once for many columns.

The left matrix is read where it lies, but where its columns are runs of memory, as in the gradient of a weight: there
a tile would read a line of memory for ROWS numbers. So TALL rows are packed at a time, and pass by one panel after the
other, which then stays in the first-level cache.

Most layers multiply by weight.T, whose columns lie in memory as rows; these are transposed in registers while they are
packed. What is read but once, or is no longer than a vector, is not worth packing. Where one matrix has few rows, the
other is not packed either, but read where it lies, once and along its rows (dots.py).

M rows, N columns, K the length of the sums. Source: Goto and van de Geijn 2008 (see micro.py).
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from ... import threads
from . import memory
from .compiled import compiled
from .dots import ACROSS, DOWN, SUMS, add_dots, add_lanes
from .lanes import every, expect, first_lanes, larger, load, plus, store
from .micro import ADD, BIAS, LANES, ROWS, THIRD, WIDTH, ZERO, clear, copy, short_tile
from .transpose import transpose_block

DEPTH, SHALLOW = 512, 256  # the latter where the right matrix lies by rows: so they are read in longer pieces
LONG = WIDTH * DEPTH  # terms of sums that are taken in one go: DEPTH in each lane of a vector
BLOCK = 1 << 16  # floats of the right matrix that are packed at a time
TALL = 32 * ROWS  # rows of the left matrix that are packed at a time
AHEAD = 8  # columns of it that are asked for before they are packed
FEW = 32  # rows of the smaller matrix up to which packing the other does not pay
PER_FLOP = 1 / 80  # nanoseconds
_NOTHING = np.empty(0, np.float32)


def product(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None, relu: int = 0) -> np.ndarray:
    """a @ b + bias, or with `relu` its positive part; the bias is contiguous        (M,K) (K,N) (N,) -> (M,N)"""
    (M, K), N = a.shape, b.shape[1]
    if K > LONG:  # sums of sums, whose errors grow like log K
        half = K // 2
        out = product(a[:, :half], b[:half], bias)
        _add(M * N / 8, out.reshape(-1), product(a[:, half:], b[half:], None).reshape(-1), relu)
        return out
    team, out = threads.get_num_threads(), memory.empty((M, N))
    bias = _NOTHING if bias is None else bias
    work = 2 * M * N * K * PER_FLOP + M * N
    if a.strides[1] == b.strides[0] == 4 and min(M, N) <= FEW:
        scratch = memory.empty((team, SUMS * (1 if K <= DEPTH else -(-min(M, N) // DOWN))))
        few, many = (b.T, a) if M > N else (a, b.T)
        _dots(work, few, many, bias, scratch, relu, int(M > N), out, team=team)
        return out
    depth = -(-K // -(-K // (SHALLOW if b.strides[1] == 4 else DEPTH)))  # stretches of equal length ...
    depth = -(-depth // WIDTH) * WIDTH  # ... in whole vectors
    most = max(1, min(BLOCK // (depth * LANES), -(-N // LANES)))
    turned = N > LANES and a.strides[0] == 4 < a.strides[1]
    tall = min(TALL, -(-M // ROWS) * ROWS) if turned else ROWS
    scratch = memory.empty((team, most * depth * LANES + turned * tall // ROWS * _room(depth)))
    _product(work, a, b, bias, scratch, depth, most, tall, relu, out, team=team)
    return out


@register_jitable
def _room(n):
    """Floats that n columns of a tile's rows take: whole vectors are written, the last one beyond their end."""
    return n * ROWS + WIDTH


@compiled("f4[::1], f4[::1], i8")
def _add(thread, part, parts, out, more, relu):
    for k in range(part * len(out) // parts, (part + 1) * len(out) // parts):
        total = out[k] + more[k]
        out[k] = 0 if relu and total < 0 else total


@compiled(
    "Array(f4, 2, 'A', readonly=True), Array(f4, 2, 'A', readonly=True), Array(f4, 1, 'C', readonly=True),"
    "f4[:,::1], i8, i8, f4[:,::1]",
    pieces=2,
)
def _dots(thread, part, parts, a, b, bias, scratch, relu, turned, out):
    """out = a @ b.T + bias, or where it is turned b @ a.T + bias: rows are read where they lie, a has few of them.

    Shares are ACROSS rows of b; where these are few, the rows of a are parted as well.
    """
    (M, K), N = a.shape, len(b)
    groups, tiles = (N + ACROSS - 1) // ACROSS, (M + DOWN - 1) // DOWN
    bands = min((parts + groups - 1) // groups, tiles)
    row_a, row_b, made = np.empty(DOWN, np.int64), np.empty(ACROSS, np.int64), np.empty((DOWN + 2, ACROSS), np.float32)
    tail, sums_of_tile = first_lanes(K % WIDTH), SUMS if K > DEPTH else 0
    for share in range(part * groups * bands // parts, (part + 1) * groups * bands // parts):
        first, band = share // bands * ACROSS, share % bands
        columns, there = min(ACROSS, N - first), b.ctypes.data + first * b.strides[0]
        for c in range(ACROSS):
            row_b[c] = min(c, columns - 1) * b.strides[0] // 4
        for k in range(0, K, DEPTH):
            n, last = min(DEPTH, K - k), k + DEPTH >= K
            ahead = there + (ACROSS * b.strides[0] if last else (k + n) * 4)  # of the rows that come next
            for tile in range(band * tiles // bands, (band + 1) * tiles // bands):
                m = tile * DOWN
                for r in range(DOWN):
                    row_a[r] = min(r, M - 1 - m) * a.strides[0] // 4
                add_dots(
                    a.ctypes.data + m * a.strides[0] + k * 4,
                    row_a.ctypes.data,
                    there + k * 4,
                    row_b.ctypes.data,
                    n,
                    tail,
                    scratch.ctypes.data + (thread * scratch.shape[1] + tile * sums_of_tile) * 4,
                    k == 0,
                    ahead + (tile - band * tiles // bands) * b.strides[0],
                )
                if last:
                    sums = scratch[thread, tile * sums_of_tile :]
                    _finish(sums, made, bias, relu, turned, out, m, min(DOWN, M - m), first, columns)


@register_jitable
def _finish(sums, made, bias, relu, turned, out, m, rows, n, columns):
    """The sums of one tile, each of so many lanes, become numbers of the result, from row m and column n on."""
    add_lanes(sums.ctypes.data, made.ctypes.data)
    exist = first_lanes(columns)
    for r in range(rows):
        if turned:
            for c in range(columns):
                total = made[r, c] + (bias[m + r] if len(bias) else np.float32(0))
                out[n + c, m + r] = 0 if relu and total < 0 else total
            continue
        total = load(made[r].ctypes.data, exist)
        if len(bias):
            total = plus(total, load(bias.ctypes.data + n * 4, exist))
        if relu:
            total = larger(every(np.float32(0)), total)
        store(total, out.ctypes.data + ((m + r) * out.shape[1] + n) * 4, exist)


@compiled(
    "Array(f4, 2, 'A', readonly=True), Array(f4, 2, 'A', readonly=True), Array(f4, 1, 'C', readonly=True),"
    "f4[:,::1], i8, i8, i8, i8, f4[:,::1]",
    pieces=2,
)
def _product(thread, part, parts, a, b, bias, scratch, depth, most, tall, relu, out):
    """Shares are bands of rows, where all panels of the right matrix fit into the cache beside them.

    Else they are panels of LANES columns; where these are few, the rows are parted as well. Of a band, `tall` rows
    pass by a panel before the next ones: those of one tile, or as many as are packed at a time.
    """
    (M, K), N = a.shape, b.shape[1]
    panels, thirds = (N + LANES - 1) // LANES, (M + THIRD - 1) // THIRD
    by_rows = panels <= most and M >= 2 * N and parts * 4 * ROWS <= M
    bands = parts if by_rows else min((parts + panels - 1) // panels, thirds)
    step_m, step_k = a.strides[0] // 4, a.strides[1] // 4
    in_place = b.strides[1] == 4 and (M <= ROWS or K <= WIDTH)
    tables, run = np.empty((2, 2, ROWS), np.int64), np.zeros(1, np.int64)  # of whole tiles, and of the last rows
    right = scratch.ctypes.data + thread * scratch.shape[1] * 4
    tiles = right + most * depth * LANES * 4
    groups = 1 if by_rows else panels
    share, last = part * groups * bands // parts, (part + 1) * groups * bands // parts
    while share < last:
        first, band = share // bands * LANES, share % bands
        count = panels if by_rows else min(most, last - share) if bands == 1 else 1
        share += 1 if by_rows else count
        begin, end = band * thirds // bands * THIRD, min((band + 1) * thirds // bands * THIRD, M)
        for r in range(ROWS):
            last_r = min(r, (end - begin) % ROWS - 1)
            tables[0, 0, r], tables[0, 1, r] = r * step_m, r * N
            tables[1, 0, r], tables[1, 1, r] = last_r * step_m, last_r * N
        seen = min(count, (N - first) // LANES) if in_place else 0  # panels of b that are read where they lie
        for k in range(0, K, depth):
            n = min(depth, K - k)
            packed = first + seen * LANES
            pack(b, k, n, packed, min(first + count * LANES, N) - packed, depth, right)
            start, finish = ADD if k else BIAS if len(bias) else ZERO, relu if k + depth >= K else 0
            for top in range(begin, end, tall):
                bottom, left = min(top + tall, end), a.ctypes.data + top * a.strides[0] + k * a.strides[1]
                if tall > ROWS:
                    _pack_tiles(left, step_k, n, (bottom - top) // ROWS, tiles)
                for panel in range(count):
                    column = first + panel * LANES
                    if panel < seen:
                        there, step_b = b.ctypes.data + k * b.strides[0] + column * 4, b.strides[0] // 4
                    else:
                        there, step_b = right + (panel - seen) * depth * LANES * 4, LANES
                    for m in range(top, bottom, ROWS):
                        rows, here, step = min(ROWS, bottom - m), left + (m - top) * a.strides[0], step_k
                        if tall > ROWS and rows == ROWS:
                            here, step = tiles + (m - top) // ROWS * _room(n) * 4, ROWS
                        table = tables.ctypes.data + (0 if rows == ROWS else 2 * ROWS * 8)
                        short_tile(
                            rows,
                            here,
                            there,
                            out.ctypes.data + (m * N + column) * 4,
                            bias.ctypes.data + column * 4,
                            table,
                            table + ROWS * 8,
                            run.ctypes.data,
                            1,
                            n,
                            step,
                            step_b,
                            min(LANES, N - column),
                            start,
                            finish,
                        )


@register_jitable
def _pack_tiles(a, step, n, tiles, to):
    """n columns of tiles of rows, of which each column is one run of memory: columns of a tile one behind the other."""
    for i in range(n):
        column, there = a + i * step * 4, to + i * ROWS * 4
        for line in range(0, tiles * ROWS * 4, 64):
            expect(column + AHEAD * step * 4 + line)
        for _ in range(tiles):
            for r in range(0, ROWS, WIDTH):
                store(load(column + r * 4, first_lanes(ROWS - r)), there + r * 4, first_lanes(WIDTH))
            column, there = column + ROWS * 4, there + _room(n) * 4


@register_jitable
def pack(b, k, n, first, columns, depth, panels):
    """n rows of b from k on, some columns from `first` on        -> (columns / LANES, depth, LANES)

    Lanes beyond the columns are 0: what is made of them is never stored, but denormal numbers would take their time.
    """
    down, across = b.strides
    whole = first_lanes(WIDTH)
    if columns % LANES:
        clear(panels + columns // LANES * LANES * depth * 4, depth * LANES)
    source = b.ctypes.data + k * down + first * across
    if across == 4:
        for column in range(0, columns, LANES):
            at, to = source + column * 4, panels + column * depth * 4
            some, more = first_lanes(columns - column), first_lanes(columns - column - WIDTH)
            for _ in range(n):
                store(load(at, some), to, whole)
                store(load(at + WIDTH * 4, more), to + WIDTH * 4, whole)
                at, to = at + down, to + LANES * 4
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
