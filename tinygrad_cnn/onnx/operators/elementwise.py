"""Operators that work number by number."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ...engine.broadcast import cast
from ...ops import activation, choice, circular, compare, elementwise, rectifier, softmax, unary
from ...ops.shape import clone, reshape
from ..reading import TYPES
from .table import number, reads

ONE = {
    "Relu": rectifier.relu, "Sigmoid": activation.sigmoid, "Tanh": circular.tanh, "Softsign": activation.softsign,
    "Exp": unary.exp, "Log": unary.log, "Sqrt": unary.sqrt, "Abs": unary.abs, "Neg": elementwise.neg,
    "Ceil": unary.ceil, "Floor": unary.floor, "Sign": unary.sign, "Sin": circular.sin, "Cos": circular.cos,
    "Tan": circular.tan, "Asin": circular.asin, "Acos": circular.acos, "Atan": circular.atan, "Sinh": circular.sinh,
    "Cosh": circular.cosh, "Asinh": circular.asinh, "Acosh": circular.acosh, "Atanh": circular.atanh,
    "Erf": unary.erf, "Reciprocal": unary.reciprocal, "IsNaN": compare.isnan, "Not": compare.logical_not,
    "Round": unary.round, "HardSwish": rectifier.hardswish, "Mish": activation.mish,
    "Softplus": activation.softplus, "Identity": lambda x: x,
}  # fmt: skip
TWO = {
    "Add": elementwise.add, "Sub": elementwise.sub, "Mul": elementwise.mul, "Pow": elementwise.pow,
    "Equal": compare.eq, "Less": compare.lt, "LessOrEqual": compare.le, "Greater": compare.gt,
    "GreaterOrEqual": compare.ge, "And": compare.logical_and, "Or": compare.logical_or, "Xor": compare.logical_xor,
}  # fmt: skip


def _one(name: str, f: Any) -> None:
    reads(name)(lambda n, x: f(x))


def _two(name: str, f: Any) -> None:
    reads(name)(lambda n, a, b: f(a, b))


for _name, _function in ONE.items():
    _one(_name, _function)
for _name, _function in TWO.items():
    _two(_name, _function)


@reads("Div")
def _(n, a, b):
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        return elementwise.trunc_divide(a, b)
    return elementwise.div(a, b)


@reads("Mod")
def _(n, a, b):
    return elementwise.fmod(a, b) if n.get("fmod", 0) else elementwise.remainder(a, b)


@reads("Max")
def _(n, *xs):
    return reduce(choice.maximum, xs)


@reads("Min")
def _(n, *xs):
    return reduce(choice.minimum, xs)


@reads("Sum")
def _(n, *xs):
    return reduce(elementwise.add, xs)


@reads("Mean")
def _(n, *xs):
    return elementwise.div(reduce(elementwise.add, xs), len(xs))


@reads("Where")
def _(n, condition, a, b):
    return choice.where(condition, a, b)


@reads("IsInf")
def _(n, x):
    found = compare.isinf(x)
    if not n.get("detect_positive", 1):
        found = compare.logical_and(found, compare.lt(x, 0))
    return found if n.get("detect_negative", 1) else compare.logical_and(found, compare.gt(x, 0))


@reads("Cast")
def _(n, x):
    to = n.need("to", int)
    if to not in TYPES or TYPES[to][0] == "bfloat16":
        raise ValueError(f"there is no type {to} here")
    return cast(x, np.dtype(TYPES[to][0]).newbyteorder("="))


@reads("CastLike")
def _(n, x, like):
    return cast(x, like.dtype)


# Activations.


@reads("LeakyRelu")
def _(n, x):
    return rectifier.leaky_relu(x, n.get("alpha", 0.01))


@reads("Elu")
def _(n, x):
    return activation.elu(x, n.get("alpha", 1.0))


@reads("Celu")
def _(n, x):
    return activation.celu(x, n.get("alpha", 1.0))


@reads("Selu")
def _(n, x):
    alpha, gamma = n.get("alpha", activation.SELU_ALPHA), n.get("gamma", activation.SELU_SCALE)
    if abs(alpha - activation.SELU_ALPHA) < 1e-5 and abs(gamma - activation.SELU_SCALE) < 1e-5:
        return activation.selu(x)
    return elementwise.mul(activation.elu(x, alpha), gamma)


@reads("PRelu")
def _(n, x, slope):
    one_each = x.ndim > 2 and slope.ndim == x.ndim - 1 and slope.shape[0] == x.shape[1]
    if one_each and set(slope.shape[1:]) <= {1}:  # (C,1,1), as PyTorch's exporters write it
        return rectifier.prelu(x, reshape(slope, (-1,)))
    if slope.shape == (1,) or (x.ndim == 2 and slope.shape == x.shape[1:]):
        return rectifier.prelu(x, slope)
    return choice.where(compare.gt(x, 0), x, elementwise.mul(x, slope))


@reads("HardSigmoid")
def _(n, x):
    alpha, beta = n.get("alpha", 0.2), n.get("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return rectifier.hardsigmoid(x)
    return choice.clamp(elementwise.add(elementwise.mul(x, alpha), beta), 0, 1)


@reads("Gelu")
def _(n, x):
    return activation.gelu(x, n.get("approximate", "none"))


@reads("Shrink")
def _(n, x):
    lambd, bias = n.get("lambd", 0.5), n.get("bias", 0.0)
    if bias == 0:
        return rectifier.hardshrink(x, lambd)
    if bias == lambd:
        return rectifier.softshrink(x, lambd)
    below = choice.where(compare.lt(x, -lambd), elementwise.add(x, bias), 0)
    return choice.where(compare.gt(x, lambd), elementwise.sub(x, bias), below)


@reads("ThresholdedRelu")
def _(n, x):
    return rectifier.threshold(x, n.get("alpha", 1.0), 0)


@reads("Clip")
def _(n, x, low=None, high=None):
    low = n.attributes.get("min") if low is None else number(low)
    high = n.attributes.get("max") if high is None else number(high)
    if x.dtype.kind == "f" and low is not None and high is not None:
        return rectifier.hardtanh(x, low, high)
    return clone(x) if low is None and high is None else choice.clamp(x, low, high)


@reads("Softmax")
def _(n, x):
    return _along(n, x, softmax.softmax)


@reads("LogSoftmax")
def _(n, x):
    return _along(n, x, softmax.log_softmax)


def _along(n: Any, x: Any, f: Any) -> Any:
    """Before version 13 the axes from `axis` on were one."""
    axis = n.get("axis", -1 if n.opset >= 13 else 1)
    if n.opset >= 13 or axis in (-1, x.ndim - 1):
        return f(x, axis)
    rows = reshape(x, (int(np.prod(x.shape[:axis])), -1))
    return reshape(f(rows, 1), x.shape)
