"""Kernels at full speed, compiled by Numba: the heavy ones of numpy/, under the same names, which stay their law.

A topic is imported when one of its kernels is first needed (see `kernels/__init__.py`). conv.py chooses between
winograd.py, which saves products, and direct.py, which has two other ways to go where they are shorter: columns.py for
weights larger than the pictures, planes.py for few channels. What all topics are made with is in machinery/.

Kernels that only choose or move numbers (ReLU and its mask, the maximum of a window, another memory order) are equal
to their law to the last bit. Where numbers are added, the order may be another: a result then differs by the
rounding of its terms, at most 1e-5 of their magnitudes together (testing/calls.py says which, kernel by kernel).
"""

import numba
import numpy.ma  # else Numba imports it at its first call, which no fork waits for

from .. import Unwanted

if tuple(int(part) for part in numba.__version__.split(".")[:2]) < (0, 61):
    raise ImportError(f"Numba {numba.__version__} is too old for the fast kernels; they need 0.61 or newer")
if numba.config.DISABLE_JIT:
    raise Unwanted("NUMBA_DISABLE_JIT is set, so nothing is compiled")
