"""Whether tensors still hold what they held, for what is made of them once and kept.

    stamp = Stamp.of(weight, bias)          None where they may change without anybody's knowledge
    ...
    if Stamp.of(weight, bias) == stamp:     the same tensors, on the same memory, which nobody has changed

Every change in place is counted by the keeper of the memory (`Version`). What a user does through NumPy is not: so a
memory that was handed out as an array, or came as one, has no stamp, and what is made of it is made each time.
"""

from __future__ import annotations

from typing import Any

from .tensor import Tensor


class Stamp:
    """The tensors, their memory and the changes of it so far; None among the tensors stands for none."""

    __slots__ = ("counts", "things")

    def __init__(self, things: list[Any], counts: list[int]):
        self.things, self.counts = things, counts

    @classmethod
    def of(cls, *tensors: Tensor | None) -> Stamp | None:
        things: list[Any] = []
        counts = []
        for t in tensors:
            things.append(t)
            if t is not None:
                keeper = t.version().keeper
                if keeper.exposed:
                    return None
                things += t._array, keeper
                counts.append(keeper.touched)
        return cls(things, counts)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Stamp)
            and self.counts == other.counts
            and len(self.things) == len(other.things)
            and all(mine is its for mine, its in zip(self.things, other.things, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]
