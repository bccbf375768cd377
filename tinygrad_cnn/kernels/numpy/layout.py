"""Memory in another order: how the numbers lie changes, the array does not."""

from __future__ import annotations

import numpy as np

from .. import in_numpy


@in_numpy
def contiguous(input: np.ndarray) -> np.ndarray:
    """The same numbers in C order, the last axis fastest in memory        any shape -> the same"""
    return np.asarray(input, order="C")
