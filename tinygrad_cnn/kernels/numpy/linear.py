"""Matrix products, and the affine map of a fully connected layer: one product, one sum.

I and O are the input and output features; any axes may stand before them.
"""

from __future__ import annotations

import math

import numpy as np

from .. import in_numpy
from . import silent

# So many products are left to BLAS, which adds hundreds of them one after the other; with a vector, nearly all.
STRETCH, STRETCH_OF_VECTOR = 4096, 512


@in_numpy
@silent
def matmul(input: np.ndarray, other: np.ndarray) -> np.ndarray:
    """input @ other        (..., N, K) (..., K, M) -> (..., N, M), as NumPy understands it"""
    if input.ndim > 2 and other.ndim == 2 and input.flags.c_contiguous:  # one product for all leading axes
        out = matmul(input.reshape(-1, input.shape[-1]), other) if input.size else np.matmul(input, other)
        return out.reshape(*input.shape[:-1], other.shape[1])
    a, b = _ready(input), _ready(other)
    K = a.shape[-1] if a.ndim and b.ndim else 0
    with_vector = K and (a.ndim == 1 or b.ndim == 1 or 1 in (a.shape[-2], b.shape[-1]))
    stretch = STRETCH_OF_VECTOR if with_vector else STRETCH
    if 4 * stretch >= K or a.dtype.kind not in "fc" or b.shape[-2:][0] != K:
        return np.matmul(a, b)
    total = np.float64(0) if a.dtype.kind == "f" else np.complex128(0)
    for k in range(0, K, stretch):
        here = slice(k, k + stretch)
        total = total + np.matmul(a[..., here], b[here] if b.ndim == 1 else b[..., here, :])
    return total.astype(a.dtype)


def _ready(a: np.ndarray) -> np.ndarray:
    """The array as BLAS takes it: with one of the last two axes dense in memory."""
    return a if a.ndim < 2 or a.itemsize in a.strides[-2:] else np.ascontiguousarray(a)


@in_numpy
@silent
def linear(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """input @ weight.T + bias        (..., I) (O, I) (O,) -> (..., O)"""
    *lead, I = input.shape
    out = matmul(input.reshape(math.prod(lead), I), weight.T)  # one product for all leading axes, not one for each
    if bias is not None:
        out += bias
    return out.reshape(*lead, len(weight))
