"""Workers: threads that do one thing after the other, for a loop that waits for them.

A worker is a thread, not a process. Decoding, resizing and array arithmetic run in Pillow and NumPy, which release
the interpreter's lock, so threads do work side by side; and there is nothing to pickle or to fork. They are daemons:
whatever ends the process ends them too, and a worker that hangs does not keep the process at its end.
"""

from __future__ import annotations

import atexit
import contextlib
import copy
import os
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from ..arrays.apart import start
from ..random import Generator, of_thread
from .dataset import Dataset

PATIENCE = 1.0  # seconds that the end of the process waits for workers
BEAT = 1.0  # seconds after which a loop that waits looks whether its worker is still there


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


def get_worker_info() -> WorkerInfo | None:
    """The worker that is running this; None outside of workers.

    >>> from tinygrad_cnn.data import DataLoader, IterableDataset
    >>> class Shared(IterableDataset):
    ...     def __iter__(self):
    ...         mine = get_worker_info()
    ...         return iter(range(6) if mine is None else range(mine.id, 6, mine.num_workers))
    >>> sorted(DataLoader(Shared(), batch_size=None, num_workers=2))
    [0, 1, 2, 3, 4, 5]
    """
    return getattr(_here, "info", None)


class Job:
    """Something that a worker is to do: task(*args). `outcome` is the result and the error, when it is done.

    Once that is dropped which it is done for, it is not begun any more.

    Not a Future, whose lock an interrupt may leave locked: here the lock does no more than wake up who waits.
    """

    def __init__(self, wanted_by: object, task: Callable, args: tuple):
        self.wanted_by = weakref.ref(wanted_by)
        self.task: Callable | None = task
        self.args = args
        self.outcome: tuple[Any, BaseException | None] | None = None
        self.ready = threading.Lock()
        self.ready.acquire()

    def result(self) -> Any:
        """What came of it; the error is raised."""
        assert self.outcome is not None
        result, error = self.outcome
        if error is None:
            return result
        try:
            raise error
        finally:
            del error  # which its traceback would hold


class Worker:
    """A thread with a number and random numbers of its own; it does one thing after the other.

    The thread knows nothing of this object, and ends when it is dropped.
    """

    def __init__(self, info: WorkerInfo):
        self.info = info
        self.process = os.getpid()
        self.over = threading.Event()
        self.tasks: SimpleQueue = SimpleQueue()
        # tasks.put(None, the reference): a function in C. Of one in Python, an interrupt in it would be lost.
        dropped = weakref.ref(self, partial(self.tasks.put, None))
        self.thread = threading.Thread(
            target=_work, args=(self.tasks, info, self.over, dropped), name=f"DataLoader worker {info.id}", daemon=True
        )
        try:
            start(self.thread)
        except RuntimeError as error:  # a limit is reached, or this platform has no threads at all
            raise RuntimeError(
                f"DataLoader: worker {info.id} of {info.num_workers} cannot be started ({error}): there are no threads "
                "here, or no more of them; use num_workers=0, which fetches in the loop itself"
            ) from error

    def alive(self) -> bool:
        """Whether its thread is there, and not left behind in the process that this one is a fork of.

        Not `Thread.is_alive`, which an interrupt may let believe that a living thread is dead.
        """
        return not self.over.is_set() and self.process == os.getpid()

    def submit(self, wanted_by: object, task: Callable, *args: Any) -> Job:
        """Have task(*args) done when its turn comes."""
        job = Job(wanted_by, task, args)
        self.tasks.put(job)
        return job

    def wait(self, job: Job, seconds: float) -> None:
        """Wait until a job is done; RuntimeError if it is not after this time (0: any).

        That the worker has died is an outcome as well.
        """
        end = time.monotonic() + seconds if seconds else float("inf")
        while job.outcome is None:
            if not self.alive() and job.outcome is None:
                _clear(self.tasks)  # or the queue would hold the job, and it an error whose traceback holds the queue
                message = f"DataLoader worker {self.info.id} exited unexpectedly: its thread is dead"
                job.outcome = (None, RuntimeError(message))
            elif time.monotonic() >= end:
                raise RuntimeError(f"DataLoader: timed out after {seconds} seconds of waiting for a batch")
            else:
                job.ready.acquire(timeout=max(0.0, min(BEAT, end - time.monotonic())))


def stop(tasks: SimpleQueue) -> None:
    """End the thread whose tasks these are, after what it does now."""
    _clear(tasks)
    tasks.put(None)


def _clear(tasks: SimpleQueue) -> None:
    with contextlib.suppress(Empty):
        while True:
            tasks.get_nowait()


_running: dict[threading.Thread, SimpleQueue] = {}


@atexit.register
def _stop_all() -> None:
    """The interpreter does not wait for daemons: its end stops them, and gives those that are well time to finish."""
    end = time.monotonic() + PATIENCE
    running = dict(_running)
    for tasks in running.values():
        stop(tasks)
    for thread in running:
        thread.join(max(0.0, end - time.monotonic()))


def everywhere(wanted_by: object, workers: list[Worker], task: Callable[[WorkerInfo], Any], seconds: float) -> list:
    """Run a task once in every worker; the results."""
    jobs = [worker.submit(wanted_by, task, worker.info) for worker in workers]
    for worker, job in zip(workers, jobs, strict=True):
        worker.wait(job, seconds)
    return [job.result() for job in jobs]


@contextlib.contextmanager
def numbers_kept() -> Iterator[None]:
    """A block after which the numbers of `random` and `numpy.random` go on as if it had not been.

    In PyTorch a worker is a process, and what is seeded in it leaves the program's own numbers alone.
    """
    numpy = sys.modules.get("numpy.random")
    python, drawn = random.getstate(), numpy and numpy.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        if numpy:
            numpy.set_state(drawn)


def own(dataset: Any) -> Any:
    """A worker's copy of a dataset, and of those that it is made of; it shares what is in them."""
    if not isinstance(dataset, Dataset) or hasattr(dataset, "__del__"):  # which would close what is shared
        return dataset
    try:
        mine = copy.copy(dataset)
    except Exception:  # it is not to be copied
        return dataset
    for name, value in getattr(mine, "__dict__", {}).items():
        if isinstance(value, Dataset):
            mine.__dict__[name] = own(value)
        elif isinstance(value, list | tuple) and any(isinstance(v, Dataset) for v in value):
            mine.__dict__[name] = [own(v) for v in value]
    return mine


def _work(tasks: SimpleQueue, info: WorkerInfo, over: threading.Event, dropped: weakref.ref[Worker]) -> None:
    """What the thread runs: it does one thing after the other, and holds nothing while it waits.

    But it holds `dropped`, for a reference that is gone itself does not tell that its object is.
    """
    thread = threading.current_thread()
    try:
        _running[thread] = tasks
        _here.info = info
        of_thread.generator = Generator().manual_seed(info.seed)
        while _done(tasks.get()):
            pass
    finally:
        over.set()
        _running.pop(thread, None)


def _done(job: Job | None) -> bool:
    """Whether there was something to do; it is done then."""
    if job is None:
        return False
    task, job.task = job.task, None  # so that whoever holds the job does not hold what it was made with
    if task is not None and job.wanted_by() is not None:
        job.outcome = _outcome(task, job.args)
    job.ready.release()
    del job, task  # which the traceback of an error would hold, and the job the error
    return True


def _outcome(task: Callable, args: tuple) -> tuple[Any, BaseException | None]:
    try:
        return task(*args), None
    except BaseException as error:
        return None, told(error, _here.info)


def told(error: BaseException, worker: WorkerInfo, at: Any = None) -> BaseException:
    """An error of the same kind that also says in which worker it happened, and at which item.

    RuntimeError where that cannot be made, or where it would end the loop or the process: in a worker, what asks to
    exit is an error.
    """
    place = f"DataLoader worker {worker.id}"
    if at is not None:
        place += f", at {'items' if isinstance(at, list) else 'item'} {at}"
    made: BaseException = RuntimeError(f"{place}: {type(error).__name__}: {error}")
    if not isinstance(error, Exception):
        made = RuntimeError(f"{place} exited unexpectedly: {type(error).__name__}: {error}")
    elif not isinstance(error, StopIteration):  # which the loop would take for the end of the data
        with contextlib.suppress(Exception):
            made = type(error)(f"{place}: {error}")
    made.__cause__ = error
    return made
