"""3x3 convolution with a quarter of the multiplications: Winograd's F(4x4, 3x3).

A tile of 4x4 outputs sees 6x6 inputs. There are matrices A, B, G such that

    Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A        tile Y (4,4), window w (3,3), inputs d (6,6)

so that a tile costs 36 products for each pair of channels, where the direct sum costs 144. Over all channels and
many tiles, each of the 36 places is a matrix product of its own, which the micro-kernel does. The gradient in
the input is a convolution again; the one in the weight is the same formula read from Y to w:

    dw = Gᵀ [ Σ_tiles (A dY Aᵀ) ⊙ (Bᵀ d B) ] G

Tiles go through in chunks that stay in the cache. What a tile reads and writes is given as tables of addresses,
and beyond the border these point to zeros or to nowhere, so padding and ragged edges need no case of their own.
The transforms take differences of neighbours: rounding is some three times that of the direct sum, and
an infinity reaches its whole tile as NaN.

Sources: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016); the matrices are theirs.
T tiles of a chunk, e = 0..35 a place of the transformed tile; other letters as in conv.py.
"""

from __future__ import annotations

import llvmlite.ir as ir
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from .. import kernel, threads
from . import memory
from .compiled import compiled
from .micro import ADD, LANES, ROWS, WIDTH, ZERO, clear, tile

Pair = tuple[int, int]
PER_FLOP = 1 / 80  # nanoseconds
CHUNK = 200_000  # floats of transformed input that a chunk takes

A = np.array([[1, 0, 0, 0], [1, 1, 1, 1], [1, -1, 1, -1], [1, 2, 4, 8], [1, -2, 4, -8], [0, 0, 0, 1]])
B = np.array(
    [
        [4, 0, 0, 0, 0, 0],
        [0, -4, 4, -2, 2, 4],
        [-5, -4, -4, -1, -1, 0],
        [0, 1, -1, 2, -2, -5],
        [1, 1, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ]
)
G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24


def pays(
    count: int, pixels: Pair, weight_shape: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> bool:
    """Whether a convolution that makes `count` images of so many pixels, (rows, columns), is worth transforming."""
    O, C, *window = weight_shape
    if (
        window != [3, 3]
        or not stride == dilation == (1, 1)
        or groups != 1
        or max(padding) > 2
        or C % LANES
        or O % LANES
    ):
        return False
    rows, columns = (pixels[0] + 3) // 4, (pixels[1] + 3) // 4
    return 16 * rows * columns <= 1.6 * pixels[0] * pixels[1] and count * rows * columns >= 4 * ROWS


def convolve(x, weight, bias, padding: Pair, relu: int) -> np.ndarray:
    """(N,H,W,C) (O,C,3,3) (O,) -> (N,P,Q,O)"""
    x = _by_pixels(x)
    N, H, W, C = x.shape
    O = len(weight)
    out = memory.empty((N, H + 2 * padding[0] - 2, W + 2 * padding[1] - 2, O))
    packed, rows = memory.empty((O // LANES, 36, C, LANES)), memory.empty((O // LANES, C, 9, LANES))
    _transform_filters(O * C * 20, weight, rows, packed)
    team = threads.get_num_threads()
    T = _chunk(C, N * -(-out.shape[1] // 4) * -(-out.shape[2] // 4) // (2 * team))
    scratch = memory.empty((team, 36 * T * (C + LANES)))
    bias = np.zeros(O, np.float32) if bias is None else np.ascontiguousarray(bias)
    nothing = np.zeros((team + 1, max(C, O)), np.float32)  # what lies beyond: zeros, and a place to write
    _convolve(out.size * C * 5 * PER_FLOP, x, packed, bias, scratch, nothing, (*padding, T, relu), out, team=team)
    return out


def correlate(grad, x, padding: Pair) -> np.ndarray:
    """(N,P,Q,O) (N,H,W,C) -> (O,C,3,3)"""
    grad, x = _by_pixels(grad), _by_pixels(x)
    C, O = x.shape[3], grad.shape[3]
    team = threads.get_num_threads()
    T = _chunk(C, grad.shape[0] * -(-grad.shape[1] // 4) * -(-grad.shape[2] // 4) // (2 * team))
    scratch = memory.empty((team, 36 * T * (C + LANES)))
    sums, nothing = memory.empty((team, O // LANES, 36, C, LANES)), np.zeros(max(C, O), np.float32)
    _correlate(grad.size * C * 5 * PER_FLOP, grad, x, scratch, nothing, (*padding, T), sums, team=team)
    d_weight, rows = np.empty((O, C, 3, 3), np.float32), memory.empty((O // LANES, C, 9, LANES))
    _transform_back(O * C * 20, sums, rows, d_weight)
    return d_weight


def _by_pixels(x: np.ndarray) -> np.ndarray:
    """x with the channels of a pixel side by side; pixels may lie anywhere."""
    return x if x.strides[3] == x.itemsize else kernel.contiguous(x)


def _chunk(C: int, most: int) -> int:
    """How many tiles go through at once: as the cache likes it, and no more than leaves something for every thread."""
    return ROWS * max(1, min(8, CHUNK // (36 * C * ROWS), most // ROWS))


@register_jitable
def _tiles(size):
    """Rows and columns of tiles that cover an image."""
    return (size[0] + 3) // 4, (size[1] + 3) // 4


def _sandwich(matrix: np.ndarray, finish: bool = False):
    """An intrinsic for L X Lᵀ on WIDTH channels at once, with the constant matrix L (m,n).

    sources, targets    addresses of tables of n·n and m·m addresses, row by row
    read, write         offsets to add to these, in bytes
    bias, relu          with `finish`: the address of a vector to add, and whether to store max(value, 0)
    """
    m, n = matrix.shape

    @intrinsic
    def sandwich(typing, sources, read, targets, write, bias, relu):
        def emit(context, builder, signature, arguments):
            sources, read, targets, write, bias, relu = arguments
            number, integer = ir.FloatType(), ir.IntType(64)
            vector = ir.VectorType(number, WIDTH)

            def spread(value):
                return ir.Constant(vector, [float(value)] * WIDTH)

            def place(table, k, offset):
                at = builder.gep(builder.inttoptr(table, integer.as_pointer()), [ir.Constant(integer, k)])
                return builder.inttoptr(builder.add(builder.load(at), offset), vector.as_pointer())

            def load(pointer):
                value = builder.load(pointer)
                value.align = 4
                return value

            def combine(row, values):
                total = None
                for factor, value in zip(row, values, strict=True):
                    if factor == 0:
                        continue
                    if total is None:
                        total = value if factor == 1 else builder.fmul(value, spread(factor))
                    elif abs(factor) == 1:
                        total = (builder.fadd if factor == 1 else builder.fsub)(total, value)
                    else:
                        total = builder.call(fma, [value, spread(factor), total])
                return total

            shape = ir.FunctionType(vector, [vector] * 3)
            fma = cgutils.get_or_insert_function(builder.module, shape, f"llvm.fma.v{WIDTH}f32")
            columns = []
            for j in range(n):
                column = [load(place(sources, i * n + j, read)) for i in range(n)]
                columns.append([combine(row, column) for row in matrix])
            if finish:
                shift = load(builder.inttoptr(bias, vector.as_pointer()))
                rectify = builder.icmp_signed("!=", relu, ir.Constant(integer, 0))
            for i in range(m):
                between = [columns[j][i] for j in range(n)]
                for j, row in enumerate(matrix):
                    value = combine(row, between)
                    if finish:
                        value = builder.fadd(value, shift)
                        negative = builder.fcmp_ordered("<", value, spread(0))  # false for NaN
                        value = builder.select(rectify, builder.select(negative, spread(0), value), value)
                    builder.store(value, place(targets, i * m + j, write)).align = 4
            return context.get_dummy_value()

        return types.void(*[types.intp] * 6), emit

    return sandwich


_inputs_in = _sandwich(B.T)
_filters_in = _sandwich(G)
_outputs_out = _sandwich(A.T, finish=True)
_grads_in = _sandwich(A)
_filters_out = _sandwich(G.T)


@register_jitable
def _addresses(table, base, step):
    """base, base + step ...: where the places of one tile lie."""
    for k in range(len(table)):
        table[k] = base + k * step


@register_jitable
def _places(table, x, number, size, side, top, left, beyond):
    """Addresses of the side x side pixels of a tile of x; `beyond` where there is no such pixel."""
    rows, columns = _tiles(size)
    n, y, z = number // (rows * columns), number // columns % rows * 4 - top, number % columns * 4 - left
    for i in range(side):
        for j in range(side):
            inside = 0 <= y + i < x.shape[1] and 0 <= z + j < x.shape[2]
            here = x.ctypes.data + n * x.strides[0] + (y + i) * x.strides[1] + (z + j) * x.strides[2]
            table[i * side + j] = here if inside else beyond


@compiled("Array(f4, 4, 'A', readonly=True), f4[:,:,:,::1], f4[:,:,:,::1]")
def _transform_filters(thread, part, parts, weight, rows, packed):
    """G w Gᵀ        (O,C,3,3) -> (O/LANES, 36, C, LANES)"""
    blocks, C, _, _ = rows.shape
    sources, targets = np.empty(9, np.int64), np.empty(36, np.int64)
    for share in range(part * blocks * C // parts, (part + 1) * blocks * C // parts):
        block, c = share // C, share % C
        for lane in range(LANES):
            for k in range(9):
                rows[block, c, k, lane] = weight[block * LANES + lane, c, k // 3, k % 3]
        _addresses(sources, rows[block, c].ctypes.data, LANES * 4)
        _addresses(targets, packed[block, 0, c].ctypes.data, C * LANES * 4)
        for offset in range(0, LANES * 4, WIDTH * 4):
            _filters_in(sources.ctypes.data, offset, targets.ctypes.data, offset, 0, 0)


@register_jitable
def _transform_inputs(x, first, count, size, top, left, T, beyond, to):
    """Bᵀ d B of some tiles        -> (36, T, C)"""
    C = x.shape[3]
    sources, targets = np.empty(36, np.int64), np.empty(36, np.int64)
    _addresses(targets, to, T * C * 4)
    for t in range(count):
        _places(sources, x, first + t, size, 6, top, left, beyond)
        for c in range(0, C, WIDTH):
            _inputs_in(sources.ctypes.data, c * 4, targets.ctypes.data, (t * C + c) * 4, 0, 0)


@compiled(
    "Array(f4, 4, 'A', readonly=True), f4[:,:,:,::1], Array(f4, 1, 'C', readonly=True), f4[:,::1], f4[:,::1],"
    "UniTuple(i8, 4), f4[:,:,:,::1]"
)
def _convolve(thread, part, parts, x, packed, bias, scratch, nothing, numbers, out):
    top, left, T, relu = numbers
    N, P, Q, O = out.shape
    C = x.shape[3]
    rows, columns = _tiles((P, Q))
    tiles = N * rows * columns
    chunks = (tiles + T - 1) // T
    seen = scratch.ctypes.data + thread * scratch.shape[1] * 4  # (36, T, C)
    made = seen + 36 * T * C * 4  # (36, T, LANES)
    row_a, row_c, run = np.arange(ROWS) * C, np.arange(ROWS) * LANES, np.zeros(1, np.int64)
    sources, targets = np.empty(36, np.int64), np.empty((T, 16), np.int64)
    _addresses(sources, made, T * LANES * 4)
    for chunk in range(part * chunks // parts, (part + 1) * chunks // parts):
        first, count = chunk * T, min(T, tiles - chunk * T)
        _transform_inputs(x, first, count, (P, Q), top, left, T, nothing.ctypes.data, seen)
        for t in range(count):
            _places(targets[t], out, first + t, (P, Q), 4, 0, 0, nothing[1 + thread].ctypes.data)
        for block in range(O // LANES):
            for e in range(36):
                for t in range(0, count, ROWS):
                    tile(
                        seen + (e * T + t) * C * 4,
                        packed[block, e].ctypes.data,
                        made + (e * T + t) * LANES * 4,
                        0,
                        row_a.ctypes.data,
                        row_c.ctypes.data,
                        run.ctypes.data,
                        1,
                        C,
                        1,
                        LANES,
                        LANES,
                        ZERO,
                        0,
                    )
            for t in range(count):
                for lane in range(0, LANES, WIDTH):
                    read, write = (t * LANES + lane) * 4, (block * LANES + lane) * 4
                    shift = bias.ctypes.data + write
                    _outputs_out(sources.ctypes.data, read, targets[t].ctypes.data, write, shift, relu)


@compiled(
    "Array(f4, 4, 'A', readonly=True), Array(f4, 4, 'A', readonly=True), f4[:,::1], f4[::1], UniTuple(i8, 3),"
    "f4[:,:,:,:,::1]",
    pieces=1,
)
def _correlate(thread, part, parts, grad, x, scratch, nothing, numbers, sums):
    """Σ_tiles (A dY Aᵀ) ⊙ (Bᵀ d B)        -> sums[part] (O/LANES, 36, C, LANES)"""
    top, left, T = numbers
    N, P, Q, O = grad.shape
    C = x.shape[3]
    rows, columns = _tiles((P, Q))
    tiles = N * rows * columns
    chunks = (tiles + T - 1) // T
    seen = scratch.ctypes.data + thread * scratch.shape[1] * 4  # (36, T, C)
    slopes = seen + 36 * T * C * 4  # (36, T, LANES)
    row_a, row_c, run = np.empty(ROWS, np.int64), np.empty(ROWS, np.int64), np.zeros(1, np.int64)
    sources, targets = np.empty((T, 16), np.int64), np.empty(36, np.int64)
    _addresses(targets, slopes, T * LANES * 4)
    for row in range(part, len(sums), parts):  # also those that get no part
        clear(sums[row].ctypes.data, sums[row].size)
    for chunk in range(part * chunks // parts, (part + 1) * chunks // parts):
        first, count = chunk * T, min(T, tiles - chunk * T)
        _transform_inputs(x, first, count, (P, Q), top, left, T, nothing.ctypes.data, seen)
        for t in range(count):
            _places(sources[t], grad, first + t, (P, Q), 4, 0, 0, nothing.ctypes.data)
        for block in range(O // LANES):
            for t in range(count):
                for lane in range(0, LANES, WIDTH):
                    read, write = (block * LANES + lane) * 4, (t * LANES + lane) * 4
                    _grads_in(sources[t].ctypes.data, read, targets.ctypes.data, write, 0, 0)
            for c in range(0, C, ROWS):
                for r in range(ROWS):
                    row_a[r] = min(r, C - 1 - c)
                    row_c[r] = min(r, C - 1 - c) * LANES
                for e in range(36):
                    tile(
                        seen + (e * T * C + c) * 4,
                        slopes + e * T * LANES * 4,
                        sums[part, block, e, c].ctypes.data,
                        0,
                        row_a.ctypes.data,
                        row_c.ctypes.data,
                        run.ctypes.data,
                        1,
                        count,
                        C,
                        LANES,
                        LANES,
                        ADD,
                        0,
                    )


@compiled("f4[:,:,:,:,::1], f4[:,:,:,::1], f4[:,:,:,::1]")
def _transform_back(thread, part, parts, sums, rows, d_weight):
    """Gᵀ dU G, dU the sum of all parts        -> (O,C,3,3)"""
    blocks, C, _, _ = rows.shape
    sources, targets = np.empty(36, np.int64), np.empty(9, np.int64)
    for share in range(part * blocks * C // parts, (part + 1) * blocks * C // parts):
        block, c = share // C, share % C
        for other in range(1, len(sums)):
            for e in range(36):
                for lane in range(LANES):
                    sums[0, block, e, c, lane] += sums[other, block, e, c, lane]
        _addresses(sources, sums[0, block, 0, c].ctypes.data, C * LANES * 4)
        _addresses(targets, rows[block, c].ctypes.data, LANES * 4)
        for offset in range(0, LANES * 4, WIDTH * 4):
            _filters_out(sources.ctypes.data, offset, targets.ctypes.data, offset, 0, 0)
        for lane in range(LANES):
            for k in range(9):
                d_weight[block * LANES + lane, c, k // 3, k % 3] = rows[block, c, k, lane]
