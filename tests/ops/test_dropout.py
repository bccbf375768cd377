"""Dropout: how much is dropped, what the rest becomes, which channels, and that one seed repeats it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn.testing import gradcheck, gradgradcheck

KINDS = ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"]
SHAPES = dict(dropout1d=(4, 3, 6), dropout3d=(2, 3, 2, 2, 2))


def ones(name: str) -> tg.Tensor:
    return tg.ones(SHAPES.get(name, (4, 3, 2, 2)))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_inverted_scaling(p):
    out = F.dropout(tg.ones(200_000), p)
    values = sorted(set(out.tolist()))
    assert values == [0, pytest.approx(1 / (1 - p), rel=1e-6)]
    assert out.mean().item() == pytest.approx(1, abs=4 * math.sqrt(p / (1 - p) / 200_000))


def test_gradient_is_the_mask():
    x = tg.randn(1000, requires_grad=True)
    out = F.dropout(x, 0.3)
    out.sum().backward()
    np.testing.assert_array_equal(out.detach().numpy(), (x * x.grad).detach().numpy())
    assert set(np.round(x.grad.numpy(), 5)) == {np.float32(0), np.round(np.float32(1 / 0.7), 5)}


@pytest.mark.parametrize("name", KINDS)
def test_derivatives(name):
    x = tg.tensor(np.random.default_rng(0).normal(size=tuple(ones(name).shape)), requires_grad=True)

    def f(x):
        tg.manual_seed(5)
        return getattr(F, name)(x, 0.4, training=True)

    assert gradcheck(f, [x])
    assert gradgradcheck(f, [x])


@pytest.mark.parametrize(("name", "axes"), [("dropout1d", 1), ("dropout2d", 2), ("dropout3d", 3)])
def test_whole_channels(name, axes):
    x = tg.ones(50, 40, *(3,) * axes)
    out = getattr(F, name)(x, 0.5).numpy().reshape(50, 40, -1)
    assert (out.min(-1) == out.max(-1)).all()
    dropped = (out[..., 0] == 0).mean()
    assert dropped == pytest.approx(0.5, abs=0.05)
    # Any channel may go, not always the first ones.
    assert 0.2 < (out[:, 0, 0] == 0).mean() < 0.8
    assert 0.2 < (out[:, -1, 0] == 0).mean() < 0.8


def test_channels_of_one_picture():
    out = F.dropout1d(tg.ones(1000, 4), 0.5)
    assert set(out.sum(1).tolist()) == {0.0, 8.0}


def test_alpha_dropout_keeps_mean_and_variance():
    x = tg.randn(100_000)
    out = F.alpha_dropout(x, 0.3, training=True)
    assert out.mean().item() == pytest.approx(0, abs=0.02)
    assert out.var().item() == pytest.approx(1, abs=0.02)
    channels = F.feature_alpha_dropout(tg.ones(30, 20, 4), 0.5, training=True)
    assert len(set(channels[:, :, 0].flatten().tolist())) == 2
    assert (channels.max(2)[0] - channels.min(2)[0]).abs().max().item() == 0


@pytest.mark.parametrize("name", KINDS)
def test_nothing_without_training(name):
    x = ones(name)
    assert getattr(F, name)(x, 0.9, training=False) is x
    assert getattr(F, name)(x, 0.0, training=True) is x


@pytest.mark.parametrize("name", KINDS)
def test_everything_goes_at_one(name):
    x = ones(name).requires_grad_()
    out = getattr(F, name)(x, 1.0, training=True)
    out.sum().backward()
    assert out.abs().sum().item() == 0
    assert x.grad.abs().sum().item() == 0


@pytest.mark.parametrize("name", KINDS)
def test_one_seed_one_mask(name):
    def draw():
        tg.manual_seed(3)
        return getattr(F, name)(ones(name), 0.5, training=True).tolist()

    assert draw() == draw()


def test_dtype_stays():
    assert F.dropout(tg.ones(3).double(), 0.5).dtype == tg.float64
    assert F.dropout(tg.ones(3), 0.5).dtype == tg.float32


def test_in_place():
    x = tg.ones(100)
    out = F.dropout(x, 0.5, inplace=True)
    assert out is x
    assert set(x.tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_p_is_a_probability(name, p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        getattr(F, name)(ones(name), p)
    layer = "".join(part.capitalize() for part in name.split("_"))
    with pytest.raises(ValueError, match="between 0 and 1"):
        getattr(tg.nn, layer)(p)


def test_axes():
    with pytest.raises(RuntimeError, match=r"dropout1d: expected input \(C, L\) or \(N, C, L\), got 4 axes"):
        F.dropout1d(tg.ones(1, 2, 3, 4))
    with pytest.warns(UserWarning, match="taken for"):
        out = F.dropout2d(tg.ones(20, 30, 4))
    assert (out.max(2)[0] == out.min(2)[0]).all()
    with pytest.warns(UserWarning, match=r"expected input \(N, C, H, W\)"):
        F.dropout2d(tg.ones(20, 30))
