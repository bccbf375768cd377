"""Comparisons and logic: results are bool, so nothing here has a gradient.

Operands of different dtypes are compared in their common one, as in PyTorch.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..arrays.dtypes import modular, promote, result_type
from ..arrays.plain import once
from ..arrays.types import Array, Axis, Number
from ..engine.call import op
from ..engine.tensor import as_array
from .declared import appears
from .dims import reduced
from .pairs import apart, pairwise


@appears("function out method in_place")
@pairwise(np.equal)
def eq(input: Array, other: Array | Number):
    """input == other.

    RuntimeError where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.eq(tg.tensor([1, 2]), 2).tolist()
    [False, True]
    """


@appears("function out method in_place", aliases="not_equal")
@pairwise(np.not_equal)
def ne(input: Array, other: Array | Number):
    """input != other.

    NaN is unequal to everything, to itself too.

    RuntimeError where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.ne(tg.tensor([1.0, float("nan")]), tg.tensor([1.0, float("nan")])).tolist()
    [False, True]
    """


@appears("function out method in_place", aliases="less")
@pairwise(np.less)
def lt(input: Array, other: Array | Number):
    """input < other.

    RuntimeError where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.lt(tg.tensor([[1], [2]]), tg.tensor([1, 2])).tolist()
    [[False, True], [False, False]]
    """


@appears("function out method in_place", aliases="less_equal")
@pairwise(np.less_equal)
def le(input: Array, other: Array | Number):
    """input <= other.

    RuntimeError where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.le(tg.tensor([1.0, 2.0, float("nan")]), 1.5).tolist()
    [True, False, False]
    """


@appears("function out method in_place", aliases="greater")
@pairwise(np.greater)
def gt(input: Array, other: Array | Number):
    """input > other.

    RuntimeError where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.gt(tg.tensor([1, 2]), 1.5).tolist()
    [False, True]
    """


@appears("function out method in_place", aliases="greater_equal")
@pairwise(np.greater_equal)
def ge(input: Array, other: Array | Number):
    """input >= other.

    RuntimeError where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.ge(tg.tensor([1, 2, 3]), tg.tensor(2)).tolist()
    [False, True, True]
    """


@appears("function out method in_place")
@pairwise(np.logical_and)
def logical_and(input: Array, other: Array):
    """Both are not zero.

    >>> import tinygrad_cnn as tg
    >>> tg.logical_and(tg.tensor([2, 2, 0]), tg.tensor([1, 0, 0])).tolist()
    [True, False, False]
    """


@appears("function out method in_place")
@pairwise(np.logical_or)
def logical_or(input: Array, other: Array):
    """One or both are not zero.

    >>> import tinygrad_cnn as tg
    >>> tg.logical_or(tg.tensor([2, 2, 0]), tg.tensor([1, 0, 0])).tolist()
    [True, True, False]
    """


@appears("function out method in_place")
@pairwise(np.logical_xor)
def logical_xor(input: Array, other: Array):
    """Just one is not zero.

    >>> import tinygrad_cnn as tg
    >>> tg.logical_xor(tg.tensor([2, 2, 0]), tg.tensor([1, 0, 0])).tolist()
    [False, True, False]
    """


@appears("function out method in_place")
@op
def logical_not(input: Array) -> Array:
    """It is zero.

    >>> import tinygrad_cnn as tg
    >>> tg.logical_not(tg.tensor([0.0, -0.5, float("nan")])).tolist()
    [True, False, False]
    """
    return np.logical_not(input)


# Bit by bit.


def _bits(input: Any, other: Any) -> tuple:
    """promote, for numbers that have bits to speak of."""
    common = result_type(input, other)
    if common.kind not in "biu":
        raise NotImplementedError(f"bitwise operations take integers or bool, got {common}; convert with .long()")
    return modular(input, other)


def _shiftable(input: Any, other: Any) -> tuple:
    if result_type(input, other).kind not in "iu":
        raise NotImplementedError("only the bits of integers are shifted; convert one with .long()")
    return promote(input, other)


@appears("function out method in_place")
@pairwise(np.bitwise_and, _bits, quick=_bits)
def bitwise_and(input: Array | Number, other: Array | Number):
    """input & other, bit by bit; for bool: both.

    NotImplementedError for floating numbers.

    >>> import tinygrad_cnn as tg
    >>> tg.bitwise_and(tg.tensor([0b1100, -1]), 0b1010).tolist(), (tg.tensor([True, False]) & True).tolist()
    ([8, 10], [True, False])
    """


@appears("function out method in_place")
@pairwise(np.bitwise_or, _bits, quick=_bits)
def bitwise_or(input: Array | Number, other: Array | Number):
    """input | other, bit by bit; for bool: one or both.

    NotImplementedError for floating numbers.

    >>> import tinygrad_cnn as tg
    >>> tg.bitwise_or(tg.tensor([0b1100, -1]), 0b1010).tolist(), (tg.tensor([True, False]) | False).tolist()
    ([14, -1], [True, False])
    """


@appears("function out method in_place")
@pairwise(np.bitwise_xor, _bits, quick=_bits)
def bitwise_xor(input: Array | Number, other: Array | Number):
    """input ^ other, bit by bit; for bool: just one.

    NotImplementedError for floating numbers.

    >>> import tinygrad_cnn as tg
    >>> tg.bitwise_xor(tg.tensor([0b1100, 0b1010]), 0b1010).tolist()
    [6, 0]
    """


@appears("function out method in_place")
@pairwise(np.left_shift, _shiftable, quick=_shiftable)
def bitwise_left_shift(input: Array | Number, other: Array | Number):
    """input << other.

    What leaves at the upper end is lost. RuntimeError where the common dtype is no integer.

    >>> import tinygrad_cnn as tg
    >>> tg.bitwise_left_shift(tg.tensor([1, 3, -1]), tg.tensor([4, 1, 1])).tolist()
    [16, 6, -2]
    """


@appears("function out method in_place")
@pairwise(np.right_shift, _shiftable, quick=_shiftable)
def bitwise_right_shift(input: Array | Number, other: Array | Number):
    """input >> other; the sign stays.

    RuntimeError where the common dtype is no integer.

    >>> import tinygrad_cnn as tg
    >>> tg.bitwise_right_shift(tg.tensor([16, 3, -8]), tg.tensor([4, 1, 1])).tolist()
    [1, 1, -4]
    """


@appears("function out exact method in_place")
@op
def bitwise_not(input: Array) -> Array:
    """~input, bit by bit; for bool: not.

    NotImplementedError for floating numbers.

    >>> import tinygrad_cnn as tg
    >>> tg.bitwise_not(tg.tensor([0, 5])).tolist(), (~tg.tensor([True, False])).tolist()
    ([-1, -6], [False, True])
    """
    if input.dtype.kind not in "biu":
        raise NotImplementedError(f"bitwise_not: takes integers or bool, got {input.dtype}; convert it with .long()")
    return np.invert(input)


# Of what kind a number is.


@appears("function method")
@op
def isnan(input: Array) -> Array:
    """It is NaN.

    >>> import tinygrad_cnn as tg
    >>> tg.isnan(tg.tensor([1.0, float("nan"), float("inf")])).tolist()
    [False, True, False]
    """
    return np.isnan(input)


@appears("function method")
@op
def isinf(input: Array) -> Array:
    """It is infinite, of either sign.

    >>> import tinygrad_cnn as tg
    >>> tg.isinf(tg.tensor([1.0, -float("inf"), float("nan")])).tolist()
    [False, True, False]
    """
    return np.isinf(input)


@appears("function out exact method")
@op
def isposinf(input: Array) -> Array:
    """It is +inf.

    >>> import tinygrad_cnn as tg
    >>> tg.isposinf(tg.tensor([float("inf"), -float("inf")])).tolist()
    [True, False]
    """
    return np.isposinf(input)


@appears("function out exact method")
@op
def isneginf(input: Array) -> Array:
    """It is -inf.

    >>> import tinygrad_cnn as tg
    >>> tg.isneginf(tg.tensor([float("inf"), -float("inf")])).tolist()
    [False, True]
    """
    return np.isneginf(input)


@appears("function method")
@op
def isfinite(input: Array) -> Array:
    """It is neither infinite nor NaN.

    >>> import tinygrad_cnn as tg
    >>> tg.isfinite(tg.tensor([1.0, float("nan"), -float("inf")])).tolist()
    [True, False, False]
    """
    return np.isfinite(input)


@appears("function out exact method")
@op
def signbit(input: Array) -> Array:
    """Its sign is minus, also that of -0.0.

    >>> import tinygrad_cnn as tg
    >>> tg.signbit(tg.tensor([-2.0, -0.0, 0.0])).tolist()
    [True, True, False]
    """
    return np.signbit(input)


# No comparison has a gradient.

for _pair in (eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_xor):
    _pair.grad(input=None, other=None)
for _pair in (bitwise_and, bitwise_or, bitwise_xor, bitwise_left_shift, bitwise_right_shift):
    _pair.grad(input=None, other=None)
for _single in (logical_not, bitwise_not, isnan, isinf, isposinf, isneginf, isfinite, signbit):
    _single.grad(input=None)


# Equal enough.


@appears("function method")
@op
def isclose(input: Array, other: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """|input - other| <= atol + rtol · |other|, elementwise; infinities are close to themselves alone.

    RuntimeError for two dtypes, and for a negative tolerance.

    >>> import tinygrad_cnn as tg
    >>> nan = float("nan")
    >>> x, y = tg.tensor([1.0, 1.0, nan]), tg.tensor([1.000001, 1.1, nan])
    >>> tg.isclose(x, y).tolist(), tg.isclose(x, y, rtol=0.2, equal_nan=True).tolist()
    ([True, False, False], [True, True, True])
    """
    if input.dtype != other.dtype:
        raise RuntimeError(
            f"isclose: expected two tensors of one dtype, got {input.dtype} and {other.dtype}; convert one"
        )
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol and atol must not be negative, got {rtol} and {atol}")
    try:
        return np.isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)
    except ValueError:
        raise RuntimeError(apart("isclose", input, other)) from None


isclose.grad(input=None, other=None)


@appears("function method")
def allclose(input: Array, other: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close: |input - other| <= atol + rtol · |other|; a Python bool.

    RuntimeError for two dtypes, and for shapes that do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.allclose(tg.tensor([1.0]), tg.tensor([1.0 + 1e-7]))
    True
    """
    return builtins.bool(np.all(isclose(as_array(input), as_array(other), rtol, atol, equal_nan)))


@appears("function method")
def equal(input: Array | dict, other: Array | dict) -> bool:
    """Whether both have one shape and the same elements; a Python bool. Also of two states of a generator.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1, 2])
    >>> tg.equal(x, tg.tensor([1, 2])), tg.equal(x, tg.tensor([1, 3])), tg.equal(x, tg.tensor([[1, 2]]))
    (True, False, False)
    """
    return builtins.bool(np.array_equal(as_array(input), as_array(other)))


# All of them.


@appears("function out exact method")
@op
def all(input: Array, dim: Axis | None = None, keepdim: bool = False) -> Array:
    """Whether all elements along `dim` are not zero.

    dim: an int, a tuple of them, None for all axes; they go away, or stay with length 1 under keepdim.
    Of nothing it is True. IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.all(tg.tensor([[1, 1], [0, 1]]), dim=0).tolist()
    [False, True]
    """
    over = _over("all", dim, input.ndim, keepdim)
    return _as_bits(np.all(once(input, over), axis=over, keepdims=keepdim), input)


all.grad(input=None)


@appears("function out exact method")
@op
def any(input: Array, dim: Axis | None = None, keepdim: bool = False) -> Array:
    """Whether any element along `dim` is not zero.

    dim: an int, a tuple of them, None for all axes; they go away, or stay with length 1 under keepdim.
    Of nothing it is False. IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.any(tg.tensor([[0, 1], [0, 0]]), dim=1).tolist(), tg.any(tg.tensor([])).item()
    ([True, False], False)
    """
    over = _over("any", dim, input.ndim, keepdim)
    return _as_bits(np.any(once(input, over), axis=over, keepdims=keepdim), input)


any.grad(input=None)


def _as_bits(found: Any, input: np.ndarray) -> Any:
    """bool, and of uint8, which PyTorch's masks once were, uint8."""
    return found.astype(np.uint8) if input.dtype == np.uint8 else found


def _over(name: str, dim: Any, ndim: int, keepdim: Any) -> tuple[int, ...]:
    """The axes to look along; () is none here, as in PyTorch, not all."""
    over = reduced(name, dim, ndim, keepdim)
    return () if isinstance(dim, tuple | list) and not dim else over
