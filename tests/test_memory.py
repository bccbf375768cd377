"""The layout of memory is the library's affair until someone asks: then all tensors on it lie in order."""

from __future__ import annotations

import copy
import gc

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.nn import functional as F


def channels_last():
    """The result of a convolution: numbers 0 to 23, whose neighbours in memory are those of the channels."""
    y = F.conv2d(tg.arange(6.0).reshape(1, 1, 2, 3) * 4, tg.ones(4, 1, 1, 1), tg.arange(4.0))
    assert not y._array.flags.c_contiguous
    return y


SHARING = {  # another tensor on the memory of y, and its values as NumPy has them
    "a picture": (lambda y: y[0], lambda a: a[0]),
    "a row of a slice": (lambda y: y[:, 1:][0, 2], lambda a: a[0, 3]),
    "permuted": (lambda y: y.permute(0, 2, 3, 1), lambda a: a.transpose(0, 2, 3, 1)),
    "a part": (lambda y: y.split(2, 1)[1], lambda a: a[:, 2:]),
    "detached": (lambda y: y.detach(), lambda a: a),
    "a row of what was detached": (lambda y: y.detach()[0, 1], lambda a: a[0, 1]),
    "detached from a row": (lambda y: y[0, 1].detach(), lambda a: a[0, 1]),
    "data": (lambda y: y.data, lambda a: a),
    "a parameter": (lambda y: tg.nn.Parameter(y.detach()), lambda a: a),
    "expanded": (lambda y: y.expand(1, 4, 2, 3), lambda a: a),
    "windows": (lambda y: y.unfold(3, 1, 2), lambda a: a[..., ::2, None]),
    "data of another": (lambda y: with_data(y), lambda a: a),
}

ORDERING = {
    "view": lambda y: y.view(-1),
    "reshape": lambda y: y.reshape(1, -1),
    "flatten": lambda y: y.flatten(1),
    "ravel": lambda y: y.ravel(),
    "contiguous": lambda y: y.contiguous(),
    "numpy": lambda y: tg.from_numpy(y.detach().numpy()),
}


def with_data(y):
    t = tg.zeros(1)
    t.data = y
    return t


@pytest.mark.parametrize("ordering", ORDERING)
@pytest.mark.parametrize("sharing", SHARING)
def test_all_tensors_stay_on_one_memory(sharing, ordering):
    share, expected = SHARING[sharing]
    y = channels_last()
    other = share(y)
    seen = ORDERING[ordering](y)
    assert y._array.flags.c_contiguous
    values = y.numpy()
    assert np.shares_memory(seen.detach().numpy(), values)
    assert np.shares_memory(other.detach().numpy(), values)
    assert other.tolist() == expected(values).tolist()
    with tg.no_grad():
        seen.mul_(2)
    assert other.tolist() == expected(y.numpy()).tolist()
    with tg.no_grad():
        other.zero_()
    assert not expected(values).any()
    assert seen.sum().item() == y.sum().item()


def test_order_is_as_in_pytorch():
    assert channels_last().is_contiguous()
    y = channels_last()
    assert y.contiguous() is y
    assert channels_last()[0].view(-1).tolist() == channels_last().view(-1).tolist()


def test_gradients_follow_a_change_through_the_view():
    x = tg.ones(1, 1, 2, 3, requires_grad=True)
    y = F.conv2d(x, tg.ones(4, 1, 1, 1))
    before = y[0, 0]
    y.view(4, 6)[0].mul_(3)
    (before.sum() * 2 + y.sum()).backward()
    assert x.grad.tolist() == [[[[12.0] * 3] * 2]]  # 2 · 3 + 3 + 3 · 1


def test_what_was_saved_keeps_its_values():
    x = channels_last().requires_grad_()
    y = x * 1
    square = y * y
    y.view(-1)
    square.sum().backward()
    assert x.grad.tolist() == (2 * channels_last()).tolist()
    y = x * 1
    square = y * y
    y.view(-1).zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        square.sum().backward()


@pytest.mark.parametrize(
    "make",
    [
        lambda a: tg.from_numpy(a),
        lambda a: tg.as_tensor(a),
        lambda a: tg.from_numpy(a).detach(),
        lambda a: tg.arange(6.0).reshape(2, 3).t(),
        lambda a: tg.arange(6.0).reshape(2, 3).t().detach(),
        lambda a: tg.arange(6.0).reshape(2, 3).t().data,
        lambda a: tg.nn.Parameter(tg.from_numpy(a)),
    ],
)
def test_the_memory_of_others_stays_as_it_is(make):
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    t = make(array)
    with pytest.raises(RuntimeError, match="reshape"):
        t.view(6)
    assert t.reshape(6).tolist() == [0, 3, 1, 4, 2, 5]
    assert t.stride() == (1, 3)
    assert not t.is_contiguous()


def test_copies_are_apart():
    y = channels_last()
    pair = copy.deepcopy([y, y[0].detach()])
    pair[0].view_as(pair[0]) if pair[0].is_contiguous() else pair[0].reshape(-1)
    pair[0].zero_()
    assert not pair[1].any()
    assert y.any()


def test_those_that_are_gone_are_forgotten():
    y = channels_last()
    for _ in range(50):
        y[0, 1].detach()
    gc.collect()
    assert len(y._memory.members) == 1
