"""Two kernels in one: what they mean is the one after the other. A faster version does both while data is in cache."""

from __future__ import annotations

from .. import reference
from .conv import conv2d
from .elementwise import relu
from .linear import linear


@reference
def conv2d_relu(input, weight, bias, stride, padding, dilation, groups):
    """max(conv2d(input, weight) + bias, 0)        (N,C,H,W) (O,C/G,h,w) (O,) -> (N,O,P,Q)"""
    return relu(conv2d(input, weight, bias, stride, padding, dilation, groups))


@reference
def linear_relu(input, weight, bias):
    """max(input @ weight.T + bias, 0)        (..., I) (O, I) (O,) -> (..., O)"""
    return relu(linear(input, weight, bias))
