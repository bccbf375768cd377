"""Parametrizations that are often wanted: a weight of a length that is learned, or of a bounded one."""

from __future__ import annotations

from typing import Any, TypeVar

from ...autograd.grad_mode import no_grad
from ...engine.tensor import Tensor
from .. import functional as F
from ..module import Module
from .parametrize import register_parametrization
from .spectral_norm import a_direction, as_matrix, axis_of_outputs
from .weight_norm import norm_except_dim, scaled

M = TypeVar("M", bound=Module)


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return scaled(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """The length and the direction of a weight."""
        return norm_except_dim(weight, self.dim), weight

    def rename(self, state: dict[str, Any], prefix: str, name: str) -> None:
        """Let a state of `nn.utils.weight_norm` be one of this."""
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state for key in old):
            for i, key in enumerate(old):
                state[f"{prefix}parametrizations.{name}.original{i}"] = state.pop(key)


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """weight = g·v / |v|, |v| over all axes but dim, or over all with None (Salimans and Kingma, 2016).

    g is `parametrizations.weight.original0`, v `original1`; a state of `nn.utils.weight_norm` can be loaded.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.utils.parametrizations.weight_norm(tg.nn.Linear(3, 2))
    >>> [(name, p.shape) for name, p in layer.parametrizations.weight.named_parameters()]
    [('original0', (2, 1)), ('original1', (2, 3))]
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12):
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim={dim} is out of range for a weight of shape {tuple(weight.shape)}")
        if n_power_iterations <= 0:
            raise ValueError(f"spectral_norm: Expected n_power_iterations to be positive, but got {n_power_iterations}")
        self.dim = dim % weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            self.register_buffer("_u", a_direction(matrix[:, 0], eps))
            self.register_buffer("_v", a_direction(matrix[0], eps))
            self._power_method(matrix, 15)

    def _power_method(self, matrix: Tensor, times: int) -> None:
        with no_grad():
            for _ in range(times):
                F.normalize(matrix.mv(self._v), dim=0, eps=self.eps, out=self._u)
                F.normalize(matrix.t().mv(self._u), dim=0, eps=self.eps, out=self._v)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the next call changes them, and backward still needs these
        return weight / u.dot(matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself: the norm of what is assigned is taken to be right."""
        return value


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """weight = original / σ, with σ its largest singular value as a matrix of dim by all others (Miyato et al., 2018).

    σ = uᵀ·original·v, where u and v are buffers that come nearer to the singular vectors by n_power_iterations steps
    whenever the weight is computed in training. dim: by default the axis of outputs.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.utils.parametrizations.spectral_norm(tg.nn.Linear(20, 40))
    >>> list(layer.state_dict())[1:]
    ['parametrizations.weight.original', 'parametrizations.weight.0._u', 'parametrizations.weight.0._v']
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module {module} has no parameter or buffer with name {name!r}")
    dim = axis_of_outputs(module) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
