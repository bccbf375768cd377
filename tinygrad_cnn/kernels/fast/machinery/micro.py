"""The one inner loop behind convolution and both its gradients, written as LLVM IR.

    C[r, v] = start + Σ_j Σ_k A[row[r] + run[j] + k·step] · B[(j·n + k)·width + v]        j < runs, k < n

R rows times V vectors of C stay in registers while the sums run; each step loads V vectors of B, spreads one
number of A per row over a vector, and does R·V fused multiply-adds. What a row *is* comes from tables of
offsets (in floats), so the loop knows nothing of strides, padding or kernels:

    forward          a row is an output pixel, a run is a stretch of the window, B the packed weight
    input gradient   a row is an input pixel, a run is a stretch of the gradient, B the packed weight
    weight gradient  a row is a place of the window in one channel, a run is a row of pixels, B the gradient

Three relatives differ in what a number of A or a vector of B is:

    each             every lane has a number of A of its own, A[row[r] + run[j] + k·step + lane]: where each channel
                     is convolved by itself, and lanes are channels
    planes           B is looked up as A is, B[place[j] + lane], and runs are one number long: where lanes are pixels,
                     and rows are the few channels that are made; the bias is of a row
    pairs            both are vectors, A[row[r] + run[j] + k·WIDTH + lane]: the weight gradient where lanes are pixels,
                     and columns are filters; C[r, v] is a vector of sums that are to be added up

Vectors of B are asked for some steps before they are read, and the lines of C when the sums begin, so that the stores
at their end need not wait.

A long sum in one register would round a large number at every step. So DEPTH products at a time are summed from 0,
and what each stretch comes to is added to C: the error is that of a short sum, and C is touched seldom enough.

Tables of offsets are the idea of "The Indirect Convolution Algorithm" (Dukhan 2019); blocks of registers are
that of "Anatomy of High-Performance Matrix Multiplication" (Goto and van de Geijn 2008).
Numba compiles it for the CPU at hand: only the width of a vector and the number of rows depend on that.
Addresses are plain integers here, and offsets count floats.
"""

from __future__ import annotations

import llvmlite.binding
import llvmlite.ir as ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic, register_jitable


def _register_block() -> tuple[int, int]:
    """(floats in a vector, rows): R·V accumulators, V vectors of B and a spread number must fit the registers."""
    features = config.CPU_FEATURES  # what NUMBA_CPU_FEATURES allows, or else what this CPU has
    if features is None:
        features = llvmlite.binding.get_host_cpu_features().flatten()
    if "+avx512f" in features:
        return 16, 12  # 24 of 32 registers
    if "+avx2" in features and "+fma" in features:
        return 8, 6  # 12 of 16
    return 4, 8  # NEON: 16 of 32; right, if slow, on anything else


WIDTH, ROWS = _register_block()
LANES = 2 * WIDTH  # channels of C that one call makes
FEW = WIDTH // 2  # channels that leave most of a vector empty: lanes are better pixels then
THIRD = ROWS // 3  # rows are left over by the third of a tile
DEPTH = 128  # products of a stretch
AHEAD = 16 * LANES  # floats of B from what is read to what is asked for
ZERO, ADD, BIAS = 0, 1, 2  # what joins the sums: nothing, what C holds, the bias


def tile_of(vectors: int, width: int, rows: int = ROWS, depth: int = DEPTH, each: bool = False):
    """An intrinsic for `rows` rows x `vectors` vectors of `width` floats; all arguments are integers:

    a, b, c, bias   addresses
    row_a, row_c    addresses of `rows` offsets, in floats: where a row begins in A and in C
    run_a           address of `runs` offsets, in floats: where a run begins in A, relative to the row
    runs, n         number of runs and their length
    step_a, step_b  floats from one number of the run to the next, in A and in B
    lanes           how many of the `vectors`·`width` columns exist; the rest is not touched in C
    start, relu     ZERO, ADD or BIAS; relu != 0 stores max(sum, 0), and NaN as NaN
    """

    @intrinsic
    def block(typing, a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu):
        def emit(context, builder, signature, arguments):
            (_Each if each else _Emitter)(builder, vectors, width, rows, depth, arguments).emit()
            return context.get_dummy_value()

        return types.void(*[types.intp] * 14), emit

    return block


def planes_tile_of(vectors: int, rows: int):
    """The same for lanes that are pixels: a run is one number in A at run_a, and in B at place_b, offsets in floats.

    Whole vectors are read and written; bias is the address of a number for each row.
    """

    @intrinsic
    def block(typing, a, b, c, bias, row_a, row_c, run_a, place_b, runs, start, relu):
        def emit(context, builder, signature, arguments):
            a, b, c, bias, row_a, row_c, run_a, place_b, runs, start, relu = arguments
            one, lanes = (ir.Constant(runs.type, k) for k in (1, vectors * WIDTH))
            arguments = a, b, c, bias, row_a, row_c, run_a, runs, one, one, one, lanes, start, relu
            _Planes(builder, vectors, rows, arguments, place_b).emit()
            return context.get_dummy_value()

        return types.void(*[types.intp] * 11), emit

    return block


def pairs_tile_of(vectors: int, rows: int):
    """The same for vectors of A: a run is n of them, of which the last has `lanes` numbers and zeros beside it in B."""

    @intrinsic
    def block(typing, a, b, c, row_a, row_c, run_a, runs, n, step_b, lanes, start):
        def emit(context, builder, signature, arguments):
            a, b, c, row_a, row_c, run_a, runs, n, step_b, lanes, start = arguments
            none, step, all_lanes = (ir.Constant(runs.type, k) for k in (0, WIDTH, vectors * WIDTH))
            arguments = a, b, c, none, row_a, row_c, run_a, runs, n, step, step_b, all_lanes, start, none
            _Pairs(builder, vectors, rows, arguments, lanes).emit()
            return context.get_dummy_value()

        return types.void(*[types.intp] * 11), emit

    return block


def prefetch(builder, pointer, writing: int, level: int) -> None:
    """Ask for a line of memory to be in the cache soon; an address that is nobody's does no harm."""
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    shape = ir.FunctionType(ir.VoidType(), [byte, *[number] * 3])
    function = cgutils.get_or_insert_function(builder.module, shape, "llvm.prefetch.p0")
    how = (ir.Constant(number, k) for k in (writing, level, 1))
    builder.call(function, [builder.bitcast(pointer, byte), *how])


class _Emitter:
    """Writes the blocks of one tile: stretches( runs or pieces of them( steps ) -> store )."""

    in_order = True  # what is read of B lies side by side

    def __init__(self, builder, vectors: int, width: int, rows: int, depth: int, arguments):
        self.builder, self.vectors, self.width, self.rows, self.depth = builder, vectors, width, rows, depth
        names = "a b c bias row_a row_c run_a runs n step_a step_b lanes start relu".split()
        for name, value in zip(names, arguments, strict=True):
            setattr(self, name, value)
        self.float, self.int, self.bool = ir.FloatType(), ir.IntType(64), ir.IntType(1)
        self.vector = ir.VectorType(self.float, width)
        self.cells = [(r, v) for r in range(rows) for v in range(vectors)]

    def emit(self) -> None:
        stretch, more, steps, after, store, finish = (
            self.builder.append_basic_block(name) for name in ("stretch", "more", "steps", "after", "store", "finish")
        )
        b, one, zero = self.builder, self._int(1), self._int(0)
        none = ir.Constant(self.vector, [0.0] * self.width)
        self.masks = [self._first(self.lanes, v) for v in range(self.vectors)]
        row_a = [self._address(self.a, self._table(self.row_a, self._int(r))) for r in range(self.rows)]
        row_c = [self._address(self.c, self._table(self.row_c, self._int(r))) for r in range(self.rows)]
        sums = [self._variable(none) for _ in self.cells]
        j, left, room, start = (self._variable(value) for value in (zero, zero, zero, self.start))
        i, place, count = self._variable(zero), self._variable(self.b), self._variable(zero)
        self.left, self.count = left, count  # steps to do: of this run, and of them now
        for r, v in self.cells:
            prefetch(b, self._column(row_c[r], v), writing=1, level=3)
        b.branch(stretch)

        b.position_at_end(stretch)
        for total in sums:
            b.store(none, total)
        b.store(self._int(self.depth), room)
        b.branch(more)

        b.position_at_end(more)  # of this run, or else the next
        with b.if_then(b.icmp_signed("==", b.load(left), zero)):
            with b.if_then(b.icmp_signed("==", b.load(j), self.runs)):
                b.branch(store)
            b.store(self._table(self.run_a, b.load(j)), i)
            b.store(self._begin_of_run(b.load(j), b.load(place)), place)
            b.store(self.n, left)
            b.store(b.add(b.load(j), one), j)
        now = b.select(b.icmp_signed("<", b.load(left), b.load(room)), b.load(left), b.load(room))
        b.store(b.sub(b.load(left), now), left)
        b.store(b.sub(b.load(room), now), room)
        b.store(now, count)
        b.branch(steps)

        b.position_at_end(steps)
        added = self._multiply_add(row_a, b.load(place), b.load(i), [b.load(total) for total in sums])
        for total, value in zip(sums, added, strict=True):
            b.store(value, total)
        b.store(b.add(b.load(i), self.step_a), i)  # a step may be 0 or negative: what ends the run is the count
        b.store(b.add(b.load(place), b.mul(self.step_b, self._int(4))), place)
        b.store(b.sub(b.load(count), one), count)
        b.cbranch(b.icmp_signed("!=", b.load(count), zero), steps, after)

        b.position_at_end(after)
        b.cbranch(b.icmp_signed("!=", b.load(room), zero), more, store)

        b.position_at_end(store)
        with b.if_then(b.icmp_signed("==", b.load(start), self._int(ADD))):
            self._add_to(sums, [self._masked_load(self._column(row_c[r], v), self.masks[v]) for r, v in self.cells])
        with b.if_then(b.icmp_signed("==", b.load(start), self._int(BIAS))):
            self._add_to(sums, self._biases())
        b.store(self._int(ADD), start)
        last = b.and_(b.icmp_signed("==", b.load(left), zero), b.icmp_signed("==", b.load(j), self.runs))
        rectify = b.and_(last, b.icmp_signed("!=", self.relu, zero))
        for (r, v), total in zip(self.cells, sums, strict=True):
            value = b.load(total)
            negative = b.fcmp_ordered("<", value, none)  # false for NaN
            positive = b.select(negative, none, value)
            self._masked_store(b.select(rectify, positive, value), self._column(row_c[r], v), v)
        b.cbranch(last, finish, stretch)
        b.position_at_end(finish)

    def _variable(self, value):
        """A place that holds a value; LLVM makes a register of it."""
        return cgutils.alloca_once_value(self.builder, value)

    def _add_to(self, sums, values) -> None:
        for total, value in zip(sums, values, strict=True):
            self.builder.store(self.builder.fadd(self.builder.load(total), value), total)

    def _multiply_add(self, row_a, place, i, sums):
        """One step: what each cell takes of A times a vector of B, added to the sums."""
        name = f"llvm.fma.v{self.width}f32"
        shape = ir.FunctionType(self.vector, [self.vector] * 3)
        fma = cgutils.get_or_insert_function(self.builder.module, shape, name)
        left, right, added = {}, {}, []
        for v in range(self.vectors if self.in_order else 0):
            prefetch(self.builder, self._column(self._pointer(place), v + AHEAD // self.width), writing=0, level=3)
        for (r, v), total in zip(self.cells, sums, strict=True):
            if v not in right:
                right[v] = self._load(self._column(self._pointer(place), v))
            if r not in left:
                left[r] = self._factors(self.builder.gep(row_a[r], [i]))
            added.append(self.builder.call(fma, [left[r][v], right[v], total]))
        return added

    def _begin_of_run(self, j, place):
        """Where run j begins in B: where the one before has ended."""
        return place

    def _factors(self, pointer):
        """What the cells of a row take of A: its number, in every lane."""
        return [self._spread(pointer)] * self.vectors

    def _biases(self):
        """What each cell adds of the bias: the vector of its column."""
        row = [self._masked_load(self._column(self._pointer(self.bias), v), self.masks[v]) for v in range(self.vectors)]
        return [row[v] for _, v in self.cells]

    def _load(self, pointer):
        """A vector at any address."""
        vector = self.builder.load(self.builder.bitcast(pointer, self.vector.as_pointer()))
        vector.align = 4
        return vector

    def _spread(self, pointer):
        """The number at an address in every lane."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        places = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        one = self.builder.insert_element(nothing, self.builder.load(pointer), self._int(0))
        return self.builder.shuffle_vector(one, nothing, places)

    def _int(self, value: int):
        return ir.Constant(self.int, value)

    def _pointer(self, address):
        return self.builder.inttoptr(address, self.float.as_pointer())

    def _address(self, base, offset):
        return self.builder.gep(self._pointer(base), [offset])

    def _column(self, pointer, v: int):
        return self.builder.gep(pointer, [self._int(v * self.width)])

    def _table(self, address, index):
        return self.builder.load(self.builder.gep(self.builder.inttoptr(address, self.int.as_pointer()), [index]))

    def _first(self, count, v: int):
        """Which lanes of vector v are among the first `count`: a vector of bits."""
        numbers = ir.VectorType(self.int, self.width)
        nothing = ir.Constant(numbers, ir.Undefined)
        places = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        limit = self.builder.insert_element(nothing, count, self._int(0))
        limit = self.builder.shuffle_vector(limit, nothing, places)
        own = ir.Constant(numbers, [v * self.width + k for k in range(self.width)])
        return self.builder.icmp_signed("<", own, limit)

    def _masked_load(self, pointer, mask):
        masks, pointers = ir.VectorType(self.bool, self.width), self.vector.as_pointer()
        shape = ir.FunctionType(self.vector, [pointers, ir.IntType(32), masks, self.vector])
        name = f"llvm.masked.load.v{self.width}f32.p0"
        load = cgutils.get_or_insert_function(self.builder.module, shape, name)
        zeros = ir.Constant(self.vector, [0.0] * self.width)
        return self.builder.call(
            load, [self.builder.bitcast(pointer, pointers), ir.Constant(ir.IntType(32), 4), mask, zeros]
        )

    def _masked_store(self, value, pointer, v: int):
        masks, pointers = ir.VectorType(self.bool, self.width), self.vector.as_pointer()
        shape = ir.FunctionType(ir.VoidType(), [self.vector, pointers, ir.IntType(32), masks])
        name = f"llvm.masked.store.v{self.width}f32.p0"
        store = cgutils.get_or_insert_function(self.builder.module, shape, name)
        where = self.builder.bitcast(pointer, pointers)
        self.builder.call(store, [value, where, ir.Constant(ir.IntType(32), 4), self.masks[v]])


class _Each(_Emitter):
    def _factors(self, pointer):
        return [self._load(self._column(pointer, v)) for v in range(self.vectors)]


class _Planes(_Emitter):
    in_order = False

    def __init__(self, builder, vectors: int, rows: int, arguments, place_b):
        super().__init__(builder, vectors, WIDTH, rows, DEPTH, arguments)
        self.place_b = place_b

    def _begin_of_run(self, j, place):
        return self.builder.add(self.b, self.builder.mul(self._table(self.place_b, j), self._int(4)))

    def _biases(self):
        column = [self._spread(self._address(self.bias, self._int(r))) for r in range(self.rows)]
        return [column[r] for r, _ in self.cells]


class _Pairs(_Emitter):
    def __init__(self, builder, vectors: int, rows: int, arguments, rest):
        super().__init__(builder, vectors, WIDTH, rows, DEPTH, arguments)
        self.rest = rest
        self.cells.sort(key=lambda cell: cell[::-1])  # there are fewer rows than columns, so these stay in registers

    def _multiply_add(self, row_a, place, i, sums):
        b = self.builder
        is_last = b.icmp_signed("==", b.add(b.load(self.left), b.load(self.count)), self._int(1))
        self.exist = self._first(b.select(is_last, self.rest, self._int(self.width)), 0)
        return super()._multiply_add(row_a, place, i, sums)

    def _factors(self, pointer):
        return [self._masked_load(pointer, self.exist)] * self.vectors


@intrinsic
def copy(typing, to, source, count):
    """Copy `count` floats from one address to another."""

    def emit(context, builder, signature, arguments):
        to, source, count = arguments
        byte = ir.IntType(8).as_pointer()
        cgutils.raw_memcpy(builder, builder.inttoptr(to, byte), builder.inttoptr(source, byte), count, 4)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), emit


@intrinsic
def clear(typing, to, count):
    """Set `count` floats to zero."""

    def emit(context, builder, signature, arguments):
        to, count = arguments
        size = builder.mul(count, ir.Constant(ir.IntType(64), 4))
        cgutils.memset(builder, builder.inttoptr(to, ir.IntType(8).as_pointer()), size, 0)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), emit


_wide = tile_of(2, WIDTH)
_single = tile_of(1, WIDTH)
_half = tile_of(1, WIDTH // 2)


@register_jitable
def tile(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu):
    """One call of the inner loop, just wide enough for the lanes."""
    if lanes > WIDTH:
        _wide(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)
    elif lanes > WIDTH // 2:
        _single(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)
    else:
        _half(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)


_wide_few = tile_of(2, WIDTH, THIRD)


@register_jitable
def wide_tile(rows, a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu):
    """The same for the first `rows` rows, always in full width: for loops that are many, and compiled one by one."""
    if rows > THIRD:
        _wide(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)
    else:
        _wide_few(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)


_each_wide, _each_single = tile_of(2, WIDTH, each=True), tile_of(1, WIDTH, each=True)


@register_jitable
def each_tile(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu):
    """The same where every lane has numbers of its own in A. Whole vectors of A are read."""
    if lanes > WIDTH:
        _each_wide(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)
    else:
        _each_single(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)


_wide_2, _single_2 = tile_of(2, WIDTH, 2 * THIRD), tile_of(1, WIDTH, 2 * THIRD)
_single_1 = tile_of(1, WIDTH, THIRD)


@register_jitable
def short_tile(rows, a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu):
    """The same for the first `rows` rows of a tile, which may be no more than one or two thirds of it."""
    if rows > 2 * THIRD:
        tile(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)
    elif rows > THIRD:
        if lanes > WIDTH:
            _wide_2(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)
        else:
            _single_2(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)
    elif lanes > WIDTH:
        _wide_few(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)
    else:
        _single_1(a, b, c, bias, row_a, row_c, run_a, runs, n, step_a, step_b, lanes, start, relu)
