"""Pictures from channels last to channels first and back: every image is a matrix that is transposed.

An image of C channels and K pixels lies in memory as K rows of C numbers, or C rows of K. Copied number by number,
either what is read or what is written is scattered. So WIDTH rows of WIDTH numbers are loaded into registers, which
change places there: halves of the vectors, then quarters ..., as one transposes a matrix of blocks.

N batch, R rows and K columns of the matrix that is read.
"""

from __future__ import annotations

import llvmlite.ir as ir
import numpy as np
from numba import types
from numba.extending import intrinsic

from .. import faster
from . import memory
from .arrays import readable
from .compiled import compiled
from .lanes import BITS, FLOATS, first_lanes, load_lanes, store_lanes
from .micro import WIDTH

BIG = 16_384  # numbers; NumPy does fewer as fast
PER_BLOCK = 50  # nanoseconds


def _is_transposed(input):
    return input.size >= BIG and readable(input) and _matrices(input) is not None


@faster(when=_is_transposed)
def contiguous(input):
    x = _matrices(input)
    N, R, K = x.shape
    out = memory.empty(input.shape)
    _transpose(N * -(-R // WIDTH) * -(-K // WIDTH) * PER_BLOCK, x, out.reshape(N, K, R))
    return out


def _matrices(input: np.ndarray) -> np.ndarray | None:
    """The memory as a batch of matrices (N,R,K), where (N,K,R) is the input: its axis 1 or its last is elsewhere."""
    if input.ndim < 3 or input.flags.c_contiguous:
        return None
    axes = range(1, input.ndim)
    if input.strides[1] == input.itemsize:
        x = input.transpose(0, *axes[1:], 1)
        return x.reshape(len(x), -1, x.shape[-1]) if x.flags.c_contiguous else None
    x = input.transpose(0, axes[-1], *axes[:-1])
    return x.reshape(len(x), x.shape[1], -1) if x.flags.c_contiguous else None


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


@compiled("Array(f4, 3, 'C', readonly=True), f4[:,:,::1]")
def _transpose(thread, part, parts, x, out):
    N, R, K = x.shape
    tall, wide = (R + WIDTH - 1) // WIDTH, (K + WIDTH - 1) // WIDTH
    blocks = tall * wide
    for block in range(part * N * blocks // parts, (part + 1) * N * blocks // parts):
        n, place = block // blocks, block % blocks
        if tall > wide:  # along the shorter side, for what is half written to be soon done
            r, k = place // wide * WIDTH, place % wide * WIDTH
        else:
            k, r = place // tall * WIDTH, place % tall * WIDTH
        transpose_block(
            x.ctypes.data + ((n * R + r) * K + k) * 4,
            K * 4,
            out.ctypes.data + ((n * K + k) * R + r) * 4,
            R * 4,
            first_lanes(R - r),
            first_lanes(K - k),
        )
