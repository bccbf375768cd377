"""Circular functions, in radians, and hyperbolic ones, elementwise: any shape -> the same shape, floating."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.types import Array
from ..engine.call import op
from .choice import where
from .compare import le
from .declared import appears
from .pointwise import elementwise
from .unary import abs, real, rsqrt

# Circular functions.


@appears("function out method in_place function_")
@op
def sin(input: Array) -> Array:
    """sin(input).

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.0], requires_grad=True)
    >>> y = tg.sin(x)
    >>> y.backward()
    >>> y.item(), x.grad.item()
    (0.0, 1.0)
    """
    return np.sin(real(input))


sin.grad(input=lambda g, input: g * cos(input))  # type: ignore[has-type]
sin.explain("The slope of the sine is the cosine.")


@appears("function out method in_place function_")
@op
def cos(input: Array) -> Array:
    """cos(input).

    >>> import tinygrad_cnn as tg
    >>> import math
    >>> tg.cos(tg.tensor([0.0, math.pi / 3, math.pi], dtype=tg.float64)).round(decimals=4).tolist()
    [1.0, 0.5, -1.0]
    """
    return np.cos(real(input))


cos.grad(input=lambda g, input: -g * sin(input))
cos.explain("The slope of the cosine is minus the sine.")


@appears("function out method in_place function_")
@op
def tan(input: Array) -> Array:
    """tan(input).

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.0], requires_grad=True)
    >>> y = tg.tan(x)
    >>> y.backward()
    >>> y.item(), x.grad.item()
    (0.0, 1.0)
    """
    return np.tan(real(input))


tan.grad(input=lambda g, out: g * (1 + out * out))
tan.explain("The slope of the tangent is 1 + tan².")


@appears("function out method in_place function_", aliases="arcsin")
@op
def asin(input: Array) -> Array:
    """The angle in [-π/2, π/2] whose sine is input.

    NaN beyond -1 and 1, where the gradient is infinite.

    >>> import tinygrad_cnn as tg
    >>> tg.asin(tg.tensor([-1.0, 0.0, 0.5], dtype=tg.float64)).round(decimals=4).tolist()
    [-1.5708, 0.0, 0.5236]
    """
    return np.arcsin(real(input))


asin.grad(input=lambda g, input: g * rsqrt(1 - input * input))
asin.explain("The slope of the arc sine is 1/√(1 - x²): endless at -1 and 1.")


@appears("function out method in_place function_", aliases="arccos")
@op
def acos(input: Array) -> Array:
    """The angle in [0, π] whose cosine is input.

    NaN beyond -1 and 1, where the gradient is infinite.

    >>> import tinygrad_cnn as tg
    >>> tg.acos(tg.tensor([-1.0, 0.0, 1.0], dtype=tg.float64)).round(decimals=4).tolist()
    [3.1416, 1.5708, 0.0]
    """
    return np.arccos(real(input))


acos.grad(input=lambda g, input: -g * rsqrt(1 - input * input))
acos.explain("As the arc sine's, with the other sign.")


@appears("function out method in_place function_", aliases="arctan")
@op
def atan(input: Array) -> Array:
    """The angle in (-π/2, π/2) whose tangent is input.

    >>> import tinygrad_cnn as tg
    >>> tg.atan(tg.tensor([0.0, 1.0, -float("inf")], dtype=tg.float64)).round(decimals=4).tolist()
    [0.0, 0.7854, -1.5708]
    """
    return np.arctan(real(input))


atan.grad(input=lambda g, input: g / (1 + input * input))
atan.explain("The slope of the arc tangent is 1/(1 + x²).", zero="saturated: the arc tangent is flat far from zero")


@appears("function out method in_place function_")
@op
def sinc(input: Array) -> Array:
    """sin(π·input) / (π·input), and 1 at 0.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.0, 0.5, 1.0], dtype=tg.float64)
    >>> tg.sinc(x).round(decimals=4).tolist()
    [1.0, 0.6366, 0.0]
    """
    return np.sinc(real(input))


def _sinc_to_input(g: Any, input: Any) -> Any:
    """(cos(πx) - sinc(x)) / x; near 0, where the two are almost equal, their series."""
    near = le(abs(input), 0.15)
    x = where(near, input, 0) * math.pi
    series = 1.0
    for n in (180, 130, 88, 54, 28, 10):
        series = 1 - x * x * series / n
    return g * where(near, x * series * (-math.pi / 3), (cos(input * math.pi) - sinc(input)) / where(near, 1, input))


sinc.grad(input=_sinc_to_input)
sinc.explain("The quotient rule, with the limit 0 at the origin.", input="g · (cos(π · input) − out) / input")


# Hyperbolic functions.


@appears("function out method in_place function_")
@op
def sinh(input: Array) -> Array:
    """(e^input - e^-input) / 2.

    >>> import tinygrad_cnn as tg
    >>> tg.sinh(tg.tensor([-1.0, 0.0, 1.0], dtype=tg.float64)).round(decimals=4).tolist()
    [-1.1752, 0.0, 1.1752]
    """
    return np.sinh(real(input))


sinh.grad(input=lambda g, input: g * cosh(input))  # type: ignore[has-type]
sinh.explain("The slope of sinh is cosh.")


@appears("function out method in_place function_")
@op
def cosh(input: Array) -> Array:
    """(e^input + e^-input) / 2.

    >>> import tinygrad_cnn as tg
    >>> tg.cosh(tg.tensor([-1.0, 0.0, 1.0], dtype=tg.float64)).round(decimals=4).tolist()
    [1.5431, 1.0, 1.5431]
    """
    return np.cosh(real(input))


cosh.grad(input=lambda g, input: g * sinh(input))
cosh.explain("The slope of cosh is sinh.")


@appears("function out method in_place function_ functional")
@elementwise
def tanh(input: Array) -> Array:
    """sinh(input) / cosh(input).

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    >>> y = tg.tanh(x)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([-1.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    """
    return np.tanh(real(input))


tanh.grad(input=lambda g, out: g * (1 - out * out))
tanh.explain(
    "The slope is 1 - tanh²: one at zero, nothing where the result is near -1 or 1.",
    zero={"saturated, its result is -1 or 1": lambda out: abs(out) == 1},
)


@appears("function out method in_place function_", aliases="arcsinh")
@op
def asinh(input: Array) -> Array:
    """The number whose sinh is input.

    >>> import tinygrad_cnn as tg
    >>> tg.asinh(tg.tensor([-1.0, 0.0, 1e10], dtype=tg.float64)).round(decimals=4).tolist()
    [-0.8814, 0.0, 23.719]
    """
    return np.arcsinh(real(input))


asinh.grad(input=lambda g, input: g * rsqrt(1 + input * input))
asinh.explain("The slope is 1/√(1 + x²).")


@appears("function out method in_place function_", aliases="arccosh")
@op
def acosh(input: Array) -> Array:
    """The number >= 0 whose cosh is input; NaN below 1.

    >>> import tinygrad_cnn as tg
    >>> tg.acosh(tg.tensor([1.0, 2.0], dtype=tg.float64)).round(decimals=4).tolist()
    [0.0, 1.317]
    """
    return np.arccosh(real(input))


acosh.grad(input=lambda g, input: g * rsqrt(abs(input) - 1) * rsqrt(abs(input) + 1))
acosh.explain("The slope is 1/√(x² - 1).")


@appears("function out method in_place function_", aliases="arctanh")
@op
def atanh(input: Array) -> Array:
    """The number whose tanh is input; NaN beyond -1 and 1.

    Infinite at -1 and 1.

    >>> import tinygrad_cnn as tg
    >>> tg.atanh(tg.tensor([0.0, 0.5, -1.0], dtype=tg.float64)).round(decimals=4).tolist()
    [0.0, 0.5493, -inf]
    """
    return np.arctanh(real(input))


atanh.grad(input=lambda g, input: g / (1 - input * input))
atanh.explain("The slope is 1/(1 - x²).")
