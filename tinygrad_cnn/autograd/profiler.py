"""Where the time goes: by op, forward and backward, by module, and by blocks that you name.

    with profile() as p:
        with record_function("forward"):
            loss = model(x).sum()
        loss.backward()
    print(p.key_averages().table(sort_by="self_cpu_time_total", row_limit=10))

The engine tells a tracer of each op that begins and ends and of each step back, and the profiler is one: nothing is
looked at where there is no profile. What it notes takes some microseconds an op, so that small ops look dearer than
they are. An op of PyTorch's `aten::linear` is `linear` here, its step back `LinearBackward0` in both.
"""

from __future__ import annotations

import functools
import json
import os
import re
import threading
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Any

import numpy as np

from ..arrays.blocks import Ending
from ..engine.modes import Setting, mode
from ..engine.node import Node
from ..engine.tensor import Tensor
from ..engine.watch import Tracer
from ..files import write
from ..pytorch.absent import explains

__all__ = ["EventList", "FunctionEvent", "profile", "record_function"]

OP, BACKWARD, BLOCK, MODULE = "cpu_op", "backward", "user_annotation", "module"


class FunctionEvent:
    """One thing that ran: what, of which kind, from when to when (ns), inside which other one.

    `cpu_time_total` and `self_cpu_time_total` are in µs, the latter without the events inside it;
    `cpu_memory_usage` is what its results take, in bytes; `module` the path of classes of the modules it ran in.
    """

    def __init__(self, name: str, kind: str, begin: int, parent: FunctionEvent | None, scope: Any):
        self.name, self.key = name, re.sub("^ProfilerStep#.*", "ProfilerStep*", name)
        self.kind, self.begin, self.end = kind, begin, begin
        self.cpu_parent, self.cpu_children = parent, []  # type: ignore[var-annotated]
        self.modules = _modules(scope)
        self.thread = threading.get_ident()
        self.input_shapes: list = []
        self.cpu_memory_usage = 0
        self.count = 1
        if parent is not None:
            parent.cpu_children.append(self)

    @property
    def module(self) -> str:
        return ".".join(type(m).__name__ for m in self.modules)

    @property
    def cpu_time_total(self) -> float:
        return (self.end - self.begin) / 1e3

    cpu_time = cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def self_cpu_memory_usage(self) -> int:
        return self.cpu_memory_usage - sum(child.cpu_memory_usage for child in self.cpu_children)

    def __repr__(self) -> str:
        return f"<FunctionEvent {self.name}: {self.cpu_time_total:.1f} us>"


def _modules(scope: Any) -> tuple:
    """The modules that are running, from the outermost to the innermost."""
    found: list = []
    while scope is not None:
        found.append(scope.module)
        scope = scope.outer
    return tuple(reversed(found))


class Average:
    """All events of one key: how many, and how long they took together, in µs."""

    def __init__(self, key: str, input_shapes: Any = None):
        self.key, self.input_shapes = key, input_shapes
        self.count = self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0

    def add(self, e: FunctionEvent) -> None:
        self.count += 1
        self.cpu_time_total += e.cpu_time_total
        self.self_cpu_time_total += e.self_cpu_time_total
        self.cpu_memory_usage += e.cpu_memory_usage
        self.self_cpu_memory_usage += e.self_cpu_memory_usage

    @property
    def cpu_time(self) -> float:
        """The mean of one, in µs."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def __repr__(self) -> str:
        return f"<{self.key}: {self.count} calls, {self.cpu_time_total:.1f} us>"


SORTS = "cpu_time cpu_time_total self_cpu_time_total cpu_memory_usage self_cpu_memory_usage count".split()


class EventList(list):
    """Events, or averages of them. `table` shows them."""

    def __init__(self, events: Iterable[Any] = (), memory: bool = False):
        super().__init__(events)
        self.memory = memory

    @property
    def self_cpu_time_total(self) -> float:
        return sum(e.self_cpu_time_total for e in self)

    def total_average(self) -> Average:
        """All of them as one."""
        total = Average("Total")
        for e in self:
            total.add(e) if isinstance(e, FunctionEvent) else _merge(total, e)
        return total

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Those of one name together, or of one name and one list of shapes."""
        groups: dict[Any, Average] = {}
        for e in self:
            shapes = e.input_shapes if group_by_input_shape else None
            groups.setdefault((e.key, str(shapes)), Average(e.key, shapes)).add(e)
        return EventList(groups.values(), self.memory)

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75,
        max_name_column_width: int = 55, max_shapes_column_width: int = 80, header: str | None = None,
        top_level_events_only: bool = False,
    ) -> str:  # fmt: skip
        """A row for each, the largest first where `sort_by` says of what: "cpu_time_total", "self_cpu_time_total",
        "cpu_time", "count", "cpu_memory_usage" or "self_cpu_memory_usage". AttributeError for another word.

        row_limit: at most so many rows; -1 for all.
        """
        rows = list(self)
        if sort_by is not None:
            word = sort_by.replace("cuda", "cpu").replace("device", "cpu")
            if word not in SORTS:
                raise AttributeError(f"table: expected sort_by to be one of {', '.join(SORTS)}, got {sort_by!r}")
            rows.sort(key=lambda e: getattr(e, word), reverse=True)
        whole = self.self_cpu_time_total or 1.0
        shaped = any(e.input_shapes for e in rows)
        names = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
        names += ["CPU Mem", "Self CPU Mem"] * self.memory + ["# of Calls"] + ["Input Shapes"] * shaped
        cells = []
        for e in rows if row_limit < 0 else rows[:row_limit]:
            row = [_cut(e.key, max_name_column_width), f"{100 * e.self_cpu_time_total / whole:.2f}%"]
            row += [_time(e.self_cpu_time_total), f"{100 * e.cpu_time_total / whole:.2f}%", _time(e.cpu_time_total)]
            row += [_time(e.cpu_time), *([_bytes(e.cpu_memory_usage), _bytes(e.self_cpu_memory_usage)] * self.memory)]
            row += [str(e.count), *([_cut(str(e.input_shapes or []), max_shapes_column_width)] * shaped)]
            cells.append(row)
        wide = [max(map(len, column)) for column in zip(names, *cells)]
        rule = "  ".join("-" * w for w in wide)
        lines = ["  ".join([row[0].ljust(wide[0]), *map(str.rjust, row[1:], wide[1:])]) for row in (names, *cells)]
        total = f"Self CPU time total: {_time(self.self_cpu_time_total)}"
        return "\n".join([*([header] if header else []), rule, lines[0], rule, *lines[1:], rule, total, ""])


def _merge(total: Average, other: Average) -> None:
    for word in SORTS[1:]:
        setattr(total, word, getattr(total, word) + getattr(other, word))


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[: width - 3] + "..."


def _time(us: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if us >= size:
            return f"{us / size:.3f}{unit}"
    return f"{us:.3f}us"


def _bytes(n: float) -> str:
    for unit, size in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if abs(n) >= size:
            return f"{n / size:.2f} {unit}"
    return f"{n:.0f} B"


class Recorder(Tracer):
    """Notes when each op, each step back and each named block begins and ends; tells on what it is told."""

    def __init__(self, shapes: bool, memory: bool, before: Tracer | None):
        self.shapes, self.memory, self.before = shapes, memory, before or Tracer()
        self.plain, self.rewrites = self.before.plain, self.before.rewrites
        self.events: list[FunctionEvent] = []
        self.open: list[tuple[FunctionEvent, Any]] = []

    def begin(self, name: str, kind: str, scope: Any, what: Any) -> FunctionEvent:
        parent = self.open[-1][0] if self.open else None
        e = FunctionEvent(name, kind, perf_counter_ns(), parent, scope)
        self.open.append((e, what))
        self.events.append(e)
        return e

    def finish(self, what: Any, made: Any = None) -> None:
        """The end of the innermost event that is about this; those inside it ended by an error, at the same time."""
        now = perf_counter_ns()
        if not any(w is what for _, w in self.open):
            return
        while self.open:
            e, mine = self.open.pop()
            e.end = now
            if mine is what:
                if self.memory and e.kind == BLOCK:
                    e.cpu_memory_usage = sum(child.cpu_memory_usage for child in e.cpu_children)
                elif self.memory:
                    e.cpu_memory_usage = _size(made)
                return

    def calling(self, op: Any, args: Any) -> Any:
        done = self.before.calling(op, args)
        if done is None:
            e = self.begin(getattr(op, "name", None) or op.__name__, OP, mode.scope, op)
            if self.shapes:
                e.input_shapes = [list(a.shape) for a in args if isinstance(a, Tensor)]
        return done

    def called(self, op: Any, args: Any, out: Any, node: Node | None) -> None:
        self.finish(op, out)
        self.before.called(op, args, out, node)

    def walk(self, roots: list[Node], retain_graph: bool, ends: list[Node] | None) -> Tracer:
        told = self.before.walk(roots, retain_graph, ends)
        return self if told is None else _Both(self, told)

    def through(self, pull: Callable, arrive: Callable, stops: set[Node]) -> tuple[Callable, Callable]:
        def timed_pull(node: Node, g: Any) -> list:
            self.begin(node.name(), BACKWARD, getattr(node, "scope", None), node)
            contributions: Any = None
            try:
                contributions = pull(node, g)
            finally:
                self.finish(node, contributions)
            return contributions

        return timed_pull, arrive


def _told(name: str) -> Callable:
    return lambda self, *args: getattr(self.before, name)(*args)


for _name in ("changing", "changed", "wrote", "detached", "taken", "moved", "stepping", "stepped"):
    setattr(Recorder, _name, _told(_name))


class _Both(Tracer):
    """A walk that is timed, and told to another tracer as well."""

    def __init__(self, recorder: Recorder, other: Tracer):
        self.recorder, self.other = recorder, other

    def through(self, pull: Callable, arrive: Callable, stops: set[Node]) -> tuple[Callable, Callable]:
        return self.other.through(*self.recorder.through(pull, arrive, stops), stops)


def _size(made: Any) -> int:
    if isinstance(made, list | tuple):
        return sum(map(_size, made))
    array = made._array if isinstance(made, Tensor) else made
    return array.nbytes if isinstance(array, np.ndarray) else 0


class profile:
    """A block whose ops are timed: `key_averages().table()` tells by op, `events()` has each, in order.

    enabled: False to do nothing. record_shapes: note the shapes of what goes into each op. profile_memory: note how
    many bytes its results have. with_modules: `key_averages()` has a row for each class of module too, with the time of
    all ops that run in one, forward and backward. The other arguments are PyTorch's and change nothing on a CPU.

    >>> import tinygrad_cnn as tg
    >>> with tg.autograd.profiler.profile() as p:
    ...     tg.ones(3, requires_grad=True).exp().sum().backward()
    >>> sorted(e.name for e in p.events())
    ['ExpBackward0', 'SumBackward0', 'exp', 'sum']
    """

    def __init__(
        self, enabled: bool = True, *, use_cuda: bool = False, use_device: Any = None, record_shapes: bool = False,
        with_flops: bool = False, profile_memory: bool = False, with_stack: bool = False, with_modules: bool = False,
        use_kineto: bool = False, use_cpu: bool = True, experimental_config: Any = None, acc_events: bool = False,
    ):  # fmt: skip
        self.enabled, self.record_shapes, self.profile_memory = enabled, record_shapes, profile_memory
        self.with_modules = with_modules
        self.function_events = EventList(memory=profile_memory)
        self._setting = Setting(watch=True, tracer=None)

    __exit__ = Ending(lambda self: [self._setting.__exit__, self._end] if self.enabled else [])

    def __enter__(self) -> profile | None:
        if not self.enabled:
            return None
        if self._setting.before:
            raise RuntimeError("Profiler context manager is not reentrant")
        self._setting.values["tracer"] = Recorder(self.record_shapes, self.profile_memory, mode.tracer)
        self._setting.__enter__()
        return self

    def _end(self) -> None:
        recorder = self._setting.values["tracer"]
        while recorder.open:
            recorder.finish(recorder.open[-1][1])
        self.function_events.extend(recorder.events)

    def events(self) -> EventList:
        """All that ran, in the order in which it began."""
        return self.function_events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Those of one name together; with `with_modules`, those of one class of module as well."""
        found = self.function_events.key_averages(group_by_input_shape)
        if self.with_modules:
            found += self._by_module()
        return found

    def _by_module(self) -> list[Average]:
        groups: dict[str, Average] = {}
        seen: set[int] = set()
        for e in self.function_events:
            if e.kind == BLOCK or (e.cpu_parent is not None and e.cpu_parent.kind != BLOCK):
                continue  # only what is not a part of another op
            for m in dict.fromkeys(type(m).__name__ for m in e.modules):
                row = groups.setdefault(m, Average(f"nn.Module: {m}"))
                row.cpu_time_total += e.cpu_time_total
                row.cpu_memory_usage += e.cpu_memory_usage
            for m in e.modules:
                if id(m) not in seen:
                    seen.add(id(m))
                    groups[type(m).__name__].count += 1
        return list(groups.values())

    def total_average(self) -> Average:
        return self.function_events.total_average()

    @property
    def self_cpu_time_total(self) -> float:
        return self.function_events.self_cpu_time_total

    def table(self, *args: Any, **kwargs: Any) -> str:
        """`events().table()`: a row for each event."""
        return self.function_events.table(*args, **kwargs)

    def export_chrome_trace(self, path: str | os.PathLike) -> None:
        """Write the events as a JSON file for chrome://tracing or Perfetto."""
        process, events = os.getpid(), []
        for e in self.function_events:
            one = {"ph": "X", "cat": e.kind, "name": e.name, "pid": process, "tid": e.thread}
            one |= {"ts": e.begin / 1e3, "dur": (e.end - e.begin) / 1e3}
            one["args"] = {"Module": e.module} | ({"Input Dims": e.input_shapes} if e.input_shapes else {})
            events.append(one)
        write(path, json.dumps({"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": events}))

    def __str__(self) -> str:
        return self.table() if self.function_events else "<unfinished profiler_legacy.profile>"


class record_function:
    """A block, or a function that it decorates, with a name of its own in a profile; without one it does nothing.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.autograd.profiler import profile, record_function
    >>> with profile() as p, record_function("mine"):
    ...     y = tg.ones(3).exp()
    >>> [(e.name, e.cpu_parent.name if e.cpu_parent else None) for e in p.events()]
    [('mine', None), ('exp', 'mine')]
    """

    def __init__(self, name: str, args: str | None = None):
        self.name, self.args = name, args
        self._in: list[Recorder | None] = []

    __exit__ = Ending(lambda self: [self._end])

    def __enter__(self) -> record_function:
        recorder = mode.tracer if isinstance(mode.tracer, Recorder) else None
        self._in.append(recorder)
        if recorder is not None:
            recorder.begin(self.name, BLOCK, mode.scope, self)
        return self

    def _end(self) -> None:
        recorder = self._in.pop()
        if recorder is not None:
            recorder.finish(self)

    def __call__(self, f: Callable) -> Callable:
        @functools.wraps(f)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return f(*args, **kwargs)

        return named


explains(__name__)
