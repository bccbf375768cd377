"""Softmax: numbers of any size become positive ones that sum to 1.

Everything is shifted by the maximum first, so that logits of 10,000 are as good as logits of 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.dtypes import float32
from ..arrays.types import Array, DType
from ..engine.call import op
from ..kernels import kernel
from ..random import rng
from .declared import appears
from .dims import axis
from .elementwise import neg
from .reduce import sum as total
from .unary import exp

AXIS = {"dim": lambda dim, out_shape: dim % max(len(out_shape), 1)}  # for formulas: never negative


@appears("function out exact method")
@op
def softmax(input: Array, dim: int, dtype: DType | None = None) -> Array:
    """exp(input) / Σ exp(input) along dim        any shape -> the same

    dtype: convert the input to it first.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([5000.0, 5000.0], requires_grad=True)
    >>> out = tg.softmax(x, dim=0)
    >>> out.tolist()
    [0.5, 0.5]
    >>> out[0].backward()
    >>> x.grad.tolist()
    [0.25, -0.25]
    """
    input, dim = _ready("softmax", input, dim, dtype)
    return kernel.softmax(input, dim) if input.ndim else kernel.softmax(input[None], 0)[0]


softmax.grad(input=lambda g, out, dim: softmax_back(g, out, dim))
softmax.explain(
    "Each probability gets its gradient less the average of all, weighted by the probabilities: they compete.",
    zero={"saturated, its result is 0 or 1": lambda out: (out == 0) | (out == 1)},
    input="out · (g − Σ_{axis dim} g · out)",
    numbers=AXIS,
)


@op
def softmax_back(grad: Array, out: Array, dim: int) -> Array:
    """out · (grad - Σ grad · out) along dim: what softmax is differentiated to."""
    back, dim = kernel.softmax_backward, axis("softmax", dim, out.ndim)
    return back(grad, out, dim) if out.ndim else back(grad[None], out[None], 0)[0]


softmax_back.grad(
    grad=lambda g, out, dim: softmax_back(g, out, dim),
    out=lambda g, grad, out, dim: g * (grad - total(grad * out, dim, True)) - grad * total(g * out, dim, True),
)
softmax_back.explain(
    "The probabilities compete for the second derivative as for the first.",
    grad="out · (g − Σ_{axis dim} g · out)",
    out="g · (grad − Σ_{axis dim} grad · out) − grad · Σ_{axis dim} g · out",
    numbers=AXIS,
)


@appears("function out exact method")
@op
def log_softmax(input: Array, dim: int, dtype: DType | None = None) -> Array:
    """input - log Σ exp(input) along dim        any shape -> the same

    The logarithm of softmax, finite where softmax is too small for a number.

    >>> import tinygrad_cnn as tg
    >>> tg.log_softmax(tg.tensor([5000.0, 5040.0]), dim=0).tolist()
    [-40.0, 0.0]
    """
    input, dim = _ready("log_softmax", input, dim, dtype)
    return kernel.log_softmax(input, dim) if input.ndim else kernel.log_softmax(input[None], 0)[0]


log_softmax.grad(input=lambda g, out, dim: log_softmax_back(g, out, dim))
log_softmax.explain(
    "Each gets its gradient less its probability's share of the sum of all.",
    input="g − e^{out} · Σ_{axis dim} g",
    numbers=AXIS,
)


@op
def log_softmax_back(grad: Array, out: Array, dim: int) -> Array:
    """grad - exp(out) · Σ grad along dim: what log_softmax is differentiated to."""
    back, dim = kernel.log_softmax_backward, axis("log_softmax", dim, out.ndim)
    return back(grad, out, dim) if out.ndim else back(grad[None], out[None], 0)[0]


log_softmax_back.grad(
    grad=lambda g, out, dim: g - total(g * exp(out), dim, True),
    out=lambda g, grad, out, dim: -g * exp(out) * total(grad, dim, True),
)
log_softmax_back.explain(
    "Each probability takes its share of all gradients.",
    grad="g − Σ_{axis dim} g · e^{out}",
    out="−g · e^{out} · Σ_{axis dim} grad",
    numbers=AXIS,
)


def softmin(input: Array, dim: int, dtype: DType | None = None) -> Array:
    """exp(-input) / Σ exp(-input) along dim        any shape -> the same"""
    return softmax(neg(input), dim, dtype)


@appears("functional")
def gumbel_softmax(logits: Array, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Array:
    """softmax((logits + noise) / tau) with Gumbel noise: a random class, differentiable in the logits.

    tau: the smaller, the closer to one-hot. hard: exactly one-hot, with the gradient of the soft numbers.
    eps has no effect. (Jang, Gu and Poole, 2017.)

    >>> import tinygrad_cnn as tg
    >>> logits = tg.tensor([[1000.0, 0.0, 0.0], [0.0, 0.0, 1000.0]])
    >>> tg.nn.functional.gumbel_softmax(logits, hard=True).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    noise = -np.log(rng().standard_exponential(tuple(logits.shape)))
    soft = softmax((logits + noise.astype(logits.dtype)) / tau, dim)
    if not hard:
        return soft
    values = soft.detach().numpy()
    winner = np.expand_dims(values.argmax(dim), dim)
    one_hot = np.zeros_like(values)
    np.put_along_axis(one_hot, winner, 1, dim)
    return (one_hot - values) + soft


def _ready(name: str, input: Any, dim: Any, dtype: Any) -> tuple[np.ndarray, int]:
    if dtype is not None:
        input = input.astype(dtype, copy=False)
    if input.dtype is not float32 and input.dtype.kind != "f":
        raise NotImplementedError(
            f"{name}: input is {input.dtype}, it must be floating; convert it with .float(), or give dtype="
        )
    return input, axis(name, dim, input.ndim)
