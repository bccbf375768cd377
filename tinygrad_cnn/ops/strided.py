"""Seeing memory by strides of one's own: a view that may show an element several times, or skip some.

Places in memory are counted in elements from the first one of the input, so that a view is found again in other memory
that is laid out alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.plain import owner
from ..arrays.types import Array
from ..engine.call import op
from ..engine.memory import put_in_order
from ..engine.tensor import Tensor, as_array
from .declared import appears
from .dims import whole
from .index import getitem, parse, place
from .shape import ints, reshape


@appears("function method in_shape function_")
def as_strided(input: Array, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Array:
    """The memory of input with these sizes and strides, counted in elements from storage_offset on. A view.

    An element that is seen several times gets the sum of its gradients. storage_offset: that of input by default.
    RuntimeError for lengths that differ, for what is negative, and for what lies beyond the memory of input.

    >>> import tinygrad_cnn as tg
    >>> x = tg.arange(4.0).requires_grad_()
    >>> y = x.as_strided((3, 2), (1, 1))
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]], [1.0, 2.0, 2.0, 1.0])
    """
    size, stride = ints("as_strided", size), ints("as_strided", stride)
    if len(size) != len(stride):
        raise RuntimeError(f"as_strided: size {size} and stride {stride} must be equally long")
    if min((*size, *stride), default=0) < 0:
        raise RuntimeError(f"as_strided: sizes and strides must not be negative, got {size} and {stride}")
    if isinstance(input, Tensor):
        put_in_order(input)
    start = 0
    if storage_offset is not None:
        start = whole("as_strided", "storage_offset", storage_offset)
        if start < 0:
            raise RuntimeError(f"as_strided: storage_offset must not be negative, got {start}")
        start -= _offset(as_array(input))
    return _as_strided(input, size, stride, start)


def _offset(array: np.ndarray) -> int:
    """How many elements into its memory an array begins."""
    ends = [a.__array_interface__["data"][0] for a in (array, owner(array))]
    return (ends[0] - ends[1]) // array.itemsize


@op(view=True, keeps="steps", geometry="size stride start")
def _as_strided(input: Array, size: tuple, stride: tuple, start: int) -> Array:
    """The memory of input from element `start` of it on, with these sizes and strides."""
    memory = owner(input).ravel(order="K")
    first = _offset(input) + start
    last = first + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if math.prod(size) and not (first >= 0 and (last + 1) * input.itemsize <= memory.nbytes):
        raise RuntimeError(
            f"as_strided: size {size} with stride {stride} from element {first} on is beyond the memory of the input, "
            f"which has {memory.nbytes // input.itemsize} elements"
        )
    first = first if math.prod(size) else 0
    steps = tuple([s // input.itemsize for s in input.strides])
    places = [s * input.itemsize for s in stride]
    out = np.ndarray(size, input.dtype, memory, first * input.itemsize, places)
    out.flags.writeable = memory.flags.writeable and not _overlaps(size, stride)
    return out, steps


def _overlaps(size: tuple, stride: tuple) -> bool:
    """Whether two elements may be one place in memory."""
    reach = 0
    for s, n in sorted((s, n) for n, s in zip(size, stride, strict=True) if n > 1):
        if s <= reach:
            return True
        reach += s * (n - 1)
    return False


def _places(size: tuple, stride: tuple, start: int = 0) -> np.ndarray:
    """Where each element stands."""
    found = np.full(size, start)
    for grid, s in zip(np.ogrid[tuple(slice(n) for n in size)], stride, strict=True):
        found += grid * s
    return found


def _to_input(g: Any, steps: tuple, geometry: list, input_shape: tuple) -> Any:
    """The gradient of each place of the memory, read at the input's elements; those of one place share it."""
    seen, own = _places(*geometry), _places(input_shape, steps)
    least = min(seen.min(initial=0), own.min(initial=0))
    seen, own = seen - least, own - least
    n = int(max(seen.max(initial=0), own.max(initial=0))) + 1
    memory = place(reshape(g, (-1,)), parse(seen.reshape(-1), (n,)), (n,))
    out = reshape(getitem(memory, own.reshape(-1)), input_shape)
    if _overlaps(input_shape, steps):
        out = out / np.bincount(own.reshape(-1), minlength=n)[own].astype(g.dtype)
    return out


_as_strided.grad(input=_to_input)
_as_strided.explain(
    "An element gets the sum of its gradients in all places where it was seen.",
    zero="it was not seen",
    input="Σ_{reads of a place} g",
)
