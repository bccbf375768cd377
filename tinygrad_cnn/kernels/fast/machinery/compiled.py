"""A loop over much data, written as its share: compiled at its first call, run on one thread or on the team.

    @compiled("f4[::1], f4[::1]")
    def relu(thread, part, parts, x, out): ...      does one of `parts` parts of the work, on the thread of that number

    relu(nanoseconds, x, out)                       with the time that one core would need, about

Too little work stays on the calling thread, in one part. One Python thread at a time leads the team; who comes
meanwhile works alone, on the same parts. There are more parts than threads, for who is free takes the next (team.py);
what is summed by parts has one for each thread (pieces=1), so that results do not depend on which was quicker.

The number of threads may change at any time. A kernel with room for each thread or part asks for the number once,
makes room for so many, and hands the number on: `loop(nanoseconds, x, scratch, team=team)`.

The loops of the topics are compiled before a kernel runs them (kernels/background.py). A loop that is made while the
program runs, from a formula, is not: a guard asks `loop.ready()` and declines meanwhile. So that another process can
make the same loop, it is told by which function of `fast/`, called with which plain values:

    def chain(formula: str) -> Compiled:
        return Compiled(share_of(formula), signature, pieces=4, made_by=(__name__, "chain", formula))
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numba

from ... import background, place, threads, waits
from .cache import Code
from .team import Team, bind, lead, note

SUMS = {"reassoc", "contract"}  # sums in any order, fused with products; infinities and NaN keep their meaning
FAILED = "a part of a compiled loop failed, by an index out of bounds or for lack of memory; its result is not whole"
SPLIT = 15_000  # nanoseconds of work below which other threads come too late
_team = Team()


class _Watched(threading.local):
    """Who is told of a loop before this thread runs it (launches.py)."""

    by: tuple[Any, ...] = ()


watched = _Watched()


class Compiled(Code):
    """A loop in machine code; a call is `loop(nanoseconds of work on one core, *arguments)`.

    holding: arrays, or lists of them, whose addresses are among the arguments.
    """

    def __init__(
        self, share: Callable, signature: str, pieces: int, exact: bool = False, made_by: tuple[Any, ...] = ()
    ):
        super().__init__(share, f"void(intp, intp, {signature})", json.dumps(made_by) if made_by else "")
        self.share, self.pieces, self._look_again = share, pieces, 0.0
        self.freedom = set() if exact else SUMS
        if made_by:  # the linker knows functions by their names
            share.__name__ += "_" + hashlib.sha256(self.made_of.encode()).hexdigest()[:16]

    def __call__(self, nanoseconds: float, *arguments, team: int = 0, holding: Sequence = ()) -> None:
        code = self.code or self.load()
        if nanoseconds < SPLIT or (team := team or threads.get_num_threads()) < 2:
            team = 1
        for block in watched.by:
            block.tell(self, team, arguments, holding)
        if team > 1 and (_team.size < team or _team.asleep):
            _team.wake(team)
        code(_team.board, team, *arguments)

    def ready(self) -> bool:
        """Whether a call runs at once, or is to wait; if not, another process is asked to compile the loop."""
        if self.code is not None or not self.made_of or waits():
            return True
        if (now := time.monotonic()) < self._look_again:
            return False
        self._look_again = now + background.PAUSE
        if (file := self.file()) is not None and file.exists():
            self.load()
            return True
        background.wish(self.made_of)
        return False

    def _entry(self) -> Callable:
        """The function that Numba compiles: it leads the team through the share."""
        _, _, _, *names = inspect.signature(self.share).parameters
        names, name = ", ".join(names), self.share.__name__
        source = f"""
def {name}(board, team, {names}):
    code, data, size = bound({names})
    if team == 0:
        note(board, code, data, size)
    elif lead(board, team, {self.pieces}, code, data) != 0:
        raise RuntimeError({FAILED!r})
"""
        share = numba.njit(nogil=True, error_model="numpy", fastmath=self.freedom)(self.share)
        scope = {"__name__": self.share.__module__, "bound": bind(share), "lead": lead, "note": note}
        code = self.share.__code__  # Numba keeps compiled code by the file and line of the function
        exec(compile("\n" * code.co_firstlineno + source, code.co_filename, "exec"), scope)
        return scope[name]


def team_of(threads: int) -> Team:
    """This process's team, with so many threads awake."""
    if threads > 1 and (_team.size < threads or _team.asleep):
        _team.wake(threads)
    return _team


def compiled(signature: str, pieces: int = 4, exact: bool = False) -> Callable[[Callable], Compiled]:
    """Make a loop of its share; the signature names the types after (thread, part, parts).

    exact: sums and products are made in the order in which they are written, and none is fused with another.
    """
    return lambda share: Compiled(share, signature, pieces, exact)


def _count_changes(count: int) -> None:
    _team.shrink(count)


threads.when_changed.append(_count_changes)


def _after_fork() -> None:
    """The threads do not live on in a child: it starts its own."""
    global _team
    _team = Team()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def every() -> list[Code]:
    """What is compiled ahead, of all topics that are imported so far."""
    import_module(f"{__package__}.launches")
    return Code.every


def all_kept() -> bool:
    """Whether the next program finds all of that on disk."""
    return all((file := code.file()) is not None and file.exists() for code in every())


def status() -> dict[str, str]:
    """What `kernels.status()` tells of the compiled kernels."""
    kept = str(place.directory()) if place.writable() else "none: no directory can be written"
    return {"numba": numba.__version__, "cache": kept}
