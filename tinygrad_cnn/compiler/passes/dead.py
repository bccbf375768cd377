"""What nobody uses is left out: no result of it is read later or returned, and it does nothing else."""

from __future__ import annotations

from ..program import Program


def dead(program: Program) -> None:
    used = program.kept()
    for part in (program.backward, program.forward):
        alive = []
        for i in reversed(part):
            if i.effect or not used.isdisjoint(i.results()):
                alive.append(i)
                used.update(i.reads())
        part[:] = reversed(alive)
