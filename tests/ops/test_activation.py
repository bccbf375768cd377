"""Activations: stable at any size, PyTorch's derivative at every kink, names and defaults, errors."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.kernels import use
from tinygrad_cnn.ops import activation, rectifier

OPS = {**vars(rectifier), **vars(activation)}

inf, nan = math.inf, math.nan
NAMES = (
    "relu relu6 hardtanh leaky_relu elu celu selu sigmoid logsigmoid softplus silu mish gelu hardsigmoid hardswish "
    "softshrink hardshrink tanhshrink softsign"
).split()


def run(name, x, *args):
    """The value and the derivative, in float64."""
    x = tg.tensor(x, dtype=tg.float64, requires_grad=True)
    y = OPS[name](x, *args)
    y.sum().backward()
    return y.detach().numpy(), x.grad.numpy()


@pytest.mark.parametrize(
    ("name", "x", "value", "slope"),
    [
        ("sigmoid", [-10000.0, 0.0, 10000.0], [0.0, 0.5, 1.0], [0.0, 0.25, 0.0]),
        ("logsigmoid", [-10000.0, 10000.0], [-10000.0, 0.0], [1.0, 0.0]),
        ("softplus", [-10000.0, 0.0, 10000.0], [0.0, math.log(2), 10000.0], [0.0, 0.5, 1.0]),
        ("silu", [-10000.0, 10000.0], [0.0, 10000.0], [0.0, 1.0]),
        ("mish", [-10000.0, 10000.0], [0.0, 10000.0], [0.0, 1.0]),
        ("gelu", [-10000.0, 0.0, 10000.0], [0.0, 0.0, 10000.0], [0.0, 0.5, 1.0]),
        ("elu", [-10000.0, 0.0, 10000.0], [-1.0, 0.0, 10000.0], [0.0, 1.0, 1.0]),
        ("celu", [-10000.0, 10000.0], [-1.0, 10000.0], [0.0, 1.0]),
        ("tanhshrink", [-10000.0, 10000.0], [-9999.0, 9999.0], [1.0, 1.0]),
        ("softsign", [-1.0, 0.0, 1.0], [-0.5, 0.0, 0.5], [0.25, 1.0, 0.25]),
        ("relu", [-1.0, 0.0, 1.0, inf, nan], [0.0, 0.0, 1.0, inf, nan], [0.0, 0.0, 1.0, 1.0, 1.0]),
        ("relu6", [0.0, 3.0, 6.0, 9.0], [0.0, 3.0, 6.0, 6.0], [0.0, 1.0, 0.0, 0.0]),
        ("hardtanh", [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]),
        ("hardsigmoid", [-3.0, 0.0, 3.0], [0.0, 0.5, 1.0], [0.0, 1 / 6, 0.0]),
        ("hardswish", [-3.0, 0.0, 3.0, 9.0], [0.0, 0.0, 3.0, 9.0], [0.0, 0.5, 1.0, 1.0]),
        ("leaky_relu", [-1.0, 0.0, 1.0], [-0.01, 0.0, 1.0], [0.01, 0.01, 1.0]),
        ("softshrink", [-0.5, 0.0, 0.5, 1.0, nan], [0.0, 0.0, 0.0, 0.5, nan], [0.0, 0.0, 0.0, 1.0, 1.0]),
        ("hardshrink", [-0.5, 0.0, 0.5, 1.0, nan], [0.0, 0.0, 0.0, 1.0, nan], [0.0, 0.0, 0.0, 1.0, 1.0]),
    ],
)
def test_value_and_slope(name, x, value, slope):
    y, dx = run(name, x)
    np.testing.assert_allclose(y, value, rtol=1e-15, atol=0)
    if slope is not None:
        np.testing.assert_allclose(dx, slope, rtol=1e-15, atol=0)


SCALE = activation.SELU_SCALE


@pytest.mark.parametrize(
    ("name", "value", "slope"),
    [
        ("relu6", [0.0, 6.0, nan, 6.0], [0.0, 0.0, 1.0, 0.0]),
        ("hardtanh", [-1.0, 1.0, nan, 1.0], [0.0, 0.0, 1.0, 0.0]),
        ("leaky_relu", [-inf, inf, nan, 1e30], [0.01, 1.0, 0.01, 1.0]),
        ("elu", [-1.0, inf, nan, 1e30], [0.0, 1.0, 1.0, 1.0]),
        ("celu", [-1.0, inf, nan, 1e30], [0.0, 1.0, 1.0, 1.0]),
        ("selu", [-activation.SELU_ALPHA * SCALE, inf, nan, 1e30 * SCALE], [0.0, SCALE, SCALE, SCALE]),
        ("sigmoid", [0.0, 1.0, nan, 1.0], [0.0, 0.0, nan, 0.0]),
        ("logsigmoid", [-inf, 0.0, nan, 0.0], [1.0, 0.0, nan, 0.0]),
        ("softplus", [0.0, inf, nan, 1e30], [0.0, 1.0, nan, 1.0]),
        ("hardsigmoid", [0.0, 1.0, nan, 1.0], [0.0, 0.0, 0.0, 0.0]),
        ("hardswish", [nan, inf, nan, 1e30], [0.0, 1.0, 1.0, 1.0]),
        ("softshrink", [-inf, inf, nan, 1e30], [1.0, 1.0, 1.0, 1.0]),
        ("hardshrink", [-inf, inf, nan, 1e30], [1.0, 1.0, 1.0, 1.0]),
        ("softsign", [nan, nan, nan, 1.0], [nan, nan, nan, 0.0]),
        ("tanhshrink", [-inf, inf, nan, 1e30], [1.0, 1.0, nan, 1.0]),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_at_infinity_and_nan_as_in_pytorch(name, value, slope):
    y, dx = run(name, [-inf, inf, nan, 1e30])
    np.testing.assert_allclose(y, value, rtol=1e-14)
    np.testing.assert_allclose(dx, slope, rtol=1e-14, atol=1e-50)


@pytest.mark.parametrize("name", NAMES)
def test_large_float32_inputs_are_silent(name):
    x = tg.tensor([-1e4, -1e2, -1.0, 0.0, 1.0, 1e2, 1e4], requires_grad=True)
    y = OPS[name](x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == tg.float32
    assert tg.isfinite(y).all()
    assert tg.isfinite(x.grad).all()


def test_gelu_keeps_its_small_tail():
    y, _ = run("gelu", [-20.0])
    assert y[0] == pytest.approx(-20 * 0.5 * math.erfc(20 / math.sqrt(2)), rel=1e-13)
    y, _ = run("gelu", [-3.0, 3.0], "tanh")
    assert y == pytest.approx([-0.003637392081773, 2.996362607918227], rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_as_in_pytorch(pytorch, name):
    def value(m):
        return getattr(m.nn.functional, name)(m.tensor(x))

    def slope(m):
        t = m.tensor(x, requires_grad=True)
        getattr(m.nn.functional, name)(t).sum().backward()
        return t.grad

    x = np.concatenate([np.linspace(-7, 7, 57), [20.0, 25.0, -30.0, 1e-9, -1e-9]])
    pytorch.agrees(value, rtol=1e-10, atol=1e-12)
    # PyTorch rounds the slope 1/6 of hardsigmoid to float32, and cuts softplus off at 20 as we do.
    pytorch.agrees(slope, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("relu6", {}),
        ("hardtanh", {"min_val": -1.0, "max_val": 1.0}),
        ("leaky_relu", {"negative_slope": 0.01}),
        ("prelu", {"weight": inspect.Parameter.empty}),
        ("elu", {"alpha": 1.0}),
        ("celu", {"alpha": 1.0}),
        ("gelu", {"approximate": "none"}),
        ("softplus", {"beta": 1.0, "threshold": 20.0}),
        ("softshrink", {"lambd": 0.5}),
        ("hardshrink", {"lambd": 0.5}),
        ("glu", {"dim": -1}),
        ("threshold", {"threshold": inspect.Parameter.empty, "value": inspect.Parameter.empty}),
    ],
)
def test_names_and_defaults_are_those_of_pytorch(name, parameters):
    found = inspect.signature(OPS[name]).parameters
    assert {key: p.default for key, p in list(found.items())[1:]} == parameters
    assert next(iter(found)) == "input"


def test_relu_saves_its_result_alone():
    x = tg.ones(3, requires_grad=True)
    y = tg.relu(x)
    assert len(y.grad_fn.saved) == 1
    x.data.fill_(-1.0)
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]


def test_relu_stops_infinite_gradients():
    x = tg.tensor([-1.0, 1.0], requires_grad=True)
    tg.relu(x).backward(tg.tensor([inf, 2.0]))
    assert x.grad.tolist() == [0, 2]


def test_prelu_shapes():
    x = tg.tensor([[-1.0, -2.0, 3.0]])
    assert rectifier.prelu(x, tg.tensor([0.5])).tolist() == [[-0.5, -1, 3]]
    assert rectifier.prelu(x, tg.tensor([0.5, 0.25, 9.0])).tolist() == [[-0.5, -0.5, 3]]
    assert rectifier.prelu(tg.tensor(-4.0), tg.tensor([0.5])).item() == -2
    assert rectifier.prelu(tg.ones(2, 3, 4, 5), tg.ones(3)).shape == (2, 3, 4, 5)


def test_glu_halves():
    x = tg.tensor([[1.0, 2.0, 0.0, 10000.0]])
    assert activation.glu(x).tolist() == [[0.5, 2.0]]
    assert activation.glu(tg.zeros(4, 3), dim=0).shape == (2, 3)


def test_elu_at_scale():
    y, dx = run("elu", [-1.0, 1.0], 2.0)
    np.testing.assert_allclose(y, [2 * math.expm1(-1), 1])
    np.testing.assert_allclose(dx, [2 * math.exp(-1), 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: activation.glu(tg.ones(2, 3)), RuntimeError, r"glu: axis 1 of shape \(2, 3\).*even"),
        (lambda: activation.glu(tg.ones(())), RuntimeError, "no axes"),
        (lambda: activation.glu(tg.ones(2), 1), IndexError, "dim 1 is out of range"),
        (lambda: activation.gelu(tg.ones(2), "fast"), RuntimeError, "'none' or 'tanh', got 'fast'"),
        (lambda: activation.celu(tg.ones(2), 0.0), RuntimeError, "alpha cannot be 0"),
        (
            lambda: rectifier.prelu(tg.ones(2, 3), tg.ones(2)),
            RuntimeError,
            r"\(3\) of input \(2, 3\), got .*\(2,\)",
        ),
        (lambda: rectifier.softshrink(tg.ones(2), -1.0), RuntimeError, "must not be negative"),
        (lambda: rectifier.hardtanh(tg.ones(2), 1.0, -1.0), ValueError, "min_val must not be greater"),
        (lambda: tg.relu(tg.tensor([True])), RuntimeError, "relu: takes numbers, got bool"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("n", [4, 40_000])
def test_a_sigmoid_is_as_small_as_its_exponential(n):
    x = np.linspace(-103, 30, n, dtype=np.float32)
    with use("fast"):
        got = tg.sigmoid(tg.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, 1 / (1 + np.exp(-x.astype(np.float64))), rtol=1e-6, atol=3e-45)


@pytest.mark.parametrize("name", ["elu", "celu", "leaky_relu", "softplus"])
def test_a_tensor_for_a_number_does_not_widen(name):
    x, f = tg.tensor([-1.0, 2.0], requires_grad=True), OPS[name]
    out = f(x, tg.tensor(0.5, dtype=tg.float64))
    assert out.dtype == tg.float32
    assert out.tolist() == f(x, 0.5).tolist()
    out.sum().backward()
    assert x.grad.dtype == tg.float32
    bounds = tg.tensor(-0.5, dtype=tg.float64), tg.tensor(0.5, dtype=tg.float64)
    assert rectifier.hardtanh(x, *bounds).dtype == tg.float32
