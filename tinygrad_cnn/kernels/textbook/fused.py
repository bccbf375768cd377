"""Two kernels in one: what they mean is the one after the other."""

from __future__ import annotations

import numpy as np  # noqa: F401 (for the examples)

from .. import law
from .conv import conv2d
from .elementwise import relu, relu_mask
from .linear import linear
from .norm import batch_norm, batch_norm_backward, normalized


@law
def conv2d_relu(input, weight, bias, stride, padding, dilation, groups):
    """max(conv2d(input, weight) + bias, 0)        (N,C,H,W) (O,C/G,h,w) (O,) -> (N,O,P,Q)

    >>> conv2d_relu(np.array([[[[-1.0, 2.0]]]]), np.ones((1, 1, 1, 1)), None, (1, 1), (0, 0), (1, 1), 1)
    array([[[[0., 2.]]]])
    """
    return relu(conv2d(input, weight, bias, stride, padding, dilation, groups))


@law
def linear_relu(input, weight, bias):
    """max(input @ weight.T + bias, 0)        (..., I) (O, I) (O,) -> (..., O)

    >>> linear_relu(np.array([1.0, 2.0]), np.array([[3.0, 4.0], [0.0, -1.0]]), None)
    array([11.,  0.])
    """
    return relu(linear(input, weight, bias))


@law
def batch_norm_relu(input, weight, bias, eps, running=None):
    """max((input - mean) / √(var + eps) · weight + bias, 0)        (N,C,...) (C,) (C,) -> (N,C,...), (C,), (C,)

    The statistics are those of batch_norm, returned and moved as there.

    >>> out, mean, invstd = batch_norm_relu(np.array([[1.0], [3.0]]), None, None, 0.0)
    >>> out.ravel(), mean, invstd
    (array([0., 1.]), array([2.]), array([1.]))
    """
    out, mean, invstd = batch_norm(input, weight, bias, eps, running)
    return relu(out), mean, invstd


@law
def batch_norm_relu_backward(grad, input, weight, bias, mean, invstd):
    """batch_norm_backward(relu_mask(grad, batch_norm))        (N,C,...) ... -> (N,C,...), (C,), (C,)

    >>> x, ones = np.array([[1.0], [3.0]]), np.ones(1)
    >>> batch_norm_relu_backward(np.array([[5.0], [1.0]]), x, ones, None, np.array([2.0]), ones)[2]
    array([1.])
    """
    out = normalized(input, weight, bias, mean, invstd)
    return batch_norm_backward(relu_mask(grad, out), input, weight, mean, invstd)
