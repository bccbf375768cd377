"""Philox4x32-10 on sixteen counters at a time, and what dropout does with it (textbook/dropout.py is the law).

A word lies in the lower half of a lane of 64 bits. A product of two words fills the lane: its lower half is a word
again, whatever stands above it, and so is its upper half, shifted down. So a round is two products, two shifts and
four times xor for each vector, and nothing is brought into order before the end.

The key of each round is read from memory, for with twenty of them in registers there are none left to compute in. So
are the words that are 0 at first: an optimizer that knows them has other, slower products for the first rounds.
"""

from __future__ import annotations

from collections.abc import Iterable

import llvmlite.ir as ir
import numpy as np
from numba import types
from numba.extending import intrinsic, register_jitable

MULTIPLIERS, STEP, OTHER_STEP = (0xD2511F53, 0xCD9E8D57), 0x9E3779B9, 0xBB67AE85
ROUNDS, GROUP = 10, 16
_LONG, _WORD, _FLOAT = ir.IntType(64), ir.IntType(32), ir.FloatType()
_LONGS, _FLOATS, _BITS = (ir.VectorType(kind, GROUP) for kind in (_LONG, _FLOAT, ir.IntType(1)))
_PACKED = ir.IntType(GROUP)


@register_jitable
def stirring(key):
    """The memory that `drop` reads: the two words of the key of each round, then zeros."""
    words = np.zeros(2 * ROUNDS + GROUP, np.uint64)
    lower, upper = key & np.uint64(0xFFFFFFFF), key >> np.uint64(32)
    for k in range(ROUNDS):
        words[2 * k] = (lower + np.uint64(k * STEP)) & np.uint64(0xFFFFFFFF)
        words[2 * k + 1] = (upper + np.uint64(k * OTHER_STEP)) & np.uint64(0xFFFFFFFF)
    return words


@intrinsic
def drop(typing, words, first, limit, kept, source, factor, to):
    """64 numbers times the factor where a word is above the limit, else times 0; and a bit of `kept` for each.

    The words are those of the GROUP counters from the first on. All but these two and the limit are addresses.
    """

    def emit(context, builder, signature, arguments):
        words, first, limit, kept, source, factor, to = arguments
        bits = list(_above(builder, _drawn(builder, words, first), limit))
        for k, some in enumerate(bits):
            builder.store(builder.bitcast(some, _PACKED), _pointer(builder, kept, k * GROUP // 8, _PACKED), align=1)
        _scale(builder, bits, source, factor, to)
        return context.get_dummy_value()

    place = types.intp
    return types.void(place, types.uint64, types.int64, place, place, types.float32, place), emit


@intrinsic
def drop_again(typing, kept, source, factor, to):
    """The same by bits that are there."""

    def emit(context, builder, signature, arguments):
        kept, source, factor, to = arguments
        packed = [builder.load(_pointer(builder, kept, k * GROUP // 8, _PACKED), align=1) for k in range(4)]
        _scale(builder, [builder.bitcast(some, _BITS) for some in packed], source, factor, to)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.float32, types.intp), emit


def _drawn(builder: ir.IRBuilder, words: ir.Value, first: ir.Value) -> Iterable[ir.Value]:
    """The four words of each counter, in the lower halves of lanes."""
    b, half = builder, _every(32)
    counters = b.add(_spread(b, first), ir.Constant(_LONGS, list(range(GROUP))))
    nothing = b.load(_pointer(b, words, 16 * ROUNDS, _LONGS), align=8)
    state = counters, b.lshr(counters, half), nothing, nothing
    for k in range(ROUNDS):
        key, other_key = (_spread(b, b.load(_pointer(b, words, 16 * k + i, _LONG))) for i in (0, 8))
        lower = [b.and_(word, _every(2**32 - 1)) for word in state[::2]]
        product, other = (b.mul(word, _every(multiplier)) for word, multiplier in zip(lower, MULTIPLIERS))
        stirred = b.xor(b.xor(b.lshr(other, half), state[1]), key)
        other_stirred = b.xor(b.xor(b.lshr(product, half), state[3]), other_key)
        state = stirred, other, other_stirred, product
    return state


def _above(builder: ir.IRBuilder, words: Iterable[ir.Value], limit: ir.Value) -> Iterable[ir.Value]:
    """A bit for each lane. Compared in the upper halves, below which nothing stands."""
    half = _every(32)
    limits = builder.shl(_spread(builder, limit), half)
    for word in words:
        yield builder.icmp_unsigned(">", builder.shl(word, half), limits)


def _scale(builder: ir.IRBuilder, bits: Iterable[ir.Value], source: ir.Value, factor: ir.Value, to: ir.Value) -> None:
    b, factors = builder, _spread(builder, factor)
    for k, some in enumerate(bits):
        numbers = b.load(_pointer(b, source, 4 * GROUP * k, _FLOATS), align=4)
        scaled = b.fmul(numbers, b.select(some, factors, ir.Constant(_FLOATS, [0.0] * GROUP)))
        b.store(scaled, _pointer(b, to, 4 * GROUP * k, _FLOATS), align=4)


def _every(value: int) -> ir.Constant:
    return ir.Constant(_LONGS, [value] * GROUP)


def _spread(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    nothing = ir.Constant(ir.VectorType(value.type, GROUP), ir.Undefined)
    one = builder.insert_element(nothing, value, ir.Constant(_WORD, 0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(_WORD, GROUP), [0] * GROUP))


def _pointer(builder: ir.IRBuilder, address: ir.Value, offset: int, kind: ir.Type) -> ir.Value:
    return builder.inttoptr(builder.add(address, ir.Constant(_LONG, offset)), kind.as_pointer())
