"""Convolution and its two derivatives: three loops over the same products.

    T = Σ grad[n,o,p,q] · input[n,c,ps+i,qs+j] · weight[o,c,i,j]

is linear in each of the three, and each kernel is its derivative in one of them: conv2d in grad, conv2d_input in
input, conv2d_weight in weight. Of the C channels in G groups, output channel o sees the c = C/G of its own group.
"""

from __future__ import annotations

import numpy as np

from ...arrays.windows import fitting
from .. import law
from .windows import inner, padded, window


@law
def conv2d(input, weight, bias, stride, padding, dilation, groups):
    """Σ input[n,c,ps+i,qs+j]·weight[o,c,i,j] + bias[o]        (N,C,H,W) (O,C/G,h,w) (O,) -> (N,O,P,Q)

    The input has `padding` zeros on all sides, (rows, columns); `dilation` spreads the window's places.
    The bias may be None.

    >>> image, ones = np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2))
    >>> conv2d(image, ones, None, (1, 1), (0, 0), (1, 1), 1)
    array([[[[ 8., 12.],
             [20., 24.]]]])
    """
    O, _, h, w = weight.shape
    x = padded(input, padding)
    P, Q = map(fitting, input.shape[2:], (h, w), stride, padding, dilation)
    out = np.zeros((len(x), O, P, Q), input.dtype)
    for n, o, p, q in np.ndindex(out.shape):
        rows, columns = window(p, q, (h, w), stride, dilation)
        seen = x[n, _channels(o, weight.shape, groups), rows, columns]  # (c,h,w)
        out[n, o, p, q] = np.sum(seen * weight[o], dtype=np.float64) + (0 if bias is None else bias[o])
    return out


@law
def conv2d_input(grad, weight, input_shape, stride, padding, dilation, groups):
    """Σ grad[n,o,p,q]·weight[o,c,i,j] at [n,c,ps+i,qs+j]        (N,O,P,Q) (O,C/G,h,w) -> (N,C,H,W)

    The adjoint of conv2d in its input, which is also what a transposed convolution computes.

    >>> grad, ones = np.arange(4.0).reshape(1, 1, 2, 2), np.ones((1, 1, 2, 2))
    >>> conv2d_input(grad, ones, (1, 1, 3, 3), (1, 1), (0, 0), (1, 1), 1)
    array([[[[0., 1., 1.],
             [2., 6., 4.],
             [2., 5., 3.]]]])
    """
    x = padded(np.zeros(input_shape), padding)
    for n, o, p, q in np.ndindex(grad.shape):
        rows, columns = window(p, q, weight.shape[2:], stride, dilation)
        x[n, _channels(o, weight.shape, groups), rows, columns] += grad[n, o, p, q] * weight[o]
    return inner(x, padding).astype(grad.dtype)


@law
def conv2d_weight(grad, input, weight_shape, stride, padding, dilation, groups):
    """Σ grad[n,o,p,q]·input[n,c,ps+i,qs+j]        (N,O,P,Q) (N,C,H,W) -> (O,C/G,h,w)

    The adjoint of conv2d in its weight.

    >>> grad, image = np.ones((1, 1, 2, 2)), np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d_weight(grad, image, (1, 1, 2, 2), (1, 1), (0, 0), (1, 1), 1)
    array([[[[ 8., 12.],
             [20., 24.]]]])
    """
    x = padded(input, padding)
    weight = np.zeros(weight_shape)
    for n, o, p, q in np.ndindex(grad.shape):
        rows, columns = window(p, q, weight_shape[2:], stride, dilation)
        weight[o] += grad[n, o, p, q] * x[n, _channels(o, weight_shape, groups), rows, columns]
    return weight.astype(grad.dtype)


def _channels(o, weight_shape, groups):
    """The input channels that output channel o sees: those of its group.

    >>> _channels(3, (4, 5, 1, 1), groups=2)
    slice(5, 10, None)
    """
    O, c, _, _ = weight_shape
    first = o // (O // groups) * c
    return slice(first, first + c)
