"""Distributions beside PyTorch: densities, moments, divergences and their gradients; samples by their moments."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import distributions as D

X, UP, P = np.array([[-0.3, 0.8, 1.4]]), np.array([0.6, 1.2, 2.5]), np.array([0.2, 0.7, 0.5])
ROWS = np.array([[0.2, 0.5, 0.3], [1.0, 2.0, 0.4]])
SPREAD = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 0.5]])
COUNTS = np.array([0.0, 2.0, 3.0])

# How each is made of tensors, those tensors, and values of it.
MADE = {
    "Normal": (lambda D, a, b: D.Normal(a, b), [X, UP], X + 0.5),
    "LogNormal": (lambda D, a, b: D.LogNormal(a, b), [X, UP], UP),
    "HalfNormal": (lambda D, a: D.HalfNormal(a), [UP], UP),
    "Laplace": (lambda D, a, b: D.Laplace(a, b), [X, UP], X + 0.5),
    "Cauchy": (lambda D, a, b: D.Cauchy(a, b), [X, UP], X + 0.5),
    "HalfCauchy": (lambda D, a: D.HalfCauchy(a), [UP], UP),
    "Gumbel": (lambda D, a, b: D.Gumbel(a, b), [X, UP], X + 0.5),
    "StudentT": (lambda D, a, b, c: D.StudentT(a, b, c), [UP * 3, X, UP], X + 0.5),
    "Uniform": (lambda D, a, b: D.Uniform(a, a + b), [X, UP], X + 0.1),
    "Exponential": (lambda D, a: D.Exponential(a), [UP], UP / 2),
    "Gamma": (lambda D, a, b: D.Gamma(a, b), [UP, UP[::-1].copy()], UP),
    "Chi2": (lambda D, a: D.Chi2(a), [UP], UP),
    "Beta": (lambda D, a, b: D.Beta(a, b), [UP, UP[::-1].copy()], P),
    "Dirichlet": (lambda D, a: D.Dirichlet(a), [ROWS * 3], np.array([0.2, 0.5, 0.3])),
    "Bernoulli": (lambda D, a: D.Bernoulli(a), [P], np.array([0.0, 1.0, 1.0])),
    "Bernoulli of logits": (lambda D, a: D.Bernoulli(logits=a), [X], np.array([0.0, 1.0, 1.0])),
    "Geometric": (lambda D, a: D.Geometric(a), [P], COUNTS),
    "Binomial": (lambda D, a: D.Binomial(3, logits=a), [X], COUNTS),
    "Poisson": (lambda D, a: D.Poisson(a), [UP], COUNTS),
    "Categorical": (lambda D, a: D.Categorical(a), [ROWS], np.array([2, 0])),
    "Categorical of logits": (lambda D, a: D.Categorical(logits=a), [ROWS], np.array([[1], [2]])),
    "OneHotCategorical": (lambda D, a: D.OneHotCategorical(logits=a), [ROWS], np.eye(3)[1]),
    "MultivariateNormal": (lambda D, a, b: D.MultivariateNormal(a, b), [X, SPREAD], X + 0.5),
    "MultivariateNormal of a triangle": (
        lambda D, a, b: D.MultivariateNormal(a, scale_tril=b.tril()), [X[0], SPREAD], X + 0.5,
    ),
    "MultivariateNormal of precision": (
        lambda D, a, b: D.MultivariateNormal(a, precision_matrix=b), [X, SPREAD], X[0] + 0.5,
    ),
    "Independent": (lambda D, a, b: D.Independent(D.Normal(a, b), 1), [X, UP], X + 0.5),
    "RelaxedBernoulli": (lambda D, a: D.RelaxedBernoulli(a[0] * 0 + 0.7, logits=a), [X[0]], P),
    "RelaxedOneHotCategorical": (
        lambda D, a: D.RelaxedOneHotCategorical(a[0, 0] * 0 + 0.7, logits=a), [ROWS], np.array([0.2, 0.5, 0.3]),
    ),
    "MixtureSameFamily": (
        lambda D, a, b, c: D.MixtureSameFamily(D.Categorical(a), D.Normal(b, c)), [ROWS[0], X, UP], np.array([0.4]),
    ),
    "TransformedDistribution": (
        lambda D, a, b: D.TransformedDistribution(
            D.Normal(a, b), [D.AffineTransform(0.5, -2.0), D.TanhTransform(), D.ExpTransform()]
        ),
        [X, UP], 0.5 + UP / 2,
    ),
}  # fmt: skip
ASKED = {
    "log_prob": lambda d, x: d.log_prob(x),
    "cdf": lambda d, x: d.cdf(x),
    "icdf": lambda d, x: d.icdf(x * 0 + 0.3),
    **{name: (lambda d, x, name=name: getattr(d, name)) for name in ("mean", "mode", "variance", "stddev")},
    "entropy": lambda d, x: d.entropy(),
    "enumerate": lambda d, x: d.enumerate_support(),
    "expand": lambda d, x: d.expand((2, *d.batch_shape)).log_prob(x),
    "kl": lambda d, x: d,
}


@pytest.mark.parametrize("name", MADE)
def test_pytorch_gives_the_same(pytorch, name):
    make, arrays, value = MADE[name]

    def question(m):
        found = {}
        for asked, ask in ASKED.items():
            inputs = [m.tensor(a).requires_grad_() for a in arrays]
            d = make(m.distributions, *inputs)
            try:
                if asked == "kl":
                    other = make(m.distributions, *[m.tensor(a * 1.1 - 0.02) for a in arrays])
                    out = m.distributions.kl_divergence(d, other)
                else:
                    out = ask(d, m.tensor(value))
                grads = m.autograd.grad((out * out).sum(), inputs, allow_unused=True) if out.requires_grad else []
            except NotImplementedError:  # also PyTorch's gradient of Gamma's cdf
                found[asked] = "missing"
                continue
            found[asked] = [out, *(m.zeros(1) if g is None else g for g in grads)]
        return [found, list(d.batch_shape), list(d.event_shape), d.has_rsample, d.has_enumerate_support]

    pytorch.agrees(question, rtol=1e-7, atol=1e-8)


PAIRED = "Normal Laplace Gumbel Uniform Exponential Gamma Beta Bernoulli Binomial Poisson Cauchy".split()


@pytest.mark.parametrize("name", PAIRED)
def test_a_distribution_is_as_far_from_others_as_in_pytorch(pytorch, name):
    make, arrays, _ = MADE[name]

    def question(m):
        found = {}
        for other in [*PAIRED, "Uniform from 0 to 1", "Uniform far off"]:
            inputs = [m.tensor(a).requires_grad_() for a in arrays]
            if other.startswith("Uniform "):
                q = m.distributions.Uniform(m.tensor(0.0).double(), m.tensor(1.0 if "1" in other else 9.0).double())
            else:
                q = MADE[other][0](m.distributions, *[m.tensor(a * 1.1 - 0.02) for a in MADE[other][1]])
            p = make(m.distributions, *inputs)
            p = m.distributions.Uniform(inputs[0].abs() / 9, inputs[0].abs() / 9 + 0.1) if name == "Uniform" else p
            try:
                out = m.distributions.kl_divergence(p, q)
            except NotImplementedError:
                found[other] = "missing"
                continue
            grads = m.autograd.grad(out.sum(), inputs, allow_unused=True) if out.isfinite().all() else []
            found[other] = [out, *(m.zeros(1) if g is None else g for g in grads)]
        return found

    pytorch.agrees(question, rtol=1e-7, atol=1e-8)


def test_constraints_show_themselves_as_in_pytorch(pytorch):
    def question(m):
        c = m.distributions.constraints
        simple = [c.real, c.boolean, c.simplex, c.positive_definite, c.lower_cholesky, c.one_hot, c.real_vector]
        numbers = [c.positive, c.nonnegative_integer, c.unit_interval, c.integer_interval(0, 3), c.less_than(2)]
        return [repr(x) for x in (*simple, *numbers)]

    pytorch.agrees(question)


REFUSED = [
    lambda m, D: D.Normal(1j, 1.0),
    lambda m, D: D.Normal(0.0, -1.0),
    lambda m, D: D.Normal("a", 1.0),
    lambda m, D: D.Normal(m.tensor(float("nan")), 1.0),
    lambda m, D: D.Uniform(1.0, 0.0),
    lambda m, D: D.Uniform(0.0, 1.0).log_prob(m.tensor(2.0)),
    lambda m, D: D.Bernoulli(),
    lambda m, D: D.Bernoulli(probs=0.5, logits=0.0),
    lambda m, D: D.Bernoulli(probs=1.5),
    lambda m, D: D.Bernoulli(0.5).log_prob(m.tensor(0.3)),
    lambda m, D: D.Bernoulli(0.5).rsample(),
    lambda m, D: D.Categorical(m.tensor([-1.0, 2.0])),
    lambda m, D: D.Categorical(m.tensor(0.5)),
    lambda m, D: D.Categorical(m.ones(3)).log_prob(m.tensor(3)),
    lambda m, D: D.Categorical(m.ones(3)).log_prob(2),
    lambda m, D: D.Categorical(m.ones(3)).cdf(m.tensor(1)),
    lambda m, D: D.Categorical(m.ones(2, 3)).log_prob(m.zeros(3)),
    lambda m, D: D.OneHotCategorical(m.ones(3)).log_prob(m.ones(3)),
    lambda m, D: D.MultivariateNormal(m.zeros(2)),
    lambda m, D: D.MultivariateNormal(m.zeros(2), -m.eye(2)),
    lambda m, D: D.MultivariateNormal(m.zeros(2), scale_tril=m.ones(2, 2)),
    lambda m, D: D.MultivariateNormal(m.tensor(0.0), m.eye(1)),
    lambda m, D: D.Independent(D.Normal(m.zeros(2), 1.0), 2),
    lambda m, D: D.Geometric(0.0),
    lambda m, D: D.Poisson(-1.0),
    lambda m, D: D.Chi2(-1.0),
    lambda m, D: D.Beta(m.tensor(-1.0), m.tensor(1.0)),
    lambda m, D: D.TransformedDistribution(D.Normal(0.0, 1.0), [1]),
    lambda m, D: D.kl_divergence(D.Normal(0.0, 1.0), D.Categorical(m.ones(2))),
    lambda m, D: D.Normal(0.0, 1.0).enumerate_support(),
]


def test_what_pytorch_refuses_is_refused(pytorch):
    def refusals(m):
        return [pytorch.attempt(lambda f=f: type(f(m, m.distributions)).__name__) for f in REFUSED]

    assert refusals(tg) == pytorch(refusals)


def test_checks_can_be_left_out():
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    assert D.Uniform(0.0, 1.0, validate_args=False).log_prob(tg.tensor(2.0)).item() == -math.inf
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)


@pytest.mark.parametrize("name", [n for n in MADE if "Cauchy" not in n])
def test_samples_have_the_moments(name):
    """Their mean and variance are those of the distribution, within six deviations of the mean of so many."""
    make, arrays, _ = MADE[name]
    tg.manual_seed(0)
    d, n = make(D, *map(tg.tensor, arrays)), 4000
    x = d.sample((n,))
    assert x.dtype == (tg.int64 if "Categorical" in name and not d.event_shape else tg.float64)
    assert x.shape == (n, *d.batch_shape, *d.event_shape)
    try:
        mean, variance = d.mean.numpy(), d.variance.numpy()
    except NotImplementedError:
        return
    if not np.isnan(mean).any():
        np.testing.assert_array_less(abs(x.numpy().mean(0) - mean), 6 * np.sqrt(variance / n) + 1e-12)
        if name not in ("LogNormal", "StudentT"):  # whose fourth moments are large
            np.testing.assert_allclose(x.numpy().var(0), variance, rtol=0.25)


def test_categories_come_as_often_as_they_should():
    tg.manual_seed(0)
    counts = np.bincount(D.Categorical(tg.tensor([1.0, 2.0, 5.0])).sample((8000,)).numpy()) / 8000
    np.testing.assert_allclose(counts, [0.125, 0.25, 0.625], atol=0.02)


@pytest.mark.parametrize("name", ["Normal", "Laplace", "Gumbel", "Exponential", "HalfNormal", "Gamma", "Beta"])
def test_samples_follow_their_parameters(name):
    """The slope of the mean of samples is the mean of their slopes."""
    make, arrays, _ = MADE[name]
    tg.manual_seed(0)
    inputs = [tg.tensor(a, requires_grad=True) for a in arrays]
    d = make(D, *inputs)
    got = tg.autograd.grad(d.rsample((20000,)).mean(0).sum(), inputs)
    want = tg.autograd.grad(d.mean.sum(), inputs, materialize_grads=True)
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g.numpy(), w.numpy(), rtol=0.15, atol=0.1)


def test_one_seed_gives_one_sample():
    first = [D.Normal(0.0, 1.0).sample((3,)).tolist() for _ in range(2) if tg.manual_seed(3)]
    assert first[0] == first[1]


def descend(m, loss, parameters, lr):
    grads = m.autograd.grad(loss, parameters)
    with m.no_grad():
        for p, g in zip(parameters, grads, strict=True):
            p -= lr * g


def test_reinforce(pytorch):
    """A policy that learns by the reward of what was drawn; the draws are given, the same in both libraries."""
    draw = np.random.default_rng(0)
    states, actions = draw.standard_normal((10, 8, 3)), draw.integers(0, 2, (10, 8))

    def question(m):
        policy = m.nn.Linear(3, 2).double()
        with m.no_grad():
            policy.weight.fill_(0.1), policy.bias.zero_()
        for state, action in zip(states, actions, strict=True):
            chances = m.distributions.Categorical(logits=policy(m.tensor(state)))
            chosen = m.tensor(action)
            reward = (chosen == (m.tensor(state)[:, 0] > 0)).double()
            loss = -(chances.log_prob(chosen) * reward).mean() - 0.01 * chances.entropy().mean()
            descend(m, loss, [policy.weight, policy.bias], 0.5)
        return [policy.weight, policy.bias]

    pytorch.agrees(question, rtol=1e-6, atol=1e-7)


def test_variational_autoencoder(pytorch):
    """Encoder, latent numbers from given uniform ones, decoder: reconstruction and divergence fall the same way."""
    draw = np.random.default_rng(0)
    images, uniform = (draw.random((16, 6)) > 0.5).astype(float), draw.uniform(0.05, 0.95, (5, 16, 2))
    weights = [draw.standard_normal(s) * 0.5 for s in ((4, 6), (6, 2))]

    def question(m):
        nn, D = m.nn, m.distributions
        encoder, decoder = nn.Linear(6, 4).double(), nn.Linear(2, 6).double()
        with m.no_grad():
            for layer, weight in zip((encoder, decoder), weights, strict=True):
                layer.weight.copy_(m.tensor(weight)), layer.bias.zero_()
        losses = []
        for u in uniform:
            mean, logvar = encoder(m.tensor(images)).chunk(2, dim=-1)
            latent = D.Independent(D.Normal(mean, (logvar / 2).exp()), 1)
            seen = D.Bernoulli(logits=decoder(latent.base_dist.icdf(m.tensor(u))))
            prior = D.Independent(D.Normal(m.zeros_like(mean), m.ones_like(mean)), 1)
            loss = (D.kl_divergence(latent, prior) - seen.log_prob(m.tensor(images)).sum(-1)).mean()
            descend(m, loss, [*encoder.parameters(), *decoder.parameters()], 0.1)
            losses.append(loss.item())
        return losses

    pytorch.agrees(question, rtol=1e-7, atol=1e-8)
    tg.manual_seed(0)
    assert D.Normal(tg.zeros(2, requires_grad=True), 1.0).rsample().requires_grad
