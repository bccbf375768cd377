"""Memory in another order: how the numbers lie changes, the array does not."""

from __future__ import annotations

import numpy as np

from .. import reference


@reference
def contiguous(input: np.ndarray) -> np.ndarray:
    """The same numbers in C order, the last axis fastest in memory        any shape -> the same

    The array itself where it is so already, else a copy.

    >>> x = np.arange(4.0).reshape(2, 2).T
    >>> contiguous(x).flags.c_contiguous, np.array_equal(contiguous(x), x)
    (True, True)
    """
    return np.asarray(input, order="C")
