"""Softmax, its logarithm and cross-entropy, a row at a time, which stays in the cache between its passes.

The greatest of a row is sought, then the powers of all numbers less that are summed, in float64, then each number gets
its result. What is done to a number in each pass is a formula (machinery/pieces.py).

N rows (examples), C classes.
"""

from __future__ import annotations

import math

import numpy as np

from ...arrays.formulas import trace
from .. import faster
from .machinery import memory
from .machinery.arrays import INT64, readable
from .machinery.compiled import compiled
from .machinery.pieces import piece

PER_NUMBER = 0.7  # nanoseconds
LEAST = 4096  # numbers; NumPy does fewer as fast, but for a cross-entropy, which is many calls


def _in_rows(input, dim):
    return readable(input) and input.flags.c_contiguous and input.size >= LEAST and dim % input.ndim == input.ndim - 1


@faster(when=_in_rows, pure=True)
def softmax(input, dim):
    out = memory.empty(input.shape)
    rows = input.shape[-1]
    _softmax(input.size * PER_NUMBER, input.reshape(-1, rows), out.reshape(-1, rows))
    return out


@faster(when=_in_rows, pure=True)
def log_softmax(input, dim):
    out = memory.empty(input.shape)
    rows = input.shape[-1]
    _log_softmax(input.size * PER_NUMBER, input.reshape(-1, rows), out.reshape(-1, rows))
    return out


def _both_in_rows(grad, out, dim):
    return _in_rows(out, dim) and readable(grad) and grad.flags.c_contiguous and grad.shape == out.shape


@faster(when=_both_in_rows, pure=True)
def softmax_backward(grad, out, dim):
    return _back(_softmax_backward, grad, out)


@faster(when=_both_in_rows, pure=True)
def log_softmax_backward(grad, out, dim):
    return _back(_log_softmax_backward, grad, out)


def _back(loop, grad, out):
    d_input = memory.empty(out.shape)
    rows = out.shape[-1]
    loop(out.size * PER_NUMBER, *(a.reshape(-1, rows) for a in (grad, out, d_input)))
    return d_input


def _takes(input, target):
    return input.size > 0 and readable(input) and readable(target, dtype=INT64) and input.flags.c_contiguous


@faster(when=_takes, pure=True)
def cross_entropy(input, target):
    losses, highest, powers = (memory.empty((len(input),)) for _ in range(3))
    _cross_entropy(input.size * PER_NUMBER, input, target, losses, highest, powers)
    return losses, highest, powers


def _takes_back(grad, input, highest, powers, target):
    return _takes(input, target) and readable(grad, highest, powers)


@faster(when=_takes_back, pure=True)
def cross_entropy_backward(grad, input, highest, powers, target):
    d_input = memory.empty(input.shape)
    _cross_entropy_backward(input.size * PER_NUMBER, grad, input, highest, powers, target, d_input)
    return d_input


_ROWS, _ROW = "Array(f4, 2, 'C', readonly=True)", "Array(f4, 1, 'A', readonly=True)"
_TARGET = "Array(i8, 1, 'A', readonly=True)"

_greatest = piece(trace(lambda x: x, "f"), ("max",))
_summed_powers = piece(trace(lambda x, top: np.exp(x - top), "ff"), ("sum",))
_powers = piece(trace(lambda x, top: np.exp(x - top), "ff"), ("store, sum",))
_times = piece(trace(lambda x, factor: x * factor, "ff"))
_less = piece(trace(lambda x, top, more: (x - top) - more, "fff"))
_shares = piece(trace(lambda x, top, share: np.exp(x - top) * share, "fff"))
_sum = piece(trace(lambda x: x, "f"), ("sum",))
_weighted = piece(trace(lambda g, out: g * out, "ff"), ("sum",))
_competing = piece(trace(lambda g, out, mean: out * (g - mean), "fff"))
_less_share = piece(trace(lambda g, out, total: g - np.exp(out) * total, "fff"))


@compiled(f"{_ROWS}, f4[:,::1]", exact=True)
def _softmax(thread, part, parts, input, out):
    N, C = input.shape
    begin, end = np.intp(input.ctypes.data), np.intp(out.ctypes.data)
    for n in range(part * N // parts, (part + 1) * N // parts):
        row, to = begin + n * C * 4, end + n * C * 4
        total = _powers(row, _greatest(row, C), to, C)
        _times(to, np.float32(1 / total), to, C)


@compiled(f"{_ROWS}, f4[:,::1]", exact=True)
def _log_softmax(thread, part, parts, input, out):
    N, C = input.shape
    begin, end = np.intp(input.ctypes.data), np.intp(out.ctypes.data)
    for n in range(part * N // parts, (part + 1) * N // parts):
        row, to = begin + n * C * 4, end + n * C * 4
        top = _greatest(row, C)
        _less(row, top, np.float32(math.log(_summed_powers(row, top, C))), to, C)


@compiled(f"{_ROWS}, {_ROWS}, f4[:,::1]", exact=True)
def _softmax_backward(thread, part, parts, grad, out, d_input):
    N, C = out.shape
    begin, given, end = np.intp(grad.ctypes.data), np.intp(out.ctypes.data), np.intp(d_input.ctypes.data)
    for n in range(part * N // parts, (part + 1) * N // parts):
        g, row = begin + n * C * 4, given + n * C * 4
        _competing(g, row, np.float32(_weighted(g, row, C)), end + n * C * 4, C)


@compiled(f"{_ROWS}, {_ROWS}, f4[:,::1]", exact=True)
def _log_softmax_backward(thread, part, parts, grad, out, d_input):
    N, C = out.shape
    begin, given, end = np.intp(grad.ctypes.data), np.intp(out.ctypes.data), np.intp(d_input.ctypes.data)
    for n in range(part * N // parts, (part + 1) * N // parts):
        g = begin + n * C * 4
        _less_share(g, given + n * C * 4, np.float32(_sum(g, C)), end + n * C * 4, C)


@compiled(f"{_ROWS}, {_TARGET}, f4[::1], f4[::1], f4[::1]", exact=True)
def _cross_entropy(thread, part, parts, input, target, losses, highest, powers):
    N, C = input.shape
    begin = np.intp(input.ctypes.data)
    for n in range(part * N // parts, (part + 1) * N // parts):
        row = begin + n * C * 4
        top = _greatest(row, C)
        total = _summed_powers(row, top, C)
        highest[n], powers[n] = top, total
        losses[n] = math.log(total) - (input[n, target[n]] - top)


@compiled(f"{_ROW}, {_ROWS}, {_ROW}, {_ROW}, {_TARGET}, f4[:,::1]", exact=True)
def _cross_entropy_backward(thread, part, parts, grad, input, highest, powers, target, d_input):
    N, C = input.shape
    begin, end = np.intp(input.ctypes.data), np.intp(d_input.ctypes.data)
    for n in range(part * N // parts, (part + 1) * N // parts):
        to, c = end + n * C * 4, target[n]
        own = np.exp(input[n, c] - highest[n]) / powers[n] - np.float32(1)
        _shares(begin + n * C * 4, highest[n], np.float32(grad[n] / powers[n]), to, C)
        d_input[n, c] = np.float32(own * grad[n])
