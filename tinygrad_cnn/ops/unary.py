"""Functions of one number, elementwise: any shape -> the same shape.

Integers become floating in them; abs, sign and the roundings leave integers integers. Where a function
has no finite value the result is inf or NaN: log(0) is -inf, sqrt(-1) is NaN.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.dtypes import floating, int64
from ..arrays.types import Array
from ..engine.call import op
from ..kernels import kernel
from .declared import appears
from .pointwise import elementwise


def real(input: Any) -> Any:
    """The array in a floating dtype."""
    return input if input.dtype.kind == "f" else floating(input)[0]


@op
def nought(input: Array) -> Array:
    """Zeros like input: the gradient of what is constant almost everywhere."""
    return np.zeros_like(input)


nought.grad(input=lambda g: nought(g))
nought.explain("A constant has no slope.", zero="it is constant")


# Powers and roots.


@appears("function out method in_place function_")
@elementwise
def square(input: Array) -> Array:
    """input².

    Integers stay integers; bool becomes int64.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-3.0, 2.0], requires_grad=True)
    >>> y = tg.square(x)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([9.0, 4.0], [-6.0, 4.0])
    """
    return input * input if input.dtype.kind != "b" else input.astype(int64)


square.grad(input=lambda g, input: 2 * g * input)
square.explain("The slope of x² is 2x.", zero={"its input is zero": lambda input: input == 0})


@appears("function out method in_place function_")
@elementwise
def reciprocal(input: Array) -> Array:
    """1 / input.

    At 0 it is inf, at -0.0 it is -inf.

    >>> import tinygrad_cnn as tg
    >>> tg.reciprocal(tg.tensor([4, -2, 0])).tolist()
    [0.25, -0.5, inf]
    """
    return np.true_divide(1, real(input))


reciprocal.grad(input=lambda g, out: -g * out * out)
reciprocal.explain("The slope of 1/x is -1/x², written with the result.")


@appears("function out method in_place function_")
@elementwise
def sqrt(input: Array) -> Array:
    """√input.

    At 0 its gradient is infinite, below 0 it is NaN.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([4.0, 9.0], requires_grad=True)
    >>> tg.sqrt(x).sum().backward()
    >>> x.grad[0].item()
    0.25
    """
    return np.sqrt(real(input))


sqrt.grad(input=lambda g, out: g / (2 * out))
sqrt.explain("The slope of √x is 1/(2√x): the smaller the root, the steeper.")


@appears("function out method in_place function_")
@elementwise
def rsqrt(input: Array) -> Array:
    """1 / √input.

    At 0 it is inf, below it is NaN.

    >>> import tinygrad_cnn as tg
    >>> tg.rsqrt(tg.tensor([16.0, 0.25, 0.0])).tolist()
    [0.25, 2.0, inf]
    """
    return np.true_divide(1, np.sqrt(real(input)))


rsqrt.grad(input=lambda g, out: -0.5 * g * out * out * out)
rsqrt.explain("The slope of 1/√x is -1/2 of the result's cube.")


# Exponentials and logarithms.


@appears("function out method in_place function_")
@elementwise
def exp(input: Array) -> Array:
    """e^input.

    Beyond 88.7 it is inf in float32.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.0, 1.0], requires_grad=True)
    >>> tg.exp(x).sum().backward()
    >>> x.grad[0].item()
    1.0
    """
    return np.exp(real(input))


exp.grad(input=lambda g, out: g * out)
exp.explain("The exponential is its own slope.", zero={"its result is so small that it is zero": lambda out: out == 0})


@appears("function out method in_place function_")
@op
def exp2(input: Array) -> Array:
    """2^input.

    >>> import tinygrad_cnn as tg
    >>> tg.exp2(tg.tensor([-1, 0, 10])).round(decimals=3).tolist()
    [0.5, 1.0, 1024.0]
    """
    return np.exp2(real(input))


exp2.grad(input=lambda g, out: g * out * math.log(2))
exp2.explain("The result is its own slope, but for ln 2.")


@appears("function out method in_place function_")
@elementwise
def expm1(input: Array) -> Array:
    """e^input - 1, exact to the last digits for small input.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1e-6], dtype=tg.float64)
    >>> f"{tg.expm1(x).item():.11e}", f"{(tg.exp(x) - 1).item():.11e}"
    ('1.00000050000e-06', '1.00000049996e-06')
    """
    return np.expm1(real(input))


expm1.grad(input=lambda g, input: g * exp(input))
expm1.explain("The slope is e^x.")


@appears("function out method in_place function_")
@elementwise
def log(input: Array) -> Array:
    """ln input.

    At 0 it is -inf, below it is NaN.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 0.25], requires_grad=True)
    >>> tg.log(x).sum().backward()
    >>> x.grad.tolist(), tg.log(tg.tensor([0, -1])).tolist()
    ([1.0, 4.0], [-inf, nan])
    """
    return np.log(real(input))


log.grad(input=lambda g, input: g / input)
log.explain("The slope of ln x is 1/x: steep near zero.")


@appears("function out method in_place function_")
@op
def log2(input: Array) -> Array:
    """The logarithm to base 2.

    At 0 it is -inf, below it is NaN.

    >>> import tinygrad_cnn as tg
    >>> tg.log2(tg.tensor([8.0, 0.5, 0.0])).round().tolist()
    [3.0, -1.0, -inf]
    """
    return np.log2(real(input))


log2.grad(input=lambda g, input: g / (input * math.log(2)))
log2.explain("The slope of ln x, scaled to base 2.")


@appears("function out method in_place function_")
@op
def log10(input: Array) -> Array:
    """The logarithm to base 10.

    At 0 it is -inf, below it is NaN.

    >>> import tinygrad_cnn as tg
    >>> tg.log10(tg.tensor([1000, 1, 0])).round().tolist()
    [3.0, 0.0, -inf]
    """
    return np.log10(real(input))


log10.grad(input=lambda g, input: g / (input * math.log(10)))
log10.explain("The slope of ln x, scaled to base 10.")


@appears("function out method in_place function_")
@elementwise
def log1p(input: Array) -> Array:
    """ln(1 + input), exact to the last digits for small input.

    At -1 it is -inf, below it is NaN.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1e-10], dtype=tg.float64)
    >>> f"{tg.log1p(x).item():.8e}", f"{tg.log(1 + x).item():.8e}"
    ('1.00000000e-10', '1.00000008e-10')
    """
    return np.log1p(real(input))


log1p.grad(input=lambda g, input: g / (1 + input))
log1p.explain("The slope of ln(1 + x) is 1/(1 + x).")


# Sign and roundings: constant between their steps.

STAIRCASE = {"words": "A staircase is flat almost everywhere: nothing flows back.", "zero": "a staircase is flat"}


@appears("function out exact method in_place", aliases="sgn")
@elementwise
def sign(input: Array) -> Array:
    """-1, 0 or 1; 0 for NaN.

    >>> import tinygrad_cnn as tg
    >>> tg.sign(tg.tensor([-2.5, 0.0, 7.0, float("nan")])).tolist()
    [-1.0, 0.0, 1.0, 0.0]
    """
    return input.copy() if input.dtype.kind == "b" else np.subtract(input > 0, input < 0, dtype=input.dtype)


sign.grad(input=lambda g: nought(g))
sign.explain("Flat but for a jump at zero: nothing flows back.", zero="sign is flat")


def _whole(name: str, input: Any) -> Any:
    """A copy of integers, which have nothing to round."""
    if input.dtype.kind == "b":
        raise NotImplementedError(f"{name}: a bool is not rounded; convert it with .int() or .float()")
    return input.copy()


@appears("function out exact method in_place function_", aliases="absolute")
@elementwise
def abs(input: Array) -> Array:
    """|input|; the gradient at 0 is 0.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-2.0, 0.0, 3.0], requires_grad=True)
    >>> y = tg.abs(x)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([2.0, 0.0, 3.0], [-1.0, 0.0, 1.0])
    """
    if input.dtype.kind == "b":
        raise NotImplementedError("abs: a bool has no sign; convert it with .int() or .float()")
    return np.abs(input)


abs.grad(input=lambda g, input: g * sign(input))
abs.explain(
    "The gradient keeps its sign where the input is positive and changes it where that is negative.",
    zero={"its input is zero": lambda input: input == 0},
)


@appears("function out exact method in_place function_")
@elementwise
def floor(input: Array) -> Array:
    """The greatest integer <= input.

    >>> import tinygrad_cnn as tg
    >>> tg.floor(tg.tensor([-1.5, 1.5, 2.0])).tolist()
    [-2.0, 1.0, 2.0]
    """
    return np.floor(input) if input.dtype.kind == "f" else _whole("floor", input)


floor.grad(input=lambda g: nought(g))
floor.explain(**STAIRCASE)


@appears("function out exact method in_place function_")
@elementwise
def ceil(input: Array) -> Array:
    """The smallest integer >= input.

    >>> import tinygrad_cnn as tg
    >>> tg.ceil(tg.tensor([-1.5, 1.5, 2.0])).tolist()
    [-1.0, 2.0, 2.0]
    """
    return np.ceil(input) if input.dtype.kind == "f" else _whole("ceil", input)


ceil.grad(input=lambda g: nought(g))
ceil.explain(**STAIRCASE)


@appears("function out exact method in_place function_", aliases="fix")
@elementwise
def trunc(input: Array) -> Array:
    """The integer part: rounded towards zero.

    >>> import tinygrad_cnn as tg
    >>> tg.trunc(tg.tensor([-1.5, 1.5, 2.0])).tolist()
    [-1.0, 1.0, 2.0]
    """
    return np.trunc(input) if input.dtype.kind == "f" else _whole("trunc", input)


trunc.grad(input=lambda g: nought(g))
trunc.explain(**STAIRCASE)


@appears("function out exact method in_place function_")
@elementwise
def round(input: Array, decimals: int = 0) -> Array:
    """The nearest integer, or multiple of 10^-decimals; from the middle to the even one.

    RuntimeError for integers with decimals.

    >>> import tinygrad_cnn as tg
    >>> tg.round(tg.tensor([0.5, 1.5, 2.5])).tolist()
    [0.0, 2.0, 2.0]
    """
    if input.dtype.kind == "f":
        return np.round(input, decimals)
    if decimals:
        raise RuntimeError(f"round: decimals={decimals} is for floating tensors, got {input.dtype}; use .float()")
    return _whole("round", input)


round.grad(input=lambda g: nought(g))
round.explain(**STAIRCASE)


@appears("function out exact method in_place function_")
@elementwise
def frac(input: Array) -> Array:
    """input - trunc(input): the part behind the point, with the sign of input.

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.frac(tg.tensor([-1.25, 1.25, 2.0])).tolist()
    [-0.25, 0.25, 0.0]
    """
    if input.dtype.kind != "f":
        raise RuntimeError(f"frac: takes floating tensors, got {input.dtype}; an integer has no fraction")
    return input - np.trunc(input)


frac.grad(input=lambda g: g)
frac.explain("What is left of a staircase rises with slope one.")


# The integral of the normal distribution.


@appears("function out method in_place function_")
@elementwise
def erf(input: Array) -> Array:
    """2/√π ∫₀^input e^(-t²) dt.

    >>> import tinygrad_cnn as tg
    >>> tg.erf(tg.tensor([-1.0, 0.0, 1.0, 10.0], dtype=tg.float64)).round(decimals=4).tolist()
    [-0.8427, 0.0, 0.8427, 1.0]
    """
    return kernel.erf(real(input))


erf.grad(input=lambda g, input: g * exp(-input * input) * (2 / math.sqrt(math.pi)))
erf.explain("The slope is the bell curve, 2/√π · e^(-x²).", zero="saturated: erf is flat far from zero")


@appears("function out method in_place function_")
@elementwise
def erfc(input: Array) -> Array:
    """1 - erf(input), exact to the last digits where that is small.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.0, 6.0], dtype=tg.float64)
    >>> tg.erfc(x)[0].item(), f"{tg.erfc(x)[1].item():.2e}", (1 - tg.erf(x))[1].item()
    (1.0, '2.15e-17', 0.0)
    """
    return kernel.erfc(real(input))


erfc.grad(input=lambda g, input: g * exp(-input * input) * (-2 / math.sqrt(math.pi)))
erfc.explain("Minus the bell curve.", zero="saturated: erfc is flat far from zero")
