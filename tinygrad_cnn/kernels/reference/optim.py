"""The update rules of SGD and Adam, in place, over lists of parameters.

An update reads and writes several arrays of the parameter's size. Piece by piece they all stay in the
cache from the first line of the rule to the last.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from .. import reference
from . import silent
from .chunks import pieces

Arrays = Sequence[np.ndarray]


@reference
@silent
def sgd(
    params: Arrays,
    grads: Arrays,
    buffers: Sequence[np.ndarray | None],
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    """buffer = momentum·buffer + (1 - dampening)·grad;  param -= lr·buffer        equal shapes, in place

    Without momentum, or where a buffer is None, the gradient itself is the step. With nesterov the step is
    grad + momentum·buffer (Sutskever et al., 2013). weight_decay adds weight_decay·param to the gradient
    beforehand, maximize turns it round.

    >>> param, buffer = np.array([1.0]), np.array([2.0])
    >>> sgd([param], [np.array([3.0])], [buffer], 0.1, 0.5, 0.0, 0.0, False, False)
    >>> buffer, param
    (array([4.]), array([0.6]))
    """
    for param, grad, buffer in _pieces(params, grads, buffers):
        if maximize:
            grad = -grad
        if weight_decay:
            grad = grad + weight_decay * param
        if momentum and buffer is not None:
            buffer *= momentum
            buffer += (1 - dampening) * grad
            grad = grad + momentum * buffer if nesterov else buffer
        param -= lr * grad


@reference
@silent
def adam(
    params: Arrays,
    grads: Arrays,
    exp_avgs: Arrays,
    exp_avg_sqs: Arrays,
    max_exp_avg_sqs: Arrays | None,
    step: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    amsgrad: bool,
    maximize: bool,
) -> None:
    """m = β1·m + (1-β1)·grad;  v = β2·v + (1-β2)·grad²;  param -= lr·m̂ / (√v̂ + eps)        equal shapes, in place

    m̂ = m / (1 - β1^step) and v̂ = v / (1 - β2^step) undo the zeros that m and v began with; `step` counts from 1.
    weight_decay is added to the gradient, as in Adam (Kingma and Ba, 2015), or if decoupled shrinks the
    parameter itself, as in AdamW (Loshchilov and Hutter, 2019). amsgrad divides by the largest v so far.

    >>> param, m, v = np.array([1.0]), np.zeros(1), np.zeros(1)
    >>> adam([param], [np.array([8.0])], [m], [v], None, 1, 0.1, 0.9, 0.999, 0.0, 0.0, False, False, False)
    >>> param  # the first step has length lr, whatever the gradient
    array([0.9])
    """
    step_size, root_correction = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
    largest = max_exp_avg_sqs if amsgrad else exp_avg_sqs
    for param, grad, m, v, v_max in _pieces(params, grads, exp_avgs, exp_avg_sqs, largest):
        if maximize:
            grad = -grad
        if weight_decay and decoupled:
            param *= 1 - lr * weight_decay
        elif weight_decay:
            grad = grad + weight_decay * param
        m += (1 - beta1) * (grad - m)
        v *= beta2
        v += (1 - beta2) * (grad * grad)
        if amsgrad:
            np.maximum(v_max, v, out=v_max)
        divisor = np.sqrt(v_max)
        divisor /= root_correction
        divisor += eps
        np.divide(m, divisor, out=divisor)
        divisor *= step_size
        param -= divisor


def _pieces(*lists: Sequence[np.ndarray | None]) -> Iterator[tuple]:
    """For each parameter its arrays, as views of the same rows, a piece at a time."""
    for arrays in zip(*lists, strict=True):
        arrays = [None if a is None else np.atleast_1d(a) for a in arrays]
        param = arrays[0]
        for rows in pieces(len(param), param[:1].nbytes):
            yield tuple(None if a is None else a[rows] for a in arrays)
