"""Batch normalization in two passes over memory, forward and back: one to sum, one to write.

A channels-last batch is a matrix with a row for each pixel and a column for each channel. Where channels are few,
several pixels are taken as one long row, which vector instructions like better; their sums are gathered at the end of
each block of rows.

Summing squares loses digits where the mean is large. So each block of rows is centered on the mean of what came before
it, the first one on its own, and blocks are joined by the rule of Chan, Golub and LeVeque (1979), in double precision.
The matrix is summed in slabs whose number depends on its shape alone, so the number of threads changes no result.

N batch, C channels, M pixels of all images.
"""

from __future__ import annotations

import math

import numpy as np
from numba.extending import register_jitable

from .. import faster
from .layout import dense
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import SPLIT, compiled

PER_NUMBER = 0.25  # nanoseconds
PER_SUM = 2  # nanoseconds, to join one with the others
LONG = 256  # numbers of a row that is made of several pixels
ROWS = 32  # of a block: they stay in the second-level cache, and their sums in float32 are short
SLABS, SLAB = 16, 8192  # at most so many slabs, and numbers of the smallest

_NOTHING = np.empty(0, np.float32)
_NOWHERE = _NOTHING, _NOTHING, 0.0


def _is_matrix(input: np.ndarray) -> bool:
    """A channels-last batch."""
    return input.size > 0 and _last(input).flags.c_contiguous


def _last(input: np.ndarray) -> np.ndarray:
    """(N,C), (N,C,L), (N,C,H,W) ... -> the same with C last"""
    return input.transpose(0, *range(2, input.ndim), 1)


def _rows(x: np.ndarray) -> np.ndarray:
    """(N,...,C) -> (M,C)"""
    return x.reshape(-1, x.shape[-1])


def _takes(input, weight, bias, eps, running=None):
    if not (readable(input, weight, bias) and _is_matrix(input)):
        return False
    return running is None or (readable(*running[:2]) and all(a.flags.writeable for a in running[:2]))


@faster(when=_takes, pure=True)
def batch_norm(input, weight, bias, eps, running=None):
    return _batch_norm(input, weight, bias, eps, running, relu=0)


@faster(when=_takes, pure=True)
def batch_norm_relu(input, weight, bias, eps, running=None):
    return _batch_norm(input, weight, bias, eps, running, relu=1)


def _batch_norm(input, weight, bias, eps, running, relu):
    x = _last(input)
    rows, out = _rows(x), memory.empty(x.shape)
    M, C = rows.shape
    mean, invstd = memory.empty((C,)), memory.empty((C,))
    running, work = running or _NOWHERE, rows.size * PER_NUMBER
    scale, to = (_vector(weight), _vector(bias), mean, invstd), _rows(out)
    if work < SPLIT:
        _all_of_it(0, rows, eps, *running, *scale, relu, to)
    else:
        means, squares = _sums_of_slabs(M, C)
        _moments(work, rows, means, squares)
        _join(means.size * PER_SUM, means, squares, M, eps, *running, mean, invstd)
        _normalize(work, rows, *scale, relu, to)
    return out.transpose(0, -1, *range(1, x.ndim - 1)), mean, invstd


def _takes_eval(input, weight, bias, mean, invstd):
    return readable(input, weight, bias, mean, invstd) and _is_matrix(input)


@faster(when=_takes_eval, pure=True)
def batch_norm_eval(input, weight, bias, mean, invstd):
    x = _last(input)
    rows, out = _rows(x), memory.empty(x.shape)
    _normalize(rows.size * PER_NUMBER, rows, _vector(weight), _vector(bias), mean, invstd, 0, _rows(out))
    return out.transpose(0, -1, *range(1, x.ndim - 1))


def _takes_back(*args):
    grad, input, *_ = args
    if not (readable(*args) and _is_matrix(input)):
        return False
    return input.ndim <= 4 or _is_matrix(grad)


@faster(when=_takes_back, pure=True)
def batch_norm_backward(grad, input, weight, mean, invstd):
    return _batch_norm_backward(grad, input, weight, None, mean, invstd, relu=0)


@faster(when=_takes_back, pure=True)
def batch_norm_relu_backward(grad, input, weight, bias, mean, invstd):
    return _batch_norm_backward(grad, input, weight, bias, mean, invstd, relu=1)


def _batch_norm_backward(grad, input, weight, bias, mean, invstd, relu):
    """With `relu`, the gradient counts where the result was not held at 0; that is computed again, not read."""
    x, g = _last(input), _last(grad)
    if not g.flags.c_contiguous:
        g = dense(g[(slice(None), *(None,) * (4 - g.ndim))])
    rows, g, d_input = _rows(x), _rows(g), memory.empty(x.shape)
    M, C = rows.shape
    d_weight, d_bias = memory.empty((C,)), memory.empty((C,))
    scale, work, to = (_vector(weight), _vector(bias), mean, invstd), rows.size * PER_NUMBER, _rows(d_input)
    if work < SPLIT:
        _all_of_it_back(0, g, rows, *scale, relu, d_weight, d_bias, to)
    else:
        sums, products = _sums_of_slabs(M, C)
        slope, grad_mean = memory.empty((C,)), memory.empty((C,))
        _sums(work, g, rows, *scale, relu, sums, products)
        _join_back(sums.size * PER_SUM, sums, products, M, invstd, d_weight, d_bias, slope, grad_mean)
        _send_back(work, g, rows, *scale, slope, grad_mean, relu, to)
    return d_input.transpose(0, -1, *range(1, x.ndim - 1)), d_weight, d_bias


def _takes_sums(input):
    return readable(input) and _is_matrix(input)


@faster(when=_takes_sums, pure=True)
def channel_sums(input):
    rows = _rows(_last(input))
    M, C = rows.shape
    out, work = memory.empty((C,)), rows.size * PER_NUMBER
    sums = memory.empty((_slabs(M, C), C), np.float64)
    if work < SPLIT:
        _column_sums_at_once(0, rows, sums, out)
    else:
        _column_sums(work, rows, sums)
        _join_sums(sums.size * PER_SUM, sums, out)
    return out


def _vector(values: np.ndarray | None) -> np.ndarray:
    return _NOTHING if values is None else values


def _sums_of_slabs(M: int, C: int) -> np.ndarray:
    """Room for two sums of each slab and channel."""
    return memory.empty((2, _slabs(M, C), C), np.float64)


@register_jitable
def _slabs(M, C):
    return max(1, min(SLABS, M, M * C // SLAB))


@register_jitable
def _many(M, C):
    """How many pixels make a long row."""
    return max(1, min(M, LONG // C))


@register_jitable
def _tiled(value, many, out):
    """(C,) -> (many·C,)"""
    C = len(value)
    for pixel in range(many):
        for c in range(C):
            out[pixel * C + c] = value[c]


@register_jitable
def _gathered(row, C, out):
    """(many·C,) float32 -> (C,) float64, added up"""
    out[:] = 0
    for first in range(0, len(row), C):
        for c in range(C):
            out[c] += row[first + c]


_ROWS, _VECTOR = "Array(f4, 2, 'C', readonly=True)", "Array(f4, 1, 'A', readonly=True)"
_SCALE = f"{_VECTOR}, {_VECTOR}, {_VECTOR}, {_VECTOR}, i8"  # weight, bias, mean, invstd; whether there is a ReLU
_MOVED = "Array(f4, 1, 'A'), Array(f4, 1, 'A'), f8"  # running mean and variance, momentum; arrays may be empty


# The moments of each channel.


@register_jitable
def _moments_of(x, begin, end, mean, square):
    """Of these pixels: the mean of each channel, and the sum of squared distances from it."""
    M, C = x.shape
    many = _many(M, C)
    flat, K = x.reshape(-1), many * C
    center, sums, squares = np.zeros(K, np.float32), np.empty(K, np.float32), np.empty(K, np.float32)
    block_sum, block_square, middle = np.empty(C), np.empty(C), np.empty(C, np.float32)
    mean[:] = 0
    square[:] = 0
    last = min(begin + many * ROWS, end)
    _add_up(flat[begin * C : last * C], center, sums, squares)
    _gathered(sums, C, mean)
    for c in range(C):
        mean[c] /= last - begin
    for first in range(begin, end, many * ROWS):
        for c in range(C):
            value = np.float32(mean[c])
            middle[c] = value if np.isfinite(value) else np.float32(0)
        _tiled(middle, many, center)
        last = min(first + many * ROWS, end)
        before, here = first - begin, last - first
        _add_up(flat[first * C : last * C], center, sums, squares)
        _gathered(sums, C, block_sum)
        _gathered(squares, C, block_square)
        share, part, weight = 1 / here, here / (before + here), before * here / (before + here)
        for c in range(C):
            own = middle[c] + block_sum[c] * share
            rest = block_square[c] - block_sum[c] * block_sum[c] * share
            apart = own - mean[c]
            square[c] += (0 if rest < 0 else rest) + (apart * apart * weight if before else 0)
            mean[c] = mean[c] * (1 - part) + own * part if before else own


@register_jitable
def _add_up(flat, center, sums, squares):
    """Σ (x - center) and Σ (x - center)² of each place in a long row."""
    K = len(center)
    sums[:] = 0
    squares[:] = 0
    for first in range(0, len(flat), K):
        row = flat[first : min(first + K, len(flat))]
        for k in range(len(row)):
            distance = row[k] - center[k]
            sums[k] += distance
            squares[k] += distance * distance


@register_jitable
def _joined(means, squares, M, eps, running_mean, running_var, momentum, mean, invstd, begin, end):
    slabs = len(means)
    for c in range(begin, end):
        middle = 0.0
        for slab in range(slabs):
            middle += ((slab + 1) * M // slabs - slab * M // slabs) * means[slab, c]
        middle /= M
        square = 0.0
        for slab in range(slabs):
            apart = means[slab, c] - middle
            square += squares[slab, c] + ((slab + 1) * M // slabs - slab * M // slabs) * apart * apart
        mean[c], invstd[c] = middle, 1 / math.sqrt(square / M + eps)
        if len(running_mean):
            running_mean[c] += momentum * (middle - running_mean[c])
            running_var[c] += momentum * (square / max(M - 1, 1) - running_var[c])


@compiled(f"{_ROWS}, f8[:,::1], f8[:,::1]")
def _moments(thread, part, parts, x, means, squares):
    M, slabs = len(x), len(means)
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        _moments_of(x, slab * M // slabs, (slab + 1) * M // slabs, means[slab], squares[slab])


@compiled(f"f8[:,::1], f8[:,::1], i8, f8, {_MOVED}, f4[::1], f4[::1]")
def _join(thread, part, parts, means, squares, M, eps, running_mean, running_var, momentum, mean, invstd):
    """The moments of all slabs; the running ones move towards them, the variance towards the unbiased one."""
    C, running = len(mean), (running_mean, running_var, momentum)
    _joined(means, squares, M, eps, *running, mean, invstd, part * C // parts, (part + 1) * C // parts)


# What becomes of each number.


@register_jitable
def _normalized(value, mean, scale, shift):
    """Forward and backward must agree to the last bit on what is positive."""
    return (value - mean) * scale + shift


@register_jitable
def _let_through(grad, value, mean, scale, shift):
    """The gradient, where the ReLU let the number through. It is read in any case: vectors cannot choose to."""
    return np.float32(0) if _normalized(value, mean, scale, shift) <= 0 else grad


@register_jitable
def _scales(weight, bias, mean, invstd, many):
    """Mean, scale and shift of each number in a long row."""
    C = len(mean)
    rows = np.empty((3, many * C), np.float32)
    for pixel in range(many):
        for c in range(C):
            k = pixel * C + c
            rows[0, k] = mean[c]
            rows[1, k] = invstd[c] * weight[c] if len(weight) else invstd[c]
            rows[2, k] = bias[c] if len(bias) else np.float32(0)
    return rows[0], rows[1], rows[2]  # known to be dense, which what an array is unpacked to is not


@register_jitable
def _write(x, begin, end, weight, bias, mean, invstd, relu, out):
    M, C = x.shape
    many = _many(M, C)
    center, scale, shift = _scales(weight, bias, mean, invstd, many)
    source, to = x.reshape(-1), out.reshape(-1)
    for first in range(begin * C, end * C, many * C):
        last = min(first + many * C, end * C)
        seen, made = source[first:last], to[first:last]
        if relu:
            for k in range(len(seen)):
                value = _normalized(seen[k], center[k], scale[k], shift[k])
                made[k] = np.float32(0) if value < 0 else value
        else:
            for k in range(len(seen)):
                made[k] = _normalized(seen[k], center[k], scale[k], shift[k])


@compiled(f"{_ROWS}, {_SCALE}, f4[:,::1]")
def _normalize(thread, part, parts, x, weight, bias, mean, invstd, relu, out):
    M = len(x)
    _write(x, part * M // parts, (part + 1) * M // parts, weight, bias, mean, invstd, relu, out)


@compiled(f"{_ROWS}, f8, {_MOVED}, {_VECTOR}, {_VECTOR}, f4[::1], f4[::1], i8, f4[:,::1]")
def _all_of_it(thread, part, parts, x, eps, running_mean, running_var, momentum, weight, bias, mean, invstd, relu, out):
    """A small batch in one go, on one thread."""
    (M, C), running = x.shape, (running_mean, running_var, momentum)
    slabs = _slabs(M, C)
    means, squares = np.empty((slabs, C)), np.empty((slabs, C))
    for slab in range(slabs):
        _moments_of(x, slab * M // slabs, (slab + 1) * M // slabs, means[slab], squares[slab])
    _joined(means, squares, M, eps, *running, mean, invstd, 0, C)
    _write(x, 0, M, weight, bias, mean, invstd, relu, out)


# The way back.


@register_jitable
def _sums_back(grad, x, begin, end, weight, bias, mean, invstd, relu, sums, products):
    """Of these pixels and each channel: Σ grad and Σ grad·(x - mean)."""
    M, C = x.shape
    many = _many(M, C)
    K = many * C
    center, scale, shift = _scales(weight, bias, mean, invstd, many)
    block_sum, block_product = np.empty(K, np.float32), np.empty(K, np.float32)
    gathered = np.empty(C)
    sums[:] = 0
    products[:] = 0
    g, source = grad.reshape(-1), x.reshape(-1)
    for begin_block in range(begin * C, end * C, K * ROWS):
        end_block = min(begin_block + K * ROWS, end * C)
        block_sum[:] = 0
        block_product[:] = 0
        for first in range(begin_block, end_block, K):
            last = min(first + K, end_block)
            here, row = g[first:last], source[first:last]
            if relu:
                for k in range(len(row)):
                    value = _let_through(here[k], row[k], center[k], scale[k], shift[k])
                    block_sum[k] += value
                    block_product[k] += value * (row[k] - center[k])
            else:
                for k in range(len(row)):
                    block_sum[k] += here[k]
                    block_product[k] += here[k] * (row[k] - center[k])
        _gathered(block_sum, C, gathered)
        for c in range(C):
            sums[c] += gathered[c]
        _gathered(block_product, C, gathered)
        for c in range(C):
            products[c] += gathered[c]


@register_jitable
def _joined_back(sums, products, M, invstd, d_weight, d_bias, slope, grad_mean, begin, end):
    for c in range(begin, end):
        total, product = 0.0, 0.0
        for slab in range(len(sums)):
            total += sums[slab, c]
            product += products[slab, c]
        std = np.float64(invstd[c])
        d_weight[c], d_bias[c] = product * std, total
        slope[c], grad_mean[c] = product / M * std * std, total / M


@register_jitable
def _write_back(grad, x, begin, end, weight, bias, mean, invstd, slope, grad_mean, relu, d_input):
    M, C = x.shape
    many = _many(M, C)
    center, scale, shift = _scales(weight, bias, mean, invstd, many)
    slopes, means = np.empty(many * C, np.float32), np.empty(many * C, np.float32)
    _tiled(slope, many, slopes)
    _tiled(grad_mean, many, means)
    g, source, to = grad.reshape(-1), x.reshape(-1), d_input.reshape(-1)
    for first in range(begin * C, end * C, many * C):
        last = min(first + many * C, end * C)
        here, row, made = g[first:last], source[first:last], to[first:last]
        if relu:
            for k in range(len(row)):
                value = _let_through(here[k], row[k], center[k], scale[k], shift[k])
                made[k] = (value - means[k] - (row[k] - center[k]) * slopes[k]) * scale[k]
        else:
            for k in range(len(row)):
                made[k] = (here[k] - means[k] - (row[k] - center[k]) * slopes[k]) * scale[k]


@compiled(f"{_ROWS}, {_ROWS}, {_SCALE}, f8[:,::1], f8[:,::1]")
def _sums(thread, part, parts, grad, x, weight, bias, mean, invstd, relu, sums, products):
    M, slabs, scale = len(x), len(sums), (weight, bias, mean, invstd)
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        begin, end = slab * M // slabs, (slab + 1) * M // slabs
        _sums_back(grad, x, begin, end, *scale, relu, sums[slab], products[slab])


@compiled(f"f8[:,::1], f8[:,::1], i8, {_VECTOR}, f4[::1], f4[::1], f4[::1], f4[::1]")
def _join_back(thread, part, parts, sums, products, M, invstd, d_weight, d_bias, slope, grad_mean):
    C, made = len(d_bias), (d_weight, d_bias, slope, grad_mean)
    _joined_back(sums, products, M, invstd, *made, part * C // parts, (part + 1) * C // parts)


@compiled(f"{_ROWS}, {_ROWS}, {_VECTOR}, {_VECTOR}, {_VECTOR}, {_VECTOR}, {_VECTOR}, {_VECTOR}, i8, f4[:,::1]")
def _send_back(thread, part, parts, grad, x, weight, bias, mean, invstd, slope, grad_mean, relu, d_input):
    M, vectors = len(x), (weight, bias, mean, invstd, slope, grad_mean)
    _write_back(grad, x, part * M // parts, (part + 1) * M // parts, *vectors, relu, d_input)


@compiled(f"{_ROWS}, {_ROWS}, {_SCALE}, f4[::1], f4[::1], f4[:,::1]")
def _all_of_it_back(thread, part, parts, grad, x, weight, bias, mean, invstd, relu, d_weight, d_bias, d_input):
    """A small batch in one go, on one thread."""
    (M, C), scale = x.shape, (weight, bias, mean, invstd)
    slabs = _slabs(M, C)
    sums, products = np.empty((slabs, C)), np.empty((slabs, C))
    slope, grad_mean = np.empty(C, np.float32), np.empty(C, np.float32)
    for slab in range(slabs):
        begin, end = slab * M // slabs, (slab + 1) * M // slabs
        _sums_back(grad, x, begin, end, *scale, relu, sums[slab], products[slab])
    _joined_back(sums, products, M, invstd, d_weight, d_bias, slope, grad_mean, 0, C)
    _write_back(grad, x, 0, M, *scale, slope, grad_mean, relu, d_input)


# Sums alone.


@register_jitable
def _column_sums_of(x, sums, begin_slab, end_slab):
    """Of each slab of pixels and each channel: Σ x."""
    (M, C), slabs = x.shape, len(sums)
    K, flat = _many(M, C) * C, x.reshape(-1)
    block, gathered = np.empty(K, np.float32), np.empty(C)
    for slab in range(begin_slab, end_slab):
        sums[slab] = 0
        end = (slab + 1) * M // slabs * C
        for begin_block in range(slab * M // slabs * C, end, K * ROWS):
            end_block = min(begin_block + K * ROWS, end)
            block[:] = 0
            for first in range(begin_block, end_block, K):
                row = flat[first : min(first + K, end_block)]
                for k in range(len(row)):
                    block[k] += row[k]
            _gathered(block, C, gathered)
            for c in range(C):
                sums[slab, c] += gathered[c]


@register_jitable
def _joined_sums(sums, out, begin, end):
    for c in range(begin, end):
        total = 0.0
        for slab in range(len(sums)):
            total += sums[slab, c]
        out[c] = total


@compiled(f"{_ROWS}, f8[:,::1]")
def _column_sums(thread, part, parts, x, sums):
    slabs = len(sums)
    _column_sums_of(x, sums, part * slabs // parts, (part + 1) * slabs // parts)


@compiled("f8[:,::1], f4[::1]")
def _join_sums(thread, part, parts, sums, out):
    C = len(out)
    _joined_sums(sums, out, part * C // parts, (part + 1) * C // parts)


@compiled(f"{_ROWS}, f8[:,::1], f4[::1]")
def _column_sums_at_once(thread, part, parts, x, sums, out):
    """Of few numbers, on one thread."""
    _column_sums_of(x, sums, 0, len(sums))
    _joined_sums(sums, out, 0, len(out))
