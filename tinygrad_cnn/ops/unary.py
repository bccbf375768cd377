"""Functions of one number, elementwise: any shape -> the same shape.

Integers become floating in them; abs, sign and the roundings leave integers integers. Where a function
has no finite value the result is inf or NaN: log(0) is -inf, sqrt(-1) is NaN.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import floating
from ..kernels import kernel
from ..op import op
from .compare import eq


def real(input: Any) -> Any:
    """The array in a floating dtype."""
    return input if input.dtype.kind == "f" else floating(input)[0]


@op
def nought(input):
    """Zeros like input: the gradient of what is constant almost everywhere."""
    return np.zeros_like(input)


nought.grad(input=lambda g: nought(g))


# Powers and roots.


@op
def square(input):
    """input²."""
    return input * input


@op
def reciprocal(input):
    """1 / input."""
    return np.true_divide(1, real(input))


@op
def sqrt(input):
    """√input.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([4.0, 9.0], requires_grad=True)
    >>> tg.sqrt(x).sum().backward()
    >>> x.grad[0].item()
    0.25
    """
    return np.sqrt(real(input))


@op
def rsqrt(input):
    """1 / √input."""
    return np.true_divide(1, np.sqrt(real(input)))


square.grad(input=lambda g, input: 2 * g * input)
reciprocal.grad(input=lambda g, out: -g * out * out)
sqrt.grad(input=lambda g, out: g / (2 * out))
rsqrt.grad(input=lambda g, out: -0.5 * g * out * out * out)


# Exponentials and logarithms.


@op
def exp(input):
    """e^input.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.0, 1.0], requires_grad=True)
    >>> tg.exp(x).sum().backward()
    >>> x.grad[0].item()
    1.0
    """
    return np.exp(real(input))


@op
def exp2(input):
    """2^input."""
    return np.exp2(real(input))


@op
def expm1(input):
    """e^input - 1, exact to the last digits for small input."""
    return np.expm1(real(input))


@op
def log(input):
    """ln input."""
    return np.log(real(input))


@op
def log2(input):
    """The logarithm to base 2."""
    return np.log2(real(input))


@op
def log10(input):
    """The logarithm to base 10."""
    return np.log10(real(input))


@op
def log1p(input):
    """ln(1 + input), exact to the last digits for small input."""
    return np.log1p(real(input))


exp.grad(input=lambda g, out: g * out)
exp2.grad(input=lambda g, out: g * out * math.log(2))
expm1.grad(input=lambda g, out: g * (out + 1))
log.grad(input=lambda g, input: g / input)
log2.grad(input=lambda g, input: g / (input * math.log(2)))
log10.grad(input=lambda g, input: g / (input * math.log(10)))
log1p.grad(input=lambda g, input: g / (1 + input))


# Sign and roundings: constant between their steps.


@op
def sign(input):
    """-1, 0 or 1; NaN for NaN."""
    return input.copy() if input.dtype.kind == "b" else np.sign(input)


@op
def abs(input):
    """|input|; the gradient at 0 is 0."""
    return np.abs(input)


@op
def floor(input):
    """The greatest integer <= input."""
    return np.floor(input) if input.dtype.kind == "f" else input.copy()


@op
def ceil(input):
    """The smallest integer >= input."""
    return np.ceil(input) if input.dtype.kind == "f" else input.copy()


@op
def trunc(input):
    """The integer part: rounded towards zero."""
    return np.trunc(input) if input.dtype.kind == "f" else input.copy()


@op
def round(input, decimals=0):
    """The nearest integer, or multiple of 10^-decimals; from the middle to the even one.

    >>> import tinygrad_cnn as tg
    >>> tg.round(tg.tensor([0.5, 1.5, 2.5])).tolist()
    [0.0, 2.0, 2.0]
    """
    if input.dtype.kind == "f":
        return np.round(input, decimals)
    if decimals:
        raise RuntimeError(f"round: decimals={decimals} is for floating tensors, got {input.dtype}; use .float()")
    return input.copy()


@op
def frac(input):
    """input - trunc(input): the part behind the point, with the sign of input."""
    return input - np.trunc(input)


sign.grad(input=lambda g: nought(g))
abs.grad(input=lambda g, input: g * sign(input))
floor.grad(input=lambda g: nought(g))
ceil.grad(input=lambda g: nought(g))
trunc.grad(input=lambda g: nought(g))
round.grad(input=lambda g: nought(g))
frac.grad(input=lambda g: g)


# Circular functions, in radians.


@op
def sin(input):
    """sin(input)."""
    return np.sin(real(input))


@op
def cos(input):
    """cos(input)."""
    return np.cos(real(input))


@op
def tan(input):
    """tan(input)."""
    return np.tan(real(input))


@op
def asin(input):
    """The angle in [-π/2, π/2] whose sine is input."""
    return np.arcsin(real(input))


@op
def acos(input):
    """The angle in [0, π] whose cosine is input."""
    return np.arccos(real(input))


@op
def atan(input):
    """The angle in (-π/2, π/2) whose tangent is input."""
    return np.arctan(real(input))


@op
def sinc(input):
    """sin(π·input) / (π·input), and 1 at 0."""
    return np.sinc(real(input))


def _sinc_to_input(g: Any, input: Any, out: Any) -> Any:
    # Zero at 0; the denominator there only has to be finite.
    return g * (cos(input * math.pi) - out) / (input + eq(input, 0))


sin.grad(input=lambda g, input: g * cos(input))
cos.grad(input=lambda g, input: -g * sin(input))
tan.grad(input=lambda g, out: g * (1 + out * out))
asin.grad(input=lambda g, input: g * rsqrt(1 - input * input))
acos.grad(input=lambda g, input: -g * rsqrt(1 - input * input))
atan.grad(input=lambda g, input: g / (1 + input * input))
sinc.grad(input=_sinc_to_input)


# Hyperbolic functions.


@op
def sinh(input):
    """(e^input - e^-input) / 2."""
    return np.sinh(real(input))


@op
def cosh(input):
    """(e^input + e^-input) / 2."""
    return np.cosh(real(input))


@op
def tanh(input):
    """sinh(input) / cosh(input)."""
    return np.tanh(real(input))


@op
def asinh(input):
    """The number whose sinh is input."""
    return np.arcsinh(real(input))


@op
def acosh(input):
    """The number >= 0 whose cosh is input; NaN below 1."""
    return np.arccosh(real(input))


@op
def atanh(input):
    """The number whose tanh is input; NaN beyond -1 and 1."""
    return np.arctanh(real(input))


sinh.grad(input=lambda g, input: g * cosh(input))
cosh.grad(input=lambda g, input: g * sinh(input))
tanh.grad(input=lambda g, out: g * (1 - out * out))
asinh.grad(input=lambda g, input: g * rsqrt(1 + input * input))
acosh.grad(input=lambda g, input: g * rsqrt(input - 1) * rsqrt(input + 1))
atanh.grad(input=lambda g, input: g / (1 - input * input))


# The integral of the normal distribution.


@op
def erf(input):
    """2/√π ∫₀^input e^(-t²) dt."""
    return kernel.erf(real(input))


@op
def erfc(input):
    """1 - erf(input), exact to the last digits where that is small."""
    return kernel.erfc(real(input))


erf.grad(input=lambda g, input: g * exp(-input * input) * (2 / math.sqrt(math.pi)))
erfc.grad(input=lambda g, input: g * exp(-input * input) * (-2 / math.sqrt(math.pi)))

absolute = abs
arcsin, arccos, arctan = asin, acos, atan
arcsinh, arccosh, arctanh = asinh, acosh, atanh
