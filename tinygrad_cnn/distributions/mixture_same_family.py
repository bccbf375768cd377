"""A choice among distributions of one kind."""

from __future__ import annotations

from typing import Any

from ..ops.reduce import logsumexp
from ..ops.softmax import log_softmax
from . import constraints
from .categorical import Categorical
from .distribution import Distribution


class MixtureSameFamily(Distribution):
    """Σ pᵢ · componentᵢ: the last axis of the components' batch is the mixture's, which says how probable each is.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.distributions import Categorical, MixtureSameFamily, Normal
    >>> d = MixtureSameFamily(Categorical(tg.ones(2)), Normal(tg.tensor([-1.0, 1.0]), tg.ones(2)))
    >>> d.mean.item(), d.variance.item()
    (0.0, 2.0)
    """

    arg_constraints: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"

    def __init__(self, mixture_distribution: Any, component_distribution: Any, validate_args: bool | None = None):
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError("MixtureSameFamily: the mixture distribution must be a Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("MixtureSameFamily: the component distribution must be a Distribution")
        weights, parts = mixture_distribution.batch_shape, component_distribution.batch_shape
        if any(i != j and 1 not in (i, j) for i, j in zip(reversed(weights), reversed(parts[:-1]))):
            raise ValueError(f"MixtureSameFamily: batches {tuple(weights)} and {tuple(parts[:-1])} do not fit")
        if mixture_distribution._num_events != parts[-1]:
            raise ValueError(
                f"MixtureSameFamily: {parts[-1]} components, but {mixture_distribution._num_events} weights for them"
            )
        super().__init__(parts[:-1], component_distribution.event_shape, validate_args)

    @property
    def mixture_distribution(self) -> Any:
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Any:
        return self._component_distribution

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        parts = self._component_distribution.expand((*batch_shape, self._mixture_distribution._num_events))
        return MixtureSameFamily(self._mixture_distribution.expand(batch_shape), parts, self._checks)

    @constraints.dependent_property
    def support(self) -> Any:  # type: ignore[override]
        return self._component_distribution.support

    def _apart(self, value: Any) -> Any:
        """With an axis for the components in front of those of an event."""
        return value.unsqueeze(-1 - len(self._event_shape))

    def _weighed(self, values: Any) -> Any:
        p = self._mixture_distribution.probs
        p = p.reshape((*p.shape, *(1,) * len(self._event_shape)))
        return (p * values).sum(-1 - len(self._event_shape))

    @property
    def mean(self) -> Any:
        return self._weighed(self._component_distribution.mean)

    @property
    def variance(self) -> Any:
        inside = self._weighed(self._component_distribution.variance)
        return inside + self._weighed((self._component_distribution.mean - self._apart(self.mean)) ** 2)

    def sample(self, sample_shape: Any = ()) -> Any:
        chosen = self._mixture_distribution.expand(self._batch_shape).sample(sample_shape)
        values = self._component_distribution.sample(sample_shape)
        at, event = len(sample_shape) + len(self._batch_shape), self._event_shape
        index = chosen.reshape((*chosen.shape, 1, *(1,) * len(event))).expand((*chosen.shape, 1, *event))
        return values.gather(at, index).squeeze(at)

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        parts = self._component_distribution.log_prob(self._apart(value))
        return logsumexp(parts + log_softmax(self._mixture_distribution.logits, -1), -1)

    def cdf(self, value: Any) -> Any:
        parts = self._component_distribution.cdf(self._apart(value))
        return (parts * self._mixture_distribution.probs).sum(-1)
