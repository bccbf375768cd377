"""How a rank that fails takes the others with it, with a message that says who it was and what it was doing.

MPI_Finalize waits for all ranks, and so would the others wait for a rank that has left: so an uncaught error, an exit
with a code, and a program that ends while others still wait for it end the whole job.

Under `tinygrad-cnn launch` a folder, the board, holds a note of each rank's last call, for one that is killed can say
nothing, and of which rank failed first.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from .agent import claim
from .ticket import SIZE

BOARD = "TINYGRAD_CNN_BOARD"  # the folder, in the environment
ARRIVING = 0.3  # seconds in which mpiexec reads what was printed; what it has not read when it ends a job is lost


class Guard:
    """Stands by while a process group is open. `end()` says farewell to the others; it is called at exit."""

    def __init__(self, rank: int, size: int, abort: Callable[[int], Any], end: Callable[[], None]):
        self.rank, self.size, self.abort = rank, size, abort
        self.last = "none"
        self.process = os.getpid()
        self.end = end
        self.hook, self.exit = sys.excepthook, sys.exit
        sys.excepthook, sys.exit = self.raised, self.exiting  # type: ignore[assignment]
        atexit.register(self.ended)
        self.code = 0
        board = os.environ.get(BOARD)
        self.note = os.open(Path(board) / f"rank.{rank}", os.O_CREAT | os.O_WRONLY, 0o600) if board else None

    def remove(self) -> None:
        """Stand by no longer."""
        sys.excepthook, sys.exit = self.hook, self.exit
        atexit.unregister(self.ended)
        if self.note is not None:
            os.close(self.note)

    def calls(self, number: int, call: str) -> None:
        """To be told of each call."""
        self.last = f"{number}, {call}"
        if self.note is not None:
            os.pwrite(self.note, self.last.encode().ljust(SIZE), 0)

    def exiting(self, code: Any = None) -> NoReturn:
        """sys.exit, which notes the code: what runs at exit is not told."""
        self.code = code if isinstance(code, int) else 0 if code is None else 1
        self.exit(code)

    def raised(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """An uncaught error: its traceback, then the end of all ranks."""
        self.hook(kind, error, trace)
        if os.getpid() == self.process:
            code = 130 if issubclass(kind, KeyboardInterrupt) else 1
            self.fail(code, f"failed with {kind.__name__}: {error}")

    def ended(self) -> None:
        """The program is over, perhaps not for the others."""
        if os.getpid() != self.process:
            return
        if self.code:
            self.fail(self.code, f"ended with exit code {self.code}")
        try:
            self.end()
        except Exception as error:
            self.fail(1, f"failed with {type(error).__name__}: {error}")

    def fail(self, code: int, how: str) -> NoReturn:
        """Say so, and end all ranks."""
        text = f"rank {self.rank} of {self.size} {how}; its last call was {self.last}"
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        with contextlib.suppress(OSError, ValueError):
            print(f"tinygrad_cnn.distributed: {text}; all ranks are ended", file=sys.stderr, flush=True)
        if BOARD in os.environ:  # whoever watches over this process passes on what it said, then ends the others
            claim(Path(os.environ[BOARD]), self.rank, code)
            os._exit(code)
        time.sleep(ARRIVING)
        try:
            self.abort(code)
        finally:  # MPICH returns, and has this process ended a little later
            os._exit(code)
