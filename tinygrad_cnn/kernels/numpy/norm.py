"""Batch normalization over pictures laid out as rows of a matrix.

In memory an image is one run of numbers, channels first or last. So the batch is a matrix (N, K) with
K = C·H·W, a value for each channel becomes a row (K,), and a sum over the batch is one over long rows, which is
quick; only then are the K sums gathered into C. Over the pieces of a big batch they are added in float64.

N batch, C channels, L pixels of one image (H·W, or L, or 1), K = C·L.
"""

from __future__ import annotations

import math

import numpy as np

from .. import in_numpy
from . import silent
from .chunks import pieces
from .sums import sum


@in_numpy
@silent
def batch_norm(
    input: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, eps: float, running: tuple | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) -> (N,C,...), (C,), (C,)"""
    layout = _Layout(input)
    x = layout.rows(input)
    mean = layout.mean(sum(x, (0,), False))
    mean_row, squares = layout.row(mean), np.zeros(x.shape[1])
    for images in pieces(len(x), x[:1].nbytes):
        centered = x[images] - mean_row
        squares += sum(np.square(centered, out=centered), (0,), False)
    var = layout.mean(squares)
    invstd = (1 / np.sqrt(var + eps)).astype(x.dtype)
    if running is not None and x.size:
        move(running, mean, var * (layout.count / max(layout.count - 1, 1)))
    scale_row = layout.row(invstd if weight is None else invstd * weight)
    out = np.empty_like(x)
    for images in pieces(len(x), x[:1].nbytes):
        here = np.subtract(x[images], mean_row, out=out[images])
        here *= scale_row
        if bias is not None:
            here += layout.row(bias)
    return layout.picture(out), mean, invstd


def move(running: tuple, mean: np.ndarray, var: np.ndarray) -> None:
    """Each statistic goes the part momentum of its way to what the batch says, in place."""
    running_mean, running_var, momentum = running
    running_mean += momentum * (mean - running_mean)
    running_var += momentum * (var - running_var)


@in_numpy
@silent
def batch_norm_eval(
    input: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, mean: np.ndarray, invstd: np.ndarray
) -> np.ndarray:
    """(input - mean)·invstd·weight + bias by statistics that are known        (N,C,...) 4 times (C,) -> (N,C,...)"""
    scale = invstd if weight is None else weight * invstd
    shift = -mean * scale
    along = (-1, *(1,) * (input.ndim - 2))
    out = input * scale.reshape(along)
    out += (shift if bias is None else bias + shift).reshape(along)
    return out


@in_numpy
@silent
def batch_norm_backward(
    grad: np.ndarray, input: np.ndarray, weight: np.ndarray | None, mean: np.ndarray, invstd: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """weight·invstd·(grad - ⟨grad⟩ - x̂·⟨grad·x̂⟩), Σ grad·x̂, Σ grad        (N,C,...) (N,C,...) -> (N,C,...), (C,), (C,)

    All sums go over the rows of the matrix, a piece at a time.
    """
    layout = _Layout(input)
    x, g = layout.rows(input), layout.rows(grad)
    mean_row, products = layout.row(mean), np.zeros(x.shape[1])
    for images in pieces(len(x), x[:1].nbytes):
        products += sum(g[images] * (x[images] - mean_row), (0,), False)
    grad_sums = sum(g, (0,), False)
    products = products.astype(x.dtype)
    d_weight, d_bias = layout.sum(products) * invstd, layout.sum(grad_sums)
    scale = invstd if weight is None else invstd * weight
    slope_row = layout.row(layout.mean(products) * invstd * invstd)
    scale_row, grad_mean_row = layout.row(scale), layout.row(layout.mean(grad_sums))
    d_input = np.empty_like(x)
    for images in pieces(len(x), x[:1].nbytes):
        here = np.subtract(mean_row, x[images], out=d_input[images])
        here *= slope_row
        here += g[images]
        here -= grad_mean_row
        here *= scale_row
    return layout.picture(d_input), d_weight, d_bias


@in_numpy
@silent
def channel_sums(input: np.ndarray) -> np.ndarray:
    """Σ input[n,c,...] over all but c        (N,C,...) -> (C,)"""
    layout = _Layout(input)
    return layout.sum(sum(layout.rows(input), (0,), False))


class _Layout:
    """How a batch (N, C, ...) lies in memory, and the way from there to the matrix (N, K) and back."""

    def __init__(self, input: np.ndarray):
        N, C, *pixels = input.shape
        self.shape, self.channels, self.pixels = input.shape, C, math.prod(pixels)
        self.count = max(1, N * self.pixels)
        self.channels_last = not input.flags.c_contiguous and np.moveaxis(input, 1, -1).flags.c_contiguous

    def rows(self, input: np.ndarray) -> np.ndarray:
        """(N, C, ...) -> (N, K), a view wherever the input lies in this order."""
        input = np.moveaxis(input, 1, -1) if self.channels_last else input
        return np.ascontiguousarray(input).reshape(len(input), self.channels * self.pixels)

    def picture(self, rows: np.ndarray) -> np.ndarray:
        """(N, K) -> (N, C, ...)"""
        N, C, *pixels = self.shape
        return np.moveaxis(rows.reshape(N, *pixels, C), -1, 1) if self.channels_last else rows.reshape(self.shape)

    def row(self, values: np.ndarray) -> np.ndarray:
        """(C,) -> (K,): the value of each channel, at all its pixels."""
        return np.tile(values, self.pixels) if self.channels_last else np.repeat(values, self.pixels)

    def sum(self, row: np.ndarray) -> np.ndarray:
        """(K,) -> (C,)"""
        C, L = self.channels, self.pixels
        return sum(row.reshape(L, C), (0,), False) if self.channels_last else sum(row.reshape(C, L), (1,), False)

    def mean(self, row: np.ndarray) -> np.ndarray:
        """(K,) -> (C,), over the whole batch."""
        return self.sum(row) / self.count
