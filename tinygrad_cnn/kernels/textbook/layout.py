"""Memory in another order: how the numbers lie changes, the array does not."""

from __future__ import annotations

import numpy as np

from .. import law


@law
def contiguous(input):
    """The same numbers in C order, the last axis fastest in memory        any shape -> the same

    The array itself where it is so already, else a copy.

    >>> x = np.arange(4.0).reshape(2, 2).T
    >>> contiguous(x).flags.c_contiguous, np.array_equal(contiguous(x), x)
    (True, True)
    """
    if input.flags.c_contiguous:
        return input
    out = np.empty(input.shape, input.dtype)
    for at in np.ndindex(input.shape):
        out[at] = input[at]
    return out
