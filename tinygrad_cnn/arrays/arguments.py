"""What PyTorch's functions take as well, and what is said of arguments that nothing can be made of.

An op sees to both by itself (`engine/op.py`); the decorators here are for functions that are compositions of ops.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def in_pytorch(kwargs: dict) -> dict:
    """Keyword arguments with NumPy's names replaced by PyTorch's."""
    return {NUMPY_NAMES.get(name, name): value for name, value in kwargs.items()}


def numpy_names(f: Callable) -> Callable:
    """The same function, which also takes `axis=` for dim and `keepdims=` for keepdim."""

    @wraps(f)
    def g(*args: Any, **kwargs: Any) -> Any:
        return f(*args, **in_pytorch(kwargs)) if kwargs else f(*args)

    return g


def names_strangers(f: Callable) -> Callable:
    """The same function, which says by its own name that it was given what is no tensor, or no number."""

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
            if ": " in str(error) or f.__name__ in str(error):
                raise
            raise TypeError(f"{f.__name__}: {error}; this is what it was given: {_listed(args, kwargs)}") from None

    return g


def _listed(args: tuple, kwargs: dict) -> str:
    """Arguments as a call shows them; a tensor by its shape."""

    def shown(a: Any) -> str:
        return f"Tensor {tuple(a.shape)}" if hasattr(a, "shape") else repr(a)

    return ", ".join([*map(shown, args), *(f"{name}={shown(a)}" for name, a in kwargs.items())])
