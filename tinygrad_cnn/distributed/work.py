"""Work: a call that is on its way. Waiting for it leaves the cores to those who compute, and has an end.

MPI's own waiting asks again and again as fast as it can, which is the quickest where every rank has a core to itself,
and takes the cores from the others where not. Here a rank asks a few times, then sleeps for some microseconds between
two questions. Asking is also what moves messages on: MPICH has no thread that would do it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .errors import DistBackendError
from .ticket import Ticket

if TYPE_CHECKING:
    from .group import ProcessGroup

NAP = 50e-6  # seconds; systems make it about twice as long
QUESTIONS = 100  # before the first nap, where each rank has a core
GRACE = 1.0  # seconds that a rank which knows less leaves to the one that knows who is missing


def wait_until(done: Callable[[], bool], questions: int = QUESTIONS, limit: float | None = None) -> bool:
    """Ask until it is done; False where `limit` seconds pass first.

    >>> wait_until(lambda: True), wait_until(lambda: False, limit=0.01)
    (True, False)
    """
    if done():
        return True
    start = time.monotonic()
    while not done():
        if questions > 0:
            questions -= 1
            continue
        if limit is not None and time.monotonic() - start > limit:
            return False
        time.sleep(NAP)
    return True


class Work:
    """A call that was made with `async_op=True`: its tensors are not to be touched before `wait()` has returned.

    >>> from tinygrad_cnn import distributed as dist
    >>> import tinygrad_cnn as tg
    >>> dist.init_process_group()
    >>> x = tg.ones(2)
    >>> work = dist.all_reduce(x, async_op=True)
    >>> work.wait(), work.is_completed(), x.tolist()
    (True, True, [1.0, 1.0])
    >>> dist.destroy_process_group()
    """

    def __init__(
        self,
        group: ProcessGroup,
        call: str,
        requests: list,
        finish: Callable[[], Any] = lambda: None,
        ticket: Ticket | None = None,
        statuses: list | None = None,
    ):
        self._group, self._call, self._requests = group, call, requests
        self._finish, self._ticket, self._statuses = finish, ticket, statuses
        self._done = False
        self._error: Exception | None = None

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Return True when all is done. timeout: in place of the group's own; 0 waits for ever.

        DistBackendError where the ranks have called different things, or one of them has not come in time.
        """
        limit = self._group.seconds if timeout is None else timeout.total_seconds()
        if not wait_until(self.is_completed, self._group.questions, limit or None):
            self._late(limit)
        return True

    def is_completed(self) -> bool:
        """Whether it is done; asking moves it on."""
        if self._error is not None:
            raise self._error
        if self._done:
            return True
        try:
            arrived = self._ticket is None or self._ticket.poll()
            if arrived and self._ticket is not None and not self._ticket.agrees:
                self._fail(self._disagreement(self._ticket))
            moved = self._group.test(self._requests, self._statuses)
        except self._group.transport_errors as error:
            self._explain(error)
        if not (arrived and moved):
            return False
        self._done = True
        self._requests = []
        self._group.pending.discard(self)
        self._finish()
        return True

    def is_success(self) -> bool:
        """Whether it is done, and without an error."""
        return self._done and self._error is None

    def exception(self) -> Exception | None:
        """The error that it ended with."""
        return self._error

    # what goes wrong

    def _fail(self, error: Exception) -> None:
        self._error = self._group.broken = error
        self._group.pending.discard(self)
        raise error

    def _disagreement(self, ticket: Ticket) -> DistBackendError:
        group = self._group
        here, there = group.named(group.rank), group.named(ticket.left)
        return DistBackendError(
            f"{self._call}: the ranks of a group must make the same calls in the same order, with equal shapes and "
            f"dtypes; call {ticket.number} of {here} is {self._call}, of {there} {ticket.theirs()}"
        )

    def _explain(self, error: Exception) -> None:
        """MPI failed: because the ranks disagree, if the ticket says so."""
        ticket = self._ticket
        if ticket is not None and wait_until(ticket.poll, limit=GRACE) and not ticket.agrees:
            self._fail(self._disagreement(ticket))
        self._fail(DistBackendError(f"{self._call}: MPI says {error} on {self._group.named(self._group.rank)}"))

    def _late(self, limit: float) -> None:
        group, ticket = self._group, self._ticket
        here = group.named(group.rank)
        if ticket is None:
            self._fail(DistBackendError(f"{self._call}: {here} has waited for {limit:g} s and nobody answered"))
        elif not ticket.arrived:
            self._fail(
                DistBackendError(
                    f"{self._call}: {group.named(ticket.left)} has not come within {limit:g} s; this is call "
                    f"{ticket.number} of {here}"
                )
            )
        elif not wait_until(self.is_completed, 0, GRACE):
            self._fail(
                DistBackendError(
                    f"{self._call}: {here} and {group.named(ticket.left)} have made call {ticket.number}, another "
                    f"rank has not within {limit:g} s"
                )
            )
