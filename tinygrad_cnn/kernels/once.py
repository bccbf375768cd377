"""What a process does once, such as importing Numba and compiling: one thing at a time, and never by half.

Numba does not survive an import or a compilation that an interrupt (Ctrl-C) has broken off. So this work is done in a
thread of its own (arrays/apart.py): an interrupt ends the waiting for it, the work goes on, and the next call finds it
done. A fork waits for its end as well, for the thread, and with it what it has half done and the locks that it holds,
would be dead in the child. So are threads that were importing rooms of this package: the child forgets their imports.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from ..arrays.apart import apart

lock = threading.RLock()
_at_fork: Callable = getattr(os, "register_at_fork", lambda **hooks: None)  # Windows does not fork
_held: list[Any] = []  # while forking
_importing: dict[str, Any] = getattr(getattr(importlib, "_bootstrap", None), "_module_locks", {})  # by module


def undisturbed(f: Callable, *args: Any) -> Any:
    """f(*args), under the lock and in a thread of its own.

    >>> undisturbed(max, 2, 3)
    3
    """
    if lock._is_owned():  # type: ignore[attr-defined]
        return f(*args)
    watch_forks()
    return apart(_locked, f, args, name=f"once: {f.__name__}")


def _locked(f: Callable, args: tuple) -> Any:
    with lock:
        return f(*args)


def _before_fork() -> None:
    lock.acquire()
    _held.append(lock)
    if compiler := sys.modules.get("numba.core.compiler_lock"):
        compiler.global_compiler_lock.acquire()
        _held.append(compiler.global_compiler_lock)


def _after_fork() -> None:
    while _held:
        _held.pop().release()


def _forget_imports() -> None:
    """In a child: modules that other threads were importing are halves, and locked for ever. They are imported anew."""
    me, package = threading.get_ident(), __name__.partition(".")[0]
    for name, lock in list(_importing.items()):
        if f"{name}.".startswith(f"{package}.") and (held := lock()) and held.owner not in (None, me):
            del _importing[name]
            sys.modules.pop(name, None)


def _watch() -> None:
    _at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


@cache
def watch_forks() -> None:
    """Watch once more, from the first time on that there is something to wait for.

    Whose hook comes last, is asked first before a fork. That must be this one, for the work that a fork waits for may
    need the locks of the others; the two modules that are imported here have such hooks.
    """
    import concurrent.futures.thread  # noqa: F401
    import logging  # noqa: F401

    _watch()


_watch()  # for a fork that has begun when the first work does: who is asked was settled when it began
_at_fork(after_in_child=_forget_imports)
