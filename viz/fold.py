"""What of a document is drawn: modules folded to a depth, ops hidden, or the inside of one module.

At depth 0 each outermost call of a module is one box; at depth 1 it is a frame around what is in it, and so on. A
module that is called twice is two boxes: as one, it would seem to need its own result. What lies in which box is said
by the calls that were running, not by names, so a part that is called by itself is a box of its own.
The result is plain: boxes and arrows, each with the steps of the backward passes that cross it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .heat import cut, total


@dataclass
class Box:
    """One thing that is drawn: a node of the document, or a folded module with `nodes` inside."""

    key: str
    kind: str
    title: str
    frame: str = ""
    nodes: list[int] = field(default_factory=list)
    order: int | None = None  # its place in the backward pass, from 1
    outside: bool = False
    module: str = ""  # the path of a folded one
    orders: dict[int, int] = field(default_factory=dict)  # by pass: its place in all passes together, from 1


@dataclass
class Arrow:
    """Data from one box into a port of another, and the gradient that comes back along it."""

    source: str
    target: str
    port: str
    shape: list | None
    needs_grad: bool
    reason: str = ""
    norm: Any = None
    use: list[int] | None = None
    count: int = 1
    passes: dict[int, dict] = field(default_factory=dict)  # by pass: what crosses it, a step's input
    source_node: int = 0
    target_node: int = 0
    cut: str = ""  # what keeps gradients from going on behind it
    place: int = 0  # of the port among the target's inputs


@dataclass(frozen=True)
class Frame:
    """A call of a module that is not folded: a frame around boxes, within another one's or "" for none."""

    key: str
    module: str
    call: int
    within: str = ""

    @property
    def suffix(self) -> str:
        """What tells this call from the first one."""
        return f", call {self.call}" if self.call > 1 else ""


@dataclass
class View:
    """Boxes, arrows, and the frames around boxes, outer ones first."""

    title: str
    boxes: dict[str, Box]
    arrows: list[Arrow]
    frames: list[Frame]
    depth: int


def depth_of(document: dict[str, Any]) -> int:
    """The deepest nesting of calls of modules: the depth at which nothing is folded."""
    return max(map(len, chains(document).values()), default=0)


def chains(document: dict[str, Any]) -> dict[str, list[Frame]]:
    """By the id of a node: the calls of modules that it lies in, outer ones first.

    A parameter lies where all its users do, within its module: that of two calls lies in neither.
    """
    rows: list[list[Frame]] = []
    of_call: dict[tuple[str, int], list[Frame]] = {}
    for row in document.get("calls", ()):
        outer = rows[row["within"]] if row["within"] is not None else []
        rows.append(_inside(outer, row["module"], row["call"]))
        of_call[row["module"], row["call"]] = rows[-1]
    found: dict[str, list[Frame]] = {}
    users: dict[str, list[str]] = {}
    for node in document["nodes"]:
        path, call = node["module"], node.get("call", 1)
        parts = path.split(".") if path else []
        found[node["id"]] = of_call.get((path, call)) or (
            _inside([], path, call) if "of" in node and path else _named(parts)
        )
        for edge in node["inputs"]:
            users.setdefault(edge["from"], []).append(node["id"])
    for node in document["nodes"]:
        if node["kind"] in ("parameter", "buffer") and node["id"] in users:
            path = node["module"]
            common = found[users[node["id"]][0]]
            for user in users[node["id"]]:
                same = zip(common, found[user], strict=False)
                common = [a for a, b in same if a == b and f"{path}.".startswith(f"{a.module}.")]
            found[node["id"]] = common
    return found


def _inside(outer: list[Frame], path: str, call: int) -> list[Frame]:
    key = path if call == 1 else f"{path}:{call}"
    return [*outer, Frame(key, path, call, outer[-1].key if outer else "")]


def _named(parts: list[str]) -> list[Frame]:
    """The modules of a path, where nothing is known of their calls."""
    chain: list[Frame] = []
    for k in range(1, len(parts) + 1):
        chain = _inside(chain, ".".join(parts[:k]), 1)
    return chain


def view(
    document: dict[str, Any],
    depth: int | None = None,
    *,
    hide: Any = (),
    module: str | None = None,
    parameters: bool = True,
    backward: int | None = None,
) -> View:
    """Boxes and arrows at this depth of modules (None: nothing folded).

    hide: names of ops to leave out, their neighbours joined. module: only the inside of this module, and
    what it is connected to. parameters=False leaves out parameters and buffers. backward: only the gradients of this
    pass, from 1.
    """
    if backward is not None and not 1 <= backward <= len(document["passes"]):
        raise ValueError(f"backward: there is no pass {backward}; this document has {len(document['passes'])}")
    hidden = set([hide] if isinstance(hide, str) else hide)
    unknown = hidden - {n["op"] for n in document["nodes"]}
    if unknown:
        there = ", ".join(sorted({n["op"] for n in document["nodes"]}))
        raise ValueError(f"hide: there is no op {', '.join(sorted(unknown))} in this graph; it has {there}")
    if module is not None and all(m["path"] != module for m in document["modules"]):
        there = ", ".join(m["path"] for m in document["modules"]) or "none"
        raise ValueError(f"module: there is no module {module!r} in this graph; it has {there}")
    deepest = depth_of(document)
    depth = deepest if depth is None else max(0, min(depth, deepest))
    lying = chains(document)
    steps = _steps(document, backward)
    boxes: dict[str, Box] = {}
    box_of: dict[str, str] = {}
    through: dict[str, list[str]] = {}  # a node -> where its values come from, hidden nodes passed over
    classes = {m["path"]: m["class"] for m in document["modules"]}
    for i, node in enumerate(document["nodes"]):
        left_out = node["op"] in hidden or (not parameters and node["kind"] in ("parameter", "buffer"))
        if left_out:
            joined = {s: None for e in node["inputs"] if e["from"] is not None for s in through[e["from"]]}
            through[node["id"]] = list(joined)
            continue
        through[node["id"]] = [node["id"]]
        box = _box(node, i, lying[node["id"]], depth, classes, module)
        box = boxes.setdefault(box.key, box)
        box.nodes.append(i)
        box_of[node["id"]] = box.key
        for nr, (number, _) in steps.get(node["id"], {}).items():
            box.orders[nr] = min(number, box.orders.get(nr, number))
    for box in boxes.values():
        box.order = min(box.orders.values(), default=None)
    arrows = _arrows(document, box_of, through, steps)
    if module is not None:
        inside = {key for key, box in boxes.items() if not box.outside}
        arrows = [a for a in arrows if a.source in inside or a.target in inside]
        near = inside | {a.source for a in arrows} | {a.target for a in arrows}
        boxes = {key: box for key, box in boxes.items() if key in near}
    used = {b.frame for b in boxes.values() if b.frame}
    frames: dict[str, Frame] = {}
    for chain in lying.values():
        for k, frame in enumerate(chain):
            if any(f.key in used for f in chain[k:]):
                frames.setdefault(frame.key, frame)
    return View(module or document["title"], boxes, arrows, list(frames.values()), depth)


def _steps(document: dict[str, Any], backward: int | None) -> dict[str, dict[int, tuple[int, dict]]]:
    """The steps of each node by pass, numbered from 1 through all passes."""
    found: dict[str, dict[int, tuple[int, dict]]] = {}
    number = 0
    for nr, one in enumerate(document["passes"]):
        for step in one["steps"]:
            number += 1
            if backward in (None, nr + 1):
                found.setdefault(step["node"], {})[nr] = number, step
    return found


def _box(node: dict, i: int, chain: list[Frame], depth: int, classes: dict[str, str], module: str | None) -> Box:
    if module is not None:
        place = _place(chain, module)
        if place is None:
            return Box(f"n{i}", node["kind"], title(node), outside=True)
        depth += place
    if len(chain) <= depth:
        return Box(f"n{i}", node["kind"], title(node), frame=chain[-1].key if chain else "")
    folded = chain[depth]
    name = f"{folded.module}: {classes[folded.module]}" if classes.get(folded.module) else folded.module
    return Box(f"m:{folded.key}", "module", name + folded.suffix, frame=folded.within, module=folded.module)


def _place(chain: list[Frame], module: str) -> int | None:
    """How many calls of a chain one has gone into inside of this module; None where it is not in it."""
    for k, frame in enumerate(chain):
        if f"{frame.module}.".startswith(f"{module}."):
            return k + (frame.module == module)  # a list of modules is not called, and its modules stand side by side
    return None


def title(node: dict) -> str:
    """What a node is called in a picture: its name if it has one, else its op."""
    if node["kind"] == "pick":
        return f"output {node['output_nr']}"
    if node["kind"] == "op":
        return node["op"]
    return node["parameters"][0] if node["parameters"] else node["kind"]


def _arrows(document: dict, box_of: dict[str, str], through: dict, steps: dict) -> list[Arrow]:
    arrows: list[Arrow] = []
    folded: dict[tuple[str, str], Arrow] = {}
    place = {n["id"]: i for i, n in enumerate(document["nodes"])}
    for node in document["nodes"]:
        target = box_of.get(node["id"])
        if target is None:
            continue
        passes = steps.get(node["id"], {})
        for port, edge in enumerate(node["inputs"]):
            if edge["from"] is None:
                continue
            direct = edge["from"] in box_of
            for source_id in through[edge["from"]]:
                source = box_of[source_id]
                if source == target:
                    continue
                crossing = {
                    nr: one
                    for nr, (_, step) in (passes.items() if direct else ())
                    for one in step["inputs"]
                    if one["port"] == port and one["norm"] is not None
                }
                one = next(iter(crossing.values()), None)
                arrow = Arrow(
                    source,
                    target,
                    edge["port"],
                    edge.get("shape"),
                    edge["needs_grad"],
                    edge.get("reason", ""),
                    one["norm"] if one else None,
                    one.get("use") if one else None,
                    passes=crossing,
                    source_node=place[source_id],
                    target_node=place[node["id"]],
                    cut=cut(edge) if node["needs_grad"] else "",
                    place=port,
                )
                if source[0] == "m" or target[0] == "m":
                    earlier = folded.get((source, target))
                    if earlier is not None:
                        earlier.count += 1
                        earlier.needs_grad = earlier.needs_grad or arrow.needs_grad
                        earlier.norm = total([earlier.norm, arrow.norm])
                        continue
                    folded[source, target] = arrow
                arrows.append(arrow)
    return arrows
