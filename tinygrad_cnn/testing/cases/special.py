"""Cases of ops/gamma.py and ops/special.py: the laws are sums of a thousand terms, and bisection."""

from __future__ import annotations

import math

import numpy as np

from . import Case, Positive, Probability, Unit
from .elementwise import each

FAR = 1000


def digamma(x):
    end = x + FAR
    return math.log(end) - 1 / (2 * end) - 1 / (12 * end**2) - math.fsum(1 / (x + k) for k in range(FAR))


def trigamma(x):
    end = x + FAR
    return 1 / end + 1 / (2 * end**2) + 1 / (6 * end**3) + math.fsum(1 / (x + k) ** 2 for k in range(FAR))


def erfinv(x):
    low, high = -6.0, 6.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < x else (low, middle)
    return low


def bessel(order, x):
    return math.fsum((x / 2) ** (2 * k + order) / math.factorial(k) / math.factorial(k + order) for k in range(60))


def held_logit(x, eps):
    x = min(max(x, eps), 1 - eps)
    return math.log(x / (1 - x))


CASES = [
    Case("lgamma", [Positive(2, 3)], expected=each(math.lgamma)),
    Case("lgamma", [np.array([-0.3, -1.6, 1.2, 7.5, 30.0])], expected=each(math.lgamma), orders=1),
    Case("digamma", [Positive(2, 3)], expected=each(digamma)),
    Case("digamma", [np.array([2.4, 8.5, 40.0])], expected=each(digamma)),
    Case("polygamma", [1, Positive(2, 3)], expected=lambda n, x: each(trigamma)(x)),
    Case("mvlgamma", [Positive(2, 3), 1], expected=lambda x, p: each(math.lgamma)(x)),
    Case("erfinv", [Unit(2, 3)], expected=each(erfinv)),
    Case("logit", [Probability(2, 3)], expected=each(lambda x: math.log(x / (1 - x)))),
    Case("logit", [Probability(2, 3)], dict(eps=0.3), expected=lambda x, eps: each(lambda v: held_logit(v, eps))(x)),
    Case("i0", [(2, 3)], expected=each(lambda x: bessel(0, x))),
    Case("bessel_i1", [(2, 3)], expected=each(lambda x: bessel(1, x))),
]
