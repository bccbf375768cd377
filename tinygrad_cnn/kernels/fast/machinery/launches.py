"""Loops written down while they run, to be run again in one go, as a CUDA graph does with launches.

    launches = Launches()
    with launches.record():          every loop that this thread runs is also written down
        y = kernel.relu(x)
    x[...] = other
    launches.run()                   y holds the positive part of the new numbers

To call a loop takes Python and Numba some microseconds, in which arrays are looked at and a team is woken. A launch is
what they find out: the address of the code, and the arguments as machine code reads them. The memory is that of the
recording, which is kept for it: each array by itself, or where it was made in a block of `memory.Pool`, its block, for
there an array that has died gives its place to a later one, as it does while the program runs. So are the parts into
which a loop was cut, whatever number of threads is set later: what it needs for each thread was made for so many, and
the results are those of the recording to the last bit.

An array that is another one each time has a slot:

    launches.slot(x)                 x need not live any more
    launches.run([other])            the numbers of `other`, an array of the same form, are read in the place of x

That is a matter of addresses: every word of a launch that points into the memory of x is moved to that of the other.

What Python does between two loops is not written down. A kernel that is nothing but loops, views and fresh memory
may be run again in this way, and says so when it is registered: `faster(pure=True)`.

A list belongs to one thread at a time, as its arrays do.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ....arrays.blocks import Ending
from . import memory
from .cache import Code
from .compiled import FAILED, Compiled, team_of, watched
from .headers import address_in, are_read
from .team import ROOM, _read, _write, lead

CODE, TEAM, PIECES, DATA = range(4)  # words of a launch; the data go on to its end


class Launch:
    """One loop with its arguments: `words` for machine code, what keeps the memory they point into, when it ran."""

    __slots__ = ("kept", "loop", "time", "words")

    def __init__(self, loop: Compiled, words: np.ndarray, kept: list):
        self.loop, self.words, self.kept, self.time = loop, words, kept, memory.now()

    @classmethod
    def of(cls, loop: Compiled, team: int, arguments: tuple, holding: Sequence) -> Launch:
        place = np.empty(2 + ROOM // 8, np.int64)
        loop.load()(place.ctypes.data, 0, *arguments)  # no team: it notes what it would do
        code, size = place[:2].tolist()
        words = np.empty(DATA + size // 8, np.int64)
        words[:DATA] = code, team, loop.pieces
        words[DATA:] = place[2 : 2 + size // 8]
        return cls(loop, words, [*memory.keepers(arguments), *memory.keepers(holding)])


class Launches:
    """A list of launches, which grows with every recording."""

    def __init__(self) -> None:
        self._all: list[Launch] = []
        self._team, self._slots = 1, 0
        self._addresses = np.empty(0, np.int64)
        self._moves = np.empty((0, 3), np.int64)  # address of a word, slot, bytes from its beginning
        self._tables: tuple[int, ...] = (0,) * 4  # where these two lie, and how long they are

    def __len__(self) -> int:
        return len(self._all)

    def loops(self) -> list[Compiled]:
        """The loops that are written down, in their order."""
        return [launch.loop for launch in self._all]

    def nbytes(self) -> int:
        """How much memory they keep."""
        kept = {id(a): a.nbytes for launch in self._all for a in launch.kept}
        return sum(kept.values())

    def record(self) -> _Block:
        """`with launches.record():` writes down the loops that this thread runs in the block, after those before.

        Where the block ends by an error or an interrupt, nothing of it is written down.
        """
        return _Block(lambda seen: self._take([*self._all, *seen]))

    def slot(self, array: np.ndarray) -> int:
        """Which of the arrays that `run` is given takes the place of this one; its numbers are as many."""
        place, (begin, end), data = self._slots, memory.bounds(array), array.ctypes.data
        moves, made = [self._moves], memory.lent_at(array)
        for launch in self._all:
            if launch.time < made:  # it used the memory for something else
                continue
            words = launch.words[DATA:]
            for k in np.flatnonzero((words >= begin) & (words < end)):
                moves.append(np.array([[launch.words.ctypes.data + 8 * (DATA + k), place, words[k] - data]], np.int64))
            launch.kept = [a for a in launch.kept if not _lies_in(a, begin, end)]
        self._moves = np.concatenate(moves)
        self._slots += 1
        self._lay_out()
        return place

    def run(self, arrays: Sequence[np.ndarray] = ()) -> None:
        """Run all of them in order, with an array for each slot. A block that records this thread writes them down."""
        slots = arrays if type(arrays) is list else list(arrays)
        if len(slots) != self._slots:
            raise ValueError(f"launches with {self._slots} slots were given {len(slots)} arrays")
        moves = self._tables[:2]
        if not are_read():
            for at, slot, offset in self._moves.tolist():
                ctypes.c_int64.from_address(at).value = slots[slot].ctypes.data + offset
            moves = 0, 0
        REPLAY.load()(team_of(self._team).board, id(slots), *moves, *self._tables[2:])
        for block in watched.by:
            block.take(self._all, slots)

    def _take(self, launches: list[Launch]) -> None:
        team = max([int(launch.words[TEAM]) for launch in launches], default=1)
        addresses = np.array([launch.words.ctypes.data for launch in launches], np.int64)
        self._all, self._team, self._addresses = launches, team, addresses
        self._lay_out()

    def _lay_out(self) -> None:
        moves, addresses = self._moves, self._addresses
        self._tables = moves.ctypes.data, len(moves), addresses.ctypes.data, len(addresses)


def _lies_in(array: np.ndarray, begin: int, end: int) -> bool:
    first, last = memory.byte_bounds(array)
    return begin <= first and last <= end


class _Block:
    """The block in which the loops of this thread are written down."""

    __exit__ = Ending(lambda self: [partial(setattr, watched, "by", watched.by), self._end])

    def __init__(self, then: Callable[[list[Launch]], None]):
        self.then = then

    def __enter__(self) -> None:
        self.seen: list[Launch] = []
        self.handled = sys.exc_info()[1]
        watched.by = (*watched.by, self)  # the last step: an interrupt comes before it, or in the block

    def tell(self, loop: Compiled, team: int, arguments: tuple, holding: Sequence) -> None:
        """Write a loop down."""
        self.seen.append(Launch.of(loop, team, arguments, holding))

    def take(self, launches: list[Launch], arrays: Sequence[np.ndarray]) -> None:
        """Write launches down, as they are now."""
        held = [*memory.keepers(arrays)]
        self.seen += [Launch(launch.loop, launch.words.copy(), [*launch.kept, *held]) for launch in launches]

    def _end(self) -> None:
        if sys.exc_info()[1] is self.handled:  # no error ends the block
            self.then(self.seen)


def replay(board, arrays, moves, moved, addresses, count):
    """Move what points into the arrays of a list, and run the launches at these addresses."""
    for k in range(moved):
        row = moves + 24 * k
        _write(_read(row, 0), 0, address_in(arrays, _read(row, 1)) + _read(row, 2))
    for k in range(count):
        place = _read(addresses, k)
        if lead(board, _read(place, TEAM), _read(place, PIECES), _read(place, CODE), place + 8 * DATA) != 0:
            raise RuntimeError(FAILED)


REPLAY = Code(replay, "void(intp, intp, intp, intp, intp, intp)")
