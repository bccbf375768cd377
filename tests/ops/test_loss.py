"""Losses: known values, large logits, PyTorch over many settings, and the errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import kernels
from tinygrad_cnn.testing import gradcheck, gradgradcheck

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(5, 4)) * 3
CLASSES = np.array([0, 3, 2, 2, 1])
IGNORING = np.array([0, -100, 2, 2, -100])
PLACES = RNG.integers(0, 4, (2, 3, 2))
PLANES = RNG.normal(size=(2, 4, 3, 2))
SOFT = RNG.dirichlet(np.ones(4), 5)
WEIGHTS = np.array([0.5, 2.0, 1.5, 0.25])


# Cross-entropy.


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_before_training_the_loss_is_log_of_the_classes(classes):
    loss = F.cross_entropy(tg.zeros(8, classes), tg.zeros(8, dtype=tg.int64))
    assert loss.item() == pytest.approx(math.log(classes), rel=1e-6)


def test_large_logits():
    x = tg.tensor([[5000.0, 5030.0, 5040.0]], requires_grad=True)
    loss = F.cross_entropy(x, tg.tensor([0]))
    loss.backward()
    assert loss.item() == pytest.approx(40, rel=1e-4)
    np.testing.assert_allclose(x.grad.numpy(), [[-1, 4.5398e-05, 0.9999546]], rtol=1e-4)
    for size in (1e4, -1e4):
        loss = F.cross_entropy(tg.tensor([[size, 0.0]]), tg.tensor([1]))
        assert loss.item() == max(size, 0)


@pytest.mark.parametrize("dtype", [tg.float32, tg.float64])
@pytest.mark.parametrize("offset", [1e4, 1e7, -1e7])
def test_a_common_offset_of_the_logits_changes_nothing(offset, dtype):
    logits = np.round(LOGITS).tolist()
    plain, moved = (tg.tensor(logits, dtype=dtype).add(c).requires_grad_() for c in (0, offset))
    losses = [F.cross_entropy(x, tg.tensor(CLASSES), reduction="none") for x in (plain, moved)]
    for loss in losses:
        loss.sum().backward()
    np.testing.assert_allclose(losses[1].detach().numpy(), losses[0].detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(moved.grad.numpy(), plain.grad.numpy(), atol=1e-7)


def test_logits_as_large_as_they_come():
    x = tg.tensor([[3.4e38, 3.4e38]], requires_grad=True)
    loss = F.cross_entropy(x, tg.tensor([0]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    np.testing.assert_allclose(x.grad.numpy(), [[-0.5, 0.5]], rtol=1e-6)


def test_gradient_is_softmax_minus_one_hot():
    x = tg.tensor(LOGITS, requires_grad=True)
    F.cross_entropy(x, tg.tensor(CLASSES)).backward()
    expected = (F.softmax(x, 1) - F.one_hot(tg.tensor(CLASSES), 4)) / 5
    np.testing.assert_allclose(x.grad.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-15)


def test_fused_and_composed_agree():
    """The fused kernel of the plain case, and the composition that runs under create_graph."""
    for reduction in ("mean", "sum", "none"):
        x = tg.tensor(LOGITS, requires_grad=True)
        loss = F.cross_entropy(x, tg.tensor(CLASSES), reduction=reduction)
        g = tg.ones_like(loss) * 0.7
        fused = tg.autograd.grad(loss, x, g, retain_graph=True)[0]
        composed = tg.autograd.grad(loss, x, g, create_graph=True)[0]
        np.testing.assert_allclose(fused.numpy(), composed.detach().numpy(), rtol=1e-13, atol=1e-15)
        expected = F.nll_loss(F.log_softmax(x, 1), tg.tensor(CLASSES), reduction=reduction)
        np.testing.assert_allclose(loss.detach().numpy(), expected.detach().numpy(), rtol=1e-13)


def test_ignored_examples_have_no_gradient_even_when_infinite():
    logs = tg.tensor([[-np.inf, 0.0], [-0.5, -1.0]], dtype=tg.float64, requires_grad=True)
    loss = F.nll_loss(logs, tg.tensor([0, 1]), ignore_index=0)
    loss.backward()
    assert loss.item() == 1.0
    assert logs.grad.tolist() == [[0, 0], [0, -1]]


def test_all_ignored():
    x = tg.zeros(2, 3, requires_grad=True)
    target = tg.tensor([-100, -100])
    assert math.isnan(F.cross_entropy(x, target).item())
    assert F.cross_entropy(x, target, reduction="sum").item() == 0


def test_empty_batch():
    x, target = tg.zeros(0, 3), tg.zeros(0, dtype=tg.int64)
    assert math.isnan(F.cross_entropy(x, target).item())
    assert F.cross_entropy(x, target, reduction="sum").item() == 0
    assert F.cross_entropy(x, target, reduction="none").shape == (0,)


def test_hinge_of_a_course():
    """Σ over the wrong classes of max(0, 1 + s_j - s_y): CS231n's SVM loss divides by N, not by C."""
    scores = RNG.normal(size=(6, 10)) * 1e-3
    target = RNG.integers(0, 10, 6)
    loss = F.multi_margin_loss(tg.tensor(scores), tg.tensor(target)).item() * 10
    assert loss == pytest.approx(9, abs=0.05)


# Others.


def test_log_is_clamped_at_minus_100():
    p = tg.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(p, tg.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    assert loss.tolist() == [100, 100, 0, 0]
    loss.sum().backward()
    np.testing.assert_allclose(p.grad.numpy(), [-1e12, 1e12, 0, 0])


def test_logits_of_ten_thousand():
    x = tg.tensor([1e4, -1e4, 1e4, -1e4], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, tg.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    assert loss.tolist() == [0, 0, 1e4, 1e4]
    loss.sum().backward()
    assert x.grad.tolist() == [0, 0, 1, -1]


def test_weighted_logits_of_any_size():
    x = tg.tensor([1e4, -1e4, 1e4, -1e4], requires_grad=True)
    weight = tg.tensor([2.0, 3.0, 4.0, 5.0])
    target = tg.tensor([1.0, 0.0, 0.0, 1.0])
    loss = F.binary_cross_entropy_with_logits(x, target, pos_weight=weight, reduction="none")
    assert loss.tolist() == [0, 0, 1e4, 5e4]
    loss.sum().backward()
    assert x.grad.tolist() == [0, 0, 1, -5]


def test_an_infinite_gradient_of_weighted_logits():
    x = tg.zeros(2, requires_grad=True)
    weight = tg.tensor([2.0, 3.0])
    loss = F.binary_cross_entropy_with_logits(x, tg.tensor([1.0, 0.0]), pos_weight=weight, reduction="none")
    loss.backward(tg.tensor([np.inf, np.inf]))
    assert x.grad.tolist() == [-np.inf, np.inf]


LOSSES_OF_DTYPES = [  # loss, dtypes of input and target, dtype of the result (None: refused), as in PyTorch
    ("mse_loss", "float32", "bool", "float32"),
    ("mse_loss", "bool", "float64", "float64"),
    ("mse_loss", "float32", "int64", "float32"),
    ("l1_loss", "float32", "bool", None),
    ("smooth_l1_loss", "float32", "bool", "float32"),
    ("huber_loss", "float32", "bool", "float32"),
    ("huber_loss", "float32", "float64", "float32"),
    ("huber_loss", "int64", "float32", None),
    ("binary_cross_entropy", "float32", "float64", None),
    ("binary_cross_entropy", "int64", "int64", None),
    ("binary_cross_entropy_with_logits", "float64", "float32", "float32"),
    ("binary_cross_entropy_with_logits", "float32", "float64", "float64"),
    ("binary_cross_entropy_with_logits", "float32", "int64", None),
    ("binary_cross_entropy_with_logits", "uint8", "uint8", None),
    ("kl_div", "float32", "int64", None),
    ("soft_margin_loss", "float32", "uint8", "float32"),
    ("soft_margin_loss", "float32", "float64", "float32"),
    ("soft_margin_loss", "int64", "float32", None),
    ("multilabel_soft_margin_loss", "float32", "int64", "float32"),
    ("multilabel_soft_margin_loss", "float32", "float64", "float64"),
    ("multilabel_soft_margin_loss", "float32", "bool", None),
]


@pytest.mark.filterwarnings("ignore:kl_div")
@pytest.mark.parametrize(("name", "input", "target", "wanted"), LOSSES_OF_DTYPES)
def test_dtypes(name, input, target, wanted):
    x, y = tg.tensor([1, 0, 1]).to(tg.__dict__[input]), tg.tensor([1, 1, 0]).to(tg.__dict__[target])
    loss = getattr(F, name)
    if wanted is None:
        with pytest.raises(RuntimeError):
            loss(x, y)
    else:
        result = loss(x, y)
        assert result.dtype == wanted
        common = [t.to(tg.__dict__[wanted]) for t in (x, y)]
        assert result.item() == pytest.approx(loss(*common).item(), rel=1e-6)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(RuntimeError, match="soft_margin_loss"):
        F.soft_margin_loss(tg.ones(3), tg.ones(2, 3))
    with pytest.raises(RuntimeError, match="equally many axes"):
        F.triplet_margin_loss(tg.ones(2, 3), tg.ones(2, 3), tg.ones(1, 2, 3))
    with pytest.raises(ValueError, match="incorrect size"):
        F.gaussian_nll_loss(tg.ones(2, 3), tg.ones(2, 3), tg.tensor(1.0))
    with pytest.raises(RuntimeError, match="int64"):
        F.multi_margin_loss(tg.ones(2, 3), tg.tensor([0, 1], dtype=tg.int32))


@pytest.mark.parametrize("loss", [F.huber_loss, F.smooth_l1_loss])
def test_curvature_of_losses_that_are_quadratic_near_zero(loss):
    """1 inside, at 0 as well, and 0 outside and at the border, as in PyTorch."""
    t = tg.tensor([0.0, 0.5, -0.5, 1.0, -1.0, 2.0], requires_grad=True)
    (slope,) = tg.autograd.grad(loss(t, tg.zeros(6), reduction="sum"), t, create_graph=True)
    assert slope.tolist() == [0, 0.5, -0.5, 1, -1, 1]
    assert tg.autograd.grad(slope.sum(), t)[0].tolist() == [1, 1, 1, 0, 0, 0]


def test_slope_at_zero():
    x = tg.zeros(1, requires_grad=True)
    F.binary_cross_entropy_with_logits(x, tg.ones(1)).backward()
    assert x.grad.item() == -0.5


def test_mse_is_one_node():
    x = tg.zeros(2, 3, requires_grad=True)
    (name, parent) = (lambda loss: (loss.grad_fn.name(), loss.grad_fn.next_functions[0][0].name()))(
        F.mse_loss(x, tg.ones(2, 3))
    )
    assert (name, parent) == ("MseLossBackward0", "AccumulateGrad")


# Against PyTorch, where it is installed.

SIGNS = np.array([1.0, -1.0, -1.0, 1.0, 1.0])
VECTORS = [RNG.normal(size=(5, 3)) for _ in range(3)]
UNIT = RNG.uniform(0.01, 0.99, (5, 3))
LOGS = np.log(RNG.dirichlet(np.ones(4), 5))

# Name, arguments, which of them are differentiated, attributes.
AGAINST_PYTORCH = [
    ("cross_entropy", [LOGITS, CLASSES], 1, {}),
    ("cross_entropy", [LOGITS, IGNORING], 1, {}),
    ("cross_entropy", [LOGITS, CLASSES], 1, dict(ignore_index=2)),
    ("cross_entropy", [LOGITS, CLASSES, WEIGHTS], 1, {}),
    ("cross_entropy", [LOGITS, IGNORING, WEIGHTS], 1, dict(label_smoothing=0.3)),
    ("cross_entropy", [LOGITS, CLASSES], 1, dict(label_smoothing=0.1)),
    ("cross_entropy", [LOGITS, IGNORING], 1, dict(label_smoothing=1.0)),
    ("cross_entropy", [LOGITS[0], np.array(2)], 1, {}),
    ("cross_entropy", [LOGITS[0], SOFT[0]], 2, {}),
    ("cross_entropy", [PLANES, PLACES], 1, {}),
    ("cross_entropy", [PLANES, PLACES, WEIGHTS], 1, dict(label_smoothing=0.2, ignore_index=1)),
    ("cross_entropy", [LOGITS, SOFT], 2, {}),
    ("cross_entropy", [LOGITS, SOFT, WEIGHTS], 2, dict(label_smoothing=0.2)),
    ("cross_entropy", [PLANES, np.abs(PLANES)], 2, {}),
    ("cross_entropy", [LOGITS, CLASSES.astype(np.uint8)], 1, {}),
    ("nll_loss", [LOGS, CLASSES], 1, {}),
    ("nll_loss", [LOGS, IGNORING, WEIGHTS], 1, {}),
    ("nll_loss", [LOGS[0], np.array(1)], 1, {}),
    ("nll_loss", [PLANES, PLACES, WEIGHTS], 1, dict(ignore_index=0)),
    ("multi_margin_loss", [LOGITS, CLASSES], 1, {}),
    ("multi_margin_loss", [LOGITS, CLASSES], 1, dict(p=2, margin=0.3)),
    ("multi_margin_loss", [LOGITS, CLASSES], 1, dict(weight=WEIGHTS)),
    ("multi_margin_loss", [LOGITS[0], np.array(1)], 1, {}),
    ("mse_loss", VECTORS[:2], 2, {}),
    ("mse_loss", VECTORS[:2], 2, dict(weight=UNIT)),
    ("l1_loss", VECTORS[:2], 2, {}),
    ("l1_loss", VECTORS[:2], 2, dict(weight=UNIT)),
    ("huber_loss", VECTORS[:2], 2, dict(delta=0.5)),
    ("huber_loss", VECTORS[:2], 2, dict(weight=UNIT)),
    ("smooth_l1_loss", VECTORS[:2], 2, {}),
    ("smooth_l1_loss", VECTORS[:2], 2, dict(beta=0.4)),
    ("smooth_l1_loss", VECTORS[:2], 2, dict(beta=0.0)),
    ("binary_cross_entropy", [UNIT, UNIT[::-1].copy()], 2, {}),
    ("binary_cross_entropy", [UNIT.round(), UNIT], 1, {}),
    ("binary_cross_entropy", [UNIT, UNIT.round()], 1, dict(weight=WEIGHTS[:3])),
    ("binary_cross_entropy_with_logits", [VECTORS[0], UNIT], 2, {}),
    ("binary_cross_entropy_with_logits", [VECTORS[0], UNIT], 1, dict(weight=UNIT[:1], pos_weight=WEIGHTS[:3])),
    ("kl_div", [LOGS, SOFT], 2, {}),
    ("kl_div", [LOGS, LOGS[::-1].copy()], 2, dict(log_target=True)),
    ("kl_div", [LOGS, np.eye(4)[CLASSES]], 1, {}),
    ("poisson_nll_loss", [VECTORS[0], UNIT * 4], 1, {}),
    ("poisson_nll_loss", [UNIT, UNIT * 4], 1, dict(log_input=False, full=True)),
    ("gaussian_nll_loss", [VECTORS[0], VECTORS[1], UNIT], 3, dict(full=True)),
    ("gaussian_nll_loss", [VECTORS[0], VECTORS[1], UNIT[:, 0]], 3, dict(eps=0.5)),
    ("gaussian_nll_loss", [VECTORS[0], VECTORS[1], 0.5], 2, {}),
    ("soft_margin_loss", [LOGITS[:, 0], SIGNS], 1, {}),
    ("hinge_embedding_loss", [LOGITS[:, 0], SIGNS], 1, dict(margin=0.7)),
    ("multilabel_soft_margin_loss", [LOGITS, SOFT.round()], 1, dict(weight=WEIGHTS)),
    ("cosine_embedding_loss", [VECTORS[0], VECTORS[1], SIGNS], 2, dict(margin=-0.5)),
    ("margin_ranking_loss", [LOGITS[:, 0], LOGITS[:, 1], SIGNS], 2, dict(margin=0.3)),
    ("triplet_margin_loss", VECTORS, 3, dict(margin=2.0)),
    ("triplet_margin_loss", VECTORS, 3, dict(margin=2.0, swap=True, p=1.5)),
]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "inputs", "differentiated", "attributes"), AGAINST_PYTORCH)
@pytest.mark.filterwarnings("ignore:.*kl_div", "ignore:reduction. 'mean' divides")
def test_is_pytorchs(pytorch, name, inputs, differentiated, attributes, reduction):
    def run(m):
        args = [m.tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]
        for x in args[:differentiated]:
            x.requires_grad_()
        more = {k: m.tensor(v) if isinstance(v, np.ndarray) else v for k, v in attributes.items()}
        loss = getattr(m.nn.functional, name)(*args, reduction=reduction, **more)
        (loss * loss).sum().backward()
        return [loss, *(x.grad for x in args[:differentiated])]

    # PyTorch divides by at least float32(1e-12) in binary_cross_entropy.
    pytorch.agrees(run, rtol=1e-8 if name == "binary_cross_entropy" else 1e-10, atol=1e-12)


@pytest.mark.parametrize("setting", [dict(weight=WEIGHTS), dict(weight=WEIGHTS, label_smoothing=0.3)], ids=str)
def test_derivatives_with_weights(setting):
    setting = {**setting, "weight": tg.tensor(WEIGHTS)}
    x = tg.tensor(LOGITS, requires_grad=True)

    def f(x):
        return F.cross_entropy(x, tg.tensor(IGNORING), **setting)

    assert gradcheck(f, [x])
    assert gradgradcheck(f, [x])


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("cosine_similarity", {}),
        ("cosine_similarity", dict(dim=0, eps=0.5)),
        ("pairwise_distance", {}),
        ("pairwise_distance", dict(p=1.0, keepdim=True)),
    ],
)
def test_distances_are_pytorchs(pytorch, name, setting):
    a, b = VECTORS[0], np.zeros((5, 3))
    pytorch.agrees(lambda m: getattr(m.nn.functional, name)(m.tensor(a), m.tensor(b), **setting), 1e-12, 1e-15)


# What is said when it is called wrongly.

X, Y = tg.zeros(4, 3), tg.tensor([0, 1, 2, 1])


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: F.cross_entropy(X, Y[:3]), ValueError, r"batch_size \(4\) to match target batch_size \(3\)"),
        (lambda: F.cross_entropy(X, tg.tensor([0, 1, 2, 3])), IndexError, "target 3 is out of bounds: .* 3 classes"),
        (lambda: F.cross_entropy(X, tg.tensor([0, 1, -1, 2])), IndexError, "target -1 is out of bounds"),
        (lambda: F.cross_entropy(X, Y.float()), RuntimeError, "expected target dtype int64 or uint8.* got float32"),
        (lambda: F.cross_entropy(X, Y.int()), RuntimeError, "expected target dtype int64 or uint8.* got int32"),
        (lambda: F.cross_entropy(X, Y.reshape(4, 1)), RuntimeError, r"a target of shape \(4,\), got \(4, 1\)"),
        (lambda: F.cross_entropy(X[0], Y), ValueError, "target must have size 1"),
        (lambda: F.cross_entropy(X, X.long()), RuntimeError, "expected floating point type for target"),
        (lambda: F.cross_entropy(X, X, ignore_index=1), RuntimeError, "ignore_index is not supported"),
        (lambda: F.cross_entropy(X, [0, 1, 2, 1]), TypeError, "target must be a Tensor, got list"),
        (lambda: F.cross_entropy(X.long(), Y), NotImplementedError, "input is int64, it must be floating"),
        (lambda: F.cross_entropy(X, Y, label_smoothing=1.5), RuntimeError, "label_smoothing must be between 0 and 1"),
        (lambda: F.cross_entropy(X, Y, weight=tg.ones(4)), RuntimeError, r"each of the 3 classes, got shape \(4,\)"),
        (lambda: F.cross_entropy(X, Y, weight=tg.ones(3).double()), RuntimeError, "float32 but weight is float64"),
        (lambda: F.cross_entropy(X, Y, reduction="average"), ValueError, "average is not a valid value for reduction"),
        (
            lambda: F.cross_entropy(tg.zeros(2, 3, 4, 5), tg.zeros(2, 4, 4).long()),
            RuntimeError,
            r"target must be \(2, 4, 5\), got \(2, 4, 4\)",
        ),
        (lambda: F.nll_loss(tg.tensor(1.0), Y), ValueError, "got a number"),
        (lambda: F.nll_loss(X, tg.tensor([0, 1, 2, 3])), IndexError, "nll_loss: target 3"),
        (lambda: F.multi_margin_loss(X, Y + 2), RuntimeError, "target out of range"),
        (lambda: F.multi_margin_loss(X, Y, p=3), ValueError, "p must be 1 or 2"),
        (lambda: F.multi_margin_loss(X, Y[:2]), RuntimeError, "one class for each of the 4 examples"),
        (lambda: F.mse_loss(X, X, weight=tg.ones(3)), ValueError, "must have the shape of input"),
        (lambda: F.mse_loss(X.long(), X.long()), NotImplementedError, "int64"),
        (lambda: F.mse_loss(X, 1.0), TypeError, "target must be a Tensor"),
        (lambda: F.huber_loss(X, X, delta=0), RuntimeError, "delta must be positive"),
        (lambda: F.smooth_l1_loss(X, X, beta=-1.0), RuntimeError, "beta must not be negative"),
        (lambda: F.binary_cross_entropy(X + 2, X), RuntimeError, "elements of input should be between 0 and 1"),
        (lambda: F.binary_cross_entropy(X, X - 1), RuntimeError, "elements of target should be between 0 and 1"),
        (lambda: F.binary_cross_entropy(X, X[:1]), ValueError, r"target size \(1, 3\) must be the same as input size"),
        (lambda: F.binary_cross_entropy(X, X.long()), RuntimeError, "target dtype int64 but expected float32"),
        (lambda: F.binary_cross_entropy_with_logits(X, X.long()), RuntimeError, "target must be floating, got int64"),
        (lambda: F.binary_cross_entropy_with_logits(X, X[0]), ValueError, "must be the same as input size"),
        (lambda: F.gaussian_nll_loss(X, X, X - 1), ValueError, "var has negative"),
        (lambda: F.gaussian_nll_loss(X, X, tg.ones(2, 2)), ValueError, "incorrect size"),
        (lambda: F.triplet_margin_loss(X, X, X, margin=0), ValueError, "margin must be greater than 0"),
        (lambda: F.cosine_embedding_loss(X, X, X), RuntimeError, "expected two inputs"),
        (lambda: F.margin_ranking_loss(X, X, X[0]), RuntimeError, "equally many axes"),
    ],
)  # fmt: skip
def test_errors_teach(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_warnings():
    with pytest.warns(UserWarning, match=r"target size \(3,\) that is different to the input size \(4, 3\)") as caught:
        assert F.mse_loss(X, tg.ones(3)).item() == 1
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="batchmean"):
        F.kl_div(X, X)
    with pytest.warns(UserWarning, match="please use reduction='sum' instead") as caught:
        loss = F.nll_loss(X - 1, Y, size_average=False)
    assert loss.item() == 4
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="please use reduction='none' instead"):
        assert F.mse_loss(X, X, reduce=False).shape == (4, 3)


@pytest.mark.parametrize(
    ("loss", "slopes"),
    [
        (F.huber_loss, [-1.0, 1.0, np.nan, 1.0]),
        (F.smooth_l1_loss, [-1.0, 1.0, np.nan, 1.0]),
        (F.l1_loss, [-1.0, 1.0, 0.0, 1.0]),
        (F.mse_loss, [-np.inf, np.inf, np.nan, 2e30]),
    ],
)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_infinite_error_has_the_slope_of_pytorch(loss, slopes, reduction):
    x = tg.tensor([-np.inf, np.inf, np.nan, 1e30], dtype=tg.float64, requires_grad=True)
    loss(x, tg.ones(4, dtype=tg.float64), reduction=reduction).backward()
    np.testing.assert_allclose(x.grad.numpy() * (4 if reduction == "mean" else 1), slopes, rtol=1e-14)


@pytest.mark.parametrize("loss", [tg.nn.functional.huber_loss, tg.nn.functional.smooth_l1_loss])
def test_second_derivative_of_the_huber_loss(loss):
    """1 where it is a parabola, also at 0; 0 from where it is a line."""
    x = tg.tensor([0.0, 0.5, -0.5, 1.0, -1.0, 3.0], requires_grad=True)
    (g,) = tg.autograd.grad(loss(x, tg.zeros(6), reduction="sum"), x, create_graph=True)
    assert g.tolist() == [0.0, 0.5, -0.5, 1.0, -1.0, 1.0]
    assert tg.autograd.grad(g.sum(), x)[0].tolist() == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]


@pytest.mark.filterwarnings("ignore:kl_div", "ignore:huber_loss")
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shapes", [((5, 3), (1, 3)), ((3,), (5, 3)), ((5, 1), (3,)), ((), (4, 3))])
@pytest.mark.parametrize("loss", [F.kl_div, F.poisson_nll_loss, F.huber_loss])
def test_gradients_of_shapes_that_broadcast(loss, shapes, reduction):
    x, y = (tg.tensor(RNG.random(shape) + 0.2, requires_grad=True) for shape in shapes)
    assert gradcheck(lambda x, y: loss(x, y, reduction=reduction), (x, y))


@pytest.mark.parametrize("dtype", [tg.float16, tg.float32, tg.float64])
@pytest.mark.parametrize("kind", [tg.float16, tg.float32, tg.float64])
def test_logits_and_targets_of_two_dtypes(dtype, kind):
    x = tg.ones(2, dtype=dtype, requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, tg.ones(2, dtype=kind))
    loss.backward()
    assert (loss.dtype, x.grad.dtype) == (kind, dtype)
    assert loss.item() == pytest.approx(0.3132617, rel=1e-3)
    assert x.grad.tolist() == pytest.approx([-0.1344707] * 2, rel=1e-3)


# Big arrays: function and sum are one loop, and so is each rule.

DRAWN = np.random.default_rng(9).random((2, 30, 40, 50), np.float32)
BIG = {
    "in order": DRAWN,
    "channels last": np.ascontiguousarray(DRAWN.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "expanded": np.broadcast_to(DRAWN[:, :, :1], DRAWN.shape),
    "reversed": DRAWN[:, ::-1, :, ::-1],
}
OF_ELEMENTS = {
    "mse_loss": {},
    "l1_loss": {},
    "smooth_l1_loss": {"beta": 0.3},
    "huber_loss": {"delta": 0.2},
    "binary_cross_entropy": {},
    "binary_cross_entropy_with_logits": {},
    "kl_div": {},
    "poisson_nll_loss": {"full": True},
    "gaussian_nll_loss": {"var": 0.3, "full": True},
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:kl_div")
@pytest.mark.parametrize("name", OF_ELEMENTS)
def test_loops_give_what_numpy_does(name):
    loss = lambda x, y, reduction: getattr(F, name)(x, y, reduction=reduction, **OF_ELEMENTS[name])

    def run(x, y, reduction):
        x, y = (tg.from_numpy(a).detach().requires_grad_() for a in (x, y))
        out = loss(x, y, reduction)
        out.backward(tg.full_like(out, 1.5))
        return [a.detach().numpy() for a in (out, x.grad, y.grad)]

    for form, x in BIG.items():
        y = np.roll(x, 7, -1)
        for reduction in ("mean", "sum", "none"):
            exact = run(x.astype(np.float64), y.astype(np.float64), reduction)
            found = []
            for threads in (1, 2):
                before = tg.get_num_threads()
                tg.set_num_threads(threads)
                with kernels.use("fast"):
                    found.append(run(x, y, reduction))
                tg.set_num_threads(before)
            for want, one, two in zip(exact, *found, strict=True):
                np.testing.assert_array_equal(one, two, err_msg=f"{form}, {reduction}: other threads, other digits")
                np.testing.assert_allclose(one, want, rtol=3e-6, atol=2e-6 * np.abs(want).max(), err_msg=form)


def test_a_sum_of_a_million_losses_is_right_to_the_last_digit():
    x = np.full((1000, 1000), 0.1, np.float32)
    with kernels.use("fast"):
        loss = F.mse_loss(tg.from_numpy(x), tg.zeros(1000, 1000))
        x[123, 456] = np.nan
        nan = F.l1_loss(tg.from_numpy(x), tg.zeros(1000, 1000))
    assert loss.item() == np.float32(0.1) * np.float32(0.1)
    assert math.isnan(nan.item())


@pytest.mark.parametrize("name", ["kl_div", "poisson_nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
@pytest.mark.parametrize("reduction", ["none", "sum"])
@pytest.mark.filterwarnings("ignore:.*target size:UserWarning")
def test_a_number_of_another_dtype_beside_a_vector(name, reduction):
    """It does not widen the loss, as in PyTorch; but for those that are made of one shape first."""
    x, y = tg.tensor([0.5, 2.0], requires_grad=True), tg.tensor(1.5, dtype=tg.float64)
    loss = getattr(F, name)(x, y, reduction=reduction)
    wide = name in ("mse_loss", "l1_loss", "smooth_l1_loss")
    assert loss.dtype == (tg.float64 if wide else tg.float32)
    expected = getattr(F, name)(x.detach(), tg.tensor([1.5, 1.5]), reduction=reduction)
    np.testing.assert_allclose(loss.detach().numpy(), expected.numpy(), rtol=1e-6)
    loss.sum().backward()
    assert x.grad.dtype == tg.float32
