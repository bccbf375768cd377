"""Batch normalization in two passes over memory, forward and back: one to sum, one to write.

A channels-last batch is a matrix with a row for each pixel and a column for each channel. A picture's row of W
pixels is one long row of W·C columns, which vector instructions like better than C short ones; the W sums of
each channel are gathered at the end.

Summing squares loses digits where the mean is large, so each block of rows is centered on its own mean while it
is in the cache, and blocks are joined by the rule of Chan, Golub and LeVeque (1979), in double precision.

N batch, C channels, M rows, K columns of the matrix.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from .. import faster, kernel
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import compiled

BIG = 8192  # numbers; NumPy does fewer as fast
PER_NUMBER = 0.25  # nanoseconds
LONG = 256  # numbers of a row that is made of several pixels
BLOCK, ROWS = 16_384, 32  # numbers and rows of a block: they stay in the second-level cache, and the sums are short


def _is_matrix(input: np.ndarray, least: int = BIG) -> bool:
    """A channels-last batch, big enough."""
    return input.size >= least and _last(input).flags.c_contiguous


def _last(input: np.ndarray) -> np.ndarray:
    """(N,C), (N,C,L), (N,C,H,W) ... -> the same with C last"""
    return input.transpose(0, *range(2, input.ndim), 1)


def _takes(input, weight, bias, eps):
    return readable(input, weight, bias) and _is_matrix(input)


@faster(when=_takes)
def batch_norm(input, weight, bias, eps):
    return _batch_norm(input, weight, bias, eps, relu=0)


@faster(when=_takes)
def batch_norm_relu(input, weight, bias, eps):
    return _batch_norm(input, weight, bias, eps, relu=1)


def _batch_norm(input, weight, bias, eps, relu):
    x, columns = _matrix(input)
    C = input.shape[1]
    count = input.size // C
    slabs = _slabs(x)
    counts, means, squares = np.zeros(slabs), np.zeros((slabs, x.shape[1])), np.zeros((slabs, x.shape[1]))
    _moments(x.size * PER_NUMBER, x, counts, means, squares)
    means, squares, counts = means.reshape(-1, C), squares.reshape(-1, C), np.repeat(counts, columns)[:, None]
    mean = (counts * means).sum(0) / count
    variance = (squares + counts * (means - mean) ** 2).sum(0) / count
    mean, invstd = mean.astype(np.float32), (1 / np.sqrt(variance + eps)).astype(np.float32)
    scale = invstd if weight is None else invstd * weight
    shift = np.zeros(C, np.float32) if bias is None else bias
    out = memory.empty(x.shape)
    rows = (np.tile(row, columns) for row in (mean, scale, shift))
    _normalize(x.size * PER_NUMBER, x, *rows, relu, out)
    return _picture(out, input), mean, invstd


def _takes_eval(input, weight, bias, mean, invstd):
    vectors = [v for v in (weight, bias, mean, invstd) if v is not None]
    return readable(input, *vectors) and _is_matrix(input) and all(v.flags.c_contiguous for v in vectors)


@faster(when=_takes_eval, pure=True)
def batch_norm_eval(input, weight, bias, mean, invstd):
    x = _last(input)
    out = memory.empty(x.shape)
    vectors = (_NOTHING if v is None else v for v in (weight, bias, mean, invstd))
    _normalize_by(x.size * PER_NUMBER, x.reshape(-1, x.shape[-1]), *vectors, out.reshape(-1, x.shape[-1]))
    return np.moveaxis(out, -1, 1)


_NOTHING = np.empty(0, np.float32)


def _takes_back(*args):
    return readable(*args) and _is_matrix(args[1])


@faster(when=_takes_back)
def batch_norm_backward(grad, input, weight, mean, invstd):
    return _batch_norm_backward(grad, input, weight, None, mean, invstd, relu=0)


@faster(when=_takes_back)
def batch_norm_relu_backward(grad, input, weight, bias, mean, invstd):
    return _batch_norm_backward(grad, input, weight, bias, mean, invstd, relu=1)


def _batch_norm_backward(grad, input, weight, bias, mean, invstd, relu):
    """With `relu`, the gradient counts where the result was not held at 0; that is computed again, not read."""
    x, columns = _matrix(input)
    g = kernel.contiguous(_last(grad)).reshape(x.shape)
    C = input.shape[1]
    count = input.size // C
    scale = invstd if weight is None else invstd * weight
    shift = np.zeros(C, np.float32) if bias is None else bias
    mean_row, scale_row, shift_row = (np.tile(row, columns) for row in (mean, scale, shift))
    sums, products = np.zeros((2, _slabs(x), x.shape[1]))
    _sums(x.size * PER_NUMBER, g, x, mean_row, scale_row, shift_row, relu, sums, products)
    sums, products = sums.reshape(-1, C).sum(0), products.reshape(-1, C).sum(0)
    slope, grad_mean = (products / count * invstd * invstd).astype(np.float32), (sums / count).astype(np.float32)
    d_input = memory.empty(x.shape)
    rows = mean_row, scale_row, shift_row, np.tile(slope, columns), np.tile(grad_mean, columns)
    _send_back(x.size * PER_NUMBER, g, x, *rows, relu, d_input)
    return _picture(d_input, input), (products * invstd).astype(np.float32), sums.astype(np.float32)


def _takes_sums(input):
    return readable(input) and _is_matrix(input, least=1)


@faster(when=_takes_sums)
def channel_sums(input):
    x, _ = _matrix(input)
    sums = np.zeros((_slabs(x), x.shape[1]))
    _column_sums(x.size * PER_NUMBER, x, sums)
    return np.add.reduce(sums.reshape(-1, input.shape[1])).astype(np.float32)


def _matrix(input: np.ndarray) -> tuple[np.ndarray, int]:
    """The batch as a matrix, and how many pixels make a row of it."""
    columns = input.shape[3] if input.ndim == 4 else 1
    return _last(input).reshape(-1, columns * input.shape[1]), columns


def _picture(rows: np.ndarray, like: np.ndarray) -> np.ndarray:
    N, C, *pixels = like.shape
    return np.moveaxis(rows.reshape(N, *pixels, C), -1, 1)


def _slabs(x: np.ndarray) -> int:
    """The matrix is summed in so many slabs, whatever the number of threads: the result does not depend on that."""
    return max(1, min(16, len(x), x.size // BIG))


_ROWS, _ROW = "Array(f4, 2, 'C', readonly=True)", "Array(f4, 1, 'C', readonly=True)"


@compiled(f"{_ROWS}, f8[::1], f8[:,::1], f8[:,::1]")
def _moments(thread, part, parts, x, counts, means, squares):
    """Of each slab of rows: its number of rows, the mean of each column, and the sum of squared distances from it."""
    M, K = x.shape
    slabs, step = len(counts), max(1, min(ROWS, BLOCK // K))
    block_mean, block_squares = np.empty(K, np.float32), np.empty(K, np.float32)
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        mean, square = means[slab], squares[slab]
        begin, end = slab * M // slabs, (slab + 1) * M // slabs
        for first in range(begin, end, step):
            last = min(first + step, end)
            here, before = last - first, first - begin
            block_mean[:] = 0
            block_squares[:] = 0
            for m in range(first, last):
                row = x[m]
                for k in range(K):
                    block_mean[k] += row[k]
            share = np.float32(1 / here)
            for k in range(K):
                block_mean[k] *= share
            for m in range(first, last):
                row = x[m]
                for k in range(K):
                    distance = row[k] - block_mean[k]
                    block_squares[k] += distance * distance
            for k in range(K):
                distance = block_mean[k] - mean[k]
                square[k] += block_squares[k] + distance * distance * before * here / (before + here)
                mean[k] += distance * here / (before + here)
        counts[slab] = end - begin


@compiled(f"{_ROWS}, f8[:,::1]")
def _column_sums(thread, part, parts, x, sums):
    """Of each slab of rows and each column: Σ x."""
    M, K = x.shape
    slabs, step = len(sums), max(1, min(ROWS, BLOCK // K))
    block_sum = np.empty(K, np.float32)
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        end = (slab + 1) * M // slabs
        for first in range(slab * M // slabs, end, step):
            block_sum[:] = 0
            for m in range(first, min(first + step, end)):
                row = x[m]
                for k in range(K):
                    block_sum[k] += row[k]
            for k in range(K):
                sums[slab, k] += block_sum[k]


@register_jitable
def _normalized(value, mean, scale, shift):
    """Forward and backward must agree to the last bit on what is positive."""
    return (value - mean) * scale + shift


@compiled(f"{_ROWS}, {_ROW}, {_ROW}, {_ROW}, i8, f4[:,::1]")
def _normalize(thread, part, parts, x, mean, scale, shift, relu, out):
    M, K = x.shape
    for m in range(part * M // parts, (part + 1) * M // parts):
        row, to = x[m], out[m]
        if relu:
            for k in range(K):
                value = _normalized(row[k], mean[k], scale[k], shift[k])
                to[k] = np.float32(0) if value < 0 else value
        else:
            for k in range(K):
                to[k] = _normalized(row[k], mean[k], scale[k], shift[k])


@compiled(f"{_ROWS}, {_ROW}, {_ROW}, {_ROW}, {_ROW}, f4[:,::1]")
def _normalize_by(thread, part, parts, x, weight, bias, mean, invstd, out):
    """Several pixels make a row, so that rows are long; weight and bias may have no numbers."""
    M, C = x.shape
    many = max(1, min(M, LONG // C))
    rows = np.empty((3, many, C), np.float32)
    for pixel in range(many):
        for c in range(C):
            rows[0, pixel, c] = mean[c]
            rows[1, pixel, c] = invstd[c] * weight[c] if len(weight) else invstd[c]
            rows[2, pixel, c] = bias[c] if len(bias) else 0
    center, scale, shift = rows.reshape(3, many * C)
    end = (part + 1) * M // parts * C
    source, to = x.reshape(-1), out.reshape(-1)
    for first in range(part * M // parts * C, end, many * C):
        seen, made = source[first : min(first + many * C, end)], to[first : min(first + many * C, end)]
        for k in range(len(seen)):
            made[k] = _normalized(seen[k], center[k], scale[k], shift[k])


@compiled(f"{_ROWS}, {_ROWS}, {_ROW}, {_ROW}, {_ROW}, i8, f8[:,::1], f8[:,::1]")
def _sums(thread, part, parts, grad, x, mean, scale, shift, relu, sums, products):
    """Of each slab of rows and each column: Σ grad and Σ grad·(x - mean)."""
    M, K = x.shape
    slabs, step = len(sums), max(1, min(ROWS, BLOCK // K))
    block_sum, block_product = np.empty(K, np.float32), np.empty(K, np.float32)
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        end = (slab + 1) * M // slabs
        for first in range(slab * M // slabs, end, step):
            block_sum[:] = 0
            block_product[:] = 0
            for m in range(first, min(first + step, end)):
                g, row = grad[m], x[m]
                if relu:
                    for k in range(K):
                        value = np.float32(0) if _normalized(row[k], mean[k], scale[k], shift[k]) <= 0 else g[k]
                        block_sum[k] += value
                        block_product[k] += value * (row[k] - mean[k])
                else:
                    for k in range(K):
                        block_sum[k] += g[k]
                        block_product[k] += g[k] * (row[k] - mean[k])
            for k in range(K):
                sums[slab, k] += block_sum[k]
                products[slab, k] += block_product[k]


@compiled(f"{_ROWS}, {_ROWS}, {_ROW}, {_ROW}, {_ROW}, {_ROW}, {_ROW}, i8, f4[:,::1]")
def _send_back(thread, part, parts, grad, x, mean, scale, shift, slope, grad_mean, relu, d_input):
    M, K = x.shape
    for m in range(part * M // parts, (part + 1) * M // parts):
        g, row, to = grad[m], x[m], d_input[m]
        if relu:
            for k in range(K):
                value = np.float32(0) if _normalized(row[k], mean[k], scale[k], shift[k]) <= 0 else g[k]
                to[k] = (value - grad_mean[k] - (row[k] - mean[k]) * slope[k]) * scale[k]
        else:
            for k in range(K):
                to[k] = (g[k] - grad_mean[k] - (row[k] - mean[k]) * slope[k]) * scale[k]
