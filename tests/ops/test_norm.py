"""Normalization: running statistics, the fused kernel and what it means, PyTorch, and the errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import kernels
from tinygrad_cnn.testing import gradcheck, gradgradcheck

RNG = np.random.default_rng(0)


def test_batch_norm_of_a_course():
    """CS231n, assignment 2: means 0 and deviations 1, then those of weight and bias."""
    x = tg.tensor(4 * RNG.normal(size=(2, 3, 4, 5)) + 10)
    out = F.batch_norm(x, None, None, training=True).numpy()
    np.testing.assert_allclose(out.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(out.std((0, 2, 3)), 1, rtol=1e-5)
    weight, bias = tg.tensor([3.0, 4.0, 5.0]).double(), tg.tensor([6.0, 7.0, 8.0]).double()
    out = F.batch_norm(x, None, None, weight, bias, training=True).numpy()
    np.testing.assert_allclose(out.mean((0, 2, 3)), [6, 7, 8])
    np.testing.assert_allclose(out.std((0, 2, 3)), [3, 4, 5], rtol=1e-5)


def test_evaluation_after_fifty_batches():
    mean, var = tg.zeros(3), tg.ones(3)
    for _ in range(50):
        F.batch_norm(tg.tensor(2.3 * RNG.normal(size=(10, 3, 11, 12)) + 13).float(), mean, var, training=True)
    x = tg.tensor(2.3 * RNG.normal(size=(10, 3, 11, 12)) + 13).float()
    out = F.batch_norm(x, mean, var).numpy()
    np.testing.assert_allclose(out.mean((0, 2, 3)), 0, atol=0.1)
    np.testing.assert_allclose(out.std((0, 2, 3)), 1, atol=0.05)


def test_running_variance_is_the_unbiased_one():
    mean, var = tg.zeros(1), tg.ones(1)
    F.batch_norm(tg.tensor([[1.0], [3.0]]), mean, var, training=True, momentum=1.0)
    assert (mean.item(), var.item()) == (2.0, pytest.approx(2.0, rel=1e-5))


def test_evaluation_changes_no_statistics():
    mean, var = tg.tensor([0.5]), tg.tensor([2.0])
    F.batch_norm(tg.randn(4, 1), mean, var)
    assert (mean.item(), var.item()) == (0.5, 2.0)


def test_two_batches_before_one_backward():
    """Statistics move in place with every batch; nothing that backward needs is lost by it."""
    mean, var, weight = tg.zeros(2), tg.ones(2), tg.ones(2, requires_grad=True)
    x, y = tg.randn(4, 2), tg.randn(4, 2)
    loss = sum((F.batch_norm(z, mean, var, weight, training=True) ** 3).sum() for z in (x, y))
    loss.backward()
    one = tg.ones(2, requires_grad=True)
    for z in (x, y):
        (F.batch_norm(z, None, None, one, training=True) ** 3).sum().backward()
    np.testing.assert_allclose(weight.grad.numpy(), one.grad.numpy(), rtol=1e-6)


def test_statistics_are_not_measured_again_by_the_second_derivative():
    mean, var = tg.zeros(2), tg.ones(2)
    x = tg.randn(4, 2, requires_grad=True)
    out = F.batch_norm(x, mean, var, training=True)
    before = mean.tolist()
    (g,) = tg.autograd.grad((out**3).sum(), x, create_graph=True)
    g.sum().backward()
    assert mean.tolist() == before


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (3, 3, 2, 4)], ids=str)
def test_fused_and_meaning_agree(shape):
    inputs = [tg.tensor(RNG.normal(size=s), requires_grad=True) for s in (shape, (3,), (3,))]
    out = F.batch_norm(inputs[0], None, None, inputs[1], inputs[2], training=True)
    g = tg.tensor(RNG.normal(size=shape))
    fused = tg.autograd.grad(out, inputs, g, retain_graph=True)
    meant = tg.autograd.grad(out, inputs, g, create_graph=True)
    for a, b in zip(fused, meant, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_derivatives_in_evaluation():
    mean, var = tg.tensor([0.5, -1.0]).double(), tg.tensor([2.0, 0.1]).double()
    inputs = [tg.tensor(RNG.normal(size=s), requires_grad=True) for s in ((3, 2, 2), (2,), (2,))]

    def f(x, weight, bias):
        return F.batch_norm(x, mean, var, weight, bias)

    assert gradcheck(f, inputs)
    assert gradgradcheck(f, inputs)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, w, b, rows: F.group_norm(x, 2, w, b, 0.1),
        lambda x, w, b, rows: F.instance_norm(x, weight=w, bias=b, eps=0.1),
        lambda x, w, b, rows: F.layer_norm(x, rows.shape, rows, rows * 2, 0.1),
        lambda x, w, b, rows: F.rms_norm(x, rows.shape, rows, 0.1),
    ],
    ids=["group", "instance", "layer", "rms"],
)
def test_derivatives_within_each_example(f):
    shapes = (2, 4, 3), (4,), (4,), (4, 3)
    inputs = [tg.tensor(RNG.normal(size=shape), requires_grad=True) for shape in shapes]
    assert gradcheck(f, inputs)
    assert gradgradcheck(f, inputs)


@pytest.mark.parametrize("room", ["textbook", "numpy", "fast"])
@pytest.mark.parametrize("last", [False, True])
def test_a_group_is_a_batch_of_its_own(room, last):
    """Of one example, an instance norm is a batch norm, and a group norm one of the pixels of all its channels."""
    x = tg.randn(1, 8, 9, 9, dtype=tg.float32) * 3 + 5
    if last:
        x = x.contiguous(memory_format=tg.channels_last)
    weight, bias, g = tg.randn(8), tg.randn(8), tg.randn(1, 8, 9, 9)

    def found(f, source):
        x, w, b = (v.detach().clone().requires_grad_() for v in (source, weight, bias))
        out = f(x, w, b)
        out.backward(g)
        return [out.detach(), x.grad, w.grad, b.grad]

    def by_batch(x, w, b):
        groups = F.batch_norm(x.reshape(1, 4, 162), None, None, training=True).reshape(1, 8, 9, 9)
        return groups * w.reshape(8, 1, 1) + b.reshape(8, 1, 1)

    with kernels.use(room):
        pairs = [
            (
                lambda x, w, b: F.instance_norm(x, weight=w, bias=b),
                lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
            ),
            (lambda x, w, b: F.group_norm(x, 4, w, b), by_batch),
        ]
        for one, other in pairs:
            for got, want in zip(found(one, x), found(other, x), strict=True):
                np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-4, atol=2e-5)


def test_channels_last_memory_changes_nothing():
    x = tg.randn(4, 3, 5, 6)
    last = tg.from_numpy(np.ascontiguousarray(x.numpy().transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2))
    for f in (
        lambda x: F.batch_norm(x, None, None, training=True),
        lambda x: F.group_norm(x, 3),
        lambda x: F.instance_norm(x),
    ):
        np.testing.assert_allclose(f(last).numpy(), f(x).numpy(), rtol=1e-4, atol=1e-5)


# Against PyTorch.


@pytest.fixture
def compare(pytorch):
    """compare(run, shape, *channels): what `run(functional, x, ...)` gives, and the gradient of x, are PyTorch's.

    The other arguments are, for `channels`, a mean, a variance, a weight and a bias; else one of the last two axes.
    """

    def go(run, shape, *channels):
        def results(m):
            draw = np.random.default_rng(0)
            inputs = [draw.normal(size=shape) * 3 + 1]
            if channels:
                inputs += [draw.normal(size=channels), draw.uniform(1, 2, channels), *draw.normal(size=(2, *channels))]
            else:
                inputs += [draw.normal(size=shape[-2:])]
            inputs = [m.tensor(a) for a in inputs]
            inputs[0].requires_grad_()
            found = run(m.nn.functional, *inputs)
            (found[0] ** 3).sum().backward()
            return [*found, inputs[0].grad]

        pytorch.agrees(results, rtol=1e-9, atol=1e-10)

    return go


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (3, 3, 2, 4)], ids=str)
def test_batch_norm_is_pytorchs(compare, shape, training):
    def run(functional, x, mean, var, weight, bias):
        out = functional.batch_norm(x, mean, var, weight, bias, training=training, momentum=0.3, eps=1e-3)
        return out, mean, var

    compare(run, shape, 3)


@pytest.mark.parametrize("use_input_stats", [True, False])
def test_instance_norm_is_pytorchs(compare, use_input_stats):
    def run(functional, x, mean, var, weight, bias):
        out = functional.instance_norm(x, mean, var, weight, bias, use_input_stats, 0.3)
        return out, mean, var

    compare(run, (4, 3, 2, 5), 3)


@pytest.mark.parametrize(
    "run",
    [
        lambda f, x, w: (f.layer_norm(x, (5,)),),
        lambda f, x, w: (f.layer_norm(x, [4, 5], w, w * 2, 0.1),),
        lambda f, x, w: (f.rms_norm(x, (4, 5), w),),
        lambda f, x, w: (f.rms_norm(x, (5,), eps=0.1),),
        lambda f, x, w: (f.group_norm(x, 3),),
        lambda f, x, w: (f.group_norm(x, 2, eps=0.1),),
        lambda f, x, w: (f.normalize(x, dim=2),),
        lambda f, x, w: (f.normalize(x, 1.5, -1),),
        lambda f, x, w: (f.local_response_norm(x, 3, 0.5),),
        lambda f, x, w: (f.local_response_norm(x, 4, 0.5, 0.6, 2.0),),
    ],
)  # fmt: skip
def test_other_norms_are_pytorchs(compare, run):
    compare(run, (2, 6, 4, 5))


X, MEAN, VAR = tg.zeros(4, 3, 5), tg.zeros(3), tg.ones(3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: F.batch_norm(X, None, None), RuntimeError, "running_var must be defined in evaluation mode"),
        (lambda: F.batch_norm(X, MEAN, None, training=True), ValueError, "either both be None or neither"),
        (lambda: F.batch_norm(X.double(), MEAN, VAR), RuntimeError, "input is float64 but running_mean is float32"),
        (lambda: F.batch_norm(X, MEAN, VAR, tg.ones(4)), RuntimeError, r"weight should contain 3 elements.* \(4,\)"),
        (lambda: F.batch_norm(X, tg.zeros(4), VAR), RuntimeError, "running_mean should contain 3 elements"),
        (lambda: F.batch_norm(X[:1, :, 0], MEAN, VAR, training=True), ValueError, "more than 1 value per channel"),
        (lambda: F.batch_norm(X.long(), MEAN, VAR), NotImplementedError, "int64, it must be floating"),
        (lambda: F.batch_norm(X, MEAN, VAR, training=True, eps=0), ValueError, "eps must be positive"),
        (lambda: F.batch_norm(X[0, 0], MEAN, VAR), RuntimeError, r"expected input \(N, C, ...\)"),
        (lambda: F.layer_norm(X, (4,)), RuntimeError, r"expected input of shape \(..., 4\), got \(4, 3, 5\)"),
        (lambda: F.layer_norm(X, 5), TypeError, "normalized_shape must be a tuple"),
        (lambda: F.layer_norm(X, ()), RuntimeError, "at least one axis"),
        (lambda: F.layer_norm(X, (5,), tg.ones(4)), RuntimeError, r"weight must have the shape .* \(5,\)"),
        (lambda: F.layer_norm(X.double(), (5,), tg.ones(5)), RuntimeError, "weight is float32"),
        (lambda: F.rms_norm(X, (4,)), RuntimeError, "rms_norm: given normalized_shape"),
        (lambda: F.group_norm(X, 2), RuntimeError, "3 channels .* divisible by num_groups=2"),
        (lambda: F.group_norm(X, 0), RuntimeError, "num_groups=0"),
        (lambda: F.group_norm(X[:1, :, :1], 3), ValueError, "more than 1 value per group"),
        (lambda: F.instance_norm(X[:, :, :1]), ValueError, "more than 1 spatial element"),
        (lambda: F.instance_norm(X, use_input_stats=False), RuntimeError, "must be defined when use_input_stats"),
        (lambda: F.local_response_norm(X[0], 2), ValueError, "expected input"),
    ],
)  # fmt: skip
def test_errors_teach(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_an_error_moves_no_statistics():
    mean, var = tg.zeros(3), tg.ones(3)
    with pytest.raises(RuntimeError):
        F.batch_norm(tg.randn(4, 3, 5), mean, var, tg.ones(4), training=True)
    assert (mean.tolist(), var.tolist()) == ([0, 0, 0], [1, 1, 1])


def test_running_var_of_a_constant_channel_is_not_negative():
    x = tg.zeros(8, 3) + tg.tensor([0.0, 1.0, 1e4])
    running = tg.zeros(3)
    F.batch_norm(x, tg.zeros(3), running, training=True, momentum=1.0)
    assert (running >= 0).all()
    np.testing.assert_allclose(running, 0, atol=2e-12)


def test_nothing_is_normalised_to_nothing():
    assert F.local_response_norm(tg.ones(0, 3, 2), 1).shape == (0, 3, 2)
    assert F.batch_norm(tg.ones(0), tg.zeros(0), tg.ones(0)).shape == (0,)
