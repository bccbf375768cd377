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

from .names import Names, Sources
from .rules import ENDS, rule_of
from .samples import Samples, plain

DETACHED = "detached: it has a history, but gradients were told not to take it"
NOT_KEPT = "needs no gradient, and its values were not kept"


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
        self.origins: dict[int, str] = {}  # birth -> id of the node whose rule made it
        self.calls: dict[int, dict] = {}  # birth -> what was seen when the op was called
        self.arrays: dict[int, tuple[weakref.ref, int]] = {}  # id of an array -> (the array, birth of its node)
        self.zeros: dict[str, str] = {}  # op -> why its gradients are zero where they are

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
            elif i in call.get("sources", ()):
                inputs.append(self._edge_to(port, call["sources"][i]))
            elif i in held:
                if isinstance(held[i], np.ndarray):
                    inputs.append(self._edge_to(port, self._constant(held[i], None)))
                elif held[i] is not None:
                    inputs.append({"port": port, "from": None, "needs_grad": False, "number": plain(held[i])})
            elif not call and port not in op.defaults:
                inputs.append({"port": port, "from": None, "needs_grad": False, "reason": NOT_KEPT})
            elif i in call.get("numbers", ()):
                value = call["numbers"][i]
                inputs.append({"port": port, "from": None, "needs_grad": False, "number": value})
        names = op.keyword_only if op.variadic else op.parameters[plan.n_inputs :]
        attributes = {}
        for i, (name, value) in enumerate(zip(names, node.attributes, strict=False), plan.n_inputs):
            if i in call.get("sources", ()):  # a Tensor that no rule differentiates, such as labels
                inputs.append(self._edge_to(name, call["sources"][i]))
            elif isinstance(value, np.ndarray):
                inputs.append(self._edge_to(name, self._constant(value, None)))
            else:
                attributes[name] = plain(value)
        name = op_name(op)
        if name not in self.rules:
            self.rules[name] = rule_of(op)
            self.zeros[name] = op.zero
        entry = self._entry("op", name, node, inputs, attributes, self._saved(op, plan, saved))
        if "value" in call:
            entry["value"] = call["value"]
        elif plan.keeps_out:
            self._put(entry, held.get(plan.numbered.index("out")))
        return entry

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
            elif i in call.get("sources", ()):
                inputs.append(self._edge_to(port, call["sources"][i]))
        saved = [self._kept(f"saved {i}", e[0]) for i, e in enumerate(node._saved or ()) if e is not None]
        if name not in self.rules:
            self.rules[name] = rule_of(node.function)
        entry = self._entry("op", name, node, inputs, {}, saved)
        if "value" in call:
            entry["value"] = call["value"]
        return entry

    def _entry(self, kind: str, op: str, node: Node, inputs: list, attributes: dict, saved: list) -> dict:
        several = bool(node.shape) and isinstance(node.shape[0], tuple)
        shape: Any = [list(s) for s in node.shape] if several else list(node.shape)  # type: ignore[call-overload]
        entry: dict[str, Any] = {
            "id": "",
            "kind": kind,
            "op": op,
            "module": self.names.module(node.scope),
            "shape": shape,
            "dtype": spelled(node.dtype),
            "bytes": node.dtype.itemsize * sum(map(math.prod, shape if several else [shape])),
            "needs_grad": True,
            "inputs": inputs,
            "attributes": attributes,
            "parameters": [n for e in inputs if e["from"] is not None for n in self._parameter_names(e["from"])],
            "saved": saved,
            "where": self.sources.where(node.where),
        }
        if node.time in self.origins:
            entry["of"] = self.origins[node.time]
            entry["module"] = "backward"
        elif kind == "pick":
            entry["output_nr"] = node.output_nr  # type: ignore[attr-defined]
            self.rules.setdefault("pick", {"forward": "", "words": ENDS["pick"], "inputs": {}})
        return self._named(node.time, entry, f"{entry['module']}/{op}" if entry["module"] else op)

    def _source(self, kind: str, names: list, shape: tuple, dtype: Any, needs_grad: bool, reason: str) -> dict:
        """A node where values come from: a parameter, an input, a constant."""
        path = names[0].rpartition(".")[0] if names and kind in ("parameter", "buffer") else ""
        entry: dict[str, Any] = {
            "id": "",
            "kind": kind,
            "op": "accumulate" if needs_grad else kind,
            "module": path,
            "shape": list(shape),
            "dtype": spelled(dtype),
            "bytes": math.prod(shape) * dtype.itemsize,
            "needs_grad": needs_grad,
            "inputs": [],
            "attributes": {},
            "parameters": names,
            "saved": [],
            "where": None,
        }
        if reason:
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
        edge: dict[str, Any] = {"port": port, "from": key, "needs_grad": False}
        self._include(key)
        source = self.nodes[key]
        edge["reason"] = DETACHED if source["needs_grad"] else source["reason"]
        return edge

    def _include(self, key: int) -> None:
        """Put a grey node, and the grey ones before it, into the document."""
        stack = [key]
        while stack:
            key = stack.pop()
            if key in self.nodes:
                continue
            entry = self.grey.pop(key, None) or self._detached(key)
            if entry is None:
                continue
            self.nodes[key] = entry
            stem = entry["parameters"][0] if entry["kind"] != "op" and entry["parameters"] else ""
            stem = stem or (f"{entry['module']}/{entry['op']}" if entry["module"] else entry["op"])
            self._named(key, entry, stem)
            stack += [e["from"] for e in entry["inputs"] if e["from"] is not None]

    def _detached(self, key: int) -> dict | None:
        """A recorded op that the result depends on, but only on ways that gradients do not take."""
        call = self.calls.get(key)
        if call is None:
            return None
        edge = {"needs_grad": False, "reason": DETACHED}
        edges = [{"port": str(i), "from": source, **edge} for i, source in enumerate(call["all"])]
        return {
            "id": "",
            "kind": "op",
            "op": op_name(call["op"]),
            "module": self.names.module(call["scope"]),
            "shape": list(call["shape"]),
            "dtype": spelled(call["dtype"]),
            "bytes": math.prod(call["shape"]) * getattr(call["dtype"], "itemsize", 0),
            "needs_grad": False,
            "reason": DETACHED,
            "inputs": edges,
            "attributes": {},
            "parameters": [],
            "saved": [],
            "where": None,
            **({"value": call["value"]} if "value" in call else {}),
        }

    def _constant(self, array: np.ndarray, t: Tensor | None) -> int:
        """The birth of the node of an array that no recorded step made."""
        known = self.birth(array)
        if known is not None:
            return known
        key = tick()
        names = self.names.tensor(t) or self.names.array(array)
        if t is not None and id(t) in self.names.parameters:
            kind, reason = "parameter", "frozen: requires_grad is False"
        elif names and names[0] in self.names.buffers.values():
            kind, reason = "buffer", "a buffer: it belongs to its module, and no gradient is asked for it"
        elif array.dtype.kind not in "fc":
            kind, reason = "input", f"{array.dtype} numbers have no gradient"
        else:
            kind, reason = "input", "no gradient is asked for it: requires_grad is False"
        entry = self._source(kind, names, array.shape, array.dtype, False, reason)
        self._put(entry, array)
        self.grey[key] = entry
        self.remember(array, key)
        return key

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
        nodes = [self.nodes[key] for key in order]
        for entry in nodes:
            for edge in entry["inputs"]:
                key = edge["from"]
                if key is not None:
                    source_entry = self.nodes.get(key)
                    edge["from"] = None if source_entry is None else source_entry["id"]
                    edge["shape"] = None if source_entry is None else source_entry["shape"]
        return nodes


def op_name(op: Any) -> str:
    """What a picture calls an op, or a Function class."""
    return op.name.strip("_") if isinstance(op, Op) else op.__name__


spelled = functools.cache(str)
