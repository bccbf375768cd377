"""Sums and other reductions over axes, and sums by place: each number is added where it belongs.

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
def fold(input, how, axes, keepdims):
    """The sum, squares (their sum), prod, max or min over these axes        any shape -> as of `sum`

    >>> x = np.float32([[1, 2, 3], [4, 5, 6]])
    >>> fold(x, "squares", (0,), False), fold(x, "prod", (1,), True), fold(x, "max", (0, 1), False)
    (array([17., 29., 45.], dtype=float32), array([[  6.],
           [120.]], dtype=float32), array(6., dtype=float32))
    """
    step = {
        "sum": lambda so_far, value: so_far + value,
        "squares": lambda so_far, value: so_far + value * value,
        "prod": lambda so_far, value: so_far * value,
        "max": lambda so_far, value: value if value > so_far or np.isnan(value) else so_far,
        "min": lambda so_far, value: value if value < so_far or np.isnan(value) else so_far,
    }[how]
    nothing = {"prod": 1, "max": -np.inf, "min": np.inf}.get(how, 0)
    out = np.full([1 if axis in axes else n for axis, n in enumerate(input.shape)], nothing, _wide(input.dtype))
    for at in np.ndindex(input.shape):
        to = tuple(0 if axis in axes else k for axis, k in enumerate(at))
        out[to] = step(out[to], out.dtype.type(input[at]))
    out = out.astype(input.dtype)
    return out if keepdims else out.squeeze(axes)


@law
def variance(input, axes, freedom, root, keepdims):
    """Σ (input - mean)² / freedom over these axes, or its root        any shape -> as of `sum`

    >>> variance(np.float32([[1, 3], [2, 6]]), (1,), 1, False, False)
    array([2., 8.], dtype=float32)
    """
    x = np.moveaxis(input, axes, range(len(axes))).astype(_wide(input.dtype))
    x = x.reshape(-1, *x.shape[len(axes) :])
    mean = np.add.reduce(x, axis=0) / len(x)
    found = np.add.reduce((x - mean) ** 2, axis=0) / freedom
    found = np.asarray(np.sqrt(found) if root else found, input.dtype)
    return np.expand_dims(found, axes) if keepdims else found


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
