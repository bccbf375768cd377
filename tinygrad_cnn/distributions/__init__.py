"""Probability distributions under PyTorch's names: what is drawn, how probable it is, how far two of them are apart.

    chances = Categorical(logits=policy(state))              # REINFORCE
    action = chances.sample()
    loss = -chances.log_prob(action) * reward

    latent = Normal(mean, scale).rsample()                   # a variational autoencoder
    loss = reconstruction + kl_divergence(Normal(mean, scale), Normal(0.0, 1.0)).sum()

`distribution.py` says what all have in common; each is a file. Numbers come from the library's generator
(`manual_seed`).
"""

from __future__ import annotations

from ..pytorch.absent import explains
from . import constraints, transforms
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .dirichlet import Dirichlet
from .distribution import Distribution, ExponentialFamily
from .exponential import Exponential
from .gamma import Chi2, Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_cauchy import HalfCauchy
from .half_normal import HalfNormal
from .independent import Independent
from .kl import kl_divergence, register_kl
from .laplace import Laplace
from .log_normal import LogNormal
from .mixture_same_family import MixtureSameFamily
from .multivariate_normal import MultivariateNormal
from .normal import Normal
from .one_hot_categorical import OneHotCategorical, OneHotCategoricalStraightThrough
from .poisson import Poisson
from .relaxed import RelaxedBernoulli, RelaxedOneHotCategorical
from .studentT import StudentT
from .transformed_distribution import TransformedDistribution
from .transforms import (
    AbsTransform,
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    SoftplusTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from .uniform import Uniform

__all__ = sorted(name for name in globals() if name[0] != "_" and name not in ("annotations", "explains"))

explains(__name__)
