"""Cross-entropy of a batch in one pass a row, there and back.

NumPy needs eight calls for it, which for the batch of a small network take longer than the numbers. Where there
are many numbers its exp, made of vector instructions, is the quicker one: then this declines.

N rows (examples), C classes.
"""

from __future__ import annotations

import math

import numpy as np

from .. import faster
from .machinery.arrays import INT64, readable
from .machinery.compiled import compiled

FEW = 20_000  # numbers
PER_NUMBER = 6  # nanoseconds


def _takes(input, target):
    return 0 < input.size <= FEW and readable(input) and readable(target, dtype=INT64) and input.flags.c_contiguous


@faster(when=_takes)
def cross_entropy(input, target):
    losses, highest, powers = np.empty((3, len(input)), np.float32)
    _cross_entropy(input.size * PER_NUMBER, input, target, losses, highest, powers)
    return losses, highest, powers


def _takes_back(grad, input, highest, powers, target):
    return _takes(input, target) and readable(grad, highest, powers)


@faster(when=_takes_back)
def cross_entropy_backward(grad, input, highest, powers, target):
    d_input = np.empty(input.shape, np.float32)
    _cross_entropy_backward(input.size * PER_NUMBER, grad, input, highest, powers, target, d_input)
    return d_input


_ROWS, _ROW = "Array(f4, 2, 'C', readonly=True)", "Array(f4, 1, 'A', readonly=True)"
_TARGET = "Array(i8, 1, 'A', readonly=True)"


@compiled(f"{_ROWS}, {_TARGET}, f4[::1], f4[::1], f4[::1]")
def _cross_entropy(thread, part, parts, input, target, losses, highest, powers):
    N, C = input.shape
    for n in range(part * N // parts, (part + 1) * N // parts):
        row, top = input[n], np.float32(-np.inf)
        for c in range(C):
            top = row[c] if row[c] > top or row[c] != row[c] else top
        total = 0.0
        for c in range(C):
            total += math.exp(row[c] - top)
        highest[n], powers[n] = top, total
        below = row[target[n]] - top  # narrower than the logarithm, so that the two differences are not joined
        losses[n] = math.log(total) - below


@compiled(f"{_ROW}, {_ROWS}, {_ROW}, {_ROW}, {_TARGET}, f4[:,::1]")
def _cross_entropy_backward(thread, part, parts, grad, input, highest, powers, target, d_input):
    N, C = input.shape
    for n in range(part * N // parts, (part + 1) * N // parts):
        scale, row = np.float32(1) / powers[n], d_input[n]
        for c in range(C):
            row[c] = math.exp(input[n, c] - highest[n]) * scale
        row[target[n]] -= np.float32(1)
        for c in range(C):
            row[c] *= grad[n]
