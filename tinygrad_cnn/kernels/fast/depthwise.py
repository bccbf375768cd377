"""Depthwise convolution: every channel has a filter of its own, and all channels of a pixel are treated alike.

There is no sum over channels for the micro-kernel to do. Channels-last, a tap multiplies the C numbers of a pixel by
C weights, one number after the other, which plain loops do as fast as the memory gives them.

N batch, C channels, H W input, P Q output, h w window; weights are (h, w, C) in here.
"""

from __future__ import annotations

import numpy as np

from .. import kernel, threads
from .machinery import memory
from .machinery.compiled import compiled

PER_PRODUCT = 0.1  # nanoseconds
SHORT = 128  # products that are added one after the other, or some more; what these come to, in double precision
_PICTURES, _TAPS = "Array(f4, 4, 'C', readonly=True)", "Array(f4, 3, 'C', readonly=True)"


def is_depthwise(channels: int, weight_shape: tuple[int, ...], groups: int) -> bool:
    """Whether each channel of the input makes one of the output, by itself."""
    return groups == channels == weight_shape[0] > 1


def convolve(x, weight, bias, out_size, stride, padding, dilation, relu) -> np.ndarray:
    """(N,H,W,C) (C,1,h,w) (C,) -> (N,P,Q,C)"""
    x, taps = kernel.contiguous(x), _taps(weight)
    out = memory.empty((len(x), *out_size, x.shape[3]))
    bias = np.zeros(x.shape[3], np.float32) if bias is None else np.ascontiguousarray(bias)
    _forward(_work(out, taps), x, taps, bias, (*stride, *padding, *dilation), relu, out)
    return out


def convolve_back(grad, weight, in_size, stride, padding, dilation) -> np.ndarray:
    """(N,P,Q,C) (C,1,h,w) -> (N,H,W,C), the adjoint of convolve in its input"""
    grad, taps = kernel.contiguous(grad), _taps(weight)
    out = memory.empty((len(grad), *in_size, grad.shape[3]))
    _back(_work(grad, taps), grad, taps, (*stride, *padding, *dilation), out)
    return out


def correlate(grad, x, weight_shape, stride, padding, dilation) -> np.ndarray:
    """(N,P,Q,C) (N,H,W,C) -> (C,1,h,w), the adjoint of convolve in its weight"""
    grad, x = kernel.contiguous(grad), kernel.contiguous(x)
    C, _, h, w = weight_shape
    team = threads.get_num_threads()
    sums = np.zeros((team, h, w, C))
    _correlate(_work(grad, sums[0]), grad, x, (*stride, *padding, *dilation), sums, team=team)
    total = np.add.reduce(sums).astype(np.float32)
    return np.ascontiguousarray(total.transpose(2, 0, 1)).reshape(weight_shape)


def _taps(weight: np.ndarray) -> np.ndarray:
    """(C,1,h,w) -> (h,w,C)"""
    return np.ascontiguousarray(weight[:, 0].transpose(1, 2, 0))


def _work(pictures: np.ndarray, taps: np.ndarray) -> float:
    return pictures.size * len(taps) * taps.shape[1] * PER_PRODUCT


@compiled(f"{_PICTURES}, {_TAPS}, Array(f4, 1, 'C', readonly=True), UniTuple(i8, 6), i8, f4[:,:,:,::1]")
def _forward(thread, part, parts, x, taps, bias, geometry, relu, out):
    step_i, step_j, pad_i, pad_j, far_i, far_j = geometry
    _, H, W, C = x.shape
    N, P, Q, _ = out.shape
    h, w, _ = taps.shape
    for row in range(part * N * P // parts, (part + 1) * N * P // parts):
        n, p = row // P, row % P
        for q in range(Q):
            total = out[n, p, q]
            for c in range(C):
                total[c] = bias[c]
            for i in range(h):
                y = p * step_i - pad_i + i * far_i
                if y < 0 or y >= H:
                    continue
                for j in range(w):
                    z = q * step_j - pad_j + j * far_j
                    if z < 0 or z >= W:
                        continue
                    seen, weight = x[n, y, z], taps[i, j]
                    for c in range(C):
                        total[c] += seen[c] * weight[c]
            if relu:
                for c in range(C):
                    total[c] = np.float32(0) if total[c] < 0 else total[c]


@compiled(f"{_PICTURES}, {_TAPS}, UniTuple(i8, 6), f4[:,:,:,::1]")
def _back(thread, part, parts, grad, taps, geometry, out):
    """Each pixel of the input collects from the outputs that saw it, so no two threads add to the same number."""
    step_i, step_j, pad_i, pad_j, far_i, far_j = geometry
    N, H, W, C = out.shape
    _, P, Q, _ = grad.shape
    h, w, _ = taps.shape
    for row in range(part * N * H // parts, (part + 1) * N * H // parts):
        n, y = row // H, row % H
        for z in range(W):
            total = out[n, y, z]
            total[:] = 0
            for i in range(h):
                down = y + pad_i - i * far_i
                p = down // step_i
                if down < 0 or down % step_i or p >= P:
                    continue
                for j in range(w):
                    right = z + pad_j - j * far_j
                    q = right // step_j
                    if right < 0 or right % step_j or q >= Q:
                        continue
                    g, weight = grad[n, p, q], taps[i, j]
                    for c in range(C):
                        total[c] += g[c] * weight[c]


@compiled(f"{_PICTURES}, {_PICTURES}, UniTuple(i8, 6), f8[:,:,:,::1]", pieces=1)
def _correlate(thread, part, parts, grad, x, geometry, sums):
    step_i, step_j, pad_i, pad_j, far_i, far_j = geometry
    _, H, W, C = x.shape
    N, P, Q, _ = grad.shape
    _, h, w, _ = sums.shape
    few, count = np.zeros((h, w, C), np.float32), 0
    stretches = (Q + SHORT - 1) // SHORT
    begin, end = part * N * P // parts * stretches, (part + 1) * N * P // parts * stretches
    for stretch in range(begin, end):
        row, first = stretch // stretches, stretch % stretches * SHORT
        n, p, last = row // P, row % P, min(first + SHORT, Q)
        for i in range(h):
            y = p * step_i - pad_i + i * far_i
            if y < 0 or y >= H:
                continue
            for j in range(w):
                total = few[i, j]
                for q in range(first, last):
                    z = q * step_j - pad_j + j * far_j
                    if z < 0 or z >= W:
                        continue
                    g, seen = grad[n, p, q], x[n, y, z]
                    for c in range(C):
                        total[c] += g[c] * seen[c]
        count += last - first
        if count >= SHORT or stretch + 1 == end:
            sums[part] += few
            few[:] = 0
            count = 0
