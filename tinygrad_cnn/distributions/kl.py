"""How far one distribution is from another: Σ p · ln(p / q), by a formula for each pair of kinds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..ops.choice import where
from ..ops.elementwise import xlogy
from ..ops.gamma import digamma, lgamma
from ..ops.unary import abs, erf, exp, log
from ..surface.creation import full_like
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import EULER, Gumbel
from .half_cauchy import HalfCauchy
from .half_normal import HalfNormal
from .independent import Independent, sum_rightmost
from .laplace import Laplace
from .multivariate_normal import MultivariateNormal, batch_mahalanobis, half_log_det
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform

_formulas: dict[tuple[type, type], Callable] = {}


def register_kl(type_p: type, type_q: type) -> Callable:
    """Let a function be the divergence of distributions of these kinds, and of those derived from them: a decorator.

    >>> import tinygrad_cnn as tg
    >>> class Certain(tg.distributions.Normal): ...
    >>> @register_kl(Certain, Certain)
    ... def of_certain(p, q):
    ...     return tg.zeros(p.batch_shape)
    >>> kl_divergence(Certain(0.0, 1.0), Certain(1.0, 1.0)).item()
    0.0
    """
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"register_kl: expected a kind of Distribution, got {kind!r}")

    def register(formula: Callable) -> Callable:
        _formulas[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """Σ p · ln(p / q), for each distribution of the batch; NotImplementedError for kinds without a formula.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.distributions import Normal
    >>> tg.distributions.kl_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0)).item()
    0.5
    """
    far = [
        (type(p).__mro__.index(a) + type(q).__mro__.index(b), i)
        for i, (a, b) in enumerate(_formulas)
        if isinstance(p, a) and isinstance(q, b)
    ]
    if not far:
        raise NotImplementedError(f"kl_divergence: no formula for {type(p).__name__} and {type(q).__name__}")
    return list(_formulas.values())[min(far)[1]](p, q)


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - log(ratio))


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: Any, q: Any) -> Any:
    if p.event_shape != q.event_shape:
        raise ValueError(f"kl_divergence: events of shapes {tuple(p.event_shape)} and {tuple(q.event_shape)}")
    from ..linalg import solve_triangular

    k = p.event_shape[0]
    between = solve_triangular(q._L, p._L, upper=False)
    far = batch_mahalanobis(q._L, q.loc - p.loc)
    return half_log_det(q._L) - half_log_det(p._L) + 0.5 * ((between**2).sum((-2, -1)) + far - k)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Any:
    inside = (q.low <= p.low) & (q.high >= p.high)
    return where(inside, log((q.high - q.low) / (p.high - p.low)), math.inf)


def _times_log(a: Any, b: Any, c: Any) -> Any:
    """a · ln(b / c), which is 0 for a = 0 and inf for c = 0."""
    return where(a == 0, 0.0, where(c == 0, math.inf, a * log(b / c)))


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    return _times_log(p.probs, p.probs, q.probs) + _times_log(1 - p.probs, 1 - p.probs, 1 - q.probs)


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Any:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("kl_divergence: of Binomials, only where q has no larger total_count than p")
    return where(p.total_count > q.total_count, math.inf, p.total_count * _bernoulli(p, q))


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - log(1 - q.probs) / p.probs - q.logits


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Any:
    apart = p.probs * (p.logits - q.logits)
    apart = where((q.probs == 0).expand_as(apart), math.inf, apart)
    return where((p.probs == 0).expand_as(apart), 0.0, apart).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Any:
    return _categorical(p._categorical, q._categorical)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (log(p.rate) - log(q.rate)) - (p.rate - q.rate)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - log(ratio) - 1


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, apart = p.scale / q.scale, abs(p.loc - q.loc)
    return -log(ratio) + apart / q.scale + ratio * exp(-apart / p.scale) - 1


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Any:
    return log((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2) - log(4 * p.scale * q.scale)


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Any:
    ratio = p.scale / q.scale
    a, b = q.loc / q.scale, p.loc / q.scale
    return b - a - log(ratio) + ratio * EULER + exp(a + lgamma(1 + ratio) - b) - (1 + EULER)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Any:
    return _normal(p._base, q._base)


@register_kl(HalfCauchy, HalfCauchy)
def _half_cauchy(p: Any, q: Any) -> Any:
    return _cauchy(p._base, q._base)


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    return b * log(p.rate / q.rate) + lgamma(b) - lgamma(a) + (a - b) * digamma(a) + (q.rate - p.rate) * a / p.rate


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Any:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    norms = lgamma(total) - lgamma(b.sum(-1)) - (lgamma(a) - lgamma(b)).sum(-1)
    return norms + ((a - b) * (digamma(a) - digamma(total)[..., None])).sum(-1)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: Independents of another number of axes")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("kl_divergence: distributions transformed in another way")
    return kl_divergence(p.base_dist, q.base_dist)


# Of different kinds: Σ p · ln(p / q) = -H(p) - E[ln q(x)], where the mean of ln q(x) follows from some means of p.


def _log_of_exponential(q: Any, mean: Any) -> Any:
    return log(q.rate) - q.rate * mean


def _log_of_gamma(q: Any, mean: Any, mean_of_log: Any) -> Any:
    a = q.concentration
    return a * log(q.rate) - lgamma(a) + (a - 1) * mean_of_log - q.rate * mean


def _log_of_normal(q: Any, mean: Any, variance: Any) -> Any:
    return -log(q.scale) - 0.5 * math.log(2 * math.pi) - (variance + (mean - q.loc) ** 2) / (2 * q.scale**2)


def _log_of_gumbel(q: Any, mean: Any, mean_of_exp: Any) -> Any:
    """mean_of_exp: that of e^(-x / scale)."""
    return -log(q.scale) - (mean - q.loc) / q.scale - mean_of_exp * exp(q.loc / q.scale)


for _kind in (Beta, Exponential, Gamma, Gumbel, Laplace, Uniform):

    @register_kl(_kind, Normal)
    def _to_normal(p: Any, q: Any) -> Any:
        return -p.entropy() - _log_of_normal(q, p.mean, p.variance)


for _kind in (Beta, Gamma):

    @register_kl(_kind, Exponential)
    def _to_exponential(p: Any, q: Any) -> Any:
        return -p.entropy() - _log_of_exponential(q, p.mean)


@register_kl(Beta, Gamma)
def _beta_gamma(p: Any, q: Any) -> Any:
    mean_of_log = digamma(p.concentration1) - digamma(p.concentration1 + p.concentration0)
    return -p.entropy() - _log_of_gamma(q, p.mean, mean_of_log)


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Any:
    return -p.entropy() - _log_of_gamma(q, p.mean, -EULER - log(p.rate))


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Any, q: Any) -> Any:
    return -p.entropy() - _log_of_gumbel(q, p.mean, p.rate / (p.rate + 1 / q.scale))


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Any, q: Any) -> Any:
    return -p.entropy() - _log_of_gumbel(q, p.mean, (1 + 1 / (p.rate * q.scale)) ** -p.concentration)


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Any, q: Any) -> Any:
    mean_of_exp = exp(-p.loc / q.scale + 0.5 * (p.scale / q.scale) ** 2)
    return -p.entropy() - _log_of_gumbel(q, p.mean, mean_of_exp)


@register_kl(Normal, Laplace)
def _normal_laplace(p: Any, q: Any) -> Any:
    apart = (p.loc - q.loc) / p.scale  # and the mean distance from q.loc is that of a folded normal number
    distance = p.scale * (math.sqrt(2 / math.pi) * exp(-0.5 * apart**2) + apart * erf(apart / math.sqrt(2)))
    return -p.entropy() + log(2 * q.scale) + distance / q.scale


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Any, q: Any) -> Any:
    mean_of_exp = (exp(-p.low / q.scale) - exp(-p.high / q.scale)) * q.scale / (p.high - p.low)
    return -p.entropy() - _log_of_gumbel(q, p.mean, mean_of_exp)


def _mean_of_log(low: Any, high: Any) -> Any:
    """Of ln x, for an x between low and high, all equally probable."""
    return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Any, q: Any) -> Any:
    return where(p.low < 0, math.inf, -p.entropy() - _log_of_exponential(q, p.mean))


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Any, q: Any) -> Any:
    return where(p.low < 0, math.inf, -p.entropy() - _log_of_gamma(q, p.mean, _mean_of_log(p.low, p.high)))


@register_kl(Uniform, Beta)
def _uniform_beta(p: Any, q: Any) -> Any:
    a, b = q.concentration1, q.concentration0
    logs = (a - 1) * _mean_of_log(p.low, p.high) + (b - 1) * _mean_of_log(1 - p.high, 1 - p.low)
    found = -p.entropy() - logs + lgamma(a) + lgamma(b) - lgamma(a + b)
    return where((p.low < 0) | (p.high > 1), math.inf, found)


@register_kl(Beta, Uniform)
def _beta_uniform(p: Any, q: Any) -> Any:
    return where((q.low > 0) | (q.high < 1), math.inf, -p.entropy() + log(q.high - q.low))


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Any:
    return -p.entropy() - (p.probs * log(q.rate) - q.rate)


def _infinite(p: Any, q: Any) -> Any:
    """p gives some probability to what q never is."""
    return full_like(p.mean.detach(), math.inf)


_WIDER = {
    Exponential: (Beta, Uniform),
    Gamma: (Beta, Uniform),
    Gumbel: (Beta, Exponential, Gamma, Uniform),
    Laplace: (Beta, Exponential, Gamma, Uniform),
    Normal: (Beta, Exponential, Gamma, Uniform),
    Poisson: (Bernoulli, Binomial),
}
for _wide, _narrower in _WIDER.items():
    for _narrow in _narrower:
        register_kl(_wide, _narrow)(_infinite)
