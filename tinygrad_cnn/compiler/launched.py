"""Instructions that are nothing but compiled loops are written down with their arrays, and run again in one call.

For small pictures a kernel's wrapper in Python takes as long as its loops. So where all of a program takes a few
milliseconds, each instruction is tried on arrays of random numbers: is what it does said by the loops that it runs
(`kernels/fast/machinery/launches.py`)? They have to give, to the last bit, what a new call gives, on numbers of several
kinds. Such instructions in a row are a Segment: it lies in memory of its own, is recorded when it runs first, and
after that its loops are run as a list.

What comes from elsewhere is copied into a segment, and what leaves it for good is copied out; only what is small, so
big results are made by ordinary calls in fresh memory. A Workspace is the segments of one call that is under way: a
forward whose backward has not come yet has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..arrays.quiet import quietly
from .program import Instruction, Program, Value, filled

SMALL = 1 << 18  # bytes that are copied rather than computed by an ordinary call
QUICK = 5e-3  # seconds that a program may take, for this to be worth while
KINDS = (1.0, 1e-3, 1e4)  # sizes of the numbers that an instruction is tried on


class Trial:
    """What an instruction does with random arrays: `loops` that it runs, None where they are not all that it does.

    view: it runs none, and gives views of its arguments.
    """

    def __init__(self, i: Instruction):
        from ..kernels.fast.machinery.launches import Launches
        from ..kernels.fast.machinery.memory import Pool

        self.loops: list | None = None
        self.view = False
        values = dict.fromkeys(i.reads())
        if i.effect or i.named or not all(map(_can_be_drawn, values)):
            return
        arrays = {v: _random(v, 1.0) for v in values}
        args = filled(i.args, arrays)
        launches = Launches()
        try:
            with Pool(), launches.record():
                outs = quietly(i.run, *args)
        except Exception:  # it asks more of its arguments than random numbers have
            return
        outs = list(outs) if i.several else [outs]
        made = [(k, a) for k, a in enumerate(outs) if i.outs[k] is not None]
        if not all(type(a) is np.ndarray for _, a in made):
            return
        if not len(launches):
            self.view = all(any(np.shares_memory(a, b) for b in arrays.values()) for _, a in made)
            return
        for size in KINDS:
            for v, a in arrays.items():
                _refill(v, a, size)
            launches.run()
            again = quietly(i.run, *args)
            again = list(again) if i.several else [again]
            if not all(_equal(a, again[k]) for k, a in made):
                return
        self.loops = launches.loops()


def _can_be_drawn(v: Value) -> bool:
    return v.dtype is not None and v.dtype.kind in "fiub" and min(v.strides, default=0) >= 0


def _random(v: Value, size: float) -> np.ndarray:
    """An array of the form of a value: random numbers, or zeros where they are places."""
    extent = sum((n - 1) * s for n, s in zip(v.shape, v.strides)) + v.dtype.itemsize if all(v.shape) else 0  # type: ignore[union-attr]
    memory = np.zeros(extent + 64, np.uint8)
    start = -memory.ctypes.data % 64
    a = np.ndarray(v.shape, v.dtype, memory, start, v.strides)
    _refill(v, a, size)
    return a


def _refill(v: Value, a: np.ndarray, size: float) -> None:
    if not a.size or a.dtype.kind != "f":
        return
    if 0 not in v.strides:
        draw = np.random.default_rng(a.size)
        numbers = draw.standard_normal(a.shape) * size
        a[...] = np.where(draw.random(a.shape) < 0.1, 0, numbers)
    else:
        a[(0,) * a.ndim] = size


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    same_form = a.shape == b.shape and a.dtype == b.dtype and a.strides == b.strides
    return same_form and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


class Segment:
    """Instructions in a row. A call takes the arrays of `given`, and gives those of `wanted`."""

    __slots__ = ("buffers", "group", "launches", "results", "workspace")

    def __init__(self, group: Group, workspace: Workspace):
        self.group, self.workspace = group, workspace
        self.launches: Any = None
        self.buffers: list[np.ndarray] = []
        self.results: list[np.ndarray] = []

    def __call__(self, *given: np.ndarray) -> list[np.ndarray]:
        if self.launches is None:
            self._record(given)
        else:
            for buffer, a in zip(self.buffers, given):
                np.copyto(buffer, a)
            self.launches.run()
        return [a.copy(order="K") if copied else a for a, copied in zip(self.results, self.group.copied)]

    def _record(self, given: tuple) -> None:
        """Run the instructions, and write their loops down; where they are others than those tried, only run them."""
        from ..kernels.fast.machinery.launches import Launches

        launches, workspace, group = Launches(), self.workspace, self.group
        with workspace.pool:
            self.buffers = [np.empty_like(a) for a in given]
            for v, buffer, a in zip(group.given, self.buffers, given):
                np.copyto(buffer, a)
                workspace.fixed[v] = buffer
            for i, loops in zip(group.instructions, group.loops):
                before = len(launches)
                with launches.record():
                    outs = i.run(*filled(i.args, workspace))
                if launches.loops()[before:] != loops:
                    workspace.plain = True
                workspace.fixed.update((v, a) for v, a in zip(i.outs, outs if i.several else [outs]) if v is not None)
        self.results = [workspace.fixed[v] for v in group.wanted]
        self.launches = None if workspace.plain else launches


class Workspace:
    """The segments of one call that is under way, and their memory."""

    def __init__(self, plan: Plan):
        from ..kernels.fast.machinery.memory import Pool

        self.plan, self.pool = plan, Pool()
        self.fixed: dict[Value, np.ndarray] = {}
        self.plain = False  # nothing is to be recorded any more
        self.segments = [Segment(g, self) for g in plan.groups]

    def __getitem__(self, v: Value) -> np.ndarray:
        found = self.fixed.get(v)
        return v.tensor._array if found is None else found


class Group:
    """A segment as a part of a plan, for all workspaces."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.loops: list[list] = []  # of each
        self.given: list[Value] = []
        self.wanted: list[Value] = []
        self.copied: list[bool] = []
        self.number = 0

    def reads(self) -> Iterable[Value]:
        return self.given

    def results(self) -> Iterable[Value]:
        return self.wanted


class Plan:
    """Which instructions of a program are in which group: `lines`, a list for each way of instructions and Groups.

    forward, back: the functions of these lines.
    """

    forward: Callable
    back: Callable

    @classmethod
    def of(cls, program: Program) -> Plan | None:
        """A plan, if there is anything to be recorded."""
        try:
            plan = cls(program)
        except ImportError:  # there is no Numba
            return None
        return plan if any(any(g.loops) for g in plan.groups) else None

    def __init__(self, program: Program):
        self.groups: list[Group] = []
        trials = {id(i): Trial(i) for i in program}
        leaving, changed = _leaving(program), {v for v in program.changed() if v.tensor is None}
        made: set[Value] = set()  # in segments
        self.lines: list[list[Instruction | Group]] = []
        for part in (program.forward, program.backward):
            lines: list[Instruction | Group] = []
            for i in part:
                trial = trials[id(i)]
                here = {*i.reads(), *i.results()}
                if not changed.isdisjoint(here) or not self._fits(i, trial, made, leaving):
                    lines.append(i)
                    continue
                if not (lines and isinstance(lines[-1], Group)):
                    lines.append(Group())
                group = lines[-1]
                assert isinstance(group, Group)
                if not group.instructions:
                    group.number = len(self.groups)
                    self.groups.append(group)
                group.instructions.append(i)
                group.loops.append(trial.loops or [])
                made.update(i.results())
            self.lines.append(lines)
        self._borders(program, leaving, made)
        reads = {v for g in self.groups for i in g.instructions for v in i.reads()}
        self.tensors = [(v.tensor, v.tensor._array) for v in program.outside if v in reads]

    def holds(self) -> bool:
        """Whether all that lies outside is where it was."""
        return all(t._array is array for t, array in self.tensors)

    def _fits(self, i: Instruction, trial: Trial, made: set[Value], leaving: set[Value]) -> bool:
        if trial.loops is None and not trial.view:
            return False
        sources = [v for v in i.reads() if v not in made and v.kind not in ("outside", "constant")]
        if any(v.nbytes > SMALL for v in sources) or any(v in leaving and v.nbytes > SMALL for v in i.results()):
            return False
        return not trial.view or not sources  # a view of what is elsewhere stays there

    def _borders(self, program: Program, leaving: set[Value], made: set[Value]) -> None:
        """What each group is given from elsewhere, and what of it is wanted there."""
        inside = {id(i): g for g in self.groups for i in g.instructions}
        wanted: dict[Value, None] = dict.fromkeys(program.kept())
        for i in program:
            if id(i) not in inside:
                wanted.update(dict.fromkeys(i.reads()))
        for g in self.groups:
            own = {v for i in g.instructions for v in i.results()}
            reads = dict.fromkeys(v for i in g.instructions for v in i.reads())
            g.given = [v for v in reads if v not in made and v.kind not in ("outside", "constant")]
            g.wanted = [v for v in wanted if v in own]
            g.copied = [v in leaving for v in g.wanted]


def _leaving(program: Program) -> set[Value]:
    """The values that somebody outside may keep, or write to, and those in whose memory they may lie."""
    found = program.kept() | program.changed() | program.owned()
    for i in reversed([*program]):
        if i.view and not found.isdisjoint(i.results()):
            found.update(i.reads())
    return found
