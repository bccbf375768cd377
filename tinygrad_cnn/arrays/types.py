"""The words for types in the signatures of ops.

An Array is an array inside an op and a Tensor to whoever calls it, which no checker can be told in one signature. So
here it may be anything, and the stubs, which editors and checkers of other people's code read, say Tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    Array: TypeAlias = Any
else:

    class Array:
        """An array inside an op, a Tensor to whoever calls it."""


Number: TypeAlias = int | float | complex | np.generic
Axis: TypeAlias = int | Sequence[int]
Shape: TypeAlias = int | Sequence[int]
Window: TypeAlias = int | Sequence[int]  # one number, or one for each spatial axis
DType: TypeAlias = np.dtype | type | str
