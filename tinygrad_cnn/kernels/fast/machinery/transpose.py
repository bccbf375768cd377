"""A block of WIDTH rows of WIDTH numbers, transposed in registers.

Halves of the vectors change places, then quarters ..., as one transposes a matrix of blocks.
"""

from __future__ import annotations

import llvmlite.ir as ir
from numba import types
from numba.extending import intrinsic

from .lanes import BITS, FLOATS, load_lanes, store_lanes
from .micro import WIDTH


@intrinsic
def transpose_block(typing, source, down, out, out_down, some_rows, some_columns):
    """WIDTH rows of WIDTH numbers, `down` bytes apart, become columns; lanes tell which of both exist."""

    def emit(context, builder, signature, arguments):
        source, down, out, out_down, some_rows, some_columns = arguments
        number = lambda k: ir.Constant(down.type, k)
        lane = lambda k: ir.Constant(ir.IntType(32), k)
        nothing = ir.Constant(BITS.vector, None)

        def existing(k, which, others):
            return builder.select(builder.extract_element(which, lane(k)), others, nothing)

        rows = [builder.add(source, builder.mul(number(k), down)) for k in range(WIDTH)]
        block = [load_lanes(builder, FLOATS, row, existing(k, some_rows, some_columns)) for k, row in enumerate(rows)]
        half = WIDTH // 2
        while half:
            for k in range(WIDTH):
                if not k & half:
                    block[k], block[k + half] = _exchange(builder, block[k], block[k + half], half)
            half //= 2
        for k, column in enumerate(block):
            to = builder.add(out, builder.mul(number(k), out_down))
            store_lanes(builder, FLOATS, column, to, existing(k, some_columns, some_rows))
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4, BITS, BITS), emit


def _exchange(builder, upper, lower, half):
    """Of two rows of 2x2 blocks of lanes, the off-diagonal blocks change places."""
    lanes = range(WIDTH)
    first = [k if not k & half else WIDTH + k - half for k in lanes]
    second = [k + half if not k & half else WIDTH + k for k in lanes]
    order = lambda places: ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), places)
    return builder.shuffle_vector(upper, lower, order(first)), builder.shuffle_vector(upper, lower, order(second))
