"""Memory for big results, used again from step to step.

A fresh array of many megabytes costs a page fault for every 4 KB, as much time as the work on it. `empty`
hands out arrays on kept blocks. A block comes back when the last array that looks at it dies: every view
holds the loan through NumPy's `base`, so no block is ever given out twice at a time.
"""

from __future__ import annotations

from math import prod

import numpy as np

SMALL = 1 << 16  # bytes; below it, the system's allocator is as fast
KEEP = 256 << 20  # bytes that may lie idle

Block = tuple[np.ndarray, int]  # kept memory, and its first address that is a multiple of 64

_idle: dict[int, list[Block]] = {}


class _Loan:
    """One block while it is lent. NumPy keeps it alive as the base of the arrays made from it."""

    __slots__ = ("__array_interface__", "block")

    def __init__(self, block: Block, shape: tuple[int, ...], dtype: np.dtype):
        self.block = block
        self.__array_interface__ = {"data": (block[1], False), "shape": shape, "typestr": dtype.str, "version": 3}

    def __del__(self):
        _idle[self.block[0].nbytes].append(self.block)


def empty(shape: tuple[int, ...], dtype: np.dtype | type = np.float32) -> np.ndarray:
    """np.empty on kept memory, aligned to 64 bytes where it is big.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    dtype = np.dtype(dtype)
    size = prod(shape) * dtype.itemsize
    if size < SMALL:
        return np.empty(shape, dtype)
    return np.asarray(_Loan(_block(size + 64), shape, dtype))


def _block(size: int) -> Block:
    """An idle block of the size's class or of one up to twice as large, or a new one.

    Classes are an eighth apart, so similar sizes share blocks.
    """
    step = 1 << max(size.bit_length() - 4, 12)
    size = -(-size // step) * step
    try:
        return _idle.setdefault(size, []).pop()
    except IndexError:
        pass
    for larger in sorted(known for known in list(_idle) if size < known <= 2 * size):
        try:
            return _idle[larger].pop()
        except IndexError:  # none idle, or another thread took it
            pass
    _shed()
    memory = np.empty(size, np.uint8)
    return memory, -(-memory.ctypes.data // 64) * 64


def _shed() -> None:
    """Give idle blocks back to the system, the largest first, until no more than KEEP bytes are kept."""
    excess = sum(size * len(blocks) for size, blocks in list(_idle.items())) - KEEP
    for size in sorted(_idle, reverse=True):
        blocks = _idle[size]
        while excess > 0 and blocks:
            try:
                blocks.pop()
            except IndexError:  # another thread took it
                break
            excess -= size
