"""Looking into a model without leaving a trace.

While a model is looked at, its buffers are copies, so batch norm measures in vain; afterwards every module is
in the mode that it was in, and the next random number is the one that it would have been. Gradients are asked
for with `autograd.grad`, which leaves every `.grad` alone.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from operator import setitem
from typing import Any

import numpy as np

from tinygrad_cnn import nn
from tinygrad_cnn.arrays.blocks import all_at_once, block
from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.engine.tensor import Tensor, wrap
from tinygrad_cnn.nn import Module
from tinygrad_cnn.nn.hooks import Hook
from tinygrad_cnn.random import get_rng_state, set_rng_state


@block
def untouched(model: Module, training: bool = False) -> Iterator[None]:
    """A block in which the model runs in this mode, and after which it is as it was."""
    buffers = [(m, name, b) for m in model.modules() for name, b in m._buffers.items() if b is not None]
    before: list[tuple] = [(m._buffers, name, b) for m, name, b in buffers]
    before += [(vars(m), "training", m.training) for m in model.modules()]
    copies: dict[int, Tensor] = {}
    state = get_rng_state()
    try:
        model.train(training)
        for m, name, b in buffers:
            if id(b) not in copies:
                copies[id(b)] = b.detach().clone()  # type: ignore[attr-defined]
            m._buffers[name] = copies[id(b)]
        yield
    finally:
        all_at_once(setitem, before)
        set_rng_state(state)


@block
def hooked(modules: Iterable[Module], hook: Callable) -> Iterator[None]:
    """A block in which `hook(module, args, output)` is called after each call of these modules."""
    hooks = [m._forward_hooks for m in modules]
    key = object()
    try:
        all_at_once(setitem, [(known, key, Hook(hook)) for known in hooks])
        yield
    finally:
        all_at_once(OrderedDict.pop, [(known, key, None) for known in hooks])


def require_model(what: str, model: Any) -> Module:
    if not isinstance(model, Module):
        raise TypeError(f"{what}: expected an nn.Module, got {type(model).__name__}")
    return model


def tensor_for(model: Module, x: Any) -> Tensor:
    """`x` as a Tensor; an array of floats in the dtype of the model's parameters."""
    if isinstance(x, Tensor):
        return x
    array = np.asarray(x)
    parameter = next(model.parameters(), None)
    if array.dtype.kind == "f" and parameter is not None and parameter.dtype.kind == "f":
        array = array.astype(parameter.dtype, copy=False)
    return wrap(array)


def find(what: str, model: Module, layer: str | Module) -> tuple[str, Module]:
    """The path and the module of a layer that is given by either."""
    for path, module in model.named_modules():
        if module is layer or (isinstance(layer, str) and path == layer):
            return path, module
    if isinstance(layer, str):
        with contextlib.suppress(AttributeError):  # a second path of a shared module
            return layer, model.get_submodule(layer)
        paths = [path for path, _ in leaves(model)]
        more = ", ..." if len(paths) > 12 else ""
        raise ValueError(f"{what}: the model has no layer {layer!r}; it has {', '.join(paths[:12])}{more}")
    raise ValueError(f"{what}: layer must be a path or a module of this model, got another {type(layer).__name__}")


def leaves(model: Module) -> list[tuple[str, Module]]:
    """The modules without modules inside, with their paths."""
    return [(path, m) for path, m in model.named_modules() if not any(True for _ in m.children())]


def convolutions(what: str, model: Module) -> list[tuple[str, Module]]:
    """The convolutions with their paths, in the order in which they were assigned."""
    found: list[tuple[str, Module]] = [
        (path, m) for path, m in model.named_modules() if isinstance(m, nn.Conv1d | nn.Conv2d)
    ]
    if not found:
        raise ValueError(f"{what}: {type(model).__name__} has no convolution; say which layer, layer='...'")
    return found


def outputs(model: Module, x: Any, layers: list[tuple[str, Module]]) -> dict[str, list[np.ndarray]]:
    """Copies of what these layers return when the model runs on x, one for each call; in the order of first calls."""
    paths = {m: path for path, m in layers}
    found: dict[str, list[np.ndarray]] = {}

    def keep(module: Module, args: Any, out: Any) -> None:
        if isinstance(out, Tensor):
            found.setdefault(paths[module], []).append(out.detach().numpy().copy())

    with untouched(model), no_grad(), hooked(paths, keep):
        model(tensor_for(model, x))
    return found
