"""The normal distribution of vectors."""

from __future__ import annotations

import math
from typing import Any

from ..linalg import cholesky, inv, solve_triangular
from ..ops.shape import broadcast_shapes
from ..ops.unary import log
from ..surface.creation import eye
from ..surface.sampling import randn
from . import constraints
from .distribution import Distribution
from .utils import lazy_property, one_of


def batch_mahalanobis(L: Any, x: Any) -> Any:
    """xᵀ (L Lᵀ)⁻¹ x of vectors: (..., K, K) (..., K) -> (...)"""
    return (solve_triangular(L, x[..., None], upper=False)[..., 0] ** 2).sum(-1)


class MultivariateNormal(Distribution):
    """e^(-½ (x - loc)ᵀ Σ⁻¹ (x - loc)) / √((2π)^K · det Σ): (..., K) is one event

    One of these is given: covariance_matrix, Σ; precision_matrix, its inverse; scale_tril, the lower triangle L of
    Σ = L Lᵀ. All are (..., K, K).

    >>> import tinygrad_cnn as tg
    >>> d = tg.distributions.MultivariateNormal(tg.zeros(2), tg.tensor([[4.0, 0.0], [0.0, 1.0]]))
    >>> d.variance.tolist(), d.sample((3,)).shape
    ([4.0, 1.0], (3, 2))
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ):
        name = one_of(
            "MultivariateNormal",
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        matrix = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix}.get(name, scale_tril)
        if loc.ndim < 1 or matrix.ndim < 2:
            raise ValueError(
                f"MultivariateNormal: loc must be vectors and {name} matrices, got {tuple(loc.shape)} and "
                f"{tuple(matrix.shape)}"
            )
        batch, event = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1]), loc.shape[-1:]
        self.loc = loc.expand(batch + event)
        setattr(self, name, matrix.expand(batch + matrix.shape[-2:]))
        super().__init__(batch, event, validate_args)
        if name == "covariance_matrix":
            self._L = cholesky(matrix)
        elif name == "scale_tril":
            self._L = matrix
        else:
            self._L = _triangle_of_inverse(matrix)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._L = self._L.expand(new._batch_shape + self._L.shape[-2:])
        return new

    @lazy_property
    def scale_tril(self) -> Any:
        return self._whole(self._L)

    @lazy_property
    def covariance_matrix(self) -> Any:
        return self._whole(self._L @ self._L.mT)

    @lazy_property
    def precision_matrix(self) -> Any:
        return self._whole(inv(self._L @ self._L.mT))

    def _whole(self, matrix: Any) -> Any:
        return matrix.expand(self._batch_shape + 2 * self._event_shape)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return (self._L**2).sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        drawn = randn(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        return self.loc + (self._L @ drawn[..., None])[..., 0]

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        far = batch_mahalanobis(self._L, value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + far) - half_log_det(self._L)

    def entropy(self) -> Any:
        out = 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi)) + half_log_det(self._L)
        return out.expand(self._batch_shape)


def half_log_det(L: Any) -> Any:
    """½ ln det (L Lᵀ)"""
    return log(L.diagonal(0, -2, -1)).sum(-1)


def _triangle_of_inverse(P: Any) -> Any:
    """The lower triangle L with L Lᵀ = P⁻¹, by Cholesky's of P with rows and columns turned round."""
    U = cholesky(P.flip((-2, -1))).flip((-2, -1))  # P = U Uᵀ
    return solve_triangular(U.mT, eye(P.shape[-1], dtype=P.dtype), upper=False)
