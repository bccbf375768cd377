"""What PyTorch's functions take as well, and what is said of arguments that nothing can be made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def in_pytorch(kwargs: dict) -> dict:
    """Keyword arguments with NumPy's names replaced by PyTorch's."""
    return {NUMPY_NAMES.get(name, name): value for name, value in kwargs.items()}


def forgiving(f: Callable[P, R]) -> Callable[P, R]:
    """A composition of ops as an op is by itself (`engine/op.py`).

    It takes `axis=` for dim and `keepdims=` for keepdim too, and says by its own name that it was given what is no
    tensor, or no number.
    """

    @wraps(f)
    def g(*args: Any, **kwargs: Any) -> Any:
        try:
            return f(*args, **kwargs)
        except AttributeError as error:
            given = any(error.obj is a for a in (*args, *kwargs.values()))
            if not given or hasattr(error.obj, "requires_grad"):
                raise
            raise TypeError(f"{f.__name__}: expected a Tensor, got {type(error.obj).__name__}") from None
        except TypeError as error:
            if not kwargs.keys().isdisjoint(NUMPY_NAMES) and "dim" in signature(f).parameters:
                return g(*args, **in_pytorch(kwargs))
            if ": " in str(error) or f.__name__ in str(error):
                raise
            raise TypeError(f"{f.__name__}: {error}; this is what it was given: {_listed(args, kwargs)}") from None

    return g


def _listed(args: tuple, kwargs: dict) -> str:
    """Arguments as a call shows them; a tensor by its shape."""

    def shown(a: Any) -> str:
        return f"Tensor {tuple(a.shape)}" if hasattr(a, "shape") else repr(a)

    return ", ".join([*map(shown, args), *(f"{name}={shown(a)}" for name, a in kwargs.items())])
