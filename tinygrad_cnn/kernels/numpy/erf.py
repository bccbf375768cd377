"""The error function erf(x) = 2/√π ∫₀ˣ exp(-t²) dt, and erfc(x) = 1 - erf(x), which NumPy does not have.

Near 0 erf is a polynomial. Farther out erfc has the form of Shepherd and Laframboise (Mathematics of
Computation 36, 1981): exp(-x²) times a smooth function of x, which the map s = (x - 4)/(x + 3) brings from
[0.5, ∞) to [-1, 1), where it is a polynomial as well. Both were fitted in 50 digits, by Chebyshev interpolation.
In float64, erf is right to 2 units in the last place and erfc to 5 (on average half a unit); narrower dtypes
are computed in float64 and rounded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...arrays.formulas import primitive
from ...arrays.quiet import silent
from .. import in_numpy

MIDDLE = 0.5  # up to here erf is computed, from here on erfc
BEYOND = 28.0  # erfc is 0 from here on

# erf(x) / x as a polynomial of x², for |x| <= MIDDLE.
NEAR = (
    1.1283791670955126,
    -0.37612638903183476,
    0.11283791670925457,
    -0.026866170632921085,
    0.005223977373542183,
    -0.0008548297798086192,
    0.00012053337222877719,
    -1.4845900896375835e-05,
    1.4726381680017032e-06,
)

# (x + 3)·exp(x²)·erfc(x) as a polynomial of s = (x - 4)/(x + 3), for x >= MIDDLE.
FAR = (
    0.9589962033754297,
    -0.6277955952806215,
    0.3460562090899474,
    -0.15596654978029198,
    0.0541319082496085,
    -0.012338549339293858,
    0.000575279902887478,
    0.0007631143558469824,
    -0.00023152726656230457,
    -2.528629358207439e-05,
    2.7642784811204553e-05,
    -6.858062729764738e-07,
    -3.1790388431884694e-06,
    2.7801976897934924e-07,
    4.0843464428918565e-07,
    -3.9936462837542005e-08,
    -5.9387617561080265e-08,
    3.5659347723468817e-09,
    9.106288412622764e-09,
    -3.900054625217945e-11,
    -1.2429471011437762e-09,
    -2.976714047197926e-11,
    1.0385156848625515e-10,
)


@in_numpy
@primitive()
def erf(input: np.ndarray) -> np.ndarray:
    """2/√π ∫₀^input exp(-t²) dt, elementwise        any shape -> the same, in the same memory order"""
    return _in_float64(_erf, input)


@in_numpy
@primitive()
def erfc(input: np.ndarray) -> np.ndarray:
    """1 - erf(input), elementwise, also where that is tiny        any shape -> the same, in the same memory order"""
    return _in_float64(_erfc, input)


# The two forms are added, each times 0 where it does not hold: np.where would be slower than both.


def _erf(x: np.ndarray) -> np.ndarray:
    a = np.abs(x)
    near = a < MIDDLE
    return np.copysign(_near(a) * near + (1 - _far(a)) * ~near, x)


def _erfc(x: np.ndarray) -> np.ndarray:
    a, sign = np.abs(x), np.copysign(1.0, x)
    near = a < MIDDLE
    return (1 - sign * _near(a)) * near + ((1 - sign) + sign * _far(a)) * ~near


def _near(x: np.ndarray) -> np.ndarray:
    """erf(x) for 0 <= x <= MIDDLE."""
    x = np.minimum(x, MIDDLE)
    return x * _polynomial(NEAR, x * x)


def _far(x: np.ndarray) -> np.ndarray:
    """erfc(x) for x >= MIDDLE."""
    x = np.clip(x, MIDDLE, BEYOND)
    short = x.astype(np.float32).astype(np.float64)  # 24 bits, so that its square is exact
    rest = (short - x) * (short + x)  # at most 1e-4, so that three terms give its exponential
    gauss = np.exp(-short * short)
    gauss += gauss * (rest + rest * rest * (0.5 + rest / 6))  # exp(-x²)
    return gauss * _polynomial(FAR, (x - 4) / (x + 3)) / (x + 3)


def _polynomial(coefficients: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    """Σ coefficients[i]·xⁱ, by Horner's rule."""
    total = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total *= x
        total += c
    return total


@silent
def _in_float64(f: Callable[[np.ndarray], np.ndarray], input: np.ndarray) -> np.ndarray:
    """f in float64, over pieces that fit into the cache, whatever the dtype and the layout."""
    out = np.empty_like(input)
    with (
        np.nditer(
            [input, out],
            flags=["external_loop", "buffered", "zerosize_ok"],
            op_flags=[["readonly"], ["writeonly"]],
            op_dtypes=[np.float64, np.float64],
            casting="same_kind",
            buffersize=4096,
        ) as pieces,
    ):
        for x, y in pieces:
            y[...] = f(x)
    return out
