"""The same numbers in every way that memory can hold them, to try kernels, ops and rules on.

What reads an array by its address and strides is easily right for the arrays that a test draws, which are fresh and
dense. Those of a program come from broadcasting, slicing, transposing, from files and from records.

    for name, make in FORMS.items():
        f(make(x))                          where f(x) is known

An expanded form holds fewer numbers than x: it repeats the first along an axis. So a test compares f(form) with
f(plain(form)), which is a fresh array of the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import as_strided

Form = Callable[[np.ndarray], np.ndarray]


def plain(x: np.ndarray) -> np.ndarray:
    """A fresh array of these numbers: contiguous, aligned, in this machine's order of bytes."""
    return np.array(x, x.dtype.newbyteorder("="), order="C")


def expanded(*axes: int) -> Form:
    """The first along these axes, repeated at stride 0; along all of them where none is named."""

    return lambda x: np.broadcast_to(plain(x[_along(axes, x.ndim, slice(0, 1))]), x.shape)


def reversed_along(*axes: int) -> Form:
    """Negative strides along these axes, or along all."""

    def form(x: np.ndarray) -> np.ndarray:
        turn = _along(axes, x.ndim, slice(None, None, -1))
        return plain(x[turn])[turn]

    return form


def _along(axes: tuple[int, ...], ndim: int, chosen: slice) -> tuple:
    """An index that takes this slice along the named axes, or along all where none is named."""
    named = {axis % ndim for axis in axes if ndim} or set(range(ndim))
    return *(chosen if axis in named else slice(None) for axis in range(ndim)), ...


def within(*margins: tuple[int, int, int]) -> Form:
    """A slice of a larger array: along the last axes (numbers before, numbers behind, step)."""

    def form(x: np.ndarray) -> np.ndarray:
        where = margins[-x.ndim :] if x.ndim else ()
        where = ((0, 0, 1),) * (x.ndim - len(where)) + where
        size = [before + n * step + behind for n, (before, behind, step) in zip(x.shape, where, strict=True)]
        room = np.full(size, 77, x.dtype)  # a number that shows, should it be read
        inside = [slice(before, before + n * step, step) for n, (before, _, step) in zip(x.shape, where, strict=True)]
        index: tuple = (*inside, ...)
        form = room[index]
        form[...] = x
        return form

    return form


def in_order(*axes: int) -> Form:
    """The axes in memory in this order, the last one fastest; axes beyond those of x are left out."""

    def form(x: np.ndarray) -> np.ndarray:
        order = [axis for axis in axes if axis < x.ndim]
        order += [axis for axis in range(x.ndim) if axis not in order]
        return plain(x.transpose(order)).transpose(np.argsort(order))

    return form


def channels_last(x: np.ndarray) -> np.ndarray:
    """(N,C,...) with C fastest in memory."""
    return x if x.ndim < 2 else np.moveaxis(plain(np.moveaxis(x, 1, -1)), -1, 1)


def channels_last_in_part(x: np.ndarray) -> np.ndarray:
    """Some channels of more, which lie channels last: the numbers of a pixel touch, pixels do not."""
    if x.ndim < 2:
        return within((1, 2, 1))(x)
    return np.moveaxis(within((0, 0, 1), (3, 2, 1))(np.moveaxis(x, 1, -1)), -1, 1)


def unaligned(x: np.ndarray) -> np.ndarray:
    """At an address that is no multiple of the size of a number."""
    return _laid_out(x, x.itemsize, 1)


def packed_records(x: np.ndarray) -> np.ndarray:
    """A field of packed records: strides are no multiples of the size of a number."""
    return _laid_out(x, x.itemsize + 1, 0)


def unaligned_channels_last(x: np.ndarray) -> np.ndarray:
    return x if x.ndim < 2 else np.moveaxis(unaligned(np.moveaxis(x, 1, -1)), -1, 1)


def packed_rows(x: np.ndarray) -> np.ndarray:
    """Rows that touch within, but are an odd number of bytes apart; every other one of them is unaligned."""
    if x.ndim < 2:
        return packed_records(x)
    row = x[:1].size * x.itemsize + 1
    room = np.zeros(len(x) * row + 8, np.uint8)
    form = np.ndarray(x.shape, x.dtype, room, 0, (row, *plain(x[:1]).strides[1:]))
    form[...] = x
    return form


def _laid_out(x: np.ndarray, step: int, offset: int) -> np.ndarray:
    """x in C order, from one number to the next so many bytes, the first so many behind an aligned address."""
    strides = tuple(stride // x.itemsize * step for stride in plain(x).strides)
    form = np.ndarray(x.shape, x.dtype, np.zeros(x.size * step + offset + 8, np.uint8), offset, strides)
    form[...] = x
    return form


def odd_strides_of_single_axes(x: np.ndarray) -> np.ndarray:
    """Where an axis has one element, its stride means nothing: here it is odd, and large."""
    x = plain(x)
    return as_strided(x, x.shape, [12_345 if n == 1 else stride for n, stride in zip(x.shape, x.strides, strict=True)])


def read_only(x: np.ndarray) -> np.ndarray:
    x = plain(x)
    x.flags.writeable = False
    return x


def big_endian(x: np.ndarray) -> np.ndarray:
    """The bytes of each number in the other order than this machine's, on most machines."""
    return x.astype(x.dtype.newbyteorder(">"))


EXPANDED: dict[str, Form] = {
    "expanded along the first axis": expanded(0),
    "expanded along the second axis": expanded(1),
    "expanded along the last axis": expanded(-1),
    "one number everywhere": expanded(),
}
FORMS: dict[str, Form] = {
    **EXPANDED,
    "reversed": reversed_along(),
    "reversed along the last axis": reversed_along(-1),
    "every third column": within((1, 1, 3)),
    "an inner block": within((1, 2, 1), (1, 2, 1), (2, 1, 1), (1, 3, 1)),
    "first axis fastest": in_order(3, 2, 1, 0),
    "rows and columns exchanged": in_order(0, 1, 3, 2),
    "second axis slowest": in_order(1, 0),
    "channels last": channels_last,
    "channels last in part": channels_last_in_part,
    "unaligned": unaligned,
    "unaligned, channels last": unaligned_channels_last,
    "packed records": packed_records,
    "packed rows": packed_rows,
    "odd strides of single axes": odd_strides_of_single_axes,
    "read only": read_only,
    "big-endian": big_endian,
}
