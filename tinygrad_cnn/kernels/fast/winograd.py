"""3x3 convolution with less than half of the multiplications: Winograd's F(2x2, 3x3).

A tile of 2x2 outputs sees 4x4 inputs. There are matrices A, B, G such that

    Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A        tile Y (2,2), window w (3,3), inputs d (4,4)

so that a tile costs 16 products for each pair of channels, where the direct sum costs 36. Over all channels and
many tiles, each of the 16 places is a matrix product of its own, which the micro-kernel does. The gradient in
the input is a convolution again; the one in the weight is the same formula read from Y to w:

    dw = Gᵀ [ Σ_tiles (A dY Aᵀ) ⊙ (Bᵀ d B) ] G

Tiles go through in chunks that stay in the cache. What a tile reads and writes is given as tables of addresses,
and beyond the border these point to zeros or to nowhere, so padding and ragged edges need no case of their own.

It must be as exact as the direct sum: a little less moves a ReLU or a maximum that is near a tie, and with it the
gradient. So tiles are small. F(4x4, 3x3) needs a quarter of the products, but multiplies by up to 8 what must cancel
later: its error is three to ten times that of the direct sum, whatever its points. F(2x2, 3x3) only adds and
subtracts, its sums over channels are a ninth as long, and no output sees a number that is not under its own window.
    What cancels must still be of a size with what remains. So the sizes of the data are looked at first: the largest
product that there may be, of an image with a filter, is no more than LARGE times what an output of them adds up to on
average; and no weight is more than SHARE of its filter. With infinities, outliers, or filters of a few weights, the
direct sum is left to do it. That is found out by loops and told to loops, by a bit in memory called `done`: so the
calls are always the same, and can be run again for other numbers.

Sources: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016); the matrices are theirs.
On exactness: Barabasz, Anderson, Soodhalter and Gregg, "Error Analysis and Improving the Accuracy of Winograd
Convolution for Deep Neural Networks" (2020).
T tiles of a chunk, e = 0..15 a place of the transformed tile; other letters as in direct.py.
"""

from __future__ import annotations

import llvmlite.ir as ir
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from .. import threads
from .layout import dense
from .machinery import memory
from .machinery.compiled import compiled
from .machinery.filters import ITEMS, carry, pack, unpack
from .machinery.lanes import every, expect, first_lanes, larger, load, magnitude, plus, store
from .machinery.micro import ADD, LANES, ROWS, WIDTH, ZERO, clear, short_tile, tile_of

Pair = tuple[int, int]
PER_FLOP = 1 / 80  # nanoseconds
HUGE = 1e30  # sums of such numbers, and of their reciprocals, are far from the ends of float32
LARGE = 4  # of what an output adds up to, the product that is the most of it
SHARE = 1 / 16  # of a filter, the weight that is the most of it
CHUNK = 200_000  # floats of transformed input that a chunk takes at most
KEPT = 400_000  # floats of transformed filters that stay in the cache: chunks may be small then

A = np.array([[1, 0], [1, 1], [1, -1], [0, -1]])
B = np.array([[1, 0, 0, 0], [0, 1, -1, 1], [-1, 1, 1, 0], [0, 0, 0, -1]])
G = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]]) / 2

_PHASE = np.array([[0, 0, 0, 0, 0, 0, 0, 9]])  # as in tables.Plan: nine taps, from the first on
_TAPS = np.divmod(np.arange(9), 3)  # row and column
_TURNED = np.divmod(np.arange(9)[::-1].copy(), 3)


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
    rows, columns = (pixels[0] + 1) // 2, (pixels[1] + 1) // 2
    return 4 * rows * columns <= 1.3 * pixels[0] * pixels[1] and count * rows * columns >= 4 * ROWS


def convolve(x, filters, turned: bool, bias, padding: Pair, relu: int) -> tuple[np.ndarray, np.ndarray]:
    """(N,H,W,C) (O,C,3,3) (O,) -> (N,P,Q,O), done; the filters may be turned by 180 degrees."""
    x = _by_pixels(x)
    N, H, W, C = x.shape
    O = len(filters)
    rows, packed = memory.empty((O // LANES, 9, C, LANES)), memory.empty((O // LANES, 16, C + 1, LANES))
    pack(filters[None], _PHASE, *(_TURNED if turned else _TAPS), rows.reshape(-1))
    sizes, done = memory.empty((O // LANES, 2, LANES)), memory.empty((1,), np.bool_)
    _transform_filters(O * C * 2, rows, packed, sizes)
    _judge_filters(0, _sizes(x), sizes, W * C, done)
    out = memory.empty((N, H + 2 * padding[0] - 2, W + 2 * padding[1] - 2, O))
    team = threads.get_num_threads()
    # what is made of a small chunk does not leave the first-level cache for long
    T = _chunk(C, N * -(-out.shape[1] // 2) * -(-out.shape[2] // 2) // (2 * team), 2 if packed.size <= KEPT else 8)
    scratch = memory.empty((team, 16 * (T + 1) * (C + LANES)))
    bias = np.zeros(O, np.float32) if bias is None else bias
    nothing = np.zeros((team + 1, max(C, O)), np.float32)  # what lies beyond: zeros, and a place to write
    numbers = (*padding, T, relu)
    _convolve(out.size * C * 9 * PER_FLOP, x, packed, bias, scratch, nothing, numbers, out, done, team=team)
    return out, done


def correlate(grad, x, padding: Pair) -> tuple[np.ndarray, np.ndarray]:
    """(N,P,Q,O) (N,H,W,C) -> (O,C,3,3), done"""
    grad, x = _by_pixels(grad), _by_pixels(x)
    N, P, Q, O = grad.shape
    _, _, W, C = x.shape
    done = memory.empty((1,), np.bool_)
    _judge_images(0, _sizes(x), _sizes(grad), W * C, O, done)
    team = threads.get_num_threads()
    T = _chunk(C, N * -(-P // 2) * -(-Q // 2) // (2 * team), 8)
    scratch = memory.empty((team, 16 * (T + 1) * (C + LANES)))
    sums, nothing = memory.empty((team, 16 * C * O)), np.zeros(max(C, O), np.float32)
    long = ITEMS * T * team < N * -(-P // 2) * -(-Q // 2)
    totals = memory.empty(sums.shape, np.float64) if long else np.empty((0, 0))
    numbers = (*padding, T)
    _correlate(grad.size * C * 9 * PER_FLOP, grad, x, scratch, nothing, numbers, sums, totals, done, team=team)
    by_taps, d_weight = memory.empty((9, C, O)), memory.empty((O, C, 3, 3))
    _transform_back(O * C * 2, sums.reshape(team, 16, C, O), by_taps)
    unpack(by_taps.reshape(1, -1), d_weight, 1)
    return d_weight, done


def _by_pixels(x: np.ndarray) -> np.ndarray:
    """x with the channels of a pixel side by side; pixels may lie anywhere."""
    return x if x.strides[3] == x.itemsize else dense(x)


def _chunk(C: int, most: int, rows: int) -> int:
    """How many tiles go through at once: as the cache likes it, and no more than leaves something for every thread."""
    return ROWS * max(1, min(rows, CHUNK // (16 * C * ROWS), most // ROWS))


@register_jitable
def _tiles(size):
    """Rows and columns of tiles that cover an image."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


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
_products = tile_of(2, WIDTH, depth=32)  # so that its sums are as exact as those of the direct convolution


@register_jitable
def _addresses(table, base, step):
    """base, base + step ...: where the places of one tile lie."""
    for k in range(len(table)):
        table[k] = base + k * step


@register_jitable
def _places(tables, x, first, count, size, top, left, beyond):
    """For each of some tiles, the addresses of its pixels in x, row by row; `beyond` where there is no such pixel."""
    side = 4 if tables.shape[1] == 16 else 2
    (_, H, W, _), (image, down, right, _) = x.shape, x.strides
    rows, columns = _tiles(size)
    n, y, z = first // (rows * columns), first // columns % rows, first % columns
    steps = np.empty(tables.shape[1], np.int64)
    for k in range(len(steps)):
        steps[k] = k // side * down + k % side * right
    for t in range(count):  # which steps n, y, z on: divisions for each tile would cost as much as its transform
        row, column = 2 * y - top, 2 * z - left
        corner = x.ctypes.data + n * image + row * down + column * right
        for k in range(len(steps)):
            tables[t, k] = corner + steps[k]
        if row < 0 or column < 0 or row + side > H or column + side > W:
            for k in range(len(steps)):
                if not (0 <= row + k // side < H and 0 <= column + k % side < W):
                    tables[t, k] = beyond
        z += 1
        if z == columns:
            y, z = y + 1, 0
        if y == rows:
            n, y = n + 1, 0


@compiled("f4[:,:,:,::1], f4[:,:,:,::1], f4[:,:,::1]")
def _transform_filters(thread, part, parts, rows, packed, sizes):
    """G w Gᵀ        (O/LANES, 9, C, LANES) -> (O/LANES, 16, C+1, LANES), and the sizes of the filters"""
    blocks, _, C, _ = rows.shape
    sources, targets = np.empty(9, np.int64), np.empty(16, np.int64)
    for block in range(part * blocks // parts, (part + 1) * blocks // parts):
        _addresses(sources, rows[block].ctypes.data, C * LANES * 4)
        _addresses(targets, packed[block].ctypes.data, (C + 1) * LANES * 4)
        for lane in range(0, LANES, WIDTH):
            for offset in range(lane * 4, C * LANES * 4, LANES * 4):
                _filters_in(sources.ctypes.data, offset, targets.ctypes.data, offset, 0, 0)
            at = rows[block].ctypes.data + lane * 4
            _measure(at, 9 * C, LANES * 4, sizes[block, 0, lane:], sizes[block, 1, lane:])


@register_jitable
def _measure(at, count, step, most, total):
    """The largest magnitude and the sum of magnitudes of each lane of `count` vectors; NaN is in the sum alone."""
    every_lane = first_lanes(WIDTH)
    nothing = every(np.float32(0))
    highest, added, other_highest, other_added = nothing, nothing, nothing, nothing
    for k in range(0, count - count % 2, 2):  # two sums, for one would wait for itself
        size, other = magnitude(load(at + k * step, every_lane)), magnitude(load(at + (k + 1) * step, every_lane))
        highest, added = larger(size, highest), plus(added, size)
        other_highest, other_added = larger(other, other_highest), plus(other_added, other)
    if count % 2:
        size = magnitude(load(at + (count - 1) * step, every_lane))
        highest, added = larger(size, highest), plus(added, size)
    store(larger(other_highest, highest), most.ctypes.data, every_lane)
    store(plus(added, other_added), total.ctypes.data, every_lane)


def _sizes(x: np.ndarray) -> np.ndarray:
    """The largest magnitude in every row of pixels, and the sum of magnitudes        (N,H,W,C) -> (N,H,2)"""
    sizes = memory.empty((*x.shape[:2], 2))
    _measure_rows(x.size / 8, x, sizes)
    return sizes


@compiled("Array(f4, 4, 'A', readonly=True), f4[:,:,::1]")
def _measure_rows(thread, part, parts, x, sizes):
    N, H, W, C = x.shape
    together = x.strides[2] == C * 4
    most, total = np.empty(WIDTH, np.float32), np.empty(WIDTH, np.float32)
    for row in range(part * N * H // parts, (part + 1) * N * H // parts):
        n, y = row // H, row % H
        at = x.ctypes.data + n * x.strides[0] + y * x.strides[1]
        sizes[n, y, :] = 0
        for z in range(1 if together else W):
            _measure(at + z * x.strides[2], (W * C if together else C) // WIDTH, WIDTH * 4, most, total)
            sizes[n, y, 0] = max(sizes[n, y, 0], most.max())
            sizes[n, y, 1] += total.sum()


@compiled("f4[:,:,::1], f4[:,:,::1], i8, b1[::1]")
def _judge_filters(thread, part, parts, images, filters, row, done):
    """Of the sizes of images (N,H,2), whose rows are so many numbers, and of filters (O/LANES,2,LANES)."""
    share, top, done[0] = 0.0, 0.0, True
    for block in range(len(filters)):
        for lane in range(LANES):
            most, total = filters[block, 0, lane], filters[block, 1, lane]
            done[0] &= total < HUGE
            if most > 0:
                share, top = max(share, most / total), max(top, most)
    done[0] &= share <= SHARE
    for n in range(len(images)):
        most, total = _of_image(images[n])
        done[0] &= total < HUGE and most * share * (images.shape[1] * row) <= LARGE * total
        done[0] &= most * top == 0 or 1 / HUGE < most * top < HUGE


@compiled("f4[:,:,::1], f4[:,:,::1], i8, i8, b1[::1]")
def _judge_images(thread, part, parts, images, grads, row, channels, done):
    """Of the sizes of images (N,H,2), whose rows are so many numbers, and of gradients (N,P,2) with channels."""
    largest, added, done[0] = 0.0, 0.0, True
    for n in range(len(images)):
        most, total = _of_image(images[n])
        most_g, total_g = _of_image(grads[n])
        done[0] &= total < HUGE and total_g < HUGE
        largest = max(largest, most * most_g)
        added += total / (images.shape[1] * row) * (total_g / channels)
    done[0] &= largest <= LARGE * added and (largest == 0 or 1 / HUGE < largest < HUGE)


@register_jitable
def _of_image(sizes):
    most, total = 0.0, 0.0
    for y in range(len(sizes)):
        most, total = max(most, sizes[y, 0]), total + sizes[y, 1]
    return most, total


@register_jitable
def _transform_inputs(x, first, count, size, top, left, T, beyond, to):
    """Bᵀ d B of some tiles        -> (16, T+1, C)"""
    C = x.shape[3]
    sources, targets = np.empty((T, 16), np.int64), np.empty(16, np.int64)
    _places(sources, x, first, count, size, top, left, beyond)
    _addresses(targets, to, (T + 1) * C * 4)
    for t in range(count):
        for c in range(0, C, WIDTH):
            _inputs_in(sources[t].ctypes.data, c * 4, targets.ctypes.data, (t * C + c) * 4, 0, 0)


@compiled(
    "Array(f4, 4, 'A', readonly=True), f4[:,:,:,::1], Array(f4, 1, 'C', readonly=True), f4[:,::1], f4[:,::1],"
    "UniTuple(i8, 4), f4[:,:,:,::1], b1[::1]"
)
def _convolve(thread, part, parts, x, packed, bias, scratch, nothing, numbers, out, done):
    if not done[0]:  # nor will it be
        return
    top, left, T, relu = numbers
    N, P, Q, O = out.shape
    C = x.shape[3]
    rows, columns = _tiles((P, Q))
    tiles = N * rows * columns
    chunks = (tiles + T - 1) // T
    seen = scratch.ctypes.data + thread * scratch.shape[1] * 4  # (16, T+1, C)
    made = seen + 16 * (T + 1) * C * 4  # (16, T+1, LANES)
    row_a, row_c, run = np.arange(ROWS) * C, np.arange(ROWS) * LANES, np.zeros(1, np.int64)
    sources, targets = np.empty(16, np.int64), np.empty((T, 4), np.int64)
    _addresses(sources, made, (T + 1) * LANES * 4)
    for chunk in range(part * chunks // parts, (part + 1) * chunks // parts):
        first, count = chunk * T, min(T, tiles - chunk * T)
        _transform_inputs(x, first, count, (P, Q), top, left, T, nothing.ctypes.data, seen)
        _places(targets, out, first, count, (P, Q), 0, 0, nothing[1 + thread].ctypes.data)
        for block in range(O // LANES):
            for e in range(16):
                for t in range(e, count, 16):  # where it will go is on its way into the cache meanwhile
                    for pixel in targets[t]:
                        expect(pixel + block * LANES * 4)
                        expect(pixel + (block * LANES + WIDTH) * 4)
                for t in range(0, count, ROWS):
                    _products(
                        seen + (e * (T + 1) + t) * C * 4,
                        packed[block, e].ctypes.data,
                        made + (e * (T + 1) + t) * LANES * 4,
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
    "f4[:,::1], f8[:,::1], b1[::1]",
    pieces=1,
)
def _correlate(thread, part, parts, grad, x, scratch, nothing, numbers, sums, totals, done):
    """Σ_tiles (A dY Aᵀ) ⊙ (Bᵀ d B)        -> sums[part] (16, C, O)"""
    if not done[0]:
        return
    top, left, T = numbers
    N, P, Q, O = grad.shape
    C = x.shape[3]
    rows, columns = _tiles((P, Q))
    tiles = N * rows * columns
    chunks = (tiles + T - 1) // T
    seen = scratch.ctypes.data + thread * scratch.shape[1] * 4  # (16, T+1, C)
    slopes = seen + 16 * (T + 1) * C * 4  # (16, T+1, LANES)
    row_a, row_c, run = np.arange(ROWS), np.arange(ROWS) * O, np.zeros(1, np.int64)
    sources, targets = np.empty((T, 4), np.int64), np.empty(16, np.int64)
    _addresses(targets, slopes, (T + 1) * LANES * 4)
    for row in range(part, len(sums), parts):  # also those that get no part
        clear(sums.ctypes.data + row * sums.shape[1] * 4, sums.shape[1])
    if len(totals):
        totals[part, :] = 0
    begin, end, since = part * chunks // parts, (part + 1) * chunks // parts, 0
    for chunk in range(begin, end):
        first, count = chunk * T, min(T, tiles - chunk * T)
        _transform_inputs(x, first, count, (P, Q), top, left, T, nothing.ctypes.data, seen)
        _places(sources, grad, first, count, (P, Q), 0, 0, nothing.ctypes.data)
        for block in range(O // LANES):
            for t in range(count):
                for lane in range(0, LANES, WIDTH):
                    read, write = (block * LANES + lane) * 4, (t * LANES + lane) * 4
                    _grads_in(sources[t].ctypes.data, read, targets.ctypes.data, write, 0, 0)
            for e in range(16):
                for c in range(0, C, ROWS):  # the last rows are a third of a tile or two: C is a multiple of LANES
                    short_tile(
                        min(ROWS, C - c),
                        seen + (e * (T + 1) * C + c) * 4,
                        slopes + e * (T + 1) * LANES * 4,
                        sums.ctypes.data + (((part * 16 + e) * C + c) * O + block * LANES) * 4,
                        0,
                        row_a.ctypes.data,
                        row_c.ctypes.data,
                        run.ctypes.data,
                        1,
                        count,
                        C,
                        LANES,
                        LANES,
                        ADD if since else ZERO,
                        0,
                    )
        since += 1
        if len(totals) and (since == ITEMS or chunk + 1 == end):
            carry(sums[part], totals[part], chunk + 1 == end)
            since = 0


@compiled("f4[:,:,:,::1], f4[:,:,::1]")
def _transform_back(thread, part, parts, sums, d_weight):
    """Gᵀ dU G, dU the sum of all parts        (parts, 16, C, O) -> (9, C, O)"""
    _, _, C, O = sums.shape
    sources, targets = np.empty(16, np.int64), np.empty(9, np.int64)
    _addresses(sources, sums.ctypes.data, C * O * 4)
    _addresses(targets, d_weight.ctypes.data, C * O * 4)
    for c in range(part * C // parts, (part + 1) * C // parts):
        for other in range(1, len(sums)):
            for e in range(16):
                for o in range(O):
                    sums[0, e, c, o] += sums[other, e, c, o]
        for offset in range(c * O * 4, (c + 1) * O * 4, WIDTH * 4):
            _filters_out(sources.ctypes.data, offset, targets.ctypes.data, offset, 0, 0)
