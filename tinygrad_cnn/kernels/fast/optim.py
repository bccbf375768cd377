"""The update rules, all parameters of a group in one loop: each number read and written once.

A rule is a formula, with the steps of numpy/optim.py in the same order, so that the results are the same bits. What
a rule may be told to leave out is left out by `np.where`: that costs nothing beside the memory that is read.

The numbers of all parameters are counted through, and each part takes its share of them, wherever parameters begin and
end. A group with a parameter that is not dense, has another dtype than float32 or shares memory with another one is
left to NumPy.
"""

from __future__ import annotations

import math
import threading

import numpy as np
from numba.extending import register_jitable

from ...arrays.formulas import trace
from .. import faster
from .machinery.compiled import compiled
from .machinery.headers import table_of
from .machinery.pieces import piece

PER_NUMBER = 0.25  # nanoseconds, for each array
_TABLE = "i8[:, ::1]"


class _Found(threading.local):
    """The table that a guard has made of these lists, for the kernel, which is called next with the same ones."""

    lists: tuple = ()
    table: np.ndarray | None = None


_found = _Found()


def _take(*lists) -> bool:
    _found.lists, _found.table = lists, table_of(*lists)
    return _found.table is not None


def _update(loop, lists, *told) -> None:
    """Run the loop of a rule over these lists of arrays."""
    found, _found.lists = _found.lists, ()
    table = _found.table if [*map(id, found)] == [*map(id, lists)] else table_of(*lists)
    loop(int(table[-1, 0]) * len(lists) * PER_NUMBER, table, *told, holding=lists)


def _takes_sgd(params, grads, buffers, settings):
    return _take(params, grads, buffers) if settings.momentum else _take(params, grads)


@faster(when=_takes_sgd, pure=True)
def sgd(params, grads, buffers, settings):
    lr, momentum, dampening, decay, nesterov, maximize = settings
    lists = (params, grads, buffers) if momentum else (params, grads)
    _update(_sgd, lists, lr, momentum, 1 - dampening, decay, nesterov, -1 if maximize else 1)


def _takes_adam(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, step, settings):
    lists = params, grads, exp_avgs, exp_avg_sqs
    return _take(*lists) if max_exp_avg_sqs is None else _take(*lists, max_exp_avg_sqs)


@faster(when=_takes_adam, pure=True)
def adam(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, step, settings):
    lr, beta1, beta2, eps, decay, decoupled, maximize = settings
    lists = params, grads, exp_avgs, exp_avg_sqs
    lists = lists if max_exp_avg_sqs is None else (*lists, max_exp_avg_sqs)
    shrunk, decay = (1 - lr * decay, 0) if decoupled else (1, decay)
    step_size, root_correction = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
    told = step_size, root_correction, 1 - beta1, beta2, 1 - beta2, eps, shrunk, decay, -1 if maximize else 1
    _update(_adam, lists, tuple(map(float, told)))


def _lists_of_rmsprop(params, grads, square_avgs, grad_avgs, buffers):
    return tuple([arrays for arrays in (params, grads, square_avgs, grad_avgs, buffers) if arrays is not None])


def _takes_rmsprop(params, grads, square_avgs, grad_avgs, buffers, settings):
    return _take(*_lists_of_rmsprop(params, grads, square_avgs, grad_avgs, buffers))


@faster(when=_takes_rmsprop, pure=True)
def rmsprop(params, grads, square_avgs, grad_avgs, buffers, settings):
    lr, alpha, eps, decay, momentum, maximize = settings
    lists = _lists_of_rmsprop(params, grads, square_avgs, grad_avgs, buffers)
    told = lr, alpha, 1 - alpha, eps, decay, momentum, -1 if maximize else 1
    _update(_rmsprop, lists, grad_avgs is not None, buffers is not None, tuple(map(float, told)))


def _takes_adagrad(params, grads, sums, step, settings):
    return _take(params, grads, sums)


@faster(when=_takes_adagrad, pure=True)
def adagrad(params, grads, sums, step, settings):
    lr, lr_decay, eps, decay, maximize = settings
    lr_t = lr / (1 + (step - 1) * lr_decay)
    _update(_adagrad, (params, grads, sums), lr_t, eps, decay, -1 if maximize else 1)


def _takes_adadelta(params, grads, square_avgs, acc_deltas, settings):
    return _take(params, grads, square_avgs, acc_deltas)


@faster(when=_takes_adadelta, pure=True)
def adadelta(params, grads, square_avgs, acc_deltas, settings):
    lr, rho, eps, decay, maximize = settings
    lists = params, grads, square_avgs, acc_deltas
    _update(_adadelta, lists, lr, rho, 1 - rho, eps, decay, -1 if maximize else 1)


# The rules: what becomes of one number of each array that is written to. Yes and no are told as 1 and 0.


def _effective(param, grad, decay, sign):
    grad = sign * grad
    return np.where(decay != 0, grad + decay * param, grad)


def _without_momentum(param, grad, lr, decay, sign):
    return param - lr * _effective(param, grad, decay, sign)


def _with_momentum(param, grad, buffer, lr, momentum, fresh, decay, nesterov, sign):
    grad = _effective(param, grad, decay, sign)
    buffer = buffer * momentum + fresh * grad
    return param - lr * np.where(nesterov != 0, grad + momentum * buffer, buffer), buffer


def _adam_of(param, grad, m, v, v_max, step_size, root_correction, new_m, old_v, new_v, eps, shrunk, decay, sign):
    param = param * shrunk
    grad = _effective(param, grad, decay, sign)
    m = m + new_m * (grad - m)
    v = v * old_v + new_v * grad * grad
    largest = () if v_max is None else (np.maximum(v_max, v),)
    divisor = np.sqrt(*largest or (v,)) / root_correction + eps
    return param - m / divisor * step_size, m, v, *largest


def _rmsprop_of(param, grad, v, average, buffer, lr, old, new, eps, decay, momentum, sign):
    grad = _effective(param, grad, decay, sign)
    v = v * old + new * grad * grad
    divisor, kept = v, [v]
    if average is not None:
        average = average + new * (grad - average)
        divisor = v - average * average
        kept.append(average)
    step = grad / (np.sqrt(divisor) + eps)
    if buffer is not None:
        step = buffer * momentum + step
        kept.append(step)
    return param - lr * step, *kept


def _adagrad_of(param, grad, total, lr, eps, decay, sign):
    grad = _effective(param, grad, decay, sign)
    total = total + grad * grad
    return param - lr * (grad / (np.sqrt(total) + eps)), total


def _adadelta_of(param, grad, v, u, lr, old, new, eps, decay, sign):
    grad = _effective(param, grad, decay, sign)
    v = v * old + new * grad * grad
    delta = np.sqrt(u + eps) / np.sqrt(v + eps) * grad
    return param - lr * delta, v, u * old + new * delta * delta


def _rule(f, numbers: int, results: int):
    """What does a rule of so many numbers, arrays and scalars, to runs of memory."""
    return piece(trace(f, "f" * numbers), ("store",) * results)


_plain, _momentum = _rule(_without_momentum, 5, 1), _rule(_with_momentum, 9, 2)
_adam_plain = _rule(lambda p, g, m, v, *told: _adam_of(p, g, m, v, None, *told), 13, 3)
_adam_largest = _rule(_adam_of, 14, 4)
_rmsprop_plain = _rule(lambda p, g, v, *told: _rmsprop_of(p, g, v, None, None, *told), 10, 2)
_rmsprop_gathered = _rule(lambda p, g, v, b, *told: _rmsprop_of(p, g, v, None, b, *told), 11, 3)
_rmsprop_centered = _rule(lambda p, g, v, a, *told: _rmsprop_of(p, g, v, a, None, *told), 11, 3)
_rmsprop_both = _rule(_rmsprop_of, 12, 4)
_adagrad_rule, _adadelta_rule = _rule(_adagrad_of, 7, 2), _rule(_adadelta_of, 10, 3)


# The loops: each part of all the numbers is cut where parameters end.


@register_jitable
def _within(part, parts, table, k):
    """How many numbers of row k are in this part, and how many bytes of it come before."""
    total, first = table[len(table) - 1, 0], table[k, 0]
    begin, end = max(first, part * total // parts), min(table[k + 1, 0], (part + 1) * total // parts)
    return end - begin, 4 * (begin - first)


@compiled(f"{_TABLE}, f4, f4, f4, f4, f4, f4", exact=True)
def _sgd(thread, part, parts, table, lr, momentum, fresh, decay, nesterov, sign):
    for k in range(len(table) - 1):
        count, skip = _within(part, parts, table, k)
        if count > 0:
            param, grad = table[k, 1] + skip, table[k, 2] + skip
            if table.shape[1] == 3:
                _plain(param, grad, lr, decay, sign, param, count)
            else:
                buffer = table[k, 3] + skip
                _momentum(param, grad, buffer, lr, momentum, fresh, decay, nesterov, sign, param, buffer, count)


@compiled(f"{_TABLE}, UniTuple(f4, 9)", exact=True)
def _adam(thread, part, parts, table, told):
    for k in range(len(table) - 1):
        count, skip = _within(part, parts, table, k)
        if count > 0:
            param, grad, m, v = table[k, 1] + skip, table[k, 2] + skip, table[k, 3] + skip, table[k, 4] + skip
            if table.shape[1] == 5:
                _adam_plain(param, grad, m, v, *told, param, m, v, count)
            else:
                largest = table[k, 5] + skip
                _adam_largest(param, grad, m, v, largest, *told, param, m, v, largest, count)


@compiled(f"{_TABLE}, b1, b1, UniTuple(f4, 7)", exact=True)
def _rmsprop(thread, part, parts, table, centered, gathered, told):
    for k in range(len(table) - 1):
        count, skip = _within(part, parts, table, k)
        if count > 0:
            param, grad, v = table[k, 1] + skip, table[k, 2] + skip, table[k, 3] + skip
            fourth, last = table[k, min(4, table.shape[1] - 1)] + skip, table[k, table.shape[1] - 1] + skip
            if centered and gathered:
                _rmsprop_both(param, grad, v, fourth, last, *told, param, v, fourth, last, count)
            elif centered:
                _rmsprop_centered(param, grad, v, fourth, *told, param, v, fourth, count)
            elif gathered:
                _rmsprop_gathered(param, grad, v, fourth, *told, param, v, fourth, count)
            else:
                _rmsprop_plain(param, grad, v, *told, param, v, count)


@compiled(f"{_TABLE}, f4, f4, f4, f4", exact=True)
def _adagrad(thread, part, parts, table, lr, eps, decay, sign):
    for k in range(len(table) - 1):
        count, skip = _within(part, parts, table, k)
        if count > 0:
            param, grad, total = table[k, 1] + skip, table[k, 2] + skip, table[k, 3] + skip
            _adagrad_rule(param, grad, total, lr, eps, decay, sign, param, total, count)


@compiled(f"{_TABLE}, f4, f4, f4, f4, f4, f4", exact=True)
def _adadelta(thread, part, parts, table, lr, old, new, eps, decay, sign):
    for k in range(len(table) - 1):
        count, skip = _within(part, parts, table, k)
        if count > 0:
            param, grad, v, u = table[k, 1] + skip, table[k, 2] + skip, table[k, 3] + skip, table[k, 4] + skip
            _adadelta_rule(param, grad, v, u, lr, old, new, eps, decay, sign, param, v, u, count)
