"""A world of one: the calls of an MPI communicator that has nobody to talk to.

Its rank 0 is the source and the destination of everything, so a sum is what it was, and a gather is a copy.
"""

from __future__ import annotations

from typing import Any


class Alone:
    """What `collectives.py` asks of a communicator, by mpi4py's names; nothing is ever on its way."""

    rank, size = 0, 1

    def Iallreduce(self, send: Any, recv: Any, op: Any, root: int = 0) -> None:
        """The sum over one rank is there already."""

    Ireduce = Iallreduce

    def Ibcast(self, buffer: Any, root: int) -> None:
        """The source has it already."""

    def Ibarrier(self) -> None:
        """All have come."""

    def Igather(self, send: Any, recv: Any, root: int = 0) -> None:
        recv[...] = send.reshape(recv.shape)

    Iallgather = Igather

    def Iscatter(self, send: Any, recv: Any, root: int = 0) -> None:
        recv[...] = send.reshape(recv.shape)

    def Ireduce_scatter_block(self, send: Any, recv: Any, op: Any) -> None:
        recv[...] = send.reshape(recv.shape)
