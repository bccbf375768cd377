"""Loops from formulas: the bits of NumPy where nothing is approximated, 2 units in the last place elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_cnn.arrays.formulas import PRIMITIVES, Tracer, trace, tracer_formula
from tinygrad_cnn.kernels import kernel, use
from tinygrad_cnn.kernels.threads import set_num_threads
from tinygrad_cnn.testing.arrays import FORMS

loops = pytest.importorskip("tinygrad_cnn.kernels.fast.loops")

pytestmark = pytest.mark.slow

FUNCTIONS = {
    "exp": (np.exp, np.exp),
    "expm1": (np.expm1, np.expm1),
    "log": (np.log, np.log),
    "log1p": (np.log1p, np.log1p),
    "tanh": (np.tanh, np.tanh),
    "erf": (lambda x: kernel.erf(x), kernel.erf),
    "erfc": (lambda x: kernel.erfc(x), kernel.erfc),
}


def compute(formula, *arrays, outs=None):
    return loops.loop_of(formula)(list(arrays), formula.numbers, outs)


def same_bits(a, b):
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    number = np.isnan(b) if b.dtype.kind == "f" else np.zeros(b.shape, bool)  # of a NaN, the bits say nothing
    assert np.array_equal(number, np.isnan(a) if a.dtype.kind == "f" else number)
    np.testing.assert_array_equal(a[~number].tobytes(), b[~number].tobytes())


@pytest.fixture(scope="module")
def everywhere():
    """Numbers of every exponent and sign, and those near 0 and 1 and in the range of exp, closely."""
    rng = np.random.default_rng(0)
    bits = np.arange(0, 2**32, 4093, dtype=np.uint64).astype(np.uint32).view(np.float32)
    near = [rng.uniform(-r, r, 100_000).astype(np.float32) for r in (0.5, 1.2, 4, 12, 104)]
    ends = np.float32([0.0, -0.0, 1, -1, math.inf, -math.inf, math.nan, 88.72283, 88.72284, -103.97, -104, 9.2, 10.1])
    tiny = np.float32(2.0) ** np.arange(-149, 128, dtype=np.float32)
    return np.concatenate([bits, *near, ends, tiny, -tiny])


def test_functions_are_within_2_units_in_the_last_place(everywhere):
    formula = trace(lambda x: tuple(f(x) for f, _ in FUNCTIONS.values()), "f")
    found = compute(formula, everywhere)
    with np.errstate(all="ignore"):
        for name, got in zip(FUNCTIONS, found, strict=True):
            exact = FUNCTIONS[name][1](everywhere.astype(np.float64))
            rounded = exact.astype(np.float32)
            unit = np.spacing(np.abs(rounded)).astype(np.float64)
            off = np.abs(got - exact) / unit
            good = (off <= 2) | (got == rounded) | (np.isnan(got) & np.isnan(rounded))
            assert good.all(), f"{name}({everywhere[~good][0]}) is {got[~good][0]}, not {rounded[~good][0]}"
            zero = everywhere == 0
            if name not in ("log", "erfc", "exp"):
                same_bits(np.signbit(got[zero]), np.signbit(everywhere[zero]))


ARITHMETIC = trace(
    lambda x, y, c: (
        np.where(c, x * y - 0.3, -x / y),
        np.maximum(x, y) + np.minimum(x, 0.25) - np.fmax(y, 0) * np.fmin(x, y),
        np.sqrt(np.abs(x)) + np.floor(y) - np.ceil(x) + np.trunc(y) * np.rint(x) + np.copysign(x, y),
        (x < y) | (x >= 1) ^ ~c & (x != y),
        np.isnan(x) | np.isinf(y) & np.isfinite(x) | np.signbit(x) & (x == y) | (x <= 0.5) & (y > x),
    ),
    "ffb",
)


def test_arithmetic_and_choices_have_the_bits_of_numpy(everywhere):
    x, y = everywhere, np.roll(everywhere, 4321)
    with np.errstate(all="ignore"):
        for got, want in zip(compute(ARITHMETIC, x, y, x > y), ARITHMETIC(x, y, x > y), strict=True):
            same_bits(got, want)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "shapes", [((3, 5, 7, 130),) * 3, ((3, 5, 7, 9), (5, 1, 1), (3, 1, 7, 1)), ((), (2000,), (1,))]
)
def test_arrays_of_any_layout(form, shapes):
    rng = np.random.default_rng(0)
    x, y = (FORMS[form](rng.standard_normal(shape).astype(np.float32)) for shape in shapes[:2])
    c = FORMS[form](rng.standard_normal(shapes[2]) > 0)
    with np.errstate(all="ignore"):
        want = ARITHMETIC(x, y, c)
        for got in (kernel.pointwise(ARITHMETIC, [x, y, c]), _by_loop(x, y, c)):
            for a, b in zip(got, want, strict=True):
                same_bits(a, np.ascontiguousarray(b))


def _by_loop(x, y, c):
    """As far as the loop takes such arrays."""
    ready = [np.require(a, a.dtype.newbyteorder("="), "A") for a in (x, y, c)]
    return compute(ARITHMETIC, *ready)


SUM = trace(lambda x, y: x + y, "ff")


def test_a_sum_in_the_loop_that_computes_what_is_summed():
    x = np.random.default_rng(3).standard_normal((900, 100)).astype(np.float32)
    formula = trace(lambda x, y: (x - y) * x, "ff")
    wide = x.astype(np.float64)
    with use("fast"):
        found = kernel.total(formula, [x, x[::-1]], 7.0)
    np.testing.assert_allclose(found, np.sum((wide - wide[::-1]) * wide) / 7, rtol=1e-6)


def test_results_lie_in_memory_as_the_largest_input():
    x = np.ones((2, 3, 4, 5), np.float32).transpose(0, 3, 1, 2)
    assert compute(SUM, np.ones((5, 1, 1), np.float32), x).strides == x.strides
    assert compute(SUM, x, np.ones((2, 5, 3, 4), np.float32)).strides == x.strides


def test_results_go_where_they_are_wanted():
    x, room = np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((3, 4), np.float32)
    out = room[::-1, 1:3].T
    assert compute(SUM, x, np.float32([10, 20, 30]), outs=[out]) is out
    np.testing.assert_array_equal(room, [[0, 32, 35, 0], [0, 21, 24, 0], [0, 10, 13, 0]])
    assert compute(SUM, x, x, outs=[x]) is x
    np.testing.assert_array_equal(x, [[0, 2, 4], [6, 8, 10]])


@pytest.mark.parametrize("shapes", [((), ()), ((0,), ()), ((2, 0, 3), (3,)), ((1,), (1, 1)), ((5, 1), (1, 4))])
def test_arrays_with_few_elements(shapes):
    x, y = (np.full(shape, 2, np.float32) for shape in shapes)
    same_bits(compute(SUM, x, y), x + y)


def test_threads_do_not_change_a_bit():
    x = np.random.default_rng(0).standard_normal((300, 1000)).astype(np.float32)
    formula = trace(lambda x: np.tanh(x) * x, "f")
    found = []
    for threads in (1, 3, 2):
        set_num_threads(threads)
        found.append(compute(formula, x).tobytes())
    assert len(set(found)) == 1


FLOAT = [
    n for n, (_, kinds, kind) in PRIMITIVES.items() if kind == "f" and set(kinds) == {"f"} and n not in ("log", "log1p")
]
QUESTION = [n for n, (_, kinds, kind) in PRIMITIVES.items() if kind == "b" and set(kinds) == {"f"}]


@given(st.data())
@settings(max_examples=4, deadline=None, derandomize=True)
def test_random_formulas(data):
    def build(*inputs):
        known = list(inputs)
        tracer = inputs[0].tracer
        for _ in range(data.draw(st.integers(3, 25))):
            name = data.draw(st.sampled_from([*FLOAT, "where"]))
            pick = lambda: data.draw(st.sampled_from(known[-6:]))
            if name == "where":
                condition = tracer.note(
                    data.draw(st.sampled_from([q for q in QUESTION if len(PRIMITIVES[q][1]) == 2])), (pick(), pick())
                )
                known.append(tracer.note("where", (condition, pick(), data.draw(st.sampled_from([0.0, 1.5, 3.25])))))
            else:
                found = tracer.note(name, [pick() for _ in PRIMITIVES[name][1]])
                known.append(np.minimum(np.maximum(found, -3.0), 3.0))  # so that errors do not grow without bound
        return known[-1], known[len(known) // 2]

    tracer = Tracer("ff")
    formula = tracer_formula(tracer, build, tuple(tracer.inputs))
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 40, 60)).astype(np.float32)
    with np.errstate(all="ignore"):
        for got, want in zip(compute(formula, x, y), formula(x, y), strict=True):
            agree = np.isclose(got, want, rtol=1e-4, atol=1e-4, equal_nan=True)
            assert agree.mean() > 0.98, str(formula)  # a comparison may turn on a last digit


def test_other_rooms_have_the_law():
    x = np.float32([0.5, -2])
    for room in ("textbook", "numpy"):
        with use(room):
            np.testing.assert_array_equal(kernel.pointwise(SUM, [x, x]), x + x)
