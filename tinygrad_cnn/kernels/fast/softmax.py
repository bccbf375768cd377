"""Softmax, its logarithm and cross-entropy, a row at a time, which stays in the cache between its passes.

The greatest of a row is sought, then the powers of all numbers less that are summed, in float64, then each number gets
its result. What is done to a number in each pass is a formula (machinery/pieces.py).

N rows (examples), C classes.
"""

from __future__ import annotations

import math

import numpy as np
from numba.extending import register_jitable

from ...arrays.formulas import trace
from .. import faster
from .machinery import memory
from .machinery.arrays import INT64, readable
from .machinery.compiled import compiled
from .machinery.pieces import piece

PER_NUMBER = 0.7  # nanoseconds
WIDE = 64  # columns
LEAST = 4096  # numbers; NumPy does fewer as fast, but for a cross-entropy, which is many calls


def _takes_softmax(input, dim):
    return readable(input) and input.flags.c_contiguous and input.size >= LEAST


@faster(when=_takes_softmax, pure=True)
def softmax(input, dim):
    return _along(dim, _softmax, _softmax_columns, input)


@faster(when=_takes_softmax, pure=True)
def log_softmax(input, dim):
    return _along(dim, _log_softmax, _log_softmax_columns, input)


def _takes_softmax_back(grad, out, dim):
    return _takes_softmax(out, dim) and readable(grad) and grad.flags.c_contiguous and grad.shape == out.shape


@faster(when=_takes_softmax_back, pure=True)
def softmax_backward(grad, out, dim):
    return _along(dim, _softmax_backward, _backward_columns, grad, out, told=(False,))


@faster(when=_takes_softmax_back, pure=True)
def log_softmax_backward(grad, out, dim):
    return _along(dim, _log_softmax_backward, _backward_columns, grad, out, told=(True,))


def _along(dim, rows, columns, *inputs, told=()):
    """The loop of rows over (-1, C), or that of columns over (before, C, behind), which is also told something."""
    out = memory.empty(inputs[0].shape)
    axis = dim % out.ndim
    shape = -1, out.shape[axis], math.prod(out.shape[axis + 1 :])
    if shape[2] == 1:
        rows(out.size * PER_NUMBER, *[a.reshape(shape[:2]) for a in (*inputs, out)])
    else:
        columns(out.size * PER_NUMBER, *[a.reshape(shape) for a in (*inputs, out)], *told)
    return out


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


# Along another axis than the last: WIDE columns at a time, which stay in the cache until their sums are known.

_PLANES = "Array(f4, 3, 'C', readonly=True)"
_to_greatest = piece(trace(lambda x: x, "f"), ("to max",))
_to_sum = piece(trace(lambda x: x, "f"), ("to sum",))
_powers_to_sum = piece(trace(lambda x, top: np.exp(x - top), "ff"), ("store, to sum",))
_to_sum_of_powers = piece(trace(lambda x, top: np.exp(x - top), "ff"), ("to sum",))
_to_sum_of_weighted = piece(trace(lambda g, out: g * out, "ff"), ("to sum",))


@register_jitable
def _columns(part, parts, shape):
    """The blocks of columns of this part: their range, and how many there are side by side."""
    blocks = (shape[2] + WIDE - 1) // WIDE
    return part * shape[0] * blocks // parts, (part + 1) * shape[0] * blocks // parts, blocks


@register_jitable
def _block(block, blocks, shape):
    """Where a block begins, in bytes, and its columns."""
    first = block % blocks * WIDE
    return (block // blocks * shape[1] * shape[2] + first) * 4, min(WIDE, shape[2] - first)


@register_jitable
def _tops(address, shape, count, sums, top):
    """The greatest number of each column; leaves zeros in the sums."""
    sums[:] = -np.inf
    for c in range(shape[1]):
        _to_greatest(address + c * shape[2] * 4, np.intp(sums.ctypes.data), count)
    top[:] = sums
    sums[:] = 0


@compiled(f"{_PLANES}, f4[:,:,::1]", exact=True)
def _softmax_columns(thread, part, parts, input, out):
    begin, end, step = np.intp(input.ctypes.data), np.intp(out.ctypes.data), input.shape[2] * 4
    sums, top = np.empty(WIDE, np.float64), np.empty(WIDE, np.float32)
    held, totals = np.intp(top.ctypes.data), np.intp(sums.ctypes.data)
    first, last, blocks = _columns(part, parts, input.shape)
    for block in range(first, last):
        offset, count = _block(block, blocks, input.shape)
        _tops(begin + offset, input.shape, count, sums, top)
        for c in range(input.shape[1]):
            at = offset + c * step
            _powers_to_sum(begin + at, held, end + at, totals, count)
        top[:] = 1 / sums
        for c in range(input.shape[1]):
            at = end + offset + c * step
            _times(at, held, at, count)


@compiled(f"{_PLANES}, f4[:,:,::1]", exact=True)
def _log_softmax_columns(thread, part, parts, input, out):
    begin, end, step = np.intp(input.ctypes.data), np.intp(out.ctypes.data), input.shape[2] * 4
    sums, top, logs = np.empty(WIDE, np.float64), np.empty(WIDE, np.float32), np.empty(WIDE, np.float32)
    held, totals, more = np.intp(top.ctypes.data), np.intp(sums.ctypes.data), np.intp(logs.ctypes.data)
    first, last, blocks = _columns(part, parts, input.shape)
    for block in range(first, last):
        offset, count = _block(block, blocks, input.shape)
        _tops(begin + offset, input.shape, count, sums, top)
        for c in range(input.shape[1]):
            _to_sum_of_powers(begin + offset + c * step, held, totals, count)
        logs[:] = np.log(sums)
        for c in range(input.shape[1]):
            at = offset + c * step
            _less(begin + at, held, more, end + at, count)


@compiled(f"{_PLANES}, {_PLANES}, f4[:,:,::1], b1", exact=True)
def _backward_columns(thread, part, parts, grad, out, d_input, of_log):
    """Of the softmax, or of its logarithm."""
    begin, given, end = np.intp(grad.ctypes.data), np.intp(out.ctypes.data), np.intp(d_input.ctypes.data)
    sums, means, step = np.empty(WIDE, np.float64), np.empty(WIDE, np.float32), out.shape[2] * 4
    totals, held = np.intp(sums.ctypes.data), np.intp(means.ctypes.data)
    first, last, blocks = _columns(part, parts, out.shape)
    for block in range(first, last):
        offset, count = _block(block, blocks, out.shape)
        sums[:] = 0
        for c in range(out.shape[1]):
            at = offset + c * step
            if of_log:
                _to_sum(begin + at, totals, count)
            else:
                _to_sum_of_weighted(begin + at, given + at, totals, count)
        means[:] = sums
        for c in range(out.shape[1]):
            at = offset + c * step
            if of_log:
                _less_share(begin + at, given + at, held, end + at, count)
            else:
                _competing(begin + at, given + at, held, end + at, count)


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
