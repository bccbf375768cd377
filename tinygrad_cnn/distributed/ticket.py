"""Whether all ranks of a group mean the same call: each tells its right neighbour, and hears from its left.

    rank 0 -> rank 1 -> ... -> rank N-1 -> rank 0        "12 all_reduce(float32 (3,), op=SUM)"

If every rank agrees with its left neighbour, all agree: so one small message a rank is enough, however many ranks
there are. It travels beside the data, on a communicator of its own where all messages are of one size, so that it
arrives whatever the other ranks have called. MPI alone would wait forever, or mix two calls up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SIZE = 256  # bytes
END = "the end of its program"


class Ticket:
    """The exchange for one call, begun when it is made."""

    def __init__(self, side: Any, number: int, call: str):
        self.number, self.call = number, call
        self.left, right = (side.rank - 1) % side.size, (side.rank + 1) % side.size
        self.mine = np.frombuffer(written(number, call), np.uint8)
        self.heard = np.zeros(SIZE, np.uint8)
        self.requests = [side.Irecv(self.heard, self.left), side.Isend(self.mine, right)]
        self.arrived = False

    def poll(self) -> bool:
        """Whether the left neighbour has come."""
        if not self.arrived:
            self.arrived = self.requests[0].Test() and self.requests[1].Test()
        return self.arrived

    @property
    def agrees(self) -> bool:
        return bool((self.mine == self.heard).all())

    def theirs(self) -> str:
        """What the left neighbour has called."""
        return read(self.heard.tobytes())


def written(number: int, call: str) -> bytes:
    """The call in SIZE bytes: what is too long is cut, in the middle, where shapes repeat.

    >>> len(written(3, "broadcast(float32 (2,), src=0)"))
    256
    """
    text = f"{number} {call}".encode()
    if len(text) > SIZE:
        half = SIZE // 2 - 3
        text = text[:half] + b" ... " + text[-half:]
    return text.ljust(SIZE, b"\0")


def read(ticket: bytes) -> str:
    """The call that a ticket is of.

    >>> read(written(3, "barrier()"))
    'barrier()'
    """
    return ticket.rstrip(b"\0").decode(errors="replace").partition(" ")[2]
