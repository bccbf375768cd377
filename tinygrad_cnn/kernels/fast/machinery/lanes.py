"""Vectors for loops that the compiler does not find them in: WIDTH numbers, of which the first few may exist.

    seen = load(address, count)             lanes from `count` on are 0, and their memory is not read
    best = choose(above(seen, best), seen, best)
    store(best, address, count)             ... nor written

Numba knows them as types of their own, so they are variables like others; each function is one instruction or two.
With WIDTH for `count`, known when compiling, nothing is masked.
"""

from __future__ import annotations

import llvmlite.ir as ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from .micro import WIDTH, prefetch


class Lanes(types.Type):
    """The type of a vector of numbers of one kind."""

    def __init__(self, name: str, kind: ir.Type, width: int = WIDTH):
        self.vector = ir.VectorType(kind, width)
        self.llvm_name = f"v{width}{name}"
        super().__init__(f"Lanes({self.llvm_name})")


FLOATS, BYTES = Lanes("f32", ir.FloatType()), Lanes("i8", ir.IntType(8))
BITS = Lanes("i1", ir.IntType(1))  # yes or no for each lane
_INDEX = ir.IntType(32)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, lanes):
        super().__init__(manager, lanes, lanes.vector)


def spread(builder, value):
    """The number in every lane."""
    nothing = ir.Constant(ir.VectorType(value.type, WIDTH), ir.Undefined)
    one = builder.insert_element(nothing, value, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(_INDEX, WIDTH), [0] * WIDTH))


def load_lanes(builder, kind: Lanes, address, exist):
    """The numbers at an address in the lanes that exist, 0 in the others."""
    vector = kind.vector
    pointer = builder.inttoptr(address, vector.as_pointer())
    shape = ir.FunctionType(vector, [pointer.type, _INDEX, exist.type, vector])
    load = cgutils.get_or_insert_function(builder.module, shape, f"llvm.masked.load.{kind.llvm_name}.p0")
    return builder.call(load, [pointer, ir.Constant(_INDEX, 1), exist, ir.Constant(vector, None)])


def store_lanes(builder, kind: Lanes, value, address, exist):
    """Write the lanes that exist to an address."""
    pointer = builder.inttoptr(address, kind.vector.as_pointer())
    shape = ir.FunctionType(ir.VoidType(), [kind.vector, pointer.type, _INDEX, exist.type])
    store = cgutils.get_or_insert_function(builder.module, shape, f"llvm.masked.store.{kind.llvm_name}.p0")
    builder.call(store, [value, pointer, ir.Constant(_INDEX, 1), exist])


def fetch_line(builder, address):
    """Ask for a line of memory to be in the cache soon; an address that is nobody's does no harm."""
    prefetch(builder, builder.inttoptr(address, ir.IntType(8).as_pointer()), writing=0, level=2)


@intrinsic
def expect(typing, address):
    """Ask for a line of memory to be in the cache soon, to be written; an address that is nobody's does no harm."""

    def emit(context, builder, signature, arguments):
        prefetch(builder, builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()), writing=1, level=3)
        return context.get_dummy_value()

    return types.void(types.intp), emit


@intrinsic
def first_lanes(typing, count):
    """BITS: the first `count` lanes."""

    def emit(context, builder, signature, arguments):
        (count,) = arguments
        own = ir.Constant(ir.VectorType(count.type, WIDTH), list(range(WIDTH)))
        return builder.icmp_signed("<", own, spread(builder, count))

    return BITS(types.intp), emit


def _load(kind: Lanes):
    @intrinsic
    def load(typing, address, exist):
        def emit(context, builder, signature, arguments):
            return load_lanes(builder, kind, *arguments)

        return kind(types.intp, BITS), emit

    return load


load, load_bytes = _load(FLOATS), _load(BYTES)


@intrinsic
def store(typing, lanes, address, exist):
    def emit(context, builder, signature, arguments):
        store_lanes(builder, lanes, *arguments)
        return context.get_dummy_value()

    return types.void(lanes, types.intp, BITS), emit


@intrinsic
def every(typing, number):
    """The float32 in every lane."""

    def emit(context, builder, signature, arguments):
        return spread(builder, arguments[0])

    return FLOATS(types.float32), emit


@intrinsic
def every_byte(typing, number):
    """The lowest byte of the number in every lane."""

    def emit(context, builder, signature, arguments):
        return spread(builder, builder.trunc(arguments[0], ir.IntType(8)))

    return BYTES(types.intp), emit


@intrinsic
def plus(typing, a, b):
    def emit(context, builder, signature, arguments):
        return builder.fadd(*arguments)

    return FLOATS(FLOATS, FLOATS), emit


@intrinsic
def magnitude(typing, a):
    """|a|"""

    def emit(context, builder, signature, arguments):
        shape = ir.FunctionType(FLOATS.vector, [FLOATS.vector])
        fabs = cgutils.get_or_insert_function(builder.module, shape, f"llvm.fabs.{FLOATS.llvm_name}")
        return builder.call(fabs, arguments)

    return FLOATS(FLOATS), emit


@intrinsic
def larger(typing, a, b):
    """a where a > b, else b: b where a is NaN."""

    def emit(context, builder, signature, arguments):
        a, b = arguments
        return builder.select(builder.fcmp_ordered(">", a, b), a, b)

    return FLOATS(FLOATS, FLOATS), emit


@intrinsic
def above(typing, a, b):
    """Where a > b, or a is NaN."""

    def emit(context, builder, signature, arguments):
        a, b = arguments
        return builder.or_(builder.fcmp_ordered(">", a, b), builder.fcmp_unordered("uno", a, a))

    return BITS(FLOATS, FLOATS), emit


@intrinsic
def equal(typing, a, b):
    def emit(context, builder, signature, arguments):
        return builder.icmp_unsigned("==", *arguments)

    return BITS(BYTES, BYTES), emit


@intrinsic
def choose(typing, bits, a, b):
    """a where the bit is set, else b."""

    def emit(context, builder, signature, arguments):
        return builder.select(*arguments)

    return a(BITS, a, a), emit
