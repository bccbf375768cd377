"""The end of the `tinygrad-cnn` command that is told to stop while it is loaded: at once, for there is nothing to lose.

The package imports this file first, and it imports next to nothing. In other programs nothing is done here.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C; the usual request; a terminal that is closed


def leave(number: int, frame: object = None) -> None:
    """End this process at once, without a word, and the worker processes that it has started."""
    children = getattr(sys.modules.get("multiprocessing"), "active_children", list)
    try:
        for child in children():
            child.kill()
            child.join(1)
    finally:
        os._exit(128 + number)


def handle(handler: Callable) -> dict[int, Any]:
    """Let a function handle these signals, but for those that are ignored; what has handled them until now.

    Only the main thread can; from another one nothing is changed.
    """
    import signal

    before: dict[int, Any] = {}
    for name in NAMES:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            try:
                before[number] = signal.signal(number, handler)
            except ValueError:
                break
    return before


def is_command(argv: list[str], asked: list[str]) -> bool:
    """Whether these are the arguments of `tinygrad-cnn ...` or `python -m tinygrad_cnn ...`: sys.argv, sys.orig_argv.

    >>> is_command(["/bin/tinygrad-cnn", "info"], ["python", "/bin/tinygrad-cnn", "info"])
    True
    >>> is_command(["-m", "info"], ["python", "-m", "tinygrad_cnn", "info"])
    True
    >>> is_command(["tinygrad-cnn.py"], ["python", "-c", "a process that such a program started"])
    False
    """
    if not argv or len(asked) < len(argv):
        return False
    first = asked[-len(argv)]
    if argv[0] == "-m":
        return first.removeprefix("-m") == __package__
    return first == argv[0] and os.path.basename(first) in ("tinygrad-cnn", "tinygrad-cnn.exe")


if is_command(getattr(sys, "argv", []), sys.orig_argv):
    try:
        handle(leave)
    except KeyboardInterrupt:
        leave(2)
