"""How often a coin falls on 0 before 1."""

from __future__ import annotations

from typing import Any

from ..arrays.dtypes import finfo
from ..ops.pointwise_loss import binary_cross_entropy_with_logits
from ..ops.unary import floor, log, log1p
from ..surface.sampling import rand
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property, logits_to_probs, one_of, probs_to_logits


class Geometric(Distribution):
    """(1 - p)^k · p, for k = 0, 1, 2 ...; p is given as probs, or as logits, ln p/(1 - p)

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.Geometric(tg.tensor(0.25)).mean.item()
    3.0
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        self._given = one_of("Geometric", probs=probs, logits=logits)
        (given,) = broadcast_all(logits if probs is None else probs)
        setattr(self, self._given, given)
        super().__init__(given.shape, validate_args=validate_args)
        if self._checks and probs is not None and not (given > 0).all():
            raise ValueError(f"Geometric: expected all probs to be greater than 0, got {given.detach()}")

    @lazy_property
    def logits(self) -> Any:
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def mean(self) -> Any:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Any:
        return self.probs.detach() * 0

    @property
    def variance(self) -> Any:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Any:
        p = self.probs.detach().expand(self._extended_shape(sample_shape))
        u = rand(p.shape, dtype=p.dtype).clamp(min=finfo(p.dtype).tiny)
        return floor(log(u) / log1p(-p))

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        value, probs = broadcast_all(value, self.probs)
        certain = (probs == 1) & (value == 0)  # where 0 · ln 0 is 0
        return value * log1p(-probs.masked_fill(certain, 0)) + log(self.probs)

    def entropy(self) -> Any:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
