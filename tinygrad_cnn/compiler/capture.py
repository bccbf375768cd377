"""Capture: f runs once, as it stands, and everything that it does with arrays is written down as a program.

Three watchers work together. The engine tells of every call of an op, of changes in place, and of every step of a
walk (`Tracer`). `sys.setprofile` shows every other call (`permitted.py`). Guards note what f finds outside
(`guards.py`). An array that appears and is none of what was told comes from elsewhere, so the capture is refused. It
goes on all the same, for f runs for real: a refused capture was an ordinary call.

Backward's rules run on arrays, and each is one instruction. Gradients travel as Tensors: where two are added is an op.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from functools import partial
from types import CodeType, FrameType
from typing import Any

import numpy as np

from ..arrays.dtypes import float16
from ..arrays.half import widened
from ..arrays.kept import is_kept
from ..arrays.lines import PACKAGE, user_line
from ..engine.function import FunctionCtx
from ..engine.modes import Setting, mode
from ..engine.node import Node, Parts, Pick, Version, refuse_changed, tick
from ..engine.op import Op
from ..engine.record import OpNode, summed_to
from ..engine.tensor import Tensor, as_array, wrap
from ..engine.walk import _own, accumulate, ancestry, walk
from ..engine.watch import Tracer
from ..surface import writing
from . import steps
from .guards import Guards, is_library
from .permitted import (
    ACCUMULATE,
    AS_ARRAY,
    BUMP,
    OP_CALL,
    STATISTICS,
    WHOLE,
    Refusal,
    Whole,
    is_form,
    is_recorded,
    objection_to_call,
    objection_to_code,
    objection_to_package,
    opens,
)
from .program import AsTensor, Instruction, Program, Value, in_a_row, values_in

SHAPED_BY_NUMBERS = {"nonzero", "masked_select", "unique", "bincount", "histc", "argwhere", "unique_consecutive"}
WRITE = writing.write.__code__


class Capture(Tracer):
    """One run of f. `result` is what it returned, `program` what it did, `refusal` why there is none."""

    plain = True

    def __init__(self, f: Callable, args: tuple, named: dict, strict: bool):
        self.f, self.args, self.named, self.strict = f, args, named, strict
        self.program = Program(getattr(f, "__name__", type(f).__name__))
        self.guards = Guards()
        self.refusal: Refusal | None = None
        self.values: dict[int, Value] = {}  # by the id of an array, or of something else that an op hands on
        self.held: dict[int, Any] = {}  # the things; of arrays weak references, for they are to die as they do in eager
        self.count = 0
        self.extras: dict[tuple[Node, int], Value] = {}  # what forward handed on to rules, by their place
        self.paths: dict[Value, str] = {}
        self.into = self.program.forward
        self.busy: Any = None  # the frame of an op or of a whole call: what runs in it is known
        self.whole: tuple[Whole, tuple, dict, Any] | None = None
        self.codes: set[Any] = set()
        self.ends: set[Node] = set()
        self.started = 0

    def run(self) -> Any:
        """f(*args, **named), and then the way back through it, if there is one."""
        given: list[tuple[Tensor, str]] = []
        self.guards.fact(
            f"len(args) == {len(self.args)} and len(named) == {len(self.named)}", "the number of arguments"
        )
        for i, a in enumerate(self.args):
            self.guards.argument(f"args[{i}]", a, f"argument {i}", given)
        for key, a in self.named.items():
            self.guards.argument(f"named[{key!r}]", a, f"argument {key}", given)
        names = self._parameter_names()
        for t, path in given:
            self._input(t, path, names)
        self.guards.root(self.f, self.program.name)
        self.started = tick()
        before = sys.getprofile()
        with Setting(watch=True, tracer=self):
            try:
                sys.setprofile(self._seen)
                result = self.f(*self.args, **self.named)
            finally:
                sys.setprofile(before)
            if self.refusal is None:
                self._finish(result)
        return result

    def refuse(self, why: str, line: tuple[str, int, str] | None = None) -> None:
        if self.refusal is None:
            self.refusal = Refusal(why, line := line or user_line())
            if self.strict:
                raise Refusal(why, line)  # another one, whose traceback does not lead back to itself

    # values

    def _parameter_names(self) -> dict[str, str]:
        code = getattr(f := getattr(self.f, "forward", self.f), "__code__", None)
        names = code.co_varnames[hasattr(f, "__self__") : code.co_argcount] if code else ()
        return {f"args[{i}]": name for i, name in enumerate(names)}

    def _input(self, t: Tensor, path: str, names: dict[str, str]) -> None:
        known = self.values.get(id(t._array))
        if known is not None:
            self.guards.fact(f"{path}._array is {self.paths[known]}._array", "which arguments are one tensor")
            return
        head, _, tail = path.partition("]")
        name = names.get(f"{head}]", f"x{len(self.paths)}") + tail if head.startswith("args") else path[7:-2]
        v = self._new("input", t._array, name, t)
        self.program.inputs[v] = self.paths[v] = path

    def _new(self, kind: str, thing: Any, name: str = "", tensor: Any = None) -> Value:
        v = Value(kind, thing, name or f"v{self.count}", tensor)
        self._hold(thing)
        self.values[id(thing)] = v
        return v

    def _hold(self, thing: Any) -> None:
        """See to it that the id of a thing is given to nothing else as long as it is known."""
        self.count += 1
        if not isinstance(thing, np.ndarray):
            self.held[id(thing)] = thing
            return
        # When it dies, it is taken out by functions in C; in one in Python, an interrupt would be lost.
        self.held[id(thing)] = [weakref.ref(thing, partial(known.pop, id(thing))) for known in (self.held, self.values)]

    def value(self, array: Any) -> Value | None:
        """The value that an array is, perhaps seen through another object on the same memory; None and a refusal."""
        found = self.values.get(id(array))
        if found is None and (id(array) in self.guards.tensors or is_kept(array)):  # a table knows shapes alone
            t, name = self.guards.tensors.get(id(array), (None, ""))
            found = self._new(*("constant", array, "", wrap(array)) if t is None else ("outside", array, name, t))
            self.program.outside.append(found)
        if found is None and isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
            known = self.values.get(id(array.base))
            if known is not None and array.base.__array_interface__ == array.__array_interface__:
                return known
        return found

    def argument(self, a: Any) -> Any:
        """An argument with values in the places of arrays."""
        if isinstance(a, Tensor):
            return self._known(a._array)
        if isinstance(a, np.ndarray):
            return self._known(a)
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            return type(a)(*map(self.argument, a))
        if isinstance(a, tuple | list):
            return type(a)(map(self.argument, a))
        if type(a) is Parts:
            return Parts({i: self.argument(part) for i, part in a.items()})
        return a

    def _known(self, array: np.ndarray) -> Value | None:
        if (v := self.value(array)) is None:
            self.refuse("an array appears here that no op made: NumPy, or a tensor that was made in another way")
        return v

    def emit(self, name: str, run: Callable, args: tuple, outs: list, line: Any = None, **more: Any) -> None:
        if self.refusal is None:
            self.into.append(Instruction(name, run, args, outs, line or user_line(), **more))

    def _computed(self, thing: Any) -> Value:
        if isinstance(thing, np.ndarray):
            return self._new("computed", thing)
        self._hold(thing)
        return Value("kept", thing, f"v{self.count}")

    # what the engine tells

    def called(self, op: Any, args: Any, out: Any, node: Node | None) -> None:
        if self.refusal is not None or self.whole is not None or not isinstance(op, Op):
            return
        if op.name.strip("_") in SHAPED_BY_NUMBERS:
            self.refuse(f"{op.name.strip('_')} gives a shape that depends on numbers")
        given = tuple(self.argument(a) for a in args)
        if op.name == "getitem" and any(v.dtype == np.bool_ for v in values_in(given[1:])):
            self.refuse("getitem by a mask gives a shape that depends on numbers")
        extras = self._extras(op, node, args)
        # Arrays among the attributes are there to be changed: a batch norm's statistics.
        inner = [part for a in args if type(a) is tuple for part in a if isinstance(part, np.ndarray)]
        written = tuple(v for v in map(self.argument, inner) if v is not None)
        run = op.compute_half if not op.exact and any(_is_half(a) for a in args) else op.compute
        several = type(out) is tuple
        outs: list[Any] = [self._computed(a) for a in (out if several else (out,))]
        if op.keeps:
            outs, run = [*outs, *extras], in_a_row(run) if several else run
        self.emit(op.name, run, given, outs, node.where if node else None, several=several or bool(op.keeps),
                  view=op.view, source=op, effect="writes" if written else "", written=written)  # fmt: skip

    def _extras(self, op: Op, node: Node | None, args: Any) -> list[Value | None]:
        """What forward handed on, as far as a rule wants it."""
        extras: list[Value | None] = [None] * len(op.keeps)
        if isinstance(node, OpNode) and node.saved is not None:
            first = len(node.plan.names) + 1
            for slot, (k, thing) in enumerate(zip(node.plan.keep, node.saved)):
                if isinstance(k, int) and first <= k < len(node.plan.numbered) and thing is not None:
                    known = self.values.get(id(thing)) if isinstance(thing, np.ndarray) else None
                    self.extras[node, slot] = extras[k - first] = known or self._computed(thing)
                elif isinstance(k, int) and k < len(args) and (table := self.values.get(id(args[k]))):
                    self._hold(thing)  # a copy of it
                    self.extras[node, slot] = self.values[id(thing)] = table
        return extras

    def changed(self, t: Tensor, made: np.ndarray, op: str) -> None:
        if self.refusal is None and self.whole is None:
            into, values = self._known(t._array), self._known(made)
            if into is not None:
                self.emit(op, steps.write, (into, values), [], effect="writes", written=(into,))
                self._bump(t._counter, op)

    def _bump(self, version: Version | None, op: str) -> None:
        """Changes in place of what lives outside are counted."""
        for v in (*self.program.inputs, *self.program.outside):
            if v.tensor._counter is version:
                self.emit("count", steps.bump, (AsTensor(v), op), [], effect="writes", written=(v,))
                return

    def moved(self, old: np.ndarray, new: np.ndarray) -> None:
        if self.refusal is None and self.whole is None and id(new) not in self.values:
            source = self._known(old)
            if source is not None and source.tensor is not None and not old.flags.c_contiguous:
                self.refuse("the memory of a tensor from outside is put in order")
            if old.flags.c_contiguous or not new.flags.c_contiguous:
                self.emit("copy", steps.copy, (source,), [self._computed(new)])
            else:
                self.emit("contiguous", steps.contiguous, (source,), [self._computed(new)], view=True)

    # a walk

    def walk(self, roots: list[Node], retain_graph: bool, ends: list[Node] | None) -> Tracer | None:
        self.ends = set(ends or ())
        return self

    def through(self, pull: Callable, arrive: Callable, stops: set[Node]) -> tuple[Callable, Callable]:
        if mode.grad:
            self.refuse("create_graph=True: derivatives of derivatives")
        if self.refusal is not None:
            return pull, arrive
        targets = stops | self.ends

        def captured_arrive(node: Any, g: Any) -> None:
            array = g._array if isinstance(g, Tensor) else g
            self._gradient(node, array)
            arrive(node, array)

        return lambda node, g: self._pull(node, g, targets), captured_arrive

    def _accumulate(self, t: Tensor, g: Any, recorded: bool) -> None:
        """A gradient is added to the `.grad` of a leaf."""
        place, v = self._known(t._array), self._known(g)
        if place is None or place.tensor is not t or recorded:
            self.refuse("a gradient arrives at a leaf that was made inside")
        else:
            if place.kind == "input":
                path = self.paths[place]
                self.guards.fact(f"not ({path}._node and {path}._node.hooks)", f"the hooks of {place.name}")
            else:
                self.guards.used(t, place.name, True)
            self.emit("accumulate", accumulate, (AsTensor(place), v, False), [], effect="calls")

    def _gradient(self, node: Node, array: Any) -> Value | None:
        """The value of a gradient that arrives; that of a root without one is all ones."""
        if node.hooks or node.retain is not None:
            self.refuse("a hook sees a gradient", node.where)
        if self.refusal is not None:
            return None
        v = self.value(array)
        if v is None and isinstance(array, np.ndarray) and array.size == 1 and array.flat[0] == 1:
            v = self._computed(array)
            self.emit("ones", np.ones, (array.shape, array.dtype), [v])
        return v if v is not None else self._known(array)

    def _pull(self, node: Node, g: Any, targets: set[Node]) -> list:
        """Through a node, with arrays, as ever; what comes out is wrapped."""
        if isinstance(node, Pick):
            return node.pull(g)
        arrays = Parts({i: as_array(part) for i, part in g.items()}) if type(g) is Parts else as_array(g)
        for part in arrays.values() if type(arrays) is Parts else [arrays]:
            self._gradient(node, part)
        if isinstance(node, FunctionCtx):
            found = node.pull(g if isinstance(g, Parts | Tensor) else wrap(g))
        elif isinstance(node, OpNode):
            busy, self.busy = self.busy, self.busy or self
            try:
                found = self._pull_op(node, arrays, targets)
            finally:
                self.busy = busy
        else:
            self.refuse(f"a step back through {node.name()}")
            found = node.pull(arrays)
        return [c if c is None or isinstance(c, Tensor | Parts) else wrap(np.asarray(c)) for c in found]

    def _pull_op(self, node: OpNode, g: Any, targets: set[Node]) -> list:
        if node.saved is None:
            node.refuse_second()
        for version in node.guards:
            if version.time > node.time:
                refuse_changed(node, node.op.name, version)
        plan, found = node.plan, []
        symbols = (
            None
            if self.refusal
            else [self.extras.get((node, slot)) or self.argument(s) for slot, s in enumerate(node.saved or ())]
        )
        known = None if self.refusal else self.argument(g)
        saved: Any = node.saved
        half = node.dtype is float16
        if half:
            g, saved = widened(g), widened(saved)
        for k, (rule, slots) in enumerate(plan.steps):
            made = rule(g, *[saved[i] for i in slots])
            if node.op.joint is not None:
                made = [c for c, needed in zip(made, plan.needs) if needed]
                names = f"{node.op.name}.back"
            else:
                names, made = f"{node.op.name}.back_{plan.names[plan.needed[k]]}", [made]
            made = [c if c is None else np.asarray(c) for c in made]
            if symbols is not None:
                self._emit_rule(node, names, rule, (known, *[symbols[i] for i in slots]), made, half)
            found += made
        return [self._fitted(c, parent, node, g, targets) for c, parent in zip(found, node.parents)]

    def _emit_rule(self, node: OpNode, name: str, rule: Callable, args: tuple, made: list, half: bool) -> None:
        fresh = [None if c is None or self.values.get(id(c)) else self._computed(c) for c in made]
        if not any(fresh):
            return
        joint = node.op.joint is not None
        if joint:
            needs = node.plan.needs
            outs = iter(fresh)
            fresh = [next(outs) if needed else None for needed in needs]
        run = (lambda g, *saved: rule(widened(g), *widened(list(saved)))) if half else rule
        self.emit(name, run, args, fresh, node.where, several=joint, view=True, source=(node.op, node.plan, rule))

    def _fitted(self, c: Any, parent: Node, node: OpNode, g: Any, targets: set[Node]) -> Any:
        """In the shape and the dtype of the parent; nobody else's memory where it is handed out."""
        if c is None:
            return None
        if c.shape != parent.shape:
            c = self._step("sum_to", lambda c, shape: summed_to(widened(c), shape), c, parent.shape, node)
        if c.dtype != parent.dtype:
            c = self._step("cast", lambda c, dtype: c.astype(dtype), c, parent.dtype, node)
        if parent in targets and _own(c, g, node) is not c:
            c = self._step("copy", lambda c, order: np.copy(c, order=order), c, "K", node)
        return c

    def _step(self, name: str, run: Callable, c: Any, how: Any, node: Node) -> Any:
        made = run(c, how)
        if self.refusal is None:
            self.emit(name, run, (self._known(c), how), [self._computed(made)], node.where, view=name == "sum_to")
        return made

    # what Python tells

    def _seen(self, frame: FrameType, event: str, arg: Any) -> None:
        if self.refusal is not None:
            return
        if event == "call":
            if self.busy is None:
                self._enter(frame)
        elif event == "return":
            if self.busy is frame:
                self.busy = None
                if self.whole is not None:
                    self._leave(arg, frame)
        elif event == "c_call" and self.busy is None and not _of_package(frame):
            objection = objection_to_call(arg)
            if objection:
                self.refuse(objection, (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
            elif arg is getattr:
                self.guards.everything()

    def _enter(self, frame: FrameType) -> None:
        code, module = frame.f_code, frame.f_globals.get("__name__", "")
        if code is OP_CALL or opens(frame):
            self.busy = frame
        elif code in WHOLE or (code is WRITE and not is_recorded(frame)):
            self.busy = frame
            whole = WHOLE.get(code) or Whole(writing.write, "writes")
            self._begin(whole, frame)
        elif code is AS_ARRAY:
            caller = frame.f_back
            if isinstance(frame.f_locals["data"], Tensor) and caller is not None:
                there = caller.f_globals.get("__name__", "")
                first = there.removeprefix("tinygrad_cnn.").partition(".")[0]
                if first not in ("engine", "compiler") and not is_form(caller.f_code, there):
                    self.refuse(f"calls {caller.f_code.co_name}(), which looks at numbers")
        elif code is ACCUMULATE:
            self._accumulate(**frame.f_locals)
        elif code is BUMP:
            caller = frame.f_back
            assert caller is not None
            if caller.f_code is STATISTICS:
                self._bump(frame.f_locals["self"], frame.f_locals["op"])
            elif not caller.f_globals.get("__name__", "").startswith("tinygrad_cnn.engine"):
                self.refuse(f"calls {caller.f_code.co_name}(), which changes a tensor in a way that is not told")
        elif code.co_filename.startswith(PACKAGE):
            objection = objection_to_package(code, module)
            if objection:
                self.refuse(objection)
        elif _is_collectors(code) or (
            is_library(code.co_filename) and frame.f_back is not None and _of_package(frame.f_back)
        ):
            self.busy = frame
        else:
            self._user_code(code, frame)

    def _user_code(self, code: Any, frame: FrameType) -> None:
        key = code, id(frame.f_globals)
        if key in self.codes:
            return
        self.codes.add(key)
        objection = objection_to_code(code)
        if objection:
            self.refuse(objection[0], (code.co_filename, objection[1], code.co_name))
            return
        cells = set(code.co_freevars) - {"__class__"}
        if cells and not self.guards.knows(code, frame.f_globals):
            self.refuse(f"runs {code.co_name}(), which takes {', '.join(cells)} from a place that was not found")
        self.guards.code(code, frame.f_globals)
        if self.guards.trouble:
            self.refuse(self.guards.trouble)

    def _begin(self, whole: Whole, frame: FrameType) -> None:
        """A call that is one instruction; its arguments as they are now."""
        code, found = frame.f_code, frame.f_locals
        names = code.co_varnames
        count = code.co_argcount
        args = [found[name] for name in names[:count]]
        named = {name: found[name] for name in names[count : count + code.co_kwonlyargcount]}
        last = count + code.co_kwonlyargcount
        if code.co_flags & 4:
            args += found[names[last]]
            last += 1
        if code.co_flags & 8:
            named.update(found[names[last]])
        known = {key: self._whole_argument(a) for key, a in named.items()}
        self.whole = whole, tuple(map(self._whole_argument, args)), known, args

    def _whole_argument(self, a: Any) -> Any:
        if isinstance(a, Tensor):
            v = self._known(a._array)
            return a if v is None else AsTensor(v)
        if isinstance(a, tuple | list) and not hasattr(a, "_fields"):
            return type(a)(map(self._whole_argument, a))
        if hasattr(a, "gi_frame"):
            self.refuse("a generator is handed on, which can be gone through once; make it a list")
        return self.argument(a)

    def _leave(self, result: Any, frame: FrameType) -> None:
        assert self.whole is not None
        (function, effect), args, named, given = self.whole
        self.whole = None
        name = function.__qualname__ if effect == "calls" else function.__name__
        run: Callable = function
        outs: list = []
        written: tuple = ()
        if effect == "check":
            if result is not True:
                self.refuse(f"calls {name}(), which looks at numbers, and they are not the usual ones")
            run = steps.checked(function)
        elif effect == "writes":
            t = given[0]
            v = self._known(t._array)
            written = (v,) if v is not None else ()
            if result is not t:
                self.refuse(f"calls {name}() in an unknown way")
        elif isinstance(result, Tensor):
            if result._requires_grad or result._counter is not None:
                self.refuse("makes a leaf that requires grad")
            run, outs = steps.opened(function), [self._computed(result._array)]
        elif isinstance(result, np.ndarray):
            outs = [self._computed(result)]
        elif result is not None:
            self.refuse(f"calls {name}(), which gives a {type(result).__name__}")
        self.emit(name, run, args, outs, named=named, effect=effect, written=written, source=function)

    # the end

    def _finish(self, result: Any) -> None:
        program = self.program
        self.busy = True  # nobody looks any more
        found: list[Tensor] = []
        program.result = self._result(result, found)
        self._checks_first()
        roots = []
        for t in found:
            if not t.requires_grad or t.is_leaf:
                continue
            v = self._known(t._array)
            nodes = ancestry([t._node])  # type: ignore[list-item]
            inner = [n for n in nodes if n.time > self.started]
            if any(isinstance(n, OpNode) and n.saved is None for n in inner):
                program.spent.append(v)  # type: ignore[arg-type]
            elif v is not None and v not in program.differentiable:
                program.differentiable.append(v)
                roots.append(t)
        if roots and self.refusal is None:
            try:
                self._way_back(roots)
            except Refusal:
                raise
            except Exception as error:
                self.refuse(f"going back through it raises a {type(error).__name__}: {error}")
        outside = set(program.outside)
        for v in outside:
            self.guards.used(v.tensor, v.name, False)
        broken = self.guards.broken(self.args, self.named)
        if broken and self.refusal is None:
            self.refuse(f"changes {broken}")

    def _checks_first(self) -> None:
        """Looks at numbers go to the front, before anything has an effect: where one fails, f runs as it stands."""
        forward = self.program.forward
        wanted: set[Value] = set()
        front: list[Instruction] = []
        for i in reversed(forward):
            if i.effect == "check" or not wanted.isdisjoint(i.results()):
                front.append(i)
                wanted.update(i.reads())
                if i.effect not in ("", "check"):
                    self.refuse(f"{i.name} is looked at", i.line)
        changed = {v for i in forward for v in i.written}
        if not wanted.isdisjoint(changed):
            self.refuse("numbers that are looked at are changed in place")
        moved = {id(i) for i in front}
        self.program.forward[:] = front[::-1] + [i for i in forward if id(i) not in moved]

    def _way_back(self, roots: list[Tensor]) -> None:
        """Go back through what f did, with gradients that are no more than their shapes, and write that down, too."""
        program = self.program
        sources = [*program.inputs, *program.outside]
        ends = [v for v in sources if v.tensor._requires_grad]
        nodes = [v.tensor.accumulator() for v in ends]
        self.into = program.backward
        seeds = [np.ones_like(t._array) for t in roots]
        program.seeds = [self._new("seed", s, f"g_{self.values[id(t._array)].name}") for s, t in zip(seeds, roots)]
        found = walk([t.accumulator() for t in roots], list(seeds), True, nodes)
        for v, node in zip(ends, nodes):
            if node in found:
                g = self._known(found[node])
                if g is not None:
                    program.ends.append(v)
                    program.gradients.append(g)

    def _result(self, result: Any, found: list[Tensor]) -> Any:
        if isinstance(result, Tensor):
            v = self._known(result._array)
            if v is not None and v.tensor is not None:
                if v.tensor is not result:
                    self.refuse("returns a tensor on the memory of one from outside")
                return AsTensor(v)
            found.append(result)
            sources = [o.tensor._array for o in (*self.program.inputs, *self.program.outside)]
            if v is not None and any(np.may_share_memory(result._array, a) for a in sources):
                self.refuse("returns a view of a tensor from outside")
            return v
        if isinstance(result, tuple) and hasattr(result, "_fields"):
            return type(result)(*[self._result(part, found) for part in result])
        if type(result) in (tuple, list):
            return type(result)([self._result(part, found) for part in result])
        if type(result) is dict:
            return {key: self._result(part, found) for key, part in result.items()}
        if result is None or isinstance(result, bool | int | float | str):
            return result
        self.refuse(f"returns a {type(result).__name__}")
        return None


def _is_collectors(code: CodeType) -> bool:
    """Whether Python's collector calls this when it likes, whatever the program is about."""
    return any(getattr(f, "__code__", None) is code for f in gc.callbacks)


def _of_package(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(PACKAGE)


def _is_half(a: Any) -> bool:
    return isinstance(a, Tensor | np.ndarray) and a.dtype == float16
