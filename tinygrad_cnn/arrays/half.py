"""Half precision: numbers are kept in 16 bits and computed in 32, as in PyTorch on a CPU.

float16 has 11 bits and ends at 65,504: a sum of ones stops at 2,048, and the square of 300 is infinite. So what
computes widens the numbers that it is given, and rounds its result once. Ops do that by themselves, forwards and
backwards (see `op.py`), a composition of ops under `@in_float32`; all other code calls these two.
"""

from __future__ import annotations

from typing import Any

from .dtypes import float16, float32


def widened(value: Any) -> Any:
    """Half precision as float32, also in a list or a dict; everything else as it is.

    >>> import numpy as np
    >>> widened(np.ones(2, np.float16)).dtype.name, widened(np.ones(2, np.int8)).dtype.name
    ('float32', 'int8')
    """
    if type(value) is list:
        return [widened(v) for v in value]
    if isinstance(value, dict):
        return type(value)({key: widened(v) for key, v in value.items()})
    return value.astype(float32) if getattr(value, "dtype", None) == float16 else value


def narrowed(value: Any) -> Any:
    """float32 as half precision, also in a tuple; everything else as it is."""
    if type(value) is tuple:
        return tuple([narrowed(v) for v in value])
    return value.astype(float16) if getattr(value, "dtype", None) == float32 else value
