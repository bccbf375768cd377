"""In-place changes: versions, views, and refusals that come before a wrong gradient can exist."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tg


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
    assert x._version is None or x.version().changes == 0
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
