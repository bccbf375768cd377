"""Normalization within each example: each number is read from memory once for the moments, and once to be written.

Where an example lies in order, a group is one run of numbers. A run is seen a block at a time, which stays in the cache
while it is centered on its own mean; blocks are joined as in norm.py. The channels of a group are runs of pixels, with
one weight and one bias each. Where a channel is one number, as in layer norm, the group has a row of weights.

Where an example lies channels last, it is a matrix as in norm.py, whose loops find the moments and sums of channels;
those of a group are joined.

All sums are added up in double precision. They are made of slabs whose number depends on the shape alone, so the number
of threads changes no result. An example in order that is one group, as in layer norm, is the work of one thread.

N batch, G groups, C channels, c = C/G of a group, L pixels of a channel, M = N·L.
"""

from __future__ import annotations

import math

import numpy as np
from numba.extending import register_jitable

from ...arrays.formulas import trace
from .. import faster
from .layout import dense
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import compiled
from .machinery.pieces import piece
from .norm import (
    PER_SUM,
    SLAB,
    SLABS,
    _is_matrix,
    _last,
    _many,
    _moments,
    _rows,
    _sums_back,
    _tiled,
    _vector,
    _write,
)

PER_NUMBER = 0.3  # nanoseconds
BLOCK = 4096  # numbers of a run: they stay in the first-level cache


def _takes(input, weight, bias, groups, eps, centered):
    return readable(input, weight, bias) and input.size > 0 and (input.flags.c_contiguous or _is_matrix(input))


@faster(when=_takes, pure=True)
def group_norm(input, weight, bias, groups, eps, centered):
    N, C = input.shape[:2]
    mean, invstd = memory.empty((N, groups)), memory.empty((N, groups))
    affine, work = (_vector(weight), _vector(bias)), input.size * PER_NUMBER
    if input.flags.c_contiguous:
        out = memory.empty(input.shape)
        x, to = (a.reshape(N, groups, C // groups, -1) for a in (input, out))
        _in_order(work, x, *affine, eps, centered, mean, invstd, to)
        return out, mean, invstd
    x = _last(input)
    rows, out = _rows(x), memory.empty(x.shape)
    means, squares = _room(rows, N)
    _moments(work, rows, means, squares)
    _join(means.size * PER_SUM, means, squares, len(rows) // N, eps, centered, mean, invstd)
    _by_channels(work, rows, *affine, mean, invstd, len(means), _rows(out))
    return out.transpose(0, -1, *range(1, x.ndim - 1)), mean, invstd


def _takes_back(grad, input, weight, mean, invstd, centered):
    if not (readable(grad, mean, invstd) and _takes(input, weight, None, 1, 0, centered)):
        return False
    return input.ndim <= 4 or (grad.flags.c_contiguous if input.flags.c_contiguous else _is_matrix(grad))


@faster(when=_takes_back, pure=True)
def group_norm_backward(grad, input, weight, mean, invstd, centered):
    (N, C), groups, in_order = input.shape[:2], mean.shape[1], input.flags.c_contiguous
    x, g = (input, grad) if in_order else (_last(input), _last(grad))
    if not g.flags.c_contiguous:
        g = dense(g[(slice(None), *(None,) * (4 - g.ndim))])
    d_input, d_weight, d_bias = memory.empty(x.shape), memory.empty((C,)), memory.empty((C,))
    weight, work = _vector(weight), x.size * PER_NUMBER
    if in_order:
        sums, products = memory.empty((2, min(SLABS, N), C), np.float64)
        g, x, to = (a.reshape(N, groups, C // groups, -1) for a in (g, x, d_input))
        _back_in_order(work, g, x, weight, mean, invstd, centered, sums, products, to)
    else:
        g, x, to = _rows(g), _rows(x), _rows(d_input)
        sums, products = _room(x, N)
        share, slope = memory.empty((2, N, groups))
        _sums(work, g, x, mean, invstd, sums, products)
        _join_back(sums.size * PER_SUM, sums, products, weight, invstd, len(x) // N, centered, share, slope)
        _back_by_channels(work, g, x, weight, mean, invstd, share, slope, len(sums), to)
        d_input = d_input.transpose(0, -1, *range(1, d_input.ndim - 1))
    _join_parameters(sums.size * PER_SUM, sums, products, d_weight, d_bias)
    return d_input, d_weight, d_bias


def _room(rows: np.ndarray, N: int) -> np.ndarray:
    """For two sums of each channel, in so many slabs of each example that there are enough for all threads."""
    M, C = rows.shape
    slabs = max(1, min(-(-SLABS // N), M // N, M // N * C // SLAB))
    return memory.empty((2, N * slabs, C), np.float64)


_VECTOR, _PAIRS = "Array(f4, 1, 'A', readonly=True)", "Array(f4, 2, 'A', readonly=True)"
_ROWS, _GROUPS = "Array(f4, 2, 'C', readonly=True)", "Array(f4, 4, 'C', readonly=True)"


@register_jitable
def _filled(weight, C, value):
    """The weights in a row; if there are none, as many of this value."""
    row = np.empty(C, np.float32)
    for c in range(C):
        row[c] = weight[c] if len(weight) else value
    return row


# In order.


_sum = piece(trace(lambda x: x, "f"), ("sum",))
_squares = piece(trace(lambda x, mean: x - mean, "ff"), ("squares",))
_scaled = piece(trace(lambda x, mean, invstd, weight, bias: (x - mean) * invstd * weight + bias, "fffff"))


@register_jitable
def _moments_of_run(x, count, centered):
    """The mean, and the mean of squared distances from it, of so many numbers from an address on."""
    mean, square = 0.0, 0.0
    for first in range(0, count, BLOCK):
        begin, here = x + first * 4, min(BLOCK, count - first)
        own = _sum(begin, here) / here if centered else 0.0
        near = np.float32(own)
        rest = _squares(begin, near, here) - here * (own - near) ** 2
        apart = own - mean
        square += rest + apart * apart * (first / (first + here) * here)
        mean += apart * (here / (first + here))
    return mean, square / count


@compiled(f"{_GROUPS}, {_VECTOR}, {_VECTOR}, f8, b1, f4[:,::1], f4[:,::1], f4[:,:,:,::1]", exact=True)
def _in_order(thread, part, parts, x, weight, bias, eps, centered, means, invstds, out):
    N, G, c, L = x.shape
    begin, end = part * N * G // parts, (part + 1) * N * G // parts
    if begin == end:
        return
    weights, biases = _filled(weight, G * c, np.float32(1)), _filled(bias, G * c, np.float32(0))
    source, to = np.intp(x.ctypes.data), np.intp(out.ctypes.data)
    for place in range(begin, end):
        n, group, run = place // G, place % G, place * c * L * 4
        middle, square = _moments_of_run(source + run, c * L, centered)
        mean, invstd = np.float32(middle), np.float32(1 / math.sqrt(square + eps))
        means[n, group], invstds[n, group] = mean, invstd
        if L == 1:
            row = group * c * 4
            scale, shift = np.intp(weights.ctypes.data) + row, np.intp(biases.ctypes.data) + row
            _scaled(source + run, mean, invstd, scale, shift, to + run, c)
        else:
            for k in range(c):
                pixels, channel = run + k * L * 4, group * c + k
                _scaled(source + pixels, mean, invstd, weights[channel], biases[channel], to + pixels, L)


_send = piece(
    trace(lambda g, x, mean, invstd, w, share, slope: (g * w - share - (x - mean) * slope) * invstd, "fffffff")
)
_sums_of_pixels = piece(trace(lambda g, x, mean, invstd: (g, g * ((x - mean) * invstd)), "ffff"), ("sum", "sum"))
_sums_of_row = piece(
    trace(
        lambda g, x, mean, invstd, w: (
            *(g * w, g * w * ((x - mean) * invstd)),
            *(g, g * ((x - mean) * invstd)),
        ),
        "fffff",
    ),
    ("sum", "sum", "to sum", "to sum"),
)


@compiled(f"{_GROUPS}, {_GROUPS}, {_VECTOR}, {_PAIRS}, {_PAIRS}, b1, f8[:,::1], f8[:,::1], f4[:,:,:,::1]", exact=True)
def _back_in_order(thread, part, parts, grad, x, weight, means, invstds, centered, sums, products, d_input):
    """One group of a slab of examples at a time."""
    (N, G, c, L), slabs = x.shape, len(sums)
    begin, end = part * slabs * G // parts, (part + 1) * slabs * G // parts
    if begin == end:
        return
    weights = _filled(weight, G * c, np.float32(1))
    g, source, to = np.intp(grad.ctypes.data), np.intp(x.ctypes.data), np.intp(d_input.ctypes.data)
    for place in range(begin, end):
        slab, group = place // G, place % G
        first = group * c
        row = np.intp(weights.ctypes.data) + first * 4
        total, product = sums[slab, first : first + c], products[slab, first : first + c]
        total[:] = 0
        product[:] = 0
        for n in range(slab * N // slabs, (slab + 1) * N // slabs):
            mean, invstd, run = means[n, group], invstds[n, group], (n * G + group) * c * L * 4
            middle, along = 0.0, 0.0
            if L == 1:
                places = np.intp(total.ctypes.data), np.intp(product.ctypes.data)
                middle, along = _sums_of_row(g + run, source + run, mean, invstd, row, places[0], places[1], c)
            else:
                for k in range(c):
                    pixels = run + k * L * 4
                    own, own_along = _sums_of_pixels(g + pixels, source + pixels, mean, invstd, L)
                    total[k] += own
                    product[k] += own_along
                    middle += own * weights[first + k]
                    along += own_along * weights[first + k]
            share = np.float32(middle / (c * L) if centered else 0)
            slope = np.float32(along / (c * L) * invstd)
            if L == 1:
                _send(g + run, source + run, mean, invstd, row, share, slope, to + run, c)
            else:
                for k in range(c):
                    pixels, w = run + k * L * 4, weights[first + k]
                    _send(g + pixels, source + pixels, mean, invstd, w, share, slope, to + pixels, L)


@compiled("f8[:,::1], f8[:,::1], f4[::1], f4[::1]")
def _join_parameters(thread, part, parts, sums, products, d_weight, d_bias):
    C = len(d_bias)
    for c in range(part * C // parts, (part + 1) * C // parts):
        total, product = 0.0, 0.0
        for slab in range(len(sums)):
            total += sums[slab, c]
            product += products[slab, c]
        d_weight[c], d_bias[c] = product, total


# Channels last.


@register_jitable
def _repeated(values, c):
    """(G,) -> (C,)"""
    row = np.empty(len(values) * c, np.float32)
    for k in range(len(row)):
        row[k] = values[k // c]
    return row


@compiled("f8[:,::1], f8[:,::1], i8, f8, b1, f4[:,::1], f4[:,::1]")
def _join(thread, part, parts, means, squares, L, eps, centered, mean, invstd):
    """The moments of each group, of those of its channels in all slabs of the example."""
    (N, G), C = mean.shape, means.shape[1]
    slabs, c = len(means) // N, C // G
    for place in range(part * N * G // parts, (part + 1) * N * G // parts):
        n, group = place // G, place % G
        channels = slice(group * c, (group + 1) * c)
        middle, square = 0.0, 0.0
        if centered:
            for slab in range(slabs):
                pixels = (slab + 1) * L // slabs - slab * L // slabs
                for value in means[n * slabs + slab, channels]:
                    middle += pixels * value
            middle /= c * L
        for slab in range(slabs):
            pixels = (slab + 1) * L // slabs - slab * L // slabs
            for value in means[n * slabs + slab, channels]:
                square += pixels * (value - middle) ** 2
            for value in squares[n * slabs + slab, channels]:
                square += value
        mean[n, group], invstd[n, group] = middle, 1 / math.sqrt(square / (c * L) + eps)


@compiled(f"{_ROWS}, {_VECTOR}, {_VECTOR}, f4[:,::1], f4[:,::1], i8, f4[:,::1]")
def _by_channels(thread, part, parts, x, weight, bias, means, invstds, slabs, out):
    (N, G), (M, C) = means.shape, x.shape
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        n = slab * N // slabs
        mean, invstd = _repeated(means[n], C // G), _repeated(invstds[n], C // G)
        _write(x, slab * M // slabs, (slab + 1) * M // slabs, weight, bias, mean, invstd, 0, out)


@compiled(f"{_ROWS}, {_ROWS}, {_PAIRS}, {_PAIRS}, f8[:,::1], f8[:,::1]")
def _sums(thread, part, parts, grad, x, means, invstds, sums, products):
    """Of each slab and each channel: Σ grad and Σ grad·x̂."""
    (N, G), (M, C), slabs, nothing = means.shape, x.shape, len(sums), np.empty(0, np.float32)
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        n, begin, end = slab * N // slabs, slab * M // slabs, (slab + 1) * M // slabs
        mean, invstd = _repeated(means[n], C // G), _repeated(invstds[n], C // G)
        _sums_back(grad, x, begin, end, nothing, nothing, mean, invstd, 0, sums[slab], products[slab])
        for k in range(C):
            products[slab, k] *= invstd[k]


@compiled(f"f8[:,::1], f8[:,::1], {_VECTOR}, {_PAIRS}, i8, b1, f4[:,::1], f4[:,::1]")
def _join_back(thread, part, parts, sums, products, weight, invstd, L, centered, share, slope):
    """Of each group: what the mean sends back, and what the variance does for each distance from the mean."""
    (N, G), C = share.shape, sums.shape[1]
    slabs, c = len(sums) // N, C // G
    for place in range(part * N * G // parts, (part + 1) * N * G // parts):
        n, group = place // G, place % G
        middle, along = 0.0, 0.0
        for slab in range(n * slabs, (n + 1) * slabs):
            for k in range(group * c, (group + 1) * c):
                w = weight[k] if len(weight) else np.float32(1)
                middle += sums[slab, k] * w
                along += products[slab, k] * w
        share[n, group] = middle / (c * L) if centered else 0
        slope[n, group] = along / (c * L) * invstd[n, group]


@compiled(f"{_ROWS}, {_ROWS}, {_VECTOR}, {_PAIRS}, {_PAIRS}, f4[:,::1], f4[:,::1], i8, f4[:,::1]", exact=True)
def _back_by_channels(thread, part, parts, grad, x, weight, means, invstds, shares, slopes, slabs, d_input):
    (N, G), (M, C) = means.shape, x.shape
    many = _many(M // slabs, C)
    K = many * C
    rows = np.empty((5, K), np.float32)
    weights, starts = _filled(weight, C, np.float32(1)), np.empty(5, np.intp)
    for k in range(5):
        starts[k] = rows[k].ctypes.data
    g, source, to = np.intp(grad.ctypes.data), np.intp(x.ctypes.data), np.intp(d_input.ctypes.data)
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        n = slab * N // slabs
        _tiled(weights, many, rows[2])
        _tiled(_repeated(means[n], C // G), many, rows[0])
        _tiled(_repeated(invstds[n], C // G), many, rows[1])
        _tiled(_repeated(shares[n], C // G), many, rows[3])
        _tiled(_repeated(slopes[n], C // G), many, rows[4])
        end = (slab + 1) * M // slabs * C
        for first in range(slab * M // slabs * C, end, K):
            here, count = first * 4, min(K, end - first)
            _send(g + here, source + here, starts[0], starts[1], starts[2], starts[3], starts[4], to + here, count)
