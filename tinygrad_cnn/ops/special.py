"""Functions of one number with names of their own: the inverses of erf and of the sigmoid, Bessel's of order 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.gamma import PI, polynomial, widely
from ..arrays.types import Array
from ..engine.call import op
from ..kernels import kernel
from .choice import where
from .compare import eq, ge, le, logical_and
from .declared import appears
from .elementwise import divide
from .unary import exp, real

# The inverse of erf.


@appears("function out method in_place")
@op(pointwise=True)
def erfinv(input: Array) -> Array:
    """The y with erf(y) = input; ±inf at ±1, NaN beyond.

    Three steps of Halley's iteration from a first guess that is right to 2 ‰ (Winitzki 2008, A handy approximation for
    the error function and its inverse); each triples the digits.

    >>> import tinygrad_cnn as tg
    >>> tg.erfinv(tg.tensor([0.0, -1.0, 2.0])).tolist(), round(tg.erfinv(tg.tensor(0.5)).item(), 4)
    ([0.0, -inf, nan], 0.4769)
    """
    return widely(_erfinv, real(input))


def _erfinv(x: np.ndarray) -> np.ndarray:
    y = np.abs(x)
    a, half = 0.147, np.log1p(-y * y) / 2
    b = 2 / (math.pi * a) + half
    root = np.sqrt(b * b - 2 * half / a)
    guess = np.sqrt(np.where(b > 0, -2 * half / a / (root + b), root - b))
    inside = (y > 0) & (y < 1)
    guess, y = guess[inside], y[inside]
    near = y < 0.95
    for _ in range(3):
        guess = guess.astype(np.float64).astype(y.dtype)  # as the kernel sees it
        wrong = 1 - y  # erfc, where erf is so near to 1 that it has lost its digits
        wrong[~near] -= kernel.erfc(guess[~near].astype(np.float64))
        wrong[near] = _erf(guess[near]) - y[near]
        step = wrong * np.sqrt(y.dtype.type(PI)) / 2 * np.exp(guess * guess)
        guess -= step / (1 + guess * step)
    out = np.where(np.abs(x) == 1, np.inf, np.where(x == 0, 0, np.nan)).astype(x.dtype)
    out[inside] = guess
    return np.copysign(out, x)


def _erf(y: np.ndarray) -> np.ndarray:
    """2/√π·e^(-y²)·Σ 2^k·y^(2k + 1) / (1·3···(2k + 1)) for y up to 1.4, in the dtype of y (A&S 7.1.6)."""
    terms = [y.dtype.type(1)]
    for k in range(1, 32):
        terms.append(terms[-1] * 2 / (2 * k + 1))
    square = y * y
    return 2 / np.sqrt(y.dtype.type(PI)) * np.exp(-square) * y * polynomial(square, terms)


erfinv.grad(input=lambda g, out: g * exp(out * out) * (math.sqrt(math.pi) / 2))
erfinv.explain("The slope of an inverse is one over the slope: √π/2 · e^(y²).")


# The inverse of the sigmoid.


@appears("function out method in_place function_")
@op(pointwise=True)
def logit(input: Array, eps: float | None = None) -> Array:
    """ln(input / (1 - input)), the inverse of sigmoid; with eps, input is held between eps and 1 - eps first.

    Without eps ±inf at 1 and 0, NaN beyond. What was held has no gradient.

    >>> import tinygrad_cnn as tg
    >>> tg.logit(tg.tensor([0.5, 1.0])).tolist(), tg.logit(tg.tensor([0.0, 1.0]), eps=0.5).tolist()
    ([0.0, inf], [0.0, 0.0])
    """
    x = real(input)
    if eps is not None:
        low, high = x.dtype.type(eps), x.dtype.type(1) - x.dtype.type(eps)
        x = np.where(x < low, low, np.where(x > high, high, x))
    return np.log(x / (1 - x))


def _logit_back(g: Any, input: Any, eps: float | None) -> Any:
    slope = divide(g, input * (1 - input))
    if eps is None:
        return where(logical_and(ge(input, 0), le(input, 1)), slope, math.nan)
    return where(logical_and(ge(input, eps), le(input, 1 - eps)), slope, 0)


logit.grad(input=_logit_back)
logit.explain(
    "The slope is 1 / (x·(1 - x)): steep near 0 and 1.",
    zero="it was held at eps or 1 - eps",
    input=lambda eps=None: "g / (input · (1 − input))" + ("" if eps is None else " · [eps ≤ input ≤ 1 − eps]"),
)


# Bessel's functions of an imaginary number.


@appears("function out method in_place function_")
@op(pointwise=True)
def i0(input: Array) -> Array:
    """Bessel's modified function of order 0: Σ (x²/4)^k / k!² over k = 0, 1, ... (A&S 9.6.12)

    >>> import tinygrad_cnn as tg
    >>> [f"{v:.4f}" for v in tg.i0(tg.tensor([0.0, 1.0, -1.0])).tolist()]
    ['1.0000', '1.2661', '1.2661']
    """
    return widely(lambda x: _bessel(x, 0), real(input))


i0.grad(input=lambda g, input: g * bessel_i1(input))
i0.explain("The slope of Bessel's function of order 0 is that of order 1.")


@op(pointwise=True)
def bessel_i1(input: Array) -> Array:
    """Bessel's modified function of order 1, which i0 is differentiated to."""
    return widely(lambda x: _bessel(x, 1), real(input))


def _bessel_i1_back(g: Any, input: Any) -> Any:
    origin = eq(input, 0)
    return g * (i0(input) - where(origin, 0.5, bessel_i1(input) / where(origin, 1, input)))


bessel_i1.grad(input=_bessel_i1_back)
bessel_i1.explain(
    "The slope of Bessel's function of order 1, by that of order 0.", input="g · (i0(input) − bessel_i1(input) / input)"
)


def _bessel(x: np.ndarray, order: int) -> np.ndarray:
    """I of order 0 or 1: the sum of a series near 0, Hankel's far from it (A&S 9.7.1). All terms are positive."""
    y = np.abs(x)

    def near(y: np.ndarray) -> np.ndarray:
        terms, c = [], y.dtype.type(1)
        for k in range(1, 70):
            terms.append(c)
            c = c / (k * (k + order))
        return polynomial(y * y / 4, terms) * (y / 2 if order else 1)

    def far(y: np.ndarray) -> np.ndarray:
        terms, c = [], y.dtype.type(1)
        for k in range(1, 30):
            terms.append(c)
            c = -c * (4 * order - (2 * k - 1) ** 2) / (8 * k)
        half = np.exp(y / 2)  # twice, for the whole may be beyond the range
        return polynomial(1 / y, terms) / np.sqrt(2 * y.dtype.type(PI) * y) * half * half

    out = np.piecewise(y, [y < 25, y >= 25], [near, far, np.nan])
    return np.copysign(out, x) if order else out
