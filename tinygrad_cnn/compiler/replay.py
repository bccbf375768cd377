"""A program becomes a Python function: one line for each instruction, and nothing between them.

What an instruction calls, and what is constant, are globals of that function; values are its local variables, which
are deleted where they are used for the last time, so that their memory is free for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays.quiet import SILENT, loudness, restore
from ..engine.node import Parts
from ..engine.tensor import wrap
from .launched import Group, Plan
from .program import AsTensor, Instruction, Program, Value, values_in

CONSTANTS = (int, bool, str, type(None))


class Source:
    """Lines of Python, and what the names in them mean."""

    def __init__(self, program: Program):
        self.program = program
        self.scope: dict[str, Any] = {
            "asarray": np.asarray, "wrap": wrap, "loudness": loudness, "SILENT": SILENT, "restore": restore,
            "Parts": Parts,
        }  # fmt: skip
        self.names: dict[Value, str] = {}
        self.held: dict[int, str] = {}

    def name(self, v: Value) -> str:
        return self.names.setdefault(v, f"v{len(self.names)}")

    def hold(self, thing: Any) -> str:
        """A global name for a thing."""
        if type(thing) in CONSTANTS:
            return repr(thing)
        name = self.held.get(id(thing))
        if name is None:
            name = self.held[id(thing)] = f"c{len(self.held)}"
            self.scope[name] = thing
        return name

    def tensor(self, v: Value) -> str:
        """The Tensor of a value: that of the caller or from outside, or a new one on its array."""
        if v in self.program.inputs:
            return self.program.inputs[v]
        return f"wrap({self.name(v)})" if v.tensor is None else self.hold(v.tensor)

    def tree(self, tree: Any) -> str:
        """An argument, or a result."""
        if isinstance(tree, Value):
            return self.name(tree)
        if isinstance(tree, AsTensor):
            return self.tensor(tree.value)
        if not any(True for _ in values_in(tree)):
            return self.hold(tree)
        if isinstance(tree, dict):
            inner = ", ".join(f"{key!r}: {self.tree(part)}" for key, part in tree.items())
            return f"Parts({{{inner}}})" if type(tree) is Parts else f"{{{inner}}}"
        inner = "".join(f"{self.tree(part)}, " for part in tree)
        if isinstance(tree, list):
            return f"[{inner}]"
        return f"{self.hold(type(tree))}({inner})" if hasattr(tree, "_fields") else f"({inner})"

    def call(self, i: Instruction | Group) -> list[str]:
        if isinstance(i, Group):
            target = "".join(f"{self.name(v)}, " for v in i.wanted)
            given = ["workspace", *map(self.name, i.given)]
            return [f"{target}{'= ' if target else ''}segments[{i.number}]({', '.join(given)})"]
        given = [*map(self.tree, i.args), *(f"{key}={self.tree(v)}" for key, v in i.named.items())]
        line = f"{self.hold(i.run)}({', '.join(given)})"
        if i.several:
            line = f"{''.join(f'{self._target(out)}, ' for out in i.outs)} = {line}"
        elif i.outs:
            line = f"{self._target(i.outs[0])} = {line}"
        numbers = [self.name(v) for v in i.results() if v.dtype is not None and v.shape == ()]
        return [line, *(f"{name} = asarray({name})" for name in numbers)]

    def _target(self, out: Any) -> str:
        if out is None:
            return "_"
        return f"({''.join(f'{self._target(v)}, ' for v in out)})" if isinstance(out, list) else self.name(out)

    def body(self, instructions: Sequence[Instruction | Group], kept: set[Value]) -> list[str]:
        """The calls, each value deleted behind its last use."""
        last: dict[Value, Instruction | Group] = {}
        for i in instructions:
            last.update(dict.fromkeys((*i.results(), *i.reads()), i))
        lines = []
        for i in instructions:
            lines += self.call(i)
            gone = [self.name(v) for v, user in last.items() if user is i and v not in kept]
            if gone:
                lines.append(f"del {', '.join(gone)}")
        return lines

    def function(self, head: str, lines: list[str]) -> Callable:
        text = head + "".join(f"\n    {line}" for line in lines)
        exec(compile(text, f"<{self.program.name}>", "exec"), self.scope)
        return self.scope.pop(head.split()[1].partition("(")[0])  # among its own globals it would hold itself


def quiet(lines: list[str]) -> list[str]:
    """The same lines, while NumPy gives no warnings."""
    inner = [f"    {line}" for line in lines]
    return ["loud = loudness()", "try:", "    restore(SILENT)", *inner, "finally:", "    restore(loud)"]


def forward_of(program: Program, plan: Plan | None = None) -> Callable:
    """run(args, named, workspace, finish): the result.

    `finish(results, ends, saved, workspace)` makes Tensors with a history of arrays.
    """
    source = Source(program)
    body = plan.lines[0] if plan else program.forward
    saved = saved_for(program, plan)
    kept = program.kept() | set(saved)
    used = {v for i in body for v in i.reads()} | kept
    lines = [f"{source.name(v)} = {path}._array" for v, path in program.inputs.items() if v in used]
    lines += [f"{source.name(v)} = {source.hold(v.tensor)}._array" for v in program.outside if v in used]
    kept -= {v for i in program.backward for v in i.results()}
    lines += quiet(source.body(body, kept) or ["pass"])
    recorded = [*program.differentiable, *program.spent]
    if recorded:
        results = "".join(f"{source.name(v)}, " for v in recorded)
        ends = "".join(f"{source.tensor(v)}, " for v in program.ends)
        arrays = "".join(f"{source.name(v)}, " for v in saved)
        lines.append(f"results = finish(({results}), ({ends}), ({arrays}), workspace)")
    with_history = {v: f"results[{k}]" for k, v in enumerate(recorded)}
    lines.append(f"return {_result(program.result, source, with_history)}")
    if plan:
        lines.insert(0, "segments = workspace.segments")
    return source.function("def run(args, named, workspace, finish):", lines)


def saved_for(program: Program, plan: Plan | None) -> list[Value]:
    """What the way back is given of the way forth; what lies in a workspace is there."""
    if plan is None:
        return program.saved()
    made = {v for i in plan.lines[1] for v in i.results()} | set(program.seeds)
    needed = dict.fromkeys(v for i in plan.lines[1] for v in i.reads() if v not in made)
    needed.update(dict.fromkeys(v for v in program.gradients if v not in made))
    return list(needed)


def _result(tree: Any, source: Source, with_history: dict[Value, str]) -> str:
    if isinstance(tree, Value):
        return with_history.get(tree) or f"wrap({source.name(tree)})"
    if isinstance(tree, AsTensor):
        return source.tensor(tree.value)
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {_result(part, source, with_history)}" for key, part in tree.items()) + "}"
    if isinstance(tree, tuple | list):
        inner = "".join(f"{_result(part, source, with_history)}, " for part in tree)
        if isinstance(tree, list):
            return f"[{inner}]"
        return f"{source.hold(type(tree))}({inner})" if hasattr(tree, "_fields") else f"({inner})"
    return source.hold(tree)


def backward_of(program: Program, plan: Plan | None = None) -> Callable:
    """back(saved, gradients, workspace): the gradients of the ends."""
    source = Source(program)
    names = lambda values: "".join(f"{source.name(v)}, " for v in values)
    saved = saved_for(program, plan)
    lines = [f"{names(saved)} = saved"] if saved else []
    if program.seeds:
        lines.append(f"{names(program.seeds)} = gradients")
    if plan:
        lines.append("segments = workspace.segments")
    body = plan.lines[1] if plan else program.backward
    lines += quiet(source.body(body, set(program.gradients)) or ["pass"])
    lines.append(f"return [{names(program.gradients)}]")
    return source.function("def back(saved, gradients, workspace):", lines)
