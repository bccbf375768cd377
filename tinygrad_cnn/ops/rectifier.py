"""Activation functions in straight pieces, elementwise: any shape -> the same shape.

Arguments and defaults are torch.nn.functional's. The smooth ones are in `activation.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.dtypes import number
from ..arrays.types import Array, Number
from ..engine.broadcast import in_float32
from ..engine.call import op
from ..engine.tensor import wrap
from ..kernels import kernel
from ..random import rng
from .choice import where
from .compare import ge, gt, le, logical_and, logical_or, lt
from .declared import appears
from .elementwise import minus, mul
from .pointwise import bare, elementwise, floating
from .unary import abs, sign


@appears("function method in_place function_ functional inplace inplace_")
@op
def relu(input: Array) -> Array:
    """max(input, 0).

    RuntimeError for bool. NaN stays NaN.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    >>> y = tg.relu(x)
    >>> y.tolist()
    [0.0, 0.0, 2.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [0.0, 0.0, 1.0]
    """
    if input.dtype.kind == "b":
        raise RuntimeError("relu: takes numbers, got bool; convert it with .float()")
    return kernel.relu(input)


relu.grad(input=lambda g, out: relu_mask(g, out))
relu.explain(
    "The gradient passes where the input was positive and stops where it was not.",
    zero={"its input was negative": lambda input: input < 0, "its input was zero": lambda input: input == 0},
    input="g · [input > 0]",
)


@op
def relu_mask(grad: Array, out: Array) -> Array:
    """grad, but 0 where out <= 0: what relu is differentiated to. At NaN the gradient passes."""
    return kernel.relu_mask(grad, out)


relu_mask.grad(grad=lambda g, out: relu_mask(g, out), out=lambda g: None)
relu_mask.explain(
    "A mask is linear: its gradient goes through the same mask.", zero="the mask is closed", grad="g · [out > 0]"
)


@appears("functional inplace inplace_")
@elementwise
def hardtanh(input: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """input held between min_val and max_val; the gradient passes strictly between them.

    ValueError where min_val > max_val.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-3.0, -1.0, 0.5, 2.0], requires_grad=True)
    >>> y = tg.nn.functional.hardtanh(x)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([-1.0, -1.0, 0.5, 1.0], [0.0, 0.0, 1.0, 0.0])
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val must not be greater than max_val, got {min_val} and {max_val}")
    if input.dtype.kind not in "iuf" or (input.dtype.kind == "u" and min_val < 0):
        raise RuntimeError(f"hardtanh: {input.dtype} is not held between {min_val} and {max_val}; convert it")
    if input.dtype.kind != "f" or isinstance(min_val, np.ndarray) or isinstance(max_val, np.ndarray):
        min_val, max_val = number(min_val, input.dtype), number(max_val, input.dtype)
    return np.minimum(np.maximum(input, min_val), max_val)


hardtanh.grad(input=lambda g, input, min_val, max_val: where(logical_or(le(input, min_val), ge(input, max_val)), 0, g))
hardtanh.explain(
    "The gradient passes strictly between the bounds.",
    zero="saturated: its input was held at a bound",
    input="g · [min_val < input < max_val]",
)


@appears("functional inplace")
def relu6(input: Array) -> Array:
    """min(max(input, 0), 6).

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.relu6(tg.tensor([-1.0, 3.0, 9.0])).tolist()
    [0.0, 3.0, 6.0]
    """
    return hardtanh(input, 0.0, 6.0)


@appears("functional inplace inplace_")
@elementwise
def leaky_relu(input: Array, negative_slope: float = 0.01) -> Array:
    """input where it is positive, else negative_slope · input.

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-2.0, 0.0, 2.0], requires_grad=True)
    >>> y = tg.nn.functional.leaky_relu(x, 0.5)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([-1.0, 0.0, 2.0], [0.5, 0.5, 1.0])
    """
    floating("leaky_relu", input)
    negative_slope = bare(negative_slope)
    below = input * negative_slope
    if 0 < negative_slope <= 1:
        return np.maximum(input, below)
    return np.where(input > 0, input, below)


leaky_relu.grad(input=lambda g, input, negative_slope: where(gt(input, 0), g, g * negative_slope))
leaky_relu.explain("The gradient passes where the input was positive; elsewhere it is scaled down.")


@appears("function method functional")
def prelu(input: Array, weight: Array) -> Array:
    """input where it is positive, else weight · input        (N, C, ...), (C,) or (1,) -> (N, C, ...)

    RuntimeError for another number of weights, and for other dtypes than the input's.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[-2.0, -2.0], [3.0, -1.0]])
    >>> slope = tg.tensor([0.5, 0.25], requires_grad=True)
    >>> y = tg.prelu(x, slope)
    >>> y.sum().backward()
    >>> y.tolist(), slope.grad.tolist()
    ([[-1.0, -0.5], [3.0, -0.25]], [-2.0, -3.0])
    """
    channels = input.shape[1] if input.ndim > 1 else 1
    n = math.prod(weight.shape)
    if weight.ndim > 1 or n not in (1, channels):
        raise RuntimeError(
            f"prelu: weight must have 1 element or one per channel ({channels}) of input {tuple(input.shape)}, "
            f"got shape {tuple(weight.shape)}"
        )
    if weight.dtype != input.dtype:
        raise RuntimeError(f"prelu: input is {input.dtype} but weight is {weight.dtype}; they must be equal")
    if weight.ndim == 1 and input.ndim != 1:
        weight = weight.reshape((-1,) + (1,) * (input.ndim - 2) if input.ndim else ())
    return where(gt(input, 0), input, mul(input, weight))


@appears("function out function_ functional inplace inplace_")
def threshold(input: Array, threshold: Number, value: Number) -> Array:
    """input where it is greater than threshold, else value, in the dtype of input.

    >>> import tinygrad_cnn as tg
    >>> tg.threshold(tg.tensor([0.5, 1.0, 1.5]), 1.0, -7.0).tolist()
    [-7.0, -7.0, 1.5]
    """
    return where(le(input, number(threshold, input.dtype)), number(value, input.dtype), input)


@appears("functional inplace")
@elementwise
def hardsigmoid(input: Array) -> Array:
    """min(max(input / 6 + 1/2, 0), 1).

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-4.0, 0.0, 1.5, 3.0], requires_grad=True)
    >>> y = tg.nn.functional.hardsigmoid(x)
    >>> y.sum().backward()
    >>> y.tolist(), [round(v, 4) for v in x.grad.tolist()]
    ([0.0, 0.5, 0.75, 1.0], [0.0, 0.1667, 0.1667, 0.0])
    """
    floating("hardsigmoid", input)
    return np.minimum(np.maximum(input + 3, 0), 6) / 6


hardsigmoid.grad(input=lambda g, input: where(logical_and(gt(input, -3), lt(input, 3)), g / 6, 0))
hardsigmoid.explain(
    "Slope 1/6 between -3 and 3, flat outside.",
    zero={"its input was at most -3": lambda input: input <= -3, "its input was at least 3": lambda input: input >= 3},
)


@appears("functional inplace")
@elementwise
def hardswish(input: Array) -> Array:
    """input · hardsigmoid(input) (Howard et al. 2019).

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.hardswish(tg.tensor([-4.0, -1.5, 0.0, 1.5, 4.0])).tolist()
    [-0.0, -0.375, 0.0, 1.125, 4.0]
    """
    floating("hardswish", input)
    return input * (np.minimum(np.maximum(input + 3, 0), 6) / 6)


hardswish.grad(input=lambda g, input: where(le(input, -3), 0, where(lt(input, 3), g * (input / 3 + 0.5), g)))
hardswish.explain(
    "The slope of its three pieces: 0, x/3 + 1/2, and 1.", zero={"its input was at most -3": lambda input: input <= -3}
)


@appears("functional out exact")
@in_float32
def softshrink(input: Array, lambd: float = 0.5) -> Array:
    """input brought nearer to 0 by lambd, and 0 where it is nearer already.

    RuntimeError for integers, and for a negative lambd.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.softshrink(tg.tensor([-2.0, -0.5, 0.25, 1.0])).tolist()
    [-1.5, 0.0, 0.0, 0.5]
    """
    floating("softshrink", input)
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd must not be negative, got {lambd}")
    return where(le(abs(input), lambd), 0, minus(input, mul(sign(input), lambd)))


@appears("function out exact method functional")
def hardshrink(input: Array, lambd: float = 0.5) -> Array:
    """input, and 0 where -lambd <= input <= lambd.

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.hardshrink(tg.tensor([-2.0, -0.5, 0.25, 1.0])).tolist()
    [-2.0, 0.0, 0.0, 1.0]
    """
    floating("hardshrink", input)
    return where(le(abs(input), lambd), 0, input)


@appears("function function_ functional inplace inplace_")
def rrelu(input: Array, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Array:
    """leaky_relu with a random slope between lower and upper for each element; their mean when not training.

    RuntimeError unless lower <= upper. (Xu et al., 2015.)

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-6.0, 0.0, 6.0])
    >>> tg.nn.functional.rrelu(x, 0.25, 0.5).tolist()
    [-2.25, 0.0, 6.0]
    >>> y = tg.nn.functional.rrelu(x, 0.25, 0.5, training=True)
    >>> -3 <= y[0].item() <= -1.5
    True
    """
    if not -math.inf < lower <= upper < math.inf:
        raise RuntimeError(f"rrelu: expects lower <= upper, both finite, got {lower} and {upper}")
    slope: Any = (lower + upper) / 2
    if training:
        slope = wrap(rng().uniform(lower, upper, tuple(input.shape)).astype(input.dtype))
    return where(ge(input, 0), input, mul(input, slope))
