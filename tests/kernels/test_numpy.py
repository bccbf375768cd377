"""The NumPy kernels against the textbook in float64: by layout, dtype and pieces; and both at the edges."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from shapes import DTYPES, LAYOUTS, agree, convolutions, normal, numbers_with, pooled_size, pools, sum_pools

from tinygrad_cnn.kernels.numpy import chunks, conv
from tinygrad_cnn.kernels.settings import AdamSettings, SGDSettings
from tinygrad_cnn.testing.calls import doubled, outcome, version


def usual(name):
    return version(name, "numpy")


@pytest.fixture(params=["textbook", "numpy"])
def either(request):
    """Finds a kernel by its name, in each of the two rooms."""
    return lambda name: version(name, request.param)


def law(name, *args):
    """What the textbook gives for the same numbers in float64, or what it makes of those that it changes in place."""
    found = outcome(version(name, "textbook"), doubled(args))
    return found if len(found) > 1 else found[0]


def is_channels_last(x):
    return x.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.fixture(params=["usual pieces", "tiny pieces"])
def pieces(request, monkeypatch):
    """Run with the usual pieces and with such as cut every case: images from images and rows from rows."""
    if request.param == "tiny pieces":
        monkeypatch.setattr(chunks, "PIECE", 100)
        monkeypatch.setattr(conv, "PRODUCT", 16000)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@convolutions
def test_conv2d(case, layout, dtype):
    x_shape, w_shape, *geometry = case
    x, weight, bias = normal(x_shape, dtype, layout), normal(w_shape, dtype, layout, seed=1), normal(w_shape[0], dtype)
    agree(law("conv2d", x, weight, None, *geometry), usual("conv2d")(x, weight, None, *geometry), dtype)
    out = usual("conv2d")(x, weight, bias, *geometry)
    agree(law("conv2d", x, weight, bias, *geometry), out, dtype)
    assert is_channels_last(out)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@convolutions
def test_the_derivatives_of_conv2d(case, layout, dtype):
    x_shape, w_shape, *geometry = case
    x, weight = normal(x_shape, dtype, layout), normal(w_shape, dtype, layout, seed=1)
    grad = normal(usual("conv2d")(x, weight, None, *geometry).shape, dtype, layout, seed=2)
    for name, args in (("conv2d_input", (grad, weight, x_shape)), ("conv2d_weight", (grad, x, w_shape))):
        agree(law(name, *args, *geometry), usual(name)(*args, *geometry), dtype)


@pytest.mark.parametrize(
    ("grad_shape", "w_shape", "out_shape", "geometry"),
    [
        ((2, 3, 4, 4), (3, 2, 3, 3), (2, 2, 10, 10), ((2, 2), (0, 0), (1, 1), 1)),  # 9 by the formula, and one more
        ((2, 3, 4, 4), (3, 2, 3, 3), (2, 2, 9, 8), ((1, 1), (0, 0), (2, 2), 1)),  # stride 1, one more row
        ((1, 4, 3, 3), (4, 1, 2, 2), (1, 2, 7, 7), ((3, 3), (1, 1), (1, 1), 2)),
    ],
)
def test_conv2d_input_makes_room_as_a_transposed_convolution_may(grad_shape, w_shape, out_shape, geometry):
    """With output_padding, rows and columns are left over that no window reaches."""
    grad, weight = normal(grad_shape), normal(w_shape, seed=1)
    out = usual("conv2d_input")(grad, weight, out_shape, *geometry)
    agree(law("conv2d_input", grad, weight, out_shape, *geometry), out)


def test_conv2d_carries_infinities_and_nan(either):
    x = np.array([np.inf, 1.0, -np.inf, 1.0, np.nan]).reshape(1, 1, 1, 5)
    out = either("conv2d")(x, np.ones((1, 1, 1, 2)), None, (1, 1), (0, 0), (1, 1), 1)
    np.testing.assert_array_equal(out.ravel(), [np.inf, -np.inf, -np.inf, np.nan])
    out = either("conv2d")(x, np.ones((1, 1, 1, 3)), None, (1, 1), (0, 0), (1, 1), 1)
    assert np.isnan(out[0, 0, 0, 0])


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("ceil_mode", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("kind", ["ties", "specials"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pools
def test_max_pool2d(case, layout, kind, ceil_mode):
    shape, *geometry = case
    x = numbers_with(kind, shape, np.float32, layout)
    size = pooled_size(shape[2:], *geometry, ceil_mode)
    out, choice = usual("max_pool2d")(x, *geometry, size)
    assert (out.shape, out.dtype) == ((*shape[:2], *size), np.float32)
    assert choice.dtype == (np.uint8 if math.prod(geometry[0]) <= 256 else np.int32)
    expected, expected_choice = law("max_pool2d", x, *geometry, size)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(choice, expected_choice)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pools
def test_place_and_pick(case, layout, dtype):
    shape, *geometry = case
    size = pooled_size(shape[2:], *geometry, True)
    x, grad = numbers_with("ties", shape, dtype, layout), normal((*shape[:2], *size), dtype, layout)
    out, choice = usual("max_pool2d")(x, *geometry, size)
    agree(out, usual("max_pool2d_pick")(x, choice, *geometry), dtype)
    for name, args in (("max_pool2d_pick", (grad_like(x), choice)), ("max_pool2d_place", (grad, choice, shape))):
        agree(law(name, *args, *geometry), usual(name)(*args, *geometry), dtype)


def grad_like(x):
    return normal(x.shape, x.dtype, seed=1)


def test_place_puts_infinities_and_nan_at_their_place_only(either):
    grad, choice = np.array([[[[np.inf, np.nan]]]]), np.array([[[[1, 0]]]], np.uint8)
    out = either("max_pool2d_place")(grad, choice, (1, 1, 1, 4), (1, 2), (1, 2), (0, 0), (1, 1))
    np.testing.assert_array_equal(out.ravel(), [0, np.inf, np.nan, 0])


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("ceil_mode", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@sum_pools
def test_sum_pool2d_and_its_adjoint(case, layout, dtype, ceil_mode):
    shape, *geometry = case
    size = pooled_size(shape[2:], *geometry, (1, 1), ceil_mode)
    x, grad = normal(shape, dtype, layout), normal((*shape[:2], *size), dtype, layout, seed=1)
    agree(law("sum_pool2d", x, *geometry, size), usual("sum_pool2d")(x, *geometry, size), dtype)
    agree(law("sum_pool2d_spread", grad, shape, *geometry), usual("sum_pool2d_spread")(grad, shape, *geometry), dtype)


@pytest.mark.parametrize("layout", ["plain", "channels_last"])
def test_pooling_keeps_the_memory_order(layout):
    x = normal((2, 3, 6, 8), layout=layout)
    half = ((2, 2), (2, 2), (0, 0))
    out, choice = usual("max_pool2d")(x, *half, (1, 1), (3, 4))
    placed = usual("max_pool2d_place")(out, choice, x.shape, *half, (1, 1))
    summed = usual("sum_pool2d")(x, *half, (3, 4))
    spread = usual("sum_pool2d_spread")(summed, x.shape, *half)
    for array in (out, choice, placed, summed, spread):
        assert is_channels_last(array) == (layout == "channels_last")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_relu(layout, dtype):
    x = normal((2, 3, 4, 5), dtype, layout)
    out = usual("relu")(x)
    agree(np.where(x > 0, x, 0), out, dtype)
    assert out.strides == np.empty_like(x).strides
    grad = normal(x.shape, dtype, layout, seed=1)
    agree(np.where(x > 0, grad, 0), usual("relu_mask")(grad, out), dtype)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2)])
def test_relu_of_any_shape(shape, either):
    x = np.ones(shape, np.float32)
    for out in (either("relu")(x), either("relu_mask")(x, x)):
        assert isinstance(out, np.ndarray)
        agree(x, out, np.float32)


def test_relu_of_infinities_and_nan(either):
    x = np.array([np.inf, -np.inf, np.nan, -0.0, 0.0])
    np.testing.assert_array_equal(either("relu")(x), [np.inf, 0, np.nan, 0, 0])
    grad = np.array([np.inf, np.nan, -np.inf, 1.0, 1.0])
    np.testing.assert_array_equal(either("relu_mask")(grad, np.array([1.0, 1.0, 1.0, 1.0, 0.0])), [*grad[:4], 0])
    np.testing.assert_array_equal(either("relu_mask")(grad, np.zeros(5)), np.zeros(5))
    np.testing.assert_array_equal(either("relu_mask")(grad, np.full(5, np.nan)), grad)


NORMS = [(8, 3), (1, 2, 3), (5, 3, 4), (3, 4, 5, 6), (6, 1, 2, 1), (2, 3, 1, 1), (2, 2, 2, 3, 2)]


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["plain", "channels_last", "sliced", "negative"])
@pytest.mark.parametrize("shape", NORMS)
def test_batch_norm(shape, layout, dtype, affine):
    C, eps = shape[1], 1e-3
    x, grad = normal(shape, dtype, layout), normal(shape, dtype, layout, seed=1)
    weight, bias = (normal(C, dtype, seed=2), normal(C, dtype, seed=3)) if affine else (None, None)
    found = usual("batch_norm")(x, weight, bias, eps)
    for expected, got in zip(law("batch_norm", x, weight, bias, eps), found, strict=True):
        agree(expected, got, dtype)
    known = x, weight, bias, *found[1:]
    agree(law("batch_norm_eval", *known), usual("batch_norm_eval")(*known), dtype)
    given = grad, x, weight, *found[1:]
    for expected, got in zip(law("batch_norm_backward", *given), usual("batch_norm_backward")(*given), strict=True):
        agree(expected, got, dtype)


@pytest.mark.parametrize("layout", ["plain", "channels_last"])
def test_batch_norm_keeps_the_memory_order(layout):
    x = normal((2, 3, 4, 5), layout=layout)
    out, mean, invstd = usual("batch_norm")(x, None, None, 1e-5)
    d_input, _, _ = usual("batch_norm_backward")(normal(x.shape), x, None, mean, invstd)
    assert x.strides == out.strides == d_input.strides


def test_batch_norm_is_exact_far_from_zero(either):
    """A variance by E[x²] - E[x]² would lose all digits here."""
    x = (normal((64, 2, 9, 9)) + 3000).astype(np.float32)
    out, _, _ = either("batch_norm")(x, None, None, 0.0)
    exact = x.astype(np.float64)
    expected = (exact - exact.mean((0, 2, 3), keepdims=True)) / exact.std((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(out, expected, atol=1e-3)


def test_batch_norm_moves_the_running_statistics(either):
    x = normal((5, 2, 3, 4)) * 2 + 7
    mean, var = np.full(2, 4.0), np.full(2, 9.0)
    either("batch_norm")(x, None, None, 1e-5, (mean, var, 0.3))
    np.testing.assert_allclose(mean, 0.7 * 4 + 0.3 * x.mean((0, 2, 3)))
    np.testing.assert_allclose(var, 0.7 * 9 + 0.3 * x.var((0, 2, 3), ddof=1))
    either("batch_norm")(x[:0], None, None, 1e-5, (held := mean.copy(), var, 0.3))
    np.testing.assert_array_equal(mean, held)


def test_batch_norm_of_nothing_and_of_infinities(either):
    out, mean, invstd = either("batch_norm")(np.zeros((0, 3, 2, 2), np.float32), None, None, 1e-5)
    assert (out.shape, mean.shape, invstd.shape) == ((0, 3, 2, 2), (3,), (3,))
    d_input, d_weight, d_bias = either("batch_norm_backward")(out, out, None, mean, invstd)
    assert d_input.shape == (0, 3, 2, 2)
    agree(np.zeros(3), d_weight, np.float32)
    agree(np.zeros(3), d_bias, np.float32)
    out, _, _ = either("batch_norm")(np.array([[np.inf, 1.0], [0.0, 3.0]]), None, None, 0.0)
    np.testing.assert_array_equal(out, [[np.nan, -1], [np.nan, 1]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dim", [0, 1, 2, 3, -1, -3])
def test_softmax(dim, layout, dtype):
    x = normal((2, 3, 4, 5), dtype, layout)
    for name in ("softmax", "log_softmax"):
        agree(law(name, x, dim), usual(name)(x, dim), dtype)


# a row, its softmax, its log_softmax
ROWS = [
    ([10000.0, 10000.0], [0.5, 0.5], [-math.log(2)] * 2),
    ([10000.0, 0.0], [1, 0], [0, -10000]),
    ([-10000.0, -10000.0], [0.5, 0.5], [-math.log(2)] * 2),
    ([0.0, -np.inf], [1, 0], [0, -np.inf]),
    ([-np.inf, -np.inf], [np.nan] * 2, [np.nan] * 2),
    ([np.inf, 0.0], [np.nan, 0], [np.nan, -np.inf]),
    ([np.nan, 0.0], [np.nan] * 2, [np.nan] * 2),
    ([5.0], [1], [0]),
    ([], [], []),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("row", "expected", "logs"), ROWS)
def test_softmax_at_the_edges(row, expected, logs, dtype, either):
    row = np.array([row, row], dtype)
    if np.inf in row:  # PyTorch gives NaN for the whole row or for a part of it, as its vector length has it
        expected = logs = [np.nan]
        row = row[:, :1]
    np.testing.assert_allclose(either("softmax")(row, 1), [expected] * 2, rtol=1e-6)
    np.testing.assert_allclose(either("log_softmax")(row, 1), [logs] * 2, rtol=1e-6)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("dim", [0, 1])
def test_softmax_of_nothing(shape, dim, either):
    x = np.zeros(shape, np.float32)
    assert either("softmax")(x, dim).shape == either("log_softmax")(x, dim).shape == shape


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["plain", "sliced", "negative", "channels_last"])
@pytest.mark.parametrize("shape", [(5, 4), (1, 1), (0, 3), (3, 1)])
def test_cross_entropy(shape, layout, dtype):
    x, grad = normal(shape, dtype, layout), normal(shape[0], dtype, seed=1)
    target = np.random.default_rng(2).integers(0, shape[1], shape[0])
    found = usual("cross_entropy")(x, target)
    for expected, got in zip(law("cross_entropy", x, target), found, strict=True):
        agree(expected, got, dtype)
    given = grad, x, *found[1:], target
    agree(law("cross_entropy_backward", *given), usual("cross_entropy_backward")(*given), dtype)


def test_cross_entropy_at_the_edges(either):
    x, target = np.array([[10000.0, 0.0], [0.0, -10000.0], [-np.inf, -np.inf], [-np.inf, 0.0]]), np.array([1, 1, 0, 1])
    losses, highest, total = either("cross_entropy")(x, target)
    np.testing.assert_array_equal(losses, [10000, 10000, np.nan, 0])
    d_x = either("cross_entropy_backward")(np.ones(4), x, highest, total, target)
    np.testing.assert_array_equal(d_x, [[1, -1], [1, -1], [np.nan, np.nan], [0, 0]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["plain", "sliced", "negative"])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4), (2, 0, 4), (2, 3, 5, 4), (3, 0)])
def test_linear(shape, layout, dtype):
    x, weight = normal(shape, dtype, layout), normal((6, shape[-1]), dtype, layout, seed=1)
    bias = normal(6, dtype, layout, seed=2)
    for b in (None, bias):
        agree(law("linear", x, weight, b), usual("linear")(x, weight, b), dtype)


PARAMETERS = [(), (1,), (0,), (7, 3), (2, 3, 4, 5)]


def parameters(dtype, seed, positive=False):
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.standard_normal(shape), dtype) for shape in PARAMETERS]
    arrays += [np.asarray(rng.standard_normal((6, 8)), dtype)[::2, ::-2], np.asarray(rng.random((3, 4)), dtype).T]
    return [np.asarray(abs(a)) for a in arrays] if positive else arrays


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("momentum", "dampening", "nesterov"), [(0.0, 0.0, False), (0.9, 0.0, False), (0.9, 0.5, False), (0.9, 0.0, True)]
)
def test_sgd(momentum, dampening, nesterov, weight_decay, maximize, dtype):
    params, grads, buffers = (parameters(dtype, seed) for seed in range(3))
    settings = SGDSettings(0.1, momentum, dampening, weight_decay, nesterov, maximize)
    check_update("sgd", params, grads, buffers if momentum else [None] * len(params), settings, dtype=dtype)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize(("weight_decay", "decoupled"), [(0.0, False), (0.1, False), (0.1, True)])
def test_adam(weight_decay, decoupled, amsgrad, maximize, dtype):
    params, grads, means = (parameters(dtype, seed) for seed in range(3))
    squares, largest = (parameters(dtype, seed, positive=True) for seed in (3, 4))
    settings = AdamSettings(0.1, 0.8, 0.95, 1e-3, weight_decay, decoupled, maximize)
    check_update("adam", params, grads, means, squares, largest if amsgrad else None, 3, settings, dtype=dtype)


def check_update(name, *args, dtype):
    expected = law(name, *args)
    for want, got in zip(expected, outcome(usual(name), args), strict=True):
        agree(want, got, dtype)


# sums

SUMMED = [(70,), (3, 7), (100, 2), (2, 100), (33, 34), (17, 3, 19), (5, 40, 6), (40, 1, 50), (0, 40), (3, 17, 2, 5)]


@pytest.mark.parametrize("shape", SUMMED, ids=str)
def test_sum_over_any_axes_in_any_memory_order(shape):
    for order in itertools.permutations(range(len(shape))):
        x = normal(shape).transpose(order).copy().transpose(np.argsort(order))
        for view in (x, x[::-1], np.repeat(x, 2, -1)[..., ::2], np.broadcast_to(x[-1:], (5 * len(x), *shape[1:]))):
            for n in range(1, len(shape) + 1):
                for axes in itertools.combinations(range(len(shape)), n):
                    for keepdims in (False, True):
                        expected = np.add.reduce(view, axis=axes, keepdims=keepdims)
                        agree(expected, usual("sum")(view, axes, keepdims))


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((1_000_000, 2), (0,)), ((2, 500_000), (1,)), ((100, 3, 80, 70), (0, 2, 3)), ((300, 50, 2, 40), (0, 2))],
)
@pytest.mark.parametrize("layout", ["plain", "channels_last", "sliced", "negative"])
def test_long_sums_keep_their_digits(shape, axes, layout):
    x = LAYOUTS[layout](np.random.default_rng(0).random(shape, np.float32) + np.float32(0.1))
    found = usual("sum")(x, axes, False)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, x.sum(axes, dtype=np.float64), rtol=4e-7)


def test_sums_at_places_that_come_often(either):
    values = np.full((200_000, 2), 0.1, np.float32)
    found = either("sums_at")(values, np.arange(200_000) % 2, 3)
    np.testing.assert_allclose(found, [[10_000] * 2, [10_000] * 2, [0, 0]], rtol=1e-7)
    found = either("sums_at")(np.array([2**62, 1, 2**62]), np.array([1, 1, 1]), 2)
    assert found.tolist() == [0, -(2**63) + 1]  # integers stay integers, and wrap around


def test_long_products_keep_their_digits():
    a = np.full((2, 1_000_000), 0.1, np.float32)
    for b in (a[0], a.T):
        np.testing.assert_allclose(usual("matmul")(a, b), 1e6 * np.float64(a[0, 0]) ** 2, rtol=3e-5)
