"""Patches: every window of a picture as a column, and columns added back into a picture.

A window is picked out by filters that are 1 at one place and 0 elsewhere; so `unfold` is a convolution with
an identity, `fold` its adjoint, and derivatives are there already.

N batch, C channels, H W picture, P Q windows, h w window.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .conv import conv2d, conv2d_input
from .shape import reshape, squeeze, unsqueeze
from .window import batched, numbers, places


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """input[n,c,ps+i,qs+j] at [n, (c,i,j), (p,q)]        (N,C,H,W) -> (N, C·h·w, P·Q)

    The "im2col" of convolution: a convolution is weight.reshape(O, -1) @ unfold(input).
    kernel_size, dilation, padding, stride: an int, or one for (rows, columns). Without N: (C,H,W) -> (C·h·w, P·Q).

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.unfold(tg.arange(6.0).reshape(1, 1, 2, 3), 2).tolist()
    [[[0.0, 1.0], [1.0, 2.0], [3.0, 4.0], [4.0, 5.0]]]
    """
    if not batched("unfold", input, 2):
        return squeeze(unfold(unsqueeze(input, 0), kernel_size, dilation, padding, stride), 0)
    h, w = numbers("unfold", "kernel_size", kernel_size, 2, least=1)
    N, C, H, W = input.shape
    planes = reshape(input, (N * C, 1, H, W))
    columns = conv2d(planes, _identity(h, w, input.dtype), None, stride, padding, dilation)
    return reshape(columns, (N, C * h * w, math.prod(columns.shape[2:])))


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Σ input[n, (c,i,j), (p,q)] at [n,c,ps+i,qs+j]        (N, C·h·w, P·Q) -> (N,C,H,W)

    Windows that overlap add up: it is the adjoint of unfold. output_size: (H, W).
    """
    if input.ndim == 2:
        return squeeze(fold(unsqueeze(input, 0), output_size, kernel_size, dilation, padding, stride), 0)
    size = numbers("fold", "output_size", output_size, 2, least=1)
    h, w = numbers("fold", "kernel_size", kernel_size, 2, least=1)
    stride = numbers("fold", "stride", stride, 2, least=1)
    padding = numbers("fold", "padding", padding, 2, least=0)
    dilation = numbers("fold", "dilation", dilation, 2, least=1)
    P, Q = (places(*along) for along in zip(size, (h, w), stride, padding, dilation))
    if input.ndim != 3 or input.shape[1] % (h * w) or input.shape[2] != P * Q:
        raise RuntimeError(
            f"fold: a picture {size} has {P}·{Q} windows of {h}·{w} places, input must be (N, C·{h * w}, {P * Q}), "
            f"got {tuple(input.shape)}"
        )
    N, C = input.shape[0], input.shape[1] // (h * w)
    columns = reshape(input, (N * C, h * w, P, Q))
    planes = conv2d_input(columns, _identity(h, w, input.dtype), (N * C, 1, *size), stride, padding, dilation)
    return reshape(planes, (N, C, *size))


def _identity(h: int, w: int, dtype: np.dtype) -> np.ndarray:
    """One filter for each place of the window        (h·w, 1, h, w)"""
    return np.eye(h * w, dtype=dtype).reshape(h * w, 1, h, w)
