"""Ops that do the same to every number: on big arrays, function and rules run as one loop each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.call import op
from ..kernels.at_once import at_once


def elementwise(forward: Callable) -> Any:
    """`op`, of a function that does the same to every number, and whose rules do."""
    return op(at_once(forward), pointwise=True)


def floating(name: str, input: Any) -> None:
    """Raise where the input is not floating: an activation of integers is a conversion that was forgotten."""
    if input.dtype.kind not in "fc":
        raise NotImplementedError(f"{name}: takes floating tensors, got {input.dtype}; convert it with .float()")


def bare(value: Any) -> Any:
    """A number, also where it was given as a tensor of no axes, whose dtype is not to count."""
    return value.item() if isinstance(value, np.ndarray) and not value.ndim else value
