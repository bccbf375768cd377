"""The magnitude of a number whose distribution is the same on both sides of 0."""

from __future__ import annotations

import math
from typing import Any

from ..ops.choice import where
from ..ops.unary import abs
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all


class Magnitude(Distribution):
    """|x| with x of a subclass's `two_sided(0, scale)`: twice its density where x >= 0."""

    two_sided: Any

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Any, validate_args: bool | None = None):
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def _base(self) -> Any:
        return self.two_sided(self.scale * 0, self.scale, validate_args=False)

    @property
    def mode(self) -> Any:
        return self.scale.detach() * 0

    def rsample(self, sample_shape: Any = ()) -> Any:
        return abs(self._base.rsample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        return where(value >= 0, self._base.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value: Any) -> Any:
        self._checked(value)
        return 2 * self._base.cdf(value) - 1

    def icdf(self, value: Any) -> Any:
        return self._base.icdf((value + 1) / 2)

    def entropy(self) -> Any:
        return self._base.entropy() - math.log(2)
