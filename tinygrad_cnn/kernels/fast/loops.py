"""Elementwise formulas as loops of the thread team: all steps in one pass over memory, for arrays of any layout.

    kernel.pointwise(formula, [x, y])                          NumPy's result, by machine code where the arrays are big

    kernel.total(formula, [x, y], n)                           Σ of that, divided by n, in one pass

    loop_of(formula)([x, y], formula.numbers, outs=[z])        the first into given memory, always by machine code

Results lie in memory in the order of the largest input, and all arrays are walked through in that order, BLOCK
numbers at a time. An array that lies side by side in it is read where it is. Of any other, one that repeats its
elements, is transposed, turned around or has gaps, a block at a time is first copied to a place in the cache. So the
vector instructions see runs of numbers only, and one machine code serves a formula for all layouts. One number that
stands for all is laid there once.

A sum is added up in float64, block by block, and then the blocks in their order: it depends on the layout alone.

That code is compiled when a structure of steps first comes with enough numbers, by another process while NumPy does
the work, and kept on disk by a hash of it. A process keeps MOST structures; what comes later is left to NumPy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays.formulas import LEAVES, Formula
from ...arrays.kept import kept
from .. import faster
from .machinery import memory
from .machinery.arrays import FLOAT32
from .machinery.compiled import Compiled, compiled
from .machinery.pieces import piece
from .machinery.scattered import BLOCK, ONE, RUN, exchange

MOST = 1000  # structures
BOOL = np.dtype(np.bool_)
DTYPES = {"f": FLOAT32, "b": BOOL}
# Nanoseconds that one core needs for a number, here and in NumPy, and for a call.
PASS, STEP = 0.1, 0.03  # to read or write it; for a step
COSTS = {"exp": 0.3, "expm1": 0.3, "log": 0.5, "log1p": 0.6, "tanh": 0.6, "erf": 1.0, "erfc": 1.0, "div": 0.1}
IN_NUMPY, STEP_IN_NUMPY = {"exp": 0.5, "log": 0.6, "tanh": 0.7, "log1p": 4.0, "expm1": 3.0, "erf": 60, "erfc": 60}, 0.3
CALL = 12_000

_loops: dict[tuple, Loop] = {}


def _takes(formula, arrays):
    return _pays(formula, arrays, loop_of(formula))


def _takes_total(formula, arrays, divisor):
    return formula.output_kinds == "f" and _pays(formula, arrays, loop_of(formula, summed=True))


def _pays(formula: Formula, arrays: list[np.ndarray], loop: Loop | None) -> bool:
    """Whether a loop can read these arrays, is compiled, and is worth its call."""
    most = 0
    for a, kind in zip(arrays, formula.kinds):
        if a.dtype != DTYPES[kind] or not a.flags.aligned:
            return False
        most = max(most, a.size)
    return loop is not None and most * (loop.in_numpy - loop.nanoseconds / 2) > CALL and loop.compiled.ready()


@faster(when=_takes, pure=True)
def pointwise(formula, arrays):
    loop = loop_of(formula)
    assert loop is not None
    return loop(arrays, formula.numbers)


@faster(when=_takes_total, pure=True)
def total(formula, arrays, divisor):
    loop = loop_of(formula, summed=True)
    assert loop is not None
    lay = layout(tuple([(a.shape, a.strides, a.itemsize) for a in arrays]), "f")
    sums, out = memory.empty((-(-lay.size // BLOCK),), np.float64), memory.empty((1,))
    loop.run(lay, formula.numbers, arrays, sums)
    _joined(0, sums, float(divisor), out)
    return out.reshape(())


@compiled("f8[::1], f8, f4[::1]", exact=True)
def _joined(thread, part, parts, sums, divisor, out):
    whole = 0.0
    for k in range(len(sums)):
        whole += sums[k]
    out[0] = whole / divisor


def loop_of(formula: Formula, summed: bool = False) -> Loop | None:
    """The loop of a formula, the same for all with its structure; None where there are too many."""
    key = *formula.structure, summed
    loop = _loops.get(key)
    if loop is None and len(_loops) < MOST:
        loop = _loops[key] = Loop(formula, summed)
    return loop


class Loop:
    """A structure of steps as machine code."""

    def __init__(self, formula: Formula, summed: bool = False):
        self.output_kinds = formula.output_kinds
        names = [name for name, *_ in formula.steps if name not in LEAVES]
        steps = sum(COSTS.get(name, STEP) for name in names)
        self.nanoseconds = PASS * (len(formula.kinds) + len(self.output_kinds)) + steps
        self.in_numpy = sum(IN_NUMPY.get(name, STEP_IN_NUMPY) for name in names)
        self.compiled = _compiled(formula, summed)

    def __call__(self, arrays: list[np.ndarray], numbers: tuple[float, ...] = (), outs: list | None = None) -> Any:
        """The result for these arrays, which are broadcast; a tuple where there are several.

        outs: arrays of the result's shape to write to; one may be an input, but not overlap another in part.
        """
        given = arrays if outs is None else [*arrays, *outs]
        lay = layout(tuple([(a.shape, a.strides, a.itemsize) for a in given]), "" if outs else self.output_kinds)
        if outs is None:
            outs = [memory.empty(lay.shape, DTYPES[kind]) for kind in self.output_kinds]
            given = [*arrays, *outs]
            if lay.back is not None:
                outs = [out.transpose(lay.back) for out in outs]
        if not lay.size:
            return outs[0] if len(outs) == 1 else tuple(outs)
        self.run(lay, numbers, given)
        return outs[0] if len(outs) == 1 else tuple(outs)

    def run(self, lay: Layout, numbers: tuple[float, ...], arrays: list[np.ndarray], *sums: np.ndarray) -> None:
        firsts = [a if a.ndim == 1 else a[(0,) * (a.ndim - 1)] if a.ndim else a.reshape(1) for a in arrays]
        self.compiled(lay.size * self.nanoseconds, lay.table, np.array(numbers, FLOAT32), *sums, *firsts)


@dataclass(frozen=True)
class Layout:
    """How arrays are walked through together.

    shape: the broadcast one with its axes from the slowest to the fastest in memory.
    back: the order of axes that brings it back; None where it is in order.
    table: see machinery/scattered.py. Axes that are one run in all arrays are one there.
    """

    size: int
    shape: tuple[int, ...]
    back: tuple[int, ...] | None
    table: np.ndarray

    @property
    def nbytes(self) -> int:
        return self.table.nbytes


@kept
def layout(arrays: tuple[tuple, ...], new: str) -> Layout:
    """The Layout of arrays, each (shape, strides, bytes of an item), and of results of these kinds that are new.

    >>> layout((((2, 3), (12, 4), 4), ((3,), (4,), 4)), "b").table
    array([[ 1,  4, 12,  4],
           [ 0,  4,  0,  4],
           [ 1,  1,  0,  0],
           [ 6,  2,  2,  3]])
    """
    shape = np.broadcast_shapes(*[shape for shape, _, _ in arrays])
    strides = [_broadcast(*array[:2], shape) for array in arrays]
    sizes = [math.prod(shape) for shape, _, _ in arrays]
    leader = strides[sizes.index(max(sizes)) if new else -1]
    axes = sorted(range(len(shape)), key=lambda d: -abs(leader[d]))
    long = [d for d in axes if shape[d] > 1]
    if long == sorted(long):
        axes = list(range(len(shape)))
    lengths, rows = _merged([shape[d] for d in axes], [[row[d] for d in axes] for row in strides])
    table = np.zeros((len(arrays) + len(new) + 1, 2 + len(lengths)), np.int64)
    for line, row, (_, _, item) in zip(table, rows, arrays):
        line[:2] = all(step == item * math.prod(lengths[d + 1 :]) for d, step in enumerate(row)), item
        line[0] = line[0] if any(row) else ONE
        line[2:] = row
    for line, kind in zip(table[len(arrays) :], new):
        line[:2] = 1, DTYPES[kind].itemsize
    table[-1] = math.prod(shape), len(lengths), *lengths
    back = None if axes == sorted(axes) else tuple(axes.index(d) for d in range(len(shape)))
    return Layout(math.prod(shape), tuple([shape[d] for d in axes]), back, table)


def _broadcast(shape: tuple, strides: tuple, to: tuple) -> list[int]:
    """The strides of an array that is broadcast to a shape."""
    lost = len(to) - len(shape)
    return [0] * lost + [0 if n == 1 else step for n, step in zip(shape, strides)]


def _merged(lengths: list[int], rows: list[list[int]]) -> tuple[list[int], list[list[int]]]:
    """Axes and strides without axes of length 1; neighbours that are one run in all arrays are one axis."""
    found, steps = [1], [[0] for _ in rows]
    for d, n in enumerate(lengths):
        if n == 1:
            continue
        if found[-1] == 1 or all(step[-1] == n * row[d] for step, row in zip(steps, rows)):
            found[-1] *= n
            for step, row in zip(steps, rows):
                step[-1] = row[d]
        else:
            found.append(n)
            for step, row in zip(steps, rows):
                step.append(row[d])
    return found, steps


_TYPES = {"f": "f4", "b": "b1"}


def _compiled(formula: Formula, summed: bool) -> Compiled:
    """The loop that walks through the arrays; what it does to a block of numbers is a piece.

    summed: it writes the sum of the results of each block, not the results.
    """
    n, kinds = len(formula.kinds), formula.kinds + ("" if summed else formula.output_kinds)
    arrays = [f"a{i}" for i in range(len(kinds))]
    begins = "; ".join([f"begin[{i}] = np.intp({a}.ctypes.data)" for i, a in enumerate(arrays)])
    runs = [f"at[{i}]" for i in range(len(kinds))]
    numbers = [f"numbers[{k}]" for k in range(len(formula.numbers))]
    run = f"run({', '.join([*runs[:n], *numbers, *runs[n:], 'count'])})"
    source = f"""
def loop(thread, part, parts, table, numbers, {", ".join([*["sums"] * summed, *arrays])}):
    size = table[len(table) - 1, 0]
    blocks = (size + {BLOCK - 1}) // {BLOCK}
    begin, at = np.empty({len(kinds)}, np.intp), np.empty({len(kinds)}, np.intp)
    cache = np.empty({len(kinds) * BLOCK}, np.float32)
    {begins}
    for i in range({n}):
        if table[i, 0] == {ONE}:
            at[i] = np.intp(cache.ctypes.data) + {4 * BLOCK} * i
            exchange(at[i], begin[i], table, i, 0, min({BLOCK}, size), False)
    for block in range(part * blocks // parts, (part + 1) * blocks // parts):
        start = block * {BLOCK}
        count = min({BLOCK}, size - start)
        for i in range({len(kinds)}):
            if table[i, 0] == {RUN}:
                at[i] = begin[i] + start * table[i, 1]
            elif table[i, 0] != {ONE} or i >= {n}:
                at[i] = np.intp(cache.ctypes.data) + {4 * BLOCK} * i
                if i < {n}:
                    exchange(at[i], begin[i], table, i, start, count, False)
        {"sums[block] = " * summed}{run}
        for i in range({n}, {len(kinds)}):
            if table[i, 0] != {RUN}:
                exchange(at[i], begin[i], table, i, start, count, True)
"""
    scope: dict[str, Any] = {"__name__": __name__, "np": np, "exchange": exchange}
    scope["run"] = piece(formula, ("sum" if summed else "store",) * len(formula.outputs))
    exec(compile(source, __file__, "exec"), scope)
    types = [f"Array({_TYPES[kind]}, 1, 'A', readonly={i < n})" for i, kind in enumerate(kinds)]
    signature = ", ".join(["i8[:, ::1]", "f4[::1]", *["f8[::1]"] * summed, *types])
    made_by = (__name__, "_made_again", *formula.structure, len(numbers), summed)
    return Compiled(scope["loop"], signature, pieces=4, exact=True, made_by=made_by)


def _made_again(kinds: str, steps: list, outputs: list, numbers: int, summed: bool) -> Compiled:
    """The loop of a structure as plain data, of which tuples have become lists."""
    return _compiled(Formula(kinds, tuple(map(tuple, steps)), tuple(outputs), (0.0,) * numbers), summed)
