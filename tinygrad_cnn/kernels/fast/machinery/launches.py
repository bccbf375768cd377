"""Loops written down while they run, to be run again in one go, as a CUDA graph does with launches.

    launches = Launches()
    with launches.record():          every loop that this thread runs is also written down
        y = kernel.relu(x)
    x[...] = other
    launches.run()                   y holds the positive part of the new numbers

To call a loop takes Python and Numba some microseconds, in which arrays are looked at and a team is woken. A launch is
what they find out: the address of the code, and the arguments as machine code reads them. The memory is that of the
recording, which is kept for it: each array by itself, or where it was made in a block of `memory.Pool`, the pool. There
an array that has died gives its place to a later one, as it does while the program runs. So are the parts into which a
loop was cut, whatever number of threads is set later: what it needs for each thread was made for so many, and the
results are those of the recording to the last bit.

What Python does between two loops is not written down. A kernel that is nothing but loops, views and fresh memory
may be run again in this way, and says so when it is registered: `faster(pure=True)`.

A list belongs to one thread at a time, as its arrays do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from . import memory
from .cache import Code
from .compiled import Compiled, team_of, watched
from .team import ROOM, _read, lead

CODE, TEAM, PIECES, DATA = range(4)  # words of a launch; the data go on to its end


class Launch:
    """One loop with its arguments: `words` for machine code, and what keeps the memory that they point into."""

    __slots__ = ("kept", "loop", "words")

    def __init__(self, loop: Compiled, words: np.ndarray, kept: list):
        self.loop, self.words, self.kept = loop, words, kept

    @classmethod
    def of(cls, loop: Compiled, team: int, arguments: tuple, holding: Sequence) -> Launch:
        place = np.empty(2 + ROOM // 8, np.int64)
        loop.load()(place.ctypes.data, 0, *arguments)  # no team: it notes what it would do
        code, size = place[:2].tolist()
        words = np.empty(DATA + size // 8, np.int64)
        words[:DATA] = code, team, loop.pieces
        words[DATA:] = place[2 : 2 + size // 8]
        return cls(loop, words, [*memory.keepers(arguments), *memory.keepers(holding)])

    def bind(self, other: Launch) -> None:
        """Take over the arguments of another launch of the same loop; an interrupt may come between any two lines."""
        self.kept = [*self.kept, *other.kept]
        self.words[:] = other.words
        self.kept = other.kept


class Launches:
    """A list of launches, which grows with every recording."""

    def __init__(self) -> None:
        self._all: list[Launch] = []
        self._team, self._addresses = 1, np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._all)

    def loops(self) -> list[Compiled]:
        """The loops that are written down, in their order."""
        return [launch.loop for launch in self._all]

    def record(self) -> _Block:
        """`with launches.record():` writes down the loops that this thread runs in the block, after those before.

        Where the block ends by an error or an interrupt, nothing of it is written down.
        """
        return _Block(runs=True, then=lambda seen: self._take([*self._all, *seen]))

    def bind(self, start: int = 0) -> _Block:
        """`with launches.bind(k):` runs no loop of the block; their arguments take the places from the k-th on.

        They must be the same loops in the same order; RuntimeError where they are not, and nothing is changed.
        """
        return _Block(runs=False, then=lambda seen: self._bind(start, seen))

    def run(self) -> None:
        """Run all of them in order. A block that records this thread writes them down as well."""
        if watched.by and False in [block.take(self._all) for block in watched.by]:
            return
        board = team_of(self._team).board
        REPLAY.load()(board, self._addresses.ctypes.data, len(self._addresses))

    def _bind(self, start: int, seen: list[Launch]) -> None:
        old = self._all[start : start + len(seen)]
        if [launch.loop for launch in old] != [launch.loop for launch in seen]:
            raise RuntimeError(f"Launches.bind: {_names(seen)} cannot take the place of {_names(old)}")
        for launch, other in zip(old, seen, strict=True):
            launch.bind(other)
        self._take(self._all)

    def _take(self, launches: list[Launch]) -> None:
        team = max([int(launch.words[TEAM]) for launch in launches], default=1)
        addresses = np.array([launch.words.ctypes.data for launch in launches], np.int64)
        self._all, self._team, self._addresses = launches, team, addresses


def _names(launches: list[Launch]) -> str:
    return ", ".join([launch.loop.share.__name__ for launch in launches]) or "nothing"


class _Block:
    """The block in which the loops of this thread are written down, and run or not."""

    def __init__(self, runs: bool, then: Callable[[list[Launch]], None]):
        self.runs, self.then = runs, then

    def __enter__(self) -> None:
        self.seen: list[Launch] = []
        self.before = watched.by
        watched.by = (*self.before, self)  # the last step: an interrupt comes before it, or in the block

    def tell(self, loop: Compiled, team: int, arguments: tuple, holding: Sequence) -> bool:
        """Write a loop down; whether it is to run."""
        self.seen.append(Launch.of(loop, team, arguments, holding))
        return self.runs

    def take(self, launches: list[Launch]) -> bool:
        self.seen += [Launch(launch.loop, launch.words.copy(), launch.kept) for launch in launches]
        return self.runs

    def __exit__(self, kind: object, *error: object) -> None:
        watched.by = self.before
        if kind is None:
            self.then(self.seen)


def replay(board, addresses, count):
    for k in range(count):
        place = _read(addresses, k)
        lead(board, _read(place, TEAM), _read(place, PIECES), _read(place, CODE), place + 8 * DATA)


REPLAY = Code(replay, "void(intp, intp, intp)")
