"""Two ops in one pass over memory, recorded as the two: the graph does not know.

A ReLU behind a convolution, a matrix product or a batch norm costs a kernel nothing while the numbers are
still in cache. Nobody holds the tensor between the two, and no rule asks for its values, so it is never made.
Backward goes through two nodes in one pass where that is less work, and nobody looks at the gradient between them.
"""

from __future__ import annotations

from typing import Any

from ..arrays.quiet import quietly
from ..engine.fusion import as_if, pull_through
from ..engine.record import frozen
from ..engine.tensor import Tensor, as_array
from ..kernels import kernel
from .activation import relu, relu_mask
from .conv import _plan, conv2d
from .linalg import checked_linear, linear
from .norm import _batch_norm, _bump, _check_channels, _check_training, follow
from .pool import max_pool2d, max_pool2d_place


def conv2d_relu(input: Tensor, weight: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """relu(conv2d(input, weight, bias, ...)); the arguments and errors are those of conv2d."""
    arrays = as_array(input), as_array(weight), as_array(bias)
    batch, *geometry, extra = _plan(*arrays, stride, padding, dilation, groups)
    if extra or not batch:  # "same" with an odd rest, or one picture without a batch
        return relu(conv2d(input, weight, bias, stride, padding, dilation, groups))
    out = quietly(kernel.conv2d_relu, *arrays, *geometry, groups)
    between = as_if(conv2d, (input, weight, bias, stride, padding, dilation, groups), out)
    return as_if(relu, (between,), out)


def linear_relu(input: Tensor, weight: Tensor, bias: Any) -> Any:
    """relu(linear(input, weight, bias)); the arguments and errors are those of linear."""
    arrays = checked_linear(as_array(input), as_array(weight), as_array(bias))
    out = quietly(kernel.linear_relu, *arrays)
    return as_if(relu, (as_if(linear, (input, weight, bias), out),), out)


def batch_norm_relu(
    input: Tensor, running_mean: Any, running_var: Any, weight: Any, bias: Any, momentum: float, eps: float
) -> Any:
    """relu(batch_norm(input, ...)) in training; the arguments and errors are those of batch_norm."""
    _check_channels("batch_norm", input, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    _check_training(input, eps)
    running = None if running_mean is None else (as_array(running_mean), as_array(running_var), momentum)
    arrays = as_array(input), as_array(weight), as_array(bias)
    out, mean, invstd = quietly(kernel.batch_norm_relu, *arrays, eps)
    quietly(follow, running, mean, invstd, eps, as_array(input))
    _bump("batch_norm", running_mean, running_var)
    between = as_if(_batch_norm, (input, weight, bias, eps, running), out, mean, invstd)
    result = as_if(relu, (between,), out)
    both = lambda g: kernel.batch_norm_relu_backward(g, *arrays, mean, invstd)
    pull_through(result, both, input, weight, bias)
    return result


def max_pool2d_of_relu(input: Tensor, *window: Any) -> Any:
    """max_pool2d(input, *window) of a ReLU's result that nobody else uses.

    What is chosen is as positive as the result, so backward masks the few gradients of the pooling and not the many
    of the ReLU.
    """
    result = max_pool2d(input, *window)
    node = result._node
    if node is not None:
        choice, shape, out, window = node.kept("choice"), input._array.shape, result._array, frozen(window)
        both = lambda g: (max_pool2d_place(relu_mask(g, out), choice, shape, *window),)
        pull_through(result, both, result)
    return result
