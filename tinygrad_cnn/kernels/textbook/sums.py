"""Sums over axes, and sums by place: each number is added where it belongs.

Floating numbers are added up in double precision, so that no digits are lost however many there are.
"""

from __future__ import annotations

import numpy as np

from .. import law


@law
def sum(input, axes, keepdims):
    """Σ input over these axes        any shape -> the same without them, or with length 1 under keepdims

    >>> sum(np.full((1_000, 2), 0.1, np.float32), (0,), False)
    array([100., 100.], dtype=float32)
    """
    out = np.zeros([1 if axis in axes else n for axis, n in enumerate(input.shape)], _wide(input.dtype))
    for at in np.ndindex(input.shape):
        out[tuple(0 if axis in axes else k for axis, k in enumerate(at))] += input[at]
    out = out if input.dtype.kind not in "fc" else out.astype(input.dtype)
    return out if keepdims else out.squeeze(axes)


@law
def sums_at(values, places, count):
    """Σ values[i] over all i with places[i] = k        (n, ...) ints (n,) -> (count, ...)

    >>> sums_at(np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), 3)
    array([2., 0., 5.])
    """
    out = np.zeros((count, *values.shape[1:]), _wide(values.dtype))
    for value, k in zip(values, places, strict=True):
        out[k] += value
    return out.astype(values.dtype)


def _wide(dtype):
    """What to add up in: float64 for floats, complex128 for complex numbers, 64 bits for integers, as NumPy does."""
    return np.result_type(dtype, np.float64) if dtype.kind in "fc" else np.zeros(0, dtype).sum().dtype
