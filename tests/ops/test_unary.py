"""Functions of one number: against Python's math over many numbers, at the edges, and for integers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tg
from tinygrad_cnn.kernels import use

inf, nan = math.inf, math.nan
EVERYWHERE = st.floats(-700, 700)
# name, the law, where it is defined
LAWS = [
    ("exp", math.exp, EVERYWHERE),
    ("expm1", math.expm1, EVERYWHERE),
    ("log", math.log, st.floats(1e-300, 1e300)),
    ("log1p", math.log1p, st.floats(-0.999, 1e300)),
    ("log2", math.log2, st.floats(1e-300, 1e300)),
    ("sqrt", math.sqrt, st.floats(0, 1e300)),
    ("sin", math.sin, EVERYWHERE),
    ("tanh", math.tanh, EVERYWHERE),
    ("asinh", math.asinh, EVERYWHERE),
    ("floor", math.floor, EVERYWHERE),
    ("trunc", math.trunc, EVERYWHERE),
    ("round", round, EVERYWHERE),
    ("erf", math.erf, st.floats(-30, 30)),
    ("erfc", math.erfc, st.floats(-30, 26)),
]


@pytest.mark.parametrize(("name", "law", "numbers"), LAWS, ids=[law[0] for law in LAWS])
def test_law(name, law, numbers):
    @given(numbers)
    @settings(max_examples=50)
    def check(x):
        out = getattr(tg, name)(tg.tensor(x, dtype=tg.float64)).item()
        assert out == pytest.approx(law(x), rel=4e-15, abs=1e-300)

    check()


def ulps(actual, expected):
    return np.abs(actual - expected) / np.spacing(np.abs(expected))


def test_erf_is_right_to_the_last_digits():
    x = np.concatenate([np.linspace(-6, 6, 4001), np.geomspace(1e-300, 1e-2, 200)])
    assert ulps(tg.erf(tg.from_numpy(x)).numpy(), np.vectorize(math.erf)(x)).max() <= 3
    x = np.linspace(-6, 26, 4001)
    assert ulps(tg.erfc(tg.from_numpy(x)).numpy(), np.vectorize(math.erfc)(x)).max() <= 6
    x = np.linspace(-6, 9, 3001, dtype=np.float32)
    for f, law in ((tg.erf, math.erf), (tg.erfc, math.erfc)):
        right = np.vectorize(law)(x).astype(np.float32)
        with use("numpy"):
            np.testing.assert_array_equal(f(tg.from_numpy(x)).numpy(), right)
        assert ulps(f(tg.from_numpy(x)).numpy(), right).max() <= 1  # by a loop, where one is compiled


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("log", [0.0, -1.0, inf], [-inf, nan, inf]),
        ("log1p", [-1.0, -2.0, 1e-20], [-inf, nan, 1e-20]),
        ("expm1", [1e-20, 10000.0, -10000.0], [1e-20, inf, -1.0]),
        ("exp", [10000.0, -10000.0], [inf, 0.0]),
        ("sqrt", [0.0, -1.0], [0.0, nan]),
        ("rsqrt", [0.0, -1.0, inf], [inf, nan, 0.0]),
        ("reciprocal", [0.0, -inf], [inf, 0.0]),
        ("sign", [-2.0, 0.0, 3.0, nan], [-1.0, 0.0, 1.0, 0.0]),
        ("abs", [-2.0, -inf, nan], [2.0, inf, nan]),
        ("round", [0.5, 1.5, 2.5, -0.5, -1.5], [0.0, 2.0, 2.0, -0.0, -2.0]),
        ("frac", [1.5, -1.5], [0.5, -0.5]),
        ("asin", [2.0], [nan]),
        ("acosh", [0.5, 1.0], [nan, 0.0]),
        ("atanh", [1.0, -1.0, 2.0], [inf, -inf, nan]),
        ("cosh", [1000.0], [inf]),
        ("tanh", [10000.0, -10000.0], [1.0, -1.0]),
        ("sinc", [0.0, inf], [1.0, nan]),
        ("erf", [inf, -inf, 0.0, nan], [1.0, -1.0, 0.0, nan]),
        ("erfc", [inf, -inf, 0.0, 30.0], [0.0, 2.0, 1.0, 0.0]),
    ],
)
@pytest.mark.parametrize("dtype", [tg.float32, tg.float64], ids=str)
def test_edge_values(name, x, expected, dtype):
    out = getattr(tg, name)(tg.tensor(x, dtype=dtype))
    assert out.dtype == dtype
    np.testing.assert_array_equal(out.numpy(), np.array(expected, dtype))


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("abs", [-2.0, 0.0, 2.0], [-1, 0, 1]),
        ("sqrt", [0.0, 4.0], [inf, 0.25]),
        ("log", [0.0], [inf]),
        ("floor", [0.5], [0]),
        ("sign", [0.0, inf], [0, 0]),
        ("round", [0.5], [0]),
        ("frac", [1.5], [1]),
        ("sinc", [0.0], [0]),
        ("tanh", [10000.0], [0]),
        ("exp", [10000.0], [inf]),
        ("erf", [0.0, 100.0], [2 / math.sqrt(math.pi), 0]),
    ],
)
def test_gradient_at(name, x, expected):
    x = tg.tensor(x, dtype=tg.float64, requires_grad=True)
    getattr(tg, name)(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), expected)


def test_integers():
    x = tg.tensor([-2, 3])
    for name in ("abs", "sign", "floor", "ceil", "trunc", "round", "square"):
        assert getattr(tg, name)(x).dtype == tg.int64
    for name in ("exp", "sqrt", "sin", "tanh", "reciprocal", "erf", "log1p", "acos", "exp2"):
        assert getattr(tg, name)(x).dtype == tg.float32
    assert tg.floor(x) is not x
    assert tg.exp(tg.tensor([True])).dtype == tg.float32


def test_round_decimals():
    np.testing.assert_allclose(tg.round(tg.tensor([1.2345, -678.9]), decimals=2).numpy(), [1.23, -678.9], rtol=1e-6)
    assert tg.round(tg.tensor([125.0]), decimals=-1).item() == 120
    with pytest.raises(RuntimeError, match="decimals=1 is for floating"):
        tg.round(tg.tensor([1]), decimals=1)


def test_frac_of_integers_is_refused():
    with pytest.raises(RuntimeError, match="frac: takes floating"):
        tg.frac(tg.tensor([1]))


def test_memory_order_stays():
    x = tg.from_numpy(np.ones((2, 4, 4, 3), np.float32).transpose(0, 3, 1, 2))
    for name in ("exp", "erf", "abs", "sqrt"):
        assert getattr(tg, name)(x)._array.strides == x._array.strides
    for f in (tg.relu, tg.sigmoid, tg.nn.functional.leaky_relu, tg.nn.functional.gelu, tg.nn.functional.silu):
        assert f(x)._array.strides == x._array.strides


def test_all_orders_of_sine():
    x = tg.tensor(0.3, dtype=tg.float64, requires_grad=True)
    y = tg.sin(x)
    for law in (math.cos, lambda v: -math.sin(v), lambda v: -math.cos(v), math.sin):
        (y,) = tg.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(law(0.3))
