"""Blocks of numbers, transposed in registers: WIDTH rows of WIDTH, and planes of pixels of few channels.

Halves of the vectors change places, then quarters ..., as one transposes a matrix of blocks.
"""

from __future__ import annotations

import llvmlite.ir as ir
from numba import types
from numba.extending import intrinsic

from .lanes import BITS, FLOATS, Lanes, load_lanes, store_lanes
from .micro import FEW, WIDTH

_HALF = Lanes("f32", ir.FloatType(), FEW)


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
        _transpose(builder, block)
        for k, column in enumerate(block):
            to = builder.add(out, builder.mul(number(k), out_down))
            store_lanes(builder, FLOATS, column, to, existing(k, some_columns, some_rows))
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4, BITS, BITS), emit


@intrinsic
def planes_to_pixels(typing, source, plane, out, right, channels, count):
    """Planes of numbers, `plane` bytes apart, become pixels of so many channels, `right` bytes apart.

    At most FEW channels, and WIDTH pixels, of which `count` exist, at least one; no more is read or written.
    """

    def emit(context, builder, signature, arguments):
        source, plane, out, right, channels, count = arguments
        seen = _below(builder, count, WIDTH)
        rows = [_step(builder, source, plane, _at_most(builder, k, channels)) for k in range(FEW)]
        block = [load_lanes(builder, FLOATS, row, seen) for row in rows]
        _transpose(builder, block)
        exist = _below(builder, channels, FEW)
        for k in reversed(range(WIDTH)):  # those that are missing go where the last one goes after them
            half = builder.shuffle_vector(block[k % FEW], block[k % FEW], _half_of(k))
            store_lanes(builder, _HALF, half, _step(builder, out, right, _at_most(builder, k, count)), exist)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), emit


@intrinsic
def pixels_to_planes(typing, source, right, out, plane, channels, count):
    """The other way round."""

    def emit(context, builder, signature, arguments):
        source, right, out, plane, channels, count = arguments
        exist = _below(builder, channels, FEW)
        pixels = [
            load_lanes(builder, _HALF, _step(builder, source, right, _at_most(builder, k, count)), exist)
            for k in range(WIDTH)
        ]
        join = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), list(range(WIDTH)))
        block = [builder.shuffle_vector(pixels[k], pixels[k + FEW], join) for k in range(FEW)]
        _transpose(builder, block)
        columns, nothing = _below(builder, count, WIDTH), ir.Constant(BITS.vector, None)
        for k, vector in enumerate(block):
            written = builder.select(
                builder.icmp_signed(">", channels, ir.Constant(channels.type, k)), columns, nothing
            )
            store_lanes(builder, FLOATS, vector, _step(builder, out, plane, k), written)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), emit


@intrinsic
def colours_to_pixels(typing, source, plane, out):
    """WIDTH numbers of each of three planes, `plane` bytes apart, become WIDTH pixels, one beside the other."""

    def emit(context, builder, signature, arguments):
        source, plane, out = arguments
        every = ir.Constant(BITS.vector, [1] * WIDTH)
        red, green, blue = (load_lanes(builder, FLOATS, _step(builder, source, plane, k), every) for k in range(3))
        order = lambda places: ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), places)
        for first in range(0, 3 * WIDTH, WIDTH):
            lanes = [divmod(first + k, 3) for k in range(WIDTH)]  # (pixel, colour)
            two = builder.shuffle_vector(red, green, order([pixel + colour % 2 * WIDTH for pixel, colour in lanes]))
            places = [k if colour < 2 else WIDTH + pixel for k, (pixel, colour) in enumerate(lanes)]
            to = builder.add(out, ir.Constant(out.type, first * 4))
            store_lanes(builder, FLOATS, builder.shuffle_vector(two, blue, order(places)), to, every)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3), emit


def _step(builder, address, step, k):
    """address + k·step"""
    k = ir.Constant(step.type, k) if isinstance(k, int) else k
    return builder.add(address, builder.mul(k, step))


def _at_most(builder, k: int, count):
    """The number k, or that of the last one of `count`."""
    last = builder.sub(count, ir.Constant(count.type, 1))
    number = ir.Constant(count.type, k)
    return builder.select(builder.icmp_signed("<", number, count), number, last)


def _below(builder, count, width: int):
    """The first `count` lanes of `width`."""
    own = ir.Constant(ir.VectorType(count.type, width), list(range(width)))
    nothing = ir.Constant(own.type, ir.Undefined)
    one = builder.insert_element(nothing, count, ir.Constant(ir.IntType(32), 0))
    places = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
    return builder.icmp_signed("<", own, builder.shuffle_vector(one, nothing, places))


def _half_of(k: int):
    """The lanes of the k-th of WIDTH pixels, of which two share a vector."""
    first = k // FEW * FEW
    return ir.Constant(ir.VectorType(ir.IntType(32), FEW), list(range(first, first + FEW)))


def _transpose(builder, block: list) -> None:
    """Every square of len(block) rows and lanes, in place."""
    half = len(block) // 2
    while half:
        for k in range(len(block)):
            if not k & half:
                block[k], block[k + half] = exchange(builder, block[k], block[k + half], half)
        half //= 2


def exchange(builder, upper, lower, half):
    """Of two rows of 2x2 blocks of lanes, the off-diagonal blocks change places."""
    lanes = range(WIDTH)
    first = [k if not k & half else WIDTH + k - half for k in lanes]
    second = [k + half if not k & half else WIDTH + k for k in lanes]
    order = lambda places: ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), places)
    return builder.shuffle_vector(upper, lower, order(first)), builder.shuffle_vector(upper, lower, order(second))
