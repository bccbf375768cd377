"""From Nodes to plain data: each recorded step once, oldest first, with two edges where a + a has two.

Ids are made of module path, op and occurrence, never of addresses, so the same program gives the same
document. The walk is a loop, and everything is linear in nodes and edges.
"""

from __future__ import annotations

import functools
import inspect
import math
import weakref
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_cnn.autograd import ancestry
from tinygrad_cnn.engine.function import Function, FunctionCtx
from tinygrad_cnn.engine.node import AccumulateGrad, Node, Pick, tick
from tinygrad_cnn.engine.op import Op
from tinygrad_cnn.engine.record import OpNode
from tinygrad_cnn.engine.tensor import Tensor

from .causes import DETACHED, FROZEN, NEVER, Cause, Uses, detached, integer, sentence, told
from .failure import FailedCall
from .names import Names, Sources
from .rules import ENDS, formula_of, rule_of
from .samples import Samples, plain

NOT_KEPT = "needs no gradient, and its values were not kept"
EARLIER = "made before the recording began"


class Structure:
    """The nodes of one document. A node is known by its birth: `Node.time`, or a tick of the same clock."""

    def __init__(self, names: Names, samples: Samples | None):
        self.names = names
        self.sources = Sources()
        self.samples = samples
        self.nodes: dict[int, dict] = {}
        self.rules: dict[str, dict] = {}
        self.counts: Counter = Counter()
        self.grey: dict[int, dict] = {}  # seen while recording, not in the document unless something uses it
        self.origins: dict[int, tuple[str, int]] = {}  # birth -> id of the node whose rule made it, number of the pass
        self.calls: dict[int, dict] = {}  # birth -> what was seen when the op was called
        self.arrays: dict[int, tuple[weakref.ref, int]] = {}  # id of an array -> (the array, birth of its node)
        self.known: dict[int, tuple[weakref.ref, tuple, Any]] = {}  # birth -> a node that something used, shape, dtype
        self.changes: dict[int, str] = {}  # birth -> the change in place that it is the result of
        self.lines: dict[int, Any] = {}  # birth of a grey node -> the line of the script
        self.detachments: dict[int, tuple[weakref.ref, Any]] = {}  # id of a tensor or array -> (it, the line)
        # Where backward ended: at (birth, number of the input), or at (birth, None), which a hook made zero.
        self.cuts: dict[tuple[int, int | None], Cause | None] = {}
        self.served: set[int] = set()  # births of what gradients came to in a pass that is not shown
        self.exits: dict[int, Any] = {}  # birth -> the line where its numbers left the graph
        self.uses = Uses()
        self.calls_of_modules: list[dict] = []
        self.scopes: dict[int, Any] = {}  # birth -> the module's call that it was made in

    def add(self, roots: Iterable[Node]) -> None:
        """Everything that the roots were computed from."""
        order = ancestry(roots)
        order.reverse()
        for node in order:  # a model is found in what ran; only then its parameters have names
            self.names.module(node.scope)
        for node in order:
            entry = self.nodes.get(node.time)
            if entry is None or not entry["needs_grad"]:  # not met so far, or where gradients did not go
                self.nodes[node.time] = self._describe(node)

    def mark_outputs(self, roots: Iterable[Node]) -> None:
        for root in roots:
            self.nodes[root.time]["output"] = True

    def _within(self, key: int, scope: Any) -> None:
        """This node was made in that call of a module."""
        self.scopes[key] = scope
        self.names.entered(scope, key)

    # one node

    def _describe(self, node: Node) -> dict:
        if isinstance(node, AccumulateGrad):
            return self._leaf(node)
        if isinstance(node, Pick):
            return self._entry("pick", "pick", node, [self._edge("source", node.parents[0])], {}, [])
        if isinstance(node, OpNode):
            return self._op(node)
        if isinstance(node, FunctionCtx):
            return self._function(node)
        return self._entry("op", node.name(), node, [self._edge(str(i), p) for i, p in enumerate(node.parents)], {}, [])

    def _leaf(self, node: AccumulateGrad) -> dict:
        leaf = node.variable
        names = self.names.tensor(leaf)
        kind = "parameter" if leaf is not None and self.names.is_parameter(leaf) else "input"
        entry = self._source(kind, names, node.shape, node.dtype, True, "")
        self._named(node.time, entry, names[0] if names else kind)
        if leaf is not None and self.samples is not None:
            entry["value"] = self.samples.add(leaf._array)
        self.rules.setdefault("accumulate", {"forward": "", "words": ENDS["accumulate"], "inputs": {}})
        return entry

    def _op(self, node: OpNode) -> dict:
        op, plan = node.op, node.plan
        call = self.calls.get(node.time, {})
        given = call.get("inputs", {})
        saved = list(zip(plan.keep, node.saved or (), strict=False))
        held = {k: value for k, value in saved if not isinstance(k, slice)}
        for k, value in saved:
            if isinstance(k, slice):
                held.update(enumerate(value, k.start))
        parents = dict(zip(plan.needed, node.parents, strict=True))
        inputs: list[dict] = []
        for i in range(plan.n_inputs):
            port = f"{op.variadic}[{i}]" if op.variadic else plan.numbered[i]
            if i in parents:
                inputs.append(self._edge(port, parents[i]))
                if i in held:
                    self._value(parents[i].time, held[i])
            elif i in given:
                inputs.append(self._seen(port, given[i]))
            elif i in held:
                if isinstance(held[i], np.ndarray):
                    inputs.append(self._edge_to(port, self._constant(held[i], None)))
                elif held[i] is not None:
                    inputs.append({"port": port, "from": None, "needs_grad": False, "number": plain(held[i])})
            elif not call and port not in op.defaults:
                inputs.append({"port": port, "from": None, "needs_grad": False, "reason": NOT_KEPT})
        names = op.keyword_only if op.variadic else op.parameters[plan.n_inputs :]
        attributes = {}
        for i, (name, value) in enumerate(zip(names, node.attributes, strict=False), plan.n_inputs):
            if i in given and given[i]["from"] is not None:  # a Tensor that no rule differentiates, such as labels
                inputs.append(self._seen(name, given[i]))
            elif isinstance(value, np.ndarray):
                inputs.append(self._edge_to(name, self._constant(value, None)))
            else:
                attributes[name] = plain(value)
        change = self.changes.get(node.time, "").rstrip("_")
        name = change if change and op.name == "setitem" else op_name(op)  # fill_, zero_ and copy_ are made of it
        if name not in self.rules:
            self.rules[name] = rule_of(op)
        self._formulas(node, inputs, held)
        entry = self._entry("op", name, node, inputs, attributes, self._saved(op, plan, saved))
        if "value" in call:
            entry["value"] = call["value"]
        elif plan.keeps_out:
            self._put(entry, held.get(plan.numbered.index("out")))
        return entry

    def _formulas(self, node: OpNode, inputs: list[dict], held: dict[int, Any]) -> None:
        """The formula of each rule that will run, with the numbers of this call."""
        op, plan = node.op, node.plan
        attributes = op.keyword_only if op.variadic else op.parameters[plan.n_inputs :]
        call: dict[str, Any] = dict(zip(attributes, node.attributes, strict=False)) | {"out_shape": node.shape}
        values = dict(enumerate(self.calls.get(node.time, {}).get("args", ()))) or held
        shapes = {i: parent.shape for i, parent in zip(plan.needed, node.parents, strict=True)}
        shapes |= {i: v.shape for i, v in values.items() if isinstance(v, np.ndarray)}
        for i in range(plan.n_inputs):
            name = op.variadic or plan.numbered[i]
            if op.variadic:
                call.setdefault(f"{name}_shapes", {})[i] = shapes.get(i)
            elif i in shapes:
                call[f"{name}_shape"] = shapes[i]
            elif i in values:
                call[name] = values[i]
        for i, edge in enumerate(inputs):
            if edge["needs_grad"]:
                name = op.variadic or edge["port"]
                edge["formula"] = formula_of(op, name, call | ({"index": i} if op.variadic else {}))

    def _saved(self, op: Any, plan: Any, saved: list) -> list[dict]:
        out = []
        for k, value in saved:
            if isinstance(k, slice):
                names = [f"{op.variadic}[{i}]" for i in range(len(value))] if op.variadic else op.parameters[k]
                out += [self._kept(name, v) for name, v in zip(names, value, strict=True)]
            elif k < len(plan.numbered):
                out.append(self._kept(plan.numbered[k].lstrip("*"), value))
            else:
                of = plan.numbered[plan.shapes[k - len(plan.numbered)]]
                out.append(self._kept(f"{of}_shape", value))
        return [entry for entry in out if entry]

    def _kept(self, name: str, value: Any) -> dict:
        if not isinstance(value, np.ndarray):
            return {} if value is None else {"name": name, "plain": plain(value), "bytes": 0}
        entry = {"name": name, "shape": list(value.shape), "dtype": str(value.dtype), "bytes": value.nbytes}
        if self.samples is not None:
            entry["value"] = self.samples.add(value)
        return entry

    def _function(self, node: FunctionCtx) -> dict:
        name = node.function.__name__
        parameters = list(inspect.signature(node.function.forward).parameters)
        if not any("setup_context" in vars(kind) for kind in node.function.__mro__ if kind is not Function):
            parameters = parameters[1:]
        call = self.calls.get(node.time, {})
        parents = iter(node.parents)
        inputs = []
        for i, needed in enumerate(node.needs_input_grad):
            port = parameters[i] if i < len(parameters) else f"argument {i}"
            if needed:
                inputs.append(self._edge(port, next(parents)))
            elif i in call.get("inputs", ()):
                inputs.append(self._seen(port, call["inputs"][i]))
        saved = [self._kept(f"saved {i}", e[0]) for i, e in enumerate(node._saved or ()) if e is not None]
        if name not in self.rules:
            self.rules[name] = rule_of(node.function)
        entry = self._entry("op", name, node, inputs, {}, saved)
        if "value" in call:
            entry["value"] = call["value"]
        return entry

    def _entry(self, kind: str, op: str, node: Node, inputs: list, attributes: dict, saved: list) -> dict:
        entry = self.plain(kind, op, node.shape, node.dtype, self.names.module(node.scope), needs_grad=True)
        entry |= {"inputs": inputs, "attributes": attributes, "saved": saved, "where": self.sources.where(node.where)}
        entry["parameters"] = [n for e in inputs if e["from"] is not None for n in self._parameter_names(e["from"])]
        if node.time in self.changes:
            entry["inplace"] = True
        self._within(node.time, node.scope)
        if node.time in self.origins:
            entry["of"] = self.origins[node.time][0]
            entry["module"] = "backward"
        elif kind == "pick":
            entry["output_nr"] = node.output_nr  # type: ignore[attr-defined]
            self.rules.setdefault("pick", {"forward": "", "words": ENDS["pick"], "inputs": {}})
        return self._named(node.time, entry, f"{entry['module']}/{op}" if entry["module"] else op)

    def _source(self, kind: str, names: list, shape: tuple, dtype: Any, needs_grad: bool, reason: str | Cause) -> dict:
        """A node where values come from: a parameter, an input, a constant."""
        path = names[0].rpartition(".")[0] if names and kind in ("parameter", "buffer") else ""
        entry = self.plain(
            kind, "accumulate" if needs_grad else kind, shape, dtype, path, reason, needs_grad=needs_grad
        )
        entry["parameters"] = names
        return entry

    @staticmethod
    def plain(kind: str, op: str, shape: Any, dtype: Any, module: str, reason: str | Cause = "", *,
              needs_grad: bool = False) -> dict[str, Any]:  # fmt: skip
        """A node without anything that it may have besides."""
        several = bool(shape) and isinstance(shape[0], tuple)
        shapes: Any = [list(s) for s in shape] if several else list(shape)
        entry: dict[str, Any] = {
            "id": "",
            "kind": kind,
            "op": op,
            "module": module,
            "shape": shapes,
            "dtype": spelled(dtype),
            "bytes": getattr(dtype, "itemsize", 0) * sum(map(math.prod, shapes if several else [shapes])),
            "needs_grad": needs_grad,
            "inputs": [],
            "attributes": {},
            "parameters": [],
            "saved": [],
            "where": None,
        }
        if isinstance(reason, Cause):
            entry["reason"], entry["cause"] = reason.words, reason
        elif reason:
            entry["reason"] = reason
        return entry

    def _named(self, key: int, entry: dict, stem: str) -> dict:
        if key in self.nodes and self.nodes[key]["id"]:
            entry["id"] = self.nodes[key]["id"]
            return entry
        self.counts[stem] += 1
        n = self.counts[stem]
        entry["id"] = stem if n == 1 else f"{stem}:{n}"
        return entry

    def _parameter_names(self, key: int) -> list[str]:
        source = self.nodes.get(key)
        return source["parameters"] if source is not None and source["kind"] == "parameter" else []

    # edges: while building, "from" is a birth; `finish` makes it an id

    def _edge(self, port: str, parent: Node) -> dict:
        return {"port": port, "from": parent.time, "needs_grad": True}

    def _edge_to(self, port: str, key: int) -> dict:
        return self._seen(port, {"from": key, "needs_grad": False})

    def _seen(self, port: str, given: dict) -> dict:
        """An input as it was seen when the op was called: it needs no gradient."""
        edge = {"port": port, **given, "needs_grad": False}
        if edge["from"] is not None:
            self._include(edge["from"], edge.get("cause"))
        return edge

    def _include(self, key: int, cause: Cause | None = None) -> None:
        """Put a grey node, and the grey ones before it, into the document; `cause` is why no gradient goes there."""
        stack = [(key, cause)]
        while stack:
            key, cause = stack.pop()
            if key in self.nodes:
                continue
            entry = self.grey.pop(key, None) or self._not_reached(key, cause or detached())
            if entry is None:
                continue
            self.nodes[key] = entry
            stem = entry["parameters"][0] if entry["kind"] != "op" and entry["parameters"] else ""
            stem = stem or (f"{entry['module']}/{entry['op']}" if entry["module"] else entry["op"])
            if key in self.lines:
                entry["where"] = self.sources.where(self.lines[key])
            self._named(key, entry, stem)
            stack += [(e["from"], e.get("cause") or cause) for e in entry["inputs"] if e["from"] is not None]

    def _not_reached(self, key: int, cause: Cause) -> dict | None:
        """What was recorded, and what the result depends on, but only on ways that gradients do not take."""
        call = self.calls.get(key)
        if call is not None:
            entry = self.plain("op", op_name(call["op"]), call["shape"], call["dtype"],
                               self.names.module(call["scope"]), cause)  # fmt: skip
            self._within(key, call["scope"])
            self.put_inputs(entry, call["op"], call["inputs"], cause)
            if "value" in call:
                entry["value"] = call["value"]
            if key in self.changes:
                entry["inplace"] = True
            return entry
        if key not in self.known:
            return None
        ref, shape, dtype = self.known[key]
        node = ref()
        if isinstance(node, AccumulateGrad):
            return self._leaf(node)
        if isinstance(node, Pick):
            entry = self.plain("pick", "pick", shape, dtype, self.names.module(node.scope), cause)
            entry["output_nr"] = node.output_nr
            entry["inputs"] = [{"port": "source", "from": node.source.time, "needs_grad": False, "cause": cause}]
            return entry
        return self._source("input", [], shape, dtype, False, EARLIER)

    def add_failed(self, call: FailedCall, given: list[dict], said: str) -> None:
        """A call that raised, with what it was given: it has no result."""
        module = self.names.paths.get(id(call.module), "")
        key = tick()
        self.nodes[key] = entry = {
            "id": "", "kind": "op", "op": call.name, "module": module, "shape": [], "dtype": "", "bytes": 0,
            "needs_grad": False, "reason": f"failed: {said}", "failed": said,
            "inputs": [edge if edge["needs_grad"] else self._seen(edge["port"], edge) for edge in given],
            "attributes": {}, "parameters": [], "saved": [], "where": self.sources.where(call.where),
        }  # fmt: skip
        self._named(key, entry, f"{module}/{call.name}" if module else call.name)

    def _constant(self, array: np.ndarray, t: Tensor | None) -> int:
        """The birth of the node of an array that no recorded step made."""
        known = self.birth(array)
        if known is not None and not (known in self.changes and self.names.is_parameter(t)):
            return known  # but what a parameter was set to, to begin with, is not where it comes from
        key = tick()
        names = self.names.tensor(t) or self.names.array(array)
        reason: str | Cause
        if t is not None and id(t) in self.names.parameters:
            kind, reason = "parameter", FROZEN
        elif names and names[0] in self.names.buffers.values():
            kind, reason = "buffer", "a buffer: it belongs to its module, and no gradient is asked for it"
        elif array.dtype.kind not in "fc":
            kind, reason = "input", integer(array.dtype)
        else:
            kind, reason = "input", "no gradient is asked for it: requires_grad is False"
        names = names or self.names.asked(array)
        entry = self._source(kind, names, array.shape, array.dtype, False, reason)
        self._put(entry, array)
        self.grey[key] = entry
        self.remember(array, key)
        return key

    @staticmethod
    def put_inputs(entry: dict, op: Any, inputs: dict[int, dict], cause: Cause | None) -> None:
        """The arguments of a call, as they were seen, as inputs and attributes of a node that no gradient comes to."""
        for i, given in inputs.items():
            port = port_name(op, i)
            if given["from"] is None and isinstance(op, Op) and port in op.parameters and port not in op.inputs:
                entry["attributes"][port] = given["number"]
                continue
            edge = {"port": port, **given, "needs_grad": False}
            if given["needs_grad"] and cause is not None:
                edge |= {"reason": cause.words, "cause": cause}
            entry["inputs"].append(edge)

    def change(self, key: int, name: str, array: np.ndarray) -> None:
        """That call changed a tensor in place: what it made is in this memory now."""
        self.changes[key] = name
        if key in self.grey:
            self.grey[key]["inplace"] = True
        self.remember(array, key)

    def is_cut(self, thing: Tensor | np.ndarray) -> bool:
        """Whether a tensor was made by detaching another one, or an array is that of one that was."""
        ref, _ = self.detachments.get(id(thing), (None, None))
        return ref is not None and ref() is thing

    def cut_off(self, t: Tensor, key: int) -> Cause | None:
        """Why a tensor has no history where the node that its values come from has one."""
        for thing in (t, t._array):
            if self.is_cut(thing):
                return detached(self.detachments[id(thing)][1])
        call = self.calls.get(key)
        if call is None:
            return detached() if key in self.known else None
        if t._array.dtype.kind not in "fc":
            return integer(t._array.dtype, call["where"])
        if inspect.isclass(call["op"]):
            return Cause("function", f"{call['op'].__name__} marked it as not differentiable", call["where"])
        return detached()

    def leaf(self, t: Tensor) -> int | None:
        """The birth of a leaf, if anything was done with it."""
        return t._node.time if t._node is not None else self.birth(t._array)

    def line(self, key: int) -> Any:
        """The line of the script where this call was made."""
        call = self.calls.get(key)
        return self.lines.get(key) if call is None else call["where"]

    def remember(self, array: np.ndarray, key: int) -> None:
        """This array is the output of that node; it is not kept alive for that."""
        self.arrays[id(array)] = (weakref.ref(array), key)

    def birth(self, array: np.ndarray) -> int | None:
        """The birth of the node that made this array."""
        ref, key = self.arrays.get(id(array), (None, None))
        return key if ref is not None and ref() is array else None

    # values

    def _put(self, entry: dict, value: Any) -> None:
        if self.samples is not None and isinstance(value, np.ndarray) and "value" not in entry:
            entry["value"] = self.samples.add(value)

    def _value(self, key: int, value: Any) -> None:
        entry = self.nodes.get(key)
        if entry is not None and entry["kind"] in ("op", "pick"):
            self._put(entry, value)

    # the end

    def ids(self) -> dict[int, str]:
        """The id of each birth."""
        return {key: entry["id"] for key, entry in self.nodes.items()}

    def finish(self) -> list[dict]:
        """The nodes, oldest first, with ids for edges."""
        place = {key: float(key) for key in self.nodes}
        for key, entry in self.nodes.items():
            for edge in entry["inputs"]:  # a constant is met at its first use; it stands just before that
                source = edge["from"]
                if source is not None and place.get(source, 0) > key:
                    place[source] = key - 0.5
        order = sorted(self.nodes, key=place.__getitem__)
        numbers = self.names.numbers()
        making = sorted({number for _, number in self.origins.values()})
        for key in order:
            entry = self.nodes[key]
            for edge in entry["inputs"]:
                self._finish_edge(edge)
            if entry.get("reason") == NEVER and (causes := [e["cause"] for e in entry["inputs"] if "cause" in e]):
                entry["cause"] = causes[0]
            if "of" in entry:  # a pass is to the nodes that it makes what a call is to others
                number = making.index(self.origins[key][1]) + 1
            else:
                number = numbers.get(id(self.scopes.get(key)), 1)
            if number > 1:
                entry["call"] = number
        self.calls_of_modules = self.names.calls(self.scopes[key] for key in order if key in self.scopes)
        nodes = [self.nodes[key] for key in order]
        for entry in nodes:
            for one in (entry, *entry["inputs"]):
                if "cause" in one:
                    one["cause"] = told(one["cause"], self.sources)
            for edge in entry["inputs"]:
                source_entry = self.nodes.get(edge["from"])
                if edge["from"] is not None:
                    edge["from"] = None if source_entry is None else source_entry["id"]
                    edge["shape"] = None if source_entry is None else source_entry["shape"]
        return nodes

    def _finish_edge(self, edge: dict) -> None:
        """An edge that no gradient comes back by says why, if only what its source says."""
        if edge["needs_grad"] or "reason" in edge or "number" in edge:
            return
        source = self.nodes.get(edge["from"])
        if "cause" in edge:
            edge["reason"] = sentence(edge["cause"], self.sources)
        elif source is None:
            edge["reason"] = NOT_KEPT
        else:
            edge["reason"] = source.get("reason") or DETACHED
            if "cause" in source:
                edge["cause"] = source["cause"]


def op_name(op: Any) -> str:
    """What a picture calls an op, or a Function class."""
    return op.name.strip("_") if isinstance(op, Op) else op.__name__


def port_name(op: Any, i: int) -> str:
    """What argument number i of an op is called; of a Function, or of a change in place that no op made, its number."""
    if isinstance(op, Op):
        n = len(op.parameters) - len(op.keyword_only)
        return f"{op.variadic}[{i}]" if op.variadic else op.parameters[i] if i < n else str(i)
    return ("input", "value")[i] if isinstance(op, str) else str(i)


spelled = functools.cache(str)
