"""Ops that do the same to every number: on big arrays, function and rules run as one loop each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.call import op
from ..kernels.at_once import at_once


def elementwise(forward: Callable) -> Any:
    """`op`, of a function that does the same to every number, and whose rules do."""
    return op(at_once(forward), pointwise=True)
