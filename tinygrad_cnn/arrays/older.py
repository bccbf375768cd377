"""What PyTorch's functions were called before, and how, which scripts still say: it does the same, and warns."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from inspect import unwrap
from typing import Any, TypeVar

from .lines import user_level

F = TypeVar("F", bound=Callable)


def older(f: F, name: str = "", kind: type[Warning] = FutureWarning) -> F:
    """A function under its older name, which is by default its own without the `_` at the end.

    >>> def zero_(x): ...
    >>> older(zero_).__name__
    'zero'
    """
    name = name or f.__name__.removesuffix("_")
    place = f.__module__.partition(".")[2]

    @wraps(f)
    def g(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(
            f"`{place}.{name}` is now deprecated in favor of `{place}.{f.__name__}`.", kind, stacklevel=user_level()
        )
        return f(*args, **kwargs)

    g.__name__ = g.__qualname__ = name
    g.__doc__ = f"`{f.__name__}` under its older name.\n\n{f.__doc__}"
    return g  # type: ignore[return-value]


# What was given by position, before the tensors, and has a name now.
SCALES = {
    **dict.fromkeys(["add", "sub"], "alpha"),
    **dict.fromkeys(["addcmul", "addcdiv"], "value"),
    **dict.fromkeys(["addmm", "addmv", "addr", "addbmm", "baddbmm"], "beta alpha"),
}


def scales_by_name(f: Callable, args: tuple) -> tuple[list, dict[str, Any]] | None:
    """add(x, 2, y) as it is said now: the tensors, and the scales by name. None for a call of another form.

    >>> def add(input, other, *, alpha=1): ...
    >>> scales_by_name(add, ("x", 2, "y"))
    (['x', 'y'], {'alpha': 2})
    """
    names = SCALES.get(f.__name__, "").split()
    at = [i for i, a in enumerate(args[:-1]) if isinstance(a, int | float)]
    if not at and len(names) == 1 and len(args) > 1 and getattr(args[1], "shape", None) == ():
        at = [1]  # a tensor that holds the number
    code: Any = unwrap(f)
    fits = len(args) - len(at) == code.__code__.co_argcount  # all of the tensors are there
    if not 0 < len(at) <= len(names) or isinstance(args[-1], int | float) or not fits:
        return None
    return [a for i, a in enumerate(args) if i not in at], dict(zip(names, (args[i] for i in at)))
