"""Sums over axes, on all threads and in float64: as fast as memory, and right to the last digit.

An array that is dense in memory, in whatever order of its axes, is seen as leading, kept and trailing axes, of which
the leading and the trailing ones are added up: (before, kept, behind). Runs of numbers are summed in registers, rows
that lie one behind the other are added to a row of sums. The partial sums depend on the shape alone, not on the number
of threads, and so does the result.
"""

from __future__ import annotations

import numpy as np

from ...arrays.formulas import trace
from .. import faster
from .machinery import memory
from .machinery.arrays import readable
from .machinery.compiled import compiled
from .machinery.pieces import piece

BIG = 32_768  # numbers; NumPy adds fewer as fast
PER_NUMBER = 0.1  # nanoseconds
RUN, SLABS = 16_384, 16  # numbers of a long run that are summed at a time, parts of a column
WIDE = 4096  # columns


def _takes(input, axes, keepdims):
    if input.size < BIG or not axes or not readable(input) or (seen := _shape(input, axes)) is None:
        return False
    _, kept, behind = seen
    return behind > 1 or kept <= WIDE  # a row of sums in float64 is to stay in the cache


def _shape(input: np.ndarray, axes: tuple[int, ...]) -> tuple[int, int, int] | None:
    """(before, kept, behind) of an array that is dense, and whose kept axes lie together; else None."""
    order = _order(input)
    if not input.transpose(order).flags.c_contiguous:
        return None
    numbers = [1, 1, 1]
    place = 0
    for axis in order:
        n = input.shape[axis]
        if n == 1:
            continue
        if axis in axes:
            place = 2 if place == 1 else place
        elif place == 2:
            return None
        else:
            place = 1
        numbers[place] *= n
    return numbers[0], numbers[1], numbers[2]


def _order(input: np.ndarray) -> list[int]:
    """The axes from the slowest to the fastest in memory."""
    if input.flags.c_contiguous:
        return list(range(input.ndim))
    return sorted(range(input.ndim), key=lambda axis: -abs(input.strides[axis]))


@faster(when=_takes, pure=True)
def sum(input, axes, keepdims):
    order = _order(input)
    before, kept, behind = _shape(input, axes)
    x, nanoseconds = input.transpose(order).reshape(-1), input.size * PER_NUMBER
    if kept == 1:
        partial = memory.empty((-(-x.size // RUN), 1), np.float64)
        _run_sums(nanoseconds, x, partial.reshape(-1))
    elif behind > 1:
        partial = memory.empty((before, kept), np.float64)
        _row_sums(nanoseconds, x.reshape(-1, behind), partial.reshape(-1))
    else:
        partial = memory.empty((min(before, SLABS), kept), np.float64)
        _column_sums(nanoseconds, x.reshape(before, kept), partial)
    out = np.empty(kept, np.float32)
    _joined(partial.size, partial, out)
    left = [axis for axis in order if axis not in axes]
    out = out.reshape([input.shape[axis] for axis in left]).transpose(np.argsort(left))
    return out.reshape([1 if i in axes else n for i, n in enumerate(input.shape)]) if keepdims else out


_sum = piece(trace(lambda x: x, "f"), ("sum",))
_add = piece(trace(lambda x: x, "f"), ("add",))
_NUMBERS = "Array(f4, 1, 'C', readonly=True)"
_ROWS = "Array(f4, 2, 'C', readonly=True)"


@compiled(f"{_NUMBERS}, f8[::1]", exact=True)
def _run_sums(thread, part, parts, x, sums):
    """Σ x of each RUN numbers."""
    begin, runs = np.intp(x.ctypes.data), len(sums)
    for k in range(part * runs // parts, (part + 1) * runs // parts):
        sums[k] = _sum(begin + k * RUN * 4, min(RUN, len(x) - k * RUN))


@compiled(f"{_ROWS}, f8[::1]", exact=True)
def _row_sums(thread, part, parts, x, sums):
    begin, (M, K) = np.intp(x.ctypes.data), x.shape
    for m in range(part * M // parts, (part + 1) * M // parts):
        sums[m] = _sum(begin + m * K * 4, K)


@compiled(f"{_ROWS}, f8[:,::1]", exact=True)
def _column_sums(thread, part, parts, x, sums):
    """Of each slab of rows and each column: Σ x."""
    begin, (M, K), slabs = np.intp(x.ctypes.data), x.shape, len(sums)
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        sums[slab] = 0
        to = np.intp(sums.ctypes.data) + slab * K * 8
        for m in range(slab * M // slabs, (slab + 1) * M // slabs):
            _add(begin + m * K * 4, to, K)


@compiled("f8[:,::1], f4[::1]", exact=True)
def _joined(thread, part, parts, sums, out):
    """The sum of each column, rounded once."""
    K = len(out)
    for k in range(part * K // parts, (part + 1) * K // parts):
        total = 0.0
        for row in range(len(sums)):
            total += sums[row, k]
        out[k] = total
