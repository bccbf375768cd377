"""Samplers: in which order a DataLoader takes the samples of a dataset.

A sampler is an iterable of indices; a batch sampler is an iterable of lists of them. What is random here is drawn from
`generator`, or from the library's own where that is None, anew at every iteration: the same seed gives the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from ..engine.tensor import as_array, wrap
from ..random import Generator, rng

Index = TypeVar("Index", covariant=True)
DRAWN = 1 << 16  # indices at a time


class Sampler(Generic[Index]):
    """What the samplers have in common. Subclasses write `__iter__`, and `__len__` if they know it.

    >>> class Backwards(Sampler):
    ...     def __init__(self, data_source):
    ...         self.n = len(data_source)
    ...     def __iter__(self):
    ...         return iter(range(self.n - 1, -1, -1))
    >>> list(Backwards("abc"))
    [2, 1, 0]
    """

    _settings: tuple[str, ...] = ()  # the attributes that an order depends on, beside what it is drawn from

    def __iter__(self) -> Iterator[Index]:
        raise NotImplementedError(f"{type(self).__name__}: a Sampler must define __iter__()")


class SequentialSampler(Sampler[int]):
    """0, 1, ..., len(data_source) - 1.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized):
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """A permutation of 0 ... len(data_source) - 1; with `replacement`, independent draws.

    `num_samples` (default: all) more than there are begins another permutation; ValueError for none at all. They are
    drawn as they are asked for, so that there may be any number of them.

    >>> sorted(RandomSampler("abc", num_samples=6))
    [0, 0, 1, 1, 2, 2]
    """

    _settings = ("replacement", "num_samples")

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ):
        _check(type(self), replacement, len(data_source) if num_samples is None else num_samples)
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator

    @property
    def num_samples(self) -> int:
        """How many indices it gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, left = len(self.data_source), self.num_samples
        while n and left > 0:
            if self.replacement:
                drawn = rng(self.generator).integers(n, size=min(left, DRAWN))
            else:
                drawn = rng(self.generator).permutation(n)[:left]
            yield from drawn.tolist()
            left -= len(drawn)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """A permutation of `indices`.

    >>> sorted(SubsetRandomSampler([7, 3, 5]))
    [3, 5, 7]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None):
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        return iter([self.indices[i] for i in rng(self.generator).permutation(len(self.indices)).tolist()])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` draws of i with probability weights[i] / Σ weights, with or without replacement.

    `weights` are non-negative numbers, at least one of them positive. Without replacement at least `num_samples` of
    them must be positive. ValueError otherwise.

    >>> set(WeightedRandomSampler([0, 1, 0, 3], num_samples=100)) <= {1, 3}
    True
    """

    _settings = ("replacement", "num_samples")

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None):
        _check(type(self), replacement, num_samples)
        w = np.array(as_array(weights), np.float64)
        if w.ndim != 1:
            raise ValueError(f"WeightedRandomSampler: weights should be a 1d sequence, got shape {w.shape}")
        if not np.isfinite(w).all() or (w < 0).any() or not w.any():
            raise ValueError("WeightedRandomSampler: weights must be finite, not negative, and not all 0")
        if not replacement and np.count_nonzero(w) < num_samples:
            raise ValueError(
                f"WeightedRandomSampler: {num_samples} samples without replacement need as many positive weights, "
                f"got {np.count_nonzero(w)}"
            )
        self.weights = wrap(w)
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        w = as_array(self.weights)
        return iter(rng(self.generator).choice(len(w), self.num_samples, self.replacement, w / w.sum()).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[Any]]):
    """The indices of `sampler` in lists of `batch_size`; the last, shorter one is left out with `drop_last`.

    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    _settings = ("batch_size", "drop_last")

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool):
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size!r}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        batch = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        n: int = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def _check(kind: type, replacement: Any, num_samples: Any) -> None:
    if not isinstance(replacement, bool):
        error = TypeError if kind is RandomSampler else ValueError  # PyTorch's
        raise error(f"{kind.__name__}: replacement should be a boolean value, but got replacement={replacement!r}")
    if isinstance(num_samples, bool) or not isinstance(num_samples, int) or num_samples < 1:
        raise ValueError(
            f"{kind.__name__}: num_samples should be a positive integer value, but got num_samples={num_samples!r}"
        )
