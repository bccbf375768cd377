"""What a thread is doing: recording gradients or not, inside which module, watched or not.

Every thread has its own state, and every change of it is undone at the end of its block, also when
the block ends by an exception. That may be an interrupt (Ctrl-C), which Python raises behind any call and at the
begin of any function. So what changes and restores the state are single instructions that call nothing: `|=` on
the dictionary of the state.
"""

from __future__ import annotations

import functools
import inspect
import os.path
import sys
import threading
from collections.abc import Callable
from typing import Any

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Mode(threading.local):
    grad = True  # ops record themselves
    inference = False
    scope: Scope | None = None  # the innermost module whose forward is running
    watch = False  # nodes note the user's line
    tracer: Any = None  # told of every call while `watch` is on, and of every step of backward
    anomaly = False
    check_nan = True


mode = Mode()


class Scope:
    """One running module and the one around it."""

    __slots__ = ("module", "outer")

    def __init__(self, module: Any, outer: Scope | None):
        self.module = module
        self.outer = outer


class Setting:
    """Set some of the mode for a `with` block or, as a decorator, for each call of a function."""

    def __init__(self, **values: Any):
        self.values = values
        self.before: list[dict] = []

    def __enter__(self) -> Any:
        self.before.append(self._now())
        state = mode.__dict__
        state |= self.values
        return self

    def __exit__(self, *exc: object) -> None:
        state = mode.__dict__
        state |= self.before[-1]
        del self.before[-1]

    def _now(self) -> dict[str, Any]:
        return {name: getattr(mode, name) for name in self.values}

    def during(self, f: Callable, /, *args: Any, **kwargs: Any) -> Any:
        """f(*args, **kwargs) with this setting."""
        before, state = self._now(), mode.__dict__
        try:
            state |= self.values
            return f(*args, **kwargs)
        finally:
            state |= before

    def __call__(self, f: Callable) -> Callable:
        if inspect.isgeneratorfunction(f):

            @functools.wraps(f)
            def generator(*args: Any, **kwargs: Any) -> Any:
                # The caller's code between two items runs in the caller's mode.
                inner = f(*args, **kwargs)
                resume, given = inner.send, None
                while True:
                    try:
                        item = self.during(resume, given)
                    except StopIteration as end:
                        return end.value
                    try:
                        resume, given = inner.send, (yield item)
                    except GeneratorExit:
                        self.during(inner.close)
                        raise
                    except BaseException as error:
                        resume, given = inner.throw, error

            return generator

        @functools.wraps(f)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return self.during(f, *args, **kwargs)

        return wrapper


def user_level() -> int:
    """The `stacklevel=` of a warning that is to name the innermost line outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    return level


def user_line() -> tuple[str, int, str] | None:
    """The innermost line outside this package that is being executed: (file, line number, function)."""
    frame = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back  # type: ignore[assignment]
    return None
