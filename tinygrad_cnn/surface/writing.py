"""Writing to places of a tensor: x[i] = y, and methods that fill it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.types import Number
from ..engine.inplace import change
from ..engine.modes import mode
from ..engine.tensor import Tensor, as_array, refuse_change
from ..ops import index as places_of
from ..ops.declared import appears
from .attach import method

KNOWN = (Tensor, int, float, complex, np.ndarray, np.generic)  # what can stand beside a Tensor


def write(t: Tensor, name: str, index: Any, value: Any) -> Tensor:
    """t[index] = value; recorded where a gradient may be asked for, else written straight to the memory."""
    array = as_array(value)
    if not isinstance(array, KNOWN):
        raise TypeError(f"{name}: expected a Tensor, an array or a number, got {type(value).__name__}")
    refuse_change(t, name)
    places = places_of.parse(index, t._array.shape)
    if isinstance(value, Tensor) and places.advanced is not None and value.ndim:
        places_of.refuse_dtype(name, t, value)
    followed = mode.grad and (t.requires_grad or getattr(value, "requires_grad", False))
    if followed or (mode.tracer is not None and mode.tracer.rewrites):
        change(t, name, lambda p: places_of.setitem(p, value, index))
    else:
        places_of.write(t._array, places, array)
        t.version().bump(name)
        if mode.tracer is not None:
            mode.tracer.wrote(t, value, name)
    return t


@method
def __setitem__(self: Tensor, index: Any, value: Tensor | Number) -> None:
    """self[index] = value, by every kind of index that can be read."""
    write(self, "setitem", index, value)


@method
def copy_(self: Tensor, src: Tensor | Number, non_blocking: bool = False) -> Tensor:
    """In place: the values of src, in the dtype of self.

    src broadcasts to the shape of self. RuntimeError where it does not, and for a leaf that needs a gradient.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2, 2)
    >>> x.copy_(tg.tensor([1, 2])).tolist(), x.dtype
    ([[1.0, 2.0], [1.0, 2.0]], dtype('float32'))
    """
    return write(self, "copy_", ..., src)


@appears("function")
@method
def zero_(self: Tensor) -> Tensor:
    """In place: every element becomes 0.

    RuntimeError for a leaf that needs a gradient, outside of no_grad.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2, 2)
    >>> x[0].zero_().tolist(), x.tolist()
    ([0.0, 0.0], [[0.0, 0.0], [1.0, 1.0]])
    """
    return write(self, "zero_", ..., 0)


@appears("function")
@method
def fill_(self: Tensor, value: Tensor | Number) -> Tensor:
    """In place: every element becomes this number.

    RuntimeError for a value with axes, and for a leaf that needs a gradient, outside of no_grad.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2, 2)
    >>> x[0].fill_(7).tolist(), x.tolist()
    ([7.0, 7.0], [[7.0, 7.0], [0.0, 0.0]])
    """
    places_of.refuse_axes("fill_", value)
    return write(self, "fill_", ..., value)


def clear_grad(t: Tensor, set_to_none: bool) -> None:
    """Let `.grad` be None, or the same tensor, filled with zeros and without history."""
    g = t._grad
    if set_to_none or g is None:
        t._grad = None
    else:
        g._node, g._requires_grad = None, False
        write(g, "zero_", ..., 0)
