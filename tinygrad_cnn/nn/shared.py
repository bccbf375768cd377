"""Parameters that several processes train together: their memory is a block that all of them see.

A forked process sees it anyway. To a spawned one its arguments are pickled, so tensors in shared memory
are then pickled as the place where they are, and all others as their values.
"""

from __future__ import annotations

import ctypes
from multiprocessing.context import get_spawning_popen
from multiprocessing.reduction import ForkingPickler
from multiprocessing.sharedctypes import RawArray
from typing import Any

import numpy as np

from ..engine.tensor import Tensor, wrap
from ..surface.copies import rebuild
from .parameter import Buffer, Parameter, is_lazy


def share(t: Tensor) -> Tensor:
    """A tensor with the same values in memory that child processes share; itself, if it is there already."""
    if is_lazy(t):
        t.share_memory_()
    if _block(t._array) is not None:
        return t
    array = _array_on(RawArray(ctypes.c_char, max(1, t._array.nbytes)), t._array.dtype, t._array.shape)
    np.copyto(array, t._array)
    shared = wrap(array)
    shared.version().keeper.exposed = True
    return shared


def _array_on(block: Any, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    return np.ndarray(shape, dtype, buffer=block)


def _block(array: np.ndarray) -> Any:
    """The shared block whose memory an array as a whole is; None for any other array."""
    block = array.base
    if isinstance(block, memoryview):
        block = block.obj
    return block if isinstance(block, ctypes.Array) and array.flags.c_contiguous else None


def _rebuild(
    kind: type, block: Any, dtype: np.dtype, shape: tuple[int, ...], requires_grad: bool, more: dict
) -> Tensor:
    return rebuild(kind, _array_on(block, dtype, shape), requires_grad, more)


def _reduce(t: Tensor) -> tuple:
    block = _block(t._array)
    if block is None or get_spawning_popen() is None:
        return t.__reduce__()  # type: ignore[return-value]
    return _rebuild, (type(t), block, t.dtype, tuple(t.shape), t.requires_grad, t.__dict__)


for _kind in (Tensor, Parameter, Buffer):
    ForkingPickler.register(_kind, _reduce)
