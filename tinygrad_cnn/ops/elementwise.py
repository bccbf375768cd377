"""Elementwise arithmetic, with broadcasting: any shapes that NumPy can broadcast -> the broadcast shape.

Rules speak of the broadcast shape; the engine sums a gradient back to the shape of its input. Dtypes
follow PyTorch's promotion. What has no finite value (1/0, 0/0) is inf or NaN, as in IEEE 754.
Functions of one number, exp to erfc, are in `unary.py`, sin to atanh in `circular.py`; where and clamp in `choice.py`.
"""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from ..arrays.dtypes import float32, floating, modular, number, promote, result_type
from ..arrays.types import Array, Number
from ..engine.broadcast import cast, in_float32
from ..engine.tensor import as_array
from .choice import where
from .compare import eq, ge, le, logical_and
from .declared import appears
from .pairs import apart, pairwise
from .pointwise import elementwise
from .unary import STAIRCASE, exp, log, nought, trunc

# The four operations. What `a + b`, `a - b`, `a * b` and `a / b` mean is plus, minus, mul and divide.


@pairwise(np.add, modular, name="add", quick=operator.add)
def plus(input: Array | Number, other: Array | Number):
    """input + other."""


plus.grad(input=lambda g: g, other=lambda g: g)
plus.explain("Both summands get the whole gradient.")


def _no_bool(input: Any, other: Any) -> tuple:
    for operand in (input, other):
        if result_type(operand).kind == "b":
            raise RuntimeError(
                "sub: bool cannot be subtracted; use logical_xor or logical_not, or convert with .float()"
            )
    return modular(input, other)


@pairwise(np.subtract, _no_bool, name="sub", quick=operator.sub)
def minus(input: Array | Number, other: Array | Number):
    """input - other."""


minus.grad(input=lambda g: g, other=lambda g: -g)
minus.explain("The first gets the gradient, the second its negative.")


@appears("function out method in_place", aliases="multiply")
@pairwise(np.multiply, modular, quick=operator.mul)
def mul(input: Array | Number, other: Array | Number):
    """input · other.

    RuntimeError where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> tg.mul(x, x).sum().backward()
    >>> x.grad.tolist()
    [2.0, 4.0]
    """


mul.grad(input=lambda g, other: g * other, other=lambda g, input: g * input)
mul.explain("Each factor gets the gradient times the other factor.")


@pairwise(np.true_divide, floating, name="div", quick=operator.truediv)
def divide(input: Array | Number, other: Array | Number):
    """input / other; integers are divided as floating numbers."""


divide.grad(input=lambda g, other: g / other, other=lambda g, input, other: -g * (input / other / other))
divide.explain("The numerator gets the gradient over the denominator, the denominator by the quotient rule.")


@appears("function out exact method in_place function_", aliases="negative")
@elementwise
def neg(input: Array) -> Array:
    """-input.

    RuntimeError for bool.

    >>> import tinygrad_cnn as tg
    >>> tg.neg(tg.tensor([1, -2, 0])).tolist()
    [-1, 2, 0]
    """
    if input.dtype.kind == "b":
        raise RuntimeError("neg: a bool tensor has no negative; use logical_not, or convert it with .float()")
    return np.negative(input)


neg.grad(input=lambda g: -g)
neg.explain("The gradient with the other sign.")


@appears("function out method in_place")
@in_float32
def add(input: Array | Number, other: Array | Number, *, alpha: float = 1) -> Array:
    """input + alpha · other.

    alpha: an integer where the result is one. RuntimeError where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.add(tg.tensor([1.0, 2.0]), tg.tensor([10.0, 20.0]), alpha=2).tolist()
    [21.0, 42.0]
    """
    return plus(input, scaled("add", input, other, alpha))


@appears("function out method in_place", aliases="subtract")
@in_float32
def sub(input: Array | Number, other: Array | Number, *, alpha: float = 1) -> Array:
    """input - alpha · other.

    RuntimeError where an operand is bool, and where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.sub(tg.tensor([[10.0], [20.0]]), tg.tensor([1.0, 2.0]), alpha=3).tolist()
    [[7.0, 4.0], [17.0, 14.0]]
    """
    return minus(input, scaled("sub", input, other, alpha))


def scaled(name: str, input: Any, other: Any, alpha: Any) -> Any:
    """alpha · other, in the dtype that the result of input ± alpha · other has."""
    if type(alpha) is int and alpha == 1:
        return other
    alpha = alpha.item() if hasattr(alpha, "item") else alpha
    pair = as_array(input), as_array(other)
    if name == "sub":
        _no_bool(*pair)
    common = result_type(*pair)
    if isinstance(alpha, bool) and common.kind != "b":
        raise RuntimeError(f"{name}: alpha={alpha} is for bool results, this one is {common}; use a number")
    if not isinstance(alpha, int) and common.kind not in "fc":
        raise RuntimeError(f"{name}: the result is {common}, so alpha must be an integer, got {alpha}; use .float()")
    if not hasattr(other, "dtype"):
        other = number(other, common)
    elif other.dtype != common:
        other = cast(other, common)
    return mul(other, number(alpha, common) if common.kind == "b" else alpha)


@appears("function")
def rsub(input: Array, other: Array | Number, *, alpha: float = 1) -> Array:
    """other - alpha · input.

    >>> import tinygrad_cnn as tg
    >>> tg.rsub(tg.tensor([1.0, 4.0]), 10).tolist()
    [9.0, 6.0]
    """
    return sub(other, input, alpha=alpha)


@appears("function out method in_place", aliases="divide")
def div(input: Array | Number, other: Array | Number, *, rounding_mode: str | None = None) -> Array:
    """input / other, in floating numbers; rounding_mode "floor" or "trunc" rounds the quotient and keeps integers.

    RuntimeError for another rounding_mode, and where it makes integers be divided by 0.

    >>> import tinygrad_cnn as tg
    >>> tg.div(tg.tensor([-7, 7]), 2).tolist(), tg.div(tg.tensor([-7, 7]), 2, rounding_mode="trunc").tolist()
    ([-3.5, 3.5], [-3, 3])
    """
    if rounding_mode is None:
        return divide(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode == "trunc":
        return trunc_divide(input, other)
    raise RuntimeError(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")


@appears("function out method in_place")
def true_divide(input: Array | Number, other: Array | Number) -> Array:
    """input / other, in floating numbers.

    >>> import tinygrad_cnn as tg
    >>> tg.true_divide(tg.tensor([1, -3, 0]), tg.tensor([2, 0, 0])).tolist()
    [0.5, -inf, nan]
    """
    return divide(input, other)


# Quotients that are rounded, and what remains.


def _nonzero(input: Any, other: Any) -> tuple:
    """promote; integers have no inf to answer a division by zero with."""
    pair, kind = promote(input, other), result_type(input, other).kind
    if kind == "b":
        raise NotImplementedError("two bool tensors have no quotient or remainder; convert one with .int() or .float()")
    if kind in "iu" and not np.all(other):
        raise RuntimeError("ZeroDivisionError: integers cannot be divided by zero; convert one with .float() for inf")
    return pair


def _truncated(input: Any, other: Any) -> Any:
    if result_type(input, other).kind == "f":
        return np.trunc(input / other)
    return (input - np.fmod(input, other)) // other  # exact for all integers


@appears("function out method in_place")
@pairwise(np.floor_divide, _nonzero)
def floor_divide(input: Array | Number, other: Array | Number):
    """⌊input / other⌋: rounded towards minus infinity, as `//`.

    RuntimeError where integers are divided by 0; floating numbers give inf or NaN.

    >>> import tinygrad_cnn as tg
    >>> tg.floor_divide(tg.tensor([-7, 7]), 2).tolist(), tg.floor_divide(tg.tensor([1.0]), 0).tolist()
    ([-4, 3], [inf])
    """


floor_divide.grad(input=lambda g: nought(g), other=lambda g: nought(g))
floor_divide.explain(**STAIRCASE)


@pairwise(_truncated, _nonzero)
def trunc_divide(input: Array | Number, other: Array | Number):
    """input / other, rounded towards zero."""


trunc_divide.grad(input=lambda g: nought(g), other=lambda g: nought(g))
trunc_divide.explain(**STAIRCASE)


@appears("function out method in_place")
@pairwise(np.remainder, _nonzero)
def remainder(input: Array | Number, other: Array | Number):
    """input - other · ⌊input / other⌋: the sign is that of other, as `%`.

    RuntimeError where integers are divided by 0; floating numbers give NaN.

    >>> import tinygrad_cnn as tg
    >>> tg.remainder(tg.tensor([-7, 7]), 3).tolist(), tg.remainder(tg.tensor([-7, 7]), -3).tolist()
    ([2, 1], [-1, -2])
    """


remainder.grad(input=lambda g: g, other=lambda g, input, other: -g * floor_divide(input, other))
remainder.explain("Between two jumps the remainder is input - other · constant.")


@appears("function out method in_place")
@pairwise(np.fmod, _nonzero)
def fmod(input: Array, other: Array | Number):
    """input - other · trunc(input / other): the sign is that of input, as in C.

    RuntimeError where integers are divided by 0; floating numbers give NaN.

    >>> import tinygrad_cnn as tg
    >>> tg.fmod(tg.tensor([-7, 7]), 3).tolist(), tg.fmod(tg.tensor([-7, 7]), -3).tolist()
    ([-1, 1], [-1, 1])
    """


fmod.grad(input=lambda g: g, other=lambda g, input, other: -g * trunc(input / other))
fmod.explain("Between two jumps the remainder is input - other · constant.")


# Powers.


SMALL = 2.0**-149  # what is not 0 in float32


@appears("function out method in_place")
@elementwise
def pow(input: Array | Number, exponent: Array | Number) -> Array:
    """input ** exponent; 0 ** 0 is 1, and a negative number to a fraction NaN.

    Integers stay integers: what is left of 1/2 is 0, and one exponent for all must not be negative (RuntimeError).

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([2.0, 3.0], requires_grad=True)
    >>> tg.pow(x, 3).sum().backward()
    >>> x.grad.tolist()
    [12.0, 27.0]
    """
    if result_type(input, exponent).kind == "b":
        raise RuntimeError("pow: a bool to a bool power is not defined; convert one with .int() or .float()")
    input, exponent = promote(input, exponent)
    if isinstance(exponent, builtins.float) and 0 < builtins.abs(exponent) < SMALL and input.dtype == float32:
        exponent = math.copysign(SMALL, exponent)  # and not 0
    try:
        return input**exponent  # the operator, unlike np.power, is quick for 2, 0.5 and -1
    except ValueError:
        if np.size(exponent) and result_type(input, exponent).kind in "iu" and np.min(exponent) < 0:
            if isinstance(exponent, np.ndarray):
                powers = np.where((exponent < 0) & (np.abs(input) != 1), 0, input ** np.abs(exponent))
                return powers.astype(result_type(input, exponent), copy=False)
            raise RuntimeError("pow: integers to negative integer powers are not allowed; use .float() first") from None
        raise RuntimeError(apart("pow", input, exponent)) from None


def _pow_to_input(g: Any, input: Any, exponent: Any) -> Any:
    """g · e·x^(e-1), which is zero for e = 0, at x = 0 as well."""
    if isinstance(exponent, builtins.int | builtins.float):
        return nought(g) if exponent == 0 else g * (exponent * pow(input, exponent - 1))
    flat = eq(exponent, 0)
    slope = exponent * pow(where(flat, 1, input), exponent - 1.0)  # not 1, or an unsigned 0 becomes 255
    return where(flat, 0, g * slope)


def _pow_to_exponent(g: Any, input: Any, exponent: Any, out: Any) -> Any:
    """g · x^e·ln x, which is zero where 0^e stays 0 or 1 to the right."""
    if isinstance(input, builtins.int | builtins.float):
        if input > 0:
            return g * out * math.log(input)  # which fits, where the number itself may not
        input = where(True, input, exponent)  # in the dtype of the exponent
    still = logical_and(eq(input, 0), ge(exponent, 0))
    return where(still, 0, g) * out * log(where(still, 1, input))


pow.grad(input=_pow_to_input, exponent=_pow_to_exponent)
pow.explain(
    "The power rule for the base; for the exponent the logarithm of the base times the result.",
    zero={"its exponent is 0": lambda exponent: exponent == 0},
    input="g · exponent · input^{exponent − 1}",
    exponent="g · out · ln(input)",
)


# Formulas in two or three operands.


@appears("function out method in_place", aliases="arctan2")
@pairwise(np.arctan2, floating)
def atan2(input: Array, other: Array):
    """The angle of the point (other, input) to the x axis, in (-π, π].

    The gradient at the origin, where no angle is, is 0.

    >>> import tinygrad_cnn as tg
    >>> angles = tg.atan2(tg.tensor([1.0, 0.0, -1.0]), tg.tensor([1.0, -1.0, 0.0]))
    >>> (angles * (180 / 3.141592653589793)).round().tolist()
    [45.0, 180.0, -90.0]
    """


def _turned(g: Any, coordinate: Any, input: Any, other: Any) -> Any:
    """g · coordinate / (input² + other²), without the squares; 0 at the origin, where there is no derivative."""
    distance = hypot(where(logical_and(eq(input, 0), eq(other, 0)), 1, input), other)
    return g * (coordinate / distance) / distance


atan2.grad(
    input=lambda g, input, other: _turned(g, other, input, other),
    other=lambda g, input, other: -_turned(g, input, input, other),
)
atan2.explain(
    "How the angle of a point turns as the point moves.",
    input="g · other / (input^2 + other^2)",
    other="−g · input / (input^2 + other^2)",
)


@appears("function out method in_place")
@pairwise(np.hypot, floating)
def hypot(input: Array, other: Array):
    """√(input² + other²), without overflow.

    >>> import tinygrad_cnn as tg
    >>> [f"{v:.1e}" for v in tg.hypot(tg.tensor([3.0, 3e30]), tg.tensor([4.0, 4e30])).tolist()]
    ['5.0e+00', '5.0e+30']
    """


hypot.grad(input=lambda g, input, out: g * (input / out), other=lambda g, other, out: g * (other / out))
hypot.explain("The gradient in the direction of the point.")


def _real(input: Any, other: Any) -> tuple:
    if result_type(input, other).kind not in "fc":
        raise NotImplementedError("logaddexp: integers are not added by their logarithms; convert one with .float()")
    return promote(input, other)


@appears("function out method")
@pairwise(np.logaddexp, _real)
def logaddexp(input: Array, other: Array):
    """ln(e^input + e^other), without overflow.

    >>> import tinygrad_cnn as tg
    >>> tg.logaddexp(tg.tensor([1000.0]), tg.tensor([0.0])).item()
    1000.0
    """


logaddexp.grad(
    input=lambda g, input, other: g / (1 + exp(other - input)),
    other=lambda g, input, other: g / (1 + exp(input - other)),
)
logaddexp.explain("Each gets its share, as in a softmax of two.")


def _xlogy(input: Any, other: Any) -> Any:
    return np.where((input == 0) & ~np.isnan(other), 0, input * np.log(other)).astype(
        result_type(input, other), copy=False
    )


@appears("function out method in_place function_")
@pairwise(_xlogy, floating)
def xlogy(input: Array | Number, other: Array | Number):
    """input · ln(other), and 0 where input is 0 (unless other is NaN).

    >>> import tinygrad_cnn as tg
    >>> tg.xlogy(tg.tensor([0.0, 2.0, 0.0]), tg.tensor([0.0, 1.0, float("nan")])).tolist()
    [0.0, 0.0, nan]
    """


def _xlogy_to_input(g: Any, input: Any, other: Any) -> Any:
    still = logical_and(eq(input, 0), le(other, 0))
    return where(still, 0, xlogy(g, where(still, 1, other)))


xlogy.grad(input=_xlogy_to_input, other=lambda g, input, other: g * input / other)
xlogy.explain(
    "The logarithm for the first, the quotient for the second.",
    input="g · ln(other)",
)


@appears("function out method in_place")
@elementwise
def lerp(input: Array, end: Array, weight: Array | Number) -> Array:
    """input + weight · (end - input): input for weight 0, end for weight 1, exactly.

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.lerp(tg.tensor([0.0, 10.0]), tg.tensor([1.0, 20.0]), tg.tensor([0.5, 1.0])).tolist()
    [0.5, 20.0]
    """
    for operand in (input, end):
        if operand.dtype.kind != "f":
            raise RuntimeError(f"lerp: input and end must be floating, got {operand.dtype}; convert it with .float()")
    input, end, weight = promote(input, end, weight)
    try:
        step = end - input
        return np.where(np.abs(weight) < 0.5, input + weight * step, end - step * (1 - weight))
    except ValueError:
        raise RuntimeError(apart("lerp", input, end, weight)) from None


lerp.grad(
    input=lambda g, weight: g * (1 - weight),
    end=lambda g, weight: g * weight,
    weight=lambda g, input, end: g * (end - input),
)
lerp.explain("Start and end get their weights, the weight gets the way between them.")


@appears("function out method in_place")
@in_float32
def addcmul(input: Array, tensor1: Array, tensor2: Array, *, value: float = 1) -> Array:
    """input + value · tensor1 · tensor2.

    RuntimeError where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.addcmul(tg.ones(2), tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]), value=10).tolist()
    [31.0, 81.0]
    """
    return add(input, mul(tensor1, tensor2), alpha=value)


@appears("function out method in_place")
@in_float32
def addcdiv(input: Array, tensor1: Array, tensor2: Array, *, value: float = 1) -> Array:
    """input + value · tensor1 / tensor2, of floating tensors.

    RuntimeError where shapes do not broadcast, and for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.addcdiv(tg.zeros(2), tg.tensor([1.0, 2.0]), tg.tensor([2.0, 8.0]), value=4).tolist()
    [2.0, 1.0]
    """
    if result_type(as_array(tensor1), as_array(tensor2)).kind not in "fc":
        raise RuntimeError("addcdiv: integers are not divided; convert tensor1 or tensor2 with .float()")
    return add(input, divide(tensor1, tensor2), alpha=value)
