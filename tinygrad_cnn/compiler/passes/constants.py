"""Constants: what depends on nothing, or on constants alone, is computed when the program is made."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays.quiet import quietly
from ...engine.tensor import wrap
from ..program import Instruction, Program, Value, values_in


def constants(program: Program) -> None:
    known: dict[Value, np.ndarray] = {}
    unsafe = program.changed() | program.kept() | program.owned()
    for part in (program.forward, program.backward):
        left = []
        for i in part:
            fixed = not i.effect and len(i.outs) == 1 and not i.several and known.keys() >= set(i.reads())
            out = i.outs[0] if fixed else None
            if isinstance(out, Value) and out.dtype is not None and out not in unsafe:
                known[out] = array = np.asarray(quietly(_run, i, known))
                array.flags.writeable = False
                out.kind, out.tensor = "constant", wrap(array)
                program.outside.append(out)
            else:
                left.append(i)
        part[:] = left


def _run(i: Instruction, known: dict[Value, np.ndarray]) -> Any:
    return i.run(*_filled(i.args, known), **{key: _filled(v, known) for key, v in i.named.items()})


def _filled(tree: Any, known: dict[Value, np.ndarray]) -> Any:
    """The arguments, with arrays in the places of values."""
    if isinstance(tree, Value):
        return known[tree]
    if isinstance(tree, tuple | list) and any(True for _ in values_in(tree)):
        return type(tree)([_filled(part, known) for part in tree])
    return tree
