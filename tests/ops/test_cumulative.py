"""Running reductions: dtypes, zeros in products, places of extremes, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.testing import gradcheck, gradgradcheck

nan = math.nan


@pytest.mark.parametrize("zeros", [0, 1, 2])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_products_with_zeros_at_two_orders(zeros, dim):
    values = np.array([[2.0, -1.5, 0.5], [3.0, 1.25, -2.0]])
    values.flat[1 : 1 + zeros] = 0
    x = tg.tensor(values, requires_grad=True)
    assert gradcheck(lambda x: tg.cumprod(x, dim), x)
    assert gradgradcheck(lambda x: tg.cumprod(x, dim), x)


def test_integers_are_counted_in_int64():
    x = tg.tensor([100, 100], dtype=tg.int8)
    assert tg.cumsum(x, 0).tolist() == [100, 200]
    assert tg.cumsum(x, 0).dtype == tg.cumprod(x, 0).dtype == tg.int64
    assert tg.cumsum(tg.tensor([True, True]), 0).tolist() == [1, 2]
    assert tg.cumsum(x, 0, dtype=tg.float64).dtype == tg.float64


@pytest.mark.parametrize("x", [[1.0, 3.0, 3.0, 2.0], [2.0, nan, 5.0, nan], [nan, 1.0], []])
@pytest.mark.parametrize("name", ["cummax", "cummin"])
def test_extremes_as_in_pytorch(pytorch, name, x):
    pytorch.agrees(lambda m: getattr(m, name)(m.tensor(x), 0))


def test_gradient_of_an_extreme_adds_up_at_its_place():
    x = tg.tensor([1.0, 3.0, 2.0], requires_grad=True)
    tg.cummax(x, 0).values.sum().backward()
    assert x.grad.tolist() == [1, 2, 0]


def test_numbers_and_nothing():
    for f in (tg.cumsum, tg.cumprod):
        assert f(tg.tensor(3.0), 0).item() == 3
        assert f(tg.zeros(0, 2), 0).shape == (0, 2)
    assert tg.cummax(tg.tensor(3.0), 0).values.item() == 3


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummax", "cummin"])
def test_errors(name):
    with pytest.raises(IndexError, match=f"{name}: dim 2 is out of range"):
        getattr(tg, name)(tg.ones(2, 2), 2)
