"""Modules in a row that one kernel can do in one pass: `Sequential` asks here before it calls them one by one.

The result, the graph and every gradient are those of the separate modules. Where somebody looks between
them (a hook on a module, a recorder, a subclass), they are called one by one. A batch norm that is folded into
weights has other last digits than a separate one, so a recorder sees it folded: to look changes no result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..arrays.dtypes import float16
from ..engine.modes import Scope, mode
from ..engine.tensor import Tensor, as_array, wrap
from ..ops import conv2d
from ..ops.fused import batch_norm_relu, conv2d_relu, linear_relu, max_pool2d_of_relu
from .activation import ReLU
from .conv import Conv2d
from .linear import Linear
from .module import Module
from .norm import BatchNorm1d, BatchNorm2d
from .pool import MaxPool2d


def _conv2d_relu(conv: Any, relu: Any, input: Tensor) -> Any:
    if conv.padding_mode != "zeros":
        return None
    return conv2d_relu(input, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)


def _linear_relu(layer: Any, relu: Any, input: Tensor) -> Any:
    return linear_relu(input, layer.weight, layer.bias)


def _batch_norm_relu(norm: Any, relu: Any, input: Tensor) -> Any:
    if not norm.training:
        return None
    mean, var, part = norm.begin(input)
    return batch_norm_relu(input, mean, var, norm.weight, norm.bias, part, norm.eps)


def _folded(conv: Any, norm: Any) -> tuple[Any, Any] | None:
    """Weight and bias of a convolution with the batch norm behind it, where that is a fixed scale and shift."""
    if norm.training or norm.running_mean is None or mode.grad or conv.padding_mode != "zeros":
        return None
    weight, bias = as_array(conv.weight), as_array(conv.bias)
    mean, var = as_array(norm.running_mean), as_array(norm.running_var)
    if len(mean) != len(weight) or not weight.dtype == mean.dtype == var.dtype:
        return None
    scale = (var + norm.eps) ** -0.5
    if norm.weight is not None:
        scale = scale * as_array(norm.weight)
    shift = (0 if bias is None else bias) - mean
    shift = shift * scale
    if norm.bias is not None:
        shift = shift + as_array(norm.bias)
    return wrap(weight * scale.reshape(-1, 1, 1, 1)), wrap(shift)


def _conv2d_batch_norm(conv: Any, norm: Any, input: Tensor, do: Callable = conv2d) -> Any:
    folded = _folded(conv, norm)
    return folded and do(input, *folded, conv.stride, conv.padding, conv.dilation, conv.groups)


def _conv2d_batch_norm_relu(conv: Any, norm: Any, relu: Any, input: Tensor) -> Any:
    return _conv2d_batch_norm(conv, norm, input, conv2d_relu)


def _and_max_pool(run: Callable) -> Callable:
    """The row that ends in a ReLU, and a pooling behind it."""

    def pooled(layer: Any, relu: Any, pool: Any, input: Tensor) -> Any:
        positive = None if pool.return_indices else run(layer, relu, input)
        if positive is None:
            return None
        return max_pool2d_of_relu(positive, pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode)

    return pooled


# What to try, the longest row first.
_ROWS: dict[tuple[type, ...], Callable] = {
    (Conv2d, BatchNorm2d, ReLU): _conv2d_batch_norm_relu,
    (Conv2d, ReLU, MaxPool2d): _and_max_pool(_conv2d_relu),
    (BatchNorm2d, ReLU, MaxPool2d): _and_max_pool(_batch_norm_relu),
    (Conv2d, BatchNorm2d): _conv2d_batch_norm,
    (Conv2d, ReLU): _conv2d_relu,
    (Linear, ReLU): _linear_relu,
    (BatchNorm2d, ReLU): _batch_norm_relu,
    (BatchNorm1d, ReLU): _batch_norm_relu,
}


_FOLDED: dict[tuple[type, ...], Callable] = {(Conv2d, BatchNorm2d): _conv2d_batch_norm}
_FIRST = {kinds[0] for kinds in _ROWS}


def in_one_pass(modules: Sequence[Module], i: int, input: Any) -> tuple[Any, int]:
    """The result of as many modules from the i-th on as one pass can do, and how many; 0 for none."""
    if type(modules[i]) not in _FIRST or not isinstance(input, Tensor) or input.dtype == float16:
        return None, 0  # only ops compute half precision in float32
    rows = _FOLDED if mode.watch or mode.tracer is not None else _ROWS
    kinds = tuple([type(m) for m in modules[i : i + 3]])
    for n in (3, 2):
        run = rows.get(kinds[:n])
        if run is None or len(kinds) < n or any(_watched(m) for m in modules[i : i + n]):
            continue
        out = run(*modules[i : i + n], input)
        if out is not None:
            node = out._node
            for m in reversed(modules[i : i + n] if node is not None and mode.grad else ()):
                node.scope = Scope(m, mode.scope)
                node = node.parents[0] if node.parents else None
            return out, n
    return None, 0


def _watched(module: Any) -> bool:
    hooks = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    return bool(hooks) or "forward" in vars(module)
