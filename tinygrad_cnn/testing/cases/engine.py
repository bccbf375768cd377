"""Cases of the ops that the engine itself needs."""

from __future__ import annotations

import numpy as np

from . import Case

CASES = [
    Case("sum_to", [(2, 3, 4)], dict(shape=(3, 1)), expected=lambda x, shape: x.sum((0, 2)).reshape(shape)),
    Case("sum_to", [(2, 3)], dict(shape=()), expected=lambda x, shape: x.sum()),
    Case("sum_to", [(2, 3)], dict(shape=(2, 3)), expected=lambda x, shape: x),
    Case("expand_to", [(3, 1)], dict(shape=(2, 3, 4)), expected=np.broadcast_to),
    Case("by_cases", [(2, 3), (4,)], expected=lambda x, y: x),
    Case("cast", [(2, 3)], dict(dtype=np.dtype(np.float64))),
]
