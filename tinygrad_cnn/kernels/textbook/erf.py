"""The error function and what it lacks to 1, one number at a time, from Python's own library."""

from __future__ import annotations

import math

import numpy as np

from .. import law


@law
def erf(input):
    """2/√π ∫₀^input exp(-t²) dt, elementwise        any shape -> the same

    >>> erf(np.array([-np.inf, 0.0, 1.0]))
    array([-1.        ,  0.        ,  0.84270079])
    """
    out = np.zeros_like(input)
    for at in np.ndindex(input.shape):
        out[at] = math.erf(input[at])
    return out


@law
def erfc(input):
    """1 - erf(input), elementwise, also where that is tiny        any shape -> the same

    >>> erfc(np.array([0.0, 1.0, 10.0]))
    array([1.00000000e+00, 1.57299207e-01, 2.08848758e-45])
    """
    out = np.zeros_like(input)
    for at in np.ndindex(input.shape):
        out[at] = math.erfc(input[at])
    return out
