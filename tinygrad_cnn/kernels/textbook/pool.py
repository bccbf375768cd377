"""Pooling: the greatest number of each window, or the sum. What lies outside the image is in no window."""

from __future__ import annotations

import numpy as np

from .. import law
from .windows import places


@law
def max_pool2d(input, kernel_size, stride, padding, dilation, output_size):
    """max of input[n,c,ps+i,qs+j] over i,j, and which place it was        (N,C,H,W) -> (N,C,P,Q), (N,C,P,Q)

    `choice` is i·w+j. The first of equals is chosen; NaN is greater than all; outside there is nothing to choose.
    A window whose places all lie outside has -inf, and its choice means nothing.

    >>> image = np.array([[[[1., 5., 2., 2.], [3., 4., 2., 2.]]]])
    >>> max_pool2d(image, (2, 2), (2, 2), (0, 0), (1, 1), (1, 2))
    (array([[[[5., 2.]]]]), array([[[[1, 0]]]], dtype=uint8))
    """
    N, C, H, W = input.shape
    out = np.zeros((N, C, *output_size), input.dtype)
    choice = np.zeros(out.shape, np.uint8 if kernel_size[0] * kernel_size[1] <= 256 else np.int32)
    for n, c, p, q in np.ndindex(out.shape):
        best, chosen = -np.inf, None
        for place, y, x in places(p, q, kernel_size, stride, padding, dilation, (H, W)):
            value = input[n, c, y, x]
            if chosen is None or value > best or np.isnan(value):
                best, chosen = value, place
        out[n, c, p, q], choice[n, c, p, q] = best, chosen or 0
    return out, choice


@law
def max_pool2d_place(grad, choice, input_shape, kernel_size, stride, padding, dilation):
    """Add each grad[n,c,p,q] at the place its window chose        (N,C,P,Q) (N,C,P,Q) -> (N,C,H,W)

    >>> choice = np.array([[[[1, 0]]]], np.uint8)
    >>> max_pool2d_place(np.array([[[[7., 8.]]]]), choice, (1, 1, 2, 4), (2, 2), (2, 2), (0, 0), (1, 1))
    array([[[[0., 7., 8., 0.],
             [0., 0., 0., 0.]]]])
    """
    out = np.zeros(input_shape)
    for n, c, p, q in np.ndindex(grad.shape):
        for place, y, x in places(p, q, kernel_size, stride, padding, dilation, input_shape[2:]):
            if place == choice[n, c, p, q]:
                out[n, c, y, x] += grad[n, c, p, q]
    return out.astype(grad.dtype)


@law
def max_pool2d_pick(input, choice, kernel_size, stride, padding, dilation):
    """Read the input where each window chose, the adjoint of max_pool2d_place        (N,C,H,W) (N,C,P,Q) -> (N,C,P,Q)

    >>> image = np.array([[[[1., 5., 2., 2.], [3., 4., 2., 2.]]]])
    >>> max_pool2d_pick(image, np.array([[[[2, 3]]]], np.uint8), (2, 2), (2, 2), (0, 0), (1, 1))
    array([[[[3., 2.]]]])
    """
    out = np.zeros(choice.shape, input.dtype)
    for n, c, p, q in np.ndindex(out.shape):
        for place, y, x in places(p, q, kernel_size, stride, padding, dilation, input.shape[2:]):
            if place == choice[n, c, p, q]:
                out[n, c, p, q] = input[n, c, y, x]
    return out


@law
def sum_pool2d(input, kernel_size, stride, padding, output_size):
    """Σ input[n,c,ps+i,qs+j] over i,j        (N,C,H,W) -> (N,C,P,Q)

    >>> sum_pool2d(np.arange(8.0).reshape(1, 1, 2, 4), (2, 2), (2, 2), (0, 0), (1, 2))
    array([[[[10., 18.]]]])
    """
    out = np.zeros((*input.shape[:2], *output_size))
    for n, c, p, q in np.ndindex(out.shape):
        for _, y, x in places(p, q, kernel_size, stride, padding, (1, 1), input.shape[2:]):
            out[n, c, p, q] += input[n, c, y, x]
    return out.astype(input.dtype)


@law
def sum_pool2d_spread(grad, input_shape, kernel_size, stride, padding):
    """Add each grad[n,c,p,q] at every place of its window, the adjoint of sum_pool2d        (N,C,P,Q) -> (N,C,H,W)

    >>> sum_pool2d_spread(np.array([[[[1., 2.]]]]), (1, 1, 2, 3), (2, 2), (1, 1), (0, 0))
    array([[[[1., 3., 2.],
             [1., 3., 2.]]]])
    """
    out = np.zeros(input_shape)
    for n, c, p, q in np.ndindex(grad.shape):
        for _, y, x in places(p, q, kernel_size, stride, padding, (1, 1), input_shape[2:]):
            out[n, c, y, x] += grad[n, c, p, q]
    return out.astype(grad.dtype)
