"""The affine map of a fully connected layer: one matrix product, one sum.

I and O are the input and output features; any axes may stand before them.
"""

from __future__ import annotations

import math

import numpy as np

from .. import reference
from . import silent


@reference
@silent
def linear(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """input @ weight.T + bias        (..., I) (O, I) (O,) -> (..., O)

    >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([0.0, 100.0]))
    array([[ 11., 117.]])
    """
    *lead, I = input.shape
    out = input.reshape(math.prod(lead), I) @ weight.T  # one product for all leading axes, not one for each
    if bias is not None:
        out += bias
    return out.reshape(*lead, len(weight))
