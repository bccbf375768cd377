"""Copies of tensors, by `copy.deepcopy` and by pickle: they are leaves, since a history is not copied."""

from __future__ import annotations

import copy
import ctypes

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..arrays.plain import owner
from ..engine.memory import FIXED
from ..engine.tensor import Tensor
from .attach import method


@method
def __reduce__(self: Tensor) -> tuple:
    return rebuild, (type(self), self._array, self.requires_grad, self.__dict__)


@method
def __deepcopy__(self: Tensor, memo: dict) -> Tensor:
    """A leaf on memory of its own; tensors that share memory, copied together, share it again."""
    if not self.is_leaf:
        raise RuntimeError(
            "deepcopy: only Tensors created by the user (leaves) support deepcopy; this one is the result of "
            f"{self.grad_fn.name()}: use .detach() first"  # type: ignore[union-attr]
        )
    out = memo[id(self)] = rebuild(type(self), _copied(self._array, memo), self._requires_grad, {})
    if self._counter:
        out._counter = copy.deepcopy(self._counter, memo)
    out._memory = self._memory and FIXED
    out._grad = copy.deepcopy(self._grad, memo)
    out.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return out


def rebuild(kind: type, array: np.ndarray, requires_grad: bool, attributes: dict) -> Tensor:
    """A leaf as it was before it was pickled or copied."""
    t: Tensor = kind.__new__(kind)  # type: ignore[call-overload]
    t._array = array
    t._node = t._counter = t._view = t._memory = t._grad = None
    t._requires_grad = requires_grad
    t.__dict__.update(attributes)
    return t


def _copied(array: np.ndarray, memo: dict) -> np.ndarray:
    """A copy for deepcopy: of the whole memory that the array lies in, once, seen as the array sees it."""
    whole = owner(array)
    start, end = byte_bounds(whole)
    known = memo.get(id(whole))
    if known is None:
        memory = np.array((ctypes.c_uint8 * (end - start)).from_address(start))
        known = memo[id(whole)] = memory, whole  # which is kept alive, so that nothing else gets its id
    out = np.ndarray(array.shape, array.dtype, known[0], array.__array_interface__["data"][0] - start, array.strides)
    out.flags.writeable = array.flags.writeable or 0 not in array.strides
    return out
