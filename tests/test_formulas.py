"""Formulas are read off functions, say what they do, and refuse what they cannot say."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_cnn.arrays.formulas import Untraceable, trace, trace_call
from tinygrad_cnn.kernels import kernel

X = np.float32([-2, -0.5, 0, 0.5, 3])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * x + 2.5 * x - 1,
        lambda x: 1 / (1 + np.exp(-x)),
        lambda x: np.where(x > 0, x, 0.01 * x),
        lambda x: np.maximum(x, 0) + np.minimum(-x, 0.5),
        lambda x: x**2 + abs(x) ** 0.5 + (x + 5) ** -1 + x**3 + x**1,
        lambda x: np.square(x) + np.reciprocal(x + 5) + np.round(x),
        lambda x: np.subtract(x > 0, x < 0, dtype=x.dtype),
        lambda x: np.where(x > 0, x > 1, x < -1),
        lambda x: np.logical_and(x, x > 0) | ~(x > 1),
        lambda x: (x, x > 0, np.zeros_like(x) + x),
        lambda x: kernel.relu(x) + kernel.relu_mask(x, x) + kernel.erf(x) - kernel.erfc(x),
        lambda x: x.astype(np.float32) + (x > 0),
    ],
)
def test_formulas_compute_what_they_were_read_off(f):
    found, expected = trace(f, "f")(X), f(X)
    for a, b in zip(*[r if isinstance(r, tuple) else (r,) for r in (found, expected)], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
        assert np.asarray(a).dtype == b.dtype


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x > 0 else -x,
        lambda x: np.asarray(x) + 1,
        lambda x: x.sum(),
        lambda x: np.add.reduce(x),
        lambda x: x / x.size,
        lambda x: x.reshape(-1),
        lambda x: len(x) * x,
        lambda x: x[0],
        lambda x: np.sin(x),
        lambda x: x**2.7,
        lambda x: x + X,
        lambda x: x + np.float64(2),
        lambda x: x.astype(np.float64),
        lambda x: np.exp(x, out=np.empty(3)),
        lambda x: x & x,
        lambda x: np.concatenate([x, x]),
        lambda x: 1j * x,
        lambda x: "x",
    ],
)
def test_what_a_formula_cannot_say_is_refused(f):
    with pytest.raises(Untraceable):
        trace(f, "f")


def test_a_structure_serves_for_other_numbers():
    by_three, by_four = (trace(lambda x, n: n * x, "f", n) for n in (3.0, 4.0))
    assert by_three.structure == by_four.structure
    assert hash(by_three) != hash(by_four)
    assert by_three.numbers == (3.0,)
    assert trace(lambda x: 2 * x, "f").numbers == ()  # it is part of the structure


def test_what_is_not_used_is_not_kept_and_nothing_is_done_twice():
    def f(x, y):
        np.exp(x)
        return np.tanh(x) * np.tanh(x) + 7.5

    formula = trace(f, "ff")
    assert [name for name, *_ in formula.steps] == ["input", "input", "tanh", "mul", "number", "add"]
    assert formula.numbers == (7.5,)


def test_arrays_become_inputs_and_other_arguments_stay():
    formula = trace_call(lambda x, slope, mask: np.where(mask, x, slope * x), (X, 0.5, X > 0))
    assert formula.kinds == "fb"
    assert formula.output_kinds == "f"
    np.testing.assert_array_equal(formula(X, X > 0), np.where(X > 0, X, 0.5 * X))


def test_too_long_a_function_is_refused():
    def f(x):
        for i in range(1000):
            x = x + i
        return x

    with pytest.raises(Untraceable, match="400 steps"):
        trace(f, "f")
