"""The way back from max pooling: numbers at the places where the maxima were, and zeros elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.types import Array, Window
from ..arrays.windows import covered
from ..engine.tensor import as_array, wrap
from .declared import appears
from .gather import scatter
from .shape import flatten, reshape
from .window import batched, numbers


@appears("functional")
def max_unpool2d(
    input: Array,
    indices: Array,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    output_size: Any = None,
) -> Array:
    """input[n,c,p,q] at the place indices[n,c,p,q] of a picture of zeros        (N,C,P,Q) (N,C,P,Q) -> (N,C,H,W)

    The way back from max_pool2d(..., return_indices=True). Without output_size, H = (P-1)·stride - 2·padding + h.

    RuntimeError for an index outside of the picture, ValueError for an output_size that cannot be.

    >>> import tinygrad_cnn as tg
    >>> F = tg.nn.functional
    >>> x = tg.tensor([[[[1.0, 5.0, 2.0, 3.0], [3.0, 4.0, 8.0, 1.0]]]])
    >>> out, indices = F.max_pool2d(x, 2, return_indices=True)
    >>> F.max_unpool2d(out, indices, 2).tolist()
    [[[[0.0, 5.0, 0.0, 0.0], [0.0, 0.0, 8.0, 0.0]]]]
    """
    return _unpooled("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@appears("functional")
def max_unpool3d(
    input: Array,
    indices: Array,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    output_size: Any = None,
) -> Array:
    """input[n,c,p,q,r] at the place indices[n,c,p,q,r] of a volume of zeros        (N,C,P,Q,R) -> (N,C,D,H,W)

    The way back from max_pool3d(..., return_indices=True); as `max_unpool2d`.

    >>> import tinygrad_cnn as tg
    >>> F = tg.nn.functional
    >>> out, indices = F.max_pool3d(tg.arange(8.0).reshape(1, 1, 2, 2, 2), 2, return_indices=True)
    >>> F.max_unpool3d(out, indices, 2).flatten().tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 7.0]
    """
    return _unpooled("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


@appears("functional")
def max_unpool1d(
    input: Array,
    indices: Array,
    kernel_size: Window,
    stride: Window | None = None,
    padding: Window = 0,
    output_size: Any = None,
) -> Array:
    """input[n,c,p] at the place indices[n,c,p] of a row of zeros        (N,C,P) (N,C,P) -> (N,C,L)

    The way back from max_pool1d(..., return_indices=True); as `max_unpool2d`.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.max_unpool1d(tg.tensor([[5.0, 3.0]]), tg.tensor([[1, 2]]), 2).tolist()
    [[0.0, 5.0, 3.0, 0.0]]
    """
    return _unpooled("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def _unpooled(name, spatial, input, indices, kernel_size, stride, padding, output_size):
    batched(name, input, spatial)
    if indices.shape != input.shape:
        raise RuntimeError(f"{name}: indices {tuple(indices.shape)} must have the shape of input {tuple(input.shape)}")
    window = numbers(name, "kernel_size", kernel_size, spatial, least=1)
    stride = window if stride is None else numbers(name, "stride", stride, spatial, least=1)
    padding = numbers(name, "padding", padding, spatial, least=0)
    natural = [*map(covered, input.shape[-spatial:], window, stride, padding)]
    sizes = natural if output_size is None else tuple(output_size)[-spatial:]
    for size, expected, s in zip(sizes, natural, stride):
        if not expected - s < size < expected + s:
            raise ValueError(
                f"{name}: output_size {tuple(output_size)} is too far from {tuple(natural)}, the size that fits input, "
                "kernel_size, stride and padding; it may differ by less than the stride"
            )
    lead, count = input.shape[:-spatial], math.prod(sizes)
    spots = as_array(indices)
    if spots.size and not 0 <= spots.min() <= spots.max() < count:
        raise RuntimeError(f"{name}: indices must be places 0 to {count - 1} of an output of {tuple(sizes)}")
    zeros = wrap(np.zeros((*lead, count), input.dtype))
    return reshape(scatter(zeros, -1, flatten(indices, -spatial), flatten(input, -spatial)), (*lead, *sizes))
