"""Told to stop: Ctrl-C, SIGTERM and SIGHUP, for the `tinygrad-cnn` command. In other programs nothing here is done.

There are three answers, by what there is to lose:

    leave           nothing yet, or for the second time: the process ends where it stands, with those that it started
    stop.at_once()  nothing that matters, but files and processes are open: `Stopped` is raised
    stop.noted()    what was learned: it is only noted, and `stop.told` is looked at between two steps

The exit code is 128 and the number of the signal: 130, 143, 129. A signal that the process was told to ignore, as in
`nohup` or behind `&` in a script, is ignored.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .leaving import NAMES, handle, leave

SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))

AGAIN = 0.1  # seconds: sooner, it is the same Ctrl-C, which a shell or a launcher has passed on as well


class Stopped(KeyboardInterrupt):
    """Told to stop where there is nothing to lose."""


class Stop:
    """Whether the command was told to stop, and by which signal; 0 if it was not."""

    def __init__(self) -> None:
        self.told = 0
        self.when = 0.0
        self.raises: Callable[[], bool] = lambda: False
        self.again = True  # whether a second Ctrl-C is heard
        self.companions: list[Any] = []  # processes that end with this one, or with its patience

    def handler(self, number: int, frame: object) -> None:
        if not self.told:
            self.told, self.when = number, time.monotonic()
            if number == getattr(signal, "SIGHUP", None):
                self._without_terminal()
            if self.raises():
                raise Stopped
        elif number == signal.SIGINT and self.again and time.monotonic() - self.when > AGAIN:
            self.leave()

    @contextmanager
    def handled(self) -> Iterator[Stop]:
        """Signals are noted in this block, and handled as before behind it."""
        self.told, self.raises, self.again = 0, lambda: False, True
        self.terminals = [fd for fd in (0, 1, 2) if os.isatty(fd)]
        swallowed, sys.unraisablehook = sys.unraisablehook, self._unraisable
        before = handle(self.handler)
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            sys.unraisablehook = swallowed

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Raise `Stopped` in this block at a signal, or at its begin if one was noted."""
        with self._raising(lambda: True):
            if self.told:
                raise Stopped
            yield

    def noted(self, since: Callable[[], bool] = lambda: True) -> Any:
        """Note signals in this block; whoever runs it looks at `told` and comes to an end.

        since: whether there is something to lose by now; until then, `Stopped` is raised.
        """
        return self._raising(lambda: not since())

    @contextmanager
    def _raising(self, wish: Callable[[], bool]) -> Iterator[None]:
        before = self.raises
        try:
            self.raises = wish
            yield
        finally:
            self.raises = before

    def _unraisable(self, unraisable: Any) -> None:
        """A callback or a finalizer that Python cannot raise from was running: the process ends without it."""
        if isinstance(unraisable.exc_value, Stopped):
            self.leave()
        sys.__unraisablehook__(unraisable)

    @contextmanager
    def together_with(self, process: Any) -> Iterator[None]:
        """Let a process that runs in this block, as subprocess knows it, never be left alone."""
        self.companions.append(process)
        try:
            yield
        finally:
            self.companions.remove(process)

    def leave(self) -> None:
        for process in self.companions:
            process.kill()
        leave(self.told)

    def _without_terminal(self) -> None:
        """It is closed: what is still printed goes nowhere, where it would be an error."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        for fd in self.terminals:
            os.dup2(nowhere, fd)
        os.close(nowhere)

    @property
    def code(self) -> int:
        """The exit code of a command that came to its end; 0 if it was not told to stop."""
        return 128 + self.told if self.told else 0


stop = Stop()
