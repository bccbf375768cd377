"""What instructions call that is neither an op nor a rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..kernels import kernel


class Unfit(Exception):
    """A check came out otherwise than when the program was captured."""


def checked(function: Callable) -> Callable:
    def check(*args: Any) -> None:
        if function(*args) is not True:
            raise Unfit

    return check


def opened(function: Callable) -> Callable:
    return lambda *args, **named: function(*args, **named)._array


def write(into: np.ndarray, values: np.ndarray) -> None:
    np.copyto(into, values, casting="unsafe")


def bump(t: Tensor, op: str) -> None:
    t.version().bump(op)


def copy(a: np.ndarray) -> np.ndarray:
    return a.copy(order="K")


def contiguous(a: np.ndarray) -> np.ndarray:
    return kernel.contiguous(a)
