"""Smooth activation functions, elementwise: any shape -> the same shape. Arguments and defaults are those of
torch.nn.functional. What is made of straight pieces, relu first, is in `rectifier.py`.

Those that every network runs are ops of their own, which keep their result and nothing else; the others are
compositions. All are computed so that inputs of 10,000 give no overflow: an exponential only of what is not positive.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.types import Array
from ..engine.broadcast import in_float32
from ..kernels import kernel
from .choice import clamp, where
from .circular import tanh
from .compare import gt, isinf, le, lt
from .declared import appears
from .dims import axis
from .elementwise import minus, mul
from .join import narrow
from .pointwise import bare, elementwise, floating
from .unary import abs, erfc, exp, real

# The exponential family.


@appears("functional inplace inplace_")
@elementwise
def elu(input: Array, alpha: float = 1.0) -> Array:
    """input where it is positive, else alpha · (e^input - 1).

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-1000.0, 0.0, 2.0], requires_grad=True)
    >>> y = tg.nn.functional.elu(x, alpha=0.5)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([-0.5, 0.0, 2.0], [0.0, 0.5, 1.0])
    """
    floating("elu", input)
    alpha = bare(alpha)
    return np.maximum(input, 0) + alpha * np.expm1(np.minimum(input, 0))


elu.grad(input=lambda g, input, alpha: where(le(input, 0), g * (alpha * exp(_below(input))), g))
elu.explain(
    "The gradient passes where the input was positive; below, the slope of the exponential.",
    input="g · alpha · e^{input} if [input ≤ 0], else g",
)


@appears("function function_ functional inplace inplace_")
@elementwise
def celu(input: Array, alpha: float = 1.0) -> Array:
    """input where it is positive, else alpha · (e^(input / alpha) - 1).

    Its slope is continuous for every alpha. RuntimeError for integers, and for alpha 0.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-100.0, 0.0, 2.0], requires_grad=True)
    >>> y = tg.nn.functional.celu(x, alpha=0.5)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([-0.5, 0.0, 2.0], [0.0, 1.0, 1.0])
    """
    floating("celu", input)
    alpha = bare(alpha)
    if alpha == 0:
        raise RuntimeError("celu: alpha cannot be 0")
    return np.maximum(input, 0) + alpha * np.expm1(np.minimum(input, 0) / alpha)


celu.grad(input=lambda g, input, alpha: where(le(input, 0), g * exp(_below(input) / alpha), g))
celu.explain(
    "The gradient passes where the input was positive; below, the slope of the exponential.",
    input="g · e^{input / alpha} if [input ≤ 0], else g",
)


def _below(input: Any) -> Any:
    """The input where the exponential is, which is large nowhere."""
    return where(lt(input, 0), input, 0.0)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@appears("function function_ functional inplace inplace_")
@in_float32
def selu(input: Array) -> Array:
    """1.0507 · elu(input, 1.67326): keeps mean 0 and variance 1 from layer to layer (Klambauer et al. 2017).

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> [round(v, 4) for v in tg.selu(tg.tensor([-100.0, 0.0, 2.0])).tolist()]
    [-1.7581, 0.0, 2.1014]
    """
    return mul(elu(input, SELU_ALPHA), SELU_SCALE)


# The sigmoid and what is made of it.


@appears("function out method in_place function_ functional")
@elementwise
def sigmoid(input: Array) -> Array:
    """1 / (1 + e^-input).

    >>> import tinygrad_cnn as tg
    >>> tg.sigmoid(tg.tensor([-10000.0, 0.0, 10000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    input = real(input)
    power = np.exp(-np.abs(input))  # of no positive number, which could be inf: 1 / inf is 0, e^-90 is not
    return np.maximum(power, input >= 0) / (1 + power)


sigmoid.grad(input=lambda g, out: g * out * (1 - out))
sigmoid.explain(
    "The slope is s · (1 - s): a quarter at most, nothing where the result is near 0 or 1.",
    zero={"saturated, its result is 0 or 1": lambda out: (out == 0) | (out == 1)},
)


@appears("functional out exact")
@elementwise
def logsigmoid(input: Array) -> Array:
    """ln sigmoid(input).

    Finite where the sigmoid itself is 0. RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-1000.0, 0.0, 1000.0])
    >>> [round(v, 4) for v in tg.nn.functional.logsigmoid(x).tolist()], tg.sigmoid(x).log().tolist()[0]
    ([-1000.0, -0.6931, 0.0], -inf)
    """
    floating("logsigmoid", input)
    return np.minimum(input, 0) - np.log1p(np.exp(-np.abs(input)))


logsigmoid.grad(input=lambda g, input: g * sigmoid(-input))
logsigmoid.explain("The slope is 1 minus the sigmoid.", zero={"saturated, its result is 0": lambda out: out == 0})


@appears("functional out exact")
@elementwise
def softplus(input: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """ln(1 + e^(beta · input)) / beta; the input itself where beta · input > threshold, as they differ no more.

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    >>> y = tg.nn.functional.softplus(x)
    >>> y.sum().backward()
    >>> [round(v, 4) for v in y.tolist()], x.grad.tolist()
    ([0.0, 0.6931, 1000.0], [0.0, 0.5, 1.0])
    """
    floating("softplus", input)
    beta = bare(beta)
    scaled = input * beta
    smooth = (np.maximum(scaled, 0) + np.log1p(np.exp(-np.abs(scaled)))) / beta
    return np.where(scaled > threshold, input, smooth)


def _softplus_to_input(g: Any, input: Any, beta: float, threshold: float) -> Any:
    scaled = mul(input, beta)
    return where(gt(scaled, threshold), g, g * sigmoid(scaled))


softplus.grad(input=_softplus_to_input)
softplus.explain(
    "The slope is the sigmoid; 1 beyond the threshold.",
    zero={"saturated, its result is 0": lambda out: out == 0},
    input="g if [beta · input > threshold], else g · sigmoid(beta · input)",
)


@appears("functional inplace")
@elementwise
def silu(input: Array) -> Array:
    """input · sigmoid(input).

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    >>> y = tg.nn.functional.silu(x)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([-0.0, 0.0, 1000.0], [-0.0, 0.5, 1.0])
    """
    floating("silu", input)
    return input * sigmoid(input)


def _silu_to_input(g: Any, input: Any) -> Any:
    s = sigmoid(input)
    return g * s * (1 + input * (1 - s))


silu.grad(input=_silu_to_input)
silu.explain("The product rule for x · sigmoid(x).", input="g · s · (1 + input · (1 − s)), where s = sigmoid(input)")


@appears("functional inplace")
@elementwise
def mish(input: Array) -> Array:
    """input · tanh(softplus(input)) (Misra 2019).

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> [round(v, 4) for v in tg.nn.functional.mish(tg.tensor([-1000.0, -1.0, 0.0, 1000.0])).tolist()]
    [-0.0, -0.3034, 0.0, 1000.0]
    """
    floating("mish", input)
    return input * np.tanh(softplus(input))


def _mish_to_input(g: Any, input: Any) -> Any:
    t = tanh(softplus(input))
    return g * (t + input * ((1 - t * t) * sigmoid(input)))


mish.grad(input=_mish_to_input)
mish.explain(
    "The product rule for x · tanh(softplus(x)).",
    input="g · (t + input · (1 − t^2) · sigmoid(input)), where t = tanh(softplus(input))",
)


@appears("functional")
@in_float32
def glu(input: Array, dim: int = -1) -> Array:
    """a · sigmoid(b), where a and b are the two halves of input along dim        (..., 2n, ...) -> (..., n, ...)

    RuntimeError where the axis has an odd length.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[1.0, 2.0, 0.0, 1000.0], [3.0, 4.0, -1000.0, 0.0]])
    >>> tg.nn.functional.glu(x, dim=1).tolist()
    [[0.5, 2.0], [0.0, 2.0]]
    """
    floating("glu", input)
    if input.ndim == 0:
        raise RuntimeError("glu: a tensor of no axes cannot be halved")
    dim = axis("glu", dim, input.ndim)
    n, odd = divmod(input.shape[dim], 2)
    if odd:
        raise RuntimeError(f"glu: axis {dim} of shape {tuple(input.shape)} is halved, so its size must be even")
    return mul(narrow(input, dim, 0, n), sigmoid(narrow(input, dim, n, n)))


# The Gaussian unit.


@appears("functional out exact")
@elementwise
def gelu(input: Array, approximate: str = "none") -> Array:
    """input · Φ(input), Φ the normal distribution function (Hendrycks and Gimpel 2016).

    approximate: "none", or "tanh" for their formula 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))).

    RuntimeError for integers, and for another word.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-1000.0, -1.0, 0.0, 1.0])
    >>> [round(v, 4) for v in tg.nn.functional.gelu(x).tolist()]
    [-0.0, -0.1587, 0.0, 0.8413]
    >>> [round(v, 4) for v in tg.nn.functional.gelu(x, approximate="tanh").tolist()]
    [-0.0, -0.1588, 0.0, 0.8412]
    """
    floating("gelu", input)
    return input * _normal(input, approximate)


def _normal(x: Any, approximate: str) -> Any:
    """Φ(x)."""
    if approximate == "none":
        return kernel.erfc(x * -math.sqrt(0.5)) * 0.5
    if approximate == "tanh":
        return sigmoid(_STEEP * (x + 0.044715 * x * x * x))  # 0.5·(1 + tanh(y)) = sigmoid(2·y)
    raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")


_STEEP = 2 * math.sqrt(2 / math.pi)


def _gelu_to_input(g: Any, input: Any, approximate: str) -> Any:
    if approximate == "none":
        density = exp(input * input * -0.5) * (1 / math.sqrt(2 * math.pi))
        return g * (erfc(input * -math.sqrt(0.5)) * 0.5 + input * density)
    x = clamp(input, -100, 100)  # beyond, s is 0 or 1, and the cube soon infinite
    s = sigmoid(_STEEP * (x + 0.044715 * x * x * x))
    return g * s * (1 + x * (1 - s) * (_STEEP + 3 * _STEEP * 0.044715 * x * x))


gelu.grad(input=_gelu_to_input)
gelu.explain(
    "The product rule for x · Φ(x): the distribution plus x times the bell curve φ.",
    input=lambda approximate="none": (
        "g · (Φ(input) + input · φ(input))"
        if approximate == "none"
        else "g · s · (1 + input · (1 − s) · √(2 / π) · (2 + 6 · 0.044715 · input^2)), "
        "where s = sigmoid(2 · √(2 / π) · (input + 0.044715 · input^3))"
    ),
)


@appears("functional")
@in_float32
def tanhshrink(input: Array) -> Array:
    """input - tanh(input).

    >>> import tinygrad_cnn as tg
    >>> [round(v, 4) for v in tg.nn.functional.tanhshrink(tg.tensor([-2.0, 0.0, 100.0])).tolist()]
    [-1.036, 0.0, 99.0]
    """
    return minus(input, tanh(input))


@appears("functional")
@elementwise
def softsign(input: Array) -> Array:
    """input / (1 + |input|).

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-3.0, 0.0, 1.0], requires_grad=True)
    >>> y = tg.nn.functional.softsign(x)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([-0.75, 0.0, 0.5], [0.0625, 1.0, 0.25])
    """
    input = real(input)
    return input / (np.abs(input) + 1)


def _softsign_to_input(g: Any, input: Any) -> Any:
    size = abs(input) + 1
    return g / size / where(isinf(size), math.nan, size)  # at infinity it has no value, so no slope


softsign.grad(input=_softsign_to_input)
softsign.explain("The slope is 1 / (1 + |x|)²: one at zero.", input="g / (1 + abs(input))^2")
