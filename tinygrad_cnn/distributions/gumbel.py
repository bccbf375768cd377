"""The greatest of many numbers."""

from __future__ import annotations

import math
from typing import Any

from ..ops.unary import exp, log
from ..surface.sampling import rand
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, clamp_probs

EULER = 0.57721566490153286060


class Gumbel(Distribution):
    """e^(y - e^y) / scale, with y = (loc - x) / scale

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.Gumbel(0.0, 1.0).log_prob(tg.tensor(0.0)).item()
    -1.0
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.loc + self.scale * EULER

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def stddev(self) -> Any:
        return math.pi / math.sqrt(6) * self.scale

    @property
    def variance(self) -> Any:
        return self.stddev**2

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(clamp_probs(rand(self._extended_shape(sample_shape), dtype=self.loc.dtype)))

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        y = (self.loc - value) / self.scale
        return (y - exp(y)) - log(self.scale)

    def cdf(self, value: Any) -> Any:
        self._checked(value)
        return exp(-exp((self.loc - value) / self.scale))

    def icdf(self, value: Any) -> Any:
        return self.loc - self.scale * log(-log(value))

    def entropy(self) -> Any:
        return log(self.scale) + (1 + EULER)
