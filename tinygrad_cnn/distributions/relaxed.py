"""Discrete distributions made smooth, so that samples have gradients.

C. Maddison, A. Mnih, Y. Teh, The concrete distribution (2017); E. Jang, S. Gu, B. Poole, Categorical reparameterization
with Gumbel-softmax (2017). As the temperature falls, samples come near to 0 and 1.
"""

from __future__ import annotations

import math
from typing import Any

from ..ops.reduce import logsumexp
from ..ops.shape import broadcast_tensors
from ..ops.unary import exp, log, log1p
from ..surface.creation import tensor
from ..surface.sampling import rand
from . import constraints
from .bernoulli import Bernoulli
from .categorical import Categorical
from .distribution import Distribution
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform, SigmoidTransform
from .utils import broadcast_all, clamp_probs


def _as_tensor(temperature: Any) -> Any:
    return temperature if hasattr(temperature, "ndim") else tensor(float(temperature))


class LogitRelaxedBernoulli(Distribution):
    """The logits of `RelaxedBernoulli`.

    >>> import tinygrad_cnn as tg
    >>> LogitRelaxedBernoulli(tg.tensor(0.5), probs=tg.tensor([0.1, 0.9])).rsample().shape
    (2,)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        self.temperature = _as_tensor(temperature)
        self._bernoulli = Bernoulli(probs, logits)
        super().__init__(self._bernoulli.batch_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return LogitRelaxedBernoulli(self.temperature, None, self.logits.expand(batch_shape), self._checks)

    @property
    def probs(self) -> Any:
        return self._bernoulli.probs

    @property
    def logits(self) -> Any:
        return self._bernoulli.logits

    @property
    def param_shape(self) -> Any:
        return self._bernoulli.param_shape

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        p = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(rand(shape, dtype=p.dtype))
        return (log(u) - log1p(-u) + log(p) - log1p(-p)) / self.temperature

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        apart = logits - value * self.temperature
        return log(self.temperature) + apart - 2 * log1p(exp(apart))


class RelaxedBernoulli(TransformedDistribution):
    """A number between 0 and 1 in the place of `Bernoulli`'s 0 or 1.

    >>> import tinygrad_cnn as tg
    >>> x = tg.distributions.RelaxedBernoulli(tg.tensor(0.5), tg.tensor([0.1, 0.9])).rsample((100,))
    >>> bool((x > 0).all() and (x < 1).all())
    True
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True  # type: ignore[assignment]

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(), validate_args)

    @property
    def temperature(self) -> Any:
        return self.base_dist.temperature  # type: ignore[attr-defined]

    @property
    def probs(self) -> Any:
        return self.base_dist.probs  # type: ignore[attr-defined]

    @property
    def logits(self) -> Any:
        return self.base_dist.logits  # type: ignore[attr-defined]


class ExpRelaxedCategorical(Distribution):
    """The logarithms of `RelaxedOneHotCategorical`.

    >>> import tinygrad_cnn as tg
    >>> ExpRelaxedCategorical(tg.tensor(0.5), probs=tg.ones(3)).rsample((2,)).shape
    (2, 3)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        self.temperature = _as_tensor(temperature)
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        logits = self.logits.expand((*batch_shape, *self._event_shape))
        return ExpRelaxedCategorical(self.temperature, None, logits, self._checks)

    @property
    def probs(self) -> Any:
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        return self._categorical.param_shape

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = clamp_probs(rand(self._extended_shape(sample_shape), dtype=self.logits.dtype))
        scores = (self.logits - log(-log(u))) / self.temperature
        return scores - logsumexp(scores, -1, True)

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        k = self._event_shape[0]
        logits, value = broadcast_tensors(self.logits, value)
        score = logits - value * self.temperature
        score = (score - logsumexp(score, -1, True)).sum(-1)
        return score + math.lgamma(k) + (k - 1) * log(self.temperature)


class RelaxedOneHotCategorical(TransformedDistribution):
    """Numbers that sum up to 1 in the place of the unit vectors of `OneHotCategorical`.

    >>> import tinygrad_cnn as tg
    >>> x = tg.distributions.RelaxedOneHotCategorical(tg.tensor(0.5), logits=tg.zeros(3)).rsample()
    >>> round(x.sum().item(), 4)
    1.0
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    has_rsample = True  # type: ignore[assignment]

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args)

    @property
    def temperature(self) -> Any:
        return self.base_dist.temperature  # type: ignore[attr-defined]

    @property
    def probs(self) -> Any:
        return self.base_dist.probs  # type: ignore[attr-defined]

    @property
    def logits(self) -> Any:
        return self.base_dist.logits  # type: ignore[attr-defined]
