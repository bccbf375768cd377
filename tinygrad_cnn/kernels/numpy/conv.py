"""Convolution as a matrix product (im2col), a few images at a time.

Every window of the input becomes one row of a matrix, every filter one column of another; their product
is the convolution. The weight's derivative is a product with the same matrix, transposed; the input's goes
back place by place of the window, where the columns came from.
Inside, images are channels-last (N, H, W, C): a row of a window is then one run of contiguous numbers.

N batch, C input channels, O output channels, G groups, c = C/G, H W input, P Q output, h w window;
n and p are the images and the output rows of one piece.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...arrays.windows import fitting
from .. import in_numpy
from . import silent
from .chunks import PRODUCT, piece_length, pieces

Pair = tuple[int, int]
FEW = 1 << 24  # multiplications; one core has done them, in small pieces, before several have met


@in_numpy
@silent
def conv2d(
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """Σ input[n,c,ps+i,qs+j]·weight[o,c,i,j] + bias[o]        (N,C,H,W) (O,C/G,h,w) (O,) -> (N,O,P,Q)"""
    N, _, H, W = input.shape
    O, _, h, w = weight.shape
    P, Q = map(fitting, (H, W), (h, w), stride, padding, dilation)
    out = np.empty((N, P, Q, groups, O // groups), input.dtype)
    filters = _filter_columns(weight, groups)
    for images, rows, columns in _im2col(input, O, (h, w), (P, Q), stride, padding, dilation, groups):
        here = out[images, rows]
        np.matmul(columns, filters, out=_by_group(here))
        if bias is not None:
            lines = here.reshape(-1, Q * O)  # of all channels of a line's pixels: a sum is quick on long rows
            lines += np.tile(bias, Q)
    return out.reshape(N, P, Q, O).transpose(0, 3, 1, 2)


@in_numpy
@silent
def conv2d_weight(
    grad: np.ndarray,
    input: np.ndarray,
    weight_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """Σ grad[n,o,p,q]·input[n,c,ps+i,qs+j]        (N,O,P,Q) (N,C,H,W) -> (O,C/G,h,w)

    The transposed columns times the gradient, added up over the pieces.
    """
    O, c, h, w = weight_shape
    _, _, P, Q = grad.shape
    grad = grad.transpose(0, 2, 3, 1)
    total = np.zeros((groups, h * w * c, O // groups))  # in float64, for there may be many pieces
    for images, rows, columns in _im2col(input, O, (h, w), (P, Q), stride, padding, dilation, groups):
        here = np.ascontiguousarray(grad[images, rows])
        total += columns.transpose(0, 2, 1) @ _by_group(here.reshape(*here.shape[:3], groups, -1))
    total = total.reshape(groups, h, w, c, -1).transpose(0, 4, 3, 1, 2)
    return np.ascontiguousarray(total, grad.dtype).reshape(weight_shape)


@in_numpy
@silent
def conv2d_input(
    grad: np.ndarray,
    weight: np.ndarray,
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """Σ grad[n,o,p,q]·weight[o,c,i,j] at [n,c,ps+i,qs+j]        (N,O,P,Q) (O,C/G,h,w) -> (N,C,H,W)

    Read as it stands: for every place i,j of the window one product, added where the windows have that place. At
    stride 1 it is also a convolution, with the filters turned by 180 degrees. The first adds h·w·C numbers for a
    pixel, the second copies h·w·O of them; what is less is done.
    """
    _, C, H, W = input_shape
    O, c, h, w = weight.shape
    _, _, P, Q = grad.shape
    around = tuple(d * (k - 1) - pad for d, k, pad in zip(dilation, (h, w), padding, strict=True))
    is_full = min(around) >= 0 and (P + around[0], Q + around[1]) == (H + padding[0], W + padding[1])
    if O <= C and stride == (1, 1) and is_full:
        turned = weight[:, :, ::-1, ::-1].reshape(groups, O // groups, c, h, w)
        turned = turned.transpose(0, 2, 1, 3, 4).reshape(C, O // groups, h, w)
        return conv2d(grad, turned, None, (1, 1), around, dilation, groups)
    return _spread(grad, weight, input_shape, stride, padding, dilation, groups)


def _im2col(
    input: np.ndarray,
    filters: int,
    window: Pair,
    output: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """The windows of the input as rows of a matrix, piece by piece: images, output rows, (G, n·p·Q, h·w·C/G).

    Several whole images make a piece, or else some rows of one image. The matrix is valid until the next one comes.
    """
    N, C, H, W = input.shape
    (h, w), (P, Q), (H_pad, W_pad), c = window, output, padding, C // groups
    row_bytes = Q * h * w * C * input.itemsize
    few = N * P * Q * h * w * c * filters < FEW
    piece = PRODUCT // 16 if few else PRODUCT
    n, p = piece_length(N, P * row_bytes, piece), piece_length(P, row_bytes, piece)
    x = input.transpose(0, 2, 3, 1).reshape(N, H, W, groups, c).transpose(3, 0, 1, 2, 4)  # (G, N, H, W, c), a view

    # Copies go fast along the longer of two runs: a window's row (w·c numbers), or with few channels an output row (Q).
    planar = w * c < Q
    padded_order, columns_order = ((0, 4, 1, 2, 3), (0, 4, 5, 6, 1, 2, 3)) if planar else (range(5), range(7))
    ready = padding == (0, 0) and x.flags.c_contiguous and (c == 1 or not planar)
    if not ready:
        padded = np.zeros(groups * n * (H + 2 * H_pad) * (W + 2 * W_pad) * c, input.dtype)
        padded = _ordered(padded, (groups, n, H + 2 * H_pad, W + 2 * W_pad, c), padded_order)
    buffer = np.empty(n * p * Q * h * w * C, input.dtype)
    for start in range(0, N, n):
        images = slice(start, min(start + n, N))
        if ready:
            here = x[:, images]
        else:
            here = padded[:, : images.stop - start]
            here[:, :, H_pad : H_pad + H, W_pad : W_pad + W] = x[:, images]
        windows = _windows(here, window, output, stride, dilation)
        for top in range(0, P, p):
            rows = slice(top, min(top + p, P))
            seen = columns = windows[:, :, rows]
            if not seen.flags.c_contiguous:  # as the windows of a 1x1 convolution may be
                columns = _ordered(buffer, seen.shape, columns_order)
                np.copyto(columns, seen)
            yield images, rows, columns.reshape(groups, -1, h * w * c)


def _windows(x: np.ndarray, window: Pair, output: Pair, stride: Pair, dilation: Pair) -> np.ndarray:
    """A view of every window, nothing copied        (G,N,H,W,c) -> (G,N,P,Q,h,w,c)"""
    G, N, _, _, c = x.shape
    group, image, row, column, channel = x.strides
    (h, w), (P, Q), (H_step, W_step), (H_far, W_far) = window, output, stride, dilation
    strides = (group, image, H_step * row, W_step * column, H_far * row, W_far * column, channel)
    return as_strided(x, (G, N, P, Q, h, w, c), strides)


def _ordered(buffer: np.ndarray, shape: tuple[int, ...], order: Sequence[int]) -> np.ndarray:
    """The head of a flat buffer as an array of this shape whose axes lie in memory in this order."""
    array = buffer[: math.prod(shape)].reshape([shape[axis] for axis in order])
    return array.transpose(np.argsort(order))


def _spread(
    grad: np.ndarray,
    weight: np.ndarray,
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """Add grad @ weight[:,:,i,j] to the inputs that place i,j of the windows saw        (N,O,P,Q) -> (N,C,H,W)"""
    N, C, H, W = input_shape
    O, c, h, w = weight.shape
    _, _, P, Q = grad.shape
    (H_step, W_step), (H_pad, W_pad), (H_far, W_far) = stride, padding, dilation
    filters = weight.reshape(groups, O // groups, c, h, w)
    grad = grad.transpose(0, 2, 3, 1)
    out = np.empty((N, H, W, C), grad.dtype)
    for images in pieces(N, H * W * C * grad.itemsize):
        here = np.ascontiguousarray(grad[images])
        pixels = _by_group(here.reshape(-1, P, Q, groups, O // groups))  # (G, n·P·Q, O/G)
        padded = np.zeros((len(here), H + 2 * H_pad, W + 2 * W_pad, groups, c), grad.dtype)
        for i in range(h):
            for j in range(w):
                top, left = i * H_far, j * W_far
                seen = padded[:, top : top + H_step * P : H_step, left : left + W_step * Q : W_step]
                share = pixels @ np.ascontiguousarray(filters[:, :, :, i, j])  # (G, n·P·Q, C/G)
                seen += share.transpose(1, 0, 2).reshape(seen.shape)
        out[images] = padded[:, H_pad : H_pad + H, W_pad : W_pad + W].reshape(-1, H, W, C)
    return out.transpose(0, 3, 1, 2)


def _filter_columns(weight: np.ndarray, groups: int) -> np.ndarray:
    """Every filter as a column of its group's matrix        (O,C/G,h,w) -> (G, h·w·C/G, O/G)"""
    O, c, h, w = weight.shape
    by_place = weight.reshape(groups, O // groups, c, h, w).transpose(0, 3, 4, 2, 1)
    return by_place.reshape(groups, h * w * c, O // groups)


def _by_group(pixels: np.ndarray) -> np.ndarray:
    """A view with one matrix for each group        (n,p,Q,G,k) contiguous -> (G, n·p·Q, k)"""
    *_, groups, k = pixels.shape
    return pixels.reshape(-1, groups, k).transpose(1, 0, 2)
