"""The uniform distribution."""

from __future__ import annotations

from typing import Any

from ..ops.choice import clamp
from ..ops.compare import gt, le
from ..ops.unary import log
from ..surface.sampling import rand
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all


class Uniform(Distribution):
    """1 / (high - low), for low ≤ x < high

    >>> import tinygrad_cnn as tg
    >>> d = tg.distributions.Uniform(0.0, 4.0)
    >>> d.mean.item(), d.cdf(tg.tensor(1.0)).item()
    (2.0, 0.25)
    """

    has_rsample = True
    arg_constraints = {
        "low": constraints.dependent_property(is_discrete=False, event_dim=0),
        "high": constraints.dependent_property(is_discrete=False, event_dim=0),
    }

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None):
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)
        if self._checks and not (self.low < self.high).all():
            raise ValueError("Uniform: low must be less than high everywhere")

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Any:
        return (self.high + self.low) / 2

    @property
    def mode(self) -> Any:
        return self.high * float("nan")

    @property
    def stddev(self) -> Any:
        return (self.high - self.low) / 12**0.5

    @property
    def variance(self) -> Any:
        return (self.high - self.low) ** 2 / 12

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.low + rand(self._extended_shape(sample_shape), dtype=self.low.dtype) * (self.high - self.low)

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        inside = le(self.low, value) & gt(self.high, value)
        return log(inside.to(self.low.dtype)) - log(self.high - self.low)

    def cdf(self, value: Any) -> Any:
        self._checked(value)
        return clamp((value - self.low) / (self.high - self.low), 0, 1)

    def icdf(self, value: Any) -> Any:
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Any:
        return log(self.high - self.low)
