"""Tensors made of data, of nothing, and of chance.

Sizes are ints or one tuple. All take `dtype=` (an object or a name; by default the default floating
dtype, or the one that the data has), `device=` (the CPU), `requires_grad=`, and many `out=`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dtypes
from .dtypes import get_default_dtype, result_type
from .ops.shape import ints
from .random import Generator, rng
from .tensor import Tensor, as_array, wrap
from .tensor import device as Device


def _made(array: np.ndarray, device: Any = None, requires_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """The array as a tensor: a new one, or `out`."""
    if device is not None:
        Device(device)
    if out is not None:
        from .inplace import into

        return into(out, array)
    t = wrap(array)
    if requires_grad:
        t.requires_grad = True
    return t


def _size(name: str, size: tuple) -> tuple[int, ...]:
    """Sizes given as ints or as one sequence of them."""
    if len(size) == 1 and not hasattr(size[0], "__index__"):
        size = tuple(size[0]) if isinstance(size[0], tuple | list) else size
    size = ints(name, size)
    if min(size, default=0) < 0:
        raise RuntimeError(f"{name}: sizes must not be negative, got {size}")
    return size


# Of data.


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A copy of the data: a number, nested lists, an array or a Tensor, as a leaf.

    dtype: by default that of an array; else the default floating dtype for floats, int64 for ints, bool for bools.
    Raises a ValueError for lists of unequal lengths, a TypeError for what is no number.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([1, 2.5]).dtype.name, tg.tensor([1, 2]).dtype.name
    ('float32', 'int64')
    """
    return _made(_array_of("tensor", data, dtype, copy=True), device, requires_grad)


def _array_of(name: str, data: Any, dtype: Any, copy: bool | None) -> np.ndarray:
    data = as_array(data)
    if not isinstance(data, np.ndarray | np.generic | list | tuple) and hasattr(data, "__array__"):
        data = np.asarray(data)
    if isinstance(data, np.ndarray | np.generic):
        array = np.array(data, dtype=dtype, copy=copy, order="K")
    else:
        kinds: set = set()
        data = _plain(name, data, kinds)
        if dtype is None:
            dtype = result_type(*(np.empty(1, k) for k in kinds)) if kinds else get_default_dtype()
        try:
            array = np.array(data, dtype=dtype)
        except ValueError:
            raise ValueError(f"{name}: {_ragged(data)}; all rows of a tensor have one length") from None
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name}: cannot make a Tensor of dtype {array.dtype}; expected numbers")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _plain(name: str, data: Any, kinds: set) -> Any:
    """Nested lists with arrays in place of Tensors; the dtypes of the elements are put into `kinds`."""
    if isinstance(data, list | tuple | range):
        return [_plain(name, x, kinds) for x in data]
    data = as_array(data)
    if isinstance(data, np.ndarray | np.generic):
        kinds.add(data.dtype)
    elif isinstance(data, bool):
        kinds.add(dtypes.bool)
    elif isinstance(data, int):
        kinds.add(dtypes.int64)
    elif isinstance(data, float):
        kinds.add(get_default_dtype())
    elif isinstance(data, complex):
        kinds.add(np.dtype(np.complex64))
    else:
        raise TypeError(f"{name}: could not infer a dtype of {type(data).__name__}; expected numbers, lists or arrays")
    return data


def _ragged(data: Any, where: str = "") -> str:
    """What is wrong with lists of unequal lengths, and where."""
    lengths = [len(x) if isinstance(x, list) or np.ndim(x) else None for x in data]
    for i, n in enumerate(lengths):
        if n != lengths[0]:
            kinds = ["a number" if m is None else f"of length {m}" for m in (lengths[0], n)]
            return f"element 0{where} is {kinds[0]}, but element {i}{where} is {kinds[1]}"
    return next(
        (text for i, x in enumerate(data) if isinstance(x, list) and (text := _ragged(x, f" of element {i}{where}"))), ""
    )


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """The data as a tensor: itself where it is one of this dtype, an array without a copy, else a new one."""
    if isinstance(data, Tensor):
        return data if dtype is None or data.dtype == dtype else data.to(dtype)  # type: ignore[attr-defined]
    return _made(_array_of("as_tensor", data, dtype, copy=None), device)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the memory of the array: a change of one is a change of the other."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected np.ndarray, got {type(ndarray).__name__}")
    if ndarray.dtype.kind not in "biufc":
        raise TypeError(f"from_numpy: can't convert an array of dtype {ndarray.dtype}; expected numbers")
    return wrap(ndarray)


# Of one value.


def _filled(name: str, size: tuple, value: Any, dtype: Any, device: Any, requires_grad: bool, out: Any) -> Tensor:
    array = np.full(_size(name, size), value, dtype or get_default_dtype())
    return _made(array, device, requires_grad, out)


def zeros(
    *size: Any, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of zeros.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).shape, tg.zeros((2, 3)).shape
    ((2, 3), (2, 3))
    """
    return _filled("zeros", size, 0, dtype, device, requires_grad, out)


def ones(*size: Any, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    return _filled("ones", size, 1, dtype, device, requires_grad, out)


def empty(*size: Any, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor whose values are not set: whatever the memory held."""
    return _made(np.empty(_size("empty", size), dtype or get_default_dtype()), device, requires_grad, out)


def full(
    size: Any, fill_value: Any, *, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of one value; by default of the dtype that `tensor(fill_value)` would have."""
    value = as_array(fill_value)
    dtype = dtype or result_type(value)
    return _filled("full", (size,), value, dtype, device, requires_grad, out)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
              memory_format: Any = None) -> Tensor:  # fmt: skip
    """Ones in the shape, dtype and layout of the input."""
    return _made(np.ones_like(input._array, dtype=dtype), device, requires_grad)


# Of chance.


def randn(
    *size: Any, generator: Generator | None = None, out: Any = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal random numbers of mean 0 and variance 1."""
    draws = rng(generator).standard_normal(_size("randn", size), np.float32)
    return _made(draws, device, requires_grad, out)
