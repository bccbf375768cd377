"""Questions about tensors, what real numbers have of complex ones, and new tensors by one number or by strides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import dtypes
from ..arrays.device import device as Device
from ..arrays.dtypes import get_default_dtype, number
from ..arrays.types import Array, DType, Number
from ..engine.call import op
from ..engine.tensor import Tensor, as_array, wrap
from .declared import appears
from .join import chunk, narrow, split
from .shape import clone, ints
from .strided import as_strided
from .unary import nought
from .unary import real as floating


def _tensor(name: str, value: Any) -> Any:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: input must be a Tensor, not {type(value).__name__}")
    return value


# Questions.


@appears("function method")
def isreal(input: Array) -> Array:
    """Whether each element is real: all are, but for complex numbers with an imaginary part.

    >>> import tinygrad_cnn as tg
    >>> tg.isreal(tg.tensor([1.0, -2.0])).tolist()
    [True, True]
    """
    return wrap(np.asarray(np.isreal(as_array(_tensor("isreal", input)))))


@appears("function method")
def is_conj(input: Array) -> bool:
    """Whether input is a view of conjugated numbers, which nothing here is.

    >>> import tinygrad_cnn as tg
    >>> tg.is_conj(tg.ones(2))
    False
    """
    return _tensor("is_conj", input) is None


@appears("function method")
def is_neg(input: Array) -> bool:
    """Whether input is a view of negated numbers, which nothing here is.

    >>> import tinygrad_cnn as tg
    >>> tg.is_neg(tg.ones(2))
    False
    """
    return _tensor("is_neg", input) is None


@appears("function")
def result_type(tensor1: Array | Number, tensor2: Array | Number) -> DType:
    """The dtype of what is computed from both; numbers without axes count less than tensors with some.

    >>> import tinygrad_cnn as tg
    >>> tg.result_type(tg.tensor([1, 2]), 1.5), tg.result_type(tg.ones(2), tg.tensor(1.0, dtype=tg.float64))
    (dtype('float32'), dtype('float32'))
    """
    return dtypes.result_type(as_array(tensor1), as_array(tensor2))


# Parts of numbers.


@appears("function method", aliases="resolve_conj resolve_neg")
def conj(input: Array) -> Array:
    """input itself: a real number is its own conjugate.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2)
    >>> tg.conj(x) is x
    True
    """
    return _tensor("conj", input)


@appears("function out method in_place function_")
def conj_physical(input: Array) -> Array:
    """`conj`, which elsewhere is a copy; of real numbers it is input itself.

    >>> import tinygrad_cnn as tg
    >>> tg.conj_physical(tg.tensor([1.0, -2.0])).tolist()
    [1.0, -2.0]
    """
    return _tensor("conj_physical", input)


@appears("function")
def real(input: Array) -> Array:
    """input itself: a real number is its own real part.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2)
    >>> tg.real(x) is x
    True
    """
    return _tensor("real", input)


@appears("function")
def imag(input: Array) -> Array:
    """Refused: a real number has no imaginary part, and only real ones are here.

    >>> import tinygrad_cnn as tg
    >>> tg.imag(tg.ones(2))
    Traceback (most recent call last):
        ...
    RuntimeError: imag: a tensor of dtype float32 has no imaginary part
    """
    raise RuntimeError(f"imag: a tensor of dtype {_tensor('imag', input).dtype} has no imaginary part")


@appears("function out method")
@op
def angle(input: Array) -> Array:
    """The angle to the positive numbers: π for negative ones, 0 for the others, NaN for NaN.

    >>> import tinygrad_cnn as tg
    >>> [round(v, 4) for v in tg.angle(tg.tensor([2.0, -1.0])).tolist()]
    [0.0, 3.1416]
    """
    x = floating(input)
    return np.where(np.isnan(x), x, np.where(x < 0, x.dtype.type(math.pi), x.dtype.type(0)))


angle.grad(input=lambda g: nought(g))
angle.explain("Flat but for a jump at zero: nothing flows back.", zero="the angle is flat")


# New tensors.


@appears("function")
def scalar_tensor(s: Number, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False) -> Array:
    """One number as a tensor without axes, of the default floating dtype unless there is another.

    >>> import tinygrad_cnn as tg
    >>> tg.scalar_tensor(3).item()
    3.0
    """
    if device is not None:
        Device(device)
    out = wrap(np.asarray(number(s, np.dtype(get_default_dtype() if dtype is None else dtype))))
    return out.requires_grad_() if requires_grad else out


@appears("function")
def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Array:
    """A tensor of this shape whose elements lie in memory with these strides, counted in elements.

    >>> import tinygrad_cnn as tg
    >>> tg.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    if device is not None:
        Device(device)
    size, stride = ints("empty_strided", size), ints("empty_strided", stride)
    reach = 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=False)) if math.prod(size) else 0
    out = as_strided(np.zeros(max(reach, 0), get_default_dtype() if dtype is None else dtype), size, stride)
    out = wrap(out)
    return out.requires_grad_() if requires_grad else out


@appears("method")
def new_empty_strided(
    input: Array,
    size: Sequence[int],
    stride: Sequence[int],
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Array:
    """`empty_strided` in the dtype of input.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(1, dtype=tg.int64).new_empty_strided((2, 3), (1, 2)).dtype
    dtype('int64')
    """
    kind = input.dtype if dtype is None else dtype
    return empty_strided(size, stride, dtype=kind, device=device, requires_grad=requires_grad)


# What PyTorch has besides for those who know that nobody shares the memory.


@appears("function out exact method")
def narrow_copy(input: Array, dim: int, start: int, length: int) -> Array:
    """A copy of `narrow`.

    >>> import tinygrad_cnn as tg
    >>> tg.narrow_copy(tg.arange(5), 0, 1, 3).tolist()
    [1, 2, 3]
    """
    return clone(narrow(input, dim, start, length))


@appears("function method")
def unsafe_chunk(input: Array, chunks: int, dim: int = 0) -> tuple[Array, ...]:
    """`chunk`.

    >>> import tinygrad_cnn as tg
    >>> [part.tolist() for part in tg.unsafe_chunk(tg.arange(4), 2)]
    [[0, 1], [2, 3]]
    """
    return chunk(input, chunks, dim)


@appears("function method")
def unsafe_split(tensor: Array, split_size: int, dim: int = 0) -> tuple[Array, ...]:
    """`split`.

    >>> import tinygrad_cnn as tg
    >>> [part.tolist() for part in tg.unsafe_split(tg.arange(4), 3)]
    [[0, 1, 2], [3]]
    """
    return split(tensor, split_size, dim)
