"""Order: what only hands a gradient over waits, so that what is computed lies together and runs in one go."""

from __future__ import annotations

from ..program import Instruction, Program


def order(program: Program) -> None:
    for part in (program.forward, program.backward):
        found: list[Instruction] = []
        waiting: list[Instruction] = []
        for i in part:
            if i.name == "accumulate":
                waiting.append(i)
                continue
            if i.effect:
                found += waiting
                waiting = []
            found.append(i)
        part[:] = found + waiting
