"""DataLoader: from a dataset to batches, ahead of the training loop if workers are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from typing import Any, Generic, TypeVar, overload

import numpy as np

from ..engine.tensor import Tensor
from ..random import Generator
from . import state
from .collate import default_collate, default_convert
from .dataset import IterableDataset, Lookup
from .epoch import InTurn, Prefetched
from .order import Order, stateful
from .progress import Progress
from .sampler import BatchSampler, RandomSampler, SequentialSampler
from .workers import Worker, own

Batch = TypeVar("Batch", covariant=True)
Made = TypeVar("Made")
Stackable = Tensor | np.ndarray | np.generic | float  # what default_collate makes a Tensor of


class _Unknown:
    """A type that nothing has, so that for type checkers only a sample of which nothing is known fits it."""


class DataLoader(Generic[Batch]):
    """The batches of `dataset`, anew in every `for` loop.

    - `batch_size` samples a batch, the last one shorter, or left out with `drop_last`; None gives single samples
    - `shuffle` takes them in random order, another one in each epoch, the same for the same seed
    - `sampler` or `batch_sampler` say which samples instead: an iterable of indices, or of lists of indices
    - `generator`: where the order and each epoch's seed are drawn from (default: the library's own random numbers)
    - `collate_fn` makes a batch of a list of samples (default: `default_collate`)
    - `num_workers` threads fetch `prefetch_factor` batches each (default 2) ahead of the loop; `worker_init_fn(id)`
      runs first in each, `persistent_workers` keeps them from one epoch to the next, and after `timeout` seconds
      (0: never) of waiting for a batch RuntimeError is raised. An error in a worker is raised in the loop, of the same
      kind, with the worker and the index of the sample, and the loop may go on with the next batch. They are threads:
      NumPy and Pillow release the interpreter's lock, pure Python in a dataset does not run faster with them.
    - `pin_memory`, `pin_memory_device`, `multiprocessing_context` change nothing on a CPU with threads; batches come
      in order also with `in_order=False`

    An `IterableDataset` is a stream: it has no shuffle and no sampler, and each worker reads its own.
    A dataset with `__getitems__(indices)` is asked for the samples of a batch at once.

    Random numbers: what a dataset, a transform or `collate_fn` draws from the library's generator comes, for batch k of
    an epoch, from a generator that depends on the epoch's seed and k alone. So one seed gives the same batches with any
    number of workers and none, and what the loop draws itself does not depend on what the dataset draws. In a worker,
    `initial_seed()` and `get_worker_info().seed` are the epoch's seed + its number; if `worker_init_fn` calls
    `manual_seed`, its worker's batches are drawn from that seed. Other generators (`random`, `numpy.random`, one that
    the dataset holds) are shared by all workers, in the order in which they happen to come; what a `worker_init_fn`
    seeds of `random` and `numpy.random` ends with it, so that the program's own numbers go on.

    To go on in the middle of an epoch: `state_dict()` and `load_state_dict()`.

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
        self._workers: list[Worker] = []  # that persist
        self._worker_seed: int | None = None  # that they have begun with
        self._progress: Progress | None = None  # of the loop that was begun last
        self._order: Order | None = None  # of the loop to be begun next, if it goes on with an epoch
        self._datasets: list[dict[str, Any]] = []  # states that the datasets of the next loop begin with
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
        if self.timeout and not self.num_workers:
            raise AssertionError(f"DataLoader: timeout={self.timeout!r} is for workers; use num_workers > 0 with it")
        order, self._order = self._order or state.begin(self), None
        return Prefetched(self, order) if self.num_workers else InTurn(self, order)

    def state_dict(self) -> dict[str, Any]:
        """Where the loop is that was begun last, and all that the batches to come are drawn from.

        That is of the batches that were handed out, not of those that workers have read ahead: saved after a step, it
        goes on with the next. After the last batch of an epoch the rest of it is empty; when the loop has come to its
        end, or none was begun, the next loop is a whole epoch. A loop that was left in the middle is there still.

        It holds the states of the generators that the loader, its samplers, dataset and `collate_fn` have as
        attributes, and of the library's own if the loader has no `generator`. A sampler, batch sampler or dataset with
        `state_dict` and `load_state_dict`, or whose iterator has them, says itself where it is, after each batch.
        """
        return state.of(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next loop go on where `state_dict()` was called: with the batches that were still to come.

        It and all later ones give what they would have given there, to the last bit, with any number of workers. What
        does not know where it is is gone through again: the order's indices, and the samples of a stream.

        ValueError or RuntimeError where the loader is not as that one was: another batch size, another length of the
        dataset, another order, another kind of sampler, or for a stream another number of workers. Then nothing has
        changed.

        >>> def loader():
        ...     return DataLoader(range(6), batch_size=2, shuffle=True, generator=Generator())
        >>> first, again = loader(), loader()
        >>> batches = iter(first)
        >>> begun = next(batches)
        >>> again.load_state_dict(first.state_dict())
        >>> [batch.tolist() for batch in again] == [batch.tolist() for batch in batches]
        True
        """
        state.load(self, state_dict)

    def _for_worker(self) -> Any:
        """The dataset that a worker reads: one of its own where its attributes may be set for it."""
        if self.worker_init_fn is None and not isinstance(self.dataset, IterableDataset) and not stateful(self.dataset):
            return self.dataset
        return own(self.dataset)


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
            "prefetch_factor": prefetch_factor,
            "persistent_workers": persistent_workers,
            "multiprocessing_context": context,
        }
        for name, value in given.items():
            if value is not None and value is not False:
                raise ValueError(f"DataLoader: {name}={value!r} is an option of workers; use num_workers > 0 with it")
    elif prefetch_factor is not None and prefetch_factor < 1:
        raise ValueError(f"DataLoader: prefetch_factor should be at least 1, got {prefetch_factor}")
    if isinstance(context, str) and context not in ("fork", "forkserver", "spawn"):
        raise ValueError(
            "DataLoader: multiprocessing_context option should specify a valid start method in ['fork', 'forkserver', "
            f"'spawn'], got {context!r}"
        )
    if not isinstance(context, str | None) and not hasattr(context, "get_start_method"):
        raise TypeError(
            "DataLoader: multiprocessing_context option should be a context of multiprocessing or the name of a start "
            f"method, got {type(context).__name__}"
        )
