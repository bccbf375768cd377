"""Work in a thread of its own, which no interrupt (Ctrl-C) breaks off, for Python raises them in the main thread alone.

NumPy's and Numba's imports do not survive one half-way: the next import finds halves of packages.
"""

from __future__ import annotations

import _imp
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any


def start(thread: threading.Thread) -> None:
    """thread.start(); RuntimeError where there are no threads, or no more of them.

    An interrupt comes out as it is: what Python starts threads with may turn it into a RuntimeError of a lock.
    """
    before = sys.exc_info()[1]
    try:
        thread.start()
    except RuntimeError as error:
        if error.__context__ is not before and error.__context__ is not None:
            raise error.__context__ from None
        raise


def apart(f: Callable, *args: Any, name: str = "") -> Any:
    """f(*args), computed in another thread; an interrupt ends the waiting for it, and the work goes on.

    >>> apart(max, 2, 3)
    3
    """
    outcome: dict[str, Any] = {}
    _let_others_import()

    def work() -> None:
        try:
            outcome["result"] = f(*args)
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=work, name=name or f.__name__, daemon=True)
    try:
        start(thread)
    except RuntimeError:  # the interpreter is about to end, or there are too many threads
        work()
    else:
        thread.join()
    if "error" in outcome:
        raise outcome.pop("error")
    return outcome["result"]


def _let_others_import() -> None:
    """Release Python's lock of imports, which an interrupt within an import may have left with this thread for ever.

    Nobody who runs code of a module holds it, but it would keep every other thread from importing.
    """
    try:
        while _imp.lock_held():
            _imp.release_lock()
    except RuntimeError:  # another thread holds it, for a moment
        pass


def imported(package: str) -> None:
    """Import a package whole, or not at all."""
    if package not in sys.modules:
        apart(import_module, package, name=f"import {package}")
