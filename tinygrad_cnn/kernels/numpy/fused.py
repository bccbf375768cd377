"""Two kernels in one: what they mean is the one after the other. A faster version does both while data is in cache."""

from __future__ import annotations

import numpy as np

from .. import in_numpy
from .conv import conv2d
from .elementwise import relu, relu_mask
from .linear import linear
from .norm import batch_norm, batch_norm_backward

Pair = tuple[int, int]


@in_numpy
def conv2d_relu(
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """max(conv2d(input, weight) + bias, 0)        (N,C,H,W) (O,C/G,h,w) (O,) -> (N,O,P,Q)"""
    return relu(conv2d(input, weight, bias, stride, padding, dilation, groups))


@in_numpy
def linear_relu(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """max(input @ weight.T + bias, 0)        (..., I) (O, I) (O,) -> (..., O)"""
    return relu(linear(input, weight, bias))


@in_numpy
def batch_norm_relu(
    input: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, eps: float, running: tuple | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """max((input - mean) / √(var + eps) · weight + bias, 0)        (N,C,...) (C,) (C,) -> (N,C,...), (C,), (C,)"""
    out, mean, invstd = batch_norm(input, weight, bias, eps, running)
    return relu(out), mean, invstd


@in_numpy
def batch_norm_relu_backward(
    grad: np.ndarray,
    input: np.ndarray,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    mean: np.ndarray,
    invstd: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """batch_norm_backward(relu_mask(grad, batch_norm))        (N,C,...) ... -> (N,C,...), (C,), (C,)"""
    pixels = (-1, *(1,) * (input.ndim - 2))
    scale = invstd if weight is None else invstd * weight
    out = (input - mean.reshape(pixels)) * scale.reshape(pixels)
    if bias is not None:
        out += bias.reshape(pixels)
    return batch_norm_backward(relu_mask(grad, out), input, weight, mean, invstd)
