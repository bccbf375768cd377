"""A coin."""

from __future__ import annotations

from typing import Any

from ..ops.choice import where
from ..ops.pointwise_loss import binary_cross_entropy_with_logits
from ..surface.creation import arange
from ..surface.sampling import bernoulli
from . import constraints
from .distribution import ExponentialFamily
from .utils import broadcast_all, lazy_property, logits_to_probs, one_of, probs_to_logits


class Bernoulli(ExponentialFamily):
    """1 with probability p, else 0; p is given as probs, or as logits, ln p/(1 - p)

    >>> import tinygrad_cnn as tg
    >>> d = tg.distributions.Bernoulli(probs=tg.tensor([0.25, 1.0]))
    >>> d.mean.tolist(), round(d.log_prob(tg.tensor([0.0, 1.0]))[0].exp().item(), 4)
    ([0.25, 1.0], 0.75)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        self._given = one_of("Bernoulli", probs=probs, logits=logits)
        (given,) = broadcast_all(logits if probs is None else probs)
        setattr(self, self._given, given)
        super().__init__(given.shape, validate_args=validate_args)

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
        return self.probs

    @property
    def mode(self) -> Any:
        return where(self.probs == 0.5, float("nan"), (self.probs >= 0.5).to(self.probs.dtype))

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        return bernoulli(self.probs.detach().expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Any:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._values(arange(2, dtype=getattr(self, self._given).dtype), expand)
