"""DataLoader: from a dataset to batches, ahead of the training loop if workers are given.

A worker is a thread, not a process. Decoding, resizing and array arithmetic run in Pillow and NumPy, which release
the interpreter's lock, so threads do work side by side; and there is nothing to pickle or to fork. Batch k belongs to
worker k mod num_workers: then the batches come in order, and what a worker draws from its own random numbers does not
depend on how fast the others are. A worker that hangs does not keep the process at its end.
"""

from __future__ import annotations

import atexit
import contextlib
import copy
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late  # in Python 3.10 not the built-in one
from itertools import cycle, islice, repeat
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar, overload

import numpy as np

from ..engine.tensor import Tensor
from ..random import Generator, of_thread, rng
from .collate import default_collate, default_convert
from .dataset import Dataset, IterableDataset, Lookup
from .sampler import BatchSampler, RandomSampler, SequentialSampler

Batch = TypeVar("Batch", covariant=True)
Made = TypeVar("Made")
Stackable = Tensor | np.ndarray | np.generic | float  # what default_collate makes a Tensor of
END: Any = object()
PATIENCE = 1.0  # seconds that the end of the process waits for workers


class WorkerInfo(NamedTuple):
    """Which worker this is, of how many; the seed of its random numbers; its own copy of the dataset.

    The copy shares what the dataset holds, but not which attributes it has: what a `worker_init_fn` sets there is set
    for this worker alone.

    >>> WorkerInfo(id=0, num_workers=2, seed=5, dataset="abc").num_workers
    2
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_here = threading.local()


class _Unknown:
    """A type that nothing has, so that for type checkers only a sample of which nothing is known fits it."""


def get_worker_info() -> WorkerInfo | None:
    """The worker that is running this; None outside of workers.

    >>> class Shared(IterableDataset):
    ...     def __iter__(self):
    ...         mine = get_worker_info()
    ...         return iter(range(6) if mine is None else range(mine.id, 6, mine.num_workers))
    >>> sorted(DataLoader(Shared(), batch_size=None, num_workers=2))
    [0, 1, 2, 3, 4, 5]
    """
    return getattr(_here, "info", None)


class DataLoader(Generic[Batch]):
    """The batches of `dataset`, anew in every `for` loop.

    - `batch_size` samples a batch, the last one shorter, or left out with `drop_last`; None gives single samples
    - `shuffle` takes them in random order, another one in each epoch, the same for the same seed
    - `sampler` or `batch_sampler` say which samples instead: an iterable of indices, or of lists of indices
    - `generator`: where the order is drawn from (default: the library's own random numbers)
    - `collate_fn` makes a batch of a list of samples (default: `default_collate`)
    - `num_workers` threads fetch `prefetch_factor` batches each (default 2) ahead of the loop; `worker_init_fn(id)`
      runs first in each, `persistent_workers` keeps them from one epoch to the next, and after `timeout` seconds
      (0: never) of waiting for a batch RuntimeError is raised. The order does not depend on their number. An error in
      a worker is raised in the loop, of the same kind, with the worker and the index of the sample. They are threads:
      NumPy and Pillow release the interpreter's lock, pure Python in a dataset does not run faster with them.
    - `pin_memory`, `pin_memory_device`, `multiprocessing_context` change nothing on a CPU with threads; batches come
      in order also with `in_order=False`

    An `IterableDataset` is a stream: it has no shuffle and no sampler, and each worker reads its own.
    A dataset with `__getitems__(indices)` is asked for the samples of a batch at once.

    >>> loader = DataLoader(range(5), batch_size=2)
    >>> len(loader), [batch.tolist() for batch in loader]
    (3, [[0, 1], [2, 3], [4]])
    """

    dataset: Any
    batch_size: int | None

    @overload
    def __init__(
        self: DataLoader[Made], dataset: Lookup[Any], batch_size: int | None = 1,
        shuffle: bool | None = None, sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None, num_workers: int = 0, *,
        collate_fn: Callable[[list[Any]], Made],
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None: ...  # fmt: skip
    @overload
    def __init__(
        self: DataLoader[Any], dataset: Lookup[_Unknown], batch_size: int | None = 1,
        shuffle: bool | None = None, sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None, num_workers: int = 0, collate_fn: None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None: ...  # fmt: skip
    @overload
    def __init__(
        self: DataLoader[list[Tensor]], dataset: Lookup[tuple[Stackable, ...]], batch_size: int = 1,
        shuffle: bool | None = None, sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None, num_workers: int = 0, collate_fn: None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None: ...  # fmt: skip
    @overload
    def __init__(
        self: DataLoader[Any], dataset: Lookup[Any], batch_size: int | None = 1,
        shuffle: bool | None = None, sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None, num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None, multiprocessing_context: Any = None,
        generator: Generator | None = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None: ...  # fmt: skip
    def __init__(
        self,
        dataset: Lookup[Any],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ):
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        streams = isinstance(dataset, IterableDataset)
        if streams and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError(
                "DataLoader: with an IterableDataset shuffle, sampler and batch_sampler cannot be given, got "
                f"{shuffle=}, {sampler=}, {batch_sampler=}; let its __iter__ decide on the order"
            )
        if sampler is not None and shuffle:
            raise ValueError(
                "DataLoader: sampler option is mutually exclusive with shuffle; the sampler decides on the order"
            )
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "DataLoader: batch_sampler option is mutually exclusive with batch_size, shuffle, sampler and "
                    "drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: batch_size=None disables batching, so there is no last batch for drop_last")

        if streams:
            sampler = repeat(None)
        elif sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)  # type: ignore[arg-type]
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)

        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self._workers: list[_Worker] = []
        self._complete = True

    def __setattr__(self, name: str, value: Any) -> None:
        fixed = ("dataset", "batch_size", "batch_sampler", "sampler", "drop_last", "persistent_workers")
        if name in fixed and "_complete" in self.__dict__:
            raise ValueError(f"DataLoader: {name} cannot be set after the loader is made; make another loader")
        super().__setattr__(name, value)

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]
        n = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        # Drawn also where nobody uses it, so that the order to come does not depend on num_workers.
        seed = int(rng(self.generator).integers(2**62))
        return _Prefetched(self, seed) if self.num_workers else _InTurn(self)

    def _fetcher(self, dataset: Any) -> Callable[[Any], Any]:
        """What turns an index, or a list of indices, into a batch. It must not hold the loader: see _Prefetched."""
        if isinstance(dataset, IterableDataset):
            return _FromStream(dataset, self.collate_fn, self.batch_size, self.drop_last)
        return _FromMap(dataset, self.collate_fn, self.batch_sampler is not None)

    def _for_worker(self) -> Any:
        """The dataset that a worker reads: one of its own where its attributes may be set for it."""
        if self.worker_init_fn is None and not isinstance(self.dataset, IterableDataset):
            return self.dataset
        return _own(self.dataset)

    def _indices(self) -> Iterator:
        return iter(self.sampler if self.batch_sampler is None else self.batch_sampler)


class _FromMap:
    """Fetches by index. `at` is what is being fetched, for an error to tell."""

    def __init__(self, dataset: Any, collate: Callable, batched: bool):
        self.dataset = dataset
        self.collate = collate
        self.batched = batched
        self.together = getattr(dataset, "__getitems__", None)
        self.at: Any = None

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


class _FromStream:
    """Fetches what comes next; `END` when nothing comes any more. `at` counts the samples."""

    def __init__(self, dataset: Any, collate: Callable, batch_size: int | None, drop_last: bool):
        self.stream = iter(dataset)
        self.collate = collate
        self.batch_size = batch_size
        self.least = batch_size if batch_size and drop_last else 1
        self.at = 0

    def __call__(self, _: Any) -> Any:
        samples = []
        for sample in islice(self.stream, self.batch_size or 1):
            samples.append(sample)
            self.at += 1
        if len(samples) < self.least:
            return END
        return self.collate(samples[0] if self.batch_size is None else samples)


class _InTurn:
    """One epoch without workers: every batch is fetched when it is asked for."""

    def __init__(self, loader: DataLoader):
        self.loader = loader
        self.fetch = loader._fetcher(loader.dataset)
        self.indices = loader._indices()

    def __iter__(self) -> Iterator:
        return self

    def __len__(self) -> int:
        return len(self.loader)

    def __next__(self) -> Any:
        batch = self.fetch(next(self.indices))
        if batch is END:
            raise StopIteration
        return batch


class _Prefetched:
    """One epoch with workers, `prefetch_factor` batches ahead in each.

    Threads and what they run know nothing of this object: when the loop is left and it is dropped, its finalizer
    withdraws what is still to be fetched and lets the threads end.
    """

    def __init__(self, loader: DataLoader, seed: int):
        n, ahead = loader.num_workers, loader.prefetch_factor or 2
        self.loader = loader
        self.indices = loader._indices()
        self.pending: deque[tuple[_Worker, Callable, Future]] = deque()
        workers = loader._workers
        if not workers:
            workers = [_Worker(WorkerInfo(i, n, seed + i, loader._for_worker())) for i in range(n)]
            weakref.finalize(loader if loader.persistent_workers else self, _stop, (), workers)
            if init := loader.worker_init_fn:
                _everywhere(workers, lambda: init(_here.info.id), loader.timeout)
            if loader.persistent_workers:
                loader._workers = workers
        weakref.finalize(self, _stop, self.pending, ())
        fetchers = _everywhere(workers, lambda: loader._fetcher(_here.info.dataset), loader.timeout)
        for worker, fetch in islice(cycle(zip(workers, fetchers, strict=True)), n * ahead):
            self._ask(worker, fetch)

    def _ask(self, worker: _Worker, fetch: Callable) -> None:
        try:
            index = next(self.indices, END)
        except Exception as error:  # of a sampler: it is raised when its turn comes
            future: Future = Future()
            future.set_exception(error)
        else:
            if index is END:
                return
            future = worker.submit(fetch, index)
        self.pending.append((worker, fetch, future))

    def __iter__(self) -> Iterator:
        return self

    def __len__(self) -> int:
        return len(self.loader)

    def __next__(self) -> Any:
        while self.pending:
            worker, fetch, future = self.pending[0]
            _wait(future, self.loader.timeout)  # if that is given up, the batch can still be asked for
            self.pending.popleft()
            if future.exception() is None and future.result() is END:
                continue  # a stream that has ended is not asked again
            self._ask(worker, fetch)
            try:
                return future.result()
            finally:
                del future  # which an error's traceback would hold, and it the error
        raise StopIteration


def _wait(future: Future, seconds: float) -> None:
    """Wait until there is a result or an error; RuntimeError if there is none after this time (0: any)."""
    try:
        future.exception(seconds or None)
    except Late:
        raise RuntimeError(f"DataLoader: timed out after {seconds} seconds of waiting for a batch") from None


def _own(dataset: Any) -> Any:
    """A worker's copy of a dataset, and of those that it is made of; it shares what is in them."""
    if not isinstance(dataset, Dataset) or hasattr(dataset, "__del__"):  # which would close what is shared
        return dataset
    try:
        own = copy.copy(dataset)
    except Exception:  # it is not to be copied
        return dataset
    for name, value in getattr(own, "__dict__", {}).items():
        if isinstance(value, Dataset):
            own.__dict__[name] = _own(value)
        elif isinstance(value, list | tuple) and any(isinstance(v, Dataset) for v in value):
            own.__dict__[name] = [_own(v) for v in value]
    return own


class _Worker:
    """A thread with a number and random numbers of its own; it does one thing after the other.

    The interpreter does not wait for a daemon. So its end stops them, and gives those that are well time to finish.
    """

    living: weakref.WeakSet[_Worker] = weakref.WeakSet()

    def __init__(self, info: WorkerInfo):
        self.tasks: SimpleQueue = SimpleQueue()
        self.thread = threading.Thread(
            target=_work, args=(self.tasks, info), name=f"DataLoader worker {info.id}", daemon=True
        )
        self.thread.start()
        self.living.add(self)

    def submit(self, task: Callable, *args: Any) -> Future:
        future: Future = Future()
        self.tasks.put((future, task, args))
        return future

    def stop(self) -> None:
        """Withdraw what is not begun, and end the thread."""
        with contextlib.suppress(Empty):
            while True:
                if (job := self.tasks.get_nowait()) is not None:
                    job[0].cancel()
        self.tasks.put(None)


@atexit.register
def _stop_all() -> None:
    end = time.monotonic() + PATIENCE
    workers = list(_Worker.living)
    for worker in workers:
        worker.stop()
    for worker in workers:
        worker.thread.join(max(0.0, end - time.monotonic()))


def _work(tasks: SimpleQueue, info: WorkerInfo) -> None:
    """What the thread runs: it does one thing after the other, and holds nothing while it waits."""
    _here.info = info
    of_thread.generator = Generator().manual_seed(info.seed)
    while _done(tasks.get()):
        pass


def _done(job: tuple[Future, Callable, tuple] | None) -> bool:
    """Whether there was something to do; it is done then."""
    if job is None:
        return False
    future, task, args = job
    if future.set_running_or_notify_cancel():
        result, error = _outcome(task, args)
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
        del result, error
    del job, future  # which the traceback of an error would hold, and they the error
    return True


def _outcome(task: Callable, args: tuple) -> tuple[Any, BaseException | None]:
    try:
        return task(*args), None
    except Exception as error:
        return None, _told(error, task)
    except BaseException as error:
        return None, error


def _everywhere(workers: list[_Worker], task: Callable[[], Any], seconds: float) -> list:
    """Run a task once in every worker; the results."""
    futures = [worker.submit(task) for worker in workers]
    for future in futures:
        _wait(future, seconds)
    return [future.result() for future in futures]


def _told(error: Exception, task: Callable) -> Exception:
    """An error of the same kind that also says where it happened; RuntimeError where that cannot be made."""
    at = getattr(task, "at", None)
    place = f"DataLoader worker {_here.info.id}"
    if at is not None:
        place += f", at {'items' if isinstance(at, list) else 'item'} {at}"
    told: Exception = RuntimeError(f"{place}: {type(error).__name__}: {error}")
    if not isinstance(error, StopIteration):  # which the loop would take for the end of the data
        with contextlib.suppress(Exception):
            told = type(error)(f"{place}: {error}")
    told.__cause__ = error
    return told


def _stop(pending: Iterable, workers: Iterable[_Worker]) -> None:
    for _, _, future in pending:
        future.cancel()
    for worker in workers:
        worker.stop()


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool, context: Any
) -> None:
    if num_workers < 0:
        raise ValueError(
            f"DataLoader: num_workers should not be negative, got {num_workers}; 0 fetches in the loop itself"
        )
    if timeout < 0:
        raise ValueError(f"DataLoader: timeout should not be negative, got {timeout}")
    if num_workers == 0:
        given = {
            "timeout": timeout,
            "prefetch_factor": prefetch_factor,
            "persistent_workers": persistent_workers,
            "multiprocessing_context": context,
        }
        for name, value in given.items():
            if value:
                raise ValueError(f"DataLoader: {name}={value!r} is an option of workers; use num_workers > 0 with it")
    elif prefetch_factor is not None and prefetch_factor < 1:
        raise ValueError(f"DataLoader: prefetch_factor should be at least 1, got {prefetch_factor}")
