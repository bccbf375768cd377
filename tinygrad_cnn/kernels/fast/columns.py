"""Convolution as a product of matrices, for weights that are larger than the pictures.

Deep in a network pictures are small, 7x7 or 2x2, and have many channels. To pack the weight for so few pixels would
take longer than to use it. So the windows are copied instead, in the order of the numbers of a filter: then all three
directions are products with the weight as it lies in memory, and its gradient is made in that order.

    columns (N·P·Q, C·h·w)      out = columns @ weight.T      d_weight = gradᵀ @ columns      d_columns = grad @ weight

What d_columns holds for a pixel of the input, once for each window that saw it, is added up.
Letters as in direct.py; a place is one of the h·w of the window.
"""

from __future__ import annotations

import numpy as np

from .machinery import memory
from .machinery.compiled import compiled
from .machinery.products import product

Pair = tuple[int, int]
PER_NUMBER = 0.7  # nanoseconds, of columns that are made or added up


def pays(count: int, pixels: Pair, weight_shape: tuple[int, ...], groups: int) -> bool:
    """Whether `count` images of so many pixels, (rows, columns), are small beside a weight of this shape."""
    O, c, _, _ = weight_shape
    return groups == 1 and count * pixels[0] * pixels[1] <= min(O, c)


def convolve(x, weight, bias, size: Pair, stride: Pair, padding: Pair, dilation: Pair, relu: int) -> np.ndarray:
    """(N,H,W,C) (O,C,h,w) (O,) -> (N,P,Q,O)"""
    O, _, h, w = weight.shape
    columns = _columns(x, size, (h, w), stride, padding, dilation)
    return product(columns, weight.reshape(O, -1).T, bias, relu).reshape(len(x), *size, O)


def correlate(grad, x, weight_shape: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair) -> np.ndarray:
    """(N,P,Q,O) (N,H,W,C) -> (O,C,h,w)"""
    columns = _columns(x, grad.shape[1:3], tuple(weight_shape[2:]), stride, padding, dilation)
    return product(_pixels(grad).T, columns, None).reshape(weight_shape)


def convolve_back(grad, weight, size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> np.ndarray:
    """(N,P,Q,O) (O,C,h,w) -> (N,H,W,C)"""
    O, C, h, w = weight.shape
    columns = product(_pixels(grad), weight.reshape(O, -1), None)
    if _is_pixel((h, w), stride, padding):
        return columns.reshape(len(grad), *size, C)
    out = memory.empty((len(grad), *size, C))
    columns = columns.reshape(*grad.shape[:3], C, h * w)
    _add_windows(columns.size * PER_NUMBER, columns, (h, w, *stride, *padding, *dilation), out)
    return out


def _pixels(x: np.ndarray) -> np.ndarray:
    """(N,H,W,C) -> (N·H·W, C)"""
    if not x.flags.c_contiguous:
        pixels = memory.empty((*x.shape, 1))
        _copy_windows(x.size * PER_NUMBER, x, (1, 1, 1, 1, 0, 0, 1, 1), pixels)
        x = pixels
    return x.reshape(-1, x.shape[3])


def _columns(x, size: Pair, window: Pair, stride: Pair, padding: Pair, dilation: Pair) -> np.ndarray:
    """(N,H,W,C) -> (N·P·Q, C·h·w)"""
    if _is_pixel(window, stride, padding):
        return _pixels(x)
    columns = memory.empty((len(x), *size, x.shape[3], window[0] * window[1]))
    _copy_windows(columns.size * PER_NUMBER, x, (*window, *stride, *padding, *dilation), columns)
    return columns.reshape(len(x) * size[0] * size[1], -1)


def _is_pixel(window: Pair, stride: Pair, padding: Pair) -> bool:
    """Whether every window is one pixel, and every pixel has one."""
    return window == stride == (1, 1) and padding == (0, 0)


@compiled("Array(f4, 4, 'A', readonly=True), UniTuple(i8, 8), f4[:,:,:,:,::1]")
def _copy_windows(thread, part, parts, x, window, columns):
    h, w, step_i, step_j, top, left, far_i, far_j = window
    _, H, W, C = x.shape
    N, P, Q, _, _ = columns.shape
    for pixel in range(part * N * P * Q // parts, (part + 1) * N * P * Q // parts):
        n, p, q = pixel // (P * Q), pixel // Q % P, pixel % Q
        to = columns[n, p, q]
        for place in range(h * w):
            y, z = p * step_i - top + place // w * far_i, q * step_j - left + place % w * far_j
            if 0 <= y < H and 0 <= z < W:
                seen = x[n, y, z]
                for c in range(C):
                    to[c, place] = seen[c]
            else:
                for c in range(C):
                    to[c, place] = 0


@compiled("f4[:,:,:,:,::1], UniTuple(i8, 8), f4[:,:,:,::1]")
def _add_windows(thread, part, parts, columns, window, out):
    """Each pixel of the input: Σ of what the windows that saw it have for it."""
    h, w, step_i, step_j, top, left, far_i, far_j = window
    N, H, W, C = out.shape
    _, P, Q, _, _ = columns.shape
    for pixel in range(part * N * H * W // parts, (part + 1) * N * H * W // parts):
        n, y, z = pixel // (H * W), pixel // W % H, pixel % W
        total = out[n, y, z]
        total[:] = 0
        for place in range(h * w):
            down, right = y + top - place // w * far_i, z + left - place % w * far_j
            p, q = down // step_i, right // step_j
            if down >= 0 and right >= 0 and p * step_i == down and q * step_j == right and p < P and q < Q:
                seen = columns[n, p, q]
                for c in range(C):
                    total[c] += seen[c, place]
