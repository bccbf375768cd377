"""Initial values: bounds and moments by formula, exact values where there is no chance, PyTorch's errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.nn import init

SHAPE = (40, 30, 3, 5)  # fan_in 450, fan_out 600
KAIMING_STD = math.sqrt(2 / 450)

# name, arguments, standard deviation, largest absolute value (None: no bound)
RANDOM = [
    ("uniform_", {"a": -2.0, "b": 4.0}, 6 / math.sqrt(12), 4.0),
    ("normal_", {"std": 3.0}, 3.0, None),
    ("trunc_normal_", {}, 0.8796, 2.0),
    ("trunc_normal_", {"std": 0.5, "a": -0.5, "b": 0.5}, 0.5 * 0.5396, 0.5),
    ("xavier_uniform_", {"gain": 2.0}, 2 * math.sqrt(2 / 1050), 2 * math.sqrt(6 / 1050)),
    ("xavier_normal_", {}, math.sqrt(2 / 1050), None),
    ("kaiming_uniform_", {}, KAIMING_STD, math.sqrt(3) * KAIMING_STD),
    ("kaiming_uniform_", {"a": math.sqrt(5)}, 1 / math.sqrt(3 * 450), 1 / math.sqrt(450)),
    ("kaiming_normal_", {"nonlinearity": "relu"}, KAIMING_STD, None),
    ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "tanh"}, 5 / 3 / math.sqrt(600), None),
]


@pytest.mark.parametrize(("name", "arguments", "std", "largest"), RANDOM)
def test_moments_and_bounds(name, arguments, std, largest):
    w = tg.zeros(SHAPE)
    assert getattr(init, name)(w, **arguments) is w
    values = w.numpy().astype(float)
    assert values.std() == pytest.approx(std, rel=0.02)
    if largest is not None:
        assert np.abs(values).max() <= largest * (1 + 1e-6)
        assert np.abs(values).max() >= largest * 0.99


@pytest.mark.parametrize(
    "name", ["uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "kaiming_normal_", "orthogonal_"]
)
def test_one_seed_one_network_in_every_dtype(name):
    f = getattr(init, name)
    narrow, wide = tg.zeros(4, 5), tg.zeros(4, 5, dtype=tg.float64)
    f(narrow, generator=tg.Generator().manual_seed(3))
    f(wide, generator=tg.Generator().manual_seed(3))
    assert narrow.tolist() == wide.to(tg.float32).tolist()
    tg.manual_seed(3)
    assert f(tg.zeros(4, 5)).tolist() == narrow.tolist()
    assert f(tg.zeros(4, 5)).tolist() != narrow.tolist()


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0, 1, -2, 2),
        (3, 2, 0, 4),
        (0, 1, 4, 5),
        (0, 1, -math.inf, math.inf),
        (0, 1, 6, math.inf),
        (5, 0.1, -1, 0),
        (0, 1, 0.1, 0.11),
    ],
)
def test_trunc_normal_follows_its_distribution(mean, std, a, b):
    """The cumulative distribution at its own samples is uniform."""
    w = init.trunc_normal_(tg.zeros(4000, dtype=tg.float64), mean, std, a, b).numpy()
    assert w.min() >= a
    assert w.max() <= b
    tail = np.vectorize(lambda x: math.erfc(x / math.sqrt(2)))
    sign = -1 if b < mean else 1  # the side where erfc keeps its digits
    low, high, x = (tail(sign * (np.asarray(v) - mean) / std) for v in (a, b, w))
    if abs(low - high) > 1e-300:
        share = np.sort((low - x) / (low - high))
        assert np.abs(share - (np.arange(4000) + 0.5) / 4000).max() < 0.04


def test_exact_values():
    assert init.constant_(tg.zeros(2), 0.25).tolist() == [0.25, 0.25]
    assert init.ones_(tg.zeros(2)).tolist() == [1.0, 1.0]
    assert init.zeros_(tg.ones(2)).tolist() == [0.0, 0.0]
    assert init.eye_(tg.ones(2, 3)).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


@pytest.mark.parametrize(
    ("shape", "groups"), [((4, 4, 3), 1), ((4, 3, 3, 3), 1), ((3, 4, 2, 5), 1), ((4, 2, 3, 3), 2), ((2, 2, 3, 3, 3), 1)]
)
def test_dirac_as_in_pytorch(pytorch, shape, groups):
    pytorch.agrees(lambda m: m.nn.init.dirac_(m.ones(shape), groups))


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5), (3, 2, 2, 2), (10, 2, 2)])
def test_orthogonal(shape):
    w = init.orthogonal_(tg.zeros(shape, dtype=tg.float64), gain=2.0).numpy().reshape(shape[0], -1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)


def test_sparse():
    w = init.sparse_(tg.ones(10, 7), sparsity=0.25, std=1.0)
    assert ((w.numpy() == 0).sum(axis=0) == 3).all()


@pytest.mark.parametrize(
    "arguments",
    [("linear",), ("conv2d",), ("sigmoid",), ("tanh",), ("relu",), ("leaky_relu",), ("leaky_relu", 0.3), ("selu",)],
)
def test_gain_as_in_pytorch(pytorch, arguments):
    pytorch.agrees(lambda m: float(m.nn.init.calculate_gain(*arguments)))


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (5, 4, 3, 2)])
def test_fans_as_in_pytorch(pytorch, shape):
    pytorch.agrees(lambda m: m.nn.init._calculate_fan_in_and_fan_out(m.zeros(shape)))


ERRORS = {
    "gain": (lambda: init.calculate_gain("swish"), ValueError, "unsupported nonlinearity 'swish'"),
    "slope": (lambda: init.calculate_gain("leaky_relu", "x"), ValueError, "not a valid number"),
    "fan of a vector": (lambda: init.xavier_uniform_(tg.zeros(3)), ValueError, r"fewer than 2 dimensions.*\(3,\)"),
    "fan mode": (lambda: init.kaiming_normal_(tg.zeros(3, 3), mode="fan"), ValueError, "use one of fan_in, fan_out"),
    "eye": (lambda: init.eye_(tg.zeros(3)), ValueError, "2 dimensions"),
    "dirac": (lambda: init.dirac_(tg.zeros(3, 3)), ValueError, "3 to 5 dimensions"),
    "dirac groups": (lambda: init.dirac_(tg.zeros(3, 3, 3), groups=2), ValueError, "groups=2"),
    "orthogonal": (lambda: init.orthogonal_(tg.zeros(3)), ValueError, "2 or more"),
    "sparse": (lambda: init.sparse_(tg.zeros(3), 0.1), ValueError, "2 dimensions"),
    "std": (lambda: init.normal_(tg.zeros(3), std=-1.0), RuntimeError, "std >= 0"),
    "bounds": (lambda: init.trunc_normal_(tg.zeros(3), a=2.0, b=1.0), ValueError, "a < b"),
    "an array": (lambda: init.zeros_(np.zeros(3)), TypeError, "expected a Tensor, got ndarray"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        call()


def test_parameters_are_filled_outside_of_the_graph_and_in_place():
    p = tg.nn.Parameter(tg.zeros(3, 4))
    array = p.detach().numpy()
    y = (p * p).sum()
    init.normal_(p)
    assert p.is_leaf
    assert array.any()
    with pytest.raises(RuntimeError, match="normal_"):
        y.backward()


def test_empty_weights_are_left_alone():
    with pytest.warns(UserWarning, match="zero-element"):
        init.kaiming_uniform_(tg.zeros(0, 3))
    assert init.orthogonal_(tg.zeros(0, 3)).shape == (0, 3)
    assert init.trunc_normal_(tg.zeros(0)).shape == (0,)
