"""Softmax: logits of any size, every axis and dtype, and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn.kernels import use
from tinygrad_cnn.testing import gradcheck, gradgradcheck

NAMES = ["softmax", "log_softmax", "softmin"]


def test_large_logits():
    """[5000, 5030, 5040] has made NaN of more than one hand-written softmax."""
    x = tg.tensor([5000.0, 5030.0, 5040.0], dtype=tg.float64, requires_grad=True)
    out = F.softmax(x, 0)
    expected = np.exp([-40.0, -10.0, 0.0]) / np.exp([-40.0, -10.0, 0.0]).sum()
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-13)
    np.testing.assert_allclose(F.log_softmax(x, 0).detach().numpy(), np.log(expected), rtol=1e-13, atol=1e-15)
    out[2].backward()
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("dtype", [tg.float32, tg.float64], ids=str)
def test_logits_of_ten_thousand(dtype):
    x = tg.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]], dtype=dtype, requires_grad=True)
    assert F.softmax(x, 1)[0].tolist() == [1, 0, 0]
    assert F.log_softmax(x, 1)[0].tolist() == [0, -2e4, -1e4]
    F.log_softmax(x, 1)[0, 1].backward()
    assert x.grad.tolist() == [[-1, 1, 0], [0, 0, 0]]


def test_infinities():
    x = tg.tensor([0.0, -np.inf, 0.0])
    assert F.softmax(x, 0).tolist() == [0.5, 0, 0.5]
    assert F.log_softmax(x, 0)[1].item() == -np.inf
    assert np.isnan(F.softmax(tg.tensor([-np.inf, -np.inf]), 0).numpy()).all()


def test_sums_to_one():
    x = tg.randn(4, 5, 6)
    for dim in range(-3, 3):
        np.testing.assert_allclose(F.softmax(x, dim).sum(dim).numpy(), 1, rtol=1e-6)


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
def test_every_gradient_element_counts(f):
    """A backward pass that looks at one element of the gradient alone is not a derivative."""
    x = tg.tensor(np.random.default_rng(0).normal(size=(3, 4)), requires_grad=True)
    assert gradcheck(lambda x: f(x, 1) ** 2, [x])
    assert gradgradcheck(lambda x: f(x, 1) ** 2, [x])


def test_dtype():
    whole = tg.tensor([1, 2, 3])
    assert F.softmax(whole, 0, dtype=tg.float64).dtype == tg.float64
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    out = F.log_softmax(x, 0, dtype=tg.float64)
    out.sum().backward()
    assert (out.dtype, x.grad.dtype) == (tg.float64, tg.float32)


def test_empty():
    assert F.softmax(tg.zeros(0, 3), 1).shape == (0, 3)
    assert F.log_softmax(tg.zeros(3, 0), 1).shape == (3, 0)


def test_dim_left_out():
    for shape, chosen in [((3,), 0), ((3, 4), 1), ((2, 3, 4), 0), ((1, 2, 3, 4), 1)]:
        x = tg.randn(shape)
        with pytest.warns(UserWarning, match=f"Implicit dimension choice for softmax .* dim={chosen}") as caught:
            out = F.softmax(x)
        assert caught[0].filename == __file__
        assert out.tolist() == F.softmax(x, chosen).tolist()
    with pytest.warns(UserWarning, match="Implicit dimension") as caught:
        tg.nn.Softmax()(x)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_is_pytorchs(pytorch, name, dim):
    x = np.random.default_rng(0).normal(size=(3, 4, 5)) * 5
    pytorch.agrees(lambda m: getattr(m.nn.functional, name)(m.tensor(x), dim), rtol=1e-12)
    pytorch.agrees_with_gradients(lambda m, x: getattr(m.nn.functional, name)(x, dim), x, rtol=1e-10, atol=1e-12)


def test_gumbel_softmax():
    logits = tg.log(tg.tensor([[0.7, 0.2, 0.1]] * 2000)).requires_grad_()
    drawn = F.gumbel_softmax(logits, tau=0.5, hard=True)
    assert set(drawn.sum(1).tolist()) == {1.0}
    assert set(drawn.flatten().tolist()) <= {0.0, 1.0}
    np.testing.assert_allclose(drawn.mean(0).detach().numpy(), [0.7, 0.2, 0.1], atol=0.04)
    (drawn * tg.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert logits.grad.abs().sum().item() > 0
    tg.manual_seed(1)
    first = F.gumbel_softmax(logits)
    tg.manual_seed(1)
    assert F.gumbel_softmax(logits).tolist() == first.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_errors_teach(name):
    f = getattr(F, name)
    with pytest.raises(IndexError, match="dim 5 is out of range for a tensor of 2 axes"):
        f(tg.zeros(2, 3), 5)
    with pytest.raises(NotImplementedError, match="input is int64, it must be floating"):
        f(tg.zeros(2, 3).long(), 1)
    with pytest.raises(TypeError, match="dim must be an int"):
        f(tg.zeros(2, 3), 1.5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_along_every_axis_of_a_big_array(name):
    """The columns of an axis that is not the last are taken a block at a time."""
    values = np.random.default_rng(3).standard_normal((3, 5, 67, 70), np.float32) * 9
    values[0, :, 1, 2], values[1, 2, 3, 4] = -np.inf, np.nan
    slope = np.random.default_rng(4).standard_normal(values.shape, np.float32)

    def run(x, room, dim):
        with use(room):
            x = tg.from_numpy(x).requires_grad_()
            out = getattr(F, name)(x, dim)
            out.backward(tg.from_numpy(slope.astype(x.numpy(force=True).dtype)))
            return out.detach().numpy(), x.grad.numpy()

    for dim in range(-1, 4):
        for got, want in zip(
            run(values.copy(), "fast", dim), run(values.astype(np.float64), "textbook", dim), strict=True
        ):
            np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)
