"""Arithmetic: dtypes, broadcasting, edge values, gradients where two rules meet, and what errors say."""

from __future__ import annotations

import inspect
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as tg
from tinygrad_cnn.testing import gradcheck, gradgradcheck

inf, nan = math.inf, math.nan
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
SHAPES = [((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())]
PAIRWISE = "add sub mul div floor_divide remainder fmod pow maximum minimum fmax fmin atan2 xlogy".split()


def leaf(values, dtype=tg.float64):
    return tg.tensor(values, dtype=dtype, requires_grad=True)


def same(actual, expected):
    np.testing.assert_array_equal(actual.detach().numpy(), expected)


# dtypes


def dtype_of(op, x, y):
    try:
        return op(x, y).dtype
    except (RuntimeError, TypeError):
        return "error"


@pytest.mark.parametrize("op", PAIRWISE)
def test_two_tensors_promote_as_in_pytorch(pytorch, op):
    def results(m):
        made = {(d, shape): m.ones(shape, dtype=getattr(m, d)) for d in DTYPES for shape in ((2,), ())}
        return {
            f"{a}, {b}": [dtype_of(getattr(m, op), made[a, left], made[b, right]) for left, right in SHAPES]
            for a, b in itertools.product(DTYPES, DTYPES)
        }

    pytorch.agrees(results)


@pytest.mark.parametrize("op", ["add", "sub", "mul", "div", "floor_divide", "remainder", "fmod"])
def test_a_python_number_promotes_as_in_pytorch(pytorch, op):
    def results(m):
        return {
            f"{d}, {number}": [dtype_of(getattr(m, op), m.ones(s, dtype=getattr(m, d)), number) for s in ((2,), ())]
            for d, number in itertools.product(DTYPES, (True, 2, 2.5))
        }

    pytorch.agrees(results)


@pytest.mark.parametrize(
    ("expression", "dtype"),
    [
        (lambda: tg.tensor([1, 2]) / tg.tensor([3, 4]), tg.float32),
        (lambda: tg.ones(2) * 2.0, tg.float32),
        (lambda: 2.0 * tg.ones(2), tg.float32),
        (lambda: tg.ones(2) * tg.tensor(2.0, dtype=tg.float64), tg.float32),
        (lambda: tg.ones(2, dtype=tg.float16) * tg.tensor(2.0), tg.float16),
        (lambda: tg.ones(2) ** np.float64(2), tg.float32),
        (lambda: tg.tensor([True]) + tg.tensor([True]), tg.bool),
        (lambda: tg.tensor([1]) * 2.5, tg.float32),
        (lambda: tg.tensor([1], dtype=tg.int8) + 1, tg.int8),
        (lambda: tg.where(tg.tensor([True]), 1, 0), tg.int64),
        (lambda: tg.where(tg.tensor([True]), 1.0, 0), tg.float32),
        (lambda: tg.where(tg.tensor([True]), tg.ones(1), 0.5), tg.float32),
        (lambda: tg.clamp(tg.tensor([1, 5]), 0, 2.5), tg.float32),
        (lambda: tg.lerp(tg.ones(2), tg.zeros(2), 0.5), tg.float32),
    ],
)
def test_dtype(expression, dtype):
    assert expression().dtype == dtype


def test_default_dtype_is_what_integers_become():
    tg.set_default_dtype(tg.float64)
    assert (tg.tensor([1]) / 3).dtype == tg.float64


# values


def test_python_numbers_for_where():
    same(tg.where(tg.tensor([[True], [False]]), 1, 0), [[1], [0]])
    rows, columns = tg.where(tg.tensor([[True, False], [False, True]]))
    same(rows, [0, 1])
    same(columns, [0, 1])


EVERY_DTYPE = [np.bool_, np.uint8, np.int64, np.float16, np.float32, np.float64, np.complex64, np.complex128]


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
def test_zeros_of_any_shape_broadcast_in_where_of_many(dtype):
    shapes = [(), (1,), (64,), (64, 1), (64, 64), (1, 1, 1), (2, 1, 1), (3, 1, 64), (3, 64, 64)]
    condition = np.arange(64 * 64).reshape(64, 64) % 3 == 0
    for zeros in (np.zeros(shape, dtype) for shape in shapes):
        for ones in (np.ones(shape, dtype) for shape in shapes):
            try:
                np.broadcast_shapes(zeros.shape, ones.shape)
            except ValueError:
                continue
            for a, b in ((zeros, ones), (ones, zeros), (zeros, zeros)):
                out, expected = tg.where(*map(tg.tensor, (condition, a, b))).numpy(), np.where(condition, a, b)
                assert (out.shape, out.dtype) == (expected.shape, dtype)
                np.testing.assert_array_equal(out, expected)


def test_masks_over_zeros():
    causal = tg.ones(64, 64).triu(1).bool()
    filled = tg.zeros(2, 64, 64).masked_fill_(causal, -1.0)
    assert (filled.shape, filled.sum().item()) == ((2, 64, 64), -2 * 64 * 63 / 2)
    x = tg.ones(3, 64, 64, requires_grad=True)
    (tg.where(causal, tg.tensor(1.0), x) * 0).sum().backward()
    np.testing.assert_array_equal(x.grad, np.zeros((3, 64, 64)))


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
def test_where_of_many_is_where_of_few(dtype):
    rng = np.random.default_rng(0)
    condition = rng.random((70, 80)) < 0.5
    with np.errstate(invalid="ignore"):
        special = np.array([nan, inf, -inf, -0.0, 1.5]).astype(dtype)
    a, b = rng.choice(special, (80, 70)).T[:, ::-1], rng.choice(special, (1, 80))
    for x, y in ((a, b), (b, a), (a, np.zeros((), dtype)), (np.zeros((1, 1), dtype), a)):
        out = tg.where(*map(tg.tensor, (condition, x, y))).numpy()
        assert out.dtype == dtype
        np.testing.assert_array_equal(out, np.where(condition, x, y))
        if out.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(out), np.signbit(np.where(condition, x, y)))


@pytest.mark.parametrize(
    ("op", "a", "b", "expected"),
    [
        ("div", [1.0, -1.0, 0.0], 0.0, [inf, -inf, nan]),
        ("pow", [0.0, 0.0, -2.0, -8.0], [0.0, -1.0, 3.0, 1 / 3], [1.0, inf, -8.0, nan]),
        ("pow", [2, 3, 0], [3, 0, 0], [8, 1, 1]),
        ("floor_divide", [-7, 7, -7], [2, -2, -2], [-4, -4, 3]),
        ("floor_divide", [-7.0, 1.0], [2.0, 0.0], [-4.0, inf]),
        ("remainder", [-7, 7, -7], [3, -3, -3], [2, -2, -1]),
        ("fmod", [-7, 7, -7], [3, -3, -3], [-1, 1, -1]),
        ("maximum", [1.0, nan, 2.0], [nan, 1.0, 3.0], [nan, nan, 3.0]),
        ("fmax", [1.0, nan, nan], [nan, 1.0, nan], [1.0, 1.0, nan]),
        ("fmin", [1.0, nan, nan], [nan, 1.0, nan], [1.0, 1.0, nan]),
        ("logaddexp", [10000.0, -10000.0, -inf], [10000.0, 0.0, -inf], [10000.0 + math.log(2), 0.0, -inf]),
        ("hypot", [3 * 2.0**600, 0.0], [4 * 2.0**600, 0.0], [5 * 2.0**600, 0.0]),
        ("xlogy", [0.0, 0.0, 2.0], [0.0, nan, 1.0], [0.0, nan, 0.0]),
        ("mul", [1e308, inf], [10.0, 0.0], [inf, nan]),
    ],
)
def test_edge_values(op, a, b, expected):
    dtype = tg.int64 if isinstance(a[0], int) else tg.float64
    b = b if isinstance(b, float) else tg.tensor(b, dtype=dtype)
    same(getattr(tg, op)(tg.tensor(a, dtype=dtype), b), expected)


@given(st.integers(-50, 50), st.integers(-50, 50).filter(bool))
def test_integer_quotients(a, b):
    x, y = tg.tensor(a), tg.tensor(b)
    assert tg.div(x, y, rounding_mode="trunc").item() == int(a / b)
    assert tg.div(x, y, rounding_mode="floor").item() == tg.floor_divide(x, y).item() == a // b
    assert tg.remainder(x, y).item() == a % b
    assert tg.fmod(x, y).item() == math.fmod(a, b)


def test_truncated_quotients_of_large_integers_are_exact():
    big = 2**62 + 1
    same(tg.div(tg.tensor([big, -big]), 2, rounding_mode="trunc"), [big // 2, -(big // 2)])


def test_lerp_ends_exactly():
    a, b = tg.tensor([0.1, 1e20]), tg.tensor([0.7, 1.0])
    same(tg.lerp(a, b, 0.0), a.numpy())
    same(tg.lerp(a, b, 1.0), b.numpy())


def test_clamp_bounds():
    x = tg.tensor([-1.0, 0.5, 2.0, nan])
    same(tg.clamp(x, 0, 1), [0, 0.5, 1, nan])
    same(tg.clamp(x, 1, 0), [0, 0, 0, nan])
    same(tg.clip(x, max=tg.tensor([0.0, 0.0, 3.0, 0.0])), [-1, 0, 2, nan])


@pytest.mark.parametrize("name", ["input", "min", "max"])
def test_the_formulas_of_clamp_are_its_rules(name):
    formula = tg.clamp.op.formulas[name]
    bounds = set(inspect.signature(formula).parameters) & {"min", "max"}
    code = formula(**dict.fromkeys(bounds, 0.0)).translate(
        {ord("·"): "*", ord("≤"): "<=", ord("["): "(", ord("]"): ")"}
    )
    for values in itertools.product([-1.0, 0.0, 1.0, 2.0], repeat=3):
        tensors = dict(zip(("input", "min", "max"), map(leaf, values)))
        tg.clamp(**tensors).backward()
        assert tensors[name].grad.item() == eval(code, {"g": 1}, dict(zip(tensors, values))), values


def test_nan_to_num_is_finite():
    x = tg.tensor([nan, inf, -inf, 1.0])
    largest = np.finfo(np.float32).max
    same(tg.nan_to_num(x), np.array([0, largest, -largest, 1], np.float32))
    same(tg.nan_to_num(x, 1.0, 2.0, 3.0), [1, 2, 3, 1])


def test_empty():
    x = tg.zeros(0, 3)
    for op in (tg.add, tg.mul, tg.div, tg.maximum, tg.pow, tg.atan2):
        assert op(x, tg.ones(3)).shape == (0, 3)
    assert tg.where(tg.zeros(0, 1, dtype=tg.bool), 1.0, tg.ones(3)).shape == (0, 3)


# gradients at special places


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: x**0, [0.0, -2.0, 3.0], [0, 0, 0]),
        (lambda x: x**1, [0.0, -2.0], [1, 1]),
        (lambda x: x**2, [0.0, -2.0], [0, -4]),
        (lambda x: x**0.5, [0.0, 4.0], [inf, 0.25]),
        (lambda x: tg.pow(x, tg.tensor([0.0, 1.0, 2.0])), [0.0, 0.0, 0.0], [0, 1, 0]),
        (lambda x: tg.pow(0.0, x), [0.0, 2.0], [0, 0]),
        (lambda x: tg.pow(tg.tensor([0.0, -2.0]), x), [1.0, 2.0], [0, nan]),
        (lambda x: tg.maximum(x, tg.tensor([1.0, 1.0, 1.0])), [0.0, 1.0, 2.0], [0, 0.5, 1]),
        (lambda x: tg.minimum(x, tg.tensor([1.0, 1.0, 1.0])), [0.0, 1.0, 2.0], [1, 0.5, 0]),
        (lambda x: tg.fmax(x, tg.tensor([nan, 1.0, 2.0])), [0.0, nan, 2.0], [1, 0, 1]),
        (lambda x: tg.clamp(x, -1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0], [0, 1, 1, 1, 0]),
        (lambda x: tg.clamp(tg.tensor([0.0, 2.0, 5.0]), x, 4.0), [1.0, 1.0, 1.0], [1, 0, 0]),
        (lambda x: tg.clamp(tg.tensor([0.0, 2.0, 5.0]), 0.5, x), [1.0, 3.0, 3.0], [0, 0, 1]),
        (lambda x: tg.where(tg.tensor([True, False]), x, x * 3), [1.0, 2.0], [1, 3]),
        (lambda x: tg.nan_to_num(x), [nan, inf, 1.0], [0, 0, 1]),
        (lambda x: tg.floor_divide(x, 2.0) + tg.div(x, 2.0, rounding_mode="trunc"), [3.0, 5.0], [0, 0]),
        (lambda x: tg.atan2(x, tg.tensor([0.0, 1.0])), [0.0, 0.0], [0, 1]),
    ],
)
def test_gradient_at(f, x, expected):
    x = leaf(x)
    f(x).sum().backward()
    same(x.grad, expected)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -2, 0.5, 2.5])
def test_powers_at_all_orders(exponent):
    x = leaf([0.5, 1.5])
    assert gradcheck(lambda x: x**exponent, x)
    assert gradgradcheck(lambda x: x**exponent, x)


def test_second_derivative_of_powers_of_zero():
    x = leaf([0.0])
    (first,) = tg.autograd.grad((x**3).sum(), x, create_graph=True)
    (second,) = tg.autograd.grad(first.sum(), x, create_graph=True)
    (third,) = tg.autograd.grad(second.sum(), x)
    assert (first.item(), second.item(), third.item()) == (0, 0, 6)


def test_broadcast_gradients_have_the_shape_of_their_inputs():
    a, b, c = leaf([[1.0], [2.0]]), leaf([1.0, 2.0, 3.0]), leaf(2.0)
    (a * b / c).sum().backward()
    assert (a.grad.shape, b.grad.shape, c.grad.shape) == ((2, 1), (3,), ())
    same(a.grad, [[3], [3]])
    same(b.grad, [1.5, 1.5, 1.5])
    same(c.grad, -4.5)


def test_float32_gradients_stay_float32():
    x = leaf([1.0, 2.0], tg.float32)
    y = leaf([3.0, 4.0], tg.float64)
    (x * y + x**2 / 3 - tg.where(x > 1, x, 0)).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (tg.float32, tg.float64)


# errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: tg.ones(2, 3) + tg.ones(2),
            RuntimeError,
            r"add: shapes \(2, 3\) and \(2,\) do not .*reshape",
        ),
        (lambda: tg.maximum(tg.ones(3), tg.ones(4)), RuntimeError, r"maximum: shapes \(3,\) and \(4,\)"),
        (lambda: tg.where(tg.ones(2), 1, 0), RuntimeError, "where: condition must be a bool tensor, got float32"),
        (lambda: tg.where(tg.ones(2) > 0, tg.ones(3), 0), RuntimeError, r"where: shapes \(2,\) and \(3,\) and \(\)"),
        (lambda: tg.tensor([True]) - tg.tensor([True]), RuntimeError, "sub: bool .*logical_xor"),
        (lambda: -tg.tensor([True]), RuntimeError, "neg: .*logical_not"),
        (lambda: tg.tensor([1]) // 0, RuntimeError, "ZeroDivisionError"),
        (lambda: tg.tensor([1]) % tg.tensor([0]), RuntimeError, "ZeroDivisionError"),
        (lambda: tg.tensor([2]) ** -1, RuntimeError, "negative integer powers"),
        (lambda: tg.div(tg.ones(1), 2, rounding_mode="up"), RuntimeError, "rounding_mode must be None"),
        (lambda: tg.clamp(tg.ones(1)), RuntimeError, "at least one of min and max"),
        (lambda: tg.clamp(tg.ones(2), tg.ones(3)), RuntimeError, "clamp: shapes"),
        (lambda: tg.add(tg.ones(1), "1"), TypeError, "got str"),
        (lambda: tg.add(tg.ones(1), 1, alfa=2), TypeError, "alfa"),
        (lambda: tg.lerp(tg.ones(2), tg.ones(3), 0.5), RuntimeError, "lerp: shapes"),
        (lambda: tg.lerp(tg.tensor([1]), tg.tensor([2]), 0.5), RuntimeError, "lerp: .*int64"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("number", "expected"), [(np.float64(2.5), tg.float32), (np.float32(2.5), tg.float32), (np.int32(2), tg.int64)]
)
def test_a_number_of_numpy_is_one_of_python(number, expected):
    i, h = tg.tensor([1, 2]), tg.ones(2).half()
    made = [
        i * number,
        number * i,
        i + number,
        number - i,
        i**number,
        tg.where(i > 1, number, 0),
        tg.full((2,), number),
    ]
    assert {t.dtype for t in made} == {expected}
    assert {t.dtype for t in (h * number, number * h, tg.clamp(h, number))} == {tg.float16}


def test_powers_with_numbers_that_float32_has_not():
    x = tg.tensor([0.0, 2.0, inf], requires_grad=True)
    assert (x**1e-300).tolist() == [0.0, 1.0, inf]
    assert (x**-1e-300).tolist() == [inf, 1.0, 0.0]
    assert (x.double() ** 1e-3).tolist() == [0.0, pytest.approx(2.0**1e-3), inf]
    e = tg.tensor([0.0], requires_grad=True)
    tg.pow(1e300, e).sum().backward()
    assert e.grad.item() == pytest.approx(math.log(1e300))
