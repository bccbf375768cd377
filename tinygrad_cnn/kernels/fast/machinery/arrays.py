"""What the compiled loops can read: they walk through memory by address and stride, and know one kind of number."""

from __future__ import annotations

import numpy as np

FLOAT32, INT64, UINT8 = (np.dtype(t) for t in (np.float32, np.int64, np.uint8))


def readable(*arrays: np.ndarray | None, dtype: np.dtype = FLOAT32) -> bool:
    """Whether loops can take these arrays, whatever their shapes; None stands for no array.

    The numbers must be of this dtype in this machine's order of bytes, and lie at multiples of their size: strides
    may be zero or negative, but a field of packed records has strides that are no whole number of items.

    >>> x = np.ones((4, 6), np.float32)
    >>> records = np.ones(4, [("name", "u1"), ("value", "f4")])
    >>> readable(x, x[::-2, 1:3], np.broadcast_to(x[0], (9, 6)), None), readable(x, records["value"])
    (True, False)
    """
    # NumPy's flag is for the alignment that the dtype needs, which for these is its size.
    for a in arrays:  # noqa: SIM110, a loop takes a third of the time
        if a is not None and not (a.dtype == dtype and a.flags.aligned):
            return False
    return True
