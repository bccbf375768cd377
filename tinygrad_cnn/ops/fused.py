"""Two ops in one pass over memory, recorded as the two: the graph does not know.

A ReLU behind a convolution or a matrix product costs a kernel nothing while the numbers are still in
cache. Nobody holds the tensor between the two, and no rule asks for its values, so it is never made.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from ..op import as_if
from ..quiet import restore, silence
from ..tensor import Tensor, as_array
from .activation import relu
from .conv import _plan, conv2d
from .linalg import checked_linear, linear


def conv2d_relu(input: Tensor, weight: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """relu(conv2d(input, weight, bias, ...)); the arguments and errors are those of conv2d."""
    arrays = as_array(input), as_array(weight), as_array(bias)
    batch, *geometry, extra = _plan(*arrays, stride, padding, dilation, groups)
    if extra or not batch:  # "same" with an odd rest, or one picture without a batch
        return relu(conv2d(input, weight, bias, stride, padding, dilation, groups))
    loud = silence()
    try:
        out = kernel.conv2d_relu(*arrays, *geometry, groups)
    finally:
        restore(loud)
    between = as_if(conv2d, (input, weight, bias, stride, padding, dilation, groups), out)
    return as_if(relu, (between,), out)


def linear_relu(input: Tensor, weight: Tensor, bias: Any) -> Any:
    """relu(linear(input, weight, bias)); the arguments and errors are those of linear."""
    arrays = checked_linear(as_array(input), as_array(weight), as_array(bias))
    loud = silence()
    try:
        out = kernel.linear_relu(*arrays)
    finally:
        restore(loud)
    return as_if(relu, (as_if(linear, (input, weight, bias), out),), out)
