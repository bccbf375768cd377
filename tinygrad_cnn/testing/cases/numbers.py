"""Cases of ops/numbers.py, logarithms.py, distance.py, products.py and stacks.py: the law is NumPy's, or two loops."""

from __future__ import annotations

import math

import numpy as np

from . import Case
from .cumulative import running


def pairs(x, y, p=2, **_):
    return np.array([[np.linalg.norm(a - b, p) for b in y] for a in x])


def np_renorm(x, p, dim, maxnorm):
    return np.array([row * min(1, maxnorm / (np.linalg.norm(row, p) + 1e-7)) for row in x])


CASES = [
    Case("copysign", [(2, 3), (2, 3)], expected=np.copysign),
    Case("ldexp", [(2, 3), (3,)], expected=lambda x, n: x * 2**n),
    Case("frexp", [(2, 3)], expected=np.frexp, orders=1),
    Case("nextafter", [(2, 3), (3,)], expected=np.nextafter),
    Case("angle", [(2, 3)], expected=np.angle),
    Case("deg2rad", [(2, 3)], expected=np.deg2rad),
    Case("gcd", [np.array([12, -18, 0]), np.array([8, 12, 5])], orders=0, expected=np.gcd),
    Case("logaddexp2", [(2, 3), (3,)], expected=np.logaddexp2),
    Case("logcumsumexp", [(2, 3), 1], expected=running(lambda x: math.log(sum(map(math.exp, x))))),
    *(Case("cdist", [(3, 2), (4, 2), p], expected=pairs) for p in (1.0, 1.5, 2.0, 3.0, math.inf)),
    Case("cdist", [(3, 2), (4, 2)], dict(compute_mode="use_mm_for_euclid_dist"), expected=pairs),
    Case("renorm", [(3, 2), 2, 0, 1.0], expected=np_renorm),
    Case("kron", [(2, 2), (3,)], expected=np.kron),
    Case("addr", [(2, 3), (2,), (3,)], dict(beta=2.0, alpha=0.5),
         expected=lambda x, a, b, beta, alpha: beta * x + alpha * np.outer(a, b)),
    Case("vander", [(3,)], expected=np.vander),
    Case("diag_embed", [(2, 3)], dict(offset=1), expected=lambda x, offset: np.array([np.diag(row, 1) for row in x])),
]  # fmt: skip
