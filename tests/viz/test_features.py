"""Filters, feature maps, activations and gradient norms, against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz


def network():
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(12, 2))


# feature maps


def test_maps_are_what_the_layer_returns_and_dead_channels_are_marked():
    net, x = network(), tg.randn(4, 1, 4, 4)
    with tg.no_grad():
        net[0].bias.copy_(tg.tensor([100.0, -100.0, 100.0]))
    found = viz.feature_maps(net, x)
    np.testing.assert_array_equal(found.maps, net[0](x).detach().numpy())
    assert found.layer == "0"
    assert found.dead.tolist() == [False, True, False]
    assert viz.feature_maps(net, x, net[1]).dead.tolist() == [False, True, False]
    assert viz.feature_maps(net, x, "4").dead.shape == (2,)
    assert net.training


def test_maps_are_copies():
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(inplace=True))
    x = -10 * tg.ones(1, 1, 2, 2) * net[0].weight.detach().sign()
    assert (viz.feature_maps(net, x, "0").maps < 0).all()


def test_looking_twice_is_looking_once():
    """The hooks of the first look are gone from the modules, and theirs are as they were."""
    model, x = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), tg.randn(1, 1, 5, 5)
    first = viz.feature_maps(model, x)
    assert all(m._forward_hooks == {} and list(m._forward_hooks.items()) == [] for m in model)
    assert repr(viz.feature_maps(model, x)) == repr(first)


def test_of_several_calls_the_last():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)

        def forward(self, x):
            return self.conv(self.conv(x))

    net, x = Twice(), tg.randn(1, 1, 2, 2)
    np.testing.assert_array_equal(viz.feature_maps(net, x).maps, net(x).detach().numpy())


def test_maps_of_no_images():
    assert viz.feature_maps(network(), tg.zeros(0, 1, 4, 4)).maps.shape == (0, 3, 2, 2)


@pytest.mark.parametrize(
    ("net", "layer", "match"),
    [
        (nn.Linear(4, 2), None, "no convolution"),
        (nn.Sequential(nn.Conv2d(1, 1, 1)), "x", "no layer 'x'"),
        (nn.ModuleDict({"a": nn.Conv2d(1, 1, 1)}), "a", "forward"),
    ],
)
def test_errors_of_feature_maps(net, layer, match):
    with pytest.raises((ValueError, NotImplementedError), match=match):
        viz.feature_maps(net, tg.zeros(1, 1, 4, 4), layer)


# filters


@pytest.mark.parametrize(
    ("shape", "most", "expected"),
    [
        ((4, 1, 3, 3), 64, (9, 9)),
        ((5, 1, 3, 2), 64, (9, 10)),  # 5 tiles: 2 rows of 3
        ((4, 3, 3, 3), 64, (9, 9, 3)),
        ((4, 2, 3, 3), 64, (17, 9)),  # a row for each filter, a column for each channel
        ((2, 3, 5), 64, (3, 13, 3)),  # one row high
        ((100, 1, 3, 3), 4, (9, 9)),
        ((64, 64, 3, 3), 64, (33, 33)),
        ((4, 1, 3, 3), 1, (5, 5)),
    ],
)
def test_size_of_the_grid(shape, most, expected):
    assert viz.filters(np.ones(shape), most=most).grid.shape == expected


def test_filters_stand_in_the_grid_in_their_own_units():
    weight = np.random.default_rng(0).normal(size=(3, 1, 2, 2))
    found = viz.filters(tg.from_numpy(weight))
    np.testing.assert_array_equal(found.grid[1:3, 1:3], weight[0, 0])
    np.testing.assert_array_equal(found.grid[1:3, 4:6], weight[1, 0])
    np.testing.assert_array_equal(found.grid[4:6, 1:3], weight[2, 0])
    assert np.isnan(found.grid[0]).all()
    assert np.isnan(found.grid[4:6, 4:6]).all()
    assert found.scale == np.abs(weight).max()
    assert np.nanmax(np.abs(found.picture)) == 1


@pytest.mark.parametrize("value", [0.0, 2.0])
def test_a_constant_filter_is_no_0_over_0(value):
    found = viz.filters(np.full((1, 1, 2, 2), value))
    assert found.scale == value
    assert found.picture[1:3, 1:3].tolist() == [[float(value > 0)] * 2] * 2


def test_filters_of_a_model():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 4, 1))
    np.testing.assert_array_equal(viz.filters(net).weight, net[0].weight.detach().numpy())
    np.testing.assert_array_equal(viz.filters(net, "1").weight, net[1].weight.detach().numpy())


@pytest.mark.parametrize(
    ("source", "options", "match"),
    [
        (np.ones((3, 4)), {}, "reshape"),
        (nn.Linear(2, 2), {}, "no convolution"),
        (nn.Sequential(nn.ReLU()), {"layer": "0"}, "has no weight"),
        (np.ones((1, 1, 2, 2)), {"most": 0}, "most"),
    ],
)
def test_errors_of_filters(source, options, match):
    with pytest.raises(ValueError, match=match):
        viz.filters(source, **options)


def test_grid_keeps_dtype_where_it_is_filled():
    out = viz.grid(np.ones((2, 1, 2), np.uint8), 1, gap=0, fill=7)
    assert out.dtype == np.uint8
    assert out.tolist() == [[1, 1], [1, 1]]
    assert viz.grid(np.ones((0, 2, 2))).shape == (1, 4)


# activations


def test_histograms():
    net, x = network(), tg.randn(6, 1, 4, 4)
    found = viz.activation_histograms(net, x, bins=7)
    assert list(found) == ["0", "1", "2", "3", "4"]
    out = net[1](net[0](x)).detach().numpy()
    counts, edges = np.histogram(out, 7)
    np.testing.assert_array_equal(found["1"].counts, counts)
    np.testing.assert_allclose(found["1"].edges, edges)
    assert found["1"].mean == pytest.approx(out.mean(), rel=1e-5)
    assert found["1"].std == pytest.approx(out.std(), rel=1e-5)
    assert found["1"].zeros == pytest.approx((out == 0).mean())
    np.testing.assert_array_equal(found["2"].counts, counts)  # dropout rests in eval mode


def test_histograms_of_what_is_not_finite():
    h = viz.activation_histograms(nn.Identity(), tg.tensor([[1.0, math.nan, math.inf, 3.0]]))[""]
    assert (h.bad, h.counts.sum(), h.mean) == (2, 2, 2.0)
    h = viz.activation_histograms(nn.Identity(), tg.tensor([[math.nan]]))[""]
    assert (h.bad, h.counts.sum()) == (1, 0)
    assert math.isnan(h.mean)


# gradients


def test_norms_of_each_layer():
    net = network()
    assert set(viz.gradient_norms(net).values()) == {None}
    net(tg.randn(3, 1, 4, 4)).square().sum().backward()
    found = viz.gradient_norms(net)
    assert list(found) == ["0", "4"]
    for path, module in (("0", net[0]), ("4", net[4])):
        flat = np.concatenate([p.grad.numpy().ravel() for p in module.parameters()])
        assert found[path] == pytest.approx(float(np.linalg.norm(flat)), rel=1e-5)


def test_norms_of_shared_and_own_parameters():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(tg.ones(1))
            self.a = nn.Linear(1, 1, bias=False)
            self.b = nn.Linear(1, 1, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x)) * self.scale

    net = Net()
    with tg.no_grad():
        net.a.weight.fill_(3.0)
    net(tg.ones(1, 1)).sum().backward()
    assert viz.gradient_norms(net) == {"Net": 9.0, "a": 6.0}


# dead units


class Mixed(nn.Module):
    """Activations of all kinds: a function on channels, one that is called twice, one in place, one with two bounds."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc, self.act = nn.Conv2d(1, 3, 3), nn.Linear(12, 4), nn.ReLU(inplace=True)

    def forward(self, x):
        h = tg.nn.functional.relu(self.conv(x)).flatten(1)
        h = self.act(self.fc(h))
        return tg.nn.functional.relu6(tg.nn.functional.relu(h) - 1)


def test_dead_units_are_those_without_a_way_through():
    net, x = Mixed(), tg.randn(5, 1, 4, 4)
    with tg.no_grad():
        net.conv.bias.copy_(tg.tensor([0.0, -100.0, 100.0]))
        net.fc.weight.zero_()
        net.fc.bias.copy_(tg.tensor([-1.0, 0.5, 3.0, 100.0]))
    found = viz.dead_units(net, x)
    assert list(found) == ["relu", "act/relu", "relu:2", "hardtanh"]
    assert found["relu"].dead.tolist() == [False, True, False]
    assert found["act/relu"].dead.tolist() == [True, False, False, False]
    assert found["hardtanh"].dead.tolist() == [True, True, False, True]  # at 6 it is shut as at 0
    assert [units.number for units in found.values()] == [1, 1, 1, 3]
    assert found["act/relu"].shut == 0.25
    assert net.training


def test_a_dead_unit_is_one_whose_gradient_is_zero():
    tg.manual_seed(3)
    net, x = nn.Sequential(nn.Linear(2, 40), nn.ReLU(), nn.Linear(40, 1)), tg.randn(4, 2)
    net(x).sum().backward()
    zero = (net[0].weight.grad.numpy() == 0).all(1)
    assert 0 < zero.sum() < 40
    np.testing.assert_array_equal(viz.dead_units(net, x)["1/relu"].dead, zero)


def test_units_are_features_where_no_convolution_is():
    net = nn.Sequential(nn.Linear(2, 5), nn.ReLU())
    assert viz.dead_units(net, tg.randn(3, 7, 2))["1/relu"].dead.shape == (5,)
    net = nn.Sequential(nn.Conv1d(2, 5, 1), nn.ReLU())
    assert viz.dead_units(net, tg.randn(3, 2, 7))["1/relu"].dead.shape == (5,)
    assert viz.dead_units(nn.Linear(2, 2), tg.randn(3, 2)) == {}
    assert viz.dead_units(nn.ReLU(), tg.zeros(0, 3))["relu"].dead.tolist() == [False] * 3
    assert viz.dead_units(nn.ReLU(), tg.tensor([math.nan]))["relu"].number == 0
