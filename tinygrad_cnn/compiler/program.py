"""A program: what a function did with arrays, as plain data.

    Value          an array: its shape and dtype, and whether it comes from outside or is computed
    Instruction    one call: of an op's function or rule on arrays, or of something that has an effect
    Program        two lists of instructions: the function itself, and the way back through it where one is asked for

An instruction's arguments are Values, plain values, and tuples, lists and dicts of them.
"""

from __future__ import annotations

import math
import os.path
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import numpy as np


class Value:
    """An array of a program. `kind`: "input", "outside" (a parameter, a buffer), "seed" (a gradient that comes in),
    "computed", or "kept", which an op hands on to its rules and is perhaps no array.

    tensor: for what comes from outside, the Tensor whose array it is. name: for readers.
    """

    __slots__ = ("dtype", "kind", "name", "shape", "strides", "tensor")

    def __init__(self, kind: str, array: Any, name: str = "", tensor: Any = None):
        self.kind, self.name, self.tensor = kind, name, tensor
        self.shape, self.strides = getattr(array, "shape", ()), getattr(array, "strides", ())
        self.dtype = getattr(array, "dtype", None)

    @classmethod
    def of(cls, other: Value, name: str) -> Value:
        """A computed value of the same form as another one."""
        v = cls("computed", None, name)
        v.shape, v.strides, v.dtype = other.shape, other.strides, other.dtype
        return v

    def like(self) -> np.ndarray:
        """An array of this form, whose numbers are nothing."""
        return np.broadcast_to(np.zeros((), self.dtype), self.shape)

    @property
    def nbytes(self) -> int:
        return 0 if self.dtype is None else math.prod(self.shape) * self.dtype.itemsize

    def __repr__(self) -> str:
        return self.name


class AsTensor:
    """Stands for the Tensor of a value among the arguments of a call that takes Tensors."""

    __slots__ = ("value",)

    def __init__(self, value: Value):
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


class Instruction:
    """outs = run(*args, **named): what was called, where, and what else it does.

    outs: a Value for each result; None for one that nobody uses. several: whether `run` returns them as a tuple.
    effect: "" for a function of its arguments alone, "random", "raises", "check", "writes" into the arrays of
    `written`, "calls" what may do anything. view: whether results may lie in the memory of arguments. source: the op,
    the rule or the function that it came from.
    """

    __slots__ = ("args", "effect", "line", "name", "named", "outs", "run", "several", "source", "view", "written")

    def __init__(
        self,
        name: str,
        run: Callable,
        args: tuple,
        outs: list[Value | None],
        line: tuple[str, int, str] | None = None,
        *,
        named: dict[str, Any] | None = None,
        several: bool = False,
        effect: str = "",
        written: tuple[Value, ...] = (),
        view: bool = False,
        source: Any = None,
    ):
        self.name, self.run, self.args, self.named, self.outs = name, run, args, named or {}, outs
        self.line, self.several, self.effect, self.written, self.view = line, several, effect, written, view
        self.source = source

    @property
    def disturbs(self) -> bool:
        """Whether arrays may have other numbers after this call."""
        return self.effect in ("writes", "calls") and self.name not in ("accumulate", "count")

    def reads(self) -> Iterator[Value]:
        """The values among the arguments."""
        yield from values_in(self.args)
        yield from values_in(self.named)

    def results(self) -> Iterator[Value]:
        return (v for v in self.outs if v is not None)

    def __repr__(self) -> str:
        given = [*map(_shown, self.args), *(f"{key}={_shown(v)}" for key, v in self.named.items())]
        outs = ", ".join("_" if v is None else v.name for v in self.outs)
        return f"{outs}{' = ' if outs else ''}{self.name}({', '.join(given)})"


class Program:
    """What a function did. `inputs`: values and the paths of the arguments that they are. `result`: what it returns, a
    tree with Values. `backward` takes `seeds`, a gradient for each of `differentiable`, and gives `gradients`, one for
    each of the Tensors of `ends`.
    """

    def __init__(self, name: str):
        self.name = name
        self.inputs: dict[Value, str] = {}
        self.outside: list[Value] = []
        self.checks: list[tuple[Instruction, Any]] = []  # what has to come out as it did
        self.forward: list[Instruction] = []
        self.backward: list[Instruction] = []
        self.result: Any = None
        self.differentiable: list[Value] = []
        self.spent: list[Value] = []  # results whose graph was freed inside
        self.seeds: list[Value] = []
        self.gradients: list[Value] = []
        self.ends: list[Value] = []  # whose gradients they are: inputs and values from outside
        self.history: list[Step] = []  # what each pass has made of it

    def __iter__(self) -> Iterator[Instruction]:
        yield from self.forward
        yield from self.backward

    def saved(self) -> list[Value]:
        """What the way back needs of the way forth."""
        made = {v for i in self.backward for v in i.results()} | set(self.seeds)
        needed = dict.fromkeys(v for i in self.backward for v in i.reads() if v not in made)
        needed.update(dict.fromkeys(v for v in self.gradients if v not in made))
        return list(needed)

    def readers(self) -> dict[Value, list[Instruction]]:
        """The instructions that take each value."""
        found: dict[Value, list[Instruction]] = {v: [] for i in self for v in i.results()}
        for i in self:
            for v in dict.fromkeys(i.reads()):
                found.setdefault(v, []).append(i)
        return found

    def changed(self) -> set[Value]:
        """The values whose memory is written to, and those that may lie in it."""
        found = {v for i in self for v in i.written}
        for i in (*self, *reversed([*self])) if found else ():
            if i.view and not found.isdisjoint((*i.reads(), *i.results())):
                found.update((*i.reads(), *i.results()))
        return found

    def owned(self) -> set[Value]:
        """The arrays that a call with an effect may keep, as a gradient that becomes a `.grad`."""
        return {v for i in self if i.effect == "calls" for v in i.args if isinstance(v, Value)}

    def kept(self) -> set[Value]:
        """What somebody outside sees in the end."""
        return {*values_in(self.result), *self.gradients}

    def __str__(self) -> str:
        lines = [f"{self.name}({', '.join(_typed(v) for v in self.inputs)})"]
        lines += _listed(self.forward)
        lines.append(f"    return {_shown(self.result)}")
        if self.backward:
            lines.append(f"backward({', '.join(_typed(v) for v in self.seeds)})")
            lines += _listed(self.backward)
            pairs = ", ".join(f"{e.name}: {g.name}" for e, g in zip(self.ends, self.gradients))
            lines.append(f"    return {pairs}")
        return "\n".join(lines)

    def size(self) -> tuple[int, int]:
        """How many instructions there are, and how many bytes their results take."""
        made = {v for i in self for v in i.results() if not i.view or isinstance(i.source, tuple)}
        return sum(1 for _ in self), sum(v.nbytes for v in made)


class Step:
    """What a program was like after a pass: its text, how many instructions, and how many bytes they make.

    listed: the instructions, with what they took and made then.
    """

    def __init__(self, name: str, program: Program):
        self.name, self.text = name, str(program)
        self.instructions, self.nbytes = program.size()
        self.listed = [(copy(i), list(dict.fromkeys(i.reads())), list(i.results())) for i in program]

    def __repr__(self) -> str:
        return f"{self.name:10} {self.instructions:4} instructions {self.nbytes:12,} bytes"


def values_in(tree: Any) -> Iterator[Value]:
    """The values of a tree of tuples, lists and dicts."""
    if isinstance(tree, Value):
        yield tree
    elif isinstance(tree, AsTensor):
        yield tree.value
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from values_in(part)
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from values_in(part)


def in_a_row(run: Callable) -> Callable:
    """A call that gives several results and something besides, ((a, b), c, d), with all of them in one row."""

    def flat(*args: Any) -> tuple:
        results, *more = run(*args)
        return *results, *more

    return flat


def filled(tree: Any, known: Any) -> Any:
    """The tree with arrays in the places of values: known[v]."""
    if isinstance(tree, Value):
        return known[tree]
    if isinstance(tree, tuple | list) and any(True for _ in values_in(tree)):
        parts = [filled(part, known) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if isinstance(tree, dict):
        return type(tree)({key: filled(part, known) for key, part in tree.items()})
    return tree


def replaced(tree: Any, by: dict[Value, Any]) -> Any:
    """The tree with other values in the places of some."""
    if isinstance(tree, Value):
        return by.get(tree, tree)
    if isinstance(tree, AsTensor):
        return AsTensor(by.get(tree.value, tree.value))
    if isinstance(tree, tuple | list):
        parts = [replaced(part, by) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if isinstance(tree, dict):
        return type(tree)({key: replaced(part, by) for key, part in tree.items()})
    return tree


def _typed(v: Value) -> str:
    return f"{v.name} {_form(v)}"


def _form(v: Value) -> str:
    if v.dtype is None:
        return ""
    return f"{v.shape}" if v.dtype == np.float32 else f"{v.shape} {v.dtype}"


def _listed(instructions: list[Instruction]) -> list[str]:
    rows = []
    for i in instructions:
        form = " ".join(_form(v) for v in i.results() if v.dtype is not None)
        where = f"{os.path.basename(i.line[0])}:{i.line[1]}" if i.line else ""
        rows.append((f"    {i!r}", form, where))
    wide = max((len(row[0]) for row in rows if len(row[0]) <= 80), default=0)
    form_wide = max((len(row[1]) for row in rows if len(row[1]) <= 40), default=0)
    return [f"{a:{wide}}  {b:{form_wide}}  {c}".rstrip() for a, b, c in rows]


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        inner = ", ".join(map(_shown, value))
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{comma})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_shown(v)}" for key, v in value.items()) + "}"
    if isinstance(value, Value | AsTensor | int | float | str | bool | type(None) | np.dtype):
        return repr(value)
    return f"<{type(value).__name__}>"
