"""Let NumPy compute 1/0 = inf and log(0) = -inf without a warning, as every array library does.

`np.errstate` would do, but takes a microsecond, as long as a small op, and an interrupt (Ctrl-C) that comes while
its `__exit__` begins leaves NumPy silent for ever. NumPy keeps that state in a context variable, and setting the
variable is all that `errstate` does:

    loud = loudness()
    try:
        restore(SILENT)
        ...
    finally:
        restore(loud)

These are written in C, and Python looks for interrupts behind a call and not before, so none comes between
the end of the block and the end of `restore`.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


def _find() -> tuple[Callable[[], Any], Callable[[Any], Any], Any]:
    before = contextvars.copy_context()
    with np.errstate(all="ignore"):
        inside = contextvars.copy_context()
    for variable in inside:
        if variable not in before or before[variable] is not inside[variable]:
            try:
                variable.get()
            except LookupError:  # nothing to put back
                continue
            return variable.get, variable.set, inside[variable]
    return np.geterr, lambda loud: np.seterr(**loud), dict.fromkeys(np.geterr(), "ignore")  # it is kept elsewhere


loudness, restore, SILENT = _find()


def quietly(f: Callable, *args: Any) -> Any:
    """f(*args), without NumPy's warnings."""
    loud = loudness()
    if loud is SILENT:
        return f(*args)
    try:
        restore(SILENT)
        return f(*args)
    finally:
        restore(loud)


def silent(f: F) -> F:
    """f, made to compute without NumPy's warnings: a decorator."""

    @wraps(f)
    def quiet(*args: Any) -> Any:
        return f(*args) if loudness() is SILENT else quietly(f, *args)

    return quiet  # type: ignore[return-value]
