"""What of a document is drawn: modules folded to a depth, ops hidden, or the inside of one module.

At depth 0 each outermost module is one box; at depth 1 it is a frame around what is in it, and so on.
The result is plain: boxes and arrows, each with the steps of the first backward pass that cross it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
    source_node: int = 0
    target_node: int = 0


@dataclass
class View:
    """Boxes, arrows, and the frames (module paths) around boxes."""

    title: str
    boxes: dict[str, Box]
    arrows: list[Arrow]
    frames: list[str]
    depth: int


def depth_of(document: dict[str, Any]) -> int:
    """The deepest nesting of modules: the depth at which nothing is folded."""
    return max((len(n["module"].split(".")) for n in document["nodes"] if n["module"]), default=0)


def view(
    document: dict[str, Any],
    depth: int | None = None,
    *,
    hide: Any = (),
    module: str | None = None,
    parameters: bool = True,
) -> View:
    """Boxes and arrows at this depth of modules (None: nothing folded).

    hide: names of ops to leave out, their neighbours joined. module: only the inside of this module, and
    what it is connected to. parameters=False leaves out parameters and buffers.
    """
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
    limit = depth + (len(module.split(".")) if module else 0)

    steps = _steps(document)
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
        box = _box(node, i, limit, classes, module)
        box = boxes.setdefault(box.key, box)
        box.nodes.append(i)
        box_of[node["id"]] = box.key
        step = steps.get(node["id"])
        if step is not None and (box.order is None or step[0] + 1 < box.order):
            box.order = step[0] + 1
    arrows = _arrows(document, box_of, through, steps)
    if module is not None:
        inside = {key for key, box in boxes.items() if not box.outside}
        arrows = [a for a in arrows if a.source in inside or a.target in inside]
        near = inside | {a.source for a in arrows} | {a.target for a in arrows}
        boxes = {key: box for key, box in boxes.items() if key in near}
    frames = {b.frame for b in boxes.values() if b.frame}
    around = {".".join(f.split(".")[:k]) for f in frames for k in range(1, len(f.split(".")) + 1)}
    order = [m["path"] for m in document["modules"] if m["path"] in around]
    return View(module or document["title"], boxes, arrows, order, depth)


def _steps(document: dict[str, Any]) -> dict[str, tuple[int, dict]]:
    """The first step of each node over all passes, numbered through."""
    found: dict[str, tuple[int, dict]] = {}
    number = 0
    for one in document["passes"]:
        for step in one["steps"]:
            found.setdefault(step["node"], (number, step))
            number += 1
    return found


def _box(node: dict, i: int, limit: int, classes: dict[str, str], module: str | None) -> Box:
    parts = node["module"].split(".") if node["module"] else []
    if module is not None:
        mine = module.split(".")
        if parts[: len(mine)] != mine:
            return Box(f"n{i}", node["kind"], title(node), outside=True)
    if len(parts) <= limit:
        return Box(f"n{i}", node["kind"], title(node), frame=node["module"])
    path = ".".join(parts[: limit + 1])
    name = f"{path}: {classes[path]}" if classes.get(path) else path
    return Box(f"m:{path}", "module", name, frame=".".join(parts[:limit]))


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
        _, step = steps.get(node["id"], (None, None))
        given = {one["port"]: one for one in step["inputs"]} if step else {}
        for port, edge in enumerate(node["inputs"]):
            if edge["from"] is None:
                continue
            direct = edge["from"] in box_of
            for source_id in through[edge["from"]]:
                source = box_of[source_id]
                if source == target:
                    continue
                one = given.get(port) if direct else None
                arrow = Arrow(
                    source,
                    target,
                    edge["port"],
                    edge.get("shape"),
                    edge["needs_grad"],
                    edge.get("reason", ""),
                    one["norm"] if one else None,
                    one.get("use") if one else None,
                    source_node=place[source_id],
                    target_node=place[node["id"]],
                )
                if source[0] == "m" or target[0] == "m":
                    earlier = folded.get((source, target))
                    if earlier is not None:
                        earlier.count += 1
                        earlier.needs_grad = earlier.needs_grad or arrow.needs_grad
                        continue
                    folded[source, target] = arrow
                arrows.append(arrow)
    return arrows
