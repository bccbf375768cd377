"""Activations: the law is the definition, number by number, as its paper has it."""

from __future__ import annotations

import math

import numpy as np

from . import Case
from .elementwise import each


def case(op, formula, *attributes, shape=(2, 3)):
    """Attributes are given by position, in torch.nn.functional's order."""
    return Case(op, [shape, *attributes], expected=each(formula))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def softplus(x, beta=1.0, threshold=20.0):
    return x if beta * x > threshold else math.log(1 + math.exp(beta * x)) / beta


def phi(x, approximate="none"):
    if approximate == "none":
        return 0.5 * (1 + math.erf(x / math.sqrt(2)))
    return 0.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def elu(x, alpha=1.0):
    return x if x > 0 else alpha * (math.exp(x) - 1)


def prelu(input, weight):
    w = weight.reshape(-1, *[1] * (input.ndim - 2)) if input.ndim > 1 else weight
    return np.maximum(input, 0) + w * np.minimum(input, 0)


def glu(input, dim=-1):
    a, b = np.split(input, 2, axis=dim)
    return a / (1 + np.exp(-b))


CASES = [
    case("relu", lambda x: max(x, 0)),
    case("relu", lambda x: max(x, 0), shape=()),
    case("relu6", lambda x: min(max(x, 0), 6), shape=(7, 3)),
    case("hardtanh", lambda x, low=-1.0, high=1.0: min(max(x, low), high)),
    case("hardtanh", lambda x, low, high: min(max(x, low), high), -0.5, 2.0),
    case("leaky_relu", lambda x: x if x > 0 else 0.01 * x),
    case("leaky_relu", lambda x, slope: x if x > 0 else slope * x, 0.2),
    case("leaky_relu", lambda x, slope: x if x > 0 else slope * x, 1.5),
    Case("prelu", [(2, 3, 2), (3,)], expected=prelu),
    Case("prelu", [(4,), (1,)], expected=prelu),
    case("threshold", lambda x, threshold, value: x if x > threshold else value, 0.4, -3.0),
    case("elu", elu),
    case("elu", elu, 0.7),
    case("celu", lambda x, alpha: max(0, x) + min(0, alpha * (math.exp(x / alpha) - 1)), 1.7),
    case("selu", lambda x: 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)),
    case("sigmoid", sigmoid),
    case("logsigmoid", lambda x: math.log(sigmoid(x))),
    case("softplus", softplus),
    case("softplus", softplus, 2.0, 1.5),
    case("silu", lambda x: x * sigmoid(x)),
    case("mish", lambda x: x * math.tanh(softplus(x))),
    Case("glu", [(2, 6)], expected=glu),
    Case("glu", [(4, 3), 0], expected=glu),
    case("gelu", lambda x: x * phi(x)),
    Case("gelu", [(2, 3)], {"approximate": "tanh"}, expected=each(lambda x, approximate: x * phi(x, approximate))),
    case("hardsigmoid", lambda x: min(max(x / 6 + 0.5, 0), 1), shape=(9,)),
    case("hardswish", lambda x: x * min(max(x / 6 + 0.5, 0), 1), shape=(9,)),
    case("softshrink", lambda x, lambd: math.copysign(max(abs(x) - lambd, 0), x), 0.4),
    case("hardshrink", lambda x, lambd: x if abs(x) > lambd else 0, 0.4),
    case("tanhshrink", lambda x: x - math.tanh(x)),
    case("softsign", lambda x: x / (1 + abs(x))),
]
