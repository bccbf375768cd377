"""Convolution: printed results of others, PyTorch, the errors, and what a case table cannot say."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn.testing import gradcheck


def leaf(array) -> tg.Tensor:
    return tg.tensor(np.asarray(array, np.float64), requires_grad=True)


# A worked example of a published tutorial (a network for MNIST, 2017): one 5x5 picture of three channels, two
# filters, padding 1, stride 2; its printed output, and its printed filters after one step of 0.001.

PICTURE = [
    [[0, 1, 1, 0, 2], [2, 2, 2, 2, 1], [1, 0, 0, 2, 0], [0, 1, 1, 0, 0], [1, 2, 0, 0, 2]],
    [[1, 0, 2, 2, 0], [0, 0, 0, 2, 0], [1, 2, 1, 2, 1], [1, 0, 0, 0, 0], [1, 2, 1, 1, 1]],
    [[2, 1, 2, 0, 0], [1, 0, 0, 1, 0], [0, 2, 1, 0, 1], [0, 1, 2, 2, 2], [2, 1, 0, 0, 1]],
]
FILTERS = [
    [
        [[-1, 1, 0], [0, 1, 0], [0, 1, 1]],
        [[-1, -1, 0], [0, 0, 0], [0, -1, 0]],
        [[0, 0, -1], [0, 1, 0], [1, -1, -1]],
    ],
    [
        [[1, 1, -1], [-1, -1, 1], [0, -1, 1]],
        [[0, 1, 0], [-1, 0, -1], [-1, 1, 0]],
        [[-1, 0, 0], [-1, 0, 1], [-1, 0, 0]],
    ],
]
UPSTREAM = [[[0, 1, 1], [2, 2, 2], [1, 0, 0]], [[1, 0, 2], [0, 0, 0], [1, 2, 1]]]
OUTPUT = [[[6, 7, 5], [3, -1, -1], [2, -1, 4]], [[2, -5, -8], [1, -4, -4], [0, -5, -5]]]
D_FILTERS = [
    [
        [[8, 10, 9], [5, 6, 6], [6, 5, 4]],
        [[4, 1, 4], [10, 9, 12], [2, 2, 2]],
        [[2, 2, 3], [5, 8, 5], [7, 8, 7]],
    ],
    [
        [[2, 2, 1], [4, 7, 3], [4, 4, 2]],
        [[0, 1, 0], [9, 5, 4], [4, 0, 0]],
        [[4, 6, 5], [2, 5, 2], [2, 1, 0]],
    ],
]
D_PICTURE = [
    [[-1, 1, 1, -2, -1], [1, -1, 3, -1, 1], [2, 0, 2, 0, 2], [4, 3, 4, 1, 3], [0, -1, -2, 1, -1]],
    [[0, -1, 0, -2, 0], [-1, -2, -3, -4, -1], [0, 0, 0, 0, 0], [-2, 0, 0, 0, -1], [0, -3, 0, -3, 0]],
    [[0, 1, 1, -2, 1], [0, -1, -1, -4, -1], [2, 0, 2, 0, 2], [-2, -3, -2, -1, -2], [1, -1, 0, 1, 0]],
]
FILTERS_AFTER = [
    [
        [[-1.008, 0.99, -0.009], [-0.005, 0.994, -0.006], [-0.006, 0.995, 0.996]],
        [[-1.004, -1.001, -0.004], [-0.01, -0.009, -0.012], [-0.002, -1.002, -0.002]],
        [[-0.002, -0.002, -1.003], [-0.005, 0.992, -0.005], [0.993, -1.008, -1.007]],
    ],
    [
        [[0.998, 0.998, -1.001], [-1.004, -1.007, 0.997], [-0.004, -1.004, 0.998]],
        [[0.0, 0.999, 0.0], [-1.009, -0.005, -1.004], [-1.004, 1.0, 0.0]],
        [[-1.004, -0.006, -0.005], [-1.002, -0.005, 0.998], [-1.002, -0.001, 0.0]],
    ],
]


@pytest.mark.parametrize("batch", [True, False])
def test_worked_example(batch):
    x, w, b = leaf([PICTURE] if batch else PICTURE), leaf(FILTERS), leaf([1, 0])
    out = tg.conv2d(x, w, b, stride=2, padding=1)
    out.backward(tg.tensor(np.array([UPSTREAM] if batch else UPSTREAM, float)))
    assert out.tolist() == ([OUTPUT] if batch else OUTPUT)
    assert w.grad.tolist() == D_FILTERS
    assert b.grad.tolist() == [9, 7]
    assert x.grad.tolist() == ([D_PICTURE] if batch else D_PICTURE)
    with tg.no_grad():
        w -= 0.001 * w.grad
        b -= 0.001 * b.grad
    np.testing.assert_allclose(w.detach().numpy(), FILTERS_AFTER, rtol=0, atol=1e-15)
    np.testing.assert_allclose(b.detach().numpy(), [0.991, -0.007], rtol=0, atol=1e-15)


def test_printed_values_of_a_course():
    """CS231n, assignment 2: conv_forward_naive."""
    x = tg.tensor(np.linspace(-0.1, 0.5, num=96).reshape(2, 3, 4, 4))
    w = tg.tensor(np.linspace(-0.2, 0.3, num=144).reshape(3, 3, 4, 4))
    b = tg.tensor(np.linspace(-0.1, 0.2, num=3))
    out = tg.conv2d(x, w, b, stride=2, padding=1)
    expected = [
        [
            [[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]],
            [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
            [[0.50813986, 0.54309974], [0.64082444, 0.67101435]],
        ],
        [
            [[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
            [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
            [[2.36270298, 2.36904306], [2.38090835, 2.38247847]],
        ],
    ]
    np.testing.assert_allclose(out.numpy(), expected, rtol=0, atol=5e-9)


def test_raising_a_weight_by_one_raises_the_output_by_its_pixel():
    image, weight = tg.zeros(1, 1, 3, 3), tg.zeros(1, 1, 3, 3)
    image[0, 0, 1, 1] = 80.0
    before = tg.conv2d(image, weight).item()
    weight[0, 0, 1, 1] += 1
    assert (before, tg.conv2d(image, weight).item()) == (0.0, 80.0)


# Against PyTorch.

SETTINGS = [
    dict(),
    dict(stride=2, padding=1),
    dict(stride=(2, 1), padding=(0, 3), dilation=(1, 2)),
    dict(stride=3, padding=(3, 1), dilation=2),
    dict(groups=2),
    dict(groups=4, padding=2),
    dict(padding="same"),
    dict(padding="same", dilation=(2, 1)),
    dict(padding="valid"),
    dict(stride=[2, 2], padding=[1, 1]),
    dict(stride=(2,)),
]


@pytest.fixture
def compare(pytorch):
    """compare(name, setting, shapes): a function of `nn.functional` and its gradients are PyTorch's."""

    def run(name, setting, shapes):
        rng = np.random.default_rng(0)
        arrays = [rng.normal(size=shape) for shape in shapes]
        pytorch.agrees_with_gradients(
            lambda m, *tensors: getattr(m.nn.functional, name)(*tensors, **setting), *arrays, rtol=1e-10, atol=1e-10
        )

    return run


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # PyTorch's, of a copy that it makes
@pytest.mark.parametrize("window", [(3, 3), (2, 4), (1, 1), (1, 3)], ids=str)
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("batch", [(2,), ()], ids=["batch", "single"])
def test_conv2d_is_pytorchs(compare, setting, window, batch):
    channels = 4 // setting.get("groups", 1)
    compare("conv2d", setting, [(*batch, 4, 7, 8), (8, channels, *window), (8,)])


@pytest.mark.parametrize(
    "setting",
    [
        dict(),
        dict(stride=2, padding=1, output_padding=1),
        dict(stride=(2, 1), padding=(0, 2), dilation=(3, 2), output_padding=(2, 1)),
        dict(groups=2, stride=3),
    ],
    ids=str,
)
@pytest.mark.parametrize("batch", [(2,), ()], ids=["batch", "single"])
def test_conv_transpose2d_is_pytorchs(compare, setting, batch):
    outs = 6 // setting.get("groups", 1)
    compare("conv_transpose2d", setting, [(*batch, 4, 5, 6), (4, outs, 3, 2), (6,)])


@pytest.mark.parametrize("batch", [(2,), ()], ids=["batch", "single"])
def test_conv1d_and_conv_transpose1d_are_pytorchs(compare, batch):
    rows = (*batch, 4, 9)
    compare("conv1d", dict(stride=2, padding=2, dilation=2, groups=2), [rows, (6, 2, 3), (6,)])
    compare("conv1d", dict(padding="same"), [rows, (6, 4, 4), (6,)])
    setting = dict(stride=3, padding=1, output_padding=2, groups=2)
    compare("conv_transpose1d", setting, [rows, (4, 3, 4), (6,)])


@pytest.mark.parametrize("batch", [(2,), ()], ids=["batch", "single"])
def test_unfold_and_fold_are_pytorchs(compare, batch):
    setting = dict(kernel_size=(2, 3), stride=2, padding=(1, 0), dilation=(1, 2))
    compare("unfold", setting, [(*batch, 3, 6, 7)])
    columns = F.unfold(tg.zeros(*batch, 3, 6, 7), **setting).shape
    compare("fold", dict(output_size=(6, 7), **setting), [columns])


def test_convolution_is_the_filters_times_unfold():
    x, w = tg.randn(2, 3, 6, 5), tg.randn(4, 3, 3, 2)
    out = (w.reshape(4, -1) @ F.unfold(x, (3, 2), padding=1)).reshape(2, 4, 6, 6)
    np.testing.assert_allclose(out.numpy(), F.conv2d(x, w, padding=1).numpy(), rtol=1e-5, atol=1e-5)


# The three derivatives of one trilinear form.


def test_the_three_are_adjoint():
    """⟨conv2d(x, w), g⟩ = ⟨x, conv2d_input(g, w)⟩ = ⟨w, conv2d_weight(g, x)⟩"""
    from tinygrad_cnn.ops.conv import conv2d_input, conv2d_weight

    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 4, 7, 5)), rng.normal(size=(6, 2, 3, 2))
    setting = dict(stride=(2, 1), padding=(1, 2), dilation=(1, 3), groups=2)
    out = tg.conv2d(x, w, **setting)  # arrays in, an array out
    assert type(out) is np.ndarray
    g = rng.normal(size=out.shape)
    number = np.sum(out * g)
    np.testing.assert_allclose(np.sum(x * conv2d_input(g, w, x.shape, **setting)), number)
    np.testing.assert_allclose(np.sum(w * conv2d_weight(g, x, w.shape, **setting)), number)


def test_third_derivative():
    rng = np.random.default_rng(0)
    x, w = leaf(rng.normal(size=(1, 1, 3, 3))), leaf(rng.normal(size=(1, 1, 2, 2)))

    def second(x, w):
        (g,) = tg.autograd.grad((tg.conv2d(x, w) ** 3).sum(), x, create_graph=True)
        return tg.autograd.grad((g**2).sum(), w, create_graph=True)[0]

    assert gradcheck(second, [x, w])


# Borders of what is allowed.


def test_empty_batch():
    x, w = tg.zeros(0, 2, 5, 5, requires_grad=True), tg.ones(3, 2, 3, 3, requires_grad=True)
    out = tg.conv2d(x, w)
    out.sum().backward()
    assert out.shape == (0, 3, 3, 3)
    assert x.grad.shape == (0, 2, 5, 5)
    assert w.grad.tolist() == tg.zeros(3, 2, 3, 3).tolist()


def test_window_of_the_input_is_a_linear_layer():
    x, w = tg.randn(5, 2, 4, 3), tg.randn(6, 2, 4, 3)
    expected = F.linear(x.flatten(1), w.flatten(1))
    np.testing.assert_allclose(tg.conv2d(x, w).flatten(1).numpy(), expected.numpy(), rtol=1e-5, atol=1e-5)


def test_only_needed_gradients_are_computed(monkeypatch):
    from tinygrad_cnn.kernels import kernel

    def refuse(*args):
        raise AssertionError("nobody needs this gradient")

    w = tg.ones(1, 1, 2, 2, requires_grad=True)
    out = tg.conv2d(tg.ones(1, 1, 3, 3), w).sum()
    monkeypatch.setattr(kernel, "conv2d_input", refuse)
    out.backward()
    assert w.grad.tolist() == [[[[4.0, 4.0], [4.0, 4.0]]]]


X, W = tg.zeros(2, 3, 5, 5), tg.zeros(4, 3, 3, 3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: tg.conv2d(tg.zeros(2, 3, 32, 32), tg.zeros(8, 1, 3, 3)),
            RuntimeError,
            r"conv2d: input has 3 channels \(2, 3, 32, 32\) but weight takes 1 \(8, 1, 3, 3\); "
            r"with groups=1 they must be equal",
        ),
        (lambda: tg.conv2d(X, W, groups=2), RuntimeError, "groups=2"),
        (lambda: tg.conv2d(X, tg.zeros(4, 1, 3, 3), groups=3), RuntimeError, "4 filters .* shared out among groups=3"),
        (lambda: tg.conv2d(X.double(), W), RuntimeError, "input is float64 but weight is float32"),
        (lambda: tg.conv2d(X, W, tg.zeros(4).double()), RuntimeError, "input is float32 but bias is float64"),
        (lambda: tg.conv2d(X > 0, W > 0), NotImplementedError, "bool, it must be of numbers"),
        (lambda: tg.conv2d(X, W, tg.zeros(5)), RuntimeError, r"each of the 4 filters .* got \(5,\)"),
        (lambda: tg.conv2d(X[0, 0], W), RuntimeError, r"expected input \(N, C, H, W\) or \(C, H, W\), got 2 axes"),
        (lambda: tg.conv2d(X, W[0]), RuntimeError, r"weight must be .* got \(3, 3, 3\)"),
        (lambda: tg.conv2d(tg.zeros(1, 3, 2, 5), W), RuntimeError, "window .* is larger than the input"),
        (lambda: tg.conv2d(X, W, dilation=3), RuntimeError, "window .* is larger than the input"),
        (lambda: tg.conv2d(X, W[:, :, :0]), RuntimeError, r"a window of at least one place, got \(4, 3, 0, 3\)"),
        (lambda: tg.conv2d(X, W, stride=0), RuntimeError, "stride must be at least 1, got 0"),
        (lambda: tg.conv2d(X, W, stride=(1, 1, 1)), RuntimeError, "stride must be a single int, or one for each"),
        (lambda: tg.conv2d(X, W, stride=1.5), TypeError, "stride must be an int .* got 1.5"),
        (lambda: tg.conv2d(X, W, padding=-1), RuntimeError, "padding must be at least 0, got -1"),
        (lambda: tg.conv2d(X, W, padding="some"), RuntimeError, "'valid' or 'same', got 'some'"),
        (lambda: tg.conv2d(X, W, padding="same", stride=2), RuntimeError, "padding='same' .* stride="),
        (lambda: tg.conv2d(X, W, groups=0), RuntimeError, "groups must be at least 1"),
        (lambda: tg.conv2d([1, 2], W), TypeError, "input must be a Tensor, got list"),
        (lambda: tg.conv2d(X, [1, 2]), TypeError, "weight must be a Tensor, got list"),
        (lambda: tg.conv2d(X, W, strid=1), TypeError, "strid"),
        (lambda: tg.conv1d(X, W), RuntimeError, r"conv1d: expected input \(N, C, L\) or \(C, L\), got 4 axes"),
        (lambda: tg.conv1d(X[0], W[0]), RuntimeError, "conv1d: input has 5 channels"),
        (lambda: tg.conv_transpose2d(X, tg.zeros(3, 4, 3, 3), output_padding=1), RuntimeError, "output_padding"),
        (lambda: tg.conv_transpose2d(X, W), RuntimeError, "input has 3 channels .* weight takes 4"),
        (lambda: tg.conv_transpose2d(X, tg.zeros(3, 4, 1, 1), padding=4), RuntimeError, "pad less"),
        (lambda: tg.conv_transpose2d(X, tg.zeros(3, 4, 1, 1), tg.zeros(3)), RuntimeError, "4 output channels"),
        (lambda: F.fold(tg.zeros(1, 8, 5), (4, 4), 2), RuntimeError, "3·3 windows"),
    ],
)  # fmt: skip
def test_errors_teach(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_an_error_leaves_nothing_behind():
    """A call that was refused is refused again: the memory of checks holds only what was allowed."""
    for _ in range(2):
        with pytest.raises(TypeError):
            tg.conv2d(X, W, stride=1.0)
        assert tg.conv2d(X, W, stride=1).shape == (2, 4, 3, 3)
