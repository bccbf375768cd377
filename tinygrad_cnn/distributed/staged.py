"""Tensors as MPI takes them: memory in one piece, of a dtype that it can add."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor

# What MPI libraries cannot add, and what is sent in its place.
WIDER = {np.dtype(np.float16): np.dtype(np.float32), np.dtype(np.bool_): np.dtype(np.int32)}


class Staged:
    """An array and the memory that is sent: its own where that can be, else a copy; `back()` brings that home.

    >>> rows = np.arange(4.0).reshape(2, 2)
    >>> Staged(rows).data is rows, Staged(rows.T).data is rows.T
    (True, False)
    """

    def __init__(self, array: np.ndarray, adds: bool = False):
        dtype: Any = WIDER.get(array.dtype, array.dtype) if adds else array.dtype
        self.array = array
        self.data = array if array.flags.c_contiguous and dtype == array.dtype else np.array(array, dtype, order="C")

    def back(self) -> None:
        if self.data is not self.array:
            np.copyto(self.array, self.data, casting="unsafe")


def as_bytes(array: np.ndarray) -> np.ndarray:
    """The bytes of an array in one piece: what is only carried has no dtype.

    >>> as_bytes(np.zeros((2, 3), np.float32)).shape
    (24,)
    """
    return array.reshape(-1).view(np.uint8)


def given(name: str, what: str, tensor: Any, like: np.ndarray | None = None) -> np.ndarray:
    """The array of a tensor that is sent. TypeError for other things, and for another dtype than `like`."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: expected parameter `{what}` to be a Tensor, got {type(tensor).__name__}")
    array = tensor._array
    if like is not None and array.dtype != like.dtype:
        raise TypeError(f"{name}: {what} is {array.dtype}, it must be {like.dtype} as the other tensors of the call")
    return array


def changed(name: str, what: str, tensor: Any, like: np.ndarray | None = None) -> np.ndarray:
    """The array of a tensor that receives; those that saved it for backward will know. RuntimeError if read-only."""
    array = given(name, what, tensor, like)
    if not array.flags.writeable:
        raise RuntimeError(f"{name}: {what} of shape {array.shape} is read-only (or expanded): .clone() it first")
    tensor.version().bump(name)
    return array


def given_list(name: str, what: str, tensors: Any, count: int, like: np.ndarray, receives: bool) -> list[np.ndarray]:
    """The arrays of a list of `count` tensors, each of the shape of `like`; ValueError for others."""
    if not isinstance(tensors, list | tuple):
        raise TypeError(f"{name}: expected parameter `{what}` to be a list of Tensors, got {type(tensors).__name__}")
    if len(tensors) != count:
        raise ValueError(f"{name}: {what} has {len(tensors)} tensors; it needs {count}, one for each rank")
    take = changed if receives else given
    arrays = [take(name, f"{what}[{i}]", t, like) for i, t in enumerate(tensors)]
    for i, array in enumerate(arrays):
        if array.shape != like.shape:
            raise ValueError(f"{name}: {what}[{i}] has shape {array.shape}, it must have {like.shape}")
    return arrays


def shown(array: np.ndarray) -> str:
    """Dtype and shape, as messages have them.

    >>> shown(np.zeros((2, 3)))
    'float64 (2, 3)'
    """
    return f"{array.dtype} {array.shape}"
