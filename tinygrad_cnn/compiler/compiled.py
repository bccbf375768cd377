"""What `compile` returns: a function that looks which of its programs fits, and runs it.

It captures where none fits, at most LIMIT times; what cannot be captured runs as it stands, and that is said once.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator, Set
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from ..arrays.lines import user_level
from ..engine.modes import mode
from ..engine.node import Node, Parts, Pick, refuse_changed, tick
from ..engine.tensor import Tensor, wrap
from ..kernels import room
from ..nn.module import Module
from .capture import Capture
from .launched import Plan, Workspace
from .passes import run_passes
from .program import Program
from .replay import backward_of, forward_of
from .steps import Unfit

P = ParamSpec("P")
R = TypeVar("R")
LIMIT = 8
TRIED = (2, 20, 200)  # calls after which a program's kernels are tried: they may have been compiled by then


class Entry:
    """A program that was captured, with its guards, as functions that can be called."""

    def __init__(self, capture: Capture, options: dict[str, Any] | None):
        self.program = program = run_passes(capture.program, options)
        self.fits = capture.guards.test()
        saved = set(program.saved())
        self.guarded = [k for k, v in enumerate(program.ends) if v in saved]
        self.forms: list[Any] = [(v.shape, v.dtype) for v in program.differentiable]
        self.idle: list[Workspace] = []
        self.lent: set[Lent] = set()
        self.dropped: list[Lent] = []  # whose graphs died before anybody went back through them
        self.forward: Callable = forward_of(program)
        self.back: Callable = backward_of(program)
        for v in program.inputs:
            v.tensor = None  # that call's own
        self.plan: Plan | None = None
        self.calls = 0

    def run(self, args: tuple, named: dict) -> Any:
        plan = self.plan
        if plan is None:
            self.calls += 1
            if self.calls in TRIED and room() == "fast":
                result = self.forward(args, named, None, self.finish)
                self._use(Plan.of(self.program))
                return result
            return self.forward(args, named, None, self.finish)
        if not plan.holds():
            self._use(None)
            return self.forward(args, named, None, self.finish)
        while self.dropped:
            self.take_back(self.dropped.pop())
        try:
            workspace = self.idle.pop()
        except IndexError:
            workspace = Workspace(plan.groups, plan)
        result = plan.forward(args, named, workspace, self.finish)
        if not self.forms:
            self.give_back(workspace)
        return result

    def _use(self, plan: Plan | None) -> None:
        self.idle = []
        if plan is not None:
            plan.forward, plan.back = forward_of(self.program, plan), backward_of(self.program, plan)
        self.plan = plan

    def give_back(self, workspace: Workspace) -> None:
        """A workspace is free again. Where its loops are not what they were, nobody uses them any more."""
        if workspace.plain:
            self._use(None)
        elif self.plan is workspace.plan and not workspace.unfinished:
            self.idle.append(workspace)

    def lend(self, workspace: Workspace, node: CompiledNode) -> Lent:
        """A node holds a workspace until it is gone back through, or dies: what was lent is noted then, in C."""
        lent = Lent(node, self.dropped.append)
        lent.workspace = workspace
        self.lent.add(lent)
        return lent

    def take_back(self, lent: Lent) -> None:
        if lent in self.lent:
            self.lent.remove(lent)
            self.give_back(lent.workspace)

    def finish(self, arrays: tuple, ends: tuple, saved: tuple, workspace: Workspace | None) -> list[Tensor]:
        """Tensors on these arrays, whose history is this call of the program."""
        n = len(self.forms)
        results = []
        if n:
            node = CompiledNode(self, ends, saved, workspace)
            for k, a in enumerate(arrays[:n]):
                results.append(wrap(a, node if n == 1 else Pick(node, k, a)))
        return results + [wrap(a, Spent(a)) for a in arrays[n:]]


class Lent(weakref.ref):
    """A node that holds a workspace."""

    __slots__ = ("workspace",)
    workspace: Workspace


class CompiledNode(Node):
    """One call of a compiled function in the graph: its way back is the program's."""

    __slots__ = ("entry", "guards", "kept", "lent", "saved")

    def __init__(self, entry: Entry, ends: tuple, saved: tuple, workspace: Workspace | None):
        self.entry = entry
        self.lent = None if workspace is None else entry.lend(workspace, self)
        self.kept: tuple | None = saved
        self.parents = tuple([t._node or t.accumulator() for t in ends])
        self.guards = [ends[k].version() for k in entry.guarded]
        self.time = tick()
        self.hooks = self.retain = self.where = None
        self.scope = mode.scope
        self.shape = entry.forms[0][0] if len(entry.forms) == 1 else ()
        self.dtype: np.dtype = entry.forms[0][1]
        self.saved: Any = ()  # what the gradients might lie in the memory of, beside the gradient that comes in

    def pull(self, g: Any, aside: Set[Node] = frozenset()) -> list:
        name, saved = self.entry.program.name, self.kept
        if mode.grad:
            raise RuntimeError(
                f"{name}: a compiled function cannot be differentiated twice (create_graph=True); call it uncompiled"
            )
        if saved is None:
            raise RuntimeError(
                f"{name}: trying to backward through the graph a second time, but what it had saved was freed by the "
                "first; use backward(retain_graph=True) if you need both"
            )
        for version in self.guards:
            if version.time > self.time:
                refuse_changed(self, name, version)
        forms = self.entry.forms
        parts = [g.get(k) for k in range(len(forms))] if type(g) is Parts else [g]
        parts = [np.zeros(*form) if p is None else np.asarray(p) for p, form in zip(parts, forms)]
        if self.lent is None:
            return self.entry.back(saved, parts, None)
        workspace = self.lent.workspace
        return workspace.plan.back(saved, parts, workspace)  # type: ignore[union-attr]

    def release(self) -> None:
        self.kept = None
        if self.lent is not None:
            lent, self.lent = self.lent, None
            self.entry.take_back(lent)

    def name(self) -> str:
        return "CompiledFunctionBackward"


class Spent(Node):
    """A result whose graph was freed inside of the function."""

    __slots__ = ()

    def __init__(self, array: np.ndarray):
        self.parents, self.shape, self.dtype, self.time = (), array.shape, array.dtype, tick()
        self.hooks = self.retain = self.where = self.scope = None

    def pull(self, g: Any, aside: Set[Node] = frozenset()) -> list:
        raise RuntimeError(
            "trying to backward through the graph a second time: the compiled function went back through it; "
            "use backward(retain_graph=True) there, uncompiled, if you need both"
        )

    @property
    def variable(self) -> Any:
        return self.pull(None)

    def name(self) -> str:
        return "CompiledFunctionBackward"


class Compiled(Generic[P, R]):
    """A compiled function. `program` is the one that ran last."""

    def __init__(self, f: Callable, fullgraph: bool, options: dict[str, Any] | None):
        functools.update_wrapper(self, f, updated=())
        self._f, self._fullgraph, self._options = f, fullgraph, options
        self._entries: list[Entry] = []
        self._said: set[str] = set()
        self._eager = False
        self._locks: dict[int, Any] = {}  # by process: that of a thread which a fork has left behind is never free

    def __call__(self, *args: P.args, **named: P.kwargs) -> R:
        if mode.watch or mode.tracer is not None:
            return self._f(*args, **named)
        for entry in self._entries:
            if entry.fits(args, named):
                try:
                    return entry.run(args, named)
                except Unfit:
                    return self._f(*args, **named)
        if self._eager or sys.getprofile() is not None:
            return self._f(*args, **named)
        return self._captured(args, named)

    def _captured(self, args: tuple, named: dict) -> Any:
        with self._locks.setdefault(os.getpid(), threading.RLock()):
            if len(self._entries) >= LIMIT:
                self._eager = True
                self._say(f"it has {LIMIT} programs, for other shapes or values; where none fits, it runs uncompiled")
                return self._f(*args, **named)
            capture = Capture(self._f, args, named, self._fullgraph)
            try:
                result = capture.run()
            finally:
                capture.held.clear()  # what is in it leads back to it
            if capture.refusal is None:
                self._entries = [Entry(capture, self._options), *self._entries]
            else:
                self._eager = True
                self._say(str(capture.refusal).removeprefix("compile: ") + "; it runs uncompiled")
            return result

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            name = getattr(self._f, "__name__", type(self._f).__name__)
            warnings.warn(f"compile({name}): {text}", UserWarning, stacklevel=user_level())

    @property
    def program(self) -> Program:
        if not self._entries:
            raise RuntimeError("program: nothing has been captured; call the function first")
        return self._entries[0].program

    @property
    def passes(self) -> str:
        """A line for each pass of the program that ran last: how many instructions, and bytes of results, it left."""
        return "\n".join(map(repr, self.program.history))

    def __reduce__(self) -> tuple:
        """A copy captures programs of its own: those of this one hold this one's parameters."""
        return Compiled, (self._f, self._fullgraph, self._options)

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else functools.partial(self, owner)


class OptimizedModule(Module):
    """A compiled module: calls run its programs, all else is the module's own."""

    def __init__(self, module: Module, fullgraph: bool, options: dict[str, Any] | None):
        super().__init__()
        self._modules["_orig_mod"] = module
        self.__dict__["_compiled"] = Compiled(module, fullgraph, options)

    def __reduce__(self) -> tuple:
        return OptimizedModule, (self._orig_mod, self._compiled._fullgraph, self._compiled._options)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._compiled(*args, **named)

    def forward(self, *args: Any, **named: Any) -> Any:
        return self._orig_mod.forward(*args, **named)

    @property
    def program(self) -> Program:
        return self._compiled.program

    @property
    def passes(self) -> str:
        return self._compiled.passes

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return self.__dict__["_modules"]["_orig_mod"]
        return getattr(self._orig_mod, name)

    def __len__(self) -> int:
        return len(self._orig_mod)

    def __iter__(self) -> Iterator:
        return iter(self._orig_mod)

    def __getitem__(self, key: Any) -> Any:
        return self._orig_mod[key]

    @property
    def training(self) -> bool:  # type: ignore[override]
        return self._orig_mod.training

    @training.setter
    def training(self, flag: bool) -> None:
        self._orig_mod.training = flag


def compiled(f: Any, fullgraph: bool, options: dict[str, Any] | None) -> Any:
    if isinstance(f, Module):
        return OptimizedModule(f, fullgraph, options)
    return Compiled(f, fullgraph, options)
