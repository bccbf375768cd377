"""Matrix products, and the affine map of a fully connected layer: each number is a row times a column.

I and O are the input and output features; any axes may stand before them.
"""

from __future__ import annotations

import numpy as np

from .. import law


@law
def matmul(input, other):
    """Σ input[...,n,k]·other[...,k,m]        (..., N, K) (..., K, M) -> (..., N, M)

    The axes before are broadcast. A vector on the left is one row, on the right one column, and has no axis in the
    result.

    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    if not (input.ndim and other.ndim) or input.shape[-1] != other.shape[-2:][0]:
        raise ValueError(f"matmul: rows of {input.shape} do not fit columns of {other.shape}")
    rows = input if input.ndim > 1 else input[None]
    columns = np.swapaxes(other, -1, -2) if other.ndim > 1 else other[None]  # (..., M, K)
    before = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    rows = np.broadcast_to(rows, before + rows.shape[-2:])
    columns = np.broadcast_to(columns, before + columns.shape[-2:])
    out = np.zeros((*before, rows.shape[-2], columns.shape[-2]), np.result_type(input, other))
    for at in np.ndindex(out.shape):
        row, column = at[:-1], (*at[:-2], at[-1])
        out[at] = np.sum(rows[row] * columns[column])
    vectors = [axis for axis, x in ((-2, input), (-1, other)) if x.ndim == 1]
    return out.squeeze(tuple(vectors))


@law
def linear(input, weight, bias):
    """Σ input[...,i]·weight[o,i] + bias[o]        (..., I) (O, I) (O,) -> (..., O)

    The bias may be None.

    >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([0.0, 100.0]))
    array([[ 11., 117.]])
    """
    out = np.zeros((*input.shape[:-1], len(weight)), input.dtype)
    for at in np.ndindex(out.shape):
        row, o = at[:-1], at[-1]
        out[at] = np.sum(input[row] * weight[o]) + (0 if bias is None else bias[o])
    return out
