"""The NumPy kernels against formulas written another way: sliding_window_view, einsum, loops, all in float64."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_cnn.kernels.numpy import chunks, conv
from tinygrad_cnn.kernels.settings import AdamSettings, SGDSettings
from tinygrad_cnn.testing.calls import version

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}

LAYOUTS = {
    "plain": lambda x: x,
    "channels_last": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1),
    "sliced": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "negative": lambda x: np.ascontiguousarray(x[..., ::-1])[..., ::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1, :, :, :1], x.shape),
}


def law(name):
    return version(name, "numpy")


def normal(shape, dtype=np.float64, layout="plain", seed=0):
    """Random numbers that no kernel may write into."""
    x = LAYOUTS[layout](np.random.default_rng(seed).standard_normal(shape).astype(dtype))
    x.flags.writeable = False
    return x


def agree(expected, actual, dtype=np.float64):
    assert (expected.shape, np.dtype(dtype)) == (actual.shape, actual.dtype)
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


def is_channels_last(x):
    return x.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.fixture(params=["usual pieces", "tiny pieces"])
def pieces(request, monkeypatch):
    """Run with the usual pieces and with such as cut every case: images from images and rows from rows."""
    if request.param == "tiny pieces":
        monkeypatch.setattr(chunks, "PIECE", 100)
        monkeypatch.setattr(conv, "PRODUCT", 16000)


# input, weight, stride, padding, dilation, groups
CONVOLUTIONS = {
    "plain": ((2, 3, 7, 9), (4, 3, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    "padding": ((2, 3, 6, 5), (4, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "1x1": ((3, 4, 5, 6), (2, 4, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    "1x1, strides": ((3, 4, 5, 7), (2, 4, 1, 1), (2, 3), (0, 0), (1, 1), 1),
    "1x1, padding": ((2, 3, 4, 4), (2, 3, 1, 1), (1, 1), (1, 2), (1, 1), 1),
    "1x1, groups": ((2, 4, 5, 5), (6, 2, 1, 1), (1, 1), (0, 0), (1, 1), 2),
    "one channel": ((3, 1, 9, 10), (5, 1, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    "many channels": ((2, 17, 5, 4), (3, 17, 2, 2), (1, 1), (0, 0), (1, 1), 1),
    "oblong": ((2, 3, 9, 6), (2, 3, 5, 2), (2, 1), (2, 0), (1, 1), 1),
    "stride leaves a rest": ((2, 2, 10, 8), (3, 2, 3, 3), (2, 3), (0, 0), (1, 1), 1),
    "stride beyond the window": ((2, 2, 9, 9), (3, 2, 2, 2), (3, 4), (0, 0), (1, 1), 1),
    "window as large as the input": ((2, 3, 4, 5), (6, 3, 4, 5), (1, 1), (0, 0), (1, 1), 1),
    "window larger than the input": ((2, 2, 3, 2), (3, 2, 5, 4), (1, 1), (1, 1), (1, 1), 1),
    "padding beyond the window": ((2, 2, 4, 4), (3, 2, 2, 2), (1, 1), (3, 2), (1, 1), 1),
    "dilation": ((2, 2, 9, 11), (3, 2, 3, 3), (1, 1), (0, 0), (2, 3), 1),
    "all at once": ((3, 4, 11, 10), (6, 2, 3, 2), (2, 3), (2, 1), (2, 1), 2),
    "depthwise": ((2, 5, 7, 7), (5, 1, 3, 3), (1, 1), (1, 1), (1, 1), 5),
    "depthwise, two filters each": ((2, 3, 7, 6), (6, 1, 3, 3), (2, 2), (1, 1), (1, 1), 3),
    "empty batch": ((0, 3, 7, 7), (4, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "empty batch, strides": ((0, 4, 7, 7), (4, 2, 3, 3), (2, 2), (0, 0), (1, 1), 2),
}
convolutions = pytest.mark.parametrize("case", CONVOLUTIONS.values(), ids=CONVOLUTIONS)


def windows(x, kernel_size, stride, padding, dilation, fill=0.0):
    """(N,C,H,W) -> (N,C,P,Q,h,w)"""
    x = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2], constant_values=fill)
    span = [d * (k - 1) + 1 for d, k in zip(dilation, kernel_size, strict=True)]
    return sliding_window_view(x, span, (2, 3))[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def conv_formula(x, weight, stride, padding, dilation, groups):
    x, weight = x.astype(np.float64), weight.astype(np.float64)
    parts = zip(np.split(x, groups, 1), np.split(weight, groups, 0), strict=True)
    return np.concatenate(
        [np.einsum("ncpqij,ocij->nopq", windows(a, b.shape[2:], stride, padding, dilation), b) for a, b in parts], 1
    )


def test_the_formula_is_what_the_loops_say():
    """One case number by number, so that the formula of the other tests is no less certain than the definition."""
    x, weight = normal((1, 4, 5, 4)), normal((2, 2, 2, 3))
    expected = np.zeros((1, 2, 3, 2))
    for o, p, q, c, i, j in itertools.product(*map(range, (2, 3, 2, 2, 2, 3))):
        y, z = 2 * p + 2 * i - 1, 2 * q + j - 1
        if 0 <= y < 5 and 0 <= z < 4:
            expected[0, o, p, q] += x[0, 2 * o + c, y, z] * weight[o, c, i, j]
    agree(expected, conv_formula(x, weight, (2, 2), (1, 1), (2, 1), 2))


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@convolutions
def test_conv2d(case, layout, dtype):
    x_shape, w_shape, *geometry = case
    x, weight, bias = normal(x_shape, dtype, layout), normal(w_shape, dtype, layout, seed=1), normal(w_shape[0], dtype)
    expected = conv_formula(x, weight, *geometry)
    agree(expected, law("conv2d")(x, weight, None, *geometry), dtype)
    out = law("conv2d")(x, weight, bias, *geometry)
    agree(expected + bias[:, None, None], out, dtype)
    assert is_channels_last(out)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@convolutions
def test_the_derivatives_of_conv2d_are_its_adjoints(case, layout, dtype):
    """⟨conv(x, w), g⟩ is linear in x and in w, so it is also ⟨x, its derivative in x⟩ and ⟨w, that in w⟩."""
    x_shape, w_shape, *geometry = case
    x, weight = normal(x_shape, dtype, layout), normal(w_shape, dtype, layout, seed=1)
    expected = conv_formula(x, weight, *geometry)
    grad = normal(expected.shape, dtype, layout, seed=2)
    whole = np.sum(expected * grad)
    d_x = law("conv2d_input")(grad, weight, x_shape, *geometry)
    d_weight = law("conv2d_weight")(grad, x, w_shape, *geometry)
    assert (d_x.shape, d_x.dtype, d_weight.shape, d_weight.dtype) == (x_shape, dtype, w_shape, dtype)
    room = 2e-4 if dtype == np.float32 else 1e-10
    assert np.sum(d_x * x, dtype=np.float64) == pytest.approx(whole, rel=room, abs=room * 10)
    assert np.sum(d_weight * weight, dtype=np.float64) == pytest.approx(whole, rel=room, abs=room * 10)
    other_x, other_weight = normal(x_shape, seed=3), normal(w_shape, seed=4)  # not only along x and w
    expected = np.sum(conv_formula(other_x, weight, *geometry) * grad)
    assert np.sum(d_x * other_x) == pytest.approx(expected, rel=room, abs=room * 10)
    expected = np.sum(conv_formula(x, other_weight, *geometry) * grad)
    assert np.sum(d_weight * other_weight) == pytest.approx(expected, rel=room, abs=room * 10)


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
    grad, weight, x = normal(grad_shape), normal(w_shape, seed=1), normal(out_shape, seed=2)
    P, Q = grad_shape[2:]
    out = law("conv2d_input")(grad, weight, out_shape, *geometry)
    assert out.shape == out_shape
    expected = np.sum(conv_formula(x, weight, *geometry)[:, :, :P, :Q] * grad)
    assert np.sum(out * x) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", DTYPES)
@convolutions
def test_conv2d_as_torch(pytorch, case, dtype):
    def expected(torch):
        tensors = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
        out = torch.nn.functional.conv2d(*tensors, *geometry)
        out.backward(torch.tensor(normal(out.shape, dtype, seed=3)))
        return out, tensors[0].grad, tensors[1].grad

    x_shape, w_shape, *geometry = case
    x, weight, bias = normal(x_shape, dtype), normal(w_shape, dtype, seed=1), normal(w_shape[0], dtype, seed=2)
    out = law("conv2d")(x, weight, bias, *geometry)
    grad = normal(out.shape, dtype, seed=3)
    d_input = law("conv2d_input")(grad, weight, x_shape, *geometry)
    d_weight = law("conv2d_weight")(grad, x, w_shape, *geometry)
    room = 1e-4 if dtype == np.float32 else 1e-10
    pytorch.compare([out, d_input, d_weight], pytorch(expected), room, room)


def test_conv2d_carries_infinities_and_nan():
    x = np.array([np.inf, 1.0, -np.inf, 1.0, np.nan]).reshape(1, 1, 1, 5)
    out = law("conv2d")(x, np.ones((1, 1, 1, 2)), None, (1, 1), (0, 0), (1, 1), 1)
    np.testing.assert_array_equal(out.ravel(), [np.inf, -np.inf, -np.inf, np.nan])
    out = law("conv2d")(x, np.ones((1, 1, 1, 3)), None, (1, 1), (0, 0), (1, 1), 1)
    assert np.isnan(out[0, 0, 0, 0])


# input, kernel_size, stride, padding, dilation
POOLS = {
    "halves": ((2, 3, 6, 8), (2, 2), (2, 2), (0, 0), (1, 1)),
    "a rest": ((2, 3, 7, 9), (2, 2), (2, 2), (0, 0), (1, 1)),
    "overlaps": ((2, 3, 7, 6), (3, 3), (1, 2), (0, 0), (1, 1)),
    "gaps": ((2, 3, 9, 11), (2, 2), (3, 4), (0, 0), (1, 1)),
    "oblong": ((2, 3, 9, 5), (4, 1), (2, 3), (2, 0), (1, 1)),
    "padding": ((2, 3, 6, 7), (3, 3), (2, 2), (1, 1), (1, 1)),
    "padding, even window": ((2, 3, 5, 5), (2, 2), (2, 2), (1, 1), (1, 1)),
    "window as large as the input": ((2, 3, 4, 5), (4, 5), (4, 5), (0, 0), (1, 1)),
    "window larger than the input": ((2, 3, 3, 3), (4, 4), (1, 1), (2, 2), (1, 1)),
    "one pixel": ((2, 3, 4, 5), (1, 1), (1, 1), (0, 0), (1, 1)),
    "empty batch": ((0, 3, 6, 6), (2, 2), (2, 2), (0, 0), (1, 1)),
    "more than 256 places": ((1, 1, 19, 20), (17, 16), (2, 2), (3, 4), (1, 1)),
    "dilation": ((2, 3, 9, 10), (3, 2), (2, 1), (1, 1), (2, 3)),
}
pools = pytest.mark.parametrize("case", POOLS.values(), ids=POOLS)
sum_pools = pytest.mark.parametrize("case", [c[:4] for c in POOLS.values() if c[4] == (1, 1)])


def pooled_size(size, kernel_size, stride, padding, dilation, ceil_mode):
    """PyTorch's rule: with ceil_mode one more window where it still begins inside the input or the left padding."""
    out = []
    for n, k, s, p, d in zip(size, kernel_size, stride, padding, dilation, strict=True):
        steps = (n + 2 * p - d * (k - 1) - 1) / s
        count = (math.ceil(steps) if ceil_mode else math.floor(steps)) + 1
        out.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)
    return tuple(out)


def beyond(x, kernel_size, stride, padding, dilation, output_size, fill):
    """The windows (N,C,P,Q,h,w) of ceil_mode: beyond the padded input there is more of the padding."""
    need = [
        max(0, (m - 1) * s + d * (k - 1) + 1 - n - 2 * p)
        for n, k, s, p, d, m in zip(x.shape[2:], kernel_size, stride, padding, dilation, output_size, strict=True)
    ]
    sides = [(0, 0), (0, 0), *((p, p + more) for p, more in zip(padding, need, strict=True))]
    x = np.pad(x, sides, constant_values=fill)
    found = windows(x, kernel_size, stride, (0, 0), dilation)
    return found[:, :, : output_size[0], : output_size[1]]


def first_greatest(values, inside):
    """By PyTorch's loop over one window: `value > best or isnan(value)`, beginning with the first place inside."""
    best, choice = -np.inf, int(np.argmax(inside))
    for place, value in enumerate(values):
        if inside[place] and (value > best or np.isnan(value)):
            best, choice = value, place
    return best, choice


def numbers_with(kind, shape, dtype, layout):
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, shape).astype(dtype)  # ties everywhere
    if kind == "specials":
        x[rng.random(shape) < 0.7] = -np.inf
        x[rng.random(shape) < 0.1] = np.nan
        x[rng.random(shape) < 0.1] = np.inf
    x = LAYOUTS[layout](x)
    x.flags.writeable = False
    return x


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("ceil_mode", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("kind", ["ties", "specials"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pools
def test_max_pool2d(case, layout, kind, ceil_mode):
    shape, *geometry = case
    x = numbers_with(kind, shape, np.float32, layout)
    size = pooled_size(shape[2:], *geometry, ceil_mode)
    out, choice = law("max_pool2d")(x, *geometry, size)
    assert (out.shape, out.dtype) == ((*shape[:2], *size), np.float32)
    assert choice.dtype == (np.uint8 if math.prod(geometry[0]) <= 256 else np.int32)
    places = (*out.shape, math.prod(geometry[0]))
    seen = beyond(x, *geometry, size, 0.0).reshape(places)
    inside = beyond(np.ones(shape), *geometry, size, 0.0).reshape(places) > 0
    for place in np.ndindex(out.shape):
        np.testing.assert_equal((out[place], choice[place]), first_greatest(seen[place], inside[place]))


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pools
def test_place_and_pick_follow_the_choice_and_are_adjoints(case, layout, dtype):
    shape, *geometry = case
    size = pooled_size(shape[2:], *geometry, True)
    x, grad = numbers_with("ties", shape, dtype, layout), normal((*shape[:2], *size), dtype, layout)
    out, choice = law("max_pool2d")(x, *geometry, size)
    picked = law("max_pool2d_pick")(x, choice, *geometry)
    agree(out, picked, dtype)
    placed = law("max_pool2d_place")(grad, choice, shape, *geometry)
    assert (placed.shape, placed.dtype) == (shape, dtype)
    other = normal(shape, dtype, seed=1)
    picked = law("max_pool2d_pick")(other, choice, *geometry)
    assert np.sum(placed * other) == pytest.approx(np.sum(grad * picked), rel=1e-4, abs=1e-4)


def test_place_puts_infinities_and_nan_at_their_place_only():
    grad, choice = np.array([[[[np.inf, np.nan]]]]), np.array([[[[1, 0]]]], np.uint8)
    out = law("max_pool2d_place")(grad, choice, (1, 1, 1, 4), (1, 2), (1, 2), (0, 0), (1, 1))
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
    expected = beyond(x.astype(np.float64), *geometry, (1, 1), size, 0.0).sum((-1, -2))
    agree(expected, law("sum_pool2d")(x, *geometry, size), dtype)
    spread = law("sum_pool2d_spread")(grad, shape, *geometry)
    assert (spread.shape, spread.dtype) == (shape, dtype)
    assert np.sum(spread * x, dtype=np.float64) == pytest.approx(np.sum(expected * grad), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("layout", ["plain", "channels_last"])
def test_pooling_keeps_the_memory_order(layout):
    x = normal((2, 3, 6, 8), layout=layout)
    half = ((2, 2), (2, 2), (0, 0))
    out, choice = law("max_pool2d")(x, *half, (1, 1), (3, 4))
    placed = law("max_pool2d_place")(out, choice, x.shape, *half, (1, 1))
    summed = law("sum_pool2d")(x, *half, (3, 4))
    spread = law("sum_pool2d_spread")(summed, x.shape, *half)
    for array in (out, choice, placed, summed, spread):
        assert is_channels_last(array) == (layout == "channels_last")


@pytest.mark.parametrize("ceil_mode", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("kind", ["ties", "specials"])
@pools
def test_max_pool2d_as_torch(pytorch, case, kind, ceil_mode):
    def expected(torch):
        tensor = torch.tensor(x, requires_grad=True)
        out, index = torch.nn.functional.max_pool2d(tensor, *geometry, ceil_mode, return_indices=True)
        out.backward(torch.tensor(normal(out.shape, np.float32)))
        return out, index, tensor.grad

    shape, *geometry = case
    x = numbers_with(kind, shape, np.float32, "plain")
    size = pooled_size(shape[2:], *geometry, ceil_mode)
    out, choice = law("max_pool2d")(x, *geometry, size)
    (_, w), (H_step, W_step), (H_pad, W_pad), (H_far, W_far) = geometry
    rows = np.arange(size[0])[:, None] * H_step - H_pad + choice // w * np.int64(H_far)
    columns = np.arange(size[1]) * W_step - W_pad + choice % w * np.int64(W_far)
    placed = law("max_pool2d_place")(normal(out.shape, np.float32), choice, shape, *geometry)
    pytorch.compare([out, rows * shape[3] + columns, placed], pytorch(expected), 1e-5, 1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_relu(layout, dtype):
    x = normal((2, 3, 4, 5), dtype, layout)
    out = law("relu")(x)
    agree(np.where(x > 0, x, 0), out, dtype)
    assert out.strides == np.empty_like(x).strides
    grad = normal(x.shape, dtype, layout, seed=1)
    agree(np.where(x > 0, grad, 0), law("relu_mask")(grad, out), dtype)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2)])
def test_relu_of_any_shape(shape):
    x = np.ones(shape, np.float32)
    for out in (law("relu")(x), law("relu_mask")(x, x)):
        assert isinstance(out, np.ndarray)
        agree(x, out, np.float32)


def test_relu_of_infinities_and_nan():
    x = np.array([np.inf, -np.inf, np.nan, -0.0, 0.0])
    np.testing.assert_array_equal(law("relu")(x), [np.inf, 0, np.nan, 0, 0])
    grad = np.array([np.inf, np.nan, -np.inf, 1.0, 1.0])
    np.testing.assert_array_equal(law("relu_mask")(grad, np.array([1.0, 1.0, 1.0, 1.0, 0.0])), [*grad[:4], 0])
    np.testing.assert_array_equal(law("relu_mask")(grad, np.zeros(5)), np.zeros(5))
    np.testing.assert_array_equal(law("relu_mask")(grad, np.full(5, np.nan)), grad)


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
    out, mean, invstd = law("batch_norm")(x, weight, bias, eps)

    def along(values):
        return np.asarray(values, np.float64).reshape(C, *[1] * (len(shape) - 2))

    axes = (0, *range(2, len(shape)))
    x, grad = x.astype(np.float64), grad.astype(np.float64)
    standard = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    slope, shift = (along(weight), along(bias)) if affine else (1, 0)
    agree(x.mean(axes), mean, dtype)
    agree(1 / np.sqrt(x.var(axes) + eps), invstd, dtype)
    agree(standard * slope + shift, out, dtype)

    given = (normal(shape, dtype, layout, seed=1), normal(shape, dtype, layout), weight, mean, invstd)
    d_input, d_weight, d_bias = law("batch_norm_backward")(*given)
    agree(grad.sum(axes), d_bias, dtype)
    agree((grad * standard).sum(axes), d_weight, dtype)
    rest = grad - grad.mean(axes, keepdims=True) - standard * (grad * standard).mean(axes, keepdims=True)
    agree(rest * slope * along(1 / np.sqrt(x.var(axes) + eps)), d_input, dtype)


@pytest.mark.parametrize("layout", ["plain", "channels_last"])
def test_batch_norm_keeps_the_memory_order(layout):
    x = normal((2, 3, 4, 5), layout=layout)
    out, mean, invstd = law("batch_norm")(x, None, None, 1e-5)
    d_input, _, _ = law("batch_norm_backward")(normal(x.shape), x, None, mean, invstd)
    assert x.strides == out.strides == d_input.strides


def test_batch_norm_is_exact_far_from_zero():
    """A variance by E[x²] - E[x]² would lose all digits here."""
    x = (normal((64, 2, 9, 9)) + 3000).astype(np.float32)
    out, _, _ = law("batch_norm")(x, None, None, 0.0)
    exact = x.astype(np.float64)
    expected = (exact - exact.mean((0, 2, 3), keepdims=True)) / exact.std((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(out, expected, atol=1e-3)


def test_batch_norm_of_nothing_and_of_infinities():
    out, mean, invstd = law("batch_norm")(np.zeros((0, 3, 2, 2), np.float32), None, None, 1e-5)
    assert (out.shape, mean.shape, invstd.shape) == ((0, 3, 2, 2), (3,), (3,))
    d_input, d_weight, d_bias = law("batch_norm_backward")(out, out, None, mean, invstd)
    assert d_input.shape == (0, 3, 2, 2)
    agree(np.zeros(3), d_weight, np.float32)
    agree(np.zeros(3), d_bias, np.float32)
    out, _, _ = law("batch_norm")(np.array([[np.inf, 1.0], [0.0, 3.0]]), None, None, 0.0)
    np.testing.assert_array_equal(out, [[np.nan, -1], [np.nan, 1]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dim", [0, 1, 2, 3, -1, -3])
def test_softmax(dim, layout, dtype):
    x = normal((2, 3, 4, 5), dtype, layout)
    powers = np.exp(x.astype(np.float64))
    expected = powers / powers.sum(dim, keepdims=True)
    agree(expected, law("softmax")(x, dim), dtype)
    agree(np.log(expected), law("log_softmax")(x, dim), dtype)


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
def test_softmax_at_the_edges(row, expected, logs, dtype):
    row = np.array([row, row], dtype)
    if np.inf in row:  # PyTorch gives NaN for the whole row or for a part of it, as its vector length has it
        expected = logs = [np.nan]
        row = row[:, :1]
    np.testing.assert_allclose(law("softmax")(row, 1), [expected] * 2, rtol=1e-6)
    np.testing.assert_allclose(law("log_softmax")(row, 1), [logs] * 2, rtol=1e-6)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("dim", [0, 1])
def test_softmax_of_nothing(shape, dim):
    x = np.zeros(shape, np.float32)
    assert law("softmax")(x, dim).shape == law("log_softmax")(x, dim).shape == shape


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["plain", "sliced", "negative", "channels_last"])
@pytest.mark.parametrize("shape", [(5, 4), (1, 1), (0, 3), (3, 1)])
def test_cross_entropy(shape, layout, dtype):
    x, grad = normal(shape, dtype, layout), normal(shape[0], dtype, seed=1)
    target = np.random.default_rng(2).integers(0, shape[1], shape[0])
    losses, highest, total = law("cross_entropy")(x, target)
    powers = np.exp(x.astype(np.float64))
    agree(x.max(1, initial=-np.inf), highest, dtype)
    agree(powers.sum(1) / np.exp(highest.astype(np.float64)), total, dtype)
    chosen = np.eye(shape[1])[target]
    agree(-np.log((powers * chosen).sum(1) / powers.sum(1)), losses, dtype)
    d_x = law("cross_entropy_backward")(grad, x, highest, total, target)
    agree((powers / powers.sum(1, keepdims=True) - chosen) * grad[:, None], d_x, dtype)


def test_cross_entropy_at_the_edges():
    x, target = np.array([[10000.0, 0.0], [0.0, -10000.0], [-np.inf, -np.inf], [-np.inf, 0.0]]), np.array([1, 1, 0, 1])
    losses, highest, total = law("cross_entropy")(x, target)
    np.testing.assert_array_equal(losses, [10000, 10000, np.nan, 0])
    d_x = law("cross_entropy_backward")(np.ones(4), x, highest, total, target)
    np.testing.assert_array_equal(d_x, [[1, -1], [1, -1], [np.nan, np.nan], [0, 0]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["plain", "sliced", "negative"])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4), (2, 0, 4), (2, 3, 5, 4), (3, 0)])
def test_linear(shape, layout, dtype):
    x, weight = normal(shape, dtype, layout), normal((6, shape[-1]), dtype, layout, seed=1)
    bias = normal(6, dtype, layout, seed=2)
    expected = np.einsum("...i,oi->...o", x.astype(np.float64), weight.astype(np.float64))
    agree(expected, law("linear")(x, weight, None), dtype)
    agree(expected + bias, law("linear")(x, weight, bias), dtype)


PARAMETERS = [(), (1,), (0,), (7, 3), (2, 3, 4, 5)]


def parameters(dtype, seed, positive=False):
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.standard_normal(shape), dtype) for shape in PARAMETERS]
    arrays += [np.asarray(rng.standard_normal((6, 8)), dtype)[::2, ::-2], np.asarray(rng.random((3, 4)), dtype).T]
    return [np.asarray(abs(a)) for a in arrays] if positive else arrays


def copies(arrays):
    return [a.copy() for a in arrays]


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("momentum", "dampening", "nesterov"), [(0.0, 0.0, False), (0.9, 0.0, False), (0.9, 0.5, False), (0.9, 0.0, True)]
)
def test_sgd(momentum, dampening, nesterov, weight_decay, maximize, dtype):
    params, grads, buffers = (parameters(dtype, seed) for seed in range(3))
    old, old_grads, old_buffers = map(copies, (params, grads, buffers))
    given = buffers if momentum else [None] * len(params)
    law("sgd")(params, grads, given, SGDSettings(0.1, momentum, dampening, weight_decay, nesterov, maximize))
    for p, p0, g0, b, b0 in zip(params, old, old_grads, buffers, old_buffers, strict=True):
        step = (-g0 if maximize else g0) + weight_decay * p0.astype(np.float64)
        if momentum:
            new = momentum * b0.astype(np.float64) + (1 - dampening) * step
            agree(new, b, dtype)
            step = step + momentum * new if nesterov else new
        agree(p0 - 0.1 * step, p, dtype)
    for g, g0 in zip(grads, old_grads, strict=True):
        np.testing.assert_array_equal(g, g0)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize(("weight_decay", "decoupled"), [(0.0, False), (0.1, False), (0.1, True)])
def test_adam(weight_decay, decoupled, amsgrad, maximize, dtype):
    params, grads, means = (parameters(dtype, seed) for seed in range(3))
    squares, largest = (parameters(dtype, seed, positive=True) for seed in (3, 4))
    old = [[a.astype(np.float64) for a in arrays] for arrays in (params, grads, means, squares, largest)]
    settings = AdamSettings(0.1, 0.8, 0.95, 1e-3, weight_decay, decoupled, maximize)
    law("adam")(params, grads, means, squares, largest if amsgrad else None, 3, settings)
    for p, m, v, v_max, *before in zip(params, means, squares, largest, *old, strict=True):
        p0, g0, m0, v0, v_max0 = before
        step = -g0 if maximize else g0
        if decoupled:
            p0 = p0 * (1 - 0.1 * weight_decay)
        else:
            step = step + weight_decay * p0
        m0, v0 = 0.8 * m0 + 0.2 * step, 0.95 * v0 + 0.05 * step**2
        v_max0 = np.maximum(v_max0, v0) if amsgrad else v_max0
        agree(m0, m, dtype)
        agree(v0, v, dtype)
        agree(v_max0, v_max, dtype)
        below = np.sqrt((v_max0 if amsgrad else v0) / (1 - 0.95**3)) + 1e-3
        agree(p0 - 0.1 * m0 / (1 - 0.8**3) / below, p, dtype)
    for g, g0 in zip(grads, old[1], strict=True):
        np.testing.assert_array_equal(g, g0)


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
                        agree(expected, law("sum")(view, axes, keepdims))


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((1_000_000, 2), (0,)), ((2, 500_000), (1,)), ((100, 3, 80, 70), (0, 2, 3)), ((300, 50, 2, 40), (0, 2))],
)
@pytest.mark.parametrize("layout", ["plain", "channels_last", "sliced", "negative"])
def test_long_sums_keep_their_digits(shape, axes, layout):
    x = LAYOUTS[layout](np.random.default_rng(0).random(shape, np.float32) + np.float32(0.1))
    found = law("sum")(x, axes, False)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, x.sum(axes, dtype=np.float64), rtol=4e-7)


def test_sums_at_places_that_come_often():
    values = np.full((200_000, 2), 0.1, np.float32)
    found = law("sums_at")(values, np.arange(200_000) % 2, 3)
    np.testing.assert_allclose(found, [[10_000] * 2, [10_000] * 2, [0, 0]], rtol=1e-7)
    found = law("sums_at")(np.array([2**62, 1, 2**62]), np.array([1, 1, 1]), 2)
    assert found.tolist() == [0, -(2**63) + 1]  # integers stay integers, and wrap around


def test_long_products_keep_their_digits():
    a = np.full((2, 1_000_000), 0.1, np.float32)
    for b in (a[0], a.T):
        np.testing.assert_allclose(law("matmul")(a, b), 1e6 * np.float64(a[0, 0]) ** 2, rtol=3e-5)
