"""Passes: a program is made better and computes the same. Each is a function of one file, which may be left out.

    settle      what is changed in place, and seen by nobody else, gets a name of its own
    constants   what depends on nothing is computed once
    common      what is computed twice from the same values is computed once
    fold        a batch norm in evaluation is done by the weights of the convolution before it
    relu        a ReLU is done by the kernel of the convolution, matrix product or batch norm before it
    pool        the gradient of a ReLU before a max-pooling is masked where it is small
    chains      elementwise instructions are done by one generated loop
    recompute   backward computes sums and products again, and reads what they are made of
    dead        what nobody uses is left out
    order       what computes lies together

A pass changes the program's lists of instructions. `PASSES` is their order; `compile(f, options={"passes": [...]})`
runs others.
"""

from __future__ import annotations

from typing import Any

from ..program import Program, Step
from .chains import chains
from .common import common
from .constants import constants
from .dead import dead
from .fold import fold
from .order import order
from .pool import pool
from .recompute import recompute
from .relu import relu
from .settle import settle

_PASSES = {f.__name__: f for f in (settle, constants, common, fold, relu, pool, chains, recompute, dead, order)}
PASSES = list(_PASSES)


def run_passes(program: Program, options: dict[str, Any] | None) -> Program:
    """The program, after all passes, or those that the options name; its `history` has one Step for each."""
    unknown = set(options or ()) - {"passes"}
    names = (options or {}).get("passes", PASSES)
    if unknown or not set(names) <= set(PASSES):
        raise RuntimeError(
            f"compile: options may be {{'passes': [...]}} with some of {', '.join(PASSES)}; got {options}"
        )
    program.history.append(Step("captured", program))
    for name in names:
        _PASSES[name](program)
        program.history.append(Step(name, program))
    return program
