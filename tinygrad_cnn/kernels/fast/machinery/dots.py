"""The inner loop of products whose sums run along the rows of both matrices, written as LLVM IR.

    S[r, c] = S[r, c] + Σ_k A[row_a[r] + k] · B[row_b[c] + k]        k < n

A layer multiplies its inputs by weight.T, so both lie in memory as the sums run. Then WIDTH terms of a sum are one
vector of each, and nothing has to be packed: DOWN x ACROSS vectors of sums stay in registers, each step loads a vector
of every row and multiplies all pairs. What a large weight costs is then to read it, once and along its rows.

The lanes of S are added up at the end, for all sums together: halves of the vectors change places, as in a transposed
block, and what meets is added.
"""

from __future__ import annotations

import llvmlite.ir as ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .lanes import BITS, FLOATS, fetch_line, load_lanes
from .micro import WIDTH
from .transpose import exchange

DOWN, ACROSS = 3, max(4, WIDTH // 2)  # rows of A and of B: sums, and a number of each row of A, fit the registers
SUMS = DOWN * ACROSS * WIDTH  # floats of S


@intrinsic
def add_dots(typing, a, row_a, b, row_b, n, tail, sums, fresh, ahead):
    """S += the products of n numbers of each row.

    a, b, sums      addresses; S is DOWN·ACROSS vectors, in the order of rows
    row_a, row_b    addresses of offsets, in floats: where a row begins
    tail            the lanes that exist of the last vector, where n is no multiple of WIDTH
    fresh           whether S begins at 0, and holds nothing so far
    ahead           address of what will be read later: it is fetched, as many bytes as a row of A has here
    """

    def emit(context, builder, signature, arguments):
        a, row_a, b, row_b, n, tail, sums, fresh, ahead = arguments
        integer, vector = n.type, FLOATS.vector
        zero, size = ir.Constant(integer, 0), ir.Constant(integer, 4)
        shape = ir.FunctionType(vector, [vector] * 3)
        fma = cgutils.get_or_insert_function(builder.module, shape, f"llvm.fma.{FLOATS.llvm_name}")
        every = ir.Constant(BITS.vector, [1] * WIDTH)

        def row(base, table, k):
            offset = builder.load(builder.gep(builder.inttoptr(table, integer.as_pointer()), [ir.Constant(integer, k)]))
            return builder.add(base, builder.mul(offset, size))

        def step(at, exist):
            left = [load_lanes(builder, FLOATS, builder.add(address, at), exist) for address in rows]
            for c, address in enumerate(columns):
                right = load_lanes(builder, FLOATS, builder.add(address, at), exist)
                for r in range(DOWN):
                    total = totals[r * ACROSS + c]
                    builder.store(builder.call(fma, [left[r], right, builder.load(total)]), total)

        rows = [row(a, row_a, r) for r in range(DOWN)]
        columns = [row(b, row_b, c) for c in range(ACROSS)]
        held = builder.inttoptr(sums, vector.as_pointer())
        places = [builder.gep(held, [ir.Constant(integer, k)]) for k in range(DOWN * ACROSS)]
        totals = [cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in places]
        with builder.if_then(builder.not_(fresh)):
            for total, place in zip(totals, places, strict=True):
                builder.store(builder.load(place, align=4), total)
        whole = builder.mul(builder.sdiv(n, ir.Constant(integer, WIDTH)), ir.Constant(integer, WIDTH * 4))
        with cgutils.for_range_slice(builder, zero, whole, ir.Constant(integer, WIDTH * 4)) as (at, _):
            fetch_line(builder, builder.add(ahead, at))
            step(at, every)
        with builder.if_then(builder.icmp_signed("<", whole, builder.mul(n, size))):
            step(whole, tail)
        for total, place in zip(totals, places, strict=True):
            builder.store(builder.load(total), place, align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5, BITS, types.intp, types.boolean, types.intp), emit


@intrinsic
def add_lanes(typing, sums, out):
    """Σ of the lanes of each vector of S        -> (DOWN·ACROSS,), and room for WIDTH numbers more"""

    def emit(context, builder, signature, arguments):
        sums, out = arguments
        pointer = lambda address: builder.inttoptr(address, FLOATS.vector.as_pointer())
        index = lambda k: [ir.Constant(sums.type, k)]
        nothing = ir.Constant(FLOATS.vector, None)
        for first in range(0, DOWN * ACROSS, WIDTH):
            block = [nothing] * WIDTH
            for k in range(first, min(first + WIDTH, DOWN * ACROSS)):
                block[k - first] = builder.load(builder.gep(pointer(sums), index(k)), align=4)
            half = WIDTH // 2
            while half:
                for k in range(half):
                    block[k] = builder.fadd(*exchange(builder, block[k], block[k + half], half))
                half //= 2
            builder.store(block[0], builder.gep(pointer(out), index(first // WIDTH)), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), emit
