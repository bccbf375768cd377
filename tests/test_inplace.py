"""In-place changes: versions, views, and refusals that come before a wrong gradient can exist."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.nn import functional as F


def test_saved_tensor_changed_in_place_is_refused():
    x = tg.ones(2, requires_grad=True)
    y = x * 2
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*mul.*saved.*add_"):
        z.sum().backward()
    assert x.grad is None


def test_unsaved_tensor_may_change():
    x = tg.ones(2, requires_grad=True)
    y = x * 2
    z = y + 1
    y.add_(5)
    z.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    "op",
    [
        F.elu, F.celu, F.selu, F.gelu, F.silu, F.mish, F.softplus, F.hardswish, F.leaky_relu, F.logsigmoid, F.softsign,
        tg.sin, tg.sinc, tg.atan, tg.erf, tg.square, tg.cos, tg.cumsum, F.instance_norm, F.normalize,
        lambda x: F.layer_norm(x, (4,)), lambda x: F.group_norm(x, 1), lambda x: F.max_pool1d(x, 2),
        lambda x: F.batch_norm(x, None, None, training=True), lambda x: F.avg_pool1d(x, 2),
        lambda x: F.conv1d(x, tg.ones(2, 3, 2)), lambda x: F.linear(x, tg.ones(2, 4)),
    ],
)  # fmt: skip
def test_a_result_that_pytorch_does_not_keep_may_change(op):
    """As by a ReLU in place behind a norm; and the gradient is that of the change."""
    x = tg.tensor([[[0.5, -1, 2, 0.25], [0, 3, -2, 1], [1, 1.5, -0.5, -3]]] * 2, requires_grad=True)
    op = functools.partial(op, dim=1) if op is tg.cumsum else op
    (op(x) * 3).square().sum().backward()
    expected, x.grad = x.grad, None
    op(x).mul_(3).square().sum().backward()
    assert tg.allclose(x.grad, expected, atol=1e-5)


@pytest.mark.parametrize(
    "view",
    [lambda y: y[0], lambda y: y.view(4), lambda y: y.t(), lambda y: y.detach(), lambda y: y.reshape(4)[1:]],
    ids=["index", "view", "t", "detach", "reshape"],
)
def test_a_change_through_a_view_is_noticed(view):
    x = tg.ones(2, 2, requires_grad=True)
    y = x * 2
    z = y * y
    view(y).mul_(3)
    with pytest.raises(RuntimeError, match="inplace"):
        z.sum().backward()


def test_leaf_is_refused_before_anything_changes():
    x = tg.ones(2, requires_grad=True)
    for change in (lambda: x.add_(1), lambda: x[0].mul_(2), lambda: x.__setitem__(0, 5.0), lambda: x.zero_()):
        with pytest.raises(RuntimeError, match="leaf"):
            change()
    assert x.tolist() == [1.0, 1.0]
    with tg.no_grad():
        x[0] = 5.0
        x -= 1
    assert x.tolist() == [4.0, 0.0]


def test_optimizer_step_between_forward_and_backward_is_refused():
    w = tg.ones(2, requires_grad=True)
    loss = (w * w).sum()
    with tg.no_grad():
        w.sub_(0.1)
    with pytest.raises(RuntimeError, match="sub_"):
        loss.backward()


def test_history_follows_the_change():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    y.mul_(x)
    y.exp_()
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx((2 * x * (x * x).exp()).tolist())


def test_in_place_op_keeps_the_old_values_for_its_own_rule():
    x = tg.tensor([3.0], requires_grad=True)
    w = tg.tensor([5.0], requires_grad=True)
    y = x * 1
    y.mul_(w)
    y.backward()
    assert (w.grad.item(), x.grad.item()) == (3.0, 5.0)


def test_change_of_a_view_reaches_its_base():
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    base = x * 1
    view = base[1:]
    other = base[:2]
    view.mul_(10)
    assert base.tolist() == [1.0, 20.0, 30.0]
    (base.sum() + other.sum()).backward()
    assert x.grad.tolist() == [2.0, 20.0, 10.0]


def test_filling_a_buffer_row_by_row():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    out = tg.zeros(2, 2)
    out[0] = x * 2
    out[1].copy_(x * 3)
    assert out.requires_grad
    out.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_detached_data_is_not_watched():
    x = tg.ones(2, requires_grad=True)
    x.data.fill_(3.0)
    x.data[0] = 7.0
    assert x.tolist() == [7.0, 3.0]


def test_shape_and_dtype_must_stay():
    x = tg.ones(2)
    with pytest.raises(RuntimeError, match=r"\(2,\).*\(3, 2\)"):
        x.add_(tg.ones(3, 2))
    i = tg.tensor([1, 2])
    with pytest.raises(RuntimeError, match=r"float32.*int64"):
        i.add_(tg.tensor([0.5, 0.5]))
    assert i.tolist() == [1, 2]
    with pytest.raises(RuntimeError, match="expanded"):
        tg.ones(1).expand(3).add_(1)


def test_numpy_shares_memory_both_ways():
    a = tg.ones(3)
    b = a.numpy()
    a.add_(1)
    assert b.tolist() == [2.0, 2.0, 2.0]
    b[0] = 9
    assert a[0].item() == 9.0


def test_version_counts():
    x = tg.ones(2)
    y = x[0]
    assert x._counter is None or x.version().changes == 0
    y.add_(1)
    x.mul_(2)
    assert x.version().changes == y.version().changes == 2


def test_a_view_keeps_its_history_when_its_base_is_detached():
    x = tg.ones(2, 3, requires_grad=True)
    y = x * 2
    v = y[0]
    y.detach_()
    assert v.requires_grad
    assert not y.requires_grad
    v.sum().backward()
    assert x.grad.tolist() == [[2.0] * 3, [0.0] * 3]


def test_a_number_can_be_written_to_through_any_of_its_indices():
    for index in ((), None, ..., (None, ...)):
        x = tg.tensor(3.0, requires_grad=True)
        y = x * 2
        y[index] = 5.0
        (y + x).backward()
        assert y.item() == 5.0
        assert x.grad.item() == 1.0


# Views, where nothing is recorded.


@pytest.mark.parametrize("look", [lambda v: v.sum(), repr, lambda v: v.requires_grad, lambda v: v + 1])
def test_a_view_keeps_its_history_when_it_is_looked_at_under_no_grad(look):
    x = tg.tensor([3.0, 4.0], requires_grad=True)
    y = x * 1
    v = y[:1]
    y.mul_(2)
    with tg.no_grad():
        look(v)
    (v.sum() + x.sum()).backward()
    assert x.grad.tolist() == [3.0, 1.0]


def test_a_view_made_under_no_grad_is_not_changed_where_gradients_are_recorded():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    with tg.no_grad():
        v = y[0]
        w = y.view(2)
    for change in (lambda: v.mul_(5), lambda: w[0].mul_(5), lambda: w.__setitem__(0, x[1])):
        with pytest.raises(RuntimeError, match="under no_grad"):
            change()
    with tg.no_grad():
        v.mul_(5)
    assert y.tolist() == [5.0, 2.0]
    y.mul_(2)
    with pytest.raises(RuntimeError, match="no longer right"):
        v.sum()


def test_a_view_of_what_became_a_leaf_is_a_view_of_a_leaf():
    base = tg.ones(2)
    v = base[:1]
    base.requires_grad_()
    with pytest.raises(RuntimeError, match="view of a leaf"):
        v.mul_(2)
    assert base.tolist() == [1.0, 1.0]


def test_another_shape_under_no_grad_keeps_the_history():
    x = tg.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    y, w = x * 2, tg.tensor([[1.0], [2.0], [3.0]])
    with tg.no_grad():
        y.t_()
        x.unsqueeze_(0).squeeze_(0)
    (y * w).sum().backward()
    assert x.grad.tolist() == [[2.0, 4.0, 6.0]]
    assert x.requires_grad


def test_a_view_of_what_was_given_another_shape():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 1
    v = y[0]
    y.t_()
    (gx,) = tg.autograd.grad(v.sum(), x, retain_graph=True)
    assert gx.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    with pytest.raises(RuntimeError, match="another shape"):
        v.mul_(2)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="another shape"):
        v.sum()


def test_a_part_that_another_part_is_multiplied_by():
    """What the change saved of the same memory is as it was, though it is changed in turn."""
    x = tg.tensor([2.0, 3.0], requires_grad=True)
    y = x * 1
    y[:1].mul_(y[1:])
    y[1:].mul_(10)
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 12.0]


def test_retain_grad_is_for_the_tensor_as_it_is():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    y.retain_grad()
    y.mul_(3)
    (y * y).sum().backward()
    assert (y.grad.tolist(), x.grad.tolist(), y.retains_grad) == ([6.0, 12.0], [18.0, 36.0], True)
    z = x * 1
    v = z[:1]
    z.retain_grad()
    v.retain_grad()
    v.mul_(3)
    ((z * z).sum() + v.sum()).backward()
    assert (z.grad.tolist(), v.grad.tolist()) == ([7.0, 4.0], [1.0])


# What was saved, or is to be done again, is as it was.


LISTS = {
    "flip": (lambda x, k: x.flip(k), [0], [1]),
    "sum": (lambda x, k: (x * x).sum(k), [0], [1]),
    "max_pool2d": (lambda x, k: tg.nn.functional.max_pool2d(x[None, None], k), [2, 2], [1, 1]),
    "avg_pool2d": (lambda x, k: tg.nn.functional.avg_pool2d(x[None, None], k), [2, 2], [1, 1]),
    "conv2d": (lambda x, k: tg.nn.functional.conv2d(x[None, None], tg.ones(1, 1, 2, 2), stride=k), [2, 2], [1, 1]),
    "roll": (lambda x, k: x.roll(k, [0]), [1], [0]),
    "pad": (lambda x, k: tg.nn.functional.pad(x, k), [1, 0], [0, 1]),
    "repeat": (lambda x, k: x.repeat(k), [1, 2], [2, 1]),
    "split": (lambda x, k: x.split(k)[0], [1, 3], [3, 1]),
    "logsumexp": (lambda x, k: x.logsumexp(k), [0], [1]),
    "getitem": (lambda x, k: x[k], [0, 2], [1, 1]),
    "getitem of an array": (lambda x, k: x[k], np.array([0, 2]), np.array([1, 1])),
    "getitem of a tensor": (lambda x, k: x[k], tg.tensor([0, 2]), tg.tensor([1, 1])),
    "gather": (lambda x, k: x.gather(0, k), tg.tensor([[0, 2]]), tg.tensor([[1, 1]])),
}


@pytest.mark.parametrize(("f", "k", "other"), LISTS.values(), ids=LISTS)
def test_a_list_or_index_that_changes_later_changes_nothing(f, k, other):
    x = tg.arange(16.0).view(4, 4).requires_grad_()
    k = k.clone() if isinstance(k, tg.Tensor) else k.copy()
    out = f(x, k)
    weights = tg.arange(float(out.numel())).view(out.shape)
    (expected,) = tg.autograd.grad((out * weights).sum(), x, retain_graph=True)
    k[:] = other
    assert tg.autograd.grad((out * weights).sum(), x)[0].tolist() == expected.tolist()


@pytest.mark.parametrize("index", [lambda i: i, lambda i: slice(i, None), lambda i: (i, ...), lambda i: (slice(i, 3),)])
def test_a_number_that_changes_later_moves_no_view(index):
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y, i = x * 1, tg.tensor(0)
    v = y[index(i)]
    i.add_(1)
    y.mul_(2)
    v.sum().backward()
    assert x.grad[0].item() == 2.0


@pytest.mark.parametrize("index", [lambda i: i, lambda i: slice(i, None), lambda i: slice(None, i + 2), lambda i: [i]])
def test_a_number_that_changes_later_moves_no_gradient(index):
    x, i = tg.tensor([1.0, 2.0, 3.0], requires_grad=True), tg.tensor(0)
    k = index(i)
    out, y = x[k], x * 1
    y[k] = x[2] * 5
    (expected,) = tg.autograd.grad([out.sum(), y.sum()], x, retain_graph=True)
    i.add_(1)
    assert tg.autograd.grad([out.sum(), y.sum()], x)[0].tolist() == expected.tolist()


def test_an_array_among_the_arguments_is_saved_as_it_was():
    x = tg.ones(3, requires_grad=True)
    batch = np.array([1.0, 2.0, 3.0], np.float32)
    loss = (x * batch).sum()
    batch[:] = 9
    loss.backward()
    assert x.grad.tolist() == [1.0, 2.0, 3.0]


GUARDED = {
    "cross_entropy": lambda x, t: F.cross_entropy(x, t(tg.tensor([0, 1]))),
    "cross_entropy of one": lambda x, t: F.cross_entropy(x[0], t(tg.tensor(1))),
    "cross_entropy of pixels": lambda x, t: F.cross_entropy(x.view(1, 2, 2), t(tg.tensor([[0, 1]]))),
    "cross_entropy smoothed": lambda x, t: F.cross_entropy(x, t(tg.tensor([0, 1])), label_smoothing=0.1),
    "cross_entropy of probabilities": lambda x, t: F.cross_entropy(x, t(tg.tensor([[0.3, 0.7], [1.0, 0.0]]))),
    "nll_loss": lambda x, t: F.nll_loss(x, t(tg.tensor([0, 1]))),
    "multi_margin_loss": lambda x, t: F.multi_margin_loss(x, t(tg.tensor([0, 1]))),
    "running_mean": lambda x, t: F.batch_norm(x, t(tg.ones(2)), tg.ones(2), tg.ones(2, requires_grad=True)).sum(),
    "running_var": lambda x, t: F.batch_norm(x, tg.zeros(2), t(tg.ones(2))).sum(),
    "running_var of instances": lambda x, t: F.instance_norm(
        x.view(1, 2, 2), tg.zeros(2), t(tg.ones(2)), use_input_stats=False
    ).sum(),
    "embedding": lambda x, t: F.embedding(t(tg.tensor([0, 1])), x).sum(),
    "where": lambda x, t: tg.where(t(tg.tensor([True, False])), x, 0).sum(),
    "kl_div": lambda x, t: F.kl_div(x, t(tg.ones(2, 2)), reduction="sum"),
    "mse_loss": lambda x, t: F.mse_loss(x, t(tg.ones(2, 2))),
    "linear": lambda x, t: F.linear(x, t(tg.ones(3, 2))).sum(),
}


@pytest.mark.parametrize("f", GUARDED.values(), ids=GUARDED)
def test_what_is_saved_of_any_argument_is_guarded(f):
    x = tg.tensor([[0.5, -1.0], [2.0, 3.0]], requires_grad=True)
    kept = []
    loss = f(x, lambda t: (kept.append(t), t)[1])
    kept[0][...] = ~kept[0] if kept[0].dtype == tg.bool else 1 - kept[0]
    with pytest.raises(RuntimeError, match="setitem changed it in place"):
        loss.backward()


def test_what_is_not_needed_may_change():
    """A fused kernel keeps the bias for its second derivative, and minds it there alone."""
    x, b = tg.randn(4, 2, requires_grad=True), tg.zeros(2)
    y = F.batch_norm(x, None, None, tg.ones(2), b, training=True).sum()
    b.add_(1)
    y.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="add_"):
        tg.autograd.grad(y, x, create_graph=True)


@pytest.mark.parametrize("what", ["value", "history"])
def test_a_view_of_what_is_detached(what):
    """Detaching takes nothing from a view, but the next change does: its history was that of its base."""
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    v, w = y[:1], y[:1]
    v.mul_(3)
    y.detach_()
    assert v.requires_grad
    assert not w.requires_grad
    if what == "value":
        with tg.no_grad():
            y.add_(1)
        assert not v.requires_grad
    else:
        v.sum().backward()
        assert x.grad.tolist() == [3.0, 0.0]


def test_hooks_stay_when_a_leaf_is_given_another_shape():
    x = tg.ones(2, requires_grad=True)
    x.register_hook(lambda g: g * 7)
    with tg.no_grad():
        x.unsqueeze_(0)
    x.sum().backward()
    assert x.grad.tolist() == [[7.0, 7.0]]
