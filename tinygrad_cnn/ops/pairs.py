"""What all ops on two operands share: one common dtype, broadcasting, and what is said where that fails."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import promote
from ..op import op


def pairwise(ufunc: Callable, prepare: Callable = promote, name: str = "") -> Callable[[Callable], Callable]:
    """An op on two operands: this NumPy function, in the dtype that `prepare` gives both.

    It stands over a function that has a name, two parameters and a docstring, and nothing else.
    """

    def register(described: Callable) -> Callable:
        @functools.wraps(described)
        def forward(input: Any, other: Any) -> Any:
            try:
                # Most calls have nothing to prepare: one floating dtype, or a floating array beside a Python number.
                if type(other) is float or type(other) is int:
                    if type(input) is np.ndarray and input.dtype.kind == "f":
                        return ufunc(input, other)
                elif type(input) is type(other) is np.ndarray and input.dtype is other.dtype:
                    if input.dtype.kind == "f":
                        return ufunc(input, other)
                return ufunc(*prepare(input, other))
            except ValueError:
                raise RuntimeError(apart(forward.__name__, input, other)) from None

        if name:
            forward.__name__ = name
        return op(forward)

    return register


def apart(name: str, *operands: Any) -> str:
    """What to say of shapes that do not broadcast."""
    shapes = " and ".join(str(np.shape(a)) for a in operands)
    return (
        f"{name}: shapes {shapes} do not broadcast; counted from the right, axes must be equal, 1 or missing. "
        "Line them up with reshape or unsqueeze"
    )
