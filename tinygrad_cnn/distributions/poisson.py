"""How many events come in a time, at a rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import wrap
from ..ops.elementwise import xlogy
from ..ops.gamma import lgamma
from ..ops.unary import floor
from ..random import rng
from . import constraints
from .distribution import ExponentialFamily
from .utils import broadcast_all


class Poisson(ExponentialFamily):
    """rate^k · e^-rate / k!, for k = 0, 1, 2 ...

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.Poisson(2.0).log_prob(tg.tensor(0.0)).item()
    -2.0
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None):
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.rate

    @property
    def mode(self) -> Any:
        return floor(self.rate)

    @property
    def variance(self) -> Any:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Any:
        rate = self.rate.detach().numpy()
        return wrap(np.asarray(rng().poisson(rate, self._extended_shape(sample_shape)), rate.dtype))

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        rate, value = broadcast_all(self.rate, value)
        return xlogy(value, rate) - rate - lgamma(value + 1)
