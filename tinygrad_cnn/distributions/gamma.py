"""The gamma distribution, and chi-squared."""

from __future__ import annotations

from typing import Any

from ..ops.choice import clamp
from ..ops.elementwise import xlogy
from ..ops.gamma import digamma, lgamma
from ..ops.unary import log
from . import constraints
from .distribution import ExponentialFamily
from .draws import standard_gamma
from .utils import broadcast_all


class Gamma(ExponentialFamily):
    """rate^c · x^(c - 1) · e^(-rate · x) / Γ(c), with c the concentration, for x ≥ 0

    >>> import tinygrad_cnn as tg
    >>> d = tg.distributions.Gamma(tg.tensor(2.0), tg.tensor(4.0))
    >>> d.mean.item(), d.variance.item()
    (0.5, 0.125)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        return clamp((self.concentration - 1) / self.rate, min=0)

    @property
    def variance(self) -> Any:
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        return standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        c = self.concentration
        return xlogy(c, self.rate) + xlogy(c - 1, value) - self.rate * value - lgamma(c)

    def entropy(self) -> Any:
        c = self.concentration
        return c - log(self.rate) + lgamma(c) + (1 - c) * digamma(c)


class Chi2(Gamma):
    """The sum of the squares of df normal numbers: a gamma distribution of concentration df / 2 and rate ½.

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.Chi2(3.0).mean.item()
    3.0
    """

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return Chi2(self.df.expand(batch_shape), self._checks)

    @property
    def df(self) -> Any:
        return self.concentration * 2
