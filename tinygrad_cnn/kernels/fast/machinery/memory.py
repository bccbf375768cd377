"""Memory for big results, used again from step to step.

A fresh array of many megabytes costs a page fault for every 4 KB, as much time as the work on it. `empty`
hands out arrays on blocks that are kept, at most KEEP bytes of them, lent or idle. A block is idle again when the
last array that looks at it dies: every view holds the loan through NumPy's `base`, so no block is ever given out twice
at a time. Where there are more, those that were lent the longest ago are forgotten; they go back to the system with
their last array.

What is to be run again at the same addresses (launches.py) has a pool of its own:

    with Pool() as pool: ...                  `empty` hands out the pool's memory in this block, on this thread

Its blocks, too, are used again within the pool when their arrays have died. It takes them from the idle ones that are
kept for all, and none goes back there: each lives as long as something that is to be run again needs it.

Arrays die at any moment, also while an interrupt (Ctrl-C) is on its way, and what a finalizer written in Python
raises is lost. So none is: when a loan dies, its weak reference is appended to the list of idle ones, in C. Every
change of the tables is one call into C, so threads need no lock.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import threading
from collections.abc import Iterator
from functools import partial
from math import prod
from weakref import ref

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ....arrays.blocks import Ending
from ....arrays.plain import owner
from .arrays import FLOAT32

SMALL = 1 << 16  # bytes; below it, the system's allocator is as fast
KEEP = 256 << 20  # bytes that are kept


class _Block:
    """A piece of memory, and how it is lent.

    A loan is an array of ctypes, for these are made in a moment, and NumPy keeps whatever it reads memory from alive.
    """

    __slots__ = ("lend", "memory", "size", "start")

    def __init__(self, size: int):
        self.size, self.memory = size, np.empty(size, np.uint8)
        self.start = -self.memory.ctypes.data % 64
        self.lend = (ctypes.c_char * (size - 64)).from_buffer


class _Kept(ref):
    """A loan whose block is to be kept, and the block."""

    __slots__ = ("block",)
    __hash__, __eq__ = object.__hash__, object.__eq__  # its own; arrays of ctypes have none


class Pool:
    """Blocks of memory that are lent, idle, and lent again: with a limit, so many bytes of them."""

    def __init__(self, most: float = math.inf):
        self.most = most
        self.kept: dict[_Kept, int] = {}  # how many bytes; in the order of lending
        self.idle: dict[int, list[_Kept]] = {}  # by size; also such as have been forgotten since

    def empty(self, size: int, shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
        """An array on a block of at least so many bytes."""
        size = _class(size + 64)
        block = self._idle_block(size) or (None if self is _common else _common._idle_block(size))
        is_new = block is None
        block = block or _Block(size)
        loan = block.lend(block.memory, block.start)
        if self is not _common:
            loan.block, loan.time = block.memory, now()  # type: ignore[attr-defined]
        if block.size <= self.most:
            kept = _Kept(loan, self.idle.setdefault(block.size, []).append)
            kept.block = block
            self.kept[kept] = block.size
            if is_new:
                self._forget(sum(list(self.kept.values())) - self.most)
        return np.ndarray(shape, dtype, loan)  # type: ignore[arg-type]

    def _idle_block(self, size: int) -> _Block | None:
        """An idle block of the size, or of one up to twice as large."""
        if block := self._take(size):
            return block
        for larger in sorted(known for known in list(self.idle) if size < known <= 2 * size):
            if block := self._take(larger):
                return block
        return None

    def _take(self, size: int) -> _Block | None:
        idle = self.idle.get(size)
        while idle:
            try:
                kept = idle.pop()
            except IndexError:  # another thread took it
                break
            if self.kept.pop(kept, 0):  # else it has been forgotten
                return kept.block
        return None

    def _forget(self, excess: float) -> None:
        """Keep so many bytes less, of what was lent the longest ago."""
        for kept in list(self.kept):
            if excess <= 0:
                break
            if size := self.kept.pop(kept, 0):
                excess -= size
                del kept.block

    __exit__ = Ending(lambda self: [partial(setattr, _thread, "pools", _thread.pools)])

    def __enter__(self) -> Pool:
        _thread.pools = (*_thread.pools, self)  # the last step: an interrupt comes before it, or in the block
        return self


class _Thread(threading.local):
    """Whose memory `empty` hands out on this thread; the innermost block is the last."""

    pools: tuple[Pool, ...] = ()


_thread, _common = _Thread(), Pool(KEEP)


def empty(shape: tuple[int, ...], dtype: np.dtype | type = FLOAT32) -> np.ndarray:
    """np.empty on kept memory, aligned to 64 bytes where it is big.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    size = prod(shape) * (4 if dtype is FLOAT32 else np.dtype(dtype).itemsize)
    if _thread.pools:
        return _thread.pools[-1].empty(size, shape, dtype)
    return np.empty(shape, dtype) if size < SMALL else _common.empty(size, shape, dtype)


def block_of(array: np.ndarray) -> np.ndarray | None:
    """The memory of the block that an array of a pool of its own lies in; None for every other array.

    >>> with Pool():
    ...     x = empty((2, 3))
    >>> np.shares_memory(block_of(x[1]), x), block_of(np.ones(3))
    (True, None)
    """
    return getattr(owner(array).base, "block", None)


now = itertools.count(1).__next__  # a clock that tells what was before what


def lent_at(array: np.ndarray) -> int:
    """When the block of a pool was lent for an array: who used it before has meant another one. 0 without such."""
    return getattr(owner(array).base, "time", 0)


def keepers(value: object) -> Iterator[np.ndarray]:
    """What must live for the memory of an array, or of those in a list, to stay: the block, or the array itself.

    An array on a block of a pool may die for all that, and the block be lent to another one of the pool.
    """
    if isinstance(value, tuple | list):
        for part in value:
            yield from keepers(part)
    elif isinstance(value, np.ndarray):
        block = block_of(value)
        yield value if block is None else block


def bounds(array: np.ndarray) -> tuple[int, int]:
    """Where the memory of an array begins and ends; that of its block, where it has one of a pool.

    >>> begin, end = bounds(np.ones((2, 3), np.float32))
    >>> end - begin
    24
    """
    block = block_of(array)
    return byte_bounds(array if block is None else block)


def _class(size: int) -> int:
    """Sizes an eighth apart, so that similar ones share blocks."""
    digits = size.bit_length() - 4
    if digits < 12:
        digits = 12
    return (size - 1 >> digits) + 1 << digits
