"""Dropout in one pass over memory, sixty-four numbers at a time: drawn, scaled, and noted in as many bits."""

from __future__ import annotations

import math

import numpy as np
from numba.extending import register_jitable

from .. import faster
from .layout import dense
from .machinery import memory
from .machinery.arrays import UINT8, readable
from .machinery.compiled import compiled
from .machinery.philox import drop, drop_again, stirring

UINT64 = np.dtype(np.uint64)
PER_NUMBER, AGAIN = 1.0, 0.3  # nanoseconds
DRAWN = 64  # numbers of a draw


def _in_order(input, axes):
    """Whether it lies in this order, or a loop brings it there: a picture's gradient may be in another one."""
    return input.size > 0 and readable(input) and (input.ndim == 4 or input.transpose(axes).flags.c_contiguous)


def _takes(input, key, p, axes):
    return p > 0 and readable(key, dtype=UINT64) and _in_order(input, axes)


@faster(when=_takes, pure=True)
def dropout(input, key, p, axes):
    x = dense(input.transpose(axes))
    out, kept = memory.empty(x.shape), memory.empty((-(-x.size // DRAWN) * DRAWN // 8,), np.uint8)
    limit = math.ceil(p * 2**32) - 1  # words from p · 2³² on stay
    _dropout(x.size * PER_NUMBER, x.reshape(-1), key, limit, _factor(p), out.reshape(-1), kept)
    return out.transpose(np.argsort(axes)), kept


def _takes_again(input, kept, p, axes):
    return readable(kept, dtype=UINT8) and kept.flags.c_contiguous and _in_order(input, axes)


@faster(when=_takes_again, pure=True)
def dropout_again(input, kept, p, axes):
    x = dense(input.transpose(axes))
    out = memory.empty(x.shape)
    _dropout_again(x.size * AGAIN, x.reshape(-1), kept, _factor(p), out.reshape(-1))
    return out.transpose(np.argsort(axes))


def _factor(p: float) -> np.float32:
    return np.float32(1 / (1 - p) if p < 1 else 0)


_NUMBERS, _KEY = "Array(f4, 1, 'C', readonly=True)", "Array(u8, 1, 'A', readonly=True)"


@register_jitable
def _copy(source, start, to, first, count):
    for k in range(count):
        to[first + k] = source[start + k]


@compiled(f"{_NUMBERS}, {_KEY}, i8, f4, f4[::1], u1[::1]")
def _dropout(thread, part, parts, input, key, limit, factor, out, kept):
    x, to, bits = np.intp(input.ctypes.data), np.intp(out.ctypes.data), np.intp(kept.ctypes.data)
    words = stirring(key[0])
    stir = np.intp(words.ctypes.data)
    draws, whole = len(kept) * 8 // DRAWN, len(out) // DRAWN
    for k in range(part * draws // parts, (part + 1) * draws // parts):
        counter = np.uint64(k * (DRAWN // 4))
        if k < whole:
            drop(stir, counter, limit, bits + k * 8, x + k * DRAWN * 4, factor, to + k * DRAWN * 4)
        else:
            rest = np.zeros(DRAWN, np.float32)
            place = np.intp(rest.ctypes.data)
            _copy(input, k * DRAWN, rest, 0, len(out) - k * DRAWN)
            drop(stir, counter, limit, bits + k * 8, place, factor, place)
            _copy(rest, 0, out, k * DRAWN, len(out) - k * DRAWN)


@compiled(f"{_NUMBERS}, Array(u1, 1, 'C', readonly=True), f4, f4[::1]")
def _dropout_again(thread, part, parts, input, kept, factor, out):
    x, to, bits = np.intp(input.ctypes.data), np.intp(out.ctypes.data), np.intp(kept.ctypes.data)
    draws, whole = len(kept) * 8 // DRAWN, len(out) // DRAWN
    for k in range(part * draws // parts, (part + 1) * draws // parts):
        if k < whole:
            drop_again(bits + k * 8, x + k * DRAWN * 4, factor, to + k * DRAWN * 4)
        else:
            rest = np.zeros(DRAWN, np.float32)
            place = np.intp(rest.ctypes.data)
            _copy(input, k * DRAWN, rest, 0, len(out) - k * DRAWN)
            drop_again(bits + k * 8, place, factor, place)
            _copy(rest, 0, out, k * DRAWN, len(out) - k * DRAWN)
