"""Weights that are computed from others, and a batch norm that is worked in; as PyTorch's."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from layers import weighed

import tinygrad_cnn as tg
from tinygrad_cnn import nn

X = {2: (5, 4), 4: (2, 4, 5, 5)}


def _quiet(f, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return f(*args)


def _squared(m):
    class Squared(m.nn.Module):
        def forward(self, w):
            return w * w

        def right_inverse(self, w):
            return w.abs().sqrt()

    return Squared()


def _sum_of_two(m):
    class SumOfTwo(m.nn.Module):
        def forward(self, a, b):
            return a + 2 * b

        def right_inverse(self, w):
            return w / 2, w / 4

    return SumOfTwo()


def _symmetric(m, layer):
    register = m.nn.utils.parametrize.register_parametrization
    return register(register(layer, "weight", _squared(m)), "weight", _squared(m))


# How it is put on and taken off again; the layers that it is put on.
HOWS = {
    "weight_norm": (lambda m, x: _quiet(m.nn.utils.weight_norm, x), lambda m, x: m.nn.utils.remove_weight_norm(x)),
    "of all": (
        lambda m, x: _quiet(m.nn.utils.weight_norm, x, "weight", None),
        lambda m, x: m.nn.utils.remove_weight_norm(x),
    ),
    "spectral_norm": (lambda m, x: m.nn.utils.spectral_norm(x), lambda m, x: m.nn.utils.remove_spectral_norm(x)),
    "parametrized weight_norm": (lambda m, x: m.nn.utils.parametrizations.weight_norm(x, dim=1), None),
    "parametrized spectral_norm": (lambda m, x: m.nn.utils.parametrizations.spectral_norm(x, eps=0.1), None),
    "of two": (lambda m, x: m.nn.utils.parametrize.register_parametrization(x, "weight", _sum_of_two(m)), None),
    "one behind the other": (_symmetric, None),
}
MADE = [
    lambda nn: nn.Linear(4, 3),
    lambda nn: nn.Conv2d(4, 2, 3, groups=2, bias=False),
    lambda nn: nn.ConvTranspose2d(4, 3, 2),
]


@pytest.mark.parametrize("make", MADE, ids=["Linear", "Conv2d", "ConvTranspose2d"])
@pytest.mark.parametrize("how", HOWS)
def test_as_in_pytorch(pytorch, how, make):
    def life(m):
        put, take = HOWS[how]
        layer, found = put(m, weighed(make(m.nn).double())), []
        draw = np.random.default_rng(2)
        for t in (*layer.parameters(), *layer.buffers()):
            t.data.copy_(m.tensor(draw.normal(size=tuple(t.shape))))
        found.append([repr(layer), {k: v.shape for k, v in layer.state_dict().items()}])
        x = m.tensor(draw.normal(size=X[layer.weight.ndim]), requires_grad=True)
        for training in (True, False):
            layer.train(training)
            out = layer(x)
            (out * out).sum().backward()
            found.append([out, x.grad, {k: p.grad for k, p in layer.named_parameters()}, dict(layer.named_buffers())])
        if take is None:
            layer.weight = layer.weight.detach() / 2
            found.append([layer.weight, layer.state_dict(), repr(copy.deepcopy(layer))])
            m.nn.utils.parametrize.remove_parametrizations(layer, "weight")
        else:
            take(m, layer)
        return [*found, repr(layer), layer.state_dict(), layer(x), [type(p).__name__ for p in layer.parameters()]]

    pytorch.agrees(life, rtol=1e-8, atol=1e-9)


def test_a_state_of_the_hook_goes_into_the_parametrization():
    old = _quiet(nn.utils.weight_norm, nn.Linear(3, 2))
    new = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    new.load_state_dict(old.state_dict())
    x = tg.randn(4, 3)
    assert tg.equal(new(x), old(x))


def test_a_copy_goes_its_own_way():
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    twin = nn.utils.parametrize.remove_parametrizations(copy.deepcopy(layer), "weight")
    assert nn.utils.parametrize.is_parametrized(layer, "weight")
    assert not nn.utils.parametrize.is_parametrized(twin)
    assert tg.equal(layer.weight, twin.weight)
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(layer)


def test_a_buffer_and_an_original_that_stays():
    layer = nn.BatchNorm1d(2)
    register, remove = nn.utils.parametrize.register_parametrization, nn.utils.parametrize.remove_parametrizations
    register(layer, "running_var", _squared(tg))
    layer.running_var = tg.tensor([4.0, 9.0])
    assert layer.parametrizations.running_var.original.tolist() == [2, 3]
    remove(layer, "running_var", leave_parametrized=False)
    assert dict(layer.named_buffers())["running_var"].tolist() == [2, 3]


def test_a_spectral_norm_has_length_one():
    weight = nn.utils.parametrizations.spectral_norm(nn.Linear(20, 10), n_power_iterations=50).weight
    assert np.linalg.norm(weight.detach().numpy(), 2) == pytest.approx(1, rel=1e-4)


def test_skip_init_draws_nothing():
    before = tg.get_rng_state()
    nn.utils.skip_init(nn.Linear, 3, 2)
    assert tg.equal(tg.get_rng_state(), before)


def _normed(u, nn):
    return u.parametrizations.weight_norm(nn.Linear(2, 2))


def _rectified(u, nn):
    return u.parametrize.register_parametrization(nn.Linear(2, 2), "weight", nn.ReLU())


@pytest.mark.parametrize(
    "call",
    [
        lambda u, nn: _quiet(u.weight_norm, _quiet(u.weight_norm, nn.Linear(2, 2))),
        lambda u, nn: u.remove_weight_norm(nn.Linear(2, 2)),
        lambda u, nn: _quiet(u.weight_norm, nn.LazyLinear(2)),
        lambda u, nn: u.spectral_norm(nn.Linear(2, 2), n_power_iterations=0),
        lambda u, nn: u.spectral_norm(u.spectral_norm(nn.Linear(2, 2))),
        lambda u, nn: u.spectral_norm(nn.Linear(2, 2, bias=False), "bias"),
        lambda u, nn: u.spectral_norm(nn.LazyLinear(2)),
        lambda u, nn: u.remove_spectral_norm(nn.Linear(2, 2)),
        lambda u, nn: u.parametrizations.spectral_norm(nn.Linear(2, 2), dim=2),
        lambda u, nn: u.parametrizations.spectral_norm(nn.Linear(2, 2), "other"),
        lambda u, nn: u.parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0),
        lambda u, nn: u.parametrize.register_parametrization(nn.Linear(2, 2), "other", nn.ReLU()),
        lambda u, nn: u.parametrize.register_parametrization(nn.Linear(2, 2), "weight", nn.Flatten(0)),
        lambda u, nn: u.parametrize.remove_parametrizations(nn.Linear(2, 2), "weight"),
        lambda u, nn: u.parametrize.remove_parametrizations(_normed(u, nn), "weight", False),
        lambda u, nn: setattr(_rectified(u, nn), "weight", nn.Linear(2, 2).weight.data),
        lambda u, nn: setattr(_normed(u, nn), "weight", nn.Linear(2, 2).weight),
        lambda u, nn: u.fuse_conv_bn_eval(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)),
        lambda u, nn: u.fuse_linear_bn_eval(nn.Linear(2, 2).eval(), nn.BatchNorm1d(3).eval()),
        lambda u, nn: u.fuse_conv_bn_eval(nn.Conv2d(2, 2, 1).eval(), nn.BatchNorm2d(2, 1e-5, 0.1, True, False).eval()),
        lambda u, nn: u.skip_init(nn.ReLU),
    ],
)  # fmt: skip
def test_refusals_are_pytorchs(pytorch, call):
    def kind(m):
        try:
            call(m.nn.utils, m.nn)
        except (AssertionError, KeyError, LookupError, RuntimeError, ValueError) as error:
            return type(error).__name__

    pytorch.agrees(kind)


def test_a_batch_norm_is_worked_in(pytorch):
    def fused(m):
        nn, u, draw, found = m.nn, m.nn.utils, np.random.default_rng(0), []
        for layer, bn, fuse, shape in (
            (nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), u.fuse_conv_bn_eval, (2, 2, 4, 4)),
            (nn.Conv2d(2, 3, 2, bias=False), nn.BatchNorm2d(3, affine=False), u.fuse_conv_bn_eval, (2, 2, 4, 4)),
            (nn.Linear(2, 3), nn.BatchNorm1d(3), u.fuse_linear_bn_eval, (4, 2)),
        ):
            weighed(layer.double().eval()), weighed(bn.double().eval())
            bn.running_mean.data.copy_(m.tensor(draw.normal(size=3)))
            bn.running_var.data.copy_(m.tensor(draw.uniform(1, 2, size=3)))
            x = m.tensor(draw.normal(size=shape))
            found.append([fuse(layer, bn)(x), bn(layer(x))])
        assert all(m.allclose(a, b) for a, b in found)
        return found

    pytorch.agrees(fused, rtol=1e-10)
