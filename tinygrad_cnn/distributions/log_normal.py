"""e to the power of a normal number."""

from __future__ import annotations

from typing import Any

from ..ops.unary import exp, expm1
from . import constraints
from .normal import Normal
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform


class LogNormal(TransformedDistribution):
    """e^x with x of Normal(loc, scale)

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.LogNormal(2.0, 1.0).entropy() - tg.distributions.Normal(2.0, 1.0).entropy()
    tensor(2., shape=(), dtype=float32)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    has_rsample = True  # type: ignore[assignment]

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None):
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(), validate_args)

    @property
    def loc(self) -> Any:
        return self.base_dist.loc  # type: ignore[attr-defined]

    @property
    def scale(self) -> Any:
        return self.base_dist.scale  # type: ignore[attr-defined]

    @property
    def mean(self) -> Any:
        return exp(self.loc + self.scale**2 / 2)

    @property
    def mode(self) -> Any:
        return exp(self.loc - self.scale**2)

    @property
    def variance(self) -> Any:
        return expm1(self.scale**2) * exp(2 * self.loc + self.scale**2)

    def entropy(self) -> Any:
        return self.base_dist.entropy() + self.loc
