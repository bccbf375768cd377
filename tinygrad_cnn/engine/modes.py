"""What a thread is doing: recording gradients or not, inside which module, watched or not.

Every thread has its own state, and every change of it is undone at the end of its block, also when
the block ends by an exception. That may be an interrupt (Ctrl-C), which Python raises behind any call and at the
begin of any function. So what changes and restores the state are single instructions that call nothing: `|=` on
the dictionary of the state; and where a `with` block ends, a function in C (arrays/blocks.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import starmap
from typing import Any

from ..arrays.blocks import Ending


class Mode(threading.local):
    def __init__(self) -> None:
        self.grad = True  # ops record themselves
        self.inference = False
        self.scope: Scope | None = None  # the innermost module whose forward is running
        self.watch = False  # nodes note the user's line
        # Told of every call while `watch` is on, and of every step of backward: `watch.Tracer`.
        self.tracer: Any = None
        self.anomaly = False
        self.check_nan = True


mode = Mode()


class Scope:
    """One running module and the one around it."""

    __slots__ = ("module", "outer")

    module: Any
    outer: Scope | None


def scope_of(module: Any, outer: Scope | None) -> Scope:
    """The scope of a module that runs within another one's."""
    scope = Scope()
    scope.module, scope.outer = module, outer
    return scope


class Setting:
    """Set some of the mode for a `with` block, or for one call of a function."""

    # The update of a thread's state by what was kept of it last.
    __exit__ = Ending(lambda self: [starmap(dict.update, iter(self.before.pop, None)).__next__])

    def __init__(self, **values: Any):
        self.values = values
        self.before: list[tuple[dict, dict]] = []

    def __enter__(self) -> Any:
        state = mode.__dict__
        self.before.append((state, self._now()))
        state |= self.values
        return self

    def _now(self) -> dict[str, Any]:
        state = mode.__dict__
        return {name: state[name] for name in self.values}

    def during(self, f: Callable, /, *args: Any, **kwargs: Any) -> Any:
        """f(*args, **kwargs) with this setting."""
        before, state = self._now(), mode.__dict__
        try:
            state |= self.values
            return f(*args, **kwargs)
        finally:
            state |= before
