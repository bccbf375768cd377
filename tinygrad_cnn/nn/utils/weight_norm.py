"""A weight as a length and a direction, by a hook; `parametrizations.weight_norm` does it without one."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

from ...arrays.lines import user_level
from ...engine.tensor import Tensor
from ...ops.magnitude import norm
from ..module import Module
from ..parameter import Parameter, is_lazy

M = TypeVar("M", bound=Module)


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """√Σ v² over all axes but dim, which stay with length 1; over all of them, as one number, for dim = -1."""
    if dim == -1:
        return norm(v)
    kept = range(v.ndim)[dim]
    others = [axis for axis in range(v.ndim) if axis != kept]
    return norm(v, dim=others, keepdim=True) if others else abs(v)


def scaled(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """g·v / |v|"""
    return v * (g / norm_except_dim(v, dim))


class WeightNorm:
    """The hook that computes a weight before each call."""

    def __init__(self, name: str, dim: int | None):
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        return scaled(getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g"), self.dim)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """weight = g·v / |v|: the parameters g and v, for the weight's, which is computed before each call.

    |v| is over all axes but dim, or over all with None (Salimans and Kingma, 2016). They are `weight_g` and `weight_v`
    in the state; `remove_weight_norm` makes them a weight again. A FutureWarning says that PyTorch wants
    `parametrizations.weight_norm`. RuntimeError for a second one on the same weight.

    >>> import tinygrad_cnn as tg, warnings
    >>> warnings.simplefilter("ignore", FutureWarning)
    >>> layer = tg.nn.utils.weight_norm(tg.nn.Linear(3, 2))
    >>> [(name, p.shape) for name, p in layer.named_parameters()]
    [('bias', (2,)), ('weight_g', (2, 1)), ('weight_v', (2, 3))]
    """
    warnings.warn(
        "`nn.utils.weight_norm` is deprecated in favor of `nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=user_level(),
    )
    if _hook(module, WeightNorm, name) is not None:
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook, weight = WeightNorm(name, dim), getattr(module, name)
    if is_lazy(weight):
        raise ValueError("weight_norm: the weight is uninitialized; run a dummy batch through the module first")
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight, hook.dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.data))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Let the weight be a parameter again, with the value that it has. ValueError where it has no weight_norm.

    >>> import tinygrad_cnn as tg, warnings
    >>> warnings.simplefilter("ignore", FutureWarning)
    >>> layer = tg.nn.utils.remove_weight_norm(tg.nn.utils.weight_norm(tg.nn.Linear(3, 2)))
    >>> sorted(layer.state_dict())
    ['bias', 'weight']
    """
    key = _hook(module, WeightNorm, name)
    if key is None:
        raise ValueError(f"weight_norm of {name!r} not found in {module}")
    weight = module._forward_pre_hooks.pop(key).compute_weight(module)
    for left in (name, f"{name}_g", f"{name}_v"):
        delattr(module, left)
    setattr(module, name, Parameter(weight.detach()))
    return module


def _hook(module: Module, kind: type, name: str) -> int | None:
    """The key of the hook of this kind that computes this tensor."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and vars(hook)["name"] == name:
            return key
    return None
