"""How elementwise ops are written: one node where ONNX has it, else their formula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...arrays.dtypes import result_type
from ...compiler.program import Value
from ...ops import activation, rectifier
from ..sizes import Size
from ..writing import Writer, onnx_type, writes

# Of one tensor, and a node of its own since version 13.
ONE = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softsign": "Softsign", "exp": "Exp", "log": "Log",
    "sqrt": "Sqrt", "abs": "Abs", "neg": "Neg", "ceil": "Ceil", "floor": "Floor", "sign": "Sign", "sin": "Sin",
    "cos": "Cos", "tan": "Tan", "asin": "Asin", "acos": "Acos", "atan": "Atan", "sinh": "Sinh", "cosh": "Cosh",
    "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh", "erf": "Erf", "reciprocal": "Reciprocal", "isnan": "IsNaN",
    "isinf": "IsInf", "logical_not": "Not", "clone": "Identity",
}  # fmt: skip
MAY_BE_INTEGERS = ("relu", "abs", "neg", "sign", "logical_not", "clone", "ceil", "floor", "isnan", "isinf")
# Of two tensors or numbers; the second ones give bool.
TWO = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "maximum": "Max", "minimum": "Min"}
COMPARE = {"eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual"}
LOGIC = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}


def floating(w: Writer, x: Value) -> Any:
    """A tensor in the dtype of the result: integers become floats before a function of real numbers."""
    return w.cast(x, w.out[0].dtype, x.dtype)


def _one(name: str, kind: str) -> None:
    @writes(name)
    def _(w: Any, input: Any, **_: Any) -> Any:
        if input.dtype.kind in "iub" and name in ("ceil", "floor", "isnan", "isinf"):
            return w.node("Identity", input) if name in ("ceil", "floor") else None
        return w.node(kind, input if name in MAY_BE_INTEGERS else floating(w, input))


for _name, _kind in ONE.items():
    _one(_name, _kind)


def operand(w: Writer, x: Any, dtype: Any) -> Any:
    """A tensor or a number, in this dtype."""
    if isinstance(x, Value):
        return w.cast(x, dtype, x.dtype)
    if isinstance(x, Size):
        return w.node("Cast", w.size(x, scalar=True), to=onnx_type(dtype))
    return np.asarray(x, dtype)


def _two(name: str, kind: str) -> None:
    @writes(name)
    def _(w: Writer, input: Any, other: Any = None, exponent: Any = None) -> str:
        second = exponent if name == "pow" else other
        dtype = w.out[0].dtype
        return w.node(kind, operand(w, input, dtype), operand(w, second, dtype))


for _name, _kind in TWO.items():
    _two(_name, _kind)


def common(*operands: Any) -> np.dtype:
    """The dtype in which operands meet."""
    return result_type(*[x.like() if isinstance(x, Value) else 1 if isinstance(x, Size) else x for x in operands])


def _compare(name: str, kind: str) -> None:
    @writes(name)
    def _(w: Writer, input: Any, other: Any) -> str:
        dtype = common(input, other)
        if dtype.kind == "b" and kind != "Equal":
            dtype = np.dtype(np.int32)
        return w.node(kind, operand(w, input, dtype), operand(w, other, dtype))


for _name, _kind in COMPARE.items():
    _compare(_name, _kind)


def _logic(name: str, kind: str) -> None:
    @writes(name)
    def _(w: Writer, input: Any, other: Any) -> str:
        return w.node(kind, operand(w, input, bool), operand(w, other, bool))


for _name, _kind in LOGIC.items():
    _logic(_name, _kind)


def _bits(name: str, kind: str) -> None:
    @writes(name)
    def _(w: Any, input: Any, other: Any) -> str | None:
        dtype = w.out[0].dtype
        kinds = kind if dtype.kind == "b" else f"Bitwise{kind}"
        return w.node(kinds, operand(w, input, dtype), operand(w, other, dtype)) if known(w, dtype) else None


def known(w: Writer, dtype: np.dtype) -> bool:
    """Whether ONNX has operators of bits for these."""
    return dtype.kind == "b" or w.opset >= 18


for _name in ("and", "or", "xor"):
    _bits(f"bitwise_{_name}", _name.capitalize())


@writes("bitwise_not")
def _(w, input):
    if not known(w, input.dtype):
        return None
    return w.node("Not" if input.dtype.kind == "b" else "BitwiseNot", input)


@writes("ne")
def _(w, input, other):
    dtype = common(input, other)
    return w.node("Not", w.node("Equal", operand(w, input, dtype), operand(w, other, dtype)))


@writes("where")
def _(w, condition, input, other):
    dtype = w.out[0].dtype
    return w.node("Where", operand(w, condition, bool), operand(w, input, dtype), operand(w, other, dtype))


@writes("clamp")
def _(w, input, min, max):
    dtype = w.out[0].dtype
    low, high = (None if bound is None else operand(w, bound, dtype) for bound in (min, max))
    x = operand(w, input, dtype)
    if not any(isinstance(bound, Value) for bound in (min, max)):
        return w.node("Clip", x, low, high)
    x = x if low is None else w.node("Max", x, low)
    return x if high is None else w.node("Min", x, high)


@writes("cast")
def _(w, input, dtype):
    return w.node("Cast", input, to=onnx_type(dtype))


@writes("by_cases")
def _(w, input, other):
    return w.node("Identity", input)


# Formulas.


@writes("square")
def _(w, input):
    return w.node("Mul", input, input)


@writes("rsqrt")
def _(w, input):
    return w.node("Reciprocal", w.node("Sqrt", floating(w, input)))


def _logarithm(w, input, base):
    return w.node("Div", w.node("Log", floating(w, input)), w.like(w.out[0], math.log(base)))


@writes("log2")
def _(w, input):
    return _logarithm(w, input, 2)


@writes("log10")
def _(w, input):
    return _logarithm(w, input, 10)


@writes("log1p")
def _(w, input):
    x = floating(w, input)
    return w.node("Log", w.node("Add", x, w.like(w.out[0], 1)))


@writes("expm1")
def _(w, input):
    return w.node("Sub", w.node("Exp", floating(w, input)), w.like(w.out[0], 1))


@writes("exp2")
def _(w, input):
    return w.node("Pow", w.like(w.out[0], 2), floating(w, input))


@writes("erfc")
def _(w, input):
    return w.node("Sub", w.like(w.out[0], 1), w.node("Erf", floating(w, input)))


@writes("round")
def _(w, input, decimals):
    return w.node("Round", input) if decimals == 0 and input.dtype.kind == "f" else None


@writes("trunc")
def _(w, input):
    if input.dtype.kind != "f":
        return w.node("Identity", input)
    return truncated(w, input)


def truncated(w: Writer, x: Any) -> str:
    return w.node("Mul", w.node("Sign", x), w.node("Floor", w.node("Abs", x)))


@writes("frac")
def _(w, input):
    return w.node("Sub", input, truncated(w, input))


@writes("remainder")
def _(w, input, other):
    dtype = w.out[0].dtype
    a, b = operand(w, input, dtype), operand(w, other, dtype)
    if dtype.kind != "f":
        return w.node("Mod", a, b)
    return w.node("Sub", a, w.node("Mul", w.node("Floor", w.node("Div", a, b)), b))


@writes("fmod")
def _(w, input, other):
    dtype = w.out[0].dtype
    return w.node("Mod", operand(w, input, dtype), operand(w, other, dtype), fmod=1)


@writes("floor_divide")
def _(w, input, other):
    dtype = w.out[0].dtype
    a, b = operand(w, input, dtype), operand(w, other, dtype)
    if dtype.kind != "f":  # ONNX rounds towards zero
        return w.node("Div", w.node("Sub", a, w.node("Mod", a, b)), b)
    return w.node("Floor", w.node("Div", a, b))


@writes("trunc_divide")
def _(w, input, other):
    dtype = w.out[0].dtype
    a, b = operand(w, input, dtype), operand(w, other, dtype)
    return w.node("Div", a, b) if dtype.kind != "f" else truncated(w, w.node("Div", a, b))


@writes("lerp")
def _(w, input, end, weight):
    return w.node("Add", input, w.node("Mul", w.node("Sub", end, input), operand(w, weight, input.dtype)))


@writes("hypot")
def _(w, input, other):
    a, b = (operand(w, x, w.out[0].dtype) for x in (input, other))
    return w.node("Sqrt", w.node("Add", w.node("Mul", a, a), w.node("Mul", b, b)))


# Activations.


@writes("leaky_relu")
def _(w, input, negative_slope):
    return w.node("LeakyRelu", input, alpha=float(negative_slope))


@writes("elu")
def _(w, input, alpha):
    return w.node("Elu", input, alpha=float(alpha))


@writes("celu")
def _(w, input, alpha):
    if input.dtype == np.float32:
        return w.node("Celu", input, alpha=float(alpha))
    below = w.node("Sub", w.node("Exp", w.node("Div", w.node("Min", input, w.like(input, 0)), w.like(input, alpha))),
                   w.like(input, 1))  # fmt: skip
    return w.node("Add", w.node("Max", input, w.like(input, 0)), w.node("Mul", below, w.like(input, alpha)))


@writes(activation.selu)
def _(w, input):
    return w.node("Selu", input, alpha=activation.SELU_ALPHA, gamma=activation.SELU_SCALE)


@writes("hardtanh")
def _(w, input, min_val, max_val):
    return w.node("Clip", input, w.like(input, min_val), w.like(input, max_val))


@writes("hardsigmoid")
def _(w, input):
    return w.node("HardSigmoid", input, alpha=1 / 6, beta=0.5)


@writes("hardswish")
def _(w, input):
    if w.opset >= 14:
        return w.node("HardSwish", input)
    return w.node("Mul", input, w.node("HardSigmoid", input, alpha=1 / 6, beta=0.5))


@writes("silu")
def _(w, input):
    return w.node("Mul", input, w.node("Sigmoid", input))


@writes("mish")
def _(w, input):
    if w.opset >= 18:
        return w.node("Mish", input)
    return w.node("Mul", input, w.node("Tanh", w.node("Softplus", input)))


@writes("softplus")
def _(w, input, beta, threshold):
    scaled = input if beta == 1 else w.node("Mul", input, w.like(input, beta))
    smooth = w.node("Softplus", scaled)
    if beta != 1:
        smooth = w.node("Div", smooth, w.like(input, beta))
    if threshold >= 20:  # beyond, both are the same number, or nearly
        return smooth
    return w.node("Where", w.node("Greater", scaled, w.like(input, threshold)), input, smooth)


@writes("logsigmoid")
def _(w, input):
    return w.node("Neg", w.node("Softplus", w.node("Neg", input)))


@writes("gelu")
def _(w, input, approximate):
    if w.opset >= 20:
        return w.node("Gelu", input, approximate=approximate)
    one, half = w.like(input, 1), w.like(input, 0.5)
    if approximate == "none":
        inner = w.node("Erf", w.node("Mul", input, w.like(input, math.sqrt(0.5))))
    else:
        cube = w.node("Mul", w.node("Mul", input, input), input)
        inner = w.node("Add", input, w.node("Mul", cube, w.like(input, 0.044715)))
        inner = w.node("Tanh", w.node("Mul", inner, w.like(input, math.sqrt(2 / math.pi))))
    return w.node("Mul", w.node("Mul", input, half), w.node("Add", inner, one))


@writes(rectifier.prelu)
def _(w, input, weight):
    slope = weight
    if len(w.shape(input)) > 2 and weight.shape != (1,):  # (C,) -> (C,1,...), which stands beside (N,C,...)
        slope = w.node("Unsqueeze", weight, np.arange(1, len(w.shape(input)) - 1))
    return w.node("PRelu", input, slope)


@writes(rectifier.hardshrink)
def _(w, input, lambd):
    return w.node("Shrink", input, lambd=float(lambd)) if lambd >= 0 else None


@writes(rectifier.softshrink)
def _(w, input, lambd):
    return w.node("Shrink", input, lambd=float(lambd), bias=float(lambd))
