"""The kernels at full speed, compiled by Numba: same names as in reference/, which stays the law.

A file is imported when one of its kernels is first needed (see `kernels/__init__.py`). Beside the topics:
micro.py is the inner loop of convolution, tables.py says where its numbers lie, winograd.py saves products,
lanes.py has vectors for other loops,
memory.py reuses big arrays, compiled.py compiles, keeps and runs loops on all threads.

Against its reference, a fast kernel may differ by the rounding of sums in another order: at most 1e-5 of the sum
of the magnitudes that were added. Kernels that only choose or move numbers (pooling, ReLU) are equal to the last bit.
"""

import numba
import numpy.ma  # else Numba imports it at its first call, which no fork waits for

from .. import Unwanted

if tuple(int(part) for part in numba.__version__.split(".")[:2]) < (0, 61):
    raise ImportError(f"Numba {numba.__version__} is too old for the fast kernels; they need 0.61 or newer")
if numba.config.DISABLE_JIT:
    raise Unwanted("NUMBA_DISABLE_JIT is set, so nothing is compiled")
