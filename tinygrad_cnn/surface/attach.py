"""How functions become methods and attributes of Tensor: by a decorator, under their own names or another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..engine.tensor import Tensor

F = TypeVar("F", bound=Callable)


def method(f: F) -> F:
    """Let Tensor have this function as a method."""
    setattr(Tensor, f.__name__, f)
    return f


def named(name: str, f: Callable, doc: str) -> None:
    """Let Tensor have a function that was made, as a method of this name."""
    f.__name__, f.__qualname__, f.__doc__ = name, f"Tensor.{name}", doc
    method(f)


def attribute(f: F) -> F:
    """Let Tensor have an attribute of this name, which is f(tensor)."""
    setattr(Tensor, f.__name__, property(f))
    return f
