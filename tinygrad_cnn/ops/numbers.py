"""Functions that speak of how numbers are written or counted: signs, exponents, neighbours, divisors, degrees."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..arrays.dtypes import float64, floating, int32, promote, result_type
from ..arrays.types import Array, Number
from ..engine.broadcast import cast, in_float32
from ..engine.call import op
from ..engine.tensor import Tensor, as_array
from .choice import where
from .compare import eq
from .declared import appears
from .elementwise import divide, mul, pow
from .pairs import pairwise
from .unary import nought

# Signs.


@appears("function out method in_place")
@pairwise(np.copysign, floating)
def copysign(input: Array, other: Array | Number):
    """|input| with the sign of other, also of -0.0; integers become floating.

    >>> import tinygrad_cnn as tg
    >>> tg.copysign(tg.tensor([1.0, 2.0]), tg.tensor([-0.0, 3.0])).tolist()
    [-1.0, 2.0]
    """


copysign.grad(
    input=lambda g, input, out: where(eq(input, 0), 0, g * (out / where(eq(input, 0), 1, input))),
    other=lambda g: nought(g),
)
copysign.explain(
    "The gradient changes its sign where the number did.",
    zero="the number was 0, or only lent its sign",
    input="g · [input ≠ 0] · (out / input)",
)


def _one_dtype(input: Any, other: Any) -> tuple:
    if input.dtype != other.dtype:
        raise RuntimeError(f"heaviside: input and values must be of one dtype, got {input.dtype} and {other.dtype}")
    return input, other


def _step(input: Any, other: Any) -> Any:
    return np.where(input == 0, other, (input > 0).astype(input.dtype))


@appears("function out exact method in_place")
@pairwise(_step, _one_dtype, quick=_step)
def heaviside(input: Array, values: Array):
    """0 where input is negative (or NaN), 1 where it is positive, values where it is 0. RuntimeError for two dtypes.

    >>> import tinygrad_cnn as tg
    >>> tg.heaviside(tg.tensor([-2.0, 0.0, 3.0]), tg.tensor(0.5)).tolist()
    [0.0, 0.5, 1.0]
    """


heaviside.grad(input=None, values=None)


@appears("function method")
def positive(input: Array) -> Array:
    """input itself. RuntimeError for bool.

    >>> import tinygrad_cnn as tg
    >>> tg.positive(tg.tensor([-1, 2])).tolist()
    [-1, 2]
    """
    if input.dtype.kind == "b":
        raise RuntimeError("positive: a bool has no sign; convert it with .int() or .float()")
    return input


# Exponents.


@appears("function out method")
def float_power(input: Array | Number, exponent: Array | Number) -> Array:
    """input ** exponent, computed in float64.

    >>> import tinygrad_cnn as tg
    >>> tg.float_power(tg.tensor([2, 3]), -1).tolist()
    [0.5, 0.3333333333333333]
    """
    operands = input, exponent
    if not any(hasattr(x, "ndim") for x in operands) or any(isinstance(x, str | list | None) for x in operands):
        raise TypeError("float_power: input and exponent must be Tensors, or one of them a number")
    return _in_float64(input, exponent)


def _in_float64(*operands: Any) -> Any:
    return pow(*[cast(x, float64) if hasattr(x, "ndim") else float(x) for x in operands])


def _in_place() -> Callable:
    """float_power_, which takes nothing that could not hold its result."""

    def float_power(input: Array, exponent: Array | Number) -> Array:
        """input ** exponent; RuntimeError for all but float64, which the result is of.

        >>> import tinygrad_cnn as tg
        >>> tg.tensor([4.0, 9.0], dtype=tg.float64).float_power_(0.5).tolist()
        [2.0, 3.0]
        """
        if input.dtype != float64:
            raise RuntimeError(f"float_power_: the result is of dtype float64, which one of {input.dtype} cannot hold")
        return _in_float64(input, exponent)

    return float_power


appears("in_place")(_in_place())


@appears("function out method in_place function_")
@in_float32
def ldexp(input: Array, other: Array) -> Array:
    """input · 2^other.

    >>> import tinygrad_cnn as tg
    >>> tg.ldexp(tg.tensor([1.0, 3.0]), tg.tensor([4, -1])).tolist()
    [16.0, 1.5]
    """
    if not hasattr(other, "ndim"):
        raise TypeError(f"ldexp: other must be a Tensor, got {type(other).__name__}")
    return mul(input, pow(2.0, other))


class Frexp(NamedTuple):
    """The two parts of a number."""

    mantissa: Tensor
    exponent: Tensor


@appears("function out exact method")
def frexp(input: Array) -> Frexp:
    """input as mantissa · 2^exponent with ½ <= |mantissa| < 1. RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> mantissa, exponent = tg.frexp(tg.tensor([8.0, -3.0]))
    >>> mantissa.tolist(), exponent.tolist()
    ([0.5, -0.75], [4, 2])
    """
    if input.dtype.kind != "f":
        raise RuntimeError(f"frexp: takes floating tensors, got {input.dtype}; convert it with .float()")
    exponent = _exponent(input)
    return Frexp(_mantissa(input), exponent)


@op(exact=True)
def _exponent(input: Array) -> Array:
    return np.asarray(np.frexp(input)[1]).astype(int32)


_exponent.grad(input=None)


@op(exact=True)
def _mantissa(input: Array) -> Array:
    """The number, divided by a power of two."""
    return np.frexp(input)[0]


def _mantissa_back(g: Any, input: Any) -> Any:
    return divide(g, np.ldexp(g.dtype.type(1), np.frexp(as_array(input))[1]))


_mantissa.grad(input=_mantissa_back)
_mantissa.explain("Between two powers of two the mantissa is the number over a constant.", input="g · out / input")


def _floating_pair(input: Any, other: Any) -> tuple:
    pair = promote(input, other)
    if result_type(input, other).kind != "f":
        raise NotImplementedError(f"nextafter: takes floating tensors, got {result_type(input, other)}")
    return pair


@appears("function out method in_place")
@op(exact=True)
def nextafter(input: Array, other: Array) -> Array:
    """The next number that the dtype has after input, on the way to other.

    >>> import tinygrad_cnn as tg
    >>> tg.nextafter(tg.tensor([1.0]), tg.tensor([2.0])).item()
    1.0000001192092896
    """
    return np.nextafter(*_floating_pair(input, other))


nextafter.grad(input=lambda g: g, other=lambda g: nought(g))
nextafter.explain("The neighbour moves with the number.", zero="it only says which way")


# Divisors.


def _integers(input: Any, other: Any) -> tuple:
    if not hasattr(input, "ndim") or not hasattr(other, "ndim"):
        raise TypeError("gcd and lcm are of two Tensors, not of a number")
    kind = result_type(input, other)
    if kind.kind not in "iu":
        raise NotImplementedError(f"gcd and lcm are of integers, got {kind}")
    return promote(input, other)


@appears("function out method in_place function_")
@pairwise(np.gcd, _integers, quick=_integers)
def gcd(input: Array, other: Array):
    """The greatest common divisor; gcd(0, n) is |n|. NotImplementedError for all but integers.

    >>> import tinygrad_cnn as tg
    >>> tg.gcd(tg.tensor([12, -18, 0]), tg.tensor([8, 12, 5])).tolist()
    [4, 6, 5]
    """


gcd.grad(input=None, other=None)


@appears("function out method in_place function_")
@pairwise(np.lcm, _integers, quick=_integers)
def lcm(input: Array, other: Array):
    """The least common multiple; lcm(0, n) is 0. NotImplementedError for all but integers.

    >>> import tinygrad_cnn as tg
    >>> tg.lcm(tg.tensor([4, -6]), tg.tensor([6, 4])).tolist()
    [12, 12]
    """


lcm.grad(input=None, other=None)


# Degrees.


@appears("function out method in_place function_")
@in_float32
def deg2rad(input: Array) -> Array:
    """input · π / 180.

    >>> import tinygrad_cnn as tg
    >>> round(tg.deg2rad(tg.tensor(180.0)).item(), 4)
    3.1416
    """
    return mul(input, math.pi / 180)


@appears("function out method in_place function_")
@in_float32
def rad2deg(input: Array) -> Array:
    """input · 180 / π.

    >>> import tinygrad_cnn as tg
    >>> round(tg.rad2deg(tg.tensor(3.141592653589793)).item(), 3)
    180.0
    """
    return mul(input, 180 / math.pi)
