"""Tensors in another dtype, and new ones in the dtype of one that is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.arguments import forgiving
from ..arrays.device import device as Device
from ..arrays.device import refuse_other
from ..arrays.plain import dtype_of
from ..arrays.types import DType
from ..engine.broadcast import cast
from ..engine.tensor import Tensor
from ..ops.shape import clone, contiguous, view_dtype
from ..ops.shape import view as seen
from . import creation
from .attach import method, named

DTYPES = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32", "short": "int16",
          "char": "int8", "byte": "uint8", "bool": "bool"}  # fmt: skip


def converted(self: Tensor, dtype: Any, copy: bool = False) -> Tensor:
    """In this dtype; itself where nothing is to do."""
    dtype = self.dtype if dtype is None else dtype_of("to", dtype)
    if dtype != self.dtype:
        return cast(self, dtype)
    return clone(self) if copy else self


def converter(dtype: str) -> Callable:
    kind = np.dtype(dtype)

    def method(self: Tensor, memory_format: Any = None) -> Tensor:
        out = converted(self, kind)
        return out if memory_format is None else contiguous(out, memory_format=memory_format)

    return method


@method
def to(
    self: Tensor,
    *args: Any,
    dtype: DType | None = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """`to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)`: converted; itself where nothing is to do.

    >>> import tinygrad_cnn as tg
    >>> tg.ones(2).to("cpu", tg.float64).dtype.name
    'float64'
    """
    first, *flags = args or (None,)
    if first is None or (isinstance(first, str | Device | int) and not isinstance(first, bool)):
        device = device if first is None else first
        dtype = flags.pop(0) if flags else dtype
    elif isinstance(first, Tensor | bool | float | complex):  # as this one is, or as a tensor of it
        dtype = first.dtype if isinstance(first, Tensor) else first.__class__
    else:
        dtype = first
    if len(flags) > 2 or not all(isinstance(flag, bool) for flag in (*flags, non_blocking, copy)):
        raise TypeError(f"to: expected a device and a dtype, or one of them, and two flags; got {args}")
    copy = flags[1] if len(flags) > 1 else copy
    refuse_other(device)
    out = converted(self, dtype, copy)
    return out if memory_format is None else contiguous(out, memory_format=memory_format)


@method
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """There is no CUDA here: a RuntimeError that says so.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).cuda()
    Traceback (most recent call last):
        ...
    RuntimeError: device 'cuda': tinygrad_cnn computes on the CPU; use device 'cpu' ...
    """
    return self.to(device="cuda")  # type: ignore[attr-defined]


def shown(text: str, call: str, dtype: str) -> str:
    """A docstring with an example: what dtype a call gives."""
    return f"{text}\n\n>>> import tinygrad_cnn as tg\n>>> {call}.dtype\ndtype({dtype!r})"


for _name, _dtype in DTYPES.items():
    _text = f"In dtype {_dtype}; itself where it is that already."
    named(_name, converter(_dtype), shown(_text, f"tg.tensor([0, 1.5]).{_name}()", _dtype))


@method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """In the dtype of other; itself where it is that already.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([1.5, -1.5]).type_as(tg.arange(2)).tolist()
    [1, -1]
    """
    if not isinstance(other, Tensor):
        raise TypeError(f"type_as: expected a Tensor, got {other.__class__.__name__}")
    return converted(self, other._array.dtype)


@method
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """Itself: the CPU is where all tensors are, in the memory that they lie in.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2)
    >>> x.cpu() is x
    True
    """
    return self


@method
def view(self: Tensor, *shape: Any, size: Any = None, dtype: DType | None = None) -> Tensor:
    """`view(2, -1)`: the same elements in another shape. `view(dtype)`: the same memory as numbers of another dtype.

    Both share the memory: RuntimeError where that cannot be, as after a transposition. In another dtype the last axis
    grows or shrinks with the size of a number, and autograd does not follow.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0])
    >>> x.view(2, 1).tolist(), [hex(i) for i in x.view(tg.int32).tolist()]
    ([[1.0], [2.0]], ['0x3f800000', '0x40000000'])
    """
    if size is not None:
        shape = (size,)
    if len(shape) == 1:
        if isinstance(shape[0], tuple | list):
            (shape,) = shape
        elif isinstance(shape[0], np.dtype):
            dtype = shape[0]
    if dtype is not None:
        return view_dtype(self.detach(), dtype_of("view", dtype))
    return seen(self, shape)


@method
def new_tensor(
    self: Tensor, data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of this data, in the dtype of self.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, dtype=tg.float64).new_tensor([1, 2]).dtype
    dtype('float64')
    """
    kind = self._array.dtype if dtype is None else dtype_of("new_tensor", dtype)
    return creation.tensor(data, dtype=kind, device=device, requires_grad=requires_grad)


def newborn(make: Callable) -> Callable:
    """zeros, ones, empty or full, in the dtype of self."""

    def method(self: Tensor, *args: Any, dtype: DType | None = None, **kwargs: Any) -> Tensor:
        kind = self._array.dtype if dtype is None else dtype_of(f"new_{make.__name__}", dtype)
        return forgiving(make, Tensor)(*args, dtype=kind, **kwargs)

    return method


for _make in (creation.zeros, creation.ones, creation.empty, creation.full):
    _name = _make.__name__
    _text, _more = f"`{_name}`, by default in the dtype of self.", ", 7" if _make is creation.full else ""
    named(f"new_{_name}", newborn(_make), shown(_text, f"tg.tensor([1, 2]).new_{_name}((2, 3){_more})", "int64"))
