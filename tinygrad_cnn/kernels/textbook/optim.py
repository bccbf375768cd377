"""The update rules of SGD, Adam and their kin, in place, one parameter after the other.

Each line of a rule holds for every number of the parameter by itself. All is computed in float64, and rounded when it
is written back.
"""

from __future__ import annotations

import numpy as np

from .. import law
from ..settings import AdadeltaSettings, AdagradSettings, AdamSettings, RMSpropSettings, SGDSettings


@law
def sgd(params, grads, buffers, settings: SGDSettings):
    """buffer = momentum·buffer + (1 - dampening)·grad;  param -= lr·buffer        equal shapes, in place

    Without momentum, or where a buffer is None, the gradient itself is the step. With nesterov the step is
    grad + momentum·buffer (Sutskever et al., 2013). weight_decay adds weight_decay·param to the gradient
    beforehand, maximize turns it round.

    >>> param, buffer = np.array([1.0]), np.array([2.0])
    >>> sgd([param], [np.array([3.0])], [buffer], SGDSettings(lr=0.1, momentum=0.5))
    >>> buffer, param
    (array([4.]), array([0.6]))
    """
    lr, momentum, dampening, weight_decay, nesterov, maximize = settings
    for param, grad, buffer in zip(params, grads, buffers, strict=True):
        step = _gradient(param, grad, weight_decay, maximize)
        if momentum and buffer is not None:
            average = momentum * _wide(buffer) + (1 - dampening) * step
            buffer[...] = average
            step = step + momentum * average if nesterov else average
        param[...] = _wide(param) - lr * step


@law
def adam(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, step, settings: AdamSettings):
    """m = β1·m + (1-β1)·grad;  v = β2·v + (1-β2)·grad²;  param -= lr·m̂ / (√v̂ + eps)        equal shapes, in place

    m̂ = m / (1 - β1^step) and v̂ = v / (1 - β2^step) undo the zeros that m and v began with; `step` counts from 1.
    weight_decay is added to the gradient, as in Adam (Kingma and Ba, 2015), or if decoupled shrinks the
    parameter itself, as in AdamW (Loshchilov and Hutter, 2019). With max_exp_avg_sqs, the largest v so far, the
    divisor is that one (amsgrad; Reddi et al., 2018).

    >>> param, m, v = np.array([1.0]), np.zeros(1), np.zeros(1)
    >>> adam([param], [np.array([8.0])], [m], [v], None, 1, AdamSettings(lr=0.1, eps=0.0))
    >>> param  # the first step has length lr, whatever the gradient
    array([0.9])
    """
    lr, beta1, beta2, eps, weight_decay, decoupled, maximize = settings
    for k, (param, grad, m, v) in enumerate(zip(params, grads, exp_avgs, exp_avg_sqs, strict=True)):
        g = _gradient(param, grad, 0 if decoupled else weight_decay, maximize)
        new_m = beta1 * _wide(m) + (1 - beta1) * g
        new_v = beta2 * _wide(v) + (1 - beta2) * g**2
        m[...], v[...] = new_m, new_v
        if max_exp_avg_sqs is not None:
            new_v = np.maximum(_wide(max_exp_avg_sqs[k]), new_v)
            max_exp_avg_sqs[k][...] = new_v
        m_hat, v_hat = new_m / (1 - beta1**step), new_v / (1 - beta2**step)
        kept = _wide(param) * (1 - lr * weight_decay if decoupled else 1)
        param[...] = kept - lr * m_hat / (np.sqrt(v_hat) + eps)


@law
def rmsprop(params, grads, square_avgs, grad_avgs, buffers, settings: RMSpropSettings):
    """v = α·v + (1-α)·grad²;  param -= lr·grad / (√v + eps)        equal shapes, in place (Hinton, 2012)

    With grad_avgs, the square of the average gradient is taken off v, an estimate of the variance (centered; Graves,
    2013). With buffers the quotient is gathered in them: buffer = momentum·buffer + quotient.

    >>> param, v = np.array([1.0]), np.array([16.0])
    >>> rmsprop([param], [np.array([4.0])], [v], None, None, RMSpropSettings(lr=0.5, alpha=0.5, eps=0.0))
    >>> v, param
    (array([16.]), array([0.5]))
    """
    lr, alpha, eps, weight_decay, momentum, maximize = settings
    for k, (param, grad, v) in enumerate(zip(params, grads, square_avgs, strict=True)):
        g = _gradient(param, grad, weight_decay, maximize)
        variance = alpha * _wide(v) + (1 - alpha) * g**2
        v[...] = variance
        if grad_avgs is not None:
            average = alpha * _wide(grad_avgs[k]) + (1 - alpha) * g
            grad_avgs[k][...] = average
            variance = variance - average**2
        step = g / (np.sqrt(variance) + eps)
        if buffers is not None:
            step = momentum * _wide(buffers[k]) + step
            buffers[k][...] = step
        param[...] = _wide(param) - lr * step


@law
def adagrad(params, grads, sums, step, settings: AdagradSettings):
    """sum += grad²;  param -= lr_t·grad / (√sum + eps)        equal shapes, in place (Duchi et al., 2011)

    lr, lr_decay, eps, weight_decay, maximize = settings
    lr_t = lr / (1 + (step - 1)·lr_decay); `step` counts from 1.

    >>> param, total = np.array([1.0]), np.zeros(1)
    >>> adagrad([param], [np.array([8.0])], [total], 1, AdagradSettings(lr=0.1, eps=0.0))
    >>> total, param
    (array([64.]), array([0.9]))
    """
    lr, lr_decay, eps, weight_decay, maximize = settings
    lr_t = lr / (1 + (step - 1) * lr_decay)
    for param, grad, total in zip(params, grads, sums, strict=True):
        g = _gradient(param, grad, weight_decay, maximize)
        new_total = _wide(total) + g**2
        total[...] = new_total
        param[...] = _wide(param) - lr_t * g / (np.sqrt(new_total) + eps)


@law
def adadelta(params, grads, square_avgs, acc_deltas, settings: AdadeltaSettings):
    """v = ρ·v + (1-ρ)·grad²;  Δ = √(u + eps) / √(v + eps)·grad;  u = ρ·u + (1-ρ)·Δ²;  param -= lr·Δ        in place

    The steps so far, u, give the next one its length, so that lr has no unit (Zeiler, 2012).

    >>> param, v, u = np.array([1.0]), np.zeros(1), np.zeros(1)
    >>> adadelta([param], [np.array([2.0])], [v], [u], AdadeltaSettings(lr=1.0, rho=0.75, eps=0.0))
    >>> v, param  # the first step waits for eps
    (array([1.]), array([1.]))
    """
    lr, rho, eps, weight_decay, maximize = settings
    for param, grad, v, u in zip(params, grads, square_avgs, acc_deltas, strict=True):
        g = _gradient(param, grad, weight_decay, maximize)
        new_v = rho * _wide(v) + (1 - rho) * g**2
        delta = np.sqrt(_wide(u) + eps) / np.sqrt(new_v + eps) * g
        v[...], u[...] = new_v, rho * _wide(u) + (1 - rho) * delta**2
        param[...] = _wide(param) - lr * delta


def _gradient(param, grad, weight_decay, maximize):
    """The gradient of what is really minimised: turned round to maximize, with weight_decay/2·param² added."""
    g = -_wide(grad) if maximize else _wide(grad)
    return g + weight_decay * _wide(param) if weight_decay else g


def _wide(x):
    return x.astype(np.result_type(x, np.float64))
