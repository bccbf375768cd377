"""Pooling in one parallel pass: the greatest and its place together, all channels of a pixel at once.

Channels-last pixels are runs of C floats, so comparing two places of the window for all channels is a loop
that the compiler turns into vector instructions; a window is a handful of such loops on rows in the cache.
The way back goes by rows of the input, each collecting from the windows that it lies in, so that no two
threads ever add to the same number.

N batch, C channels, H W input, P Q output, h w window.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from .. import faster
from . import memory
from .compiled import compiled

Pair = tuple[int, int]
PER_NUMBER = 0.3  # nanoseconds for each number read
_PICTURES = "Array(f4, 4, 'C', readonly=True)"


def _last(x: np.ndarray) -> np.ndarray:
    """(N,C,H,W) -> (N,H,W,C), contiguous."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def _is_float32(input, *args):
    return input.dtype == np.float32 and input.size > 0


def _takes_max(input, kernel_size, stride, padding, dilation, output_size):
    return _is_float32(input) and kernel_size[0] * kernel_size[1] <= 256


@faster(when=_takes_max)
def max_pool2d(input, kernel_size, stride, padding, dilation, output_size):
    x = _last(input)
    shape = (len(x), *output_size, x.shape[3])
    out, choice = memory.empty(shape), memory.empty(shape, np.uint8)
    window = (*kernel_size, *stride, *padding, *dilation)
    _max_pool(out.size * kernel_size[0] * kernel_size[1] * PER_NUMBER, x, window, out, choice)
    return out.transpose(0, 3, 1, 2), choice.transpose(0, 3, 1, 2)


def _takes_place(grad, choice, *args):
    return _is_float32(grad) and choice.dtype == np.uint8


@faster(when=_takes_place)
def max_pool2d_place(grad, choice, input_shape, kernel_size, stride, padding, dilation):
    N, C, H, W = input_shape
    out = memory.empty((N, H, W, C))
    window = (*kernel_size, *stride, *padding, *dilation)
    _place(out.size * PER_NUMBER, _last(grad), _last(choice), window, out)
    return out.transpose(0, 3, 1, 2)


@faster(when=_is_float32)
def sum_pool2d(input, kernel_size, stride, padding, output_size):
    out = memory.empty((len(input), *output_size, input.shape[1]))
    window = (*kernel_size, *stride, *padding)
    _sum(out.size * kernel_size[0] * kernel_size[1] * PER_NUMBER, _last(input), window, out)
    return out.transpose(0, 3, 1, 2)


@faster(when=_is_float32)
def sum_pool2d_spread(grad, input_shape, kernel_size, stride, padding):
    N, C, H, W = input_shape
    out = memory.empty((N, H, W, C))
    _spread(out.size * PER_NUMBER, _last(grad), (*kernel_size, *stride, *padding), out)
    return out.transpose(0, 3, 1, 2)


@register_jitable
def _inside(start, size, step, count):
    """The places start, start + step ... (`count` of them) in range(size): number of the first, and the end."""
    first = (max(0, -start) + step - 1) // step
    return first, max(first, min(count, (size - start + step - 1) // step))


@register_jitable
def _meeting(place, step, outputs):
    """The output whose window has its place at `place` (= output·step), or -1 where there is none."""
    output = place // step
    return output if place >= 0 and place % step == 0 and output < outputs else -1


@compiled(f"{_PICTURES}, UniTuple(i8, 8), f4[:,:,:,::1], u1[:,:,:,::1]")
def _max_pool(thread, part, parts, x, window, out, choice):
    h, w, step_i, step_j, pad_i, pad_j, far_i, far_j = window
    _, H, W, C = x.shape
    N, P, Q, _ = out.shape
    for row in range(part * N * P // parts, (part + 1) * N * P // parts):
        n, p = row // P, row % P
        top = p * step_i - pad_i
        i_first, i_end = _inside(top, H, far_i, h)
        for q in range(Q):
            left = q * step_j - pad_j
            j_first, j_end = _inside(left, W, far_j, w)
            best, place = out[n, p, q], choice[n, p, q]
            best[:] = -np.inf
            place[:] = i_first * w + j_first
            for i in range(i_first, i_end):
                for j in range(j_first, j_end):
                    seen, here = x[n, top + i * far_i, left + j * far_j], np.uint8(i * w + j)
                    for c in range(C):
                        value, old, old_place = seen[c], best[c], place[c]
                        better = (value > old) | (value != value)
                        best[c] = value if better else old
                        place[c] = here if better else old_place


@compiled(f"{_PICTURES}, Array(u1, 4, 'C', readonly=True), UniTuple(i8, 8), f4[:,:,:,::1]")
def _place(thread, part, parts, grad, choice, window, out):
    h, w, step_i, step_j, pad_i, pad_j, far_i, far_j = window
    N, H, W, C = out.shape
    _, P, Q, _ = grad.shape
    for row in range(part * N * H // parts, (part + 1) * N * H // parts):
        n, y = row // H, row % H
        out[n, y] = 0
        for i in range(h):
            p = _meeting(y + pad_i - i * far_i, step_i, P)
            if p < 0:
                continue
            for j in range(w):
                here = np.uint8(i * w + j)
                q_first, q_end = _inside(j * far_j - pad_j, W, step_j, Q)
                for q in range(q_first, q_end):
                    total, g, place = out[n, y, q * step_j + j * far_j - pad_j], grad[n, p, q], choice[n, p, q]
                    for c in range(C):
                        value = g[c]
                        total[c] += value if place[c] == here else np.float32(0)


@compiled(f"{_PICTURES}, UniTuple(i8, 6), f4[:,:,:,::1]")
def _sum(thread, part, parts, x, window, out):
    h, w, step_i, step_j, pad_i, pad_j = window
    _, H, W, C = x.shape
    N, P, Q, _ = out.shape
    for row in range(part * N * P // parts, (part + 1) * N * P // parts):
        n, p = row // P, row % P
        top = p * step_i - pad_i
        i_first, i_end = _inside(top, H, 1, h)
        for q in range(Q):
            left = q * step_j - pad_j
            j_first, j_end = _inside(left, W, 1, w)
            total = out[n, p, q]
            total[:] = 0
            for i in range(i_first, i_end):
                for j in range(j_first, j_end):
                    seen = x[n, top + i, left + j]
                    for c in range(C):
                        total[c] += seen[c]


@compiled(f"{_PICTURES}, UniTuple(i8, 6), f4[:,:,:,::1]")
def _spread(thread, part, parts, grad, window, out):
    h, w, step_i, step_j, pad_i, pad_j = window
    N, H, W, C = out.shape
    _, P, Q, _ = grad.shape
    for row in range(part * N * H // parts, (part + 1) * N * H // parts):
        n, y = row // H, row % H
        out[n, y] = 0
        for i in range(h):
            p = _meeting(y + pad_i - i, step_i, P)
            if p < 0:
                continue
            for j in range(w):
                q_first, q_end = _inside(j - pad_j, W, step_j, Q)
                for q in range(q_first, q_end):
                    total, g = out[n, y, q * step_j + j - pad_j], grad[n, p, q]
                    for c in range(C):
                        total[c] += g[c]
