"""What backward takes of forward's elementwise work is computed again where that is less than to write and read it.

A sum or a product costs a loop a third of what it costs to read a number, an exponential three times as much. So a
loop of backward takes sums and products into itself, and is given what they are made of; functions like exp stay saved.
"""

from __future__ import annotations

from ..program import Instruction, Program, Value
from .chains import MOST, elementwise, formula_of, members, together

DEAR = {"exp", "expm1", "log", "log1p", "tanh", "erf", "erfc", "sqrt", "div"}


def recompute(program: Program) -> None:
    makers = {v: m for i in program.forward for m in members(i) for v in m.results() if elementwise(m)}
    unsafe = program.changed()
    for place, i in enumerate(program.backward):
        if isinstance(i.source, list):
            program.backward[place] = _with_more(i, makers, set(program.saved()), unsafe)
    used = program.kept() | {v for i in program for v in i.reads()}
    for place, i in enumerate(program.forward):
        left = [v for v in i.results() if v in used]
        if isinstance(i.source, list) and 0 < len(left) < len(i.outs):
            program.forward[place] = together(i.source, left, i) or i


def _with_more(i: Instruction, makers: dict[Value, Instruction], saved: set[Value], unsafe: set[Value]) -> Instruction:
    """The loop, with what it takes of forward computed in it, as long as that asks for nothing that is not there."""
    more: list[Instruction] = []
    while len(more) + len(i.source) < MOST:
        inner = [*more, *i.source]
        made = {v for m in inner for v in m.results()}
        given = [v for v in dict.fromkeys(v for m in inner for v in m.reads()) if v not in made]
        there = saved | {v for v in given if v.tensor is not None}
        found = next((makers[v] for v in given if v in makers and _is_cheap(makers[v], there - {v}, unsafe)), None)
        if found is None:
            break
        more.append(found)
    more = [m for m in makers.values() if m in more]  # in forward's order
    return together([*more, *i.source], list(i.results()), i) or i if more else i


def _is_cheap(m: Instruction, there: set[Value], unsafe: set[Value]) -> bool:
    reads = list(dict.fromkeys(m.reads()))
    if not all(v in there or v.tensor is not None for v in reads) or not unsafe.isdisjoint((*reads, *m.results())):
        return False
    formula = formula_of([m], reads, list(m.results()))
    return formula is not None and DEAR.isdisjoint(name for name, *_ in formula.steps)
