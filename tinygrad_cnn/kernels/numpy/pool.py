"""Pooling, one place of the window at a time.

A window of h·w places is h·w shifted pictures laid over each other: for each place, `_overlaps` says
which outputs see the input there, and which input elements they see. What lies outside the input is in
no overlap, so neither padding nor the ragged last window of ceil_mode needs a case of its own.

N batch, C channels, H W input, P Q output, h w window.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ...arrays.kept import kept
from .. import in_numpy
from . import silent
from .chunks import pieces
from .elementwise import keep

Pair = tuple[int, int]
MANY = 64  # places of a window


@in_numpy
@silent
def max_pool2d(
    input: np.ndarray, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair
) -> tuple[np.ndarray, np.ndarray]:
    """max of input[n,c,ps+i,qs+j] over i,j, and which place it was        (N,C,H,W) -> (N,C,P,Q), (N,C,P,Q)"""
    out = _empty_pooled(input, output_size, input.dtype)
    choice = _empty_pooled(input, output_size, np.uint8 if kernel_size[0] * kernel_size[1] <= 256 else np.int32)
    out[...] = -np.inf
    choice[...] = _first_places(kernel_size, stride, padding, dilation, output_size)
    for images in pieces(len(input), input[:1].nbytes):
        _choose(input[images], out[images], choice[images], kernel_size, stride, padding, dilation)
    return out, choice


def _choose(
    input: np.ndarray,
    best: np.ndarray,
    choice: np.ndarray,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> None:
    """Write into best and choice what each window holds that is greater than what they hold."""
    places = _overlaps(input.shape[2:], kernel_size, stride, padding, dilation, best.shape[2:])
    for place, outputs, inputs in places:
        seen = input[inputs].copy(order="K")  # close together, for the two lines that read it
        better = seen > best[outputs]
        np.maximum(best[outputs], seen, out=best[outputs])  # of a number and NaN this is NaN
        np.maximum(choice[outputs], better * choice.dtype.type(place), out=choice[outputs])  # places only grow
    if np.isnan(best).any():
        for place, outputs, inputs in places:
            choice[outputs][np.isnan(input[inputs])] = place


@in_numpy
@silent
def max_pool2d_place(
    grad: np.ndarray,
    choice: np.ndarray,
    input_shape: tuple[int, ...],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> np.ndarray:
    """Add each grad[n,c,p,q] at the place its window chose        (N,C,P,Q) (N,C,P,Q) -> (N,C,H,W)"""
    out = _zeros_unpooled(choice, input_shape, _wide(grad.dtype, kernel_size))
    places = _overlaps(input_shape[2:], kernel_size, stride, padding, dilation, grad.shape[2:])
    for images in pieces(len(out), out[:1].nbytes):
        here, chosen = np.empty_like(choice[images], grad.dtype), choice[images]
        here[...] = grad[images]  # which a layer behind may have laid out otherwise
        for place, outputs, inputs in places:
            out[images][inputs] += keep(here[outputs], chosen[outputs] == place)
    return out.astype(grad.dtype, copy=False)


@in_numpy
@silent
def max_pool2d_pick(
    input: np.ndarray, choice: np.ndarray, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> np.ndarray:
    """Read the input where each window chose        (N,C,H,W) (N,C,P,Q) -> (N,C,P,Q)"""
    out = _empty_pooled(input, choice.shape[2:], input.dtype)
    out[...] = 0
    for place, outputs, inputs in _overlaps(input.shape[2:], kernel_size, stride, padding, dilation, choice.shape[2:]):
        out[outputs] += keep(input[inputs], choice[outputs] == place)
    return out


@in_numpy
@silent
def sum_pool2d(input: np.ndarray, kernel_size: Pair, stride: Pair, padding: Pair, output_size: Pair) -> np.ndarray:
    """Σ input[n,c,ps+i,qs+j] over i,j        (N,C,H,W) -> (N,C,P,Q)"""
    out = _empty_pooled(input, output_size, _wide(input.dtype, kernel_size))
    out[...] = 0
    for _, outputs, inputs in _overlaps(input.shape[2:], kernel_size, stride, padding, (1, 1), output_size):
        out[outputs] += input[inputs]
    return out.astype(input.dtype, copy=False)


@in_numpy
@silent
def sum_pool2d_spread(
    grad: np.ndarray, input_shape: tuple[int, ...], kernel_size: Pair, stride: Pair, padding: Pair
) -> np.ndarray:
    """Add each grad[n,c,p,q] at every place of its window, the adjoint of sum_pool2d        (N,C,P,Q) -> (N,C,H,W)"""
    out = _zeros_unpooled(grad, input_shape, _wide(grad.dtype, kernel_size))
    for _, outputs, inputs in _overlaps(input_shape[2:], kernel_size, stride, padding, (1, 1), grad.shape[2:]):
        out[inputs] += grad[outputs]
    return out.astype(grad.dtype, copy=False)


@lru_cache  # every step of a training asks the same again
def _overlaps(
    input_size: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair
) -> list[tuple[int, tuple, tuple]]:
    """For each place i·w+j of a window: the outputs that have it inside the input, and the inputs they see there."""
    (h, w), (P, Q), (H, W) = kernel_size, output_size, input_size
    places = []
    for i in range(h):
        p, y = _meeting(i * dilation[0] - padding[0], stride[0], P, H)
        for j in range(w):
            q, x = _meeting(j * dilation[1] - padding[1], stride[1], Q, W)
            places.append((i * w + j, (..., p, q), (..., y, x)))
    return places


def _meeting(offset: int, stride: int, outputs: int, inputs: int) -> tuple[slice, slice]:
    """Along one axis: the outputs p with 0 <= p·stride + offset < inputs, and these inputs.

    >>> _meeting(-1, 2, 4, 6)  # outputs 0..3 see inputs -1, 1, 3, 5
    (slice(1, 4, None), slice(1, 6, 2))
    """
    first = max(0, -(offset // stride))
    last = max(first, min(outputs, -((offset - inputs) // stride)))
    start, end = first * stride + offset, (last - 1) * stride + offset + 1
    return slice(first, last), slice(start, max(start, end), stride)


@kept
def _first_places(kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair) -> np.ndarray:
    """The first place of each window that is inside the input: the choice where all are -inf        (P,Q)"""
    i, j = (
        np.maximum(0, -((np.arange(size) * s - pad) // d))
        for size, s, pad, d in zip(output_size, stride, padding, dilation, strict=True)
    )
    return i[:, None] * kernel_size[1] + j


def _wide(dtype: np.dtype, kernel_size: Pair) -> np.dtype:
    """What to add up in: a window of many places is a long sum, which takes them one by one."""
    return np.result_type(dtype, np.float64) if math.prod(kernel_size) > MANY else dtype


def _empty_pooled(input: np.ndarray, output_size: Pair, dtype: np.dtype | type) -> np.ndarray:
    """An array (N,C,P,Q) in the input's memory order."""
    N, C, _, _ = input.shape
    if input.flags.c_contiguous:
        return np.empty((N, C, *output_size), dtype)
    return np.empty((N, *output_size, C), dtype).transpose(0, 3, 1, 2)


def _zeros_unpooled(pooled: np.ndarray, input_shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Zeros (N,C,H,W) in the memory order of what was pooled."""
    N, C, H, W = input_shape
    if pooled.flags.c_contiguous:
        return np.zeros((N, C, H, W), dtype)
    return np.zeros((N, H, W, C), dtype).transpose(0, 3, 1, 2)
