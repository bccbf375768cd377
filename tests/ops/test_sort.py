"""Order: stability, NaN, gradients to where the values came from, counts, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as tg

nan = math.nan


@given(st.lists(st.integers(-3, 3), max_size=12), st.booleans())
def test_sorting_is_stable(numbers, descending):
    values, indices = tg.sort(tg.tensor(numbers, dtype=tg.int64), descending=descending)
    order = sorted(range(len(numbers)), key=lambda i: -numbers[i] if descending else numbers[i])
    assert indices.tolist() == order
    assert values.tolist() == [numbers[i] for i in order]


def test_nan_is_the_greatest():
    x = tg.tensor([2.0, nan, 1.0])
    assert tg.argsort(x).tolist() == [2, 0, 1]
    assert tg.argsort(x, descending=True).tolist() == [1, 0, 2]
    assert tg.topk(x, 1).indices.tolist() == [1]
    assert math.isnan(tg.median(x).item())
    assert tg.median(x, 0).indices.item() == 1


def test_gradient_goes_where_the_value_came_from():
    x = tg.tensor([[3.0, 1.0, 2.0]], requires_grad=True)
    values, indices = tg.sort(x)
    (values * tg.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [[100, 1, 10]]
    assert not indices.requires_grad


@pytest.mark.parametrize(
    ("expression", "values", "indices"),
    [
        (lambda x: tg.topk(x, 2), [[9, 5], [8, 7]], [[2, 0], [1, 0]]),
        (lambda x: tg.topk(x, 1, dim=0, largest=False), [[5, 1, 6]], [[0, 0, 1]]),
        (lambda x: tg.topk(x, 0), [[], []], [[], []]),
        (lambda x: tg.kthvalue(x, 2), [5, 7], [0, 0]),
        (lambda x: tg.kthvalue(x, 1, 0, keepdim=True), [[5, 1, 6]], [[0, 0, 1]]),
        (lambda x: tg.median(x, 1), [5, 7], [0, 0]),
        (lambda x: tg.median(x, dim=0), [5, 1, 6], [0, 0, 1]),
    ],
)
def test_choices(expression, values, indices):
    found = expression(tg.tensor([[5, 1, 9], [7, 8, 6]]))
    assert (found.values.tolist(), found.indices.tolist()) == (values, indices)


def test_numbers():
    x = tg.tensor(3.0)
    for found in (tg.sort(x), tg.topk(x, 1), tg.kthvalue(x, 1, 0), tg.median(x, 0)):
        assert (found.values.item(), found.indices.item(), found.values.shape) == (3, 0, ())
    assert tg.median(x).item() == 3


def test_median_of_equal_ones_shares_the_gradient():
    nan = float("nan")
    for numbers, wanted in (([1.0, 2, 2, 2], [0, 1 / 3, 1 / 3, 1 / 3]), ([nan, 1.0, nan], [0.5, 0, 0.5])):
        t = tg.tensor(numbers, dtype=tg.float64, requires_grad=True)
        t.median().backward()
        assert t.grad.tolist() == wanted


def test_median_of_nothing():
    assert np.isnan(tg.zeros(0, 3).median().item())
    with pytest.raises(RuntimeError, match="no middle"):
        tg.zeros(0, dtype=tg.int64).median()


def test_lower_median():
    assert tg.median(tg.tensor([[4.0, 1.0], [3.0, 2.0]])).item() == 2


def test_unique():
    x = tg.tensor([[2, 1, 2], [1, 2, 1]])
    assert tg.unique(x).tolist() == [1, 2]
    values, inverse, counts = tg.unique(x, return_inverse=True, return_counts=True)
    assert values[inverse].tolist() == x.tolist()
    assert counts.tolist() == [3, 3]
    rows = tg.unique(tg.tensor([[1, 2], [0, 1], [1, 2]]), dim=0)
    assert rows.tolist() == [[0, 1], [1, 2]]


def test_bincount():
    x = tg.tensor([0, 2, 2])
    assert tg.bincount(x).tolist() == [1, 0, 2]
    assert tg.bincount(x, minlength=5).tolist() == [1, 0, 2, 0, 0]
    weighted = tg.bincount(x, tg.tensor([0.5, 1.0, 2.0]))
    assert (weighted.tolist(), weighted.dtype) == ([0.5, 0, 3], tg.float32)
    assert tg.bincount(tg.tensor([], dtype=tg.int64)).tolist() == []


@pytest.mark.parametrize("arguments", [(4,), (4, -1, 1), (3, 0, 0), (5, 2, 3)])
def test_histc_as_in_pytorch(pytorch, arguments):
    x = np.random.default_rng(0).normal(size=50).astype(np.float32)
    pytorch.agrees(lambda m: m.histc(m.from_numpy(x), *arguments))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: tg.topk(tg.ones(2, 3), 4),
            RuntimeError,
            r"topk: k must be in 0 to 3.*axis 1 of shape \(2, 3\), got 4",
        ),
        (lambda: tg.kthvalue(tg.ones(3), 0), RuntimeError, "kthvalue: k must be in 1 to 3"),
        (lambda: tg.sort(tg.ones(3), 1), IndexError, "dim 1 is out of range"),
        (lambda: tg.median(tg.zeros(0, 2), 0), IndexError, "median: axis 0"),
        (lambda: tg.bincount(tg.tensor([-1])), RuntimeError, "none negative"),
        (lambda: tg.bincount(tg.tensor([[1]])), RuntimeError, "must be a vector"),
        (lambda: tg.bincount(tg.tensor([1]), tg.ones(2)), RuntimeError, "weights"),
        (lambda: tg.histc(tg.tensor([1])), RuntimeError, "histc: input must be floating"),
        (lambda: tg.histc(tg.ones(1), 3, 2, 1), RuntimeError, "max must not be smaller"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_unique_keeps_every_nan_apart():
    values, places, counts = tg.unique(tg.tensor([nan, 1.0, nan, 1.0]), return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(values, [1.0, nan, nan])
    assert (places.tolist(), counts.tolist()) == ([1, 0, 2, 0], [2, 1, 1])
    assert tg.unique(tg.tensor([[nan, 1.0], [nan, 1.0]]), dim=0).shape == (2, 2)
