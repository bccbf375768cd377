"""The magnitude of a Cauchy number."""

from __future__ import annotations

import math
from typing import Any

from ..ops.choice import where
from ..ops.unary import abs
from ..surface.creation import full
from . import constraints
from .cauchy import Cauchy
from .distribution import Distribution
from .utils import broadcast_all


class HalfCauchy(Distribution):
    """|x| with x of Cauchy(0, scale)

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.HalfCauchy(1.0).cdf(tg.tensor(0.0)).item()
    0.0
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Any, validate_args: bool | None = None):
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def _base(self) -> Any:
        """With both sides."""
        return Cauchy(self.scale * 0, self.scale, validate_args=False)

    @property
    def mean(self) -> Any:
        return full(self._batch_shape, math.inf, dtype=self.scale.dtype)

    @property
    def variance(self) -> Any:
        return self._base.variance

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
