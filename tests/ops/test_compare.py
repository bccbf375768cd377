"""Comparisons and logic: dtypes, mixed operands, what has no gradient, closeness, all and any."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tinygrad_cnn as tg

inf, nan = math.inf, math.nan
PAIRS = "eq ne lt le gt ge logical_and logical_or logical_xor".split()


@pytest.mark.parametrize("name", PAIRS)
def test_results_are_bool_and_without_history(name):
    x = tg.tensor([[1.0], [2.0]], requires_grad=True)
    out = getattr(tg, name)(x, tg.tensor([1, 2, 3]))
    assert (out.dtype, out.shape, out.requires_grad, out.is_leaf) == (tg.bool, (2, 3), False, True)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (lambda: tg.tensor([1, 2]) == 2, [False, True]),
        (lambda: tg.tensor([1, 2]) < 1.5, [True, False]),
        (lambda: tg.tensor([0.1]) == 0.1, [True]),
        (lambda: tg.eq(tg.tensor([0.1]), tg.tensor([0.1], dtype=tg.float64)), [False]),
        (lambda: tg.tensor([nan]) != tg.tensor([nan]), [True]),
        (lambda: tg.tensor([True, False]) > 0, [True, False]),
        (lambda: tg.tensor([2**53 + 1]) == 2**53, [False]),
        (lambda: tg.logical_not(tg.tensor([0.0, nan])), [True, False]),
        (lambda: tg.logical_xor(tg.tensor([1, 0]), tg.tensor([2.0, 0.5])), [False, True]),
        (lambda: tg.isfinite(tg.tensor([1, 2])), [True, True]),
        (lambda: tg.isneginf(tg.tensor([-inf, inf])), [True, False]),
        (lambda: tg.signbit(tg.tensor([-0.0, 0.0])), [True, False]),
    ],
)
def test_values(expression, expected):
    assert expression().tolist() == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (lambda: tg.bitwise_and(tg.tensor([6, 5]), 3), [2, 1]),
        (lambda: tg.bitwise_or(tg.tensor([True]), tg.tensor([False])), [True]),
        (lambda: tg.bitwise_xor(tg.tensor([6], dtype=tg.uint8), tg.tensor([3], dtype=tg.uint8)), [5]),
        (lambda: tg.bitwise_not(tg.tensor([0, 5])), [-1, -6]),
        (lambda: tg.bitwise_left_shift(tg.tensor([1, 3]), 2), [4, 12]),
        (lambda: tg.bitwise_right_shift(tg.tensor([-8]), tg.tensor([1])), [-4]),
    ],
)
def test_bits(expression, expected):
    assert expression().tolist() == expected


def test_closeness():
    a, b = tg.tensor([1.0, inf, nan, 1.0]), tg.tensor([1.0 + 1e-6, inf, nan, 2.0])
    assert tg.isclose(a, b).tolist() == [True, True, False, False]
    assert tg.isclose(a, b, equal_nan=True).tolist() == [True, True, True, False]
    assert tg.allclose(a[:2], b[:2]) is True
    assert tg.allclose(a, b) is False
    assert tg.allclose(tg.tensor([1.0]), tg.tensor([1.1]), atol=0.2) is True


def test_equal():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    assert tg.equal(x, x.detach().clone()) is True
    assert tg.equal(x, tg.tensor([1.0])) is False
    assert tg.equal(tg.tensor([nan]), tg.tensor([nan])) is False


X = [[1, 0, 2], [0, 0, 0]]


@pytest.mark.parametrize(
    ("arguments", "everything", "anything"),
    [
        ({}, False, True),
        ({"dim": 1}, [False, False], [True, False]),
        ({"dim": -2}, [False, False, False], [True, False, True]),
        ({"dim": 1, "keepdim": True}, [[False], [False]], [[True], [False]]),
        ({"dim": (0, 1)}, False, True),
    ],
)
def test_all_and_any(arguments, everything, anything):
    for x in (tg.tensor(X), tg.tensor(X).float(), tg.tensor(X).bool()):
        assert tg.all(x, **arguments).tolist() == everything
        assert tg.any(x, **arguments).tolist() == anything


def test_nothing_is_all_and_not_any():
    x = tg.zeros(0, 2, dtype=tg.bool)
    assert tg.all(x).item() is True
    assert tg.any(x).item() is False
    assert tg.all(x, 0).tolist() == [True, True]
    assert tg.any(tg.tensor(True), 0).item() is True


@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_of_dtypes_as_in_pytorch(pytorch, name):
    dtypes = ["bool", "uint8", "int8", "int32", "int64", "float32", "float64"]
    x, y = np.array([0, 1, 2, 3]), np.array([0, 2, 1, 3])

    def results(m):
        return {
            f"{a}, {b}": getattr(m, name)(m.tensor(x).to(getattr(m, a)), m.tensor(y).to(getattr(m, b)))
            for a, b in itertools.product(dtypes, dtypes)
        }

    pytorch.agrees(results)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tg.tensor([1, 2]) == tg.tensor([1, 2, 3]), RuntimeError, r"eq: shapes \(2,\) and \(3,\)"),
        (lambda: tg.bitwise_and(tg.ones(2), 1), RuntimeError, "integers or bool, got float32"),
        (lambda: tg.bitwise_or(tg.ones(2), tg.ones(2)), RuntimeError, "integers or bool, got float32"),
        (lambda: tg.bitwise_not(tg.ones(2)), RuntimeError, "integers or bool, got float32"),
        (lambda: tg.isclose(tg.ones(2), tg.ones(2).double()), RuntimeError, "float32 and float64"),
        (lambda: tg.isclose(tg.ones(2), tg.ones(2), rtol=-1), RuntimeError, "must not be negative"),
        (lambda: tg.isclose(tg.ones(2), tg.ones(3)), RuntimeError, "isclose: shapes"),
        (lambda: tg.all(tg.ones(2, 2), 2), IndexError, "all: dim 2 is out of range"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_no_axis_to_look_along():
    x = tg.tensor([[0.0, 2.0]])
    assert tg.all(x, ()).tolist() == tg.any(x, ()).tolist() == [[False, True]]
