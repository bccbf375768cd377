"""Formulas in compiled loops: `piece` makes an intrinsic of one, which does it to a run of numbers.

    scaled = piece(trace(lambda x, top: np.exp(x - top), "ff"), ("store", "sum"))
    total = scaled(x_address, top, out_address, count)

What is passed for an input is the address of `count` numbers that lie side by side, or one number for all of them.
What becomes of each result is said by a word, and where the word needs a place, its address is passed behind the inputs
and the formula's numbers:

    store   the results are written to the address
    sum     their sum is returned, added up in float64; `squares`: that of their squares, which are float64, too
    max     the greatest is returned, NaN if there is one; so is the smallest, `min`
    prod    their product is returned, multiplied in float64
    to sum  they are joined to as many float64 that lie at the address; so `to squares`, `to max` and the others

A piece with several that return gives a tuple of them. "store, sum" does both to one result.
"""

from __future__ import annotations

import math

import llvmlite.ir as ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ....arrays.formulas import Formula
from .lanes import spread
from .vectors import BIT, BYTE, DOUBLE, FUNCTIONS, INTEGER, LONG, SINGLE, WIDTH, Vector, maximum, minimum, where

# what returns something: its dtype, the value of nothing, how two are joined
_FOLDS = {
    "sum": (DOUBLE, 0.0, Vector.__add__),
    "squares": (DOUBLE, 0.0, Vector.__add__),
    "prod": (DOUBLE, 1.0, Vector.__mul__),
    "max": (SINGLE, -math.inf, maximum),
    "min": (SINGLE, math.inf, minimum),
}
_NUMBA = {SINGLE: types.float32, DOUBLE: types.float64}


def piece(formula: Formula, words: tuple[str, ...] = ("store",)):
    """The intrinsic that does the formula to a run of numbers; a word, or several, for each of its results."""
    deeds = [(step, word) for step, said in zip(formula.outputs, words, strict=True) for word in said.split(", ")]
    placed = [deed for deed in deeds if deed[1] not in _FOLDS]
    returned = [_NUMBA[_FOLDS[word][0]] for _, word in deeds if word in _FOLDS]
    n_inputs, n_numbers = len(formula.kinds), len(formula.numbers)

    @intrinsic
    def run(typing, *arguments):
        given = [*arguments[0]] if len(arguments) == 1 and isinstance(arguments[0], types.BaseTuple) else [*arguments]
        if len(given) != n_inputs + n_numbers + len(placed) + 1:
            raise TypeError(f"a piece with {n_inputs} inputs and {n_numbers} numbers got {len(given)} arguments")
        inputs = [types.float32 if isinstance(t, types.Float) else types.intp for t in given[:n_inputs]]
        taken = [*inputs, *[types.float32] * n_numbers, *[types.intp] * (len(placed) + 1)]
        result = types.void if not returned else returned[0] if len(returned) == 1 else types.Tuple(returned)

        def emit(context, builder, signature, values):
            values = [
                context.cast(builder, value, have, want)
                for value, have, want in zip(cgutils.unpack_tuple(builder, values[0], len(given)), given, taken)
            ]
            folded = _Emitter(builder, formula, deeds, values).emit()
            if not folded:
                return context.get_dummy_value()
            return folded[0] if len(folded) == 1 else context.make_tuple(builder, signature.return_type, folded)

        return result(types.StarArgTuple.from_types(tuple(given))), emit

    return run


class _Emitter:
    """Writes the loop: whole vectors, then the lanes that are left."""

    def __init__(self, builder: ir.IRBuilder, formula: Formula, deeds: list[tuple[int, str]], values: list[ir.Value]):
        self.builder, self.formula, self.deeds = builder, formula, deeds
        n, m = len(formula.kinds), len(formula.numbers)
        self.inputs = [v if v.type == LONG else Vector(builder, spread(builder, v)) for v in values[:n]]
        self.numbers = [Vector(builder, spread(builder, v)) for v in values[n : n + m]]
        self.places, self.count = values[n + m : -1], values[-1]
        self.folds = []
        for _, word in deeds:
            if word in _FOLDS:
                kind, start, join = _FOLDS[word]
                none = ir.Constant(ir.VectorType(kind, WIDTH), [start] * WIDTH)
                self.folds.append((cgutils.alloca_once_value(builder, none), start, join))

    def emit(self) -> list[ir.Value]:
        """The loop; returns what is folded."""
        b, whole = self.builder, ir.Constant(LONG, -WIDTH)
        end = b.and_(self.count, whole)
        with cgutils.for_range_slice(b, ir.Constant(LONG, 0), end, ir.Constant(LONG, WIDTH)) as (i, _):
            self.step(i, None)
        left = b.sub(self.count, end)
        with b.if_then(b.icmp_signed(">", left, ir.Constant(LONG, 0))):
            own = ir.Constant(ir.VectorType(LONG, WIDTH), list(range(WIDTH)))
            self.step(end, b.icmp_signed("<", own, spread(b, left)))
        return [self._folded(place, join) for place, _, join in self.folds]

    def step(self, i: ir.Value, exist: ir.Value | None) -> None:
        """The formula for WIDTH numbers from the i-th on, of which those exist."""
        values: list[Vector] = []
        for name, *rest in self.formula.steps:
            if name == "input":
                held = self.inputs[rest[0]]
                bool_ = self.formula.kinds[rest[0]] == "b"
                values.append(held if isinstance(held, Vector) else self._load(held, i, exist, bool_))
            elif name == "number":
                values.append(self.numbers[rest[0]])
            elif name == "constant":
                values.append(Vector(self.builder, ir.Constant(ir.VectorType(SINGLE, WIDTH), [rest[0]] * WIDTH)))
            else:
                values.append(FUNCTIONS[name](*[values[k] for k in rest]))
        places, folds = iter(self.places), iter(self.folds)
        for step, word in self.deeds:
            if word == "store":
                self._store(values[step], next(places), i, exist)
            elif word.startswith("to "):
                word, address = word[3:], next(places)
                there = Vector(self.builder, self._read(DOUBLE, address, i, exist))
                joined = _FOLDS[word][2](there, self._folding(word, values[step].double()))
                self._write(DOUBLE, joined.value, address, i, exist)
            else:
                place, start, join = next(folds)
                kind = _FOLDS[word][0]
                value = self._folding(word, values[step].double() if kind == DOUBLE else values[step])
                if exist is not None:
                    value = where(Vector(self.builder, exist), value, start)
                self.builder.store(join(Vector(self.builder, self.builder.load(place)), value).value, place)

    @staticmethod
    def _folding(word: str, value: Vector) -> Vector:
        """What of a result is joined to the others."""
        return value * value if word == "squares" else value

    def _load(self, address: ir.Value, i: ir.Value, exist: ir.Value | None, bool_: bool) -> Vector:
        found = Vector(self.builder, self._read(BYTE if bool_ else SINGLE, address, i, exist))
        return found.made(self.builder.icmp_unsigned("!=", found.value, found.like(0))) if bool_ else found

    def _store(self, value: Vector, address: ir.Value, i: ir.Value, exist: ir.Value | None) -> None:
        if value.kind == BIT:
            value = value.converted("zext", BYTE)
        self._write(value.kind, value.value, address, i, exist)

    def _pointer(self, kind: ir.Type, address: ir.Value, i: ir.Value) -> ir.Value:
        size = {SINGLE: 4, DOUBLE: 8, BYTE: 1}[kind]
        offset = self.builder.mul(i, ir.Constant(LONG, size))
        return self.builder.inttoptr(self.builder.add(address, offset), ir.VectorType(kind, WIDTH).as_pointer())

    def _read(self, kind: ir.Type, address: ir.Value, i: ir.Value, exist: ir.Value | None) -> ir.Value:
        b, vector, pointer = self.builder, ir.VectorType(kind, WIDTH), self._pointer(kind, address, i)
        align = kind.width // 8 if isinstance(kind, ir.IntType) else 8 if kind == DOUBLE else 4
        if exist is None:
            return b.load(pointer, align=align)
        shape = ir.FunctionType(vector, [pointer.type, INTEGER, exist.type, vector])
        load = cgutils.get_or_insert_function(b.module, shape, f"llvm.masked.load.{_name(kind)}.p0")
        return b.call(load, [pointer, ir.Constant(INTEGER, align), exist, ir.Constant(vector, None)])

    def _write(self, kind: ir.Type, value: ir.Value, address: ir.Value, i: ir.Value, exist: ir.Value | None) -> None:
        b, vector, pointer = self.builder, ir.VectorType(kind, WIDTH), self._pointer(kind, address, i)
        align = kind.width // 8 if isinstance(kind, ir.IntType) else 8 if kind == DOUBLE else 4
        if exist is None:
            b.store(value, pointer, align=align)
            return
        shape = ir.FunctionType(ir.VoidType(), [vector, pointer.type, INTEGER, exist.type])
        store = cgutils.get_or_insert_function(b.module, shape, f"llvm.masked.store.{_name(kind)}.p0")
        b.call(store, [value, pointer, ir.Constant(INTEGER, align), exist])

    def _folded(self, place: ir.Value, join) -> ir.Value:
        """All lanes joined to one number, the halves first."""
        b, value, width = self.builder, self.builder.load(place), WIDTH
        while width > 1:
            width //= 2
            nothing = ir.Constant(value.type, ir.Undefined)
            lower, upper = (
                b.shuffle_vector(
                    value, nothing, ir.Constant(ir.VectorType(INTEGER, width), list(range(first, first + width)))
                )
                for first in (0, width)
            )
            value = join(_Half(b, lower), _Half(b, upper)).value
        return b.extract_element(value, ir.Constant(INTEGER, 0))


class _Half(Vector):
    """A vector with fewer lanes."""

    __slots__ = ()

    def made(self, value: ir.Value) -> Vector:
        return _Half(self.builder, value)


def _name(kind: ir.Type) -> str:
    return f"v{WIDTH}" + {SINGLE: "f32", DOUBLE: "f64", BYTE: "i8"}[kind]
