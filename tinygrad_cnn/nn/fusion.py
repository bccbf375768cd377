"""Modules in a row that one kernel does in one pass over memory, recorded as the modules that it stands for.

A ReLU behind a convolution, a matrix product or a batch norm costs a kernel nothing while the numbers are still in
cache. `Sequential` asks here before it calls its modules one by one.

- **What a fused node is**: there is none. The kernel's result is recorded as if the separate ops had made it
  (`engine/fusion.py`, `as_if`), so the graph, its hooks and its pictures are theirs. Nobody holds the tensor between
  two of them, and no rule asks for its values, so it is never made.
- **Which rows are taken**: those of ROWS, the longest first.
- **How backward goes through**: node by node, or through two in one pass where that is less work (`pull_through`).
- **Who declines**: a row where somebody looks between its modules (a hook, a subclass, a changed forward); half
  precision, which only ops compute in float32; a watched run, but for batch norms folded into weights: these have
  other last digits than separate ones, and to look changes no result.

A forward of the user's own, `F.relu(self.bn(self.conv(x)))`, is not fused: `conv` has to return its numbers before
Python says what is done with them, and a Tensor that only promises its numbers would have to be asked for them
wherever an array is read. A Sequential says its row before it runs.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..arrays.dtypes import float16
from ..arrays.quiet import quietly
from ..engine.fusion import as_if, pull_through
from ..engine.modes import mode, scope_of
from ..engine.record import frozen
from ..engine.stamp import Stamp
from ..engine.tensor import Tensor, as_array, wrap
from ..kernels import kernel
from ..ops.conv import checked_conv2d, conv2d
from ..ops.linalg import checked_linear, linear
from ..ops.norm import _batch_norm, _bump, _check_channels, _check_training
from ..ops.pool import max_pool2d, max_pool2d_place
from ..ops.rectifier import relu, relu_mask
from .activation import ReLU
from .conv import Conv2d
from .hooks import EVERYWHERE
from .linear import Linear
from .module import Module
from .norm import BatchNorm1d, BatchNorm2d
from .pool import MaxPool2d

# Several ops in one pass.


def conv2d_relu(input: Tensor, weight: Tensor, bias: Any, *geometry: Any) -> Any:
    """relu(conv2d(input, weight, bias, ...)); the arguments and errors are those of conv2d."""
    arrays = as_array(input), as_array(weight), as_array(bias)
    batch, sizes, extra = checked_conv2d(*arrays, *geometry)
    if extra or not batch:  # "same" with an odd rest, or one picture without a batch
        return relu(conv2d(input, weight, bias, *geometry))
    out = quietly(kernel.conv2d_relu, *arrays, *sizes)
    between = as_if(conv2d, (input, weight, bias, *geometry), out)
    result = as_if(relu, (between,), out)
    x, w, _ = arrays
    needs = [isinstance(t, Tensor) and t.requires_grad for t in (input, weight, bias)]

    def both(g: Any) -> tuple:
        g = kernel.relu_mask(g, out)
        return (
            kernel.conv2d_input(g, w, x.shape, *sizes) if needs[0] else None,
            kernel.conv2d_weight(g, x, w.shape, *sizes) if needs[1] else None,
            kernel.channel_sums(g) if needs[2] else None,
        )

    pull_through(result, both, input, weight)
    return result


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
    out, mean, invstd = quietly(kernel.batch_norm_relu, *arrays, eps, running)
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


# Rows of modules, and what does them; None where it declines.


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


# By the id of a convolution: of what its weights were folded, the folded ones, and what takes them out when it dies.
_kept: dict[int, tuple[tuple, tuple[Tensor, Tensor], weakref.ref[Module]]] = {}


def _folded(conv: Any, norm: Any) -> tuple[Any, Any] | None:
    """Weight and bias of a convolution with the batch norm behind it, where that is a fixed scale and shift.

    They are kept until one of those changes that they are made of.
    """
    if norm.training or norm.running_mean is None or mode.grad or conv.padding_mode != "zeros":
        if _kept:
            _kept.pop(id(conv), None)
        return None
    if mode.watch or mode.tracer is not None:  # who wants to see how they are made
        return _fold(conv, norm)
    sources = conv.weight, conv.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var
    now = Stamp.of(*sources), norm.eps
    before, folded, _ = _kept.get(id(conv), (None, None, None))
    if before is None or before != now:
        folded = _fold(conv, norm)
        if folded is not None and now[0] is not None:
            _kept[id(conv)] = now, folded, weakref.ref(conv, partial(_kept.pop, id(conv)))  # in C: no interrupt is lost
    return folded


def _fold(conv: Any, norm: Any) -> tuple[Any, Any] | None:
    weight, bias = as_array(conv.weight), as_array(conv.bias)
    mean, var = as_array(norm.running_mean), as_array(norm.running_var)
    if len(mean) != len(weight) or not weight.dtype == mean.dtype == var.dtype:
        return None
    weight, bias = folded(weight, bias, as_array(norm.weight), as_array(norm.bias), mean, var, norm.eps)
    return wrap(weight), wrap(bias)


def folded(weight: Any, bias: Any, gamma: Any, beta: Any, mean: Any, var: Any, eps: float) -> tuple[Any, Any]:
    """Weight and bias, as arrays, of a convolution that does the batch norm behind it as well.

    (w · s, (b - mean) · s + beta) with s = gamma / √(var + eps); bias, gamma and beta may be None.
    """
    scale = (var + eps) ** -0.5
    if gamma is not None:
        scale = scale * gamma
    shift = ((0 if bias is None else bias) - mean) * scale
    return weight * scale.reshape(-1, 1, 1, 1), shift if beta is None else shift + beta


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


# What to try, the longest row first; of each, the first two are a row as well.
ROWS: dict[tuple[type, ...], Callable] = {
    (Conv2d, BatchNorm2d, ReLU): _conv2d_batch_norm_relu,
    (Conv2d, ReLU, MaxPool2d): _and_max_pool(_conv2d_relu),
    (BatchNorm2d, ReLU, MaxPool2d): _and_max_pool(_batch_norm_relu),
    (Conv2d, BatchNorm2d): _conv2d_batch_norm,
    (Conv2d, ReLU): _conv2d_relu,
    (Linear, ReLU): _linear_relu,
    (BatchNorm2d, ReLU): _batch_norm_relu,
    (BatchNorm1d, ReLU): _batch_norm_relu,
}


FOLDED: dict[tuple[type, ...], Callable] = {(Conv2d, BatchNorm2d): _conv2d_batch_norm}


def in_one_pass(modules: Sequence[Module], i: int, input: Any) -> tuple[Any, int]:
    """The result of as many modules from the i-th on as one pass can do, and how many; 0 for none."""
    kinds = tuple([type(m) for m in modules[i : i + 3]])
    if kinds[:2] not in ROWS or not isinstance(input, Tensor) or input.dtype == float16:
        return None, 0  # only ops compute half precision in float32
    now = mode.__dict__
    tracer = now["tracer"]
    if tracer is not None and tracer.plain:
        return None, 0
    rows = ROWS if tracer is None and not now["watch"] else FOLDED
    for n in (3, 2):
        run = rows.get(kinds[:n])
        if run is None or len(kinds) < n or any(_watched(m) for m in modules[i : i + n]):
            continue
        out = run(*modules[i : i + n], input)
        if out is not None:
            node = out._node
            for m in reversed(modules[i : i + n] if node is not None and mode.grad else ()):
                node.scope = scope_of(m, mode.scope)
                node = node.parents[0] if node.parents else None
            return out, n
    return None, 0


def _run_by(kind: Any) -> tuple:
    return kind.__call__, kind.forward, getattr(kind, "_conv_forward", None)


# What runs when these modules are called. A script may put a function of its own in the place of any of it.
OWN: dict[type, tuple] = {kind: _run_by(kind) for row in ROWS for kind in row}


def _watched(module: Any) -> bool:
    kind = type(module)
    hooks = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    return bool(hooks or EVERYWHERE) or "forward" in vars(module) or _run_by(kind) != OWN[kind]
