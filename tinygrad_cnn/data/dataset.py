"""Datasets: what a DataLoader draws from.

A dataset with `__len__` and `__getitem__` is looked up by number; one with `__iter__` alone is a stream. A dataset that
can look up a whole batch at once offers `__getitems__(indices)`. One of tensors answers that with `Columns`: to
whoever asks it is a sequence of samples, but `default_collate` finds the batch in it already made, so that a batch of
64 images costs one fancy index and not 64 look-ups and a stack.
"""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ..arrays.plain import plain
from ..engine.tensor import Tensor, as_array, wrap
from ..random import Generator, rng

Sample = TypeVar("Sample", covariant=True)


class Lookup(Protocol[Sample]):
    """Samples by number: a Dataset, or a list, or anything else that can be asked for them."""

    def __getitem__(self, index: int, /) -> Sample: ...


class Dataset(Generic[Sample]):
    """Samples by number. Subclasses write `__getitem__(index)`, and `__len__` for the samplers.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, i):
    ...         return i, i * i
    >>> (Squares() + Squares())[6]
    (2, 4)
    """

    def __getitem__(self, index: Any) -> Sample:
        raise NotImplementedError(f"{type(self).__name__}: a Dataset must define __getitem__(index)")

    def __add__(self, other: Dataset) -> Dataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[Sample]):
    """Samples as a stream. Subclasses write `__iter__`.

    Every worker of a DataLoader iterates for itself: `get_worker_info()` tells `__iter__` which share is its own.

    >>> class Count(IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(3))
    >>> list(Count() + Count())
    [0, 1, 2, 0, 1, 2]
    """

    def __iter__(self) -> Iterator[Sample]:
        raise NotImplementedError(f"{type(self).__name__}: an IterableDataset must define __iter__()")

    def __add__(self, other: Dataset) -> Dataset[Any]:
        return ChainDataset([self, other])


class Columns(Sequence):
    """The samples of one batch, kept field by field: `fields` is the batch, `columns[i]` its i-th sample."""

    __slots__ = ("fields",)

    def __init__(self, *fields: Tensor):
        self.fields = fields

    def __len__(self) -> int:
        return len(self.fields[0])

    def __getitem__(self, index: Any) -> tuple:
        return tuple(field[index] for field in self.fields)  # type: ignore[index]


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """The i-th sample is `(tensors[0][i], tensors[1][i], ...)`; a slice gives a slice of each.

    `tensors` are Tensors or arrays with as many rows, otherwise AssertionError, as in PyTorch.

    >>> import tinygrad_cnn as tg
    >>> ds = TensorDataset(tg.arange(6).reshape(3, 2), tg.arange(3))
    >>> x, y = ds[1:]
    >>> x.tolist(), y.tolist()
    ([[2, 3], [4, 5]], [1, 2])
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Any):
        if not tensors:
            raise ValueError("TensorDataset: expected at least one tensor, got none")
        shapes = [np.shape(as_array(t)) for t in tensors]
        if () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise AssertionError(
                f"TensorDataset: size mismatch between tensors, shapes {shapes}; dimension 0 must be equal"
            )
        self.tensors = tuple(t if isinstance(t, Tensor) else wrap(plain(np.asanyarray(t))) for t in tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)  # type: ignore[index]

    def __getitems__(self, indices: list[int]) -> Columns:
        return Columns(*self[indices])


class Subset(Dataset[Sample]):
    """The samples of `dataset` at `indices`, in their order.

    >>> part = Subset("abcdef", [4, 0])
    >>> len(part), part[0], part[1]
    (2, 'e', 'a')
    """

    def __init__(self, dataset: Lookup[Sample], indices: Sequence[int]):
        self.dataset = dataset
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Sample:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]  # type: ignore[index]
        return self.dataset[self.indices[index]]

    @property
    def __getitems__(self) -> Callable[[list[int]], Sequence]:
        together = self.dataset.__getitems__  # type: ignore[attr-defined]  # without it a subset has none either
        return lambda indices: together([self.indices[i] for i in indices])


class StackDataset(Dataset[Any]):
    """Datasets of one length side by side: a sample is a tuple of theirs, or a dict where they are given by name.

    ValueError for none, for both ways at once, and for lengths that differ.

    >>> StackDataset(["a", "b"], [1, 2])[1], StackDataset(letter=["a", "b"], number=[1, 2])[0]
    (('b', 2), {'letter': 'a', 'number': 1})
    """

    datasets: tuple | dict

    def __init__(self, *args: Lookup[Any], **kwargs: Lookup[Any]):
        if bool(args) == bool(kwargs):
            raise ValueError(
                "StackDataset: expected datasets, in order or by name; got " + ("both at once" if args else "none")
            )
        lengths = [len(dataset) for dataset in args or kwargs.values()]  # type: ignore[arg-type]
        if len({*lengths}) > 1:
            raise ValueError(f"StackDataset: the datasets should have one length, got {lengths}")
        self.datasets, self._length = args or kwargs, lengths[0]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)


class ConcatDataset(Dataset[Sample]):
    """One dataset after another. `cumulative_sizes[k]` is the number of samples in the first k + 1.

    >>> both = ConcatDataset([["a", "b"], ["c"]])
    >>> both[2], both[-3], len(both)
    ('c', 'a', 3)
    """

    def __init__(self, datasets: Iterable[Lookup[Sample]]):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("ConcatDataset: datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError("ConcatDataset: an IterableDataset has no numbers; join streams with ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Sample:
        i = index + len(self) if index < 0 else index
        if i < 0:
            raise ValueError(f"ConcatDataset: index {index} counts back further than the {len(self)} samples")
        if i >= len(self):
            raise IndexError(f"ConcatDataset: index {index} is out of range for {len(self)} samples")
        k = bisect.bisect_right(self.cumulative_sizes, i)
        return self.datasets[k][i - (self.cumulative_sizes[k - 1] if k else 0)]


class ChainDataset(IterableDataset[Sample]):
    """One stream after another. AssertionError for a dataset that is no IterableDataset.

    >>> class Count(IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(2))
    >>> list(ChainDataset([Count(), Count()]))
    [0, 1, 0, 1]
    """

    def __init__(self, datasets: Iterable[Dataset[Sample]]):
        self.datasets = list(datasets)
        if not all(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError("ChainDataset: expected IterableDatasets; join datasets with numbers by ConcatDataset")

    def __iter__(self) -> Iterator[Sample]:
        return itertools.chain.from_iterable(self.datasets)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return sum(len(d) for d in self.datasets)  # type: ignore[arg-type,misc]


def random_split(
    dataset: Lookup[Sample], lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[Sample]]:
    """Parts of these lengths, drawn without replacement, as one `Subset` each.

    `lengths` are numbers of samples that add up to `len(dataset)`, or fractions that add up to 1: then each part
    gets floor(fraction · n), and what is left over goes to the parts in turn, one each. ValueError otherwise.

    >>> from tinygrad_cnn.random import Generator
    >>> [len(part) for part in random_split(range(10), [0.5, 0.25, 0.25], generator=Generator())]
    [6, 2, 2]
    """
    n, total = len(dataset), sum(lengths)  # type: ignore[arg-type]
    if math.isclose(total, 1) and total <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(f"random_split: fraction {fraction} at index {i} is not between 0 and 1")
        sizes = [math.floor(n * fraction) for fraction in lengths]
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
        for i, size in enumerate(sizes):
            if size == 0:
                warnings.warn(f"random_split: the part at index {i} is empty", stacklevel=2)
    else:
        sizes = list(lengths)  # type: ignore[arg-type]
        if total != n:
            raise ValueError(
                f"random_split: the sum {total} of lengths {sizes} does not equal the length {n} of the dataset; "
                "give numbers of samples that add up to it, or fractions that add up to 1"
            )
    order = rng(generator).permutation(n).tolist()
    ends = list(itertools.accumulate(sizes))
    return [Subset(dataset, order[end - size : end]) for size, end in zip(sizes, ends, strict=True)]
