"""Constants: what depends on nothing, or on constants alone, is computed when the program is made."""

from __future__ import annotations

from functools import partial

import numpy as np

from ...arrays.quiet import quietly
from ...engine.tensor import wrap
from ..program import Program, Value, filled


def constants(program: Program) -> None:
    known: dict[Value, np.ndarray] = {}
    unsafe = program.changed() | program.kept() | program.owned()
    for part in (program.forward, program.backward):
        left = []
        for i in part:
            fixed = not i.effect and len(i.outs) == 1 and not i.several and known.keys() >= set(i.reads())
            out = i.outs[0] if fixed else None
            if isinstance(out, Value) and out.dtype is not None and out not in unsafe:
                known[out] = array = np.asarray(
                    quietly(partial(i.run, **filled(i.named, known)), *filled(i.args, known))
                )
                array.flags.writeable = False
                out.kind, out.tensor = "constant", wrap(array)
                program.outside.append(out)
            else:
                left.append(i)
        part[:] = left
