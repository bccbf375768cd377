"""The update rules of SGD, Adam and their kin, in place, over lists of parameters.

An update reads and writes several arrays of the parameter's size. Piece by piece they all stay in the
cache from the first line of the rule to the last. Half precision is computed in float32 and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import in_numpy
from . import silent
from .chunks import PIECE, pieces

if TYPE_CHECKING:
    from ..settings import AdadeltaSettings, AdagradSettings, AdamSettings, RMSpropSettings, SGDSettings

Arrays = Sequence[np.ndarray]


@in_numpy
@silent
def sgd(params: Arrays, grads: Arrays, buffers: Sequence[np.ndarray | None], settings: SGDSettings) -> None:
    """buffer = momentum·buffer + (1 - dampening)·grad;  param -= lr·buffer        equal shapes, in place"""
    lr, momentum, dampening, weight_decay, nesterov, maximize = settings
    for param, grad, buffer in _pieces(params, grads, buffers):
        grad = _effective(param, grad, weight_decay, maximize)
        if momentum and buffer is not None:
            buffer *= momentum
            buffer += (1 - dampening) * grad
            grad = grad + momentum * buffer if nesterov else buffer
        param -= lr * grad


@in_numpy
@silent
def adam(
    params: Arrays,
    grads: Arrays,
    exp_avgs: Arrays,
    exp_avg_sqs: Arrays,
    max_exp_avg_sqs: Arrays | None,
    step: float,
    settings: AdamSettings,
) -> None:
    """m = β1·m + (1-β1)·grad;  v = β2·v + (1-β2)·grad²;  param -= lr·m̂ / (√v̂ + eps)        equal shapes, in place"""
    lr, beta1, beta2, eps, weight_decay, decoupled, maximize = settings
    step_size, root_correction = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
    largest: Sequence = max_exp_avg_sqs or [None] * len(params)
    for param, grad, m, v, v_max in _pieces(params, grads, exp_avgs, exp_avg_sqs, largest):
        if decoupled and weight_decay:
            param *= 1 - lr * weight_decay
        grad = _effective(param, grad, 0.0 if decoupled else weight_decay, maximize)
        m += (1 - beta1) * (grad - m)
        v *= beta2
        v += (1 - beta2) * grad * grad  # in this order, which reaches farther than the square
        divisor = np.sqrt(v if v_max is None else np.maximum(v_max, v, out=v_max))
        divisor /= root_correction
        divisor += eps
        np.divide(m, divisor, out=divisor)
        divisor *= step_size
        param -= divisor


@in_numpy
@silent
def rmsprop(
    params: Arrays,
    grads: Arrays,
    square_avgs: Arrays,
    grad_avgs: Arrays | None,
    buffers: Arrays | None,
    settings: RMSpropSettings,
) -> None:
    """v = α·v + (1-α)·grad²;  param -= lr·grad / (√v + eps)        equal shapes, in place"""
    lr, alpha, eps, weight_decay, momentum, maximize = settings
    nothing: list = [None] * len(params)
    lists = params, grads, square_avgs, grad_avgs or nothing, buffers or nothing
    for param, grad, v, average, buffer in _pieces(*lists):
        grad = _effective(param, grad, weight_decay, maximize)
        v *= alpha
        v += (1 - alpha) * grad * grad
        divisor = v
        if average is not None:
            average += (1 - alpha) * (grad - average)
            divisor = v - average * average
        divisor = np.sqrt(divisor)
        divisor += eps
        step = np.divide(grad, divisor, out=divisor)
        if buffer is not None:
            buffer *= momentum
            buffer += step
            step = buffer
        param -= lr * step


@in_numpy
@silent
def adagrad(params: Arrays, grads: Arrays, sums: Arrays, step: float, settings: AdagradSettings) -> None:
    """sum += grad²;  param -= lr_t·grad / (√sum + eps)        equal shapes, in place"""
    lr, lr_decay, eps, weight_decay, maximize = settings
    lr_t = lr / (1 + (step - 1) * lr_decay)
    for param, grad, total in _pieces(params, grads, sums):
        grad = _effective(param, grad, weight_decay, maximize)
        total += grad * grad
        divisor = np.sqrt(total)
        divisor += eps
        param -= lr_t * np.divide(grad, divisor, out=divisor)


@in_numpy
@silent
def adadelta(
    params: Arrays,
    grads: Arrays,
    square_avgs: Arrays,
    acc_deltas: Arrays,
    settings: AdadeltaSettings,
) -> None:
    """v = ρ·v + (1-ρ)·grad²;  Δ = √(u + eps) / √(v + eps)·grad;  u = ρ·u + (1-ρ)·Δ²;  param -= lr·Δ        in place"""
    lr, rho, eps, weight_decay, maximize = settings
    for param, grad, v, u in _pieces(params, grads, square_avgs, acc_deltas):
        grad = _effective(param, grad, weight_decay, maximize)
        v *= rho
        v += (1 - rho) * grad * grad
        delta = np.sqrt(u + eps)
        delta /= np.sqrt(v + eps)
        delta *= grad
        u *= rho
        u += (1 - rho) * delta * delta
        param -= lr * delta


def _effective(param: np.ndarray, grad: np.ndarray, weight_decay: float, maximize: bool) -> np.ndarray:
    """The gradient of what is really minimised: turned round to maximize, with weight_decay/2·param² added."""
    if maximize:
        grad = -grad
    return grad + weight_decay * param if weight_decay else grad


def _pieces(*lists: Any) -> Iterator[tuple]:
    """For each parameter its arrays, as views of the same rows, a piece at a time."""
    for arrays in zip(*lists, strict=True):
        param = arrays[0]
        if param.ndim and param.nbytes <= PIECE and param.dtype != np.float16:  # as most are: no views are needed
            yield arrays
            continue
        long = [None if a is None else np.atleast_1d(a) for a in arrays]
        for rows in pieces(len(np.atleast_1d(param)), np.atleast_1d(param)[:1].nbytes):
            here = [None if a is None else a[rows] for a in long]
            wide = [a.astype(np.float32) if a is not None and a.dtype == np.float16 else a for a in here]
            yield tuple(wide)
            for i, (kept, computed) in enumerate(zip(here, wide, strict=True)):
                if kept is not None and kept is not computed and i != 1:  # all but the gradient may have changed
                    kept[...] = computed
