"""From one rank to another: send and recv, by PyTorch's names.

A message goes to the recv of its destination with the same tag, in the order of sending. Only these two ranks know of
it; the tensor of recv must be of the size of what was sent.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .collectives import root_of
from .errors import DistBackendError
from .group import Group, ProcessGroup, member
from .mpi import mpi
from .staged import Staged, as_bytes, changed, given, shown
from .work import Work


class Received(Work):
    """The Work of an irecv; it knows who sent."""

    def _source_rank(self) -> int:
        assert self._statuses is not None
        return self._statuses[0].Get_source()


def isend(
    tensor: Tensor, dst: int | None = None, group: Group = None, tag: int = 0, group_dst: int | None = None
) -> Work | Any:
    """Begin to send a tensor to rank dst; it is not to be changed before `wait()` of what is returned."""
    chosen = member("isend", group)
    if chosen is None:
        return None
    return send_array(
        chosen, "send", given("isend", "tensor", tensor), _other("isend", "dst", chosen, dst, group_dst), tag
    )


def irecv(
    tensor: Tensor, src: int | None = None, group: Group = None, tag: int = 0, group_src: int | None = None
) -> Received | Any:
    """Begin to receive a tensor from rank src, or from any; it is not to be looked at before `wait()`."""
    chosen = member("irecv", group)
    if chosen is None:
        return None
    source = None if src is None and group_src is None else _other("irecv", "src", chosen, src, group_src)
    return receive_array(chosen, "recv", changed("irecv", "tensor", tensor), source, tag)


def send(
    tensor: Tensor, dst: int | None = None, group: Group = None, tag: int = 0, group_dst: int | None = None
) -> None:
    """Send a tensor to rank dst, of which recv there, with this tag, takes it."""
    work = isend(tensor, dst, group, tag, group_dst)
    if work is not None:
        work.wait()


def recv(
    tensor: Tensor, src: int | None = None, group: Group = None, tag: int = 0, group_src: int | None = None
) -> int:
    """Receive into a tensor what rank src sends, or whoever sends first where src is None; returns who did."""
    work = irecv(tensor, src, group, tag, group_src)
    if work is None:
        return -1
    work.wait()
    return work._group.ranks[work._source_rank()]


def send_array(chosen: ProcessGroup, name: str, array: np.ndarray, to: int, tag: int) -> Work:
    call = f"{name}({shown(array)}, dst={chosen.ranks[to]}, tag={tag})"
    chosen.check(call)
    work = Work(chosen, call, [chosen.comm.Isend(as_bytes(np.ascontiguousarray(array)), to, tag)])
    chosen.transfer(work)
    return work


def receive_array(chosen: ProcessGroup, name: str, array: np.ndarray, source: int | None, tag: int) -> Received:
    call = f"{name}({shown(array)}, src={'any' if source is None else chosen.ranks[source]}, tag={tag})"
    chosen.check(call)
    if chosen.size == 1:
        raise ValueError(f"{call}: there is no other rank to receive from")
    staged = Staged(array)
    status: Any = mpi()[0].Status()

    def finish() -> None:
        if status.Get_count() != array.nbytes:
            raise DistBackendError(
                f"{call}: {chosen.named(status.Get_source())} sent {status.Get_count()} bytes, the tensor takes "
                f"{array.nbytes}"
            )
        staged.back()

    request = chosen.comm.Irecv(as_bytes(staged.data), mpi()[0].ANY_SOURCE if source is None else source, tag)
    work = Received(chosen, call, [request], finish, statuses=[status])
    chosen.transfer(work)
    return work


def _other(name: str, what: str, chosen: ProcessGroup, rank: int | None, group_rank: int | None) -> int:
    other = root_of(name, what, chosen, rank, group_rank)
    if other == chosen.rank:
        raise ValueError(f"{name}: {what} is {rank}, this rank itself; a message goes to another one")
    return other
