"""Convolution and both its gradients, where something is to be decided or done before the loops of direct.py.

Where a 3x3 window has channels enough, the transformed convolution of winograd.py does with less than half of the
products, unless its loops find the numbers too unlike each other: then those of direct.py do it, into the same memory.
And the loops read a weight number by number as it is made; another one is copied first. All else goes to direct.py at
once.
"""

from __future__ import annotations

import numpy as np

from .. import faster
from . import columns, direct, winograd
from .layout import dense
from .machinery.arrays import readable
from .machinery.compiled import watched


def _transforms(count, pixels, weight_shape, stride, padding, dilation, groups) -> bool:
    """Whether a convolution that makes `count` images of so many pixels is worth transforming."""
    return winograd.pays(count, pixels, weight_shape, stride, padding, dilation, groups) and not columns.pays(
        count, pixels, weight_shape, groups
    )


def _takes_forward(input, weight, bias, stride, padding, dilation, groups):
    size = input.shape[2] + 2 * padding[0] - 2, input.shape[3] + 2 * padding[1] - 2  # under a 3x3 window
    others = not direct.as_made(weight, bias)
    return (others or _transforms(len(input), size, weight.shape, stride, padding, dilation, groups)) and (
        readable(input, weight, bias) and input.size > 0 and weight.size > 0
    )


@faster(when=_takes_forward, pure=True)
def conv2d(input, weight, bias, stride, padding, dilation, groups):
    return _forward(input, weight, bias, stride, padding, dilation, groups, relu=0)


@faster(when=_takes_forward, pure=True)
def conv2d_relu(input, weight, bias, stride, padding, dilation, groups):
    return _forward(input, weight, bias, stride, padding, dilation, groups, relu=1)


def _forward(input, weight, bias, stride, padding, dilation, groups, relu):
    """(N,C,H,W) (O,c,h,w) -> (N,O,P,Q); with `relu`, its positive part."""
    weight, bias = dense(weight), None if bias is None else dense(bias.reshape(1, 1, 1, -1)).reshape(-1)
    args = input, weight, bias, stride, padding, dilation, groups, relu
    size = input.shape[2] + 2 * padding[0] - 2, input.shape[3] + 2 * padding[1] - 2
    if not _transforms(len(input), size, weight.shape, stride, padding, dilation, groups):
        return direct.forward(*args)
    out, done = winograd.convolve(input.transpose(0, 2, 3, 1), weight, False, bias, padding, relu)
    if _may_be_left(done):
        direct.forward(*args, out, done)
    return out.transpose(0, 3, 1, 2)


def _may_be_left(done: np.ndarray) -> bool:
    """Whether loops are to run that do what is not done; those that are recorded run again for other numbers."""
    return bool(watched.by) or not done[0]


def _takes_input(grad, weight, input_shape, stride, padding, dilation, groups):
    others = not direct.as_made(weight)
    return (others or _transforms(len(grad), input_shape[2:], weight.shape, stride, padding, dilation, groups)) and (
        readable(grad, weight) and grad.size > 0 and min(input_shape) > 0
    )


@faster(when=_takes_input, pure=True)
def conv2d_input(grad, weight, input_shape, stride, padding, dilation, groups):
    weight = dense(weight)
    args = grad, weight, input_shape, stride, padding, dilation, groups
    if not _transforms(len(grad), input_shape[2:], weight.shape, stride, padding, dilation, groups):
        return direct.backward(*args)
    around = (2 - padding[0], 2 - padding[1])
    out, done = winograd.convolve(grad.transpose(0, 2, 3, 1), weight.transpose(1, 0, 2, 3), True, None, around, 0)
    if _may_be_left(done):
        direct.backward(*args, out, done)
    return out.transpose(0, 3, 1, 2)


def _takes_weight(grad, input, weight_shape, stride, padding, dilation, groups):
    return _transforms(len(grad), grad.shape[2:], weight_shape, stride, padding, dilation, groups) and (
        readable(grad, input) and grad.size > 0 and input.size > 0
    )


@faster(when=_takes_weight, pure=True)
def conv2d_weight(grad, input, weight_shape, stride, padding, dilation, groups):
    d_weight, done = winograd.correlate(grad.transpose(0, 2, 3, 1), input.transpose(0, 2, 3, 1), padding)
    if _may_be_left(done):
        direct.correlate(grad, input, weight_shape, stride, padding, dilation, groups, d_weight, done)
    return d_weight
