"""Runs of numbers out of arrays of any layout, and back: a block at a time, by address and stride.

A table tells how arrays are walked through together. It has a row for each of them: whether its numbers lie side by
side in this order (RUN), or are all the same one (ONE), else 0; the bytes of a number; then how many bytes lie from one
to the next along each axis, from the slowest to the fastest. The last row is how many numbers there are, the number of
axes, then their lengths.
"""

from __future__ import annotations

import llvmlite.ir as ir
from numba import types
from numba.extending import intrinsic, register_jitable

RUN, ONE = 1, 2
BLOCK = 1024  # numbers; a block of each of ten arrays fits the first-level cache


def _move(bits: int):
    @intrinsic
    def move(typing, to, source):
        """Copy one number from an address to another."""

        def emit(context, builder, signature, arguments):
            pointer = ir.IntType(bits).as_pointer()
            to, source = (builder.inttoptr(address, pointer) for address in arguments)
            builder.store(builder.load(source), to)
            return context.get_dummy_value()

        return types.void(types.intp, types.intp), emit

    return move


_move_4, _move_1 = _move(32), _move(8)


@register_jitable
def exchange(run, array, table, row, start, count, back):
    """Lay numbers start to start + count of the array in this row side by side in the run; or bring them back there."""
    shape, strides = table[len(table) - 1], table[row]
    last, size = 1 + shape[1], strides[1]
    length, step = shape[last], strides[last]
    done = 0
    while done < count:
        rest = (start + done) // length
        first = (start + done) - rest * length
        address = array + first * step
        for d in range(last - 1, 1, -1):
            upper = rest // shape[d]
            address += (rest - upper * shape[d]) * strides[d]
            rest = upper
        n, here = min(length - first, count - done), run + done * size
        if back:
            _move_run(address, step, here, size, n, size)
        else:
            _move_run(here, size, address, step, n, size)
        done += n


@register_jitable
def _move_run(to, step_to, source, step, count, size):
    """Copy numbers of 4 bytes, or of 1."""
    if size == 1:
        for k in range(count):
            _move_1(to + step_to * k, source + step * k)
    elif step == 4 and step_to == 4:
        for k in range(count):
            _move_4(to + 4 * k, source + 4 * k)
    else:
        for k in range(count):
            _move_4(to + step_to * k, source + step * k)
