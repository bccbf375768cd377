"""The update rules in one pass over a parameter and its state, each number read and written once.

A parameter that is not dense, or has another dtype than float32, is left to NumPy.
"""

from __future__ import annotations

import math

import numpy as np
from numba.extending import register_jitable

from .. import faster
from .elementwise import piece
from .machinery.arrays import FLOAT32
from .machinery.compiled import compiled

PER_NUMBER = 0.5  # nanoseconds
PIECE = 1024  # numbers; five arrays of them fit the first-level cache


def _are_simple(*lists) -> bool:
    """Every array is a dense run of float32 that may be written to; of one parameter, all have one shape."""
    for arrays in zip(*lists, strict=True):
        for a in arrays:
            if a is None or a.dtype != FLOAT32 or not a.flags.carray or a.shape != arrays[0].shape:
                return False
    return True


def _takes_sgd(params, grads, buffers, settings):
    return _are_simple(params, grads, *([buffers] if settings.momentum else []))


@faster(when=_takes_sgd)
def sgd(params, grads, buffers, settings):
    for arrays in zip(params, grads, buffers if settings.momentum else params, strict=True):
        _sgd(arrays[0].size * PER_NUMBER, *(a.reshape(-1) for a in arrays), *settings)


def _takes_adam(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, step, settings):
    return _are_simple(params, grads, exp_avgs, exp_avg_sqs, *([max_exp_avg_sqs] if max_exp_avg_sqs else []))


@faster(when=_takes_adam)
def adam(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, step, settings):
    lr, beta1, beta2, eps, decay, decoupled, maximize = settings
    if decoupled:
        decay *= lr
    step_size, root_correction = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
    amsgrad = max_exp_avg_sqs is not None
    told = step_size, root_correction, beta1, beta2, eps, decay, decoupled, amsgrad, maximize
    for arrays in zip(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs or exp_avg_sqs, strict=True):
        _adam(arrays[0].size * 2 * PER_NUMBER, *(a.reshape(-1) for a in arrays), *told)


_READ = "Array(f4, 1, 'C', readonly=True)"


@compiled(f"f4[::1], {_READ}, f4[::1], f4, f4, f4, f4, b1, b1")
def _sgd(thread, part, parts, params, grads, buffers, lr, momentum, dampening, weight_decay, nesterov, maximize):
    param, grad, buffer = piece(part, parts, params), piece(part, parts, grads), piece(part, parts, buffers)
    for k in range(len(param)):
        step = -grad[k] if maximize else grad[k]
        if weight_decay != 0:
            step += weight_decay * param[k]
        if momentum != 0:
            average = momentum * buffer[k] + (np.float32(1) - dampening) * step
            buffer[k] = average
            step = step + momentum * average if nesterov else average
        param[k] -= lr * step


@compiled(f"f4[::1], {_READ}, f4[::1], f4[::1], f4[::1], f4, f4, f8, f8, f4, f4, b1, b1, b1")
def _adam(
    thread,
    part,
    parts,
    params,
    grads,
    ms,
    vs,
    largest,
    step_size,
    root_correction,
    beta1,
    beta2,
    eps,
    decay,
    decoupled,
    amsgrad,
    maximize,
):
    param, grad = piece(part, parts, params), piece(part, parts, grads)
    m, v, v_max = piece(part, parts, ms), piece(part, parts, vs), piece(part, parts, largest)
    new_m, old_v, root_new_v = np.float32(1 - beta1), np.float32(beta2), np.float32(math.sqrt(1 - beta2))
    for first in range(0, len(param), PIECE):  # a loop over five arrays would not be turned into vector instructions
        here = slice(first, first + PIECE)
        _averages(param[here], grad[here], m[here], v[here], new_m, old_v, root_new_v, decay, decoupled, maximize)
        if amsgrad:
            _maximum(v_max[here], v[here])
        _descend(
            param[here], m[here], v_max[here], step_size, root_correction, eps, decay if decoupled else np.float32(0)
        )


@register_jitable
def _averages(param, grad, m, v, new_m, old_v, root_new_v, decay, decoupled, maximize):
    for k in range(len(param)):
        g = -grad[k] if maximize else grad[k]
        if decay != 0 and not decoupled:
            g += decay * param[k]
        m[k] += new_m * (g - m[k])
        scaled = root_new_v * g  # whose square reaches farther than that of g
        v[k] = old_v * v[k] + scaled * scaled


@register_jitable
def _maximum(v_max, v):
    for k in range(len(v)):
        old, new = v_max[k], v[k]
        v_max[k] = old if old >= new or old != old else new


@register_jitable
def _descend(param, m, v, step_size, root_correction, eps, shrink):
    for k in range(len(param)):
        param[k] = param[k] * (np.float32(1) - shrink) - step_size * (m[k] / (np.sqrt(v[k]) / root_correction + eps))
