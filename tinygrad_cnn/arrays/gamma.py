"""The logarithm of the gamma function and its derivatives: NumPy has none of them.

All of it comes from three formulas of Abramowitz and Stegun (Handbook of Mathematical Functions, 1964): Stirling's
series far from zero (6.1.41, 6.3.18), Taylor's near 1 and 2, whose coefficients are values of Hurwitz's zeta function
(6.1.33, 6.4.9), and the reflection of negative numbers (6.1.17, 6.3.7, 6.4.7). Between them a recurrence leads, in the
direction in which nothing cancels. Taylor's series are about the zeros, near which all digits would be lost otherwise.

Everything is computed in the dtype that x has. `widely` lets that be wider than the result's, so that rounding errors
stay behind its last digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

# With more digits than any dtype has.
PI = "3.14159265358979323846264338327950288"
EULER = "0.577215664901532860606512090082402431"  # γ
ROOT = 1.4616321449683622, "9.5499954299656972573396858468204061e-17"  # where digamma is 0: this sum
BERNOULLI = ((1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510), (43867, 798),
             (-174611, 330))  # fmt: skip
FAR = 9  # from here on Stirling's series has all digits

WIDER = {np.dtype(np.float32): np.float64, np.dtype(np.float64): np.longdouble}


def widely(f: Callable, x: np.ndarray) -> np.ndarray:
    """f(x), computed in the next wider dtype, if this machine has one."""
    return f(x.reshape(-1).astype(WIDER[x.dtype])).astype(x.dtype).reshape(x.shape)


def polynomial(x: np.ndarray, coefficients: Sequence) -> np.ndarray:
    """c0 + c1·x + c2·x² + ..., by Horner's rule."""
    out = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        out *= x
        out += c
    return out


def zeta(s: int, q: np.ndarray) -> np.ndarray:
    """Hurwitz's Σ (q + k)^-s over k = 0, 1, ... for s >= 2, q >= 0: some terms, and Euler and Maclaurin's rest.

    (A&S 23.1.30.) They are added up from the smallest.
    """
    n = max(10, s)
    end = q + n
    factor, powers = s, end ** (-s - 1)
    rest = np.zeros_like(end)
    for j, b in enumerate(_bernoulli(q.dtype), 1):
        rest += b / math.factorial(2 * j) * factor * powers
        factor *= (s + 2 * j - 1) * (s + 2 * j)
        powers = powers / (end * end)
    total = rest + end**-s / 2 + end ** (1 - s) / (s - 1)
    for k in reversed(range(n)):
        total += (q + k) ** -s
    return total


@cache
def _bernoulli(dtype: np.dtype) -> list:
    """B2, B4, ..."""
    return [dtype.type(a) / b for a, b in BERNOULLI]


@cache
def _series(about: float, terms: int, dtype: np.dtype) -> list:
    """±ζ(k, about) for k = 2, 3, ...: the derivatives of digamma there, over k!; about 0 stands for the root."""
    q = np.array([about], dtype) if about else np.array(ROOT, dtype).sum(keepdims=True)
    return [(-1) ** k * zeta(k, q)[0] for k in range(2, terms)]


@cache
def _integral(about: int, terms: int, dtype: np.dtype) -> list:
    """The series of ln Γ(about + z) / z, about 1 or 2, where digamma is -γ or 1 - γ."""
    return [about - 1 - dtype.type(EULER), *[c / k for k, c in enumerate(_series(about, terms, dtype), 2)]]


# Where |z| <= ½, so many terms have all digits: the series about 1 converges for |z| < 1, that about 2 for |z| < 2.


def _about_1(z: np.ndarray) -> np.ndarray:
    """ln Γ(1 + z)"""
    return z * polynomial(z, _integral(1, 62, z.dtype))


def _about_2(z: np.ndarray) -> np.ndarray:
    """ln Γ(2 + z)"""
    return z * polynomial(z, _integral(2, 34, z.dtype))


def _below(y: np.ndarray) -> np.ndarray:
    """ln Γ(y) for 1½ <= y < FAR: that of a number near 2, and the logarithm of the factors between them."""
    steps = np.floor(y - 1.5)
    factors = np.ones_like(y)
    for j in range(1, FAR):
        factors *= np.where(j <= steps, y - j, 1)
    return np.log(factors) + _about_2(y - steps - 2)


def _stirling(y: np.ndarray) -> np.ndarray:
    terms = [b / (2 * k * (2 * k - 1)) for k, b in enumerate(_bernoulli(y.dtype), 1)]
    rest = polynomial(1 / (y * y), terms) / y + (np.log(2 * y.dtype.type(PI)) - 1) / 2
    return (y - 0.5) * (np.log(y) - 1) + rest


def _turn(x: np.ndarray) -> np.ndarray:
    """π times the way of x from the nearest integer, which is exact: its sin is ±sin(πx), its tan is tan(πx)."""
    return (x - np.round(x)) * x.dtype.type(PI)


def log_gamma(x: np.ndarray) -> np.ndarray:
    """ln |Γ(x)|; infinite at 0, -1, -2, ..."""
    y = np.abs(x)
    out = np.piecewise(
        y,
        [y < 0.5, (y >= 0.5) & (y < 1.5), (y >= 1.5) & (y < FAR), y >= FAR],
        [np.nan, lambda y: _about_1(y - 1), _below, _stirling, np.nan],
    )
    near = y < 0.5
    out[near] = _about_1(x[near]) - np.log(y[near])
    left = (x <= -0.5) & np.isfinite(x)
    out[left] = np.log(x.dtype.type(PI) / (y[left] * np.abs(np.sin(_turn(y[left]))))) - out[left]
    return out


def _digamma(y: np.ndarray) -> np.ndarray:
    """digamma of what is not negative."""

    def about_root(y: np.ndarray) -> np.ndarray:
        t = (y - ROOT[0]) - y.dtype.type(ROOT[1])
        return t * polynomial(t, _series(0, 50, y.dtype))

    def below(y: np.ndarray) -> np.ndarray:
        steps, out = np.floor(y) - 1, np.zeros_like(y)
        for j in range(1, FAR):
            out += np.where(j <= steps, 1 / (y - j), 0)
        return out + about_root(y - steps)

    def far(y: np.ndarray) -> np.ndarray:
        terms = [b / (2 * k) for k, b in enumerate(_bernoulli(y.dtype), 1)]
        square = 1 / (y * y)
        return np.log(y) - (0.5 / y + square * polynomial(square, terms))

    regions = [y < 1, (y >= 1) & (y < 2), (y >= 2) & (y < FAR), y >= FAR]
    return np.piecewise(y, regions, [lambda y: about_root(y + 1) - 1 / y, about_root, below, far, np.nan])


def digamma(x: np.ndarray) -> np.ndarray:
    """The derivative of ln Γ(x); -inf at 0 (inf at -0.0), NaN at -1, -2, ..."""
    out = _digamma(np.where(x < 0, 1 - x, x))
    left = x < 0
    y = -x[left]
    turn = _turn(y)
    out[left] = np.where(turn == 0, np.nan, out[left] + x.dtype.type(PI) / np.tan(turn))
    return np.where(x == 0, np.copysign(np.inf, -x), out)


def polygamma(n: int, x: np.ndarray) -> np.ndarray:
    """The n-th derivative of digamma; infinite at 0, -1, -2, ..."""
    if n == 0:
        return digamma(x)
    sign = (-1.0) ** (n + 1)
    left = x < 0
    out = np.asarray(sign * math.factorial(n) * zeta(n + 1, np.where(left, 1 - x, x)))
    turn = _turn(x[left])
    cot = 1 / np.tan(turn)
    reflected = -sign * out[left] - x.dtype.type(PI) ** (n + 1) * polynomial(cot, _of_cot(n))
    out[left] = np.where(turn == 0, sign * np.inf, reflected)
    return out


def _of_cot(n: int) -> tuple[float, ...]:
    """The n-th derivative of cot, as a polynomial in cot: cot' = -(1 + cot²)."""
    found = [0.0, 1.0]
    for _ in range(n):
        slope = [k * c for k, c in enumerate(found)][1:]
        found = [-(a + b) for a, b in zip([*slope, 0.0, 0.0], [0.0, 0.0, *slope], strict=True)]
    return tuple(found)
