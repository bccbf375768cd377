"""Arithmetic: the law is NumPy's own function, or the formula written out for one element."""

from __future__ import annotations

import math

import numpy as np

from . import Case, Positive, Unit

BOTH = [(2, 3), (3,)]
STEEP = np.array([[0.5, -1.5, 2.5], [3.0, -0.25, 1.0]])
GAPS = np.array([[1.5, np.nan, -np.inf], [np.inf, 0.0, -2.0]])
FILLED = np.array([[1.5, 7.0, -8.0], [8.0, 0.0, -2.0]])
MASK = np.array([[True, False, True], [False, False, True]])


def each(formula):
    """A function of numbers, made one of arrays."""
    return np.vectorize(formula, otypes=[float])


def clamp(input, min=None, max=None):
    low = -math.inf if min is None else min
    high = math.inf if max is None else max
    return each(lambda x, a, b: sorted((x, a, b))[1] if a <= b else b)(input, low, high)


CASES = [
    Case("add", BOTH, expected=np.add),
    Case("add", BOTH, {"alpha": 2.5}, expected=lambda a, b, alpha: a + alpha * b),
    Case("add", [(2, 3), 2.0], expected=np.add),
    Case("add", [(), ()], expected=np.add),
    Case("sub", [(2, 1, 3), (4, 1)], expected=np.subtract),
    Case("sub", [1.5, (2, 3)], expected=np.subtract),
    Case("sub", BOTH, {"alpha": -2.0}, expected=lambda a, b, alpha: a - alpha * b),
    Case("rsub", BOTH, {"alpha": 3.0}, expected=lambda a, b, alpha: b - alpha * a),
    Case("mul", BOTH, expected=np.multiply),
    Case("mul", [(1, 3), (2, 1)], expected=np.multiply),
    Case("mul", [(2, 0, 3), (3,)], expected=np.multiply),
    Case("neg", [(2, 3)], expected=np.negative),
    Case("div", [(2, 3), Positive(3)], expected=np.divide),
    Case("div", [2.0, Positive(2, 3)], expected=np.divide),
    Case("div", [(2, 3), 0.5], expected=np.divide),
    Case(
        "div", [(2, 3), Positive(3)], {"rounding_mode": "floor"}, expected=lambda a, b, rounding_mode: np.floor(a / b)
    ),
    Case(
        "div", [(2, 3), Positive(3)], {"rounding_mode": "trunc"}, expected=lambda a, b, rounding_mode: np.trunc(a / b)
    ),
    Case("floor_divide", [(2, 3), STEEP], expected=lambda a, b: np.floor(a / b)),
    Case("trunc_divide", [(2, 3), STEEP], expected=lambda a, b: np.trunc(a / b)),
    Case("remainder", [(2, 3), STEEP], expected=each(lambda a, b: a - b * math.floor(a / b))),
    Case("fmod", [(2, 3), STEEP], expected=each(math.fmod)),
    Case("pow", [(2, 3), 3], expected=lambda x, e: x * x * x),
    Case("pow", [(2, 3), 2.0], expected=lambda x, e: x * x),
    Case("pow", [Positive(2, 3), -0.5], expected=lambda x, e: 1 / np.sqrt(x)),
    Case("pow", [Positive(2, 3), (3,)], expected=lambda x, e: np.exp(e * np.log(x))),
    Case("pow", [2.0, (2, 3)], expected=lambda x, e: np.exp2(e)),
    Case("pow", [(2, 3), 0], expected=lambda x, e: np.ones_like(x)),
    Case("where", [MASK, (2, 3), (3,)], expected=lambda c, a, b: c * a + ~c * b),
    Case("where", [MASK[0], (2, 3), 1.0], expected=lambda c, a, b: c * a + ~c * b),
    Case("maximum", BOTH, expected=each(max)),
    Case("minimum", BOTH, expected=each(min)),
    Case("fmax", BOTH, expected=each(max)),
    Case("fmin", BOTH, expected=each(min)),
    Case("clamp", [(2, 3), -0.5, 0.7], expected=clamp),
    Case("clamp", [(2, 3)], {"max": 0.7}, expected=clamp),
    Case("clamp", [(2, 3), (3,), 1.1], expected=clamp),
    Case("clamp", [(2, 3), (3,), (2, 1)], expected=clamp),
    Case("clip", [(2, 3)], {"min": -0.2}, expected=clamp),
    Case("nan_to_num", [GAPS, 7.0, 8.0, -8.0], orders=0, expected=lambda *_: FILLED),
    Case("nan_to_num", [(2, 3)], expected=lambda x: x),
    Case("atan2", [(2, 3), STEEP], expected=each(math.atan2)),
    Case("hypot", BOTH, expected=each(math.hypot)),
    Case("logaddexp", BOTH, expected=lambda a, b: np.log(np.exp(a) + np.exp(b))),
    Case("xlogy", [(2, 3), Positive(3)], expected=lambda a, b: a * np.log(b)),
    Case("lerp", [(2, 3), (2, 3), Unit(3)], expected=lambda a, b, w: (1 - w) * a + w * b),
    Case("lerp", [(2, 3), (3,), 0.75], expected=lambda a, b, w: (1 - w) * a + w * b),
    Case("addcmul", [(2, 3), (3,), (2, 1)], {"value": 0.5}, expected=lambda a, b, c, value: a + value * b * c),
    Case("addcdiv", [(2, 3), (3,), Positive(2, 1)], {"value": 0.5}, expected=lambda a, b, c, value: a + value * b / c),
]
