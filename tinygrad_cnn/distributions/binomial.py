"""How often a coin falls on 1 of so many times."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import wrap
from ..ops.gamma import lgamma
from ..ops.unary import abs, exp, log1p
from ..random import rng
from ..surface.creation import arange
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property, logits_to_probs, one_of, probs_to_logits


class Binomial(Distribution):
    """n! / (k! · (n - k)!) · p^k · (1 - p)^(n - k), for k = 0 to n, total_count; p is given as probs or logits

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.Binomial(10, probs=tg.tensor(0.25)).mean.item()
    2.5
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        self._given = one_of("Binomial", probs=probs, logits=logits)
        total_count, given = broadcast_all(total_count, logits if probs is None else probs)
        self.total_count = total_count.to(given.dtype)
        setattr(self, self._given, given)
        super().__init__(given.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    @lazy_property
    def logits(self) -> Any:
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Any:
        return getattr(self, self._given).shape

    @property
    def mean(self) -> Any:
        return self.total_count * self.probs

    @property
    def mode(self) -> Any:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        n, p = self.total_count.numpy(), self.probs.detach().numpy()
        return wrap(np.asarray(rng().binomial(n.astype(np.int64), p, self._extended_shape(sample_shape)), p.dtype))

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        n = self.total_count
        ways = lgamma(n + 1) - lgamma(value + 1) - lgamma(n - value + 1)
        # n · ln(1 + e^logits), for logits of any size
        total = n * self.logits.clamp(min=0) + n * log1p(exp(-abs(self.logits)))
        return value * self.logits + ways - total

    def entropy(self) -> Any:
        n = int(self.total_count.max())
        if not (self.total_count == n).all():
            raise NotImplementedError("Binomial: entropy is there for one total_count alone")
        chances = self.log_prob(self.enumerate_support(False))
        return -(exp(chances) * chances).sum(0)

    def enumerate_support(self, expand: bool = True) -> Any:
        n = int(self.total_count.max())
        if not (self.total_count == n).all():
            raise NotImplementedError("Binomial: enumerate_support is there for one total_count alone")
        return self._values(arange(n + 1, dtype=self.total_count.dtype), expand)
