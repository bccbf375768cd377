"""What a Tensor may hold: NumPy arrays as they are plainly meant."""

from __future__ import annotations

from typing import Any

import numpy as np


def owner(array: np.ndarray) -> np.ndarray:
    """The array whose memory this one is a view of; itself, where the memory is its own."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def shares_memory(view: np.ndarray, array: np.ndarray) -> bool:
    """Whether `view` lies in the memory of `array`; the owner of the memory tells most of the time."""
    base = view.base
    if base is None:
        return view is array
    return base is array or base is array.base or np.may_share_memory(view, array)


def once(array: np.ndarray, axes: Any) -> np.ndarray:
    """The array with one element along each of these axes where all are one place in memory, as after `expand`.

    That says as much of its extremes, and there may be more of them than anybody can wait for.
    """
    if 0 not in array.strides:
        return array
    return array[tuple([slice(1 if s == 0 and i in axes else None) for i, s in enumerate(array.strides)])]


def plain(array: np.ndarray) -> np.ndarray:
    """The same numbers as an np.ndarray in the byte order of the machine; a TypeError where a Tensor cannot hold them.

    A subclass may mean other things by the same words: `*` of an np.matrix is a product of matrices.
    """
    if type(array) is not np.ndarray:
        if isinstance(array, np.ma.MaskedArray):
            raise TypeError("a masked array leaves elements out, which no Tensor can; fill them with .filled(value)")
        array = array.view(np.ndarray)
    dtype = array.dtype
    if dtype.char not in _CHARS:
        raise TypeError(f"cannot make a Tensor of dtype {dtype}; expected numbers of at most 64 bits (complex: 128)")
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def dtype_of(name: str, given: Any) -> np.dtype:
    """The dtype that a function of this name was given, in any form that NumPy knows; a TypeError for other things."""
    try:
        found = np.dtype(given)
    except TypeError:
        found = np.dtype(object)
    if not isinstance(given, np.dtype | type | str) or found.char not in _CHARS:  # what has a dtype is none
        tensor = isinstance(given, np.ndarray) or hasattr(given, "requires_grad")
        shown = f"Tensor {tuple(given.shape)}" if tensor else f"{given!r:.120}"
        raise TypeError(f"{name}: expected a dtype of numbers, got dtype={shown}")
    return found if found.isnative else found.newbyteorder("=")


_CHARS = frozenset("?bBhHiIlLqQefdFD")
