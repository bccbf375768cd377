"""What all ops on two operands share: one common dtype, broadcasting, and what is said where that fails."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ..arrays.dtypes import float32, float64, promote
from ..engine.call import op
from ..kernels.at_once import BIG, in_one_pass


def pairwise(ufunc: Callable, prepare: Callable = promote, name: str = "", quick: Callable | None = None) -> Callable:
    """An op on two operands: this NumPy function, in the dtype that `prepare` gives both.

    It stands over a function that has a name, two parameters and a docstring, and nothing else. `quick` is the
    same function as an operator, which NumPy calls sooner: most operands are two arrays of one floating dtype,
    or an array beside a Python float, and need no preparation.
    """
    quick = quick or ufunc

    def register(described: Callable) -> Callable:
        def prepared(input: Any, other: Any) -> Any:
            return ufunc(*prepare(input, other))

        @functools.wraps(described)
        def forward(input: Any, other: Any) -> Any:
            try:
                if type(input) is ndarray:
                    if input.size >= BIG:
                        return in_one_pass(prepared, (input, other))
                    dtype = input.dtype
                    if dtype is float32 or dtype is float64:
                        if type(other) is ndarray:
                            if other.dtype is dtype:
                                return quick(input, other)
                        elif type(other) is float or type(other) is int:
                            return quick(input, other)
                return prepared(input, other)
            except NotImplementedError as error:  # of `prepare`, which does not know for whom
                raise NotImplementedError(f"{forward.__name__}: {error}") from None
            except ValueError:
                raise RuntimeError(apart(forward.__name__, input, other)) from None

        if name:
            forward.__name__ = name
        return op(forward, pointwise=True)

    return register


def apart(name: str, *operands: Any) -> str:
    """What to say of shapes that do not broadcast."""
    shapes = " and ".join(str(np.shape(a)) for a in operands)
    return (
        f"{name}: shapes {shapes} do not broadcast; counted from the right, axes must be equal, 1 or missing. "
        "Line them up with reshape or unsqueeze"
    )
