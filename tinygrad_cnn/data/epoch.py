"""One epoch of a DataLoader: the order of its samples, what makes batches of them, and how far it has come.

Whatever is random in an epoch is drawn from a number of its own, its seed: in batch k from a generator that depends on
seed and k alone. So batches are the same whichever worker makes them, and however far ahead; and to go on with an epoch
it is enough to know its seed and how many batches were handed out.
"""

from __future__ import annotations

import contextlib
import copy
import weakref
import zlib
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, NamedTuple

from ..random import Generator, Series, current_generator, drawn_from
from .dataset import IterableDataset
from .held import Source
from .sampler import BatchSampler
from .workers import Worker, WorkerInfo, everywhere, stop, told

END: Any = object()
ORDER = 1  # sets the numbers that an order is drawn from apart from those of batches


class Drawn(NamedTuple):
    """An index, or END; the states of samplers after it, and of what they draw from; an error in its place."""

    index: Any
    samplers: dict[str, Any]
    marks: dict[str, Any]
    error: Exception | None = None
    last: bool = False  # of a batch that is shorter: its samplers have come to their end, and begin anew

    @property
    def fetched(self) -> bool:
        """Whether there is something to fetch."""
        return self.error is None and self.index is not END


class Made(NamedTuple):
    """A batch, or END; the states of the dataset after it; an error in its place."""

    batch: Any
    states: dict[str, Any]
    error: BaseException | None = None
    last: bool = False  # whether the stream has come to its end, and may begin anew when it is asked again

    def get(self) -> Any:
        """The batch; or else the error is raised."""
        if self.error is not None:
            raise self.error
        return self.batch


@dataclass
class Progress:
    """How far an epoch has come: with the settings of its loader, all that is needed to go on with it."""

    seed: int
    begin: dict[str, Any]  # the states of what the order is drawn from, before it was
    fetched: list[int]  # by each worker: how many of its batches were handed out
    datasets: list[dict[str, Any]]  # by each worker: the states of its dataset after the last of them
    ended: list[bool]  # by each worker: whether its stream has come to its end
    turn: int = 0  # the worker whose batch comes next
    handed: int = 0  # batches that were handed out, in all
    checksum: int = 0  # of their indices
    samplers: dict[str, Any] = field(default_factory=dict)  # the states of samplers after the last of them
    last: bool = False  # whether no batch comes any more
    marks: dict[str, Any] = field(default_factory=dict)  # the states of what they draw from, after the last of them
    ahead: dict[str, Any] = field(default_factory=dict)  # and after the last index that was read, ahead of the loop
    finished: bool = False

    def hand_out(self, worker: int, drawn: Drawn, made: Made) -> None:
        """A batch is about to be handed out, or the error in its place."""
        self.handed += 1
        self.checksum = checksum(drawn.index, self.checksum)
        self.samplers, self.marks, self.last = drawn.samplers, drawn.marks, drawn.last
        self.fetched[worker] += 1
        self.turn = (worker + 1) % len(self.fetched)
        self.pass_on(worker, made)

    def pass_on(self, worker: int, made: Made) -> None:
        """What a worker has made is taken, if only its end."""
        self.datasets[worker], self.ended[worker] = made.states, made.last


def checksum(index: Any, before: int) -> int:
    """The sum over one more index, or list of indices. What is no number has no part in it."""
    try:
        return zlib.crc32(array("q", index if isinstance(index, list) else [index]), before)
    except (TypeError, OverflowError):
        return before


def begun(iterables: list[Any], states: Mapping[str, Any]) -> tuple[Iterator, dict[str, Any]]:
    """An iterator over the first of these, going on from `states`; and what can tell its state and take it back.

    That is the iterator, or the first of the iterables that can, or both.
    """
    parts = {}
    whole = next((it for it in iterables if stateful(it)), None)
    if whole is not None and "whole" in states:
        whole.load_state_dict(copy.deepcopy(states["whole"]))
    iterator = iter(iterables[0])
    if whole is not None and whole is not iterator:
        parts["whole"] = whole
    if stateful(iterator):
        parts["iterator"] = iterator
        if "iterator" in states:
            iterator.load_state_dict(copy.deepcopy(states["iterator"]))  # type: ignore[attr-defined]
    if missing := states.keys() - parts.keys():
        raise RuntimeError(f"DataLoader: a {type(iterables[0]).__name__} cannot take back its state: {missing}")
    return iterator, parts


def stateful(part: Any) -> bool:
    return callable(getattr(part, "state_dict", None)) and callable(getattr(part, "load_state_dict", None))


def states_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of their states, which do not follow what they were taken from."""
    return {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()} if parts else {}


class Order:
    """The indices of an epoch, after `count` of them.

    The first is drawn at once, from the generator of this thread: with it, most samplers draw all of the order. What
    comes later is drawn from numbers of the epoch, so that it does not matter how far ahead it is read.

    samplers: what is iterated over, and what that is made of.
    """

    def __init__(self, samplers: list[Any], sources: dict[str, Source], progress: Progress, count: int = 0):
        self.sources = sources
        self.progress = progress
        self.count = count
        self.random = Series(progress.seed, current_generator().initial_seed())
        self.indices, self.parts = begun(samplers, progress.samplers)
        self.full = samplers[0].batch_size if isinstance(samplers[0], BatchSampler) else 0
        before = self._drawn(None)
        self.held = None if count else self._next()
        at = before if self.parts or self.held is None else self.held
        progress.samplers, progress.marks = at.samplers, at.marks
        if progress.last:
            self.held, self.indices = None, iter(())

    def draw(self) -> Drawn:
        """The next index."""
        held, self.held = self.held, None
        return held or drawn_from(self.random.at(self.count, ORDER), self._next)

    def _next(self) -> Drawn:
        self.count += 1
        try:
            drawn = self._drawn(next(self.indices, END))
        except Exception as error:  # it is raised when its turn comes
            return Drawn(None, {}, {}, error)
        self.progress.ahead = drawn.marks
        return drawn

    def _drawn(self, index: Any) -> Drawn:
        marks = {path: source.get() for path, source in self.sources.items()} if self.sources else {}
        last = self.full > 0 and isinstance(index, list) and len(index) < self.full
        return Drawn(index, states_of(self.parts), marks, last=last)


class FromMap:
    """Fetches by index. `at` is what is being fetched, for an error to tell."""

    def __init__(self, dataset: Any, collate: Callable, batched: bool):
        self.dataset = dataset
        self.collate = collate
        self.batched = batched
        self.together = getattr(dataset, "__getitems__", None)
        self.at: Any = None
        self.last = False

    def __call__(self, index: Any) -> Any:
        self.at = index
        if not self.batched:
            samples = self.dataset[index]
        elif self.together:
            samples = self.together(index)
        else:
            samples = []
            for self.at in index:
                samples.append(self.dataset[self.at])
            self.at = index
        return self.collate(samples)


class FromStream:
    """Fetches what comes next; `END` when nothing comes any more. `at` counts the samples; after `last` none comes."""

    def __init__(self, stream: Iterator, collate: Callable, batch_size: int | None, drop_last: bool):
        self.stream = stream
        self.collate = collate
        self.batch_size = batch_size
        self.least = batch_size if batch_size and drop_last else 1
        self.at = 0
        self.last = False

    def __call__(self, _: Any) -> Any:
        samples = self.read()
        if len(samples) < self.least:
            return END
        return self.collate(samples[0] if self.batch_size is None else samples)

    def read(self) -> list[Any]:
        """The samples of the next batch."""
        samples = []
        for sample in islice(self.stream, self.batch_size or 1):
            samples.append(sample)
            self.at += 1
        self.last = len(samples) < (self.batch_size or 1)
        return samples


class Lane:
    """What makes every n-th batch from `number` on: those of one worker of n, or all those of a loop without workers.

    It is made in the thread that runs it, and holds no loader. In an epoch that goes on, a dataset that knows where it
    is is told so; any other stream is read again up to there.
    """

    def __init__(self, loader: Any, progress: Progress, number: int, worker: WorkerInfo | None = None):
        dataset = loader.dataset if worker is None else worker.dataset
        own = current_generator().initial_seed()
        # What a worker_init_fn has seeded is what its worker draws from.
        root = progress.seed if worker is None or own == worker.seed else own % 2**64
        states = progress.datasets[number]
        self.worker = worker
        self.random = Series(root, own)
        self.count = progress.fetched[number]
        self.number, self.n = number, len(progress.fetched)
        self.parts: dict[str, Any]
        self.fetch: FromStream | FromMap
        if isinstance(dataset, IterableDataset):
            stream, self.parts = drawn_from(Generator().manual_seed(root + number), begun, [dataset], states)
            self.fetch = FromStream(stream, loader.collate_fn, loader.batch_size, loader.drop_last)
            if progress.ended[number]:
                self.fetch.stream = iter(())
            elif not states:
                self._read_again(self.fetch.read)
        else:
            self.parts = {"whole": dataset} if stateful(dataset) else {}
            self.fetch = FromMap(dataset, loader.collate_fn, loader.batch_sampler is not None)
            if states:
                dataset.load_state_dict(copy.deepcopy(states["whole"]))
        progress.datasets[number] = states_of(self.parts)

    def __call__(self, index: Any) -> Made:
        """The next batch."""
        try:
            batch, error = drawn_from(self._generator(self.count), self.fetch, index), None
        except BaseException as raised:
            if self.worker is None and not isinstance(raised, Exception):
                raise
            batch, error = None, told(raised, self.worker, self.fetch.at) if self.worker else raised
        self.count += 1
        try:
            return Made(batch, states_of(self.parts), error, self.fetch.last)
        finally:
            del error  # which its traceback would hold

    def _generator(self, k: int) -> Generator:
        return self.random.at(k * self.n + self.number)

    def _read_again(self, read: Callable[[], Any]) -> None:
        for k in range(self.count):
            with contextlib.suppress(Exception):  # it was raised in its time
                drawn_from(self._generator(k), read)


class InTurn:
    """One epoch without workers: every batch is fetched when it is asked for."""

    def __init__(self, loader: Any, order: Order):
        self.loader = loader
        self.order = order
        self.progress = order.progress
        self.lane = Lane(loader, self.progress, 0)
        self.drawn: Drawn | None = None

    def __iter__(self) -> Iterator:
        return self

    def __len__(self) -> int:
        return len(self.loader)

    def __next__(self) -> Any:
        drawn = self.drawn = self.drawn or self.order.draw()
        made = self.lane(drawn.index) if drawn.fetched else Made(drawn.index, {}, drawn.error)
        self.drawn = None  # what an interrupt has kept from being fetched is fetched again
        if made.batch is END:
            if drawn.fetched:
                self.progress.pass_on(0, made)
            self.progress.finished = True
            raise StopIteration
        if drawn.error is None:
            self.progress.hand_out(0, drawn, made)
        try:
            return made.get()
        finally:
            del made  # which the traceback of its error would hold, and it the error


class Prefetched:
    """One epoch with workers, `prefetch_factor` batches ahead in each.

    Threads and what they run know nothing of this object: when the loop is left and it is dropped, its finalizer
    withdraws what is still to be fetched and lets the threads end.
    """

    def __init__(self, loader: Any, order: Order):
        self.loader = loader
        self.order = order
        self.progress = progress = order.progress
        self.pending: deque[tuple[Worker, Future, Lane, Drawn]] = deque()
        weakref.finalize(self, stop, self.pending, ())
        workers = loader._workers
        if not workers or not all(worker.thread.is_alive() for worker in workers):  # killed, or of another process
            workers = self._start(loader)
        lanes = everywhere(workers, lambda info: Lane(loader, progress, info.id, info), loader.timeout)
        both = deque(zip(workers, lanes, strict=True))
        both.rotate(-progress.turn)
        for worker, lane in islice(cycle(both), len(workers) * loader.prefetch_factor):
            self._ask(worker, lane)

    def _start(self, loader: Any) -> list[Worker]:
        n, init, lasting = loader.num_workers, loader.worker_init_fn, loader.persistent_workers
        seed = self.progress.seed if loader._worker_seed is None else loader._worker_seed
        workers: list[Worker] = []
        weakref.finalize(loader if lasting else self, stop, (), workers)
        try:
            for i in range(n):
                workers.append(Worker(WorkerInfo(i, n, seed + i, loader._for_worker())))
            if init is not None:
                everywhere(workers, lambda info: init(info.id), loader.timeout)
        except BaseException:
            stop((), workers)
            raise
        if lasting:
            loader._workers, loader._worker_seed = workers, seed
        return workers

    def _ask(self, worker: Worker, lane: Lane) -> None:
        drawn = self.order.draw()
        if drawn.fetched:
            self.pending.append((worker, worker.submit(lane, drawn.index), lane, drawn))
        elif drawn.error is not None:  # it is raised when its turn comes
            future: Future = Future()
            future.set_result(Made(None, {}, drawn.error))
            self.pending.append((worker, future, lane, drawn))

    def __iter__(self) -> Iterator:
        return self

    def __len__(self) -> int:
        return len(self.loader)

    def __next__(self) -> Any:
        while self.pending:
            worker, future, lane, drawn = self.pending[0]
            worker.wait(future, self.loader.timeout)  # if that is given up, the batch can still be asked for
            made = _made(future)
            if made.batch is not END:  # a stream that has ended is not asked again
                self._ask(worker, lane)
            self.pending.popleft()
            if made.batch is END:
                self.progress.pass_on(lane.number, made)
                continue
            if drawn.error is None:
                self.progress.hand_out(lane.number, drawn, made)
            try:
                return made.get()
            finally:
                del made, future  # which the traceback of its error would hold, and they the error
        self.progress.finished = True
        raise StopIteration


def _made(future: Future) -> Made:
    error = future.exception()  # of what has killed the worker
    return future.result() if error is None else Made(None, {}, error)
