"""How many windows fit on an axis, and how long an axis is that so many windows cover."""

from __future__ import annotations


def fitting(size: int, window: int, stride: int, padding: int = 0, dilation: int = 1, ceil_mode: bool = False) -> int:
    """How many windows fit on an axis of this size; with ceil_mode also one that begins inside but ends outside.

    >>> fitting(28, window=5, stride=2)
    12
    >>> fitting(28, window=5, stride=2, ceil_mode=True)
    13
    """
    free = size + 2 * padding - dilation * (window - 1) - 1
    count = (free + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1  # it would see nothing but padding
    return count


def covered(count: int, window: int, stride: int, padding: int = 0, dilation: int = 1) -> int:
    """The size of an axis that so many windows cover: the smallest on which they fit.

    >>> covered(12, window=5, stride=2)
    27
    """
    return (count - 1) * stride + dilation * (window - 1) + 1 - 2 * padding
