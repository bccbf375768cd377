"""One of several, by its number."""

from __future__ import annotations

from typing import Any

from ..arrays.dtypes import finfo, int64
from ..ops.reduce import logsumexp
from ..ops.shape import broadcast_tensors
from ..surface.creation import arange, full
from ..surface.sampling import multinomial
from . import constraints
from .distribution import Distribution
from .utils import lazy_property, logits_to_probs, one_of, probs_to_logits


class Categorical(Distribution):
    """Number i with probability probs[..., i]: (..., K); or given as logits, of which it is the softmax

    probs that do not sum up to 1 are divided by their sum; ValueError for negative ones.

    >>> import tinygrad_cnn as tg
    >>> logits = tg.zeros(4, requires_grad=True)
    >>> d = tg.distributions.Categorical(logits=logits)
    >>> (-d.log_prob(tg.tensor(2))).backward()  # REINFORCE's: times the reward
    >>> logits.grad.tolist(), round(d.perplexity().item(), 4)
    ([0.25, 0.25, -0.75, 0.25], 4.0)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        self._given = one_of("Categorical", probs=probs, logits=logits)
        given = logits if probs is None else probs
        if given.ndim < 1:
            raise ValueError(f"Categorical: {self._given} must have at least one axis, got a number")
        if probs is None:
            self.logits = given - logsumexp(given, -1, True)
        else:
            self.probs = given / given.sum(-1, keepdim=True)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self) -> Any:
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Any:
        return logits_to_probs(self.logits)

    @property
    def param_shape(self) -> Any:
        return getattr(self, self._given).shape

    @property
    def mean(self) -> Any:
        return full(self._batch_shape, float("nan"), dtype=self.probs.dtype)

    @property
    def mode(self) -> Any:
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Any:
        return full(self._batch_shape, float("nan"), dtype=self.probs.dtype)

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        n = 1
        for length in sample_shape:
            n *= length
        rows = self.probs.detach().reshape(-1, self._num_events)
        if not n or not rows.shape[0]:
            return full(shape, 0, dtype=int64)
        return multinomial(rows, n, True).T.reshape(shape)

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        value, logits = broadcast_tensors(value.to(int64)[..., None], self.logits)
        return logits.gather(-1, value[..., :1])[..., 0]

    def entropy(self) -> Any:
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._values(arange(self._num_events), expand)
