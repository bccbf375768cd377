"""Any formula, and ReLU with its gradient from nothing but its output: one number at a time."""

from __future__ import annotations

import numpy as np

from .. import law


@law
def pointwise(formula, arrays):
    """formula(*arrays), elementwise        shapes that broadcast -> the broadcast one, as many as it has outputs

    >>> from tinygrad_cnn.arrays.formulas import trace
    >>> pointwise(trace(lambda x, y: x * y + 1, "ff"), [np.ones((2, 1), np.float32), np.float32([1, 2])])
    array([[2., 3.],
           [2., 3.]], dtype=float32)
    """
    arrays = np.broadcast_arrays(*arrays)
    outs = tuple(np.empty(arrays[0].shape, "f4" if kind == "f" else bool) for kind in formula.output_kinds)
    for at in np.ndindex(arrays[0].shape):
        found = formula(*(a[at] for a in arrays))
        for out, value in zip(outs, found if len(outs) > 1 else (found,), strict=True):
            out[at] = value
    return outs if len(outs) > 1 else outs[0]


@law
def total(formula, arrays, divisor):
    """Σ formula(*arrays) / divisor, added up in float64 and rounded once        shapes that broadcast -> ()

    >>> from tinygrad_cnn.arrays.formulas import trace
    >>> print(total(trace(lambda x: x * x, "f"), [np.float32([1, 2, 4])], 3))
    7.0
    """
    summed = 0.0
    for value in pointwise(formula, arrays).flat:
        summed += float(value)
    return np.asarray(np.float64(summed) / divisor, np.float32)


@law
def relu(input):
    """max(input, 0), elementwise; NaN stays NaN        any shape -> the same

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    out = np.zeros_like(input)
    for at in np.ndindex(input.shape):
        if not input[at] <= 0:
            out[at] = input[at]
    return out


@law
def relu_mask(grad, out):
    """grad, but 0 where out <= 0 (even where grad is infinite or NaN)        two equal shapes -> the same

    As in PyTorch a NaN lets its gradient pass: nothing is known of it, so nothing may be hidden.

    >>> relu_mask(np.array([1.0, 2.0, np.inf]), np.array([0.0, 3.0, 0.0]))
    array([0., 2., 0.])
    """
    masked = np.zeros_like(grad)
    for at in np.ndindex(grad.shape):
        if not out[at] <= 0:
            masked[at] = grad[at]
    return masked
