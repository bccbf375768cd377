"""Modules in a row that one kernel can do in one pass: `Sequential` asks here before it calls them one by one.

The result, the graph and every gradient are those of the separate modules. Where somebody looks between
the two (a hook on either module, a recorder, a subclass), they are called one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..modes import Scope, mode
from ..ops.fused import conv2d_relu, linear_relu
from ..tensor import Tensor
from .activation import ReLU
from .conv import Conv2d
from .linear import Linear
from .module import Module


def _conv2d_relu(conv: Any, input: Tensor) -> Any:
    if conv.padding_mode != "zeros":
        return None
    return conv2d_relu(input, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)


def _linear_relu(layer: Any, input: Tensor) -> Any:
    return linear_relu(input, layer.weight, layer.bias)


_PAIRS: dict[tuple[type, type], Callable[[Any, Tensor], Any]] = {
    (Conv2d, ReLU): _conv2d_relu,
    (Linear, ReLU): _linear_relu,
}


def together(first: Module, second: Module, input: Any) -> Any:
    """second(first(input)) in one pass, or None where they have to be called one by one."""
    run = _PAIRS.get((type(first), type(second)))
    if run is None or mode.watch or mode.tracer is not None or not isinstance(input, Tensor):
        return None
    if _watched(first) or _watched(second):
        return None
    out = run(first, input)
    if out is not None and out._node is not None and mode.grad:
        node = out._node
        node.scope = Scope(second, mode.scope)
        node.parents[0].scope = Scope(first, mode.scope)
    return out


def _watched(module: Any) -> bool:
    hooks = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    return bool(hooks) or "forward" in vars(module)
