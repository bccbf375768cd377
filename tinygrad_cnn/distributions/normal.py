"""The normal distribution, and what is made of it."""

from __future__ import annotations

import math
from typing import Any

from ..ops.elementwise import sub
from ..ops.special import erfinv
from ..ops.unary import erf, log
from ..surface.sampling import randn
from . import constraints
from .distribution import ExponentialFamily
from .utils import broadcast_all


class Normal(ExponentialFamily):
    """e^(-(x - loc)² / 2 scale²) / (scale · √(2π))

    >>> import tinygrad_cnn as tg
    >>> mean = tg.tensor(1.0, requires_grad=True)
    >>> tg.distributions.Normal(mean, 2.0).log_prob(tg.tensor(3.0)).backward()
    >>> mean.grad.item()
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
    def stddev(self) -> Any:
        return self.scale

    @property
    def variance(self) -> Any:
        return self.scale**2

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.loc + randn(self._extended_shape(sample_shape), dtype=self.loc.dtype) * self.scale

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        return -((value - self.loc) ** 2) / (2 * self.scale**2) - log(self.scale) - math.log(math.sqrt(2 * math.pi))

    def cdf(self, value: Any) -> Any:
        self._checked(value)
        return 0.5 * (1 + erf(sub(value, self.loc) / (self.scale * math.sqrt(2))))

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Any:
        return 0.5 + 0.5 * math.log(2 * math.pi) + log(self.scale)
