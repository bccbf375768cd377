"""Indexing and gathering: every kind of index against PyTorch, repeated places, changes in place, errors."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.nn import functional as F


def x(*shape, dtype=np.float32):
    return tg.tensor(np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape))


def places(m):
    """Indices into a tensor of shape (3, 4, 5); m is this package or torch."""
    i, j = m.tensor([0, 2, 0, -1]), m.tensor([1, 3, 1, 0])
    mask = m.tensor([True, False, True])
    return {
        "int": 1,
        "negative": -1,
        "ints": (1, -2, 3),
        "slice": slice(1, 3),
        "slices": (slice(None, -1), slice(-3, None), slice(0, 99, 2)),
        "empty": slice(2, 1),
        "none": None,
        "nones": (None, 1, None, slice(1, 2), None),
        "ellipsis": ...,
        "ellipsis last": (..., -1),
        "ellipsis first": (0, ...),
        "ellipsis for nothing": (0, 1, ..., 2),
        "two ellipses": (0, ..., slice(1, None), ...),
        "unit": (),
        "array": i,
        "list": [0, 2, 2],
        "range": range(2),
        "numpy": np.array([0, 2]),
        "numpy int": np.int64(2),
        "0-d tensor": m.tensor(2),
        "0-d tensors": (m.tensor(2), slice(None), m.tensor(0)),
        "int32": m.tensor([1, 0], dtype=m.int32),
        "two arrays": (i, j),
        "grid": (i[:, None], j[None]),
        "apart": (i, slice(None), j),
        "behind a slice": (slice(None), i[:2], j[:2]),
        "int and array": (0, slice(None), j),
        "array and int": (i, slice(None), 1),
        "int between": (i, 0, j),
        "tensor int and array": (m.tensor(0), slice(None), j),
        "none between": (i, None, j),
        "ellipsis between": (i, ..., j),
        "array and slice": (i, slice(1, 3)),
        "array, slice and none": (slice(0, 2), None, j),
        "mask": mask,
        "mask as a list": [True, False, True],
        "mask and slice": (mask, slice(1, 3)),
        "mask and array": (mask, j[:2]),
        "mask of two axes": m.tensor([[True, False, True, False], [False] * 4, [True] * 4]),
        "mask in the middle": (slice(None), m.tensor([True, False, True, False]), 2),
        "empty array": m.zeros(0, dtype=m.int64),
        "no element": m.tensor([False] * 3),
        "True": True,
        "False": False,
        "True and int": (True, 1),
        "0-d mask": m.tensor(True),
    }


NAMES = list(places(tg))
REPEATED = [  # which of two values for one place stays is nobody's promise
    "array", "list", "two arrays", "grid", "apart", "array and int", "int between", "none between", "ellipsis between",
    "array and slice", "int and array", "tensor int and array", "array, slice and none",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_getitem_is_pytorchs(pytorch, name):
    def picked(m):
        t = m.arange(60, dtype=m.float32).reshape(3, 4, 5).requires_grad_()
        out = t[places(m)[name]]
        (out * out).sum().backward()
        return out, t.grad

    pytorch.agrees(picked)


@pytest.mark.parametrize(
    ("value", "name"),
    [(v, n) for v, n in itertools.product(["number", "tensor", "row"], NAMES) if v != "tensor" or n not in REPEATED],
)
def test_setitem_is_pytorchs(pytorch, name, value):
    """With a number, a tensor of the shape of the places, one that broadcasts; with and without gradient."""

    def put(m):
        t = m.arange(60, dtype=m.float32).reshape(3, 4, 5).requires_grad_()
        index = places(m)[name]
        shape = tuple(t[index].shape)
        if value == "number":
            v = m.tensor(-1.0)
        elif value == "tensor":
            v = m.arange(int(np.prod(shape)), dtype=m.float32).reshape(shape)
        else:
            v = m.full((1, 1, *shape[-1:]), -3.0)
        v.requires_grad_()
        y = t * 2
        y[index] = v
        plain = m.arange(60, dtype=m.float32).reshape(3, 4, 5)
        plain[index] = v.detach()
        (y * y).sum().backward()
        given = m.zeros(v.shape) if v.grad is None else v.grad  # None where nothing was written
        return y, plain, t.grad, given

    pytorch.agrees(put)


def test_repeated_places_add_up_their_gradients():
    t = tg.zeros(3, requires_grad=True)
    (t[[0, 0, 2]] * tg.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert t.grad.tolist() == [11, 0, 100]


def test_the_index_of_the_tutorials():
    log_p, target = x(3, 4).requires_grad_(), tg.tensor([3, 0, 1])
    loss = -log_p[range(target.shape[0]), target].mean()
    loss.backward()
    assert loss.item() == pytest.approx(-(3 + 4 + 9) / 3)
    assert log_p.grad.nonzero().tolist() == [[0, 3], [1, 0], [2, 1]]


def test_a_list_of_lists_is_an_array_of_places():
    assert x(3, 2)[[[0, 1], [2, 2]]].tolist() == [[[0, 1], [2, 3]], [[4, 5], [4, 5]]]


def test_scatter_leaves_a_larger_src_where_it_is():
    src = tg.ones(3, 4, requires_grad=True)
    tg.zeros(3, 4).scatter(1, tg.tensor([[3], [0], [1]]), src).sum().backward()
    assert src.grad.tolist() == [[1, 0, 0, 0]] * 3


def test_an_index_that_is_changed_later_does_not_change_the_gradient():
    t, i = tg.zeros(3, requires_grad=True), tg.tensor([0, 1])
    y = t[i].sum()
    i.fill_(2)
    y.backward()
    assert t.grad.tolist() == [1, 1, 0]


def test_setitem_changes_this_memory():
    t = tg.zeros(2, 3)
    array = t.numpy()
    t[:, 1] = 5
    t[0, 0] = tg.tensor(7.0, dtype=tg.float64)
    t[t == 0] = -1
    t[1, [0, 2]] = np.array([3.0, 4.0])
    assert array.tolist() == [[7, 5, -1], [3, 5, 4]]
    assert t.version().changes == 4


def test_setitem_keeps_the_dtype():
    t = tg.zeros(2, dtype=tg.int64)
    t[0] = 1.7
    t[1] = tg.tensor(2.9)
    assert t.tolist() == [1, 2]
    assert t.dtype == tg.int64


def test_setitem_with_itself():
    t = x(5)
    t[1:] = t[:-1].clone()
    assert t.tolist() == [0, 0, 1, 2, 3]
    t = x(4)
    t[:] = t.flip(0)
    assert t.tolist() == [3, 2, 1, 0]


def test_setitem_refuses_a_leaf_that_requires_grad():
    t = tg.zeros(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        t[0] = 1
    with pytest.raises(RuntimeError, match="leaf"):
        t[[True, False]] = 1
    assert t.tolist() == [0, 0]
    with tg.no_grad():
        t[0] = 1
    assert t.tolist() == [1, 0]


def test_augmented_assignment_of_places():
    t = x(2, 2)
    t[0] += 10
    t[:, 1] *= 2
    assert t.tolist() == [[10, 22], [2, 6]]
    leaf = tg.ones(3, requires_grad=True)
    y = leaf * 1
    y[1] *= 5
    y.sum().backward()
    assert leaf.grad.tolist() == [1, 5, 1]


def test_saved_values_that_setitem_changes_are_noticed():
    leaf = tg.ones(3, requires_grad=True)
    y = leaf * 2
    z = (y * y).sum()
    y[0] = 5
    with pytest.raises(RuntimeError, match=r"mul.*setitem"):
        z.backward()


ERRORS = [
    (lambda t: t[3], IndexError, r"index 3 .*size 3.*\(3, 4\)"),
    (lambda t: t[0, 0, 0], IndexError, r"3 indices .* 2 axes"),
    (lambda t: t[::-1], ValueError, "flip"),
    (lambda t: t[::0], ValueError, "positive"),
    (lambda t: t[1.0], IndexError, "float"),
    (lambda t: t["a"], TypeError, "str"),
    (lambda t: t[tg.tensor([1.0])], IndexError, "float32"),
    (lambda t: t[tg.zeros(3, dtype=tg.int8)[None] > 1], IndexError, r"\(3, 4\)"),
    (lambda t: t[tg.tensor([True, False])], IndexError, r"\(3, 4\)"),
    (lambda t: t[[0, 9]], IndexError, "index 9"),
    (lambda t: t[[0, 1], [0, 1, 2]], IndexError, "broadcast"),
    (lambda t: t[[[0, 1], [0]]], IndexError, "list"),
    (lambda t: t.__setitem__(0, tg.zeros(3)), RuntimeError, r"\(3,\) .*\(4,\)"),
    (lambda t: t.__setitem__(t > 5, tg.zeros(3)), RuntimeError, r"setitem: .*\(3,\)"),
    (lambda t: t.__setitem__(9, 0), IndexError, r"index 9"),
    (lambda t: t.__setitem__(0, "a"), TypeError, "str"),
    (lambda t: t.__setitem__(0, None), TypeError, "NoneType"),
    (lambda t: t.masked_fill(t, 0.0), RuntimeError, "bool"),
    (lambda t: t.masked_fill(t > 0, tg.zeros(2)), RuntimeError, "0-d"),
    (lambda t: t.long().masked_fill(t > 0, float("nan")), RuntimeError, "int64"),
    (lambda t: t.scatter(0, tg.tensor([[0]]), tg.ones(1, 1, dtype=tg.float64)), RuntimeError, "float64"),
    (lambda t: t.index_add(0, tg.tensor([0]), tg.ones(1, 4, dtype=tg.int64)), RuntimeError, "int64"),
    (lambda t: t.index_copy(0, tg.tensor([0]), tg.ones(1, 4, dtype=tg.int64)), RuntimeError, "int64"),
    (lambda t: t.index_put((tg.tensor([0]),), tg.ones(4, dtype=tg.int64)), RuntimeError, "int64"),
    (lambda t: t.__setitem__(tg.tensor([0]), tg.ones(4, dtype=tg.int64)), RuntimeError, "int64"),
    (lambda t: t.index_select(True, tg.tensor([0])), TypeError, "bool"),
    (lambda t: t.masked_select(t), RuntimeError, "bool"),
    (lambda t: t.fill_(tg.zeros(2)), RuntimeError, "0-d"),
    (lambda t: t.gather(0, tg.tensor([0])), RuntimeError, "as many axes"),
    (lambda t: t.gather(0, tg.zeros(1, 5, dtype=tg.int64)), RuntimeError, "larger than input"),
    (lambda t: t.gather(0, tg.tensor([[3]])), RuntimeError, "index 3 is out of bounds"),
    (lambda t: t.gather(0, tg.tensor([[-1]])), RuntimeError, "index -1"),
    (lambda t: t.gather(0, tg.tensor([[0.0]])), RuntimeError, "long"),
    (lambda t: t.gather(0, [[0]]), TypeError, "list"),
    (lambda t: t.gather(2, tg.tensor([[0]])), IndexError, "dim 2"),
    (lambda t: t.scatter(0, tg.tensor([[0, 0]]), tg.zeros(1, 1)), RuntimeError, "at least as large"),
    (lambda t: t.scatter(0, tg.tensor([[0]])), TypeError, "src"),
    (lambda t: t.scatter(0, tg.tensor([[0]]), 1.0, reduce="max"), RuntimeError, "reduce"),
    (lambda t: t.index_select(0, tg.tensor([[0]])), IndexError, "vector"),
    (lambda t: t.index_select(0, tg.tensor([3])), IndexError, "out of range"),
    (lambda t: t.index_add(0, tg.tensor([0]), tg.zeros(2, 4)), RuntimeError, r"\(1, 4\).*\(2, 4\)"),
    (lambda t: t.take(tg.tensor([12])), IndexError, "12 elements"),
    (lambda t: t.take_along_dim(tg.tensor([0]), 0), RuntimeError, "equally many axes"),
    (lambda t: F.one_hot(tg.tensor([-1])), RuntimeError, "negative"),
    (lambda t: F.one_hot(tg.tensor([3]), 3), RuntimeError, "larger than every class"),
    (lambda t: F.one_hot(tg.zeros(0, dtype=tg.int64)), RuntimeError, "empty"),
]


def test_a_slice_that_is_filled_twice_asks_once_for_the_gradient():
    value = tg.tensor(2.0, requires_grad=True)
    filled = tg.zeros(3, 2).index_fill(0, tg.tensor([1, 1, -1]), value)
    assert filled.tolist() == [[0, 0], [2, 2], [2, 2]]
    filled.sum().backward()
    assert value.grad.item() == 4


def test_scatter_multiplies_as_often_as_a_place_is_named():
    assert tg.ones(2).scatter(0, tg.tensor([0, 0]), 3.0, reduce="multiply").tolist() == [9, 1]
    assert tg.ones(2).scatter(0, tg.tensor([0, 0]), 3.0, reduce="add").tolist() == [7, 1]
    t = tg.full((3,), 2).scatter_(0, tg.tensor([2, 2]), tg.tensor([3, 5]), reduce="multiply")
    assert t.tolist() == [2, 2, 30]


NUMBERS = [  # a tensor without axes is a vector of one element
    (lambda s, i: s.gather(0, i), 2.0),
    (lambda s, i: s.gather(0, i[None]), [2.0]),
    (lambda s, i: s.scatter(0, i, 5.0), 5.0),
    (lambda s, i: s.scatter_add(0, i, tg.tensor(5.0)), 7.0),
    (lambda s, i: s.index_select(0, i), 2.0),
    (lambda s, i: s.index_add(0, i, tg.tensor(5.0)), 7.0),
    (lambda s, i: s.index_copy(0, i, tg.tensor(5.0)), 5.0),
    (lambda s, i: s.index_fill(0, i, 5.0), 5.0),
    (lambda s, i: s[None].gather(0, i), 2.0),
    (lambda s, i: s[None].scatter(0, i, 5.0), [5.0]),
]


@pytest.mark.parametrize(("call", "wanted"), NUMBERS)
def test_numbers_have_one_place(call, wanted):
    assert call(tg.tensor(2.0), tg.tensor(0)).tolist() == wanted
    with pytest.raises((IndexError, RuntimeError)):
        assert call(tg.tensor(2.0), tg.tensor(1)).tolist() != wanted


def test_nothing_may_be_of_any_dtype():
    assert tg.gather(tg.ones(5), 0, tg.tensor([], dtype=tg.uint8)).tolist() == []


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS)
def test_errors_change_nothing(call, kind, words):
    t = x(3, 4)
    with pytest.raises(kind, match=words):
        call(t)
    assert t.tolist() == x(3, 4).tolist()
    assert t.version().changes == 0


ORACLE = {
    "gather": lambda m, t: t.gather(1, m.tensor([[0, 0, 3], [1, 2, 2]])),
    "gather 0": lambda m, t: m.gather(t, 0, m.tensor([[2, 1], [0, 0], [2, 2], [1, 1]])),
    "take_along_dim": lambda m, t: m.take_along_dim(t, t.argsort(dim=1), dim=1),
    "take_along_dim flat": lambda m, t: m.take_along_dim(t, m.tensor([3, 3, 0])),
    "take_along_dim broadcast": lambda m, t: m.take_along_dim(t, m.tensor([[1], [0], [2]]), dim=1),
    "scatter": lambda m, t: t.scatter(1, m.tensor([[3, 0], [1, 2], [2, 1]]), m.ones(3, 2)),
    "scatter value": lambda m, t: t.scatter(0, m.tensor([[1, 2, 0, 1]]), 2.5),
    "scatter named": lambda m, t: m.scatter(t, 0, m.tensor([[1, 2, 0, 1]]), value=2.5),
    "scatter itself": lambda m, t: m.zeros(3, 4).scatter(1, m.tensor([[3], [0], [1]]), t[:, :1]),
    "scatter_add": lambda m, t: m.zeros(2, 4).scatter_add(0, m.tensor([[0, 1, 1, 0], [0, 0, 1, 1]]), t[1:]),
    "index_select": lambda m, t: t.index_select(1, m.tensor([3, 3, 0])),
    "index_select 0-d": lambda m, t: t.index_select(0, m.tensor(2)),
    "index_add": lambda m, t: t.index_add(0, m.tensor([0, 0, 2]), t * 2, alpha=3),
    "index_copy": lambda m, t: t.index_copy(1, m.tensor([3, 0]), t[:, 1:3]),
    "index_fill": lambda m, t: t.index_fill(1, m.tensor([3, 0]), 7.0),
    "index_put": lambda m, t: t.index_put((m.tensor([0, 2]), m.tensor([1, 1])), m.tensor([5.0, 6.0])),
    "index_put add": lambda m, t: t.index_put((m.tensor([0, 0]),), t[1], accumulate=True),
    "masked_fill": lambda m, t: t.masked_fill(t > 0, 3),
    "masked_fill broadcast": lambda m, t: t.masked_fill(m.tensor([True, False, False, True]), float("-inf")).exp(),
    "masked_select": lambda m, t: t.masked_select(t > 0),
    "masked_select broadcast": lambda m, t: m.masked_select(t, m.tensor([True, False, False, True])),
    "take": lambda m, t: t.take(m.tensor([[11, 0], [-1, 0]])),
    "where": lambda m, t: t.where(t > 0, t * 3),
}


@pytest.mark.parametrize("name", ORACLE)
def test_pytorch_gives_the_same(pytorch, name):
    values = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    pytorch.agrees_with_gradients(ORACLE[name], values, rtol=1e-6)


IN_PLACE = {
    "index_fill_": lambda m, t: t.index_fill_(0, m.tensor([1]), 2.0),
    "index_add_": lambda m, t: t.index_add_(0, m.tensor([1, 1]), m.ones(2, 4)),
    "index_copy_": lambda m, t: t.index_copy_(0, m.tensor([1]), m.ones(1, 4)),
    "index_put_": lambda m, t: t.index_put_((m.tensor([1, 1]),), m.tensor(1.0), accumulate=True),
    "scatter_": lambda m, t: t.scatter_(1, m.tensor([[0], [1], [2]]), 9.0),
    "scatter_add_": lambda m, t: t.scatter_add_(1, m.tensor([[0], [1], [2]]), m.ones(3, 1)),
    "masked_fill_": lambda m, t: t.masked_fill_(t > 5, 0.0),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_forms(pytorch, name):
    def changed(m):
        t = m.arange(12, dtype=m.float32).reshape(3, 4)
        assert IN_PLACE[name](m, t) is t
        leaf = m.ones(3, 4, requires_grad=True)
        IN_PLACE[name](m, leaf * 7).sum().backward()
        return t, leaf.grad

    pytorch.agrees(changed)


def test_nonzero():
    t = tg.tensor([[0, 3], [4, 0]])
    assert t.nonzero().tolist() == [[0, 1], [1, 0]]
    rows, columns = tg.nonzero(t, as_tuple=True)
    assert t[rows, columns].tolist() == [3, 4]
    assert tg.zeros(3).nonzero().shape == (0, 1)
    assert tg.tensor(5).nonzero().shape == (1, 0)
    assert tg.ones(2, requires_grad=True).nonzero().tolist() == [[0], [1]]


def test_one_hot():
    assert F.one_hot(tg.tensor([0, 2, 1])).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert F.one_hot(tg.tensor(1), 3).tolist() == [0, 1, 0]
    assert F.one_hot(tg.tensor([[0], [1]]), num_classes=2).shape == (2, 1, 2)
    assert F.one_hot(tg.tensor([0])).dtype == tg.int64


def test_every_tuple_is_an_index_an_axis():
    class Place(NamedTuple):
        row: int
        column: int

    x = tg.arange(6).reshape(2, 3)
    for index in (tg.Size((1, 2)), Place(1, 2)):
        assert x[index].item() == 5
        y = x.clone()
        y[index] = 7
        assert y.tolist() == [[0, 1, 2], [3, 4, 7]]
