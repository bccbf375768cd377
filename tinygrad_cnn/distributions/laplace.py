"""The distribution with two exponential sides."""

from __future__ import annotations

from typing import Any

from ..arrays.dtypes import finfo
from ..ops.choice import clamp
from ..ops.unary import abs, expm1, log, log1p, sign
from ..surface.sampling import rand
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all


class Laplace(Distribution):
    """e^(-|x - loc| / scale) / (2 · scale)

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.Laplace(0.0, 1.0).log_prob(tg.tensor(0.0)).exp().item()
    0.5
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return 2 * self.scale**2

    @property
    def stddev(self) -> Any:
        return 2**0.5 * self.scale

    def rsample(self, sample_shape: Any = ()) -> Any:
        least = finfo(self.loc.dtype).eps
        u = clamp(2 * rand(self._extended_shape(sample_shape), dtype=self.loc.dtype) - 1, least - 1, 1)
        return self.loc - self.scale * sign(u) * log1p(-clamp(abs(u), 0, 1 - least / 2))

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        return -log(2 * self.scale) - abs(value - self.loc) / self.scale

    def cdf(self, value: Any) -> Any:
        self._checked(value)
        apart = value - self.loc
        return 0.5 - 0.5 * sign(apart) * expm1(-abs(apart) / self.scale)

    def icdf(self, value: Any) -> Any:
        side = value - 0.5
        return self.loc - self.scale * sign(side) * log1p(-2 * abs(side))

    def entropy(self) -> Any:
        return 1 + log(2 * self.scale)
