"""What PyTorch's functions take as well, and what is said of arguments that nothing can be made of.

Not every argument is looked at before the work begins: where Python or NumPy stumbles over one, in words that do not
say over which and of what function, `refusal` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

STUMBLING = (AttributeError, LookupError, OverflowError, TypeError, ValueError, ZeroDivisionError)
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
        except STUMBLING as error:
            renamed = isinstance(error, TypeError) and not kwargs.keys().isdisjoint(NUMPY_NAMES)
            if renamed and "dim" in signature(f).parameters:
                return g(*args, **in_pytorch(kwargs))
            if (better := refusal(f.__name__, error, args, kwargs)) is None:
                raise
            raise better from None

    return g


def refusal(name: str, error: Exception, args: Sequence, kwargs: Mapping[str, Any]) -> Exception | None:
    """The same error in words that name the function and what it was given; None for one that names it already."""
    said = str(error)
    if name in said or re.match(r"[\w.]+: ", said):
        return None
    words = f"{name}: {said or type(error).__name__}; this is what it was given: {_listed(args, kwargs)}"
    for kind in (IndexError, ValueError):
        if isinstance(error, kind):
            return kind(words)
    return RuntimeError(words) if isinstance(error, ArithmeticError) else TypeError(words)


def _listed(args: Sequence, kwargs: Mapping[str, Any]) -> str:
    """Arguments as a call shows them; a tensor by its shape."""

    def shown(a: Any) -> str:
        shape = getattr(a, "shape", None)
        return f"Tensor {tuple(shape)}" if isinstance(shape, tuple) else f"{a!r:.100}"

    return ", ".join([*map(shown, args), *(f"{name}={shown(a)}" for name, a in kwargs.items())])
