"""Elementwise ops and their rules on big arrays: one loop each, with the numbers of NumPy."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.arrays.formulas import trace_call
from tinygrad_cnn.engine.call import registry
from tinygrad_cnn.engine.op import parameters_of
from tinygrad_cnn.kernels import at_once, kernel, use
from tinygrad_cnn.nn import functional as F

X = np.float32([-2, -0.5, 0, 0.5, 3])
POINTWISE = {name: call.op for name, call in registry.items() if call.op.pointwise and not call.op.keeps}  # no losses
WITHOUT = {  # whose functions are not made of what formulas are made of: ufuncs of NumPy's own, series, integers
    *"trunc_divide floor_divide remainder fmod atan2 hypot logaddexp logaddexp2 xlogy".split(),
    *"digamma lgamma _polygamma erfinv i0 bessel_i1".split(),
    *(f"bitwise_{word}" for word in ("and", "or", "xor", "left_shift", "right_shift")),
    *("gcd", "lcm"),
}


def arguments(op, names):
    """Arrays for its inputs and its result, its defaults for the others."""
    known = {"p": 0.5, **op.defaults}
    return tuple(X > 0 if n == "condition" else X if n in (*op.inputs, "g", "out") else known.get(n, X) for n in names)


@pytest.mark.parametrize("name", sorted(set(POINTWISE) - WITHOUT))
def test_functions_and_rules_have_formulas(name):
    op = POINTWISE[name]
    args = arguments(op, op.parameters)
    agree(op.forward, (X, 2.0) if name == "pow" else (X, -1.0, 1.0) if name == "clamp" else args)
    for rule in filter(None, op.rules.values()):
        names = parameters_of(rule).names
        args = arguments(op, names)
        if name == "pow":
            args = tuple(2.0 if n == "exponent" else a for n, a in zip(names, args))
        if rule is not op.rules.get("exponent"):  # a power has a formula where the exponent is a number
            agree(rule, args)


def agree(f, args):
    with np.errstate(all="ignore"):
        want = f(*args)
        if want is not None:
            got = trace_call(f, args)(*[a for a in args if isinstance(a, np.ndarray)])
            np.testing.assert_allclose(np.broadcast_to(got, X.shape), want, rtol=1e-5)


def step(f, room, *shapes):
    """The result of a function of tensors and the gradients of its mean."""
    rng = np.random.default_rng(0)
    with use(room):
        xs = [tg.tensor(rng.standard_normal(shape).astype(np.float32), requires_grad=True) for shape in shapes]
        out = f(*xs)
        out.mean().backward()  # an expanded gradient
        return [out.detach().numpy(), *[x.grad.numpy() for x in xs]]


BIG = (3, 8, 70, 70)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (lambda x: tg.tanh(F.gelu(x)) * tg.sigmoid(F.silu(x)), [BIG]),
        (lambda x, y: tg.where(x > y, x * y, x / (y * y + 1)), [BIG, (8, 1, 1)]),
        (lambda x, y: tg.clamp(x.permute(0, 2, 3, 1) - y, -1, 1) ** 2, [BIG, (8,)]),
        (lambda x: tg.exp(x).transpose(1, 3) + 1, [BIG]),
    ],
)
def test_big_arrays_go_through_loops(f, shapes, monkeypatch):
    called = []
    counting = lambda *args: called.append(1) or kernel.pointwise(*args)
    monkeypatch.setattr(at_once, "kernel", SimpleNamespace(pointwise=counting))
    found = step(f, "fast", *shapes)
    assert len(called) >= 3
    for got, want in zip(found, step(f, "numpy", *shapes), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-9)


def test_shapes_that_do_not_fit_are_refused_as_ever():
    x = tg.zeros(300, 300)
    with pytest.raises(RuntimeError, match=r"mul: shapes \(300, 300\) and \(7,\) do not broadcast"):
        x * tg.zeros(7)
    with pytest.raises(RuntimeError, match="where: shapes"):
        tg.where(x > 0, x, tg.zeros(7))


def test_what_has_no_formula_is_computed_as_ever():
    x = tg.full((300, 300), 2.0)
    assert (x**1.5)[0, 0].item() == np.float32(2) ** np.float32(1.5)
    assert (x.double() * 3)[0, 0].item() == 6.0
    assert (x.long() * 3)[0, 0].item() == 6
    assert tg.maximum(x, tg.tensor(5)).dtype == tg.float32
