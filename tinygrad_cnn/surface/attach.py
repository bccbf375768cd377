"""How functions become methods and attributes of Tensor: by a decorator, under their own names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..engine.tensor import Tensor

F = TypeVar("F", bound=Callable)


def method(f: F) -> F:
    """Let Tensor have this function as a method."""
    setattr(Tensor, f.__name__, f)
    return f


def attribute(f: F) -> F:
    """Let Tensor have an attribute of this name, which is f(tensor)."""
    setattr(Tensor, f.__name__, property(f))
    return f
