"""How the arrays of several ranks become one: element by element, by one of these."""

from __future__ import annotations

from enum import Enum

import numpy as np


class ReduceOp(Enum):
    """SUM, AVG (the sum by the number of ranks), MIN, MAX and PRODUCT. Of bool, SUM says whether any is True.

    >>> ReduceOp.AVG.name
    'AVG'
    """

    SUM = "SUM"
    AVG = "AVG"
    MIN = "MIN"
    MAX = "MAX"
    PRODUCT = "PROD"  # as MPI calls it; AVG it does not know

    def check(self, call: str, dtype: np.dtype) -> None:
        """Raise a TypeError where numbers of this kind cannot be taken together like this."""
        if dtype.kind != "f" and self is ReduceOp.AVG:
            raise TypeError(f"{call}: AVG of {dtype}, which has no fractions; use SUM, or convert with .float()")
