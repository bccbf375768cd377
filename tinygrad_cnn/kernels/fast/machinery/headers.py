"""Where many arrays lie, found out at once: machine code reads it in the arrays' own headers.

Python needs a microsecond to ask one array for its address, and as much again for what else a loop must know of it,
which for a small layer is more than the update of its numbers. A list of CPython's, however, holds the addresses of
its objects in a row, and an array of NumPy's begins with the address of its numbers, then come the number of axes, the
shape, the strides, the base, the dtype and the flags: modules in C are compiled against both. Should an example be
read wrong, nothing is taken, and NumPy does the work.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba.extending import register_jitable

from .arrays import FLOAT32
from .cache import Code
from .team import _read

LISTS = 5  # at most
# Places in objects, in words of 8 bytes: what every object begins with ends with its type.
_BODY = object.__basicsize__ // 8
_TYPE = _BODY - 1
_LENGTH, _ITEMS = _BODY, _BODY + 1
_DATA, _AXES, _SHAPE, _DTYPE, _FLAGS = (_BODY + k for k in (0, 1, 2, 5, 6))
_DENSE, _WRITEABLE = 0x1 | 0x100, 0x400  # C-contiguous and aligned
_NO_LISTS = (0,) * LISTS
_TYPES = id(list), id(np.ndarray), id(FLOAT32)


def table_of(*lists: list[np.ndarray]) -> np.ndarray | None:
    """The addresses of all these arrays; None where they are not dense runs of float32 that may be written to.

    Row k: the numbers in all rows before, then the address of the k-th array of each list. The last row: how many
    numbers there are. The arrays of a row have one shape; those of the second list are only read, and may be read
    only. None, too, where an array of the first list shares memory with one of the first two in another row.

    >>> x, y = np.ones((2, 3), np.float32), np.ones(4, np.float32)
    >>> table_of([x, y], [x, y])[:, 0]
    array([ 0,  6, 10])
    >>> table_of([x], [y]), table_of([x, x]), table_of([x.T])
    (None, None, None)
    """
    table = np.empty((len(lists[0]) + 1, 1 + len(lists)), np.int64)
    return table if _reader()(table, *_TYPES, *map(id, lists), *_NO_LISTS[len(lists) :]) else None


@cache
def are_read() -> bool:
    """Whether `address_in` finds the numbers of an array, as an example shows."""
    x = np.ones(3)
    arrays = [x]
    return object.__basicsize__ % 8 == 0 and FINDER.load()(id(arrays), 0) == x.ctypes.data


@cache
def _reader() -> Callable:
    """The machine code; where it reads an example wrong, one that takes nothing."""
    x, y = np.ones((2, 3), np.float32), np.ones(4, np.float32)
    read, table, lists = READER.load(), np.zeros((3, 2), np.int64), [x, y]
    good = object.__basicsize__ % 8 == 0 and read(table, *_TYPES, id(lists), *_NO_LISTS[1:])
    good = good and table.tolist() == [[0, x.ctypes.data], [6, y.ctypes.data], [10, 0]]
    return read if good else lambda *args: False


@register_jitable
def address_in(arrays, k):
    """Where the numbers of an array begin, the k-th of a list."""
    return _read(_item(arrays, k), _DATA)


def read_headers(table, of_lists, of_arrays, dtype, a, b, c, d, e):
    lists, rows, columns = (a, b, c, d, e), len(table) - 1, table.shape[1] - 1
    for j in range(columns):
        if _read(lists[j], _TYPE) != of_lists or _read(lists[j], _LENGTH) != rows:
            return False
    start = 0
    for k in range(rows):
        table[k, 0] = start
        first = _item(a, k)
        for j in range(columns):
            array = _item(lists[j], k)
            if not (_is_simple(array, of_arrays, dtype, j != 1) and _have_one_shape(first, array)):
                return False
            table[k, 1 + j] = _read(array, _DATA)
        start += _size(first)
    table[rows, 0] = start
    return _stand_apart(table, min(columns, 2))


@register_jitable
def _item(objects, k):
    return _read(_read(objects, _ITEMS), k)


@register_jitable
def _is_simple(array, kind, dtype, written):
    if _read(array, _TYPE) != kind or _read(array, _DTYPE) != dtype:
        return False
    flags, needed = _read(array, _FLAGS), _DENSE | (_WRITEABLE if written else 0)
    return flags & needed == needed


@register_jitable
def _axes(array):
    return _read(array, _AXES) & 0xFFFF  # of 4 bytes


@register_jitable
def _have_one_shape(a, b):
    same = _axes(a) == _axes(b)
    for i in range(_axes(a) if same else 0):
        same = same and _read(_read(a, _SHAPE), i) == _read(_read(b, _SHAPE), i)
    return same


@register_jitable
def _size(array):
    size = 1
    for i in range(_axes(array)):
        size *= _read(_read(array, _SHAPE), i)
    return size


@register_jitable
def _stand_apart(table, columns):
    """Whether no array of the first list lies in the memory of one of the first lists in another row."""
    for k in range(len(table) - 1):
        begin, end = table[k, 1], table[k, 1] + 4 * (table[k + 1, 0] - table[k, 0])
        for m in range(len(table) - 1):
            size = 4 * (table[m + 1, 0] - table[m, 0])
            for j in range(1, 1 + columns):
                if m != k and table[m, j] < end and begin < table[m, j] + size:
                    return False
    return True


READER = Code(read_headers, f"b1(i8[:, ::1], {', '.join(['intp'] * (3 + LISTS))})")
FINDER = Code(address_in, "intp(intp, intp)")
