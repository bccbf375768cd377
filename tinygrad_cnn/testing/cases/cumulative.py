"""Running reductions: the law is the reduction of the first i elements."""

from __future__ import annotations

import math

import numpy as np

from . import Case

ZERO = np.array([[2.0, 0.0, 3.0], [0.0, 0.5, 0.0], [1.5, -2.0, 4.0]])
TIES = np.array([[1.0, 3.0, 3.0, 2.0], [4.0, 4.0, -1.0, -1.0]])


def running(formula):
    """A function of a list of numbers, applied to the first i of each slice along `dim`."""

    def scan(input, dim):
        if input.ndim == 0:
            return formula([input])
        return np.apply_along_axis(lambda x: np.array([formula(x[: i + 1]) for i in range(len(x))]), dim, input)

    return scan


def last_place(best):
    return lambda x: max(i for i, v in enumerate(x) if v == best(x))


CASES = [
    Case("cumsum", [(2, 3), 1], expected=running(sum)),
    Case("cumsum", [(2, 3, 2), -2], expected=running(sum)),
    Case("cumsum", [(), 0], expected=running(sum)),
    Case("cumprod", [(2, 3), 1], expected=running(math.prod)),
    Case("cumprod", [(3, 2), 0], expected=running(math.prod)),
    Case("cumprod", [(), 0], expected=running(math.prod)),
    Case("cumprod", [ZERO, 1], expected=running(math.prod), note="zeros"),
    Case("cummax", [(2, 4), 1], expected=lambda x, dim: (running(max)(x, dim), running(last_place(max))(x, dim))),
    Case("cummin", [(2, 4), 0], expected=lambda x, dim: (running(min)(x, dim), running(last_place(min))(x, dim))),
    Case("cummax", [TIES, 1], orders=0, note="ties",
         expected=lambda x, dim: (running(max)(x, dim), running(last_place(max))(x, dim))),
]  # fmt: skip
