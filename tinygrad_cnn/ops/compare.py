"""Comparisons and logic: results are bool, so nothing here has a gradient.

Operands of different dtypes are compared in their common one, as in PyTorch.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..arrays.dtypes import modular, promote, result_type
from ..engine.call import op
from ..engine.tensor import as_array
from .dims import reduced
from .pairs import apart, pairwise


@pairwise(np.equal)
def eq(input, other):
    """input == other.

    >>> import tinygrad_cnn as tg
    >>> tg.eq(tg.tensor([1, 2]), 2).tolist()
    [False, True]
    """


@pairwise(np.not_equal)
def ne(input, other):
    """input != other."""


@pairwise(np.less)
def lt(input, other):
    """input < other."""


@pairwise(np.less_equal)
def le(input, other):
    """input <= other."""


@pairwise(np.greater)
def gt(input, other):
    """input > other."""


@pairwise(np.greater_equal)
def ge(input, other):
    """input >= other."""


not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge


@pairwise(np.logical_and)
def logical_and(input, other):
    """Both are not zero."""


@pairwise(np.logical_or)
def logical_or(input, other):
    """One or both are not zero."""


@pairwise(np.logical_xor)
def logical_xor(input, other):
    """Just one is not zero."""


@op
def logical_not(input):
    """It is zero."""
    return np.logical_not(input)


# Bit by bit.


def _bits(input: Any, other: Any) -> tuple:
    """promote, for numbers that have bits to speak of."""
    common = result_type(input, other)
    if common.kind not in "biu":
        raise RuntimeError(f"bitwise operations take integers or bool, got {common}; compare, or convert with .long()")
    return modular(input, other)


def _shiftable(input: Any, other: Any) -> tuple:
    if result_type(input, other).kind not in "iu":
        raise RuntimeError("only the bits of integers are shifted; convert one with .long()")
    return promote(input, other)


@pairwise(np.bitwise_and, _bits, quick=_bits)
def bitwise_and(input, other):
    """input & other, bit by bit; for bool: both."""


@pairwise(np.bitwise_or, _bits, quick=_bits)
def bitwise_or(input, other):
    """input | other, bit by bit; for bool: one or both."""


@pairwise(np.bitwise_xor, _bits, quick=_bits)
def bitwise_xor(input, other):
    """input ^ other, bit by bit; for bool: just one."""


@pairwise(np.left_shift, _shiftable, quick=_shiftable)
def bitwise_left_shift(input, other):
    """input << other."""


@pairwise(np.right_shift, _shiftable, quick=_shiftable)
def bitwise_right_shift(input, other):
    """input >> other; the sign stays."""


@op
def bitwise_not(input):
    """~input, bit by bit; for bool: not."""
    if input.dtype.kind not in "biu":
        raise RuntimeError(f"bitwise_not: takes integers or bool, got {input.dtype}; convert it with .long()")
    return np.invert(input)


# Of what kind a number is.


@op
def isnan(input):
    """It is NaN."""
    return np.isnan(input)


@op
def isinf(input):
    """It is infinite, of either sign."""
    return np.isinf(input)


@op
def isposinf(input):
    """It is +inf."""
    return np.isposinf(input)


@op
def isneginf(input):
    """It is -inf."""
    return np.isneginf(input)


@op
def isfinite(input):
    """It is neither infinite nor NaN."""
    return np.isfinite(input)


@op
def signbit(input):
    """Its sign is minus, also that of -0.0."""
    return np.signbit(input)


# No comparison has a gradient.

for _pair in (eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_xor):
    _pair.grad(input=None, other=None)
for _pair in (bitwise_and, bitwise_or, bitwise_xor, bitwise_left_shift, bitwise_right_shift):
    _pair.grad(input=None, other=None)
for _single in (logical_not, bitwise_not, isnan, isinf, isposinf, isneginf, isfinite, signbit):
    _single.grad(input=None)


# Equal enough.


@op
def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """|input - other| <= atol + rtol · |other|, elementwise; infinities are close to themselves alone."""
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


def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close: |input - other| <= atol + rtol · |other|; a Python bool.

    >>> import tinygrad_cnn as tg
    >>> tg.allclose(tg.tensor([1.0]), tg.tensor([1.0 + 1e-7]))
    True
    """
    return builtins.bool(np.all(isclose(as_array(input), as_array(other), rtol, atol, equal_nan)))


def equal(input: Any, other: Any) -> bool:
    """Whether both have one shape and the same elements; a Python bool."""
    return builtins.bool(np.array_equal(as_array(input), as_array(other)))


# All of them.


@op
def all(input, dim=None, keepdim=False):
    """Whether all elements along `dim` are not zero.

    >>> import tinygrad_cnn as tg
    >>> tg.all(tg.tensor([[1, 1], [0, 1]]), dim=0).tolist()
    [False, True]
    """
    return np.all(input, axis=_over("all", dim, input.ndim, keepdim), keepdims=keepdim)


all.grad(input=None)


@op
def any(input, dim=None, keepdim=False):
    """Whether any element along `dim` is not zero."""
    return np.any(input, axis=_over("any", dim, input.ndim, keepdim), keepdims=keepdim)


any.grad(input=None)


def _over(name: str, dim: Any, ndim: int, keepdim: Any) -> tuple[int, ...]:
    """The axes to look along; () is none here, as in PyTorch, not all."""
    over = reduced(name, dim, ndim, keepdim)
    return () if isinstance(dim, tuple | list) and not dim else over
