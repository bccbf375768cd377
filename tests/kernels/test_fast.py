"""Every fast kernel against NumPy's: chosen shapes, strides, dtypes, odd sizes and memory orders."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("numba", reason="the fast kernels need Numba")

from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import kernel, threads, use
from tinygrad_cnn.kernels.fast.machinery.launches import Launches
from tinygrad_cnn.kernels.settings import AdamSettings, SGDSettings
from tinygrad_cnn.testing.calls import Law, doubled, draw, each, version


def numbers(*shape, order="channels last", seed=0):
    """Random float32 in one of the memory orders that a kernel may meet."""
    x = np.random.default_rng([seed, *shape]).standard_normal(shape, dtype=np.float32)
    if order == "channels last":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    if order == "sliced":
        wide = np.zeros((*shape[:-1], 2 * shape[-1] + 1), np.float32)
        wide[..., 1::2] = x
        return wide[..., 1::2]
    if order == "reversed":
        return np.ascontiguousarray(x[::-1, ..., ::-1])[::-1, ..., ::-1]
    if order == "broadcast":
        return np.broadcast_to(x[:1], shape)
    if order == "read only":
        x.flags.writeable = False
    return x


def channels_last(x):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if x.ndim > 2 else x


ORDERS = ["channels last", "plain", "sliced", "reversed", "broadcast", "read only"]


def check(name, *args):
    """The fast version takes these arguments, leaves its inputs alone and agrees with the law."""
    assert takes(name, args), f"{name} declined"
    Law(name, args).check_call(getattr(kernel, name), args)


def takes(name, args):
    return any(guard is None or guard(*args) for guard in kernels.guards(name))


def output(size, window, stride, padding, dilation):
    axes = zip(size, window, stride, padding, dilation, strict=True)
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes)


def check_convolution(x, weight, stride, padding, dilation, groups, bias=True):
    """Forward and both gradients of one geometry."""
    O = len(weight)
    b = numbers(O, 1, order="plain")[:, 0] if bias else None
    P, Q = output(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    grad = numbers(len(x), O, P, Q, seed=1)
    geometry = (stride, padding, dilation, groups)
    check("conv2d", x, weight, b, *geometry)
    check("conv2d_relu", x, weight, b, *geometry)
    check("conv2d_input", grad, weight, x.shape, *geometry)
    check("conv2d_weight", grad, x, weight.shape, *geometry)


CONVOLUTIONS = {  # input shape, weight shape, stride, padding, dilation, groups
    "one pixel": ((1, 1, 1, 1), (1, 1, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    "3x3": ((4, 8, 12, 12), (16, 8, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    "3x3 padded": ((3, 5, 9, 11), (7, 5, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "1x1": ((2, 20, 7, 5), (33, 20, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    "1x1 strided": ((2, 4, 7, 5), (10, 4, 1, 1), (2, 3), (0, 0), (1, 1), 1),
    "first layer of one channel": ((5, 1, 28, 28), (32, 1, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    "first layer 5x5": ((2, 1, 28, 28), (6, 1, 5, 5), (1, 1), (2, 2), (1, 1), 1),
    "first layer 7x7 strided": ((2, 3, 33, 31), (40, 3, 7, 7), (2, 2), (3, 3), (1, 1), 1),
    "uneven everything": ((2, 3, 11, 17), (5, 3, 2, 4), (2, 3), (1, 2), (2, 1), 1),
    "dilated": ((1, 4, 15, 15), (4, 4, 3, 3), (1, 1), (2, 2), (2, 3), 1),
    "groups": ((2, 12, 8, 8), (16, 3, 3, 3), (1, 1), (1, 1), (1, 1), 4),
    "depthwise": ((2, 9, 8, 8), (18, 1, 3, 3), (1, 1), (1, 1), (1, 1), 9),
    "a filter for each channel": ((3, 37, 8, 9), (37, 1, 3, 3), (1, 1), (1, 1), (1, 1), 37),
    "a filter for each channel, uneven": ((2, 5, 11, 17), (5, 1, 2, 4), (2, 3), (1, 2), (2, 1), 5),
    "a filter for each channel, unseen rows": ((1, 4, 10, 10), (4, 1, 2, 2), (4, 4), (0, 0), (1, 1), 4),
    "a filter for each of many channels": ((3, 96, 8, 9), (96, 1, 3, 3), (2, 2), (1, 1), (1, 1), 96),
    "few channels in bands": ((1, 4, 120, 150), (6, 4, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "few channels in groups": ((2, 12, 9, 21), (24, 3, 3, 3), (1, 1), (1, 1), (1, 1), 4),
    "few channels of many": ((2, 70, 7, 18), (5, 70, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "few channels, strided": ((2, 7, 17, 23), (40, 7, 4, 4), (2, 3), (1, 2), (1, 1), 1),
    "wide weight, few pixels": ((3, 40, 3, 3), (100, 40, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "wide weight, strided": ((2, 50, 7, 6), (60, 50, 3, 2), (2, 3), (1, 1), (1, 2), 1),
    "wide weight, 1x1": ((1, 70, 5, 6), (40, 70, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    "wide weight, 1x1 strided": ((1, 70, 7, 6), (64, 70, 1, 1), (2, 2), (1, 0), (1, 1), 1),
    "wide weight in groups": ((1, 66, 4, 5), (70, 33, 3, 3), (2, 1), (1, 1), (1, 1), 2),
    "transformed": ((6, 32, 17, 30), (64, 32, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    "transformed and padded": ((8, 64, 14, 12), (32, 64, 3, 3), (1, 1), (1, 2), (1, 1), 1),
    "transformed, many images": ((97, 32, 4, 4), (32, 32, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "window of the whole image": ((3, 6, 5, 4), (9, 6, 5, 4), (1, 1), (0, 0), (1, 1), 1),
    "rows of the input that no window sees": ((1, 2, 10, 10), (4, 2, 2, 2), (4, 4), (0, 0), (1, 1), 1),
    "more padding than image": ((1, 2, 1, 2), (4, 2, 2, 2), (3, 2), (3, 4), (1, 1), 1),
    "many small images": ((65, 3, 4, 4), (18, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "many channels": ((1, 300, 6, 6), (70, 300, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "one large image": ((1, 3, 97, 101), (8, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "one large image strided": ((1, 16, 64, 63), (8, 16, 3, 3), (2, 2), (1, 1), (1, 1), 1),
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution(case):
    x, weight, *geometry = CONVOLUTIONS[case]
    check_convolution(numbers(*x), numbers(*weight, order="plain"), *geometry, bias=len(case) % 2 == 0)


@pytest.mark.parametrize("C", range(1, 18))
def test_convolution_of_any_number_of_channels(C):
    x, weight = numbers(2, C, 7, 37), numbers(18 - C, C, 3, 2, order="plain")
    check_convolution(x, weight, (1, 1), (1, 1), (1, 1), 1)
    check_convolution(x, weight, (2, 1 + C % 3), (2, 0), (1, 2), 1)
    check_convolution(x, numbers(C, 1, 3, 2, order="plain"), (1 + C % 2, 1), (1, 1), (1, 1), C)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("C", "O", "groups"), [(6, 10, 1), (3, 5, 1), (6, 6, 6)])
def test_convolution_in_every_memory_order(order, C, O, groups):
    x, weight = numbers(4, C, 9, 8, order=order), numbers(O, C // groups, 3, 3, order=order)
    geometry = ((1, 1), (1, 1), (1, 1), groups)
    check_convolution(x, weight, *geometry)
    grad = numbers(4, O, 9, 8, order=order)
    check("conv2d_input", grad, weight, x.shape, *geometry)
    check("conv2d_weight", grad, x, weight.shape, *geometry)


@pytest.mark.parametrize("width", [3, 15, 16, 37])
@pytest.mark.parametrize("order", ["plain", "sliced", "reversed"])
def test_convolution_of_pictures_in_three_colours(order, width):
    x, weight = numbers(2, 3, 5, width, order=order), numbers(20, 3, 3, 2, order="plain")
    check_convolution(x, weight, (1, 1), (1, 1), (1, 1), 1)


@pytest.mark.parametrize("order", ORDERS)
def test_transformed_convolution_in_every_memory_order(order):
    x, weight = numbers(8, 32, 20, 12, order=order), numbers(32, 32, 3, 3, order=order)
    check_convolution(x, weight, (1, 1), (1, 1), (1, 1), 1)
    grad = numbers(8, 32, 20, 12, order=order)
    check("conv2d_input", grad, weight, x.shape, (1, 1), (1, 1), (1, 1), 1)
    check("conv2d_weight", grad, x, weight.shape, (1, 1), (1, 1), (1, 1), 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_convolution_of_any_geometry(data):
    draw = lambda low, high: data.draw(st.integers(low, high))
    pair = lambda low, high: (draw(low, high), draw(low, high))
    groups = draw(1, 3)
    window, stride, padding, dilation = pair(1, 4), pair(1, 3), pair(0, 3), pair(1, 2)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for d, k, p in zip(dilation, window, padding, strict=True)]
    size = tuple(n + draw(0, 9) for n in least)
    x = numbers(draw(1, 5), groups * draw(1, 4), *size, order=data.draw(st.sampled_from(ORDERS)))
    weight = numbers(groups * draw(1, 9), x.shape[1] // groups, *window, order="plain")
    check_convolution(x, weight, stride, padding, dilation, groups, bias=data.draw(st.booleans()))


@pytest.mark.parametrize("name", kernels.TOPICS["conv"])
def test_a_pure_convolution_runs_again_as_a_list_of_loops(name):
    ran = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        pictures, *rest = each(draw(name, rng), np.copy)
        args = ([np.copy, channels_last, lambda x: np.repeat(x, 2, axis=-1)[..., ::2]][seed % 3](pictures), *rest)
        versions = zip(kernels.guards(name), kernels.stack(name)[2:], strict=True)
        *_, chosen = [f for when, f in versions if when(*args)]  # the last one is asked first
        if not kernels.is_pure(chosen):
            continue
        launches = Launches()
        with launches.record():
            found = chosen(*args)
        each(args, lambda x, rng=rng: np.copyto(x, rng.standard_normal(x.shape, dtype=np.float32)))
        launches.run()
        np.testing.assert_array_equal(found, chosen(*args))
        ran += 1
    assert ran > 15


POOLS = {  # input shape, window, stride, padding, dilation, more outputs than whole windows (ceil_mode)
    "2x2": ((3, 8, 12, 12), (2, 2), (2, 2), (0, 0), (1, 1), 0),
    "2x2 of few channels": ((2, 3, 7, 9), (2, 2), (2, 2), (0, 0), (1, 1), 0),
    "overlapping": ((2, 17, 9, 9), (3, 3), (2, 2), (1, 1), (1, 1), 0),
    "overlapping every pixel": ((1, 20, 8, 9), (3, 2), (1, 1), (1, 1), (1, 1), 0),
    "dilated": ((1, 5, 11, 12), (2, 3), (2, 1), (1, 1), (3, 2), 0),
    "stride beyond the window": ((1, 5, 11, 12), (1, 2), (3, 4), (0, 0), (1, 1), 0),
    "ceil mode": ((2, 6, 7, 8), (3, 3), (2, 2), (0, 0), (1, 1), 1),
    "16x16": ((1, 2, 32, 32), (16, 16), (16, 16), (0, 0), (1, 1), 0),
    "rest of rows and columns": ((3, 5, 11, 14), (3, 3), (3, 3), (0, 0), (1, 1), 0),
    "2x3, of one channel": ((5, 1, 9, 10), (2, 3), (2, 3), (0, 0), (1, 1), 0),
    "gaps between windows": ((3, 4, 11, 13), (2, 2), (3, 4), (0, 0), (1, 1), 0),
    "gaps between columns alone": ((3, 7, 9, 13), (2, 2), (2, 3), (0, 0), (1, 1), 0),
    "apart and padded": ((2, 6, 9, 11), (3, 3), (3, 3), (1, 1), (1, 1), 0),
    "apart in ceil mode": ((2, 6, 9, 11), (2, 2), (2, 2), (0, 0), (1, 1), 1),
    "apart and dilated": ((2, 6, 9, 11), (2, 2), (4, 4), (0, 0), (2, 2), 0),
    "of all pixels": ((2, 300, 5, 6), (5, 6), (5, 6), (0, 0), (1, 1), 0),
    "many images": ((70, 6, 12, 12), (2, 2), (2, 2), (0, 0), (1, 1), 0),
}


@pytest.mark.parametrize("order", ["channels last", "plain", "sliced"])
@pytest.mark.parametrize("case", POOLS)
def test_pooling(case, order):
    shape, window, stride, padding, dilation, more = POOLS[case]
    check_pooling(shape, window, stride, padding, dilation, more, order)


@pytest.mark.parametrize("C", [*range(1, 18), 31, 32, 33, 48, 65, 70])
def test_pooling_of_any_number_of_channels(C):
    for window, stride in (((2, 2), (2, 2)), ((2, 2), (3, 3)), ((3, 3), (2, 2))):
        check_pooling((3, C, 9, 7), window, stride, (0, 0), (1, 1), 0, "channels last")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_pooling_of_any_geometry(data):
    draw = lambda low, high: data.draw(st.integers(low, high))
    pair = lambda low, high: (draw(low, high), draw(low, high))
    window, stride, dilation = pair(1, 4), pair(1, 5), pair(1, 2)
    padding = tuple(draw(0, k // 2) for k in window)
    size = tuple(max(4, d * (k - 1) + 1) + draw(0, 9) for d, k in zip(dilation, window, strict=True))
    shape = (draw(1, 5), draw(2, 40), *size)
    check_pooling(shape, window, stride, padding, dilation, 0, data.draw(st.sampled_from(ORDERS[:4])))


def check_pooling(shape, window, stride, padding, dilation, more, order):
    """Every pooling kernel on one geometry: numbers with ties, NaN and infinities."""
    x = numbers(*shape, order=order)
    with_ties = (np.round(x * 2) / 2).astype(np.float32)
    with_ties[0, 0, 0, 0], with_ties[0, -1, 2:4, 3], with_ties[:1, :1, 4:] = np.nan, np.nan, -np.inf
    P, Q = (n + more for n in output(shape[2:], window, stride, padding, dilation))
    check("max_pool2d", with_ties, window, stride, padding, dilation, (P, Q))
    _, choice = kernel.max_pool2d(with_ties, window, stride, padding, dilation, (P, Q))
    grad = numbers(*shape[:2], P, Q, order=order)
    check("max_pool2d_place", np.round(grad * 4), choice, shape, window, stride, padding, dilation)
    if dilation == (1, 1):
        check("sum_pool2d", x, window, stride, padding, (P, Q))
        check("sum_pool2d_spread", grad, shape, window, stride, padding)


TRANSPOSED = {  # how the memory is made of an array in C order
    "channels last": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1),
    "channels first": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 1)), 1, -1),
}


@pytest.mark.parametrize("order", TRANSPOSED)
@pytest.mark.parametrize(
    "shape",
    [(8, 64, 12, 12), (64, 8, 13, 13), (3, 70, 9, 37), (1, 17, 31, 33), (40, 2, 300), (1, 129, 128), (2, 3, 5, 7, 99)],
)
def test_contiguous(shape, order):
    x = TRANSPOSED[order](numbers(*shape, order="plain"))
    x[0].fill(np.nan)
    check("contiguous", x)
    assert kernel.contiguous(x).flags.c_contiguous


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (4, 64, 9, 17), (0, 64, 9, 17), (20_000, 1), ()])
def test_contiguous_in_every_memory_order(shape, order):
    x = numbers(*shape, order=order if len(shape) == 4 and shape[0] else "plain")
    for a in (x, x.astype(np.float64), np.asfortranarray(x)):
        found = kernel.contiguous(a)
        assert (found.shape, found.dtype, found.flags.c_contiguous) == (a.shape, a.dtype, True)
        np.testing.assert_array_equal(found, a)


@pytest.mark.parametrize("shape", [(8192,), (64, 129), (3, 9, 31, 37), (2, 50, 100)])
def test_relu(shape):
    x = numbers(*shape) if len(shape) > 1 else numbers(*shape, order="plain")
    x.reshape(-1)[:4] = np.nan, np.inf, -np.inf, -0.0
    check("relu", x)
    for grad in (x, np.full_like(x, np.nan), np.broadcast_to(np.float32(3), shape)):
        check("relu_mask", grad, x)


@pytest.mark.parametrize("shape", [(8, 12, 20, 20), (512, 33), (2, 5, 31, 29), (9, 3, 400), (1, 1, 128, 64)])
@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm(shape, affine):
    x = numbers(*shape) * 3 + 20  # a mean far from 0, where sums of squares would lose digits
    weight, bias = (numbers(shape[1], 2, order="plain")[:, k].copy() if affine else None for k in (0, 1))
    check("batch_norm", x, weight, bias, 1e-5)
    check("batch_norm_relu", x, weight, bias, 1e-5)
    _, mean, invstd = kernel.batch_norm(x, weight, bias, 1e-5)
    check("batch_norm_eval", x, weight, bias, mean, invstd)
    grad = numbers(*shape, seed=2)
    check("batch_norm_backward", grad, x, weight, mean, invstd)
    check("batch_norm_relu_backward", grad, x, weight, bias, mean, invstd)


@pytest.mark.parametrize("name", ["batch_norm", "batch_norm_relu"])
@pytest.mark.parametrize("shape", [(5, 3), (8, 12, 5, 5), (32, 70, 30, 30)])  # NumPy's, in one loop, in three
def test_running_statistics_move_in_place(shape, name):
    x, C = numbers(*shape) * 3 + 20, shape[1]
    moved = [[np.full(2 * C, v, np.float32)[::2] for v in (4, 9)] for _ in range(2)]
    getattr(kernel, name)(x, None, None, 1e-5, (*moved[0], 0.3))
    version(name, "numpy")(x.astype(np.float64), None, None, 1e-5, (*moved[1], 0.3))
    over, wide = (0, *range(2, x.ndim)), x.astype(np.float64)
    for mean, var in moved:
        np.testing.assert_allclose(mean, 0.7 * 4 + 0.3 * wide.mean(over), rtol=1e-6)
        np.testing.assert_allclose(var, 0.7 * 9 + 0.3 * wide.var(over, ddof=1), rtol=1e-6)


@pytest.mark.parametrize("shape", [(8, 12, 5, 5), (32, 70, 30, 30)])
def test_statistics_of_pictures_that_differ_lose_no_digits(shape):
    """Each block of rows is centered on the mean of those before it, however far away that is."""
    x = numbers(*shape) + np.arange(shape[0], dtype=np.float32).reshape(-1, 1, 1, 1) * 1000
    _, mean, invstd = kernel.batch_norm(x, None, None, 1e-5)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(mean, wide.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(invstd, 1 / wide.std((0, 2, 3)), rtol=1e-6)


@pytest.mark.parametrize("order", ["plain", "channels last"])
@pytest.mark.parametrize("shape", [(3, 12, 5, 5), (1, 12, 90, 91), (2, 9000), (40, 3, 7)])
def test_moments_of_groups_lose_no_digits(shape, order):
    """A mean far from 0, and blocks of numbers that are far from each other."""
    x = numbers(*shape, order="plain") + np.arange(math.prod(shape), dtype=np.float32).reshape(shape) / 50 + 3000
    given = x if order == "plain" else np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    out, mean, invstd = kernel.group_norm(given, None, None, 3, 1e-5, True)
    groups = x.astype(np.float64).reshape(shape[0], 3, -1)
    np.testing.assert_allclose(mean, groups.mean(2), rtol=1e-7)
    np.testing.assert_allclose(invstd, 1 / np.sqrt(groups.var(2) + 1e-5), rtol=2e-7)
    exact = (groups - groups.mean(2, keepdims=True)) / np.sqrt(groups.var(2, keepdims=True) + 1e-5)
    np.testing.assert_allclose(out.reshape(shape), exact.reshape(shape), atol=1e-6 + 2e-4 / groups.std(2).min())


@pytest.mark.parametrize("centered", [True, False])
def test_squares_beyond_float32_in_a_group(centered):
    x = numbers(2, 5000, order="plain") * np.float32(1e25)
    out, _, invstd = kernel.group_norm(x, None, None, 1, 1e-5, centered)
    wide = x.astype(np.float64)
    want, _, one = version("group_norm", "textbook")(wide, None, None, 1, 1e-5, centered)
    np.testing.assert_allclose(out, want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(invstd, one, rtol=1e-6)
    x[1, 7] = np.inf
    assert np.isnan(kernel.group_norm(x, None, None, 1, 1e-5, True)[0][1]).all()


@pytest.mark.parametrize("size", [4, 40])
def test_infinities_in_a_batch(size):
    x = numbers(4, 3, size, size)
    x[1, 1, 2, 2], x[2, 2, 0, 0] = np.inf, np.nan
    out, mean, invstd = kernel.batch_norm(x, None, None, 1e-5)
    assert np.isfinite(out[:, 0]).all()
    assert np.isnan(out[:, 1:]).all()
    np.testing.assert_array_equal(np.isfinite(mean), [True, False, False])
    np.testing.assert_array_equal(np.isnan(invstd), [False, True, True])


@pytest.mark.parametrize("shape", [(8, 12, 20, 20), (512, 33), (9, 3, 400), (1, 1, 128, 64)])
def test_channel_sums(shape):
    check("channel_sums", numbers(*shape))


@pytest.mark.parametrize("shape", [(1, 10), (128, 10), (3, 1), (50, 130)])
def test_cross_entropy(shape):
    x = numbers(*shape, order="plain") * 20
    target = np.arange(shape[0]) % shape[1]
    check("cross_entropy", x, target)
    _, highest, powers = kernel.cross_entropy(x, target)
    grad = np.linspace(-1, 2, shape[0], dtype=np.float32)
    check("cross_entropy_backward", grad, x, highest, powers, target)


def test_cross_entropy_of_infinities():
    x = np.array([[0, -np.inf, 1], [np.inf, 0, 0], [-np.inf] * 3, [np.nan, 0, 0]], np.float32)
    target = np.array([1, 0, 2, 1])
    assert takes("cross_entropy", (x, target))
    with use("numpy"):
        expected = kernel.cross_entropy(x, target)
    np.testing.assert_allclose(kernel.cross_entropy(x, target), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(("shape", "dim"), [((640, 133), 1), ((3, 30_000), 1), ((40, 50, 37), 2), ((70_000, 1), 1)])
def test_softmax(name, shape, dim):
    check(name, numbers(*shape, order="plain") * 20, dim)


@pytest.mark.parametrize("name", ["softmax_backward", "log_softmax_backward"])
@pytest.mark.parametrize(("shape", "dim"), [((640, 133), 1), ((133, 640), 0), ((40, 50, 37), 1)])
def test_softmax_backward(name, shape, dim):
    out = getattr(kernel, name.removesuffix("_backward"))(numbers(*shape, order="plain"), dim)
    check(name, numbers(*shape, seed=1, order="plain"), out, dim)


@pytest.mark.parametrize("axes", [(0,), (2,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("how", ["squares", "prod", "max", "min"])
def test_fold(axes, how):
    x = numbers(33, 40, 29, order="plain")
    check("fold", 1 + x / 100 if how == "prod" else x, how, axes, False)


@pytest.mark.parametrize("axes", [(0,), (2,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("root", [False, True])
def test_variance(axes, root):
    check("variance", 5 + numbers(33, 40, 29, order="plain"), axes, 31.5, root, True)


def test_sums_at():
    places = np.random.default_rng(0).integers(0, 50, 3000)
    check("sums_at", numbers(3000, 70, order="plain"), places, 60)


@pytest.mark.parametrize("shape", [(50, 300), (4, 8, 30, 20)])
def test_dropout(shape):
    x, key, axes = numbers(*shape, order="plain"), np.array([2**40 + 7], np.uint64), tuple(range(len(shape)))
    check("dropout", x, key, 0.3, axes)
    check("dropout_again", x, kernel.dropout(x, key, 0.3, axes)[1], 0.3, axes)


@pytest.mark.parametrize("shape", [(50, 300), (4, 8, 30, 20)])
def test_group_norm_backward(shape):
    x, weight = numbers(*shape, order="plain"), numbers(shape[1], 1, order="plain")[:, 0]
    _, mean, invstd = kernel.group_norm(x, weight, None, 2, 1e-5, True)
    check("group_norm_backward", numbers(*shape, seed=1, order="plain"), x, weight, mean, invstd, True)


@pytest.mark.parametrize("axes", [(0,), (2,), (0, 1), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_sum(axes, order):
    shape = (33, 40, 29)
    x = numbers(*[shape[i] for i in order], order="plain").transpose(np.argsort(order))
    with use("numpy"):
        expected = kernel.sum(x.astype(np.float64), axes, False)
    np.testing.assert_allclose(kernel.sum(x, axes, False), expected, rtol=1e-6, atol=1e-5)
    assert kernel.sum(x, axes, True).ndim == 3


LONG_SUMS = [  # images, channels, filters, size, window: sums of 4,608, 25,088, 61,440 and 73,728 products
    (2, 512, 16, 6, 3),
    (2, 512, 6, 6, 3),
    (1, 4608, 32, 3, 1),
    (1, 512, 32, 7, 7),
    (72, 8, 8, 32, 1),
    (60, 32, 32, 32, 3),
]


@pytest.mark.parametrize(("N", "C", "O", "size", "k"), LONG_SUMS)
def test_long_sums_are_rounded_like_short_ones(N, C, O, size, k):
    """Of numbers of one sign, whose partial sums grow, and of one size, whose rounding errors are all alike."""
    for numbers_ in (lambda *shape: abs(numbers(*shape)), lambda *shape: np.full(shape, 0.1, np.float32)):
        x, weight = numbers_(N, C, size, size), numbers_(O, C, k, k)
        geometry = ((1, 1), (k // 2, k // 2), (1, 1), 1)
        y = kernel.conv2d(x, weight, None, *geometry)
        grad = numbers_(*y.shape)
        calls = {
            "conv2d": (x, weight, None, *geometry),
            "conv2d_input": (grad, weight, x.shape, *geometry),
            "conv2d_weight": (grad, x, weight.shape, *geometry),
        }
        for name, args in calls.items():
            expected = version(name, "numpy")(*doubled(args))
            np.testing.assert_allclose(getattr(kernel, name)(*args), expected, rtol=2e-6, err_msg=name)


# Numbers that are all alike, so that every rounding goes the same way: the terms of each sum, the kernel, arguments.
TENTHS = {
    "bias of a million rows": (1_000_000, "channel_sums", [(1_000_000, 2)]),
    "bias of a million rows, one output": (1_000_000, "channel_sums", [(1_000_000, 1)]),
    "bias of a million pixels": (1_024_000, "channel_sums", [(40, 3, 160, 160)]),
    "weight of a layer": (1_000_000, "matmul", [(3, 1_000_000), (1_000_000, 5)]),
    "weight of one output": (1_000_000, "matmul", [(1, 1_000_000), (1_000_000, 2)]),
    "weight of one input": (1_000_000, "matmul", [(2, 1_000_000), (1_000_000, 1)]),
    "a long row": (300_000, "linear", [(1, 300_000), (3, 300_000)], None),
    "filters": (
        *(1_000_000, "conv2d_weight", [(100, 5, 100, 100), (100, 1, 102, 102)], (5, 1, 3, 3)),
        *((1, 1), (0, 0), (1, 1), 1),
    ),
    "few filters of many places": (
        *(1_000_000, "conv2d_weight", [(100, 5, 100, 100), (100, 2, 102, 102)], (5, 2, 3, 3)),
        *((1, 1), (0, 0), (1, 1), 1),
    ),
    "a filter for each channel": (
        *(972_000, "conv2d_weight", [(30, 4, 180, 180), (30, 4, 180, 180)], (4, 1, 1, 1)),
        *((1, 1), (0, 0), (1, 1), 4),
    ),
    "a large window": (14_400, "sum_pool2d", [(1, 3, 120, 120)], *[(120, 120)] * 2, (0, 0), (1, 1)),
    "a large window of many channels": (14_400, "sum_pool2d", [(1, 130, 120, 120)], *[(120, 120)] * 2, (0, 0), (1, 1)),
    "a long window": (9_000, "sum_pool2d", [(1, 2, 1, 9_000)], *[(1, 9_000)] * 2, (0, 0), (1, 1)),
}


@pytest.mark.parametrize("room", ["fast", "numpy"])
@pytest.mark.parametrize("case", TENTHS)
def test_sums_of_many_numbers_keep_their_digits(case, room):
    terms, name, shapes, *rest = TENTHS[case]
    arrays = [np.moveaxis(np.full([s[0], *s[2:], s[1]], 0.1, np.float32), -1, 1) for s in shapes]
    with use(room):
        found = getattr(kernel, name)(*arrays, *rest)
    np.testing.assert_allclose(found, terms * float(np.float32(0.1)) ** len(shapes), rtol=5e-6)


PRODUCTS = [
    (64, 784, 256),
    (2, 20_000, 7),
    (300, 300, 12),
    (13, 600, 700),
    (128, 64, 33),
    (5, 1, 4000),
    (129, 127, 130),
    (10, 64, 1352),  # one tile of rows: the right matrix is read where it lies, but for its last panel
    (64, 10, 1352),  # as are few rows
    (14, 1024, 130),  # rows pages apart
    (130, 1030, 500),  # ... and more than one stretch of sums
    (500, 50, 700),  # a result that is walked through by rows, over several blocks of panels
    (9, 17, 9001),
    (410, 700, 50),  # several bands of rows, which are packed where they lie by columns, in several stretches
    (700, 1, 600),
    (3, 1030, 300),  # few rows on the left, or on the right: sums along the rows of both, where these lie so
    (400, 1041, 17),
    (32, 513, 31),
]


PRODUCT_ORDERS = ["plain", "transposed", "sliced", "reversed", "broadcast", "expanded", "one number", "read only"]


@pytest.mark.parametrize("order", PRODUCT_ORDERS)
@pytest.mark.parametrize(("M", "K", "N"), PRODUCTS)
def test_products(M, K, N, order):
    a, b = product_operand(M, K, order), product_operand(K, N, order)
    check("matmul", a, b)
    if K > 1:
        bias = numbers(N, 1, order="plain")[:, 0]
        for c in (bias, None):
            check("linear", a, b.T, c)
            check("linear_relu", a, b.T, c)


def product_operand(rows, columns, order):
    if order == "transposed":
        return numbers(columns, rows, order="plain").T
    if order in ("expanded", "one number"):  # as gradients of sums are
        return np.broadcast_to(numbers(rows if order == "expanded" else 1, 1, order="plain"), (rows, columns))
    return numbers(rows, columns, order=order)


@pytest.mark.parametrize("tail", range(1, 13))
def test_products_of_every_number_of_rows_and_lanes(tail):
    """Tiles cut by thirds, vectors in part, and matrices of which one is turned and the other not."""
    a, b = numbers(24 + tail, 301, order="plain"), numbers(301, 64 + 3 * tail, order="plain")
    for x in (a, product_operand(*a.shape, "transposed")):
        for y in (b, product_operand(*b.shape, "transposed"), b[:, ::-1], np.broadcast_to(b[:1], b.shape)):
            check("matmul", x, y)


@pytest.mark.parametrize("team", [1, 2, 3, 7])
def test_products_on_any_number_of_threads(team):
    before = threads.get_num_threads()
    threads.set_num_threads(team)
    try:
        for M, K, N in [(64, 784, 256), (64, 1352, 10), (300, 300, 12), (50, 100, 5000)]:
            check("matmul", numbers(M, K, order="plain"), numbers(N, K, order="plain").T)
    finally:
        threads.set_num_threads(before)


def test_a_product_keeps_nan_and_infinity():
    a, b = np.ones((70, 90), np.float32), np.ones((80, 90), np.float32)
    a[5, 7], b[6, 8], a[9, 3], a[11, :] = np.nan, np.inf, -np.inf, -1
    with np.errstate(invalid="ignore"):
        expected = a @ b.T
    found = kernel.matmul(a, b.T), kernel.linear_relu(a, b, None)
    np.testing.assert_allclose(found[0], expected)
    np.testing.assert_allclose(found[1], np.where(expected < 0, 0, expected))
    assert np.isnan(found[1][5]).all()
    np.testing.assert_allclose(kernel.linear_relu(a[:12], b, None), found[1][:12])  # few rows go another way
    assert found[0].flags.c_contiguous


def test_products_are_contiguous_whatever_is_given():
    """Optimizers go through a gradient by rows."""
    a, b = numbers(60, 500, order="plain"), numbers(500, 70, order="plain")
    for x in (a, product_operand(60, 500, "transposed")):
        for y in (b, product_operand(500, 70, "transposed")):
            assert kernel.matmul(x, y).flags.c_contiguous


@pytest.mark.parametrize(("M", "K", "N"), [(1, 1352, 10), (1, 9216, 128), (1000, 50, 1), (1, 1, 20_000), (1, 3, 9001)])
def test_products_with_a_vector(M, K, N):
    for a, b in (
        (numbers(M, K, order="plain"), numbers(K, N, order="plain")),
        (numbers(M, K, order="plain"), numbers(N, K, order="plain").T),
    ):
        check("matmul", a, b)
    check("linear", a, b.T, numbers(1, N, order="plain")[0])
    check("linear", a, b.T, None)
    check("linear_relu", a, b.T, numbers(1, N, order="plain")[0])


def test_linear_with_more_axes():
    check("linear", numbers(3, 50, 80, order="plain"), numbers(40, 80, order="plain"), np.ones(40, np.float32))


SHAPES = [(8, 1, 3, 3), (8,), (10, 1352), (1,), (50, 3001)]


def parameters(count):
    return [[numbers(*shape, 2, order="plain", seed=k)[..., 0].copy() for shape in SHAPES] for k in range(count)]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("maximize", [False, True])
def test_sgd(momentum, nesterov, weight_decay, maximize):
    params, grads, buffers = parameters(3)
    buffers = buffers if momentum else [None] * len(params)
    check("sgd", params, grads, buffers, SGDSettings(0.1, momentum, 0.2, weight_decay, nesterov, maximize))


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("maximize", [False, True])
def test_adam(decoupled, amsgrad, weight_decay, maximize):
    lists = parameters(5)
    for squares in lists[3:]:
        for a in squares:
            np.abs(a, out=a)
    if not amsgrad:
        lists[4] = None
    check("adam", *lists, 3.0, AdamSettings(0.1, 0.9, 0.99, 1e-3, weight_decay, decoupled, maximize))


DECLINED = {
    "conv2d": (np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3)), None, (1, 1), (0, 0), (1, 1), 1),
    "max_pool2d": (np.ones((1, 1, 4, 4)), (2, 2), (2, 2), (0, 0), (1, 1), (2, 2)),
    "relu": (np.ones(10_000),),
    "contiguous": (np.ones((9, 20, 20, 64)).transpose(0, 3, 1, 2),),
    "max_pool2d_place": (
        np.ones((1, 1, 2, 2)),
        np.zeros((1, 1, 2, 2), np.uint8),
        (1, 1, 4, 4),
        *[(2, 2)] * 2,
        (0, 0),
        (1, 1),
    ),
    "batch_norm": (np.ones((64, 32, 8, 8)), None, None, 1e-5),
    "cross_entropy": (np.ones((4, 3)), np.zeros(4, np.int64)),
    "matmul": (np.ones((300, 300)), np.ones((300, 300))),
    "sgd": ([np.ones(9)], [np.ones(9)], [None], SGDSettings(lr=0.1)),
}


@pytest.mark.parametrize("name", DECLINED)
def test_double_precision_is_left_to_numpy(name):
    args = DECLINED[name]
    assert not takes(name, args)
    found = getattr(kernel, name)(*args)
    found = found[0] if isinstance(found, tuple) else found
    assert found is None or found.dtype == np.float64


@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (2, 3, 0, 8)])
def test_empty_arrays_are_left_to_numpy(shape):
    assert not takes("max_pool2d", (np.ones(shape, np.float32), (1, 1), (1, 1), (0, 0), (1, 1), shape[2:]))
    assert kernel.relu(np.ones(shape, np.float32)).shape == shape


def test_there_is_no_fast_kernel_without_a_test_here():
    here = Path(__file__)
    for topic, names in kernels.TOPICS.items():
        own = here.with_name(f"test_{topic}.py")  # some topics have a file of their own
        source = (own if own.exists() else here).read_text(encoding="utf-8")
        for name in names:
            assert f'"{name}"' in source or f"kernel.{name}" in source
