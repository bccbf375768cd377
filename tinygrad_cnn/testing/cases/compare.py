"""Comparisons: the law is Python's operator, number by number."""

from __future__ import annotations

import operator

import numpy as np

from . import Case

A = np.array([[1.0, -2.0, np.nan], [np.inf, 0.0, -0.0]])
B = np.array([1.0, -1.0, np.nan])
I, J = np.array([[6, -3, 0], [12, 7, 1]]), np.array([3, 1, 2])
P, Q = np.array([[True, False], [False, True]]), np.array([True, False])


def case(op, inputs, formula, kind=bool):
    quietly = np.errstate(invalid="ignore")  # NaN is among them
    return Case(op, inputs, expected=quietly(np.vectorize(formula, otypes=[kind])), orders=0)


def reduction(op, formula):
    def expected(input, dim=None, keepdim=False):
        return formula.reduce(input != 0, axis=dim, keepdims=keepdim)

    return [
        Case(op, [A], expected=expected, orders=0),
        Case(op, [I, 1], expected=expected, orders=0),
        Case(op, [P], {"dim": -1, "keepdim": True}, expected=expected, orders=0),
        Case(op, [I], {"dim": (0, 1)}, expected=expected, orders=0),
    ]


CASES = [
    *[case(name, [A, B], getattr(operator, name)) for name in ("eq", "ne", "lt", "le", "gt", "ge")],
    case("eq", [A, 1], operator.eq),
    case("lt", [I, 6.5], operator.lt),
    case("gt", [P, Q], operator.gt),
    case("logical_and", [I, P[:, :1]], lambda a, b: bool(a) and bool(b)),
    case("logical_or", [A, I], lambda a, b: bool(a) or bool(b)),
    case("logical_xor", [P, Q], operator.xor),
    case("logical_not", [A], operator.not_),
    case("bitwise_and", [I, J], operator.and_, int),
    case("bitwise_or", [I, 5], operator.or_, int),
    case("bitwise_xor", [P, Q], operator.xor),
    case("bitwise_left_shift", [I, J], operator.lshift, int),
    case("bitwise_right_shift", [I, J], operator.rshift, int),
    case("bitwise_not", [I], operator.invert, int),
    case("bitwise_not", [P], operator.not_),
    case("isnan", [A], lambda x: x != x),
    case("isinf", [A], lambda x: abs(x) == np.inf),
    case("isposinf", [A], lambda x: x == np.inf),
    case("isneginf", [-A], lambda x: x == -np.inf),
    case("isfinite", [A], lambda x: x - x == 0),
    case("signbit", [A], lambda x: str(x).startswith("-")),
    case("isclose", [A, A + 1e-9], lambda a, b: abs(a - b) <= 1e-5 or a == b),
    *reduction("all", np.logical_and),
    *reduction("any", np.logical_or),
]
