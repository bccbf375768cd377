"""The group of processes that work on one training, and smaller groups of them.

The one of all ranks is opened by `init_process_group` and closed by `destroy_process_group`; it is MPI's world where
the program was started by `tinygrad-cnn launch` or mpiexec, and a world of one otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from ..kernels.threads import get_num_threads
from .alone import Alone
from .errors import DistBackendError
from .failing import Guard
from .mpi import LOCAL_SIZES, SIZES, mpi, started, told
from .reduce_op import ReduceOp
from .ticket import END, Ticket
from .work import QUESTIONS, Work, wait_until

TIMEOUT = "TINYGRAD_CNN_TIMEOUT"  # seconds, in the environment: `launch --timeout`
default_pg_timeout = timedelta(minutes=30)


class ProcessGroup:
    """Ranks that call collectives together. Made by `init_process_group` and `new_group`.

    ranks: their global numbers, in the order of their numbers in this group; `rank` is this process' number in it.
    """

    def __init__(self, comm: Any, side: Any, ranks: Sequence[int], seconds: float, guard: Guard | None):
        self.comm, self.side, self.ranks, self.seconds, self.guard = comm, side, tuple(ranks), seconds, guard
        self.calls = 0
        self.pending: set[Work] = set()
        self.broken: Exception | None = None
        self.transport_errors = () if guard is None else (mpi()[0].Exception,)
        crowded = told(LOCAL_SIZES) * get_num_threads() > _cores()
        self.questions = 0 if crowded else QUESTIONS

    @property
    def rank(self) -> int:
        return self.comm.rank

    @property
    def size(self) -> int:
        return self.comm.size

    def named(self, rank: int) -> str:
        """A rank of this group, as a message calls it."""
        return f"rank {self.ranks[rank]}"

    def run(
        self,
        call: str,
        start: Callable[[Any], Any],
        finish: Callable[[], Any] = lambda: None,
        async_op: bool = False,
        timeout: timedelta | None = None,
    ) -> Work | None:
        """Begin a collective, `start(comm)` -> its request, and wait for it; or return the Work where async_op."""
        work = self._begin(call, start, finish)
        if async_op:
            return work
        work.wait(timeout)
        return None

    def _begin(self, call: str, start: Callable[[Any], Any], finish: Callable[[], Any]) -> Work:
        self.check(call)
        self.progress()
        self.calls += 1
        if self.guard is None:
            start(self.comm)
            return Work(self, call, [], finish)
        self.guard.calls(self.calls, call)
        ticket = Ticket(self.side, self.calls, call)
        work = Work(self, call, [start(self.comm)], finish, ticket)
        self.pending.add(work)
        return work

    def transfer(self, work: Work) -> None:
        """Note a message between two ranks, of which the others know nothing."""
        if self.guard is not None:
            self.guard.calls(self.calls, work._call)
        self.pending.add(work)

    def check(self, call: str) -> None:
        """Raise where an error has put the ranks out of step."""
        if self.broken is not None:
            raise DistBackendError(f"{call}: the group cannot be used since an earlier call failed: {self.broken}")

    def progress(self) -> None:
        """Move on what is on its way."""
        for work in list(self.pending):
            work.is_completed()

    def test(self, requests: list, statuses: list | None) -> bool:
        return not requests or mpi()[0].Request.Testall(requests, statuses)

    def op(self, op: ReduceOp) -> Any:
        """MPI's word for it."""
        if self.guard is None:
            return None
        return getattr(mpi()[0], "SUM" if op is ReduceOp.AVG else op.value)

    @property
    def in_place(self) -> Any:
        return None if self.guard is None else mpi()[0].IN_PLACE


class _Outsider:
    """What `new_group` returns to a rank that is not in it."""

    def __repr__(self) -> str:
        return "GroupMember.NON_GROUP_MEMBER"


class _Members(type):
    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The group of all ranks; None before `init_process_group`."""
        return _world


class GroupMember(metaclass=_Members):
    """WORLD, the group of all ranks, and NON_GROUP_MEMBER, what a rank outside of a new group gets."""

    NON_GROUP_MEMBER = _Outsider()


group = GroupMember
_world: ProcessGroup | None = None
Group = ProcessGroup | _Outsider | None


def is_available() -> bool:
    """True: without MPI, too, everything works as a world of one.

    >>> is_available()
    True
    """
    return True


def is_mpi_available() -> bool:
    """Whether mpi4py and an MPI library are installed.

    >>> isinstance(is_mpi_available(), bool)
    True
    """
    return mpi()[0] is not None


def is_initialized() -> bool:
    """Whether there is a process group.

    >>> is_initialized()
    False
    """
    return _world is not None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Open the group of all processes that `tinygrad-cnn launch -n N` or `mpiexec -n N` has started; waits for all.

    backend: "mpi", which knows ranks and meeting place by itself: init_method is None or "env://", and world_size and
    rank, if given, must be MPI's. timeout: how long a call waits for the other ranks before it raises, 30 minutes by
    default; timedelta(0) for ever. The other arguments are there for PyTorch's scripts.

    From here on a rank that fails ends all of them. Without MPI, or started as it is, a process is a world of one.

    ValueError for another backend, a second call, or numbers that are not MPI's; RuntimeError where several processes
    were started and MPI is not installed.

    >>> init_process_group("mpi")
    >>> get_rank(), get_world_size()
    (0, 1)
    >>> destroy_process_group()
    """
    global _world
    if _world is not None:
        raise ValueError("init_process_group: trying to initialize the default process group twice!")
    _check_backend("init_process_group", backend)
    if init_method not in (None, "env://") or store is not None:
        raise ValueError(
            f"init_process_group: MPI finds the other ranks; leave out init_method={init_method!r} and store"
        )
    seconds = _seconds("init_process_group", timeout)
    module: Any
    module, why = mpi() if started() else (None, "")
    count = told(SIZES)
    if module is None and count > 1:
        raise RuntimeError(
            f"init_process_group: {count} processes were started, but MPI is not there ({why}); "
            'pip install "tinygrad_cnn[mpi]", or mpi4py where the system has an MPI'
        )
    size, here = (1, 0) if module is None else (module.COMM_WORLD.size, module.COMM_WORLD.rank)
    for what, given, own in (("world_size", world_size, size), ("rank", rank, here)):
        if given not in (-1, own):
            raise ValueError(f"init_process_group: {what} is {given}, MPI says {own}; leave it out")
    if size == 1:
        if count > 1:
            raise RuntimeError(
                f"init_process_group: {count} processes were started, but this one's MPI sees only itself: mpiexec "
                "is of another MPI than the library; start with tinygrad-cnn launch"
            )
        _world = ProcessGroup(Alone(), None, (0,), seconds, None)
        return
    if module.Query_thread() < module.THREAD_SERIALIZED:
        raise RuntimeError("init_process_group: this MPI allows no threads; it was initialized by someone else")
    comms: list[Any] = []
    for _ in range(2):
        comm, request = module.COMM_WORLD.Idup()
        if not wait_until(request.Test, 0, seconds or None):
            raise DistBackendError(f"init_process_group: not all {size} ranks have called it within {seconds:g} s")
        comms.append(comm)
    guard = Guard(here, size, module.COMM_WORLD.Abort, _end)
    _world = ProcessGroup(comms[0], comms[1], range(size), seconds, guard)


def _end() -> None:
    """This rank makes no further call; it waits until the others say so, too, as MPI itself would."""
    world = _world
    if world is None or world.guard is None:
        return
    world.check(END)
    world.run(END, lambda comm: comm.Ibarrier(), async_op=True).wait(timedelta(0))  # type: ignore[union-attr]


def destroy_process_group(group: Group = None) -> None:
    """Close a group, by default that of all ranks and with it every other; every rank of it calls this.

    >>> init_process_group()
    >>> destroy_process_group()
    >>> is_initialized()
    False
    """
    global _world
    if isinstance(group, _Outsider):
        return
    chosen = member("destroy_process_group", group)
    if chosen is None or chosen.guard is None:
        _world = None if chosen is _world else _world
        return
    if chosen is not _world:
        chosen.run("destroy_process_group", lambda comm: comm.Ibarrier())
    else:
        _end()
        chosen.guard.remove()
        _world = None
    chosen.comm.Free()
    chosen.side.Free()


def new_group(
    ranks: Sequence[int] | None = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
    sort_ranks: bool = True,
) -> ProcessGroup | _Outsider:
    """A group of some of the ranks, all if None; every rank of the world calls this, in it or not.

    Returns it, or GroupMember.NON_GROUP_MEMBER to the others. ValueError for ranks that do not exist, or twice.

    >>> init_process_group()
    >>> get_world_size(new_group([0]))
    1
    >>> destroy_process_group()
    """
    world = _default("new_group")
    _check_backend("new_group", backend)
    chosen = list(range(world.size)) if ranks is None else list(ranks)
    if sort_ranks:
        chosen.sort()
    if not chosen or len(set(chosen)) != len(chosen) or not set(chosen) <= set(range(world.size)):
        raise ValueError(f"new_group: ranks are {ranks}; they must be different numbers from 0 to {world.size - 1}")
    seconds = _seconds("new_group", timeout)
    world.run(f"new_group({chosen})", lambda comm: comm.Ibarrier())  # all are here and mean the same: MPI cannot wait
    if world.guard is None:
        return ProcessGroup(Alone(), None, chosen, seconds, None)
    inside = world.rank in chosen
    color, key = (0, chosen.index(world.rank)) if inside else (mpi()[0].UNDEFINED, 0)
    comm, side = world.comm.Split(color, key), world.comm.Split(color, key)
    return ProcessGroup(comm, side, chosen, seconds, world.guard) if inside else GroupMember.NON_GROUP_MEMBER


def get_rank(group: Group = None) -> int:
    """The number of this process in the group; -1 where it is not in it.

    >>> get_rank()
    Traceback (most recent call last):
    ValueError: get_rank: Default process group has not been initialized, please make sure to call init_process_group.
    """
    chosen = member("get_rank", group)
    return -1 if chosen is None else chosen.rank


def get_world_size(group: Group = None) -> int:
    """How many processes the group has; -1 where this one is not in it."""
    chosen = member("get_world_size", group)
    return -1 if chosen is None else chosen.size


class Backend(str):
    """The name of a way in which ranks speak. Those of PyTorch are named; the one that works here is MPI.

    >>> Backend("NCCL") == Backend.NCCL, Backend.MPI
    (True, 'mpi')
    """

    __slots__ = ()
    UNDEFINED, GLOO, NCCL, UCC, MPI, XCCL, FAKE = "undefined", "gloo", "nccl", "ucc", "mpi", "xccl", "fake"

    def __new__(cls, name: str) -> Backend:
        if not isinstance(name, str):
            raise ValueError(f"Backend: expected a string, got {type(name).__name__}")
        return str.__new__(cls, name.lower())


def get_backend(group: Group = None) -> str:
    """ "mpi"."""
    member("get_backend", group)
    return "mpi"


def get_process_group_ranks(group: Group = None) -> list[int]:
    """The global numbers of a group's ranks."""
    chosen = member("get_process_group_ranks", group)
    return [] if chosen is None else list(chosen.ranks)


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """The number in the group of the rank that has this number in the world; ValueError where it is not in it."""
    if global_rank not in group.ranks:
        raise ValueError(f"rank {global_rank} is not in the group, whose ranks are {list(group.ranks)}")
    return group.ranks.index(global_rank)


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """The number in the world of the rank that has this number in the group; ValueError where there is none."""
    if not 0 <= group_rank < group.size:
        raise ValueError(f"group rank {group_rank} is not in the group, which has {group.size} ranks")
    return group.ranks[group_rank]


def member(name: str, group: Group) -> ProcessGroup | None:
    """The group that is meant; None where this rank is not in it."""
    if isinstance(group, _Outsider):
        return None
    if group is not None and not isinstance(group, ProcessGroup):
        raise TypeError(f"{name}: group must be what new_group returned, or None for all; got {type(group).__name__}")
    world = _default(name)
    return world if group is None else group


def _default(name: str) -> ProcessGroup:
    if _world is None:
        raise ValueError(
            f"{name}: Default process group has not been initialized, please make sure to call init_process_group."
        )
    return _world


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system tells
        return os.cpu_count() or 1


def _check_backend(name: str, backend: str | None) -> None:
    if backend is not None and str(backend).lower() != "mpi":
        raise ValueError(f'{name}: backend is {backend!r}; there is "mpi" alone, which None means too')


def _seconds(name: str, timeout: timedelta | None) -> float:
    if timeout is None:
        told_seconds = os.environ.get(TIMEOUT)
        return float(told_seconds) if told_seconds else default_pg_timeout.total_seconds()
    if not isinstance(timeout, timedelta) or timeout < timedelta(0):
        raise TypeError(f"{name}: timeout must be a datetime.timedelta that is not negative, got {timeout!r}")
    return timeout.total_seconds()
