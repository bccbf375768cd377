"""Pooling in one parallel pass: the greatest and its place together, all channels of a pixel at once.

Channels-last pixels are runs of C floats, so two places of a window are compared for WIDTH channels by one vector
instruction (machinery/lanes.py). That is written out, for in max-pooling the compiler of plain loops loses itself in
branches.

Of each window, the part inside the input is a rectangle; `_rectangles` tells where it lies along an axis. Neighbours
of one row that have equal rectangles are a run: all but those at the edges, so little has to be said for each window.
A vector of more lanes than a pixel has channels reads and writes into the next pixels. What it writes there is
overwritten, since every thread goes through its part of the output in order; only at the end the lanes are few.

On the way back, windows that stand apart (the usual ones) fill each their own rectangle. Where they overlap, each
pixel of the input collects from the windows that it lies in. So no two threads ever write to the same number.

N batch, C channels, H W input, P Q output, h w window.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from .. import faster
from .layout import dense
from .machinery import memory
from .machinery.arrays import UINT8, readable
from .machinery.compiled import compiled
from .machinery.lanes import above, choose, equal, every, every_byte, first_lanes, load, load_bytes, plus, store
from .machinery.micro import WIDTH, clear

PER_VECTOR = 1.5  # nanoseconds for each vector of the input
MANY = 8 * WIDTH  # channels; so many are added pixel by pixel, in the order of memory
SHORT = 64  # numbers that are added one after the other; longer sums are sums of such sums
_PICTURES, _CHOICES = "Array(f4, 4, 'C', readonly=True)", "Array(u1, 4, 'C', readonly=True)"


def _last(x: np.ndarray) -> np.ndarray:
    """(N,C,H,W) -> (N,H,W,C), contiguous."""
    return dense(x.transpose(0, 2, 3, 1))


def _nanoseconds(input_shape) -> float:
    """About the work on an input of this shape."""
    N, C, H, W = input_shape
    return N * H * W * -(-C // WIDTH) * PER_VECTOR


def _takes(input, *args):
    return readable(input) and input.size > 0


def _takes_max(input, kernel_size, stride, padding, dilation, output_size):
    return _takes(input) and kernel_size[0] * kernel_size[1] <= 256


@faster(when=_takes_max, pure=True)
def max_pool2d(input, kernel_size, stride, padding, dilation, output_size):
    shape = (len(input), *output_size, input.shape[1])
    out, choice = memory.empty(shape), memory.empty(shape, np.uint8)
    window = (*kernel_size, *stride, *padding, *dilation)
    _max_pool(_nanoseconds(input.shape), _last(input), window, out, choice)
    return out.transpose(0, 3, 1, 2), choice.transpose(0, 3, 1, 2)


def _takes_place(grad, choice, *args):
    return _takes(grad) and readable(choice, dtype=UINT8)


@faster(when=_takes_place, pure=True)
def max_pool2d_place(grad, choice, input_shape, kernel_size, stride, padding, dilation):
    N, C, H, W = input_shape
    out = memory.empty((N, H, W, C))
    place = _place if _stand_apart(kernel_size, stride, dilation) else _place_overlapping
    place(_nanoseconds(input_shape), _last(grad), _last(choice), (*kernel_size, *stride, *padding, *dilation), out)
    return out.transpose(0, 3, 1, 2)


@faster(when=_takes, pure=True)
def sum_pool2d(input, kernel_size, stride, padding, output_size):
    out = memory.empty((len(input), *output_size, input.shape[1]))
    _sum(_nanoseconds(input.shape), _last(input), (*kernel_size, *stride, *padding), out)
    return out.transpose(0, 3, 1, 2)


@faster(when=_takes, pure=True)
def sum_pool2d_spread(grad, input_shape, kernel_size, stride, padding):
    N, C, H, W = input_shape
    out = memory.empty((N, H, W, C))
    fill = _spread if _stand_apart(kernel_size, stride, (1, 1)) else _spread_overlapping
    fill(_nanoseconds(input_shape), _last(grad), (*kernel_size, *stride, *padding, 1, 1), out)
    return out.transpose(0, 3, 1, 2)


def _stand_apart(kernel_size, stride, dilation) -> bool:
    """Whether no number of the input lies in two windows, and each window is one piece."""
    return stride[0] >= kernel_size[0] and stride[1] >= kernel_size[1] and dilation == (1, 1)


@register_jitable
def _rectangles(size, window, step, pad, far, outputs):
    """Along an axis, of each window: how many of its places are inside, the first of them, and which place that is."""
    counts, begin, place = np.empty(outputs, np.int64), np.empty(outputs, np.int64), np.empty(outputs, np.int64)
    for p in range(outputs):
        start = p * step - pad
        first = (max(0, -start) + far - 1) // far
        counts[p] = max(0, min(window, (size - start + far - 1) // far) - first)
        begin[p], place[p] = start + first * far, first
    return counts, begin, place


@register_jitable
def _run(counts, place, q):
    """How many windows from q on are alike."""
    end = q + 1
    while end < len(counts) and counts[end] == counts[q] and place[end] == place[q]:
        end += 1
    return end - q


@register_jitable
def _whole(C, run, address, step, end):
    """How many vectors of a run, a step apart, may have all lanes: those that end before an address."""
    return run if C >= WIDTH else max(0, min(run, (end - WIDTH * 4 - address) // step + 1))


@register_jitable
def _start(c, C):
    """Where the vector of channel c starts: the last vector overlaps the one before."""
    return max(0, min(c, C - WIDTH))


@compiled(f"{_PICTURES}, UniTuple(i8, 8), f4[:,:,:,::1], u1[:,:,:,::1]")
def _max_pool(thread, part, parts, x, window, out, choice):
    h, w, step_i, step_j, pad_i, pad_j, far_i, far_j = window
    _, H, W, C = x.shape
    N, P, Q, _ = out.shape
    tall, top, i = _rectangles(H, h, step_i, pad_i, far_i, P)
    wide, left, j = _rectangles(W, w, step_j, pad_j, far_j, Q)
    down, right, step = far_i * W * C * 4, far_j * C * 4, step_j * C * 4
    begin, end = part * N * P // parts, (part + 1) * N * P // parts
    source_end, out_end = x.ctypes.data + x.size * 4, out.ctypes.data + end * Q * C * 4
    for row in range(begin, end):
        n, p = row // P, row % P
        q = 0
        while q < Q:
            run, pixel = _run(wide, j, q), (row * Q + q) * C
            source = x.ctypes.data + ((n * H + top[p]) * W + left[q]) * C * 4
            to, ordinal = out.ctypes.data + pixel * 4, choice.ctypes.data + pixel
            rectangle = tall[p], wide[q], down, right, i[p] * w + j[q], w
            reach = (tall[p] - 1) * down + (wide[q] - 1) * right
            whole = min(_whole(C, run, source + reach, step, source_end), _whole(C, run, to, C * 4, out_end))
            for c in range(0, C, WIDTH):
                c = _start(c, C)
                _greatest(source + c * 4, rectangle, to + c * 4, ordinal + c, run, whole, step, C)
            q += run


@register_jitable
def _greatest(source, rectangle, out, choice, run, whole, step, C):
    """The greatest numbers of each rectangle of a run, and their places; `first` is the place of the corner."""
    rows, columns, down, right, first, w = rectangle
    exist = first_lanes(WIDTH)
    for q in range(run):
        if q == whole:
            exist = first_lanes(C)
        best, place = every(-np.inf), every_byte(first)
        if rows == 2 and columns == 2:  # the usual window, without loops
            best, place = _greater(best, place, source, first, exist)
            best, place = _greater(best, place, source + right, first + 1, exist)
            best, place = _greater(best, place, source + down, first + w, exist)
            best, place = _greater(best, place, source + down + right, first + w + 1, exist)
        else:
            for i in range(rows):
                for j in range(columns):
                    best, place = _greater(best, place, source + i * down + j * right, first + i * w + j, exist)
        store(best, out, exist)
        store(place, choice, exist)
        source, out, choice = source + step, out + C * 4, choice + C


@register_jitable
def _greater(best, place, source, here, exist):
    seen = load(source, exist)
    better = above(seen, best)
    return choose(better, seen, best), choose(better, every_byte(here), place)


@compiled(f"{_PICTURES}, UniTuple(i8, 6), f4[:,:,:,::1]")
def _sum(thread, part, parts, x, window, out):
    h, w, step_i, step_j, pad_i, pad_j = window
    _, H, W, C = x.shape
    N, P, Q, _ = out.shape
    tall, top, _ = _rectangles(H, h, step_i, pad_i, 1, P)
    wide, left, j = _rectangles(W, w, step_j, pad_j, 1, Q)
    down, right, step = W * C * 4, C * 4, step_j * C * 4
    begin, end = part * N * P // parts, (part + 1) * N * P // parts
    source_end, out_end = x.ctypes.data + x.size * 4, out.ctypes.data + end * Q * C * 4
    few, long = np.empty(C, np.float32), np.empty(C)
    for row in range(begin, end):
        n, p = row // P, row % P
        q = 0
        while q < Q and C < MANY:
            run = _run(wide, j, q)
            source = x.ctypes.data + ((n * H + top[p]) * W + left[q]) * C * 4
            to = out.ctypes.data + (row * Q + q) * C * 4
            rectangle = tall[p], wide[q], down, right
            reach = (tall[p] - 1) * down + (wide[q] - 1) * right
            whole = min(_whole(C, run, source + reach, step, source_end), _whole(C, run, to, C * 4, out_end))
            for c in range(0, C, WIDTH):
                c = _start(c, C)
                _total(source + c * 4, rectangle, to + c * 4, run, whole, step, C)
            q += run
        while q < Q:
            _add_pixels(x[n], top[p], tall[p], left[q], wide[q], few, long, out[n, p, q])
            q += 1


@register_jitable
def _total(source, rectangle, out, run, whole, step, C):
    """The sums of the numbers of each rectangle of a run."""
    rows, columns, down, right = rectangle
    exist = first_lanes(WIDTH)
    for q in range(run):
        if q == whole:
            exist = first_lanes(C)
        if rows * columns > SHORT:
            total = _long_total(source, rectangle, exist)
        else:
            total = every(0)
            for i in range(rows):
                for j in range(columns):
                    total = plus(total, load(source + i * down + j * right, exist))
        store(total, out, exist)
        source, out = source + step, out + C * 4


@register_jitable
def _long_total(source, rectangle, exist):
    """The sum of a rectangle as a sum of sums of sums, each a short one."""
    rows, columns, down, right = rectangle
    total, some, few, count = every(0), every(0), every(0), 0
    for i in range(rows):
        for j in range(columns):
            few = plus(few, load(source + i * down + j * right, exist))
            count += 1
            if count % SHORT == 0:
                some, few = plus(some, few), every(0)
                if count % (SHORT * SHORT) == 0:
                    total, some = plus(total, some), every(0)
    return plus(total, plus(some, few))


@register_jitable
def _add_pixels(picture, top, rows, left, columns, few, long, total):
    """The sums of the numbers of a rectangle, a whole pixel at a time."""
    count = rows * columns
    if count <= SHORT:
        _add_some(picture, top, left, columns, 0, count, total)
        return
    long[:] = 0
    for first in range(0, count, SHORT):
        _add_some(picture, top, left, columns, first, min(first + SHORT, count), few)
        for c in range(len(few)):
            long[c] += few[c]
    total[:] = long


@register_jitable
def _add_some(picture, top, left, columns, first, last, total):
    """The sums of the pixels of a rectangle that have these numbers in it, row by row."""
    total[:] = 0
    i, j = top + first // max(columns, 1), left + first % max(columns, 1)
    for _ in range(first, last):
        seen = picture[i, j]
        for c in range(len(total)):
            total[c] += seen[c]
        j += 1
        if j == left + columns:
            i, j = i + 1, left


# A gradient goes back into the windows that it came from: of a maximum to the place that was chosen, of a sum to all.


def _into_windows(fill):
    """The loop over windows that do not meet: `fill` writes each row of their rectangles once, all else is 0."""

    @register_jitable
    def loop(part, parts, grad, choice, window, out):
        h, w, step_i, step_j, pad_i, pad_j, _, _ = window
        N, H, W, C = out.shape
        _, P, Q, _ = grad.shape
        tall, top, i = _rectangles(H, h, step_i, pad_i, 1, P)
        wide, left, j = _rectangles(W, w, step_j, pad_j, 1, Q)
        step = step_j * C * 4
        begin, end = part * N * P // parts, (part + 1) * N * P // parts
        source_end = grad.ctypes.data + grad.size * 4
        out_end = out.ctypes.data + _first_row(end, P, top, H) * W * C * 4
        for row in range(begin, end):
            n, p = row // P, row % P
            for k in range(tall[p]):
                y = (n * H + top[p] + k) * W
                if step_j > w:
                    _clear(out, y, y + W)
                q = 0
                while q < Q:
                    run, pixel, to = _run(wide, j, q), (row * Q + q) * C, out.ctypes.data + (y + left[q]) * C * 4
                    source, chosen, first = (
                        grad.ctypes.data + pixel * 4,
                        choice.ctypes.data + pixel,
                        (i[p] + k) * w + j[q],
                    )
                    ends = _whole(C, run, to + (wide[q] - 1) * C * 4, step, out_end)
                    whole = min(ends, _whole(C, run, source, C * 4, source_end)) if step_j == w or C >= WIDTH else 0
                    for c in range(0, C, WIDTH):
                        c = _start(c, C)
                        fill(source + c * 4, chosen + c, first, wide[q], to + c * 4, run, whole, step, C)
                    q += run
                _clear(out, y + left[Q - 1] + wide[Q - 1], y + W)
            _clear(out, (n * H + top[p] + tall[p]) * W, _first_row(row + 1, P, top, H) * W)

    return loop


@register_jitable
def _first_row(row, P, top, H):
    """The first row of the input, all images counted, that belongs to a row of the output: all begin at the top."""
    return row // P * H + (top[row % P] if row % P else 0)


@register_jitable
def _clear(out, begin, end):
    """Set pixels to 0."""
    if begin < end:
        C = out.shape[3]
        clear(out.ctypes.data + begin * C * 4, (end - begin) * C)


@register_jitable
def _fill_chosen(grad, choice, first, columns, out, run, whole, step, C):
    """Fill one row of each rectangle of a run: the gradient where it was chosen, elsewhere 0."""
    exist, zero = first_lanes(WIDTH), every(0)
    for q in range(run):
        if q == whole:
            exist = first_lanes(C)
        value, chosen = load(grad, exist), load_bytes(choice, exist)
        if columns == 2:  # the usual window, without a loop
            store(choose(equal(chosen, every_byte(first)), value, zero), out, exist)
            store(choose(equal(chosen, every_byte(first + 1)), value, zero), out + C * 4, exist)
        else:
            for j in range(columns):
                store(choose(equal(chosen, every_byte(first + j)), value, zero), out + j * C * 4, exist)
        grad, choice, out = grad + C * 4, choice + C, out + step


@register_jitable
def _fill(grad, choice, first, columns, out, run, whole, step, C):
    """Fill one row of each rectangle of a run with its gradient."""
    exist = first_lanes(WIDTH)
    for q in range(run):
        if q == whole:
            exist = first_lanes(C)
        value = load(grad, exist)
        for j in range(columns):
            store(value, out + j * C * 4, exist)
        grad, out = grad + C * 4, out + step


def _where_windows_meet(take):
    """The loop over pixels that may lie in several windows: each adds up what it takes of every window's gradient."""

    @register_jitable
    def loop(part, parts, grad, choice, window, out):
        h, w, step_i, step_j, pad_i, pad_j, far_i, far_j = window
        N, H, W, C = out.shape
        _, P, Q, _ = grad.shape
        tall, p, i = _meetings(H, h, step_i, pad_i, far_i, P)
        wide, q, j = _meetings(W, w, step_j, pad_j, far_j, Q)
        begin, end = part * N * H // parts, (part + 1) * N * H // parts
        exist = first_lanes(C)
        for row in range(begin, end):
            n, y = row // H, row % H
            for z in range(W):
                to = out.ctypes.data + (row * W + z) * C * 4
                for c in range(0, C, WIDTH):
                    c = _start(c, C)
                    total = every(0)
                    for k in range(tall[y]):
                        line = every(0)
                        for m in range(wide[z]):
                            pixel = ((n * P + p[y, k]) * Q + q[z, m]) * C + c
                            source, chosen = grad.ctypes.data + pixel * 4, choice.ctypes.data + pixel
                            line = plus(line, take(source, chosen, i[y, k] * w + j[z, m], exist))
                        total = plus(total, line)
                    store(total, to + c * 4, exist)

    return loop


@register_jitable
def _meetings(size, window, step, pad, far, outputs):
    """For each of `size` inputs along an axis: how many windows it lies in, the outputs of these, its place in each."""
    counts = np.zeros(size, np.int64)
    output, place = np.empty((size, window), np.int64), np.empty((size, window), np.int64)
    for i in range(window):
        for p in range(outputs):
            y = p * step - pad + i * far
            if 0 <= y < size:
                output[y, counts[y]], place[y, counts[y]] = p, i
                counts[y] += 1
    return counts, output, place


@register_jitable
def _take_chosen(grad, choice, place, exist):
    return choose(equal(load_bytes(choice, exist), every_byte(place)), load(grad, exist), every(0))


@register_jitable
def _take(grad, choice, place, exist):
    return load(grad, exist)


_fill_the_chosen, _fill_all = _into_windows(_fill_chosen), _into_windows(_fill)
_add_the_chosen, _add_all = _where_windows_meet(_take_chosen), _where_windows_meet(_take)


@compiled(f"{_PICTURES}, {_CHOICES}, UniTuple(i8, 8), f4[:,:,:,::1]")
def _place(thread, part, parts, grad, choice, window, out):
    _fill_the_chosen(part, parts, grad, choice, window, out)


@compiled(f"{_PICTURES}, {_CHOICES}, UniTuple(i8, 8), f4[:,:,:,::1]")
def _place_overlapping(thread, part, parts, grad, choice, window, out):
    _add_the_chosen(part, parts, grad, choice, window, out)


@compiled(f"{_PICTURES}, UniTuple(i8, 8), f4[:,:,:,::1]")
def _spread(thread, part, parts, grad, window, out):
    _fill_all(part, parts, grad, grad, window, out)  # nothing was chosen


@compiled(f"{_PICTURES}, UniTuple(i8, 8), f4[:,:,:,::1]")
def _spread_overlapping(thread, part, parts, grad, window, out):
    _add_all(part, parts, grad, grad, window, out)
