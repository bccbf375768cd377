"""The loss around a network, against what it is when the network really is there."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz


def network():
    tg.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(12, 2)
    )


def problem(net):
    x, y = tg.randn(6, 1, 4, 4), tg.tensor([0, 1, 0, 1, 1, 0])
    return lambda: F.cross_entropy(net(x), y)


def state(net):
    return {name: t.clone() for name, t in net.state_dict().items()}


def test_the_middle_is_where_the_model_is_and_the_rest_where_its_filters_would_be():
    net = network()
    loss = problem(net)
    found = viz.landscape(net, loss, size=(3, 5), span=0.5, seed=3)
    assert found.losses.shape == (3, 5)
    assert (found.x.tolist(), found.y.tolist()) == ([-0.5, -0.25, 0, 0.25, 0.5], [-0.5, 0, 0.5])
    net.eval()
    assert found.losses[1, 2] == loss().item()
    rng = np.random.default_rng(3)
    ways = []
    for _ in range(2):
        way = {}
        for name, p in net.named_parameters():
            d, a = rng.standard_normal(p.shape), p.detach().numpy().astype(np.float64)
            way[name] = np.zeros(p.shape)
            if p.ndim > 1:
                flat, length = d.reshape(len(d), -1), np.linalg.norm(a.reshape(len(a), -1), axis=1)
                way[name] = (flat / np.linalg.norm(flat, axis=1)[:, None] * length[:, None]).reshape(p.shape)
        ways.append(way)
    with tg.no_grad():
        for name, p in net.named_parameters():
            p.copy_(tg.from_numpy((p.numpy() + 0.25 * ways[0][name] - 0.5 * ways[1][name]).astype(np.float32)))
    assert found.losses[0, 3] == pytest.approx(loss().item(), rel=1e-6)


def test_at_a_point_the_loss_is_that_of_the_point_with_its_running_statistics():
    net = network()
    loss = problem(net)
    states, there = {}, {}
    for name in ("start", "middle", "end"):
        net.train()
        optimizer = tg.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
        net.eval()
        states[name], there[name] = state(net), loss().item()
    found = viz.landscape(net, loss, points=states, size=4, span=1.0)  # -1, 0, 1, 2
    assert found.points == {"start": (0, 0), "middle": (1, 0), "end": (0, 1)}
    assert found.directions == ("to middle", "to end")
    assert found.losses[1, 1] == there["start"]
    assert found.losses[1, 2] == there["middle"]
    assert found.losses[2, 1] == there["end"]
    pair = viz.landscape(net, loss, points=[states["start"], states["end"]], size=(3, 4))
    assert pair.losses[1, 2] == there["end"]
    assert (pair.y.tolist(), pair.directions) == ([-1, 0, 1], ("to 2", "a random direction"))


def test_the_model_is_left_as_it_was_to_the_bit_also_by_an_error():
    net = network()
    loss = problem(net)
    loss().backward()
    before, grads, random = state(net), [p.grad.numpy().copy() for p in net.parameters()], tg.get_rng_state()
    waiting = loss()  # a graph that was made before can still be gone back through
    random = tg.get_rng_state()
    before = state(net)
    viz.landscape(net, loss, size=3)
    calls = iter(range(4))
    with pytest.raises(StopIteration):
        viz.landscape(net, lambda: (next(calls), loss())[1], size=3)
    assert net.training
    assert tg.get_rng_state() == random
    for name, t in net.state_dict().items():
        np.testing.assert_array_equal(t.numpy(), before[name].numpy())
    for p, g in zip(net.parameters(), grads, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), g)
    waiting.backward()


def test_shared_and_frozen_parameters():
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    net[1].weight = net[0].weight
    net[2].weight.requires_grad_(False)
    seen = []

    def loss():
        assert net[1].weight is net[0].weight
        seen.append(net[2].weight.numpy().copy())
        return net(tg.ones(1, 2)).sum()

    found = viz.landscape(net, loss, size=3)
    assert np.unique(found.losses).size == 9
    assert (np.array(seen) == seen[0]).all()


def test_dropout_is_the_same_everywhere_in_training_mode():
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear(50, 1, bias=False))
    flat = viz.landscape(net, lambda: net(tg.ones(1, 50)).sum(), size=(1, 3), training=True).losses[0]
    assert flat[2] - flat[1] == pytest.approx(flat[1] - flat[0], rel=1e-4)
    assert net.training


def test_what_is_not_finite_is_there_as_it_is():
    net = nn.Linear(1, 1, bias=False)
    found = viz.landscape(
        net, lambda: (net.weight / net.weight.detach().clone() * 1e30 * (net.weight * 0 + 1e30)).sum(), size=2
    )
    assert not np.isfinite(found.losses).any()
    assert "no loss is finite" in viz.draw.landscape(found)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"size": 1}, ValueError, "1 row and 2 columns"),
        ({"size": (0, 3)}, ValueError, "1 row and 2 columns"),
        ({"size": "3"}, TypeError, "one integer or two"),
        ({"size": (2, 2.5)}, TypeError, "one integer or two"),
        ({"span": 0}, ValueError, "positive"),
        ({"span": math.nan}, ValueError, "positive"),
        ({"points": [{}]}, ValueError, "two or three"),
        ({"points": [{}, {}]}, ValueError, "'weight' is missing"),
        ({"points": [{"weight": np.ones((1, 3))}, {}]}, ValueError, r"has shape \(1, 3\), not \(1, 2\)"),
        ({"points": [1, 2]}, TypeError, "state_dict"),
        ({"loss": lambda: tg.ones(2)}, TypeError, r"one number, got \(2,\)"),
        ({"loss": lambda: None}, TypeError, "one number, got NoneType"),
        ({"model": nn.ReLU()}, ValueError, "no trainable parameter"),
        ({"model": "net"}, TypeError, "nn.Module"),
    ],
)
def test_errors_of_landscape(options, error, match):
    net = nn.Linear(2, 1, bias=False)
    before = net.weight.detach().numpy().copy()
    with pytest.raises(error, match=match):
        viz.landscape(options.pop("model", net), options.pop("loss", lambda: net(tg.ones(1, 2)).sum()), **options)
    np.testing.assert_array_equal(net.weight.detach().numpy(), before)
