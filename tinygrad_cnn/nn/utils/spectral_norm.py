"""A weight divided by its largest singular value, by a hook; `parametrizations.spectral_norm` does it without one."""

from __future__ import annotations

from typing import Any, TypeVar

from ...autograd.grad_mode import no_grad
from ...engine.tensor import Tensor
from ...surface.creation import empty_like
from .. import functional as F
from .. import init
from ..conv import ConvTranspose1d, ConvTranspose2d
from ..module import Module
from ..parameter import Parameter, is_lazy
from .weight_norm import _hook

M = TypeVar("M", bound=Module)


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """(..., n, ...) -> (n, all others), where n is the length of axis dim."""
    rest = [axis for axis in range(weight.ndim) if axis != dim]
    return weight.permute(dim, *rest).reshape(weight.shape[dim], -1)


def axis_of_outputs(module: Module) -> int:
    """The axis of a layer's weight that counts its outputs."""
    return 1 if isinstance(module, ConvTranspose1d | ConvTranspose2d) else 0


def a_direction(like: Tensor, eps: float) -> Tensor:
    """A vector of length 1, drawn at random."""
    return F.normalize(init.normal_(empty_like(like)), dim=0, eps=eps)


class SpectralNorm:
    """The hook that computes a weight before each call."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float):
        if n_power_iterations <= 0:
            raise ValueError(f"spectral_norm: Expected n_power_iterations to be positive, but got {n_power_iterations}")
        self.name = name
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        weight, u, v = (getattr(module, self.name + end) for end in ("_orig", "_u", "_v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    F.normalize(matrix.t().mv(u), dim=0, eps=self.eps, out=v)
                    F.normalize(matrix.mv(v), dim=0, eps=self.eps, out=u)
            u, v = u.clone(), v.clone()  # the next call changes them, and backward still needs these
        return weight / u.dot(matrix.mv(v))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """weight = weight_orig / σ, with σ its largest singular value as a matrix of dim by all others.

    σ = uᵀ·weight·v, where u and v are buffers that come nearer to the singular vectors by n_power_iterations steps in
    each call in training (Miyato et al., 2018). dim: by default the axis of outputs. They are `weight_orig`, `weight_u`
    and `weight_v` in the state. RuntimeError for a second one on the same weight.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.utils.spectral_norm(tg.nn.Linear(3, 2), n_power_iterations=50)
    >>> layer(tg.zeros(1, 3)).shape
    (1, 2)
    >>> list(layer.state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    if _hook(module, SpectralNorm, name) is not None:
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    hook = SpectralNorm(name, n_power_iterations, axis_of_outputs(module) if dim is None else dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"spectral_norm: cannot be applied as parameter {name!r} is None")
    if is_lazy(weight):
        raise ValueError("spectral_norm: the weight is uninitialized; run a dummy batch through the module first")
    with no_grad():
        matrix = as_matrix(weight, hook.dim)
        u, v = a_direction(matrix[:, 0], eps), a_direction(matrix[0], eps)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.data)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Let the weight be a parameter again, with the value that it has. ValueError where it has no spectral_norm.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.utils.remove_spectral_norm(tg.nn.utils.spectral_norm(tg.nn.Linear(3, 2)))
    >>> sorted(layer.state_dict())
    ['bias', 'weight']
    """
    key = _hook(module, SpectralNorm, name)
    if key is None:
        raise ValueError(f"spectral_norm of {name!r} not found in {module}")
    with no_grad():
        weight = module._forward_pre_hooks.pop(key).compute_weight(module, False)
    for end in ("", "_u", "_v", "_orig"):
        delattr(module, name + end)
    module.register_parameter(name, Parameter(weight.detach()))
    return module
