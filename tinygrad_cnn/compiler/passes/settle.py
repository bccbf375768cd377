"""A change in place of what nobody else sees is no change: what was written is read in its stead from there on.

    v2 = relu(v1);  relu_(v1, v2);  v3 = conv2d(v1, w)        ->    v2 = relu(v1);  v3 = conv2d(v2, w)

Not where memory is shared: v1 must be made by a call that gives no view, and no view of it may be older than the
change.
"""

from __future__ import annotations

from .. import steps
from ..program import Instruction, Program, Value, replaced


def settle(program: Program) -> None:
    makers = {v: i for i in program for v in i.results()}
    for part in (program.forward, program.backward):
        k = 0
        while k < len(part):
            if part[k].run is steps.write and _alone(part, k, makers):
                into, values = part.pop(k).args
                rest = part[k:] + (program.backward if part is program.forward else [])
                _read_instead(program, rest, into, values)
            else:
                k += 1


def _alone(part: list[Instruction], k: int, makers: dict[Value, Instruction]) -> bool:
    into, values = part[k].args
    maker = makers.get(into)
    if maker is None or maker.view or maker.effect == "calls" or values.tensor is not None:
        return False
    writer = makers.get(values)
    if writer not in part[:k] or writer.view or any(i.view and into in i.reads() for i in part[:k]):
        return False
    return (into.shape, into.dtype) == (values.shape, values.dtype)


def _read_instead(program: Program, rest: list[Instruction], into: Value, values: Value) -> None:
    by = {into: values}
    for i in rest:
        i.args, i.named = replaced(i.args, by), replaced(i.named, by)
        i.written = tuple(by.get(v, v) for v in i.written)
    program.result = replaced(program.result, by)
    for room in (program.differentiable, program.spent, program.gradients):
        room[:] = [by.get(v, v) for v in room]
