"""Common subexpressions: the same function of the same values is computed once.

Not where memory is changed in between, and not where both results are handed out: the user may change one of them.
"""

from __future__ import annotations

from typing import Any

from ..program import AsTensor, Instruction, Program, Value, replaced


def common(program: Program) -> None:
    known: dict[Any, Instruction] = {}
    same: dict[Value, Value] = {}
    unsafe = program.changed() | program.kept() | program.owned()
    for part in (program.forward, program.backward):
        left = []
        for i in part:
            i.args, i.named = replaced(i.args, same), replaced(i.named, same)
            if i.effect in ("calls", "writes"):
                known.clear()
            key = None if i.effect or not i.outs or not unsafe.isdisjoint((*i.results(), *i.reads())) else _key(i)
            before = known.get(key) if key is not None else None
            if before is None:
                left.append(i)
                if key is not None:
                    known[key] = i
            else:
                same.update((b, a) for a, b in zip(before.results(), i.results()))
        part[:] = left


def _key(i: Instruction) -> Any:
    """What a call is, such that equal calls have equal keys; None where that is not known."""
    source = i.source
    what = tuple(map(id, source)) if isinstance(source, tuple) else id(source or i.run)
    key = (i.name, what, frozen(i.args), frozen(i.named), tuple(out is None for out in i.outs))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def frozen(tree: Any) -> Any:
    """The tree as something that can be compared and hashed, if what is in it can."""
    if isinstance(tree, tuple | list):
        return (type(tree).__name__, *map(frozen, tree))
    if isinstance(tree, dict):
        return tuple((key, frozen(part)) for key, part in tree.items())
    if isinstance(tree, AsTensor):
        return "tensor", tree.value
    return tree if isinstance(tree, Value) else (type(tree).__name__, repr(tree) if isinstance(tree, float) else tree)
