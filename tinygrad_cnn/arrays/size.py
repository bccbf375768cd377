"""`Size`: what `tensor.shape` is."""

from __future__ import annotations

from typing import Any


class Size(tuple):
    """A shape: a tuple of ints that can also count its elements; its slices, sums and multiples are shapes as well.

    >>> Size((2, 3)).numel()
    6
    >>> ((4,) + Size((2, 3))[1:]).numel()
    12
    """

    __slots__ = ()

    def __getitem__(self, i: Any) -> Any:
        part = tuple.__getitem__(self, i)
        return Size(part) if type(part) is tuple else part

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        return Size(other + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def numel(self) -> int:
        """The number of elements: the product of the lengths."""
        n = 1
        for length in self:
            n *= length
        return n
