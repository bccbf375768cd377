"""The textbook against PyTorch, and against formulas written another way: windows as views, einsum, adjoints."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from shapes import DTYPES, agree, convolutions, normal, numbers_with, pooled_size, pools, sum_pools

from tinygrad_cnn.kernels import stack


def law(name):
    return stack(name)[0]


def windows(x, kernel_size, stride, padding, dilation):
    """(N,C,H,W) -> (N,C,P,Q,h,w)"""
    x = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
    span = [d * (k - 1) + 1 for d, k in zip(dilation, kernel_size, strict=True)]
    return sliding_window_view(x, span, (2, 3))[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def conv_formula(x, weight, stride, padding, dilation, groups):
    parts = zip(np.split(x, groups, 1), np.split(weight, groups, 0), strict=True)
    return np.concatenate(
        [np.einsum("ncpqij,ocij->nopq", windows(a, b.shape[2:], stride, padding, dilation), b) for a, b in parts], 1
    )


@convolutions
def test_conv2d_and_its_adjoints(case):
    """⟨conv(x, w), g⟩ is linear in x and in w, so it is also ⟨x, its derivative in x⟩ and ⟨w, that in w⟩."""
    x_shape, w_shape, *geometry = case
    x, weight, bias = normal(x_shape), normal(w_shape, seed=1), normal(w_shape[0], seed=2)
    expected = conv_formula(x, weight, *geometry)
    agree(expected, law("conv2d")(x, weight, None, *geometry))
    agree(expected + bias[:, None, None], law("conv2d")(x, weight, bias, *geometry))
    grad = normal(expected.shape, seed=3)
    d_x = law("conv2d_input")(grad, weight, x_shape, *geometry)
    d_weight = law("conv2d_weight")(grad, x, w_shape, *geometry)
    for other_x, other_weight in ((x, weight), (normal(x_shape, seed=4), normal(w_shape, seed=5))):
        expected = np.sum(conv_formula(other_x, weight, *geometry) * grad)
        assert np.sum(d_x * other_x) == pytest.approx(expected, abs=1e-9)
        expected = np.sum(conv_formula(x, other_weight, *geometry) * grad)
        assert np.sum(d_weight * other_weight) == pytest.approx(expected, abs=1e-9)


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


@sum_pools
def test_sum_pool2d_and_its_adjoint(case):
    shape, *geometry = case
    x = normal(shape)
    expected = windows(x, *geometry, (1, 1)).sum((-1, -2))
    size = expected.shape[2:]
    agree(expected, law("sum_pool2d")(x, *geometry, size))
    grad, other = normal(expected.shape, seed=1), normal(shape, seed=2)
    spread = law("sum_pool2d_spread")(grad, shape, *geometry)
    assert np.sum(spread * other) == pytest.approx(np.sum(windows(other, *geometry, (1, 1)).sum((-1, -2)) * grad))


@pools
def test_pick_is_the_adjoint_of_place(case):
    shape, *geometry = case
    x = numbers_with("ties", shape, np.float64, "plain")
    out, choice = law("max_pool2d")(x, *geometry, pooled_size(shape[2:], *geometry, True))
    agree(out, law("max_pool2d_pick")(x, choice, *geometry))
    grad, other = normal(out.shape, seed=1), normal(shape, seed=2)
    placed = law("max_pool2d_place")(grad, choice, shape, *geometry)
    picked = law("max_pool2d_pick")(other, choice, *geometry)
    assert np.sum(placed * other) == pytest.approx(np.sum(grad * picked))


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", [(8, 3), (5, 3, 4), (3, 4, 5, 6), (2, 2, 2, 3, 2)])
def test_batch_norm(shape, affine):
    C, eps = shape[1], 1e-3
    x, grad, tiny = normal(shape), normal(shape, seed=1), 1e-6
    weight, bias = (normal(C, seed=2), normal(C, seed=3)) if affine else (None, None)
    out, mean, invstd = law("batch_norm")(x, weight, bias, eps)
    axes, along = (0, *range(2, len(shape))), (C, *[1] * (len(shape) - 2))
    standard = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    agree(x.mean(axes), mean)
    agree(1 / np.sqrt(x.var(axes) + eps), invstd)
    agree(standard * weight.reshape(along) + bias.reshape(along) if affine else standard, out)
    agree(out, law("batch_norm_eval")(x, weight, bias, mean, invstd))
    d_input, d_weight, d_bias = law("batch_norm_backward")(grad, x, weight, mean, invstd)
    agree(grad.sum(axes), d_bias)
    agree((grad * standard).sum(axes), d_weight)
    direction = normal(shape, seed=4)  # along which the output is differentiated numerically
    ahead, behind = (law("batch_norm")(x + step * direction, weight, bias, eps)[0] for step in (tiny, -tiny))
    assert np.sum(d_input * direction) == pytest.approx(np.sum(grad * (ahead - behind)) / (2 * tiny), rel=1e-6)


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_softmax(dim):
    x = normal((2, 3, 4))
    expected = np.exp(x) / np.exp(x).sum(dim, keepdims=True)
    agree(expected, law("softmax")(x, dim))
    agree(np.log(expected), law("log_softmax")(x, dim))


def test_cross_entropy():
    x, grad, target = normal((5, 4)), normal(5, seed=1), np.array([0, 3, 3, 1, 2])
    losses, highest, powers = law("cross_entropy")(x, target)
    chosen, softmax = np.eye(4)[target], np.exp(x) / np.exp(x).sum(1, keepdims=True)
    agree(-np.log((softmax * chosen).sum(1)), losses)
    agree(np.exp(x).sum(1), np.exp(highest) * powers)
    agree((softmax - chosen) * grad[:, None], law("cross_entropy_backward")(grad, x, highest, powers, target))


PRODUCTS = [  # of vectors, matrices, and stacks of them
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 1, 2, 3), (6, 3, 4)),
]


@pytest.mark.parametrize(("left", "right"), PRODUCTS)
def test_matmul(left, right):
    a, b = normal(left), normal(right, seed=1)
    found = law("matmul")(a, b)
    agree(np.asarray(a @ b), found)
    with pytest.raises(ValueError, match="matmul"):
        law("matmul")(a, b[..., :1, :] if b.ndim > 1 else b[:1])


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), (0, 4), (3, 0)])
def test_linear(shape):
    x, weight, bias = normal(shape), normal((6, shape[-1]), seed=1), normal(6, seed=2)
    expected = np.einsum("...i,oi->...o", x, weight)
    agree(expected, law("linear")(x, weight, None))
    agree(expected + bias, law("linear")(x, weight, bias))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.int64, *DTYPES, np.complex64])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sum(dtype, keepdims):
    x = (normal((2, 3, 4)) * 9).astype(dtype)
    for n in range(4):
        for axes in itertools.combinations(range(3), n):
            found, expected = law("sum")(x, axes, keepdims), np.sum(x, axis=axes, keepdims=keepdims)
            assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
