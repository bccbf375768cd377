"""Memory for big results, used again from step to step.

A fresh array of many megabytes costs a page fault for every 4 KB, as much time as the work on it. `empty`
hands out arrays on blocks that are kept, at most KEEP bytes of them, lent or idle. A block is idle again when the
last array that looks at it dies: every view holds the loan through NumPy's `base`, so no block is ever given out twice
at a time. Where there are more, those that were lent the longest ago are forgotten; they go back to the system with
their last array.

Arrays die at any moment, also while an interrupt (Ctrl-C) is on its way, and what a finalizer written in Python
raises is lost. So none is: when a loan dies, its weak reference is appended to the list of idle ones, in C. Every
change of the two tables is one call into C, so threads need no lock.
"""

from __future__ import annotations

from math import prod
from weakref import ref

import numpy as np

SMALL = 1 << 16  # bytes; below it, the system's allocator is as fast
KEEP = 256 << 20  # bytes that are kept


class _Loan:
    """One block while it is lent. NumPy keeps it alive as the base of the arrays made from it."""

    __slots__ = ("__array_interface__", "__weakref__", "block")

    def __init__(self, block: np.ndarray, shape: tuple[int, ...], dtype: np.dtype):
        self.block = block
        start = -(-block.ctypes.data // 64) * 64
        self.__array_interface__ = {"data": (start, False), "shape": shape, "typestr": dtype.str, "version": 3}


class _Kept(ref):
    """A loan whose block is to be kept, and the block."""

    __slots__ = ("block",)


_kept: dict[_Kept, int] = {}  # how many bytes; in the order of lending
_idle: dict[int, list[_Kept]] = {}  # by size; also such as have been forgotten since


def empty(shape: tuple[int, ...], dtype: np.dtype | type = np.float32) -> np.ndarray:
    """np.empty on kept memory, aligned to 64 bytes where it is big.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    dtype = np.dtype(dtype)
    size = prod(shape) * dtype.itemsize
    if size < SMALL:
        return np.empty(shape, dtype)
    block = _idle_block(size := _class(size + 64))
    is_new = block is None
    if is_new:
        block = np.empty(size, np.uint8)
    loan = _Loan(block, shape, dtype)
    if block.nbytes <= KEEP:
        kept = _Kept(loan, _idle.setdefault(block.nbytes, []).append)
        kept.block = block
        _kept[kept] = block.nbytes
        if is_new:
            _forget(sum(list(_kept.values())) - KEEP)
    return np.asarray(loan)


def _class(size: int) -> int:
    """Sizes an eighth apart, so that similar ones share blocks."""
    step = 1 << max(size.bit_length() - 4, 12)
    return -(-size // step) * step


def _idle_block(size: int) -> np.ndarray | None:
    """An idle block of the size, or of one up to twice as large."""
    for larger in sorted(known for known in list(_idle) if size <= known <= 2 * size):
        idle = _idle[larger]
        while idle:
            try:
                kept = idle.pop()
            except IndexError:  # another thread took it
                break
            if _kept.pop(kept, 0):  # else it has been forgotten
                return kept.block
    return None


def _forget(excess: int) -> None:
    """Keep so many bytes less, of what was lent the longest ago."""
    for kept in list(_kept):
        if excess <= 0:
            break
        if size := _kept.pop(kept, 0):
            excess -= size
            del kept.block
