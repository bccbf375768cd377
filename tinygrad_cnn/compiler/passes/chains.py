"""Chains of elementwise instructions become one: a formula, which a generated loop computes in one pass over memory.

    v1 = mul(x, x);  v2 = add(v1, 1);  v3 = log(v2)        ->    v3 = pointwise(x)

A function is elementwise if it can be run on Symbols, numbers that are not known yet (`arrays/formulas.py`); so are
most rules. Two such instructions are put together where one takes what the other makes, both have results of one
shape, and nobody in between waits for a result. What others still want of it is a further result of the loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays.formulas import Formula, Untraceable, trace_call
from ...kernels import kernel
from ..program import Instruction, Program, Value, filled

MOST = 30  # instructions in one


def chains(program: Program) -> None:
    unsafe = program.changed() | program.owned()
    for part in (program.forward, program.backward):
        place = 0
        while place < len(part):
            i = part[place]
            joined = _joined(program, part, place, unsafe) if elementwise(i) else None
            if joined is None:
                place += 1
            else:
                earlier, i = joined
                part.remove(earlier)
                place -= 1
                part[place] = i


def _joined(program: Program, part: list, place: int, unsafe: set[Value]) -> tuple[Instruction, Instruction] | None:
    """An instruction that makes an argument of this one, and what both are together; None where there is none."""
    i = part[place]
    readers = program.readers()
    kept = program.kept()
    for k in range(place - 1, -1, -1):
        earlier = part[k]
        made = list(earlier.results())
        if set(made).isdisjoint(i.reads()) or not elementwise(earlier) or made[0].shape != i.outs[0].shape:
            continue
        between = part[k + 1 : place]
        waits = any(b.disturbs or not set(made).isdisjoint(b.reads()) for b in between)
        values = {*earlier.reads(), *made, *i.reads(), *i.results()}
        if waits or not values.isdisjoint(unsafe) or len(members(earlier)) + len(members(i)) > MOST:
            continue
        wanted = [v for v in made if v in kept or any(r is not i for r in readers[v])]
        joined = together([*members(earlier), *members(i)], [*wanted, *i.results()], i)
        if joined is not None:
            return earlier, joined
    return None


def members(i: Instruction) -> list[Instruction]:
    return i.source if isinstance(i.source, list) else [i]


def elementwise(i: Instruction) -> bool:
    if isinstance(i.source, list):
        return True
    if i.effect or i.named or i.several or len(i.outs) != 1 or not _fits(i.outs[0]) or not all(map(_fits, i.reads())):
        return False
    out: Any = i.outs[0]
    if not any(True for _ in i.reads()) or not _broadcast(i, out.shape):
        return False
    return formula_of([i], list(i.reads()), [out]) is not None


def _broadcast(i: Instruction, shape: tuple) -> bool:
    try:
        return np.broadcast_shapes(*[v.shape for v in i.reads()]) == shape
    except ValueError:
        return False


def _fits(v: Any) -> bool:
    return isinstance(v, Value) and v.dtype is not None and v.dtype in (np.dtype(np.float32), np.dtype(np.bool_))


def formula_of(members: list[Instruction], inputs: list[Value], outs: list[Value]) -> Formula | None:
    """What these instructions compute of their inputs."""
    inputs = list(dict.fromkeys(inputs))

    def run(*symbols: Any) -> tuple:
        known = dict(zip(inputs, symbols))
        for i in members:
            known[i.outs[0]] = i.run(*filled(i.args, known))  # type: ignore[index]
        return tuple([known[v] for v in outs])

    try:
        formula = trace_call(run, tuple([v.like() for v in inputs]))
    except Untraceable:
        return None
    kinds = "".join("b" if v.dtype == np.bool_ else "f" for v in outs)
    plain = {k for k, (name, *_) in enumerate(formula.steps) if name in ("input", "number", "constant")}
    return formula if formula.output_kinds == kinds and plain.isdisjoint(formula.outputs) else None


def together(members: list[Instruction], outs: list[Value], last: Instruction) -> Instruction | None:
    made = {m.outs[0] for m in members}
    inputs = [v for v in dict.fromkeys(v for m in members for v in m.reads()) if v not in made]
    formula = formula_of(members, inputs, outs)
    if formula is None:
        return None
    run = lambda *arrays: kernel.pointwise(formula, list(arrays))
    return Instruction("pointwise", run, tuple(inputs), list(outs), last.line, several=len(outs) > 1, source=members)
