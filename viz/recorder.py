"""Recording: what is called, and what backward does, step by step.

    with viz.record(model) as r:
        loss = criterion(model(x), y)
        loss.backward()
    viz.html(r, "step.html")

The engine tells `mode.tracer` of every call and of every step of a walk. It is told, and copies what it
will show; it changes nothing and keeps nothing alive. An error of its own becomes a note in the document, never
an error in the script that it watches.
"""

from __future__ import annotations

import functools
import math
import os
import time
import weakref
from collections import Counter
from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_cnn.arrays.blocks import Ending
from tinygrad_cnn.arrays.lines import user_line
from tinygrad_cnn.arrays.quiet import quietly
from tinygrad_cnn.engine.function import FunctionCtx
from tinygrad_cnn.engine.modes import Setting, mode
from tinygrad_cnn.engine.node import AccumulateGrad, Node, Parts, Pick, tick
from tinygrad_cnn.engine.tensor import Tensor
from tinygrad_cnn.engine.watch import Tracer

from .again import Again
from .causes import NEVER, Cause, integer, place_of
from .check import worked
from .dot import summary
from .failure import failed_call
from .names import Names, printable
from .problems import problems
from .samples import Samples, brief, norm, plain
from .snapshot import BUDGET, EMPTY, document_of
from .structure import Structure, op_name
from .zero import Zeros

TIMINGS = "tinygrad_cnn.viz.timings/1"
MOST_NOTES = 20
HERE = str(Path(__file__).parent) + os.sep
MOST_UPDATES = 8


def told(listen: Callable) -> Callable:
    """A method that the engine calls in the middle of the script's work: what goes wrong in it is noted."""

    @functools.wraps(listen)
    def listening(self: Any, *args: Any) -> Any:
        try:
            return quietly(listen, self, *args)
        except Exception as error:
            self.note(f"{listen.__name__}: {type(error).__name__}: {error}")
            return None

    return listening


class record(Tracer):
    """Record what runs in a `with` block; then `.document` is the snapshot with the steps of each backward pass.

    model: a Module whose names are used (found by itself where the graph ran in one). names: names for
    other tensors. values: keep samples of values and gradients, within `budget` bytes. check: work out one
    element of each gradient in numbers (runs every op three more times). `.timings` holds nanoseconds,
    apart from the document, whose bytes are the same in every run.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> with tg.viz.record(names={"x": x}) as r:
    ...     (x * x).sum().backward()
    >>> [step["node"] for step in r.document["passes"][0]["steps"]]
    ['sum', 'mul', 'x']
    """

    def __init__(
        self,
        model: Any = None,
        *,
        names: dict[str, Tensor] | None = None,
        values: bool = True,
        check: bool = True,
        budget: int = BUDGET,
    ):
        self.arguments = model, names, values, check, budget
        self.recording = False
        self._begin(*self.arguments)

    def _begin(self, model: Any, names: Any, values: bool, check: bool, budget: int) -> None:
        self.samples = Samples(budget) if values else None
        self.check = values and check
        self.names = Names(model, names)
        self.structure = Structure(self.names, self.samples)
        self.nodes: list[weakref.ref] = []
        self.walks: list[Walk] = []
        self.forward: dict[int, int] = {}
        self.base: weakref.ref | None = None  # the array of which a view was changed just now
        self.last = 0
        self.notes: list[str] = []
        self.weights: list[tuple[Any, Tensor, np.ndarray]] = []
        self.updates: list[dict] = []
        self._document: dict | None = None
        self._timings: dict[str, Any] = {"schema": TIMINGS, "forward": {}, "backward": []}

    @functools.cached_property
    def setting(self) -> Setting:
        """That of the block; it holds this recorder, so it is gone with the block."""
        return Setting(watch=True, tracer=self)

    __exit__ = Ending(lambda self: [self.setting.__exit__, partial(setattr, self, "recording", False), self._end])

    def __enter__(self) -> record:
        if self.recording:
            raise RuntimeError("record: this one is recording already; make another for a block inside its block")
        if self._document is not None:  # a second block is a recording of its own
            self._begin(*self.arguments)
        self.last = time.perf_counter_ns()
        self.recording = True
        return self.setting.__enter__() and self

    def _end(self) -> None:
        self._finish()
        if self._document is None:
            self._document = dict(EMPTY)
        if self.notes:
            self._document["notes"] = self.notes
        del self.structure, self.samples, self.nodes, self.walks, self.names, self.setting, self.weights, self.updates

    def note(self, text: str) -> None:
        """Say in the document what the recorder failed at."""
        if text not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(text)

    @told
    def _finish(self) -> None:
        if not self.walks:
            alive = [node for ref in self.nodes if (node := ref()) is not None]
            used = {parent for node in alive for parent in node.parents}
            roots = [node for node in alive if node not in used]
            self.structure.add(roots)
            failed = [n for n in self.structure.nodes.values() if "failed" in n]
            taken = {edge["from"] for n in failed for edge in n["inputs"]}
            self.structure.mark_outputs(root for root in roots if root.time not in taken)
        passes = [walk.document() for walk in self.walks]
        ids = self.structure.ids()
        for walk, one in zip(self.walks, passes, strict=True):
            walk.name(one, ids)
        self._document = document_of(self.structure, passes)
        for update in self.updates[-MOST_UPDATES:]:
            sizes = {ids[key]: size for key, size in update["sizes"].items() if key in ids}
            self._document.setdefault("updates", []).append({**update, "sizes": sizes})
        self._timings = {
            "schema": TIMINGS,
            "forward": {ids[key]: ns for key, ns in self.forward.items() if key in ids},
            "backward": [{ids[key]: ns for key, ns in walk.timings.items() if key in ids} for walk in self.walks],
        }
        self._document["problems"] = problems(self._document)

    @property
    def document(self) -> dict[str, Any]:
        """The snapshot: plain dicts and lists."""
        if self._document is None:
            raise RuntimeError("record: the document is ready when the with block has ended")
        return self._document

    def __repr__(self) -> str:
        if self._document is None:
            return "<record: its with block has not ended>"
        return f"<record of {printable(self._document['title'])}: {summary(self._document)}>"

    def _repr_html_(self) -> str:
        """In a notebook, the picture; `viz.show` shows the page."""
        from .notebook import Graph  # which stands above

        return f"<p>{escape(repr(self))}</p>" if self._document is None else Graph(self)._repr_html_()

    @property
    def timings(self) -> dict[str, Any]:
        """Nanoseconds by node id: forward from the end of the op before, backward of the rules alone."""
        self.document  # noqa: B018  refuses before the end
        return self._timings

    def name(self, namespace: dict[str, Any]) -> None:
        """Call the tensors of a namespace by their names there, while the recording is not over."""
        for name, t in namespace.items():
            if isinstance(t, Tensor) and not name.startswith("_"):
                self.names.give(name, t)

    @told
    def failed(self, error: BaseException) -> None:
        """Draw the call that raised this error, with what it was given, where the error is caught within the block."""
        call = failed_call(error)
        self.structure.add([t.accumulator() for _, t in call.given if t.requires_grad])
        given = [{"port": port, **(self._given(t) or {})} for port, t in call.given]
        self.structure.add_failed(call, given, " ".join(f"{type(error).__name__}: {error}".split()))

    def walked(self, t: Tensor) -> bool:
        """Whether backward has started from this tensor."""
        return any(t._node is not None and t._node.time in walk.roots for walk in self.walks)

    # what the engine tells

    @told
    def called(self, op: Any, args: Any, out: Any, node: Node | None) -> None:
        """An op ran on these arguments; `node` is its record, None where it was not recorded."""
        now = time.perf_counter_ns()
        if node is None:
            key = self._grey(op, args, out)
        else:
            key = node.time
            self.nodes.append(weakref.ref(node))
            call: dict[str, Any] = {"op": op, "scope": node.scope, "where": node.where}
            call["inputs"] = self._inputs(key, args, None)
            call["shape"], call["dtype"] = _form(out)
            self.structure.names.entered(node.scope, key)
            if self.samples is not None and isinstance(out, np.ndarray):
                call["value"] = self.samples.add(out)
            if self.check:
                call["args"] = [a._array if isinstance(a, Tensor) else a for a in args]
                call["out"] = out.copy() if isinstance(out, np.ndarray) else out
            self.structure.calls[key] = call
            whole = self.base() if self.base is not None else None
            if whole is not None and op_name(op) == "setitem" and args[0]._array is whole:
                self.structure.change(key, "setitem", whole)  # what a changed view is a view of
                self.base = None
        for array in out if isinstance(out, tuple) else (out,):
            if isinstance(array, np.ndarray):
                self.structure.remember(array, key)
        self.forward[key] = now - self.last
        self.last = time.perf_counter_ns()

    @told
    def stepping(self, optimizer: Any) -> None:
        """An optimizer is about to change its parameters."""
        groups = [(g, p) for g in optimizer.param_groups for p in g["params"] if p._grad is not None]
        self.weights = [(g.get("lr"), p, p._array.copy()) for g, p in groups]

    @told
    def stepped(self, optimizer: Any) -> None:
        """It has changed them: by how much, each beside its size before."""
        sizes = {}
        for lr, p, before in self.weights:
            lr = {} if lr is None else {"lr": brief(float(lr))}
            sizes[p.accumulator().time] = {
                "weight": brief(norm(before)), "change": brief(norm(p._array - before)), **lr
            }  # fmt: skip
        self.weights = []
        self.updates.append({"optimizer": type(optimizer).__name__, "sizes": sizes})

    @told
    def walk(self, roots: list[Node], retain_graph: bool, ends: list[Node] | None) -> Walk:
        """A backward pass begins; with `ends`, for the gradients of these alone."""
        walk = Walk(self, roots, retain_graph, ends)
        self.walks.append(walk)
        return walk

    @told
    def detached(self, t: Tensor, out: Tensor) -> None:
        """`out` has the values of `t` and none of its history."""
        if t._requires_grad:
            structure, key, where = self.structure, self._origin(t), user_line(HERE)
            structure.exits.setdefault(key, where)
            structure.detachments |= {id(thing): (weakref.ref(thing), where) for thing in (out, out._array)}
            if structure.birth(out._array) is None:
                structure.remember(out._array, key)

    @told
    def taken(self, t: Tensor) -> None:
        """The numbers of a tensor were handed to the script."""
        self.structure.exits.setdefault(self._origin(t), user_line(HERE))

    @told
    def changed(self, t: Tensor, made: np.ndarray, op: str) -> None:
        """These values were written into the memory of a tensor."""
        structure = self.structure
        key = structure.birth(made)
        if key is None:  # no op made what was written
            key = self._grey(op, (t,), t._array)
        structure.change(key, op, t._array)
        if structure.is_cut(t):  # who else lies in this memory has the numbers, and does not know where from
            structure.exits.setdefault(key, user_line(HERE))
        if t._view is not None:
            self.base = weakref.ref(t._view.base._array)

    @told
    def wrote(self, t: Tensor, value: Any, op: str) -> None:
        """A value was written to places of a tensor where nothing is recorded."""
        self.structure.change(self._grey(op, (t, value), t._array), op, t._array)

    @told
    def moved(self, old: np.ndarray, new: np.ndarray) -> None:
        """An array was copied, and the new one stands where the old one stood."""
        key = self.structure.birth(old)
        if key is not None:
            self.structure.remember(new, key)

    def _origin(self, t: Tensor) -> int:
        """The birth of the node that the values of a tensor come from; one that nothing made gets a node here."""
        structure = self.structure
        if not t._requires_grad:
            if self.names.is_parameter(t):
                self.names.module(mode.scope)  # only then its parameters have names
            return structure._constant(t._array, t)
        node = t.accumulator()
        if node.time not in structure.known:
            structure.known[node.time] = weakref.ref(node), node.shape, node.dtype
        return node.time

    def _given(self, a: Any) -> dict[str, Any] | None:
        """An argument of a call as an edge without a port; None where it is a plain value."""
        structure = self.structure
        if isinstance(a, Tensor):
            edge: dict[str, Any] = {"from": self._origin(a), "needs_grad": a._requires_grad}
            if not a._requires_grad and (cause := structure.cut_off(a, edge["from"])):
                edge["cause"] = cause
            return edge
        if isinstance(a, np.ndarray):
            known = structure.birth(a)
            return {"from": structure._constant(a, None) if known is None else known, "needs_grad": False}
        if isinstance(a, int | float | np.number | np.bool_):
            return {"from": None, "needs_grad": False, "number": plain(a)}
        return None

    def _inputs(self, key: int, args: Any, cause: Cause | None) -> dict[int, dict]:
        """The arguments of a call as edges, by their number; `cause` keeps gradients from coming back by them."""
        found = {}
        for i, a in enumerate(args):
            given = self._given(a)
            if given is None:
                continue
            found[i] = given
            if given["from"] is not None:
                why = cause if given["needs_grad"] else given.get("cause")
                self.structure.uses.add(given["from"], key, why)
                if isinstance(a, Tensor) and isinstance(a._node, Pick):  # one of several results of a call
                    self.structure.uses.add(a._node.source.time, given["from"])
        return found

    def _grey(self, op: Any, args: Any, out: Any) -> int:
        """A call that recorded nothing: kept aside, in case a recorded one uses its result."""
        key, structure = tick(), self.structure
        where = user_line(HERE)
        array = np.asarray(out[0] if isinstance(out, tuple) and out else out)
        reason: str | Cause
        if not mode.grad:
            reason = Cause("no_grad", "made in inference_mode" if mode.inference else "made under no_grad", where)
        elif array.dtype.kind not in "fc":
            reason = integer(array.dtype, where)
        else:
            reason = NEVER
        name = op.strip("_") if isinstance(op, str) else op_name(op)
        entry = structure.plain("op", name, *_form(array), self.names.module(mode.scope), reason)
        structure._within(key, mode.scope)
        cause = reason if isinstance(reason, Cause) else None
        structure.put_inputs(entry, op, self._inputs(key, args, cause), cause)
        if self.samples is not None:
            entry["value"] = self.samples.add(array)
        structure.grey[key], structure.lines[key] = entry, where
        return key


class Walk(Tracer):
    """One backward pass, told step by step."""

    def __init__(self, recording: record, roots: list[Node], retain_graph: bool, ends: list[Node] | None):
        self.recording = recording
        self.number = len(recording.walks)
        self.structure = recording.structure
        self.samples = recording.samples
        self.retain_graph = retain_graph
        self.ends = None if ends is None else {node.time for node in ends}
        self.structure.add(roots)
        self.structure.mark_outputs(roots)
        self.roots = [root.time for root in roots]
        self.zeros = Zeros(self.structure, self.roots)
        self.steps: list[dict] = []
        self.uses: Counter = Counter()
        self.sums: dict[int, Any] = {}
        self.norms: dict[int, Any] = {}  # of what arrived so far, before hooks see it
        self.given: dict[int, list[tuple[dict, Any]]] = {}  # what was added up for a node, until it is complete
        self.made: list[int] = []
        self.timings: dict[int, int] = {}
        self.bad: dict | None = None
        self.start = 0

    def note(self, text: str) -> None:
        self.recording.note(text)

    def walk(self, roots: list[Node], retain_graph: bool, ends: list[Node] | None) -> Tracer | None:
        """A walk inside a rule is part of that rule; of one to leaves, it is known which were reached."""
        return Inside(self.structure) if ends is None else None

    def called(self, op: Any, args: Any, out: Any, node: Node | None) -> None:
        """An op of a rule, while gradients get graphs of their own."""
        self.recording.called(op, args, out, node)
        if node is not None:
            self.made.append(node.time)

    @told
    def arrived(self, node: Node, g: Any) -> None:
        """The whole gradient of a node's output is there."""
        self._share(self.given.pop(node.time, []), self.sums.pop(node.time, None))
        hooks = list((node.hooks or {}).values())
        step: dict[str, Any] = {"node": node.time, "norm": None, "inputs": []}
        if type(g) is Parts:
            parts = {str(i): _array(part) for i, part in sorted(g.items())}
            step["norm"] = brief(math.hypot(*map(norm, parts.values())))
            if self.samples is not None:
                step["parts"] = {i: {"gradient": self.samples.add(a)} for i, a in parts.items()}
        else:
            array = _array(g)
            step["norm"] = brief(norm(array))
            if self.samples is not None:
                step["gradient"] = self.samples.add(array)
        if self.ends is not None and node.time in self.ends:
            step["wanted"] = True
        elif self.ends is None and isinstance(node, AccumulateGrad):
            step["accumulates"] = True
        if hooks and step["norm"] == 0 and self.norms.pop(node.time, 0) != 0:
            self._cut_by_hook(node, hooks[-1], "made the gradient zero")
        self._look(step["norm"], len(self.steps), None)
        self.steps.append(step)
        if self.samples is not None:
            self.zeros.arrived(node, _arrays(g))
        self.start = time.perf_counter_ns()

    @told
    def pulled(self, node: Node, g: Any, contributions: list) -> None:
        """A node's rules gave these gradients to its inputs."""
        elapsed = time.perf_counter_ns() - self.start
        self.timings[node.time] = elapsed
        step: dict = self.steps[-1] if self.steps else {"node": None}
        if step["node"] != node.time:  # what arrived could not be noted
            return
        entry = self.structure.nodes[node.time]
        for birth in self.made:
            self.structure.origins[birth] = entry["id"], self.number
        self.made.clear()
        ports = [i for i, edge in enumerate(entry["inputs"]) if edge["needs_grad"]]
        arrays = []
        for port, parent, c in zip(ports, node.parents, contributions, strict=True):
            if isinstance(node, FunctionCtx):
                self._cut_by_function(node, port, c, step["norm"])
            array = None if c is None else _array(c[node.output_nr]) if isinstance(node, Pick) else _array(c)
            arrays.append(array)
            step["inputs"].append(self._contribution(node, port, parent, array))
        if self.samples is not None:
            self._work(node, step, _arrays(g), arrays)
        if not self.retain_graph:
            step["freed"] = [saved["name"] for saved in entry["saved"]]

    def _cut_by_function(self, node: FunctionCtx, port: int, c: Any, arriving: Any) -> None:
        """Note where a Function gave no gradient to one of its inputs in this pass, and in no other one."""
        cuts, key, function = self.structure.cuts, (node.time, port), node.function
        hooks = getattr(getattr(node, "meet", None), "hooks", ())
        if hooks:  # it is there for the hooks of a module
            gone = c is None or (arriving != 0 and norm(_array(c)) == 0)
            name = getattr(hooks[-1], "__name__", type(hooks[-1]).__name__)
            what = "gave no gradient" if c is None else "made the gradient zero"
            cause = Cause("hook", f"cut by a hook: {name} {what}", place_of(hooks[-1]))
        else:
            gone = c is None
            cause = Cause("function", f"{function.__name__}.backward returned None", place_of(function.backward))
        if not gone:
            cuts[key] = None
        else:
            cuts.setdefault(key, cause)

    def _cut_by_hook(self, node: Node, hook: Any, what: str) -> None:
        name = getattr(hook, "__name__", type(hook).__name__)
        self.structure.cuts[node.time, None] = Cause("hook", f"cut by a hook: {name} {what}", place_of(hook))

    def _contribution(self, node: Node, port: int, parent: Node, array: Any) -> dict:
        out: dict[str, Any] = {"port": port, "node": parent.time, "norm": None}
        if array is None:
            return out
        size = norm(array) if not isinstance(array, Parts) else 0.0
        out["norm"] = brief(size)
        self._look(out["norm"], len(self.steps) - 1, port)
        if isinstance(array, Parts):
            return out
        if self.samples is not None:
            out["contribution"] = self.samples.add(array)
        if isinstance(node, Pick):  # it goes to its own place, and is added to nothing
            return out
        self.uses[parent.time] += 1
        out["use"] = [self.uses[parent.time], 0]
        self.given.setdefault(parent.time, []).append((out, array))
        held = self.sums.get(parent.time)
        if held is not None and held.shape == array.shape:
            total = held + array
            out["sum_norm"] = brief(norm(total))
            if self.samples is not None:
                out["sum"] = self.samples.add(total)
            array = total
        self.sums[parent.time] = array
        self.norms[parent.time] = out.get("sum_norm", out["norm"])
        return out

    def _share(self, given: list[tuple[dict, Any]], total: Any) -> None:
        """How much of a sum lies in each of its parts, ⟨part, sum⟩ / ⟨sum, sum⟩; together they are 1."""
        if len(given) < 2 or total.dtype.kind != "f":
            return
        whole = total.ravel().astype(np.float64)
        square = float(whole @ whole)
        if 0 < square < np.inf:
            for one, part in given:
                one["share"] = brief(float(part.ravel().astype(np.float64) @ whole) / square)

    def _work(self, node: Node, step: dict, g: Any, arrays: list) -> None:
        """Why contributions are zero, and one element of each in numbers."""
        again = self._again(node)
        for one, why in zip(step["inputs"], self.zeros.passed(node, again, g, arrays), strict=True):
            if why is not None:
                one["why"] = why
        if again is not None:
            for one, entry in zip(step["inputs"], worked(again, g, arrays), strict=True):
                if entry is not None:
                    one["worked"] = entry

    def _again(self, node: Node) -> Again | None:
        """The call that a node records, made again, if what it was called with is there."""
        call = self.structure.calls.get(node.time)
        if call is None or "args" not in call:
            return None
        values, out = (call[k] if self.retain_graph else call.pop(k) for k in ("args", "out"))
        if hasattr(node, "plan"):
            places = node.plan.needed
        else:
            places = [i for i, needed in enumerate(node.needs_input_grad) if needed]  # type: ignore[attr-defined]
        return Again(call["op"], values, out, places)

    def _look(self, size: Any, step: int, port: int | None) -> None:
        if self.bad is None and isinstance(size, str):
            self.bad = {"step": step, "port": port, "norm": size}

    def document(self) -> dict[str, Any]:
        for step in self.steps:
            for one in step["inputs"]:
                if "use" in one:
                    one["use"][1] = self.uses[one["node"]]
        return {"outputs": self.roots, "retain_graph": self.retain_graph, "steps": self.steps, "bad": self.bad}

    def name(self, document: dict, ids: dict[int, str]) -> None:
        """Put ids in the place of births."""
        document["outputs"] = [ids[key] for key in document["outputs"]]
        for step in document["steps"]:
            step["node"] = ids[step["node"]]
            for one in step["inputs"]:
                one["node"] = ids[one["node"]]
                if "why" in one:
                    one["why"]["node"] = ids[one["why"]["node"]]


def _arrays(g: Any) -> Any:
    """A gradient as an array, those of several results by their numbers."""
    return {i: _array(part) for i, part in g.items()} if type(g) is Parts else _array(g)


class Inside(Tracer):
    """A backward pass that a rule makes for itself."""

    def __init__(self, structure: Structure):
        self.structure = structure

    def arrived(self, node: Node, g: Any) -> None:
        self.structure.served.add(node.time)


def _form(out: Any) -> tuple[tuple, Any]:
    """Shape and dtype of what a call gave; of several results, the shapes."""
    if isinstance(out, tuple):
        arrays = [a for a in out if isinstance(a, np.ndarray)]
        return tuple(a.shape for a in arrays), arrays[0].dtype if arrays else ""
    return getattr(out, "shape", ()), getattr(out, "dtype", "")


def _array(g: Any) -> Any:
    if type(g) is Parts:
        return Parts({i: _array(part) for i, part in g.items()})
    return g._array if isinstance(g, Tensor) else np.asarray(g)
