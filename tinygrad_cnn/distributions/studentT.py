"""The mean of few normal numbers, over their deviation."""

from __future__ import annotations

import math
from typing import Any

from ..ops.choice import where
from ..ops.elementwise import sub
from ..ops.gamma import digamma, lgamma
from ..ops.unary import log, log1p, rsqrt
from ..surface.sampling import randn
from . import constraints
from .distribution import Distribution
from .draws import standard_gamma
from .utils import broadcast_all


class StudentT(Distribution):
    """Γ((df + 1) / 2) / (Γ(df / 2) · √(π · df) · scale) · (1 + y² / df)^(-(df + 1) / 2), with y = (x - loc) / scale

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.StudentT(4.0).variance.item()
    2.0
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        known = where(self.df > 2, self.df, 3)
        finite = self.scale**2 * known / (known - 2)
        return where(self.df > 2, finite, where(self.df > 1, math.inf, math.nan))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        chi2 = 2 * standard_gamma((self.df / 2).expand(shape))
        return self.loc + self.scale * randn(shape, dtype=self.df.dtype) * rsqrt(chi2 / self.df)

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        y = sub(value, self.loc) / self.scale
        norm = log(self.scale) + 0.5 * log(self.df) + 0.5 * math.log(math.pi)
        norm = norm + lgamma(self.df / 2) - lgamma((self.df + 1) / 2)
        return -0.5 * (self.df + 1) * log1p(y**2 / self.df) - norm

    def entropy(self) -> Any:
        half = (self.df + 1) / 2
        beta = lgamma(self.df / 2) + math.lgamma(0.5) - lgamma(half)
        return log(self.scale) + half * (digamma(half) - digamma(self.df / 2)) + 0.5 * log(self.df) + beta
