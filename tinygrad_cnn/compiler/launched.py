"""Instructions that are nothing but compiled loops are written down with their arrays, and run again in one call.

A kernel's wrapper in Python takes as long as the loops of a small picture. So each instruction is tried on arrays of
random numbers: is what it does said by the loops that it runs (`kernels/fast/machinery/launches.py`)? They have to
give, to the last bit, what a new call gives, on numbers of several kinds and at other addresses. Such instructions in
a row are a Segment. It is recorded when it runs first, and after that its loops are run as a list.

Buffers are planned by that recording: what one instruction of a segment makes for another one lies in a pool, where an
array that dies gives its place to a later one. What comes from elsewhere, and what leaves for good, has a slot in the
list: nothing is copied. A Workspace is the segments of one call that is under way: a forward whose backward has not
come yet has its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays.plain import owner
from ..arrays.quiet import quietly
from .passes.common import frozen
from .program import Instruction, Program, Value, filled, replaced

KINDS = (1.0, 1e-3, 1e4)  # sizes of the numbers that an instruction is tried on


class Group:
    """Instructions that are to be a segment. `given`, what it takes from elsewhere; `wanted`, what is needed there."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.loops: list[list | None] = []  # of each, where they are known
        self.given: list[Value] = []
        self.wanted: list[Value] = []
        self.leaving: set[Value] = set()  # those that are new arrays in each call
        self.dying: list[list[Value]] = []  # what no segment needs after each instruction
        self.number = 0
        self.first = self.last = False  # of a way

    def add(self, i: Instruction, loops: list | None) -> None:
        self.instructions.append(i)
        self.loops.append(loops)
        self.dying.append([])

    def reads(self) -> list[Value]:
        return self.given

    def results(self) -> list[Value]:
        return self.wanted


class Segment:
    """A group that runs, in a workspace. A call takes the arrays of `given`, and gives those of `wanted`."""

    __slots__ = ("forms", "fresh", "group", "launches", "results")

    def __init__(self, group: Group):
        self.group = group
        self.launches: Any = None
        self.forms: list[tuple] = []  # strides of what is given
        self.fresh: list[int] = []  # bytes of the memory that leaves
        self.results: list[Any] = []  # arrays of the workspace, or where they lie in what leaves

    def __call__(self, workspace: Workspace, *given: np.ndarray) -> list[np.ndarray]:
        if self.launches is None or workspace.unfinished:
            return self._record(workspace, given)
        slots = [*given]
        for k, (a, strides) in enumerate(zip(given, self.forms)):
            if a.strides != strides or not a.flags.aligned:
                slots[k] = _with_strides(a, strides)
        for size in self.fresh:
            slots.append(workspace.empty((size,), np.uint8))
        self.launches.run(slots)
        return [
            r if type(r) is np.ndarray else np.ndarray(r[0], r[1], slots[r[2]], r[3], r[4])  # type: ignore[call-overload]
            for r in self.results
        ]

    def _record(self, workspace: Workspace, given: tuple) -> list[np.ndarray]:
        """Run the instructions, and write their loops down; where they are others than those tried, only run them."""
        from ..kernels.fast.machinery.launches import Launches

        launches, group = Launches(), self.group
        if group.first:
            workspace.begin()
        known = workspace.known
        given = self._apart(workspace, given)
        known.update(zip(group.given, given))
        with workspace.pool:
            for i, loops, dying in zip(group.instructions, group.loops, group.dying):
                start = len(launches)
                with launches.record():
                    outs = i.run(*filled(i.args, workspace))
                if loops is not None and launches.loops()[start:] != loops:
                    workspace.plain = True
                for v, a in zip(i.outs, outs if i.several else [outs]):
                    if v is not None:
                        known[v] = a
                for v in dying:
                    if v not in group.wanted:
                        del known[v]
        results = [known[v] for v in group.wanted]
        self._lay_out(workspace, launches, given, results)
        if workspace.plan is not None:  # what leaves now lies where earlier scratch may have its place in every run
            results = [_with_strides(a, a.strides) if v in group.leaving else a for v, a in zip(group.wanted, results)]
        for v in (*group.given, *group.leaving, *(v for dying in group.dying for v in dying)):
            known.pop(v, None)
        self.launches = None if workspace.plain else launches
        if group.last:
            workspace.finish()
        return results

    def _apart(self, workspace: Workspace, given: tuple) -> tuple:
        """What is given; copies of what shares memory with anything else that the instructions see."""
        bounds = workspace.bounds
        taken = [bounds(a) for a in workspace.known.values() if type(a) is np.ndarray]
        taken += [bounds(v.tensor._array) for i in self.group.instructions for v in i.reads() if v.tensor is not None]
        found = []
        for a in given:
            begin, end = bounds(a)
            if not a.flags.aligned or any(begin < other_end and other < end for other, other_end in taken):
                a = _with_strides(a, a.strides)
                begin, end = bounds(a)
            taken.append((begin, end))
            found.append(a)
        return tuple(found)

    def _lay_out(self, workspace: Workspace, launches: Any, given: tuple, results: list[np.ndarray]) -> None:
        """Slots for what is given and what leaves; the rest is looked at where it lies, and its memory not lent."""
        self.forms = [a.strides for a in given]
        for a in given:
            launches.slot(a)
        self.fresh, self.results, slots = [], [], {}
        for v, a in zip(self.group.wanted, results):
            base = owner(a)
            offset = a.__array_interface__["data"][0] - base.__array_interface__["data"][0]
            if v in self.group.leaving:
                if id(base) not in slots:
                    slots[id(base)] = launches.slot(base)
                    self.fresh.append(base.nbytes)
                    workspace.held.append(base)
                self.results.append((a.shape, a.dtype, slots[id(base)], offset, a.strides))
            else:
                block = workspace.block_of(a)
                if block is not None:
                    offset = a.__array_interface__["data"][0] - block.__array_interface__["data"][0]
                    a = np.ndarray(a.shape, a.dtype, block, offset, a.strides)
                self.results.append(a)


def _with_strides(a: np.ndarray, strides: tuple) -> np.ndarray:
    """A copy that lies in memory as told."""
    copy = np.ndarray(a.shape, a.dtype, np.empty(_extent(a.shape, strides, a.itemsize), np.uint8), 0, strides)
    inner = tuple(slice(None) if s else slice(1) for s in strides)
    copy[inner] = a[inner]
    return copy


class Workspace:
    """The segments of one call that is under way, and their memory."""

    def __init__(self, groups: Sequence[Group], plan: Plan | None = None):
        from ..kernels.fast.machinery import memory

        self.empty, self.bounds, self.block_of, self.Pool = memory.empty, memory.bounds, memory.block_of, memory.Pool
        self.plan = plan
        self.pool: Any = None
        self.known: dict[Value, np.ndarray] = {}  # what segments still need, while they are recorded
        self.held: list[np.ndarray] = []  # what has left, so that nothing else gets its place
        self.plain = False  # nothing is to be recorded any more
        self.unfinished = False  # a way has been recorded in part
        self.segments = [Segment(g) for g in groups]

    def begin(self) -> None:
        self.pool, self.unfinished = self.Pool(), True

    def finish(self) -> None:
        self.pool, self.unfinished = None, False
        self.held.clear()

    def __getitem__(self, v: Value) -> np.ndarray:
        found = self.known.get(v)
        return v.tensor._array if found is None else found


class Trial:
    """What an instruction does with random arrays: `loops` that it runs, None where they are not all that it does.

    view: it runs none, and gives views of its arguments. apart: what it gives shares no memory with them.
    """

    def __init__(self, i: Instruction):
        self.loops: list | None = None
        self.view = self.apart = False
        self.strides: list[tuple] = []  # of what it gives
        values = list(dict.fromkeys(i.reads()))
        if not i.effect and not i.named and all(map(_can_be_drawn, values)):
            try:
                self._try(i, values)
            except Exception:  # it asks more of its arguments than random numbers have
                self.view = False

    def _try(self, i: Instruction, values: list[Value]) -> None:
        group = Group()
        group.add(i, None)
        group.given, group.wanted, group.leaving = values, list(i.results()), set(i.results())
        group.first = group.last = True
        workspace = Workspace([group])
        (segment,) = workspace.segments
        rooms = [Room(v) for v in values]
        arrays = [room.array(0) for room in rooms]
        made = quietly(segment, workspace, *arrays)
        shared = [any(np.may_share_memory(a, b) for b in arrays) for a in made]
        self.strides = [a.strides for a in made]
        loops = segment.launches.loops()
        self.view, self.apart = all(shared) and not loops, not any(shared)
        if not self.apart or not loops or len({id(owner(a)) for a in made}) < len(made):
            return
        del made, arrays
        moved = dict(zip(values, [room.array(1) for room in rooms]))
        for size in KINDS:
            for room in rooms:
                room.fill(size)
            outs = quietly(i.run, *filled(i.args, moved))
            called = dict(zip(i.outs, outs if i.several else [outs]))
            if not all(map(_equal, quietly(segment, workspace, *moved.values()), [called[v] for v in group.wanted])):
                return
            del outs, called  # they may be as large as all the rest of a step
        self.loops = loops


def _can_be_drawn(v: Value) -> bool:
    return v.dtype is not None and v.dtype.kind in "fiub" and min(v.strides, default=0) >= 0


class Room:
    """Memory for arrays of the form of a value, at one of two addresses: random numbers, or zeros for places."""

    def __init__(self, v: Value):
        from ..kernels.fast.machinery.memory import empty

        assert v.dtype is not None
        self.form = v.shape, v.dtype, v.strides
        self.memory = empty((_extent(v.shape, v.strides, v.dtype.itemsize) + 8,), np.uint8)  # type: ignore[union-attr]
        self.memory[...] = 0

    def array(self, k: int) -> np.ndarray:
        shape, dtype, strides = self.form
        return np.ndarray(shape, dtype, self.memory, k * dtype.itemsize, strides)

    def fill(self, size: float) -> None:
        dtype = self.form[1]
        if dtype.kind == "f":
            numbers = (_numbers() * size).astype(dtype)
            flat = self.memory[: self.memory.nbytes // dtype.itemsize * dtype.itemsize].view(dtype)
            for start in range(0, flat.size, numbers.size):
                flat[start : start + numbers.size] = numbers[: flat.size - start]


@functools.cache
def _numbers() -> np.ndarray:
    """Random numbers, one in ten of them zero. They are repeated, by no number of columns or channels."""
    draw = quietly(np.random.default_rng, 0)
    numbers = draw.standard_normal(65_537)
    return np.where(draw.random(numbers.size) < 0.1, 0, numbers)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    same_form = a.shape == b.shape and a.dtype == b.dtype and a.strides == b.strides
    bits = f"u{a.itemsize}"
    return same_form and np.array_equal(a.view(bits), b.view(bits))


def _extent(shape: tuple, strides: tuple, itemsize: int) -> int:
    """How many bytes an array reaches over."""
    return sum((n - 1) * s for n, s in zip(shape, strides)) + itemsize if all(shape) else 0


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
        trials = _trials(program)
        leaving = _leaving(program, trials)
        changed = {v for v in program.changed() if v.tensor is None}
        fixed: set[Value] = set()  # made in segments, and staying in them
        self.lines: list[list[Instruction | Group]] = []
        for part in (program.forward, program.backward):
            lines: list[Instruction | Group] = []
            group: Group | None = None
            for i in part:
                trial = trials[id(i)]
                own = set() if group is None else {v for j in group.instructions for v in j.results()}
                near = all(v in own or v in fixed for v in i.reads())  # else a view is one of what is elsewhere
                fits = trial.loops is not None or (trial.view and near)
                if not fits or not changed.isdisjoint((*i.reads(), *i.results())):
                    lines.append(i)
                    group = None
                    continue
                if group is None:
                    group = Group()
                    lines.append(group)
                group.add(i, trial.loops or [])
                fixed.update(v for v in i.results() if v not in leaving)
            self._number([g for g in lines if isinstance(g, Group)])
            self.lines.append(lines)
        self._borders(program, leaving, fixed)
        reads = {v for g in self.groups for i in g.instructions for v in i.reads()}
        self.tensors = [(v.tensor, v.tensor._array) for v in program.outside if v in reads]

    def holds(self) -> bool:
        """Whether all that lies outside is where it was."""
        return all(t._array is array for t, array in self.tensors)

    def _number(self, groups: list[Group]) -> None:
        for g in groups:
            g.number, g.first, g.last = len(self.groups), g is groups[0], g is groups[-1]
            self.groups.append(g)

    def _borders(self, program: Program, leaving: set[Value], fixed: set[Value]) -> None:
        """What each group is given from elsewhere, what of it is wanted there, and until when it is needed."""
        inside = {id(i): g for g in self.groups for i in g.instructions}
        wanted: dict[Value, None] = dict.fromkeys(program.kept())
        last: dict[Value, tuple[Group, int]] = {}
        for i in program:
            if id(i) not in inside:
                wanted.update(dict.fromkeys(i.reads()))
        for g in self.groups:
            own = {v for i in g.instructions for v in i.results()}
            reads = dict.fromkeys(v for i in g.instructions for v in i.reads())
            g.given = [v for v in reads if v not in own and v not in fixed and v.kind not in ("outside", "constant")]
            wanted.update((v, None) for v in g.given)
            for k, i in enumerate(g.instructions):
                last.update((v, (g, k)) for v in (*i.reads(), *i.results()) if v in own or v in fixed)
        for g in self.groups:
            g.wanted = [v for v in wanted if any(v in i.outs for i in g.instructions)]
            g.leaving = leaving.intersection(g.wanted)
        saved = set(program.saved())
        for v, (g, k) in last.items():
            if v not in saved:
                g.dying[k].append(v)


def _trials(program: Program) -> dict[int, Trial]:
    """The trial of each instruction; instructions of one kind have one."""
    trials: dict[int, Trial] = {}
    known: dict[Any, Trial] = {}
    for i in program:
        forms = {
            v: (k, v.shape, v.strides, str(v.dtype), v.kind == "kept") for k, v in enumerate(dict.fromkeys(i.reads()))
        }
        source = i.run if isinstance(i.source, list) or i.source is None else i.source
        what = tuple(map(id, source)) if isinstance(source, tuple) else id(source)
        key = (what, frozen(replaced(i.args, forms)), tuple(out is None for out in i.outs), i.effect, bool(i.named))
        try:
            trial = known.get(key) or known.setdefault(key, Trial(i))
        except TypeError:  # an argument cannot be hashed
            trial = Trial(i)
        trials[id(i)] = trial
        for v, strides in zip(i.results(), trial.strides):  # a pass may have guessed others
            v.strides = strides
    return trials


def _leaving(program: Program, trials: dict[int, Trial]) -> set[Value]:
    """The values that somebody outside may keep, or write to, and those in whose memory they may lie."""
    found = program.kept() | program.changed() | program.owned()
    views = [{*i.reads(), *i.results()} for i in program if i.view and not trials[id(i)].apart]
    size = -1
    while len(found) > size:
        size = len(found)
        for values in views:
            if not found.isdisjoint(values):
                found |= values
    return found
