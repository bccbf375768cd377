"""Reductions over axes, on all threads and in float64: as fast as memory, and right to the last digit.

An array that is dense in memory, in whatever order of its axes, is seen as leading, kept and trailing axes, of which
the leading and the trailing ones are reduced: (before, kept, behind). Runs of numbers are folded in registers, rows
that lie one behind the other are joined to a row of results. The partial results depend on the shape alone, not on the
number of threads, and so does what is made of them.

A variance is made of the means of such parts and the squared distances from them; a part is in the cache when it is
read again (Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979).

Where rows are added at places, as in the gradient of an embedding, each thread takes some columns of all of them.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

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
BAND = 32  # columns that are one thread's


def _is_dense(input: np.ndarray, axes: tuple[int, ...]) -> bool:
    if input.size < BIG or not axes or not readable(input) or (seen := _shape(input, axes)) is None:
        return False
    _, kept, behind = seen
    return behind > 1 or kept <= WIDE  # a row of sums in float64 is to stay in the cache


def _takes(input, axes, keepdims):
    return _is_dense(input, axes)


def _takes_fold(input, how, axes, keepdims):
    return _is_dense(input, axes)


def _takes_variance(input, axes, freedom, root, keepdims):
    return _is_dense(input, axes)


def _takes_rows(values, places, count):
    """Rows of some length, for which most places get one."""
    return (
        readable(values)
        and values.flags.c_contiguous
        and values.size >= len(places) * BAND > 0
        and (places.dtype, places.flags.c_contiguous, places.flags.aligned) == (np.int64, True, True)
        and len(places) >= count // 4
    )


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
    return fold(input, "sum", axes, keepdims)


@faster(when=_takes_fold, pure=True)
def fold(input, how, axes, keepdims):
    x, (before, kept, behind) = _flat(input), _shape(input, axes)
    word, nanoseconds = WORDS.index(how), x.size * PER_NUMBER
    if kept == 1 or behind > 1:
        length = min(RUN, x.size) if kept == 1 else behind
        partial = memory.empty((-(-x.size // length) // kept, kept), np.float64)
        _fold_runs(nanoseconds, word, x, length, partial.reshape(-1))
    else:
        partial = memory.empty((min(before, SLABS), kept), np.float64)
        _fold_columns(nanoseconds, word, x.reshape(before, kept), partial)
    out = memory.empty((kept,))
    _joined(partial.size, word, partial, out)
    return _placed(out, input, axes, keepdims)


@faster(when=_takes_variance, pure=True)
def variance(input, axes, freedom, root, keepdims):
    x, (before, kept, behind) = _flat(input), _shape(input, axes)
    nanoseconds = 2 * x.size * PER_NUMBER
    if kept == 1 or behind > 1:
        length = min(RUN, x.size) if kept == 1 else behind
        means, apart = (memory.empty((-(-x.size // length) // kept, kept), np.float64) for _ in range(2))
        ends = np.minimum(np.arange(len(means) + 1) * length, x.size)
        _moments_of_runs(nanoseconds, x, length, means.reshape(-1), apart.reshape(-1))
    else:
        means, apart = (memory.empty((min(before, SLABS), kept), np.float64) for _ in range(2))
        ends = np.arange(len(means) + 1) * before // len(means)
        _moments_of_columns(nanoseconds, x.reshape(before, kept), means, apart)
    out = memory.empty((kept,))
    _joined_moments(means.size, means, apart, ends, float(freedom), root, out)
    return _placed(out, input, axes, keepdims)


@faster(when=_takes_rows, pure=True)
def sums_at(values, places, count):
    rows = values.reshape(len(places), -1)
    shape = count, rows.shape[1]
    sums, out = memory.empty(shape, np.float64), memory.empty(shape)
    _sums_at(values.size * 2 * PER_NUMBER, rows, places, sums, out)
    return out.reshape(count, *values.shape[1:])


def _flat(input: np.ndarray) -> np.ndarray:
    """All numbers in the order in which they lie in memory."""
    return input.transpose(_order(input)).reshape(-1)


def _placed(out: np.ndarray, input: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """What became of the kept axes, in their order in the input."""
    left = [axis for axis in _order(input) if axis not in axes]
    out = out.reshape([input.shape[axis] for axis in left]).transpose(np.argsort(left))
    return out.reshape([1 if i in axes else n for i, n in enumerate(input.shape)]) if keepdims else out


WORDS = "sum", "squares", "prod", "max", "min"
_itself, _apart = trace(lambda x: x, "f"), trace(lambda x, mean: x - mean, "ff")
_sum, _squares, _prod, _max, _min = (piece(_itself, (word,)) for word in WORDS)
_to_sum, _to_squares, _to_prod, _to_max, _to_min = (piece(_itself, ("to " + word,)) for word in WORDS)
_moments, _to_moments = piece(_apart, ("sum, squares",)), piece(_apart, ("to sum, to squares",))
_NUMBERS = "Array(f4, 1, 'C', readonly=True)"
_ROWS = "Array(f4, 2, 'C', readonly=True)"


@register_jitable
def _folded(word, address, count):
    if word == 0:
        return _sum(address, count)
    if word == 1:
        return _squares(address, count)
    if word == 2:
        return _prod(address, count)
    return np.float64(_max(address, count) if word == 3 else _min(address, count))


@register_jitable
def _fold_to(word, address, to, count):
    if word == 0:
        _to_sum(address, to, count)
    elif word == 1:
        _to_squares(address, to, count)
    elif word == 2:
        _to_prod(address, to, count)
    elif word == 3:
        _to_max(address, to, count)
    else:
        _to_min(address, to, count)


@register_jitable
def _of_nothing(word):
    return 0.0 if word < 2 else 1.0 if word == 2 else -np.inf if word == 3 else np.inf


@compiled(f"i8, {_NUMBERS}, i8, f8[::1]", exact=True)
def _fold_runs(thread, part, parts, word, x, length, out):
    """Of each run of so many numbers, of which the last may be shorter."""
    begin, runs = np.intp(x.ctypes.data), len(out)
    for k in range(part * runs // parts, (part + 1) * runs // parts):
        out[k] = _folded(word, begin + k * length * 4, min(length, len(x) - k * length))


@compiled(f"i8, {_ROWS}, f8[:,::1]", exact=True)
def _fold_columns(thread, part, parts, word, x, out):
    """Of each slab of rows, and each column."""
    begin, (M, K), slabs = np.intp(x.ctypes.data), x.shape, len(out)
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        out[slab] = _of_nothing(word)
        to = np.intp(out.ctypes.data) + slab * K * 8
        for m in range(slab * M // slabs, (slab + 1) * M // slabs):
            _fold_to(word, begin + m * K * 4, to, K)


@compiled("i8, f8[:,::1], f4[::1]", exact=True)
def _joined(thread, part, parts, word, partial, out):
    """What the parts of each column give together, rounded once."""
    K = len(out)
    for k in range(part * K // parts, (part + 1) * K // parts):
        whole = _of_nothing(word)
        for row in range(len(partial)):
            value = partial[row, k]
            if word < 2:
                whole += value
            elif word == 2:
                whole *= value
            elif np.isnan(value) or (word == 3 and value > whole) or (word == 4 and value < whole):
                whole = value
        out[k] = whole


@compiled(f"{_ROWS}, Array(i8, 1, 'C', readonly=True), f8[:,::1], f4[:,::1]", pieces=1, exact=True)
def _sums_at(thread, part, parts, values, places, sums, out):
    count, K = sums.shape
    bands = (K + BAND - 1) // BAND
    begin, end = part * bands // parts * BAND, min((part + 1) * bands // parts * BAND, K)
    sums[:, begin:end] = 0
    first, to = np.intp(values.ctypes.data) + begin * 4, np.intp(sums.ctypes.data) + begin * 8
    for i in range(len(places)):
        place = places[i]
        if not 0 <= place < count:
            raise IndexError
        _to_sum(first + i * K * 4, to + place * K * 8, end - begin)
    out[:, begin:end] = sums[:, begin:end]


@compiled(f"{_NUMBERS}, i8, f8[::1], f8[::1]", exact=True)
def _moments_of_runs(thread, part, parts, x, length, means, apart):
    """Of each run: the mean, and the sum of the squared distances from it."""
    begin, runs = np.intp(x.ctypes.data), len(means)
    for k in range(part * runs // parts, (part + 1) * runs // parts):
        address, count = begin + k * length * 4, min(length, len(x) - k * length)
        about = np.float32(_sum(address, count) / count)
        rest, squares = _moments(address, about, count)
        means[k], apart[k] = about + rest / count, squares - rest * rest / count


@compiled(f"{_ROWS}, f8[:,::1], f8[:,::1]", exact=True)
def _moments_of_columns(thread, part, parts, x, means, apart):
    """The same of each slab of rows and each column."""
    begin, (M, K), slabs = np.intp(x.ctypes.data), x.shape, len(means)
    about = np.empty(K, np.float32)
    shift = np.intp(about.ctypes.data)
    for slab in range(part * slabs // parts, (part + 1) * slabs // parts):
        first, last = slab * M // slabs, (slab + 1) * M // slabs
        to, beside = np.intp(means.ctypes.data) + slab * K * 8, np.intp(apart.ctypes.data) + slab * K * 8
        means[slab], apart[slab] = 0, 0
        for m in range(first, last):
            _to_sum(begin + m * K * 4, to, K)
        for k in range(K):
            about[k] = means[slab, k] / (last - first)
        means[slab] = 0
        for m in range(first, last):
            _to_moments(begin + m * K * 4, shift, to, beside, K)
        for k in range(K):
            rest = means[slab, k]
            apart[slab, k] -= rest * rest / (last - first)
            means[slab, k] = about[k] + rest / (last - first)


@compiled("f8[:,::1], f8[:,::1], i8[::1], f8, b1, f4[::1]", exact=True)
def _joined_moments(thread, part, parts, means, apart, ends, freedom, root, out):
    """Σ (x - mean)² / freedom of each column, or its root; `ends`: how many numbers are before each part."""
    K = len(out)
    for k in range(part * K // parts, (part + 1) * K // parts):
        mean, squares = means[0, k], apart[0, k]
        for row in range(1, len(means)):
            share = (ends[row + 1] - ends[row]) / ends[row + 1]
            distance = means[row, k] - mean
            squares += apart[row, k] + distance * distance * share * ends[row]
            mean += distance * share
        if squares < 0:
            squares = 0.0
        out[k] = np.sqrt(squares / freedom) if root else squares / freedom
