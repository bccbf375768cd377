"""Functions of one number: the law is Python's math module, number by number."""

from __future__ import annotations

import math

import numpy as np

from . import Case, Draw, Positive, Unit
from .elementwise import each


class AboveOne(Draw):
    """Uniform in [1.2, 3.2)."""

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(1.2, 3.2, self.shape)


def case(op, formula, draw=None, **attributes):
    return Case(op, [(2, 3) if draw is None else draw(2, 3)], attributes, expected=each(formula))


CASES = [
    case("square", lambda x: x**2),
    case("reciprocal", lambda x: 1 / x, Positive),
    case("sqrt", math.sqrt, Positive),
    case("rsqrt", lambda x: 1 / math.sqrt(x), Positive),
    case("exp", math.exp),
    case("exp2", lambda x: 2**x),
    case("expm1", math.expm1),
    case("log", math.log, Positive),
    case("log2", math.log2, Positive),
    case("log10", math.log10, Positive),
    case("log1p", math.log1p, Unit),
    case("sign", lambda x: math.copysign(1, x)),
    case("abs", abs),
    case("floor", math.floor),
    case("ceil", math.ceil),
    case("trunc", math.trunc),
    case("round", round),
    case("round", lambda x, decimals: round(x, decimals), decimals=1),
    case("frac", lambda x: math.modf(x)[0]),
    case("sin", math.sin),
    case("cos", math.cos),
    case("tan", math.tan, Unit),
    case("asin", math.asin, Unit),
    case("acos", math.acos, Unit),
    case("atan", math.atan),
    case("sinc", lambda x: math.sin(math.pi * x) / (math.pi * x)),
    case("sinh", math.sinh),
    case("cosh", math.cosh),
    case("tanh", math.tanh),
    case("asinh", math.asinh),
    case("acosh", math.acosh, AboveOne),
    case("atanh", math.atanh, Unit),
    case("erf", math.erf),
    case("erfc", math.erfc),
]
