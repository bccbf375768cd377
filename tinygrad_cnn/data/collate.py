"""How the samples of a batch become one batch: numbers and arrays are stacked, containers are gone through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays.plain import plain
from ..engine.tensor import Tensor, wrap
from ..ops.join import stack
from .dataset import Columns


def default_collate(batch: Sequence) -> Any:
    """[sample, sample, ...] -> one batch, by the kind of the first sample.

    - a Tensor or array of shape S -> a Tensor (N, *S)
    - a float, int or bool -> a Tensor (N,) of float64, int64 or bool
    - a string or bytes -> the sequence of them
    - a dict -> a dict of batches; a named tuple -> the same of batches; a tuple -> a list of batches; another
      sequence -> the same of batches

    RuntimeError where the samples differ in shape or length, TypeError for a kind that is not in this list.

    >>> default_collate([(0.5, "a"), (1.5, "b")])
    [tensor([0.5, 1.5], shape=(2,), dtype=float64), ('a', 'b')]
    """
    if isinstance(batch, Columns):
        return list(batch.fields)
    if len(batch) == 0:
        raise IndexError("default_collate: a batch needs at least one sample, got none")
    first = batch[0]
    if isinstance(first, (str, bytes)):  # NumPy's kinds of them are also its scalars
        return batch
    if isinstance(first, (Tensor, np.ndarray, np.generic)):
        return _stack(batch)
    if isinstance(first, float):
        return wrap(np.array(batch, np.float64))
    if isinstance(first, int):
        numbers = np.array(batch)
        if numbers.dtype.kind in "bi":
            return wrap(numbers)
        if any(isinstance(n, int) and not -(2**63) <= n < 2**63 for n in batch):
            raise ValueError("default_collate: an int does not fit into 64 bits")
        return wrap(numbers.astype(np.float32))
    if isinstance(first, Mapping):
        return _alike(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        lengths = [len(sample) for sample in batch]
        if len(set(lengths)) > 1:
            raise RuntimeError(f"default_collate: each sample should be of equal size, got lengths {lengths}")
        fields = [default_collate(field) for field in zip(*batch, strict=True)]
        if hasattr(first, "_fields"):
            return type(first)(*fields)
        return fields if isinstance(first, tuple) else _alike(first, fields)
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, strings, dicts or lists; "
        f"found {_name(first)}. Turn it into a tensor in the dataset (for an image: transform=transforms.ToTensor()), "
        "or give the DataLoader a collate_fn"
    )


def default_convert(data: Any) -> Any:
    """Arrays become Tensors on the same memory, wherever they are in containers; the rest stays as it is.

    >>> default_convert({"image": np.zeros(2), "name": "a"})
    {'image': tensor([0., 0.], shape=(2,), dtype=float64), 'name': 'a'}
    """
    if isinstance(data, np.ndarray) and data.dtype.kind in "biufc":
        return wrap(plain(data))
    if isinstance(data, np.generic) and data.dtype.kind in "biufc":
        return wrap(np.asarray(data))
    if isinstance(data, Mapping):
        return _alike(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        fields = [default_convert(value) for value in data]
        if hasattr(data, "_fields"):
            return type(data)(*fields)
        return fields if isinstance(data, tuple) else _alike(data, fields)
    return data


def _stack(batch: Sequence) -> Tensor:
    arrays: list[np.ndarray] = []
    for i, sample in enumerate(batch):
        if not isinstance(sample, (Tensor, np.ndarray, np.generic)):
            raise TypeError(
                f"default_collate: the sample at entry 0 is {_name(batch[0])}, at entry {i} {_name(sample)}"
            )
        try:
            array = sample._array if isinstance(sample, Tensor) else plain(np.asanyarray(sample))
        except TypeError as error:
            raise TypeError(f"default_collate: the sample at entry {i}: {error}") from None
        if arrays and array.shape != arrays[0].shape:
            raise RuntimeError(
                f"default_collate: stack expects each tensor to be equal size, but got {arrays[0].shape} at entry 0 "
                f"and {array.shape} at entry {i}; bring the samples to one shape in the dataset (for images: "
                "transforms.Resize and transforms.CenterCrop), or give the DataLoader a collate_fn"
            )
        arrays.append(array)
    if any(isinstance(sample, Tensor) and sample.requires_grad for sample in batch):
        return stack(batch)
    return wrap(np.stack(arrays))


def _alike(container: Any, content: Any) -> Any:
    """A container of the same kind; a plain one where that kind is not made from its content alone."""
    make: Callable[[Iterable], Any] = type(container)
    try:
        return make(content)
    except TypeError:
        return content


def _name(thing: Any) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"
