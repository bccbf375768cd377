"""One epoch of a DataLoader: what makes its batches, in the loop itself or in workers, and hands them out.

Whatever is random in an epoch is drawn from a number of its own, its seed: in batch k from a generator that depends on
seed and k alone. So batches are the same whichever worker makes them, and however far ahead; and to go on with an epoch
it is enough to know its seed and how many batches were handed out.
"""

from __future__ import annotations

import contextlib
import copy
from collections import deque
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any, NamedTuple

from ..random import Generator, Series, current_generator, drawn_from
from .dataset import IterableDataset
from .order import END, Order, begun, broken, stateful, states_of
from .progress import Drawn, LaneAt, Progress
from .workers import Job, Worker, WorkerInfo, everywhere, numbers_kept, stop, told


class Made(NamedTuple):
    """A batch, or END, or an error in its place; where its lane is after it, if it has a place of its own."""

    batch: Any
    lane: LaneAt | None = None
    error: BaseException | None = None

    def get(self) -> Any:
        """The batch; or else the error is raised."""
        if self.error is None:
            return self.batch
        raise self.error


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
        self.count, states, ended = progress.at.lanes[number]
        self.worker = worker
        self.random = Series(root, own)
        self.number, self.n = number, len(progress.at.lanes)
        self.parts: dict[str, Any]
        self.fetch: FromStream | FromMap
        if isinstance(dataset, IterableDataset):
            stream, self.parts = drawn_from(Generator().manual_seed(root + number), begun, [dataset], states)
            self.fetch = FromStream(stream, loader.collate_fn, loader.batch_size, loader.drop_last)
            if ended:
                self.fetch.stream = iter(())
            elif not states:
                self._read_again(self.fetch.read)
        else:
            self.parts = {"whole": dataset} if stateful(dataset) else {}
            self.fetch = FromMap(dataset, loader.collate_fn, loader.batch_sampler is not None)
            if states:
                dataset.load_state_dict(copy.deepcopy(states["whole"]))
        self.placed = isinstance(self.fetch, FromStream) or bool(self.parts)
        self.start = LaneAt(self.count, states_of(self.parts), ended)

    def __call__(self, index: Any, number: int) -> Made:
        """The next batch; of an order it is that of this number."""
        generator = self._generator(self.count) if isinstance(self.fetch, FromStream) else self.random.at(number)
        try:
            batch, error = drawn_from(generator, self.fetch, index), None
        except BaseException as raised:
            if self.worker is None and not isinstance(raised, Exception):
                if isinstance(self.fetch, FromStream):
                    self.fetch.stream = broken()
                raise
            batch, error = None, told(raised, self.worker, self.fetch.at) if self.worker else raised
        self.count += 1
        try:
            return Made(batch, self._at() if self.placed else None, error)
        finally:
            del error  # which its traceback would hold

    def _at(self) -> LaneAt:
        return LaneAt(self.count, states_of(self.parts), self.fetch.last)

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
        self.progress.begin_lane(0, self.lane.start)
        self.drawn: Drawn | None = None

    def __iter__(self) -> Iterator:
        return self

    def __len__(self) -> int:
        return len(self.loader)

    def __next__(self) -> Any:
        if self.drawn is None:
            self.drawn = self.order.draw()
        drawn = self.drawn
        if drawn.error is None and drawn.index is not END:
            made = self.lane(drawn.index, drawn.handed - 1)
        else:
            made = Made(drawn.index, None, drawn.error)
        self.drawn = None  # what an interrupt has kept from being fetched is fetched again
        if made.batch is END:
            if made.lane is not None:
                self.progress.end_lane(0, drawn, made.lane)
            self.progress.finished = True
            raise StopIteration
        if drawn.error is None:
            self.progress.hand_out(0, drawn, made.lane)
        try:
            return made.get()
        finally:
            del made  # which the traceback of its error would hold, and it the error


class Prefetched:
    """One epoch with workers, `prefetch_factor` batches ahead in each.

    Threads and what they run know nothing of this object: when the loop is left and it is dropped, what is still to be
    fetched is not wanted any more, and the threads end unless they last.
    """

    def __init__(self, loader: Any, order: Order):
        self.loader = loader
        self.order = order
        self.progress = progress = order.progress
        self.pending: deque[tuple[Worker, Job | None, Lane, Drawn]] = deque()
        workers = loader._workers
        if not workers or not all(worker.alive() for worker in workers):  # killed, or of another process
            workers = self._start(loader)
        lanes = everywhere(self, workers, lambda info: Lane(loader, progress, info.id, info), loader.timeout)
        for lane in lanes:
            progress.begin_lane(lane.number, lane.start)
        both = deque(zip(workers, lanes, strict=True))
        both.rotate(-progress.at.turn)
        for worker, lane in islice(cycle(both), len(workers) * (loader.prefetch_factor or 2)):
            self._ask(worker, lane)

    def _start(self, loader: Any) -> list[Worker]:
        n, init, lasting = loader.num_workers, loader.worker_init_fn, loader.persistent_workers
        seed = self.progress.seed if loader._worker_seed is None else loader._worker_seed
        workers: list[Worker] = []
        try:
            for i in range(n):
                workers.append(Worker(WorkerInfo(i, n, seed + i, loader._for_worker())))
            if init is not None:
                with numbers_kept():
                    everywhere(self, workers, lambda info: init(info.id), loader.timeout)
        except BaseException:
            for worker in workers:
                stop(worker.tasks)
            raise
        if lasting:
            loader._workers, loader._worker_seed = workers, seed
        return workers

    def _ask(self, worker: Worker, lane: Lane) -> None:
        drawn = self.order.draw()
        if drawn.index is END:
            return
        job = None
        if drawn.error is None:  # or it is raised when its turn comes
            job = worker.submit(self, lane, drawn.index, drawn.handed - 1)
        self.pending.append((worker, job, lane, drawn))

    def __iter__(self) -> Iterator:
        return self

    def __len__(self) -> int:
        return len(self.loader)

    def __next__(self) -> Any:
        while self.pending:
            worker, job, lane, drawn = self.pending[0]
            if job is None:
                made = Made(None, None, drawn.error)
            else:
                worker.wait(job, self.loader.timeout)  # if that is given up, the batch can still be asked for
                made, killed = job.outcome  # type: ignore[misc]
                made = made or Made(None, None, killed)
            if made.batch is not END:  # a stream that has ended is not asked again
                self._ask(worker, lane)
            self.pending.popleft()
            if made.batch is END and made.lane is not None:
                self.progress.end_lane(lane.number, drawn, made.lane)
                continue
            if drawn.error is None:
                self.progress.hand_out(lane.number, drawn, made.lane)
            try:
                return made.get()
            finally:
                del made, job, drawn  # which the traceback of its error would hold, and they the error
        self.progress.finished = True
        raise StopIteration
