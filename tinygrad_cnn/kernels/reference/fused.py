"""Two kernels in one: what they mean is the one after the other. A faster version does both while data is in cache."""

from __future__ import annotations

import numpy as np

from .. import reference
from .conv import conv2d
from .elementwise import relu, relu_mask
from .linear import linear
from .norm import batch_norm, batch_norm_backward

Pair = tuple[int, int]


@reference
def conv2d_relu(
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """max(conv2d(input, weight) + bias, 0)        (N,C,H,W) (O,C/G,h,w) (O,) -> (N,O,P,Q)

    >>> conv2d_relu(np.array([[[[-1.0, 2.0]]]]), np.ones((1, 1, 1, 1)), None, (1, 1), (0, 0), (1, 1), 1)
    array([[[[0., 2.]]]])
    """
    return relu(conv2d(input, weight, bias, stride, padding, dilation, groups))


@reference
def linear_relu(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """max(input @ weight.T + bias, 0)        (..., I) (O, I) (O,) -> (..., O)

    >>> linear_relu(np.array([1.0, 2.0]), np.array([[3.0, 4.0], [0.0, -1.0]]), None)
    array([11.,  0.])
    """
    return relu(linear(input, weight, bias))


@reference
def batch_norm_relu(
    input: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """max((input - mean) / √(var + eps) · weight + bias, 0)        (N,C,...) (C,) (C,) -> (N,C,...), (C,), (C,)

    The statistics are those of batch_norm, and are returned as there.

    >>> out, mean, invstd = batch_norm_relu(np.array([[1.0], [3.0]]), None, None, 0.0)
    >>> out.ravel(), mean, invstd
    (array([0., 1.]), array([2.]), array([1.]))
    """
    out, mean, invstd = batch_norm(input, weight, bias, eps)
    return relu(out), mean, invstd


@reference
def batch_norm_relu_backward(
    grad: np.ndarray,
    input: np.ndarray,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    mean: np.ndarray,
    invstd: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """batch_norm_backward(relu_mask(grad, batch_norm))        (N,C,...) ... -> (N,C,...), (C,), (C,)

    >>> x, ones = np.array([[1.0], [3.0]]), np.ones(1)
    >>> batch_norm_relu_backward(np.array([[5.0], [1.0]]), x, ones, None, np.array([2.0]), ones)[2]
    array([1.])
    """
    pixels = (-1, *(1,) * (input.ndim - 2))
    scale = invstd if weight is None else invstd * weight
    out = (input - mean.reshape(pixels)) * scale.reshape(pixels)
    if bias is not None:
        out += bias.reshape(pixels)
    return batch_norm_backward(relu_mask(grad, out), input, weight, mean, invstd)
