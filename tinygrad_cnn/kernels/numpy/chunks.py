"""Work in pieces: what stays in the cache is read again at once, a big array has to come back from memory.

A convolution in one big im2col spends most of its time on page faults of the column matrix; the same
convolution a few images at a time, through one small buffer, spends it in the matmul.
"""

from __future__ import annotations

from collections.abc import Iterator

PIECE = 1 << 20  # bytes; half of a usual second-level cache, for passes that one core makes over its data
PRODUCT = 1 << 22  # bytes; for matrices that all cores multiply, which must be worth the threads' meeting


def pieces(size: int, item_bytes: int, piece: int | None = None) -> Iterator[slice]:
    """Cut range(size) into slices of about `piece` bytes (or PIECE), one item at least.

    >>> list(pieces(5, PIECE // 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = piece_length(size, item_bytes, piece)
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))


def piece_length(size: int, item_bytes: int, piece: int | None = None) -> int:
    """How many of `size` items make a piece: at least one.

    >>> piece_length(100, PIECE // 7)
    7
    """
    return max(1, min(size, (piece or PIECE) // max(1, item_bytes)))
