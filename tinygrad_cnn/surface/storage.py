"""The memory that a tensor lies in: as a storage, and given another shape in place."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..arrays.lines import user_level
from ..arrays.plain import owner
from ..engine.memory import put_in_order
from ..engine.tensor import Tensor, refuse_change
from .attach import method
from .creation import lying, shape_of


def _whole(t: Tensor) -> tuple[np.ndarray, int]:
    """All of the memory that a tensor lies in, as elements of its dtype in a row, and where among them it begins."""
    put_in_order(t)
    array, whole = t._array, owner(t._array)
    flat = whole.ravel("K").view(array.dtype) if whole.nbytes % array.itemsize == 0 else array.ravel("K")
    start = (array.__array_interface__["data"][0] - flat.__array_interface__["data"][0]) // array.itemsize
    return flat, start


class Storage:
    """The memory of a tensor, of which it may be a part: elements in a row, as bytes where it is `untyped`.

    >>> import tinygrad_cnn as tg
    >>> x = tg.arange(6).view(2, 3)
    >>> x[1].untyped_storage().nbytes()
    48
    """

    def __init__(self, array: np.ndarray):
        self.array = array

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self.array.__array_interface__["data"][0]

    def size(self) -> int:
        """The number of elements."""
        return self.array.size

    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.array.nbytes

    def tolist(self) -> list:
        """The elements as Python numbers."""
        return self.array.tolist()

    __len__ = size

    def __getitem__(self, i: Any) -> Any:
        return self.array[i].item() if isinstance(i, int) else Storage(self.array[i])

    def __setitem__(self, i: Any, value: Any) -> None:
        self.array[i] = value


@method
def storage(self: Tensor) -> Storage:
    """The memory that it lies in, as elements of its dtype. PyTorch means to give it up, and a UserWarning says so.

    >>> import tinygrad_cnn as tg, warnings
    >>> x = tg.arange(6).view(2, 3)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     x[1].storage().tolist()
    [0, 1, 2, 3, 4, 5]
    """
    warnings.warn("storage() is deprecated: the one that will be left is untyped_storage()", stacklevel=user_level())
    return Storage(_whole(self)[0])


@method
def untyped_storage(self: Tensor) -> Storage:
    """The memory that it lies in, as bytes.

    >>> import tinygrad_cnn as tg
    >>> len(tg.zeros(2).untyped_storage())
    8
    """
    return Storage(_whole(self)[0].view(np.uint8))


@method
def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """In place: another shape, of the elements that lie behind its first one in memory, as they lie there.

    Where its memory is too small for that, it moves to a larger one, whose last elements are whatever was there.
    RuntimeError for a tensor that requires grad.

    >>> import tinygrad_cnn as tg
    >>> tg.arange(6).resize_(2, 2).tolist(), tg.tensor([]).resize_(2, 3).shape
    ([[0, 1], [2, 3]], (2, 3))
    """
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad: this one does; use .detach() or reshape")
    if not sizes:
        raise TypeError("resize_: missing the sizes")
    refuse_change(self, "resize_")
    shape = shape_of("resize_", sizes)
    flat, start = _whole(self)
    n = math.prod(shape)
    found = flat[start : start + n]
    if found.size < n:
        found = np.empty(n, flat.dtype)
        found[: flat.size - start] = flat[start:]
        self._memory = None
    array = found.reshape(shape)
    if (lies := lying(array, memory_format)) is not array:
        lies[...] = array
        array = lies
    self._array, self._view = array, None
    self.version().bump("resize_")
    return self


@method
def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """`resize_` to the shape of another tensor.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([]).resize_as_(tg.zeros(2, 3)).shape
    (2, 3)
    """
    if not isinstance(the_template, Tensor):
        raise TypeError(f"resize_as_: expected a Tensor, got {type(the_template).__name__}")
    return resize_(self, tuple(the_template.shape), memory_format=memory_format)
