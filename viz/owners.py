"""Parameters that no backward pass gave a gradient, told together where one cause took it from a whole module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from .causes import cause_kind
from .flow import Flow, Graph, Link, link, listed
from .words import plural

WORDS = {
    "frozen": "requires_grad is False",
    "no_grad": "what was made of it was made under no_grad",
    "detached": "it was detached",
    "integer": "whole numbers or truth values, which have no gradient, lie between it and the loss",
    "hook": "a hook cuts the gradient",
    "function": "the backward of a Function returned None",
    "unused": "the loss does not depend on it",
}
FEW = 3  # so many of one cause are told one by one


def without_gradient(graph: Graph, flows: list[Flow]) -> Iterator[tuple[tuple, dict[str, Any]]]:
    """Parameters without a gradient, by cause, and the outputs that nothing uses; each with a key of its own."""
    if not any(node.get("output") for node in graph.nodes.values()):
        return  # nothing was computed that a gradient could come from
    sources = [node for node in graph.nodes.values() if node["kind"] in ("parameter", "input")]
    known = {name: node["id"] for node in sources for name in node["parameters"]}
    arrived = {leaf["node"] for flow in flows for leaf in flow.leaves}
    trained = {name for node in sources if node["id"] in arrived for name in node["parameters"]}
    groups: dict[tuple, dict[str, str | None]] = {}
    for entry in graph.document["unused"]:
        groups.setdefault(_cause(entry), {})[entry["name"]] = known.get(entry["name"])
    told = {name for members in groups.values() for name in members}
    for node in sources:
        whose = node["parameters"] or [node["id"]]
        frozen = node["kind"] == "parameter" and not node["needs_grad"]
        cut = node["needs_grad"] and node.get("cause", {"kind": "unused"})["kind"] != "unused"
        for name in whose if frozen or cut else ():
            if name not in told | trained:  # frozen for a while is not without gradient
                groups.setdefault(_cause(node), {})[name] = node["id"]
    told = {name for members in groups.values() for name in members}
    every = told | {name for node in sources if node["kind"] == "parameter" for name in node["parameters"]}
    for (kind, place), members in groups.items():
        wholes = list(_wholes(set(members), every))
        for part in [wholes[k : k + 1] for k in range(len(wholes))] if len(wholes) <= FEW else [wholes]:
            seen = next((members[name] for _, names in part for name in names if members[name] is not None), None)
            yield (kind, place, part[0][0]), _problem(graph, kind, place, part, seen)
    yield from _parts(graph)


def _cause(thing: dict) -> tuple[str, tuple | None]:
    """The kind of cause and its line; what names none is unused."""
    where = thing["cause"]["where"] if "cause" in thing else None
    return cause_kind(thing) or "unused", where and (where["file"], where["line"])


def _wholes(members: set[str], every: set[str]) -> Iterator[tuple[str, list[str]]]:
    """The largest modules of which these are all the parameters, and the rest one by one."""
    left = sorted(members)
    while left:
        parts = left[0].split(".")[:-1]
        names, whole = left[:1], left[0]
        own = [name for name in every if "." not in name]  # of a model without modules
        if not parts and len(own) > 1 and members.issuperset(own):
            names, whole = sorted(own), ""
        for depth in range(len(parts) + 1):
            path = ".".join(parts[:depth])
            inside = [name for name in every if not path or name.startswith(f"{path}.")]
            if len(inside) > 1 and members.issuperset(inside):
                names, whole = sorted(inside), path
                break
        yield whole, names
        left = [name for name in left if name not in names]


def _problem(
    graph: Graph, kind: str, place: tuple | None, wholes: list[tuple[str, list[str]]], node: str | None
) -> dict[str, Any]:
    """Modules, or single parameters, without gradient."""
    title, first = graph.document["title"], wholes[0][1][0]
    whole = any(len(names) > 1 for _, names in wholes)
    what = listed([graph.owner(path) or ("the whole model" if title == "graph" else title) for path, _ in wholes])
    if whole:
        what += f" ({plural(sum(len(names) for _, names in wholes), 'parameter')})"
    many = len(wholes) > 1
    at = graph.line(*place) if place else ""
    why = f"{WORDS[kind]}{at}"
    if kind == "frozen":
        shown, text = "frozen", f"{what} {'are' if many else 'is'} frozen: {why}"
    elif kind == "unused" and at:
        why = f"what is made of it{at} is used by nothing that the loss depends on"
        shown, text = "unused", f"the output of {what}{at} is not used: the loss does not depend on it"
    elif whole:
        shown, text = "unreached", f"the loss does not reach {what}: {why}"
    else:
        shown, text = "no_gradient", f"{what} {'get' if many else 'gets'} no gradient: {why}"
    end = _cut_at(graph, kind, place)
    chain: list[Link] = [link(f"{first} gets no gradient: none is computed, which is not zero", node)]
    chain.append(link(f"{graph.called(end)}: {why}" if end is not None else why, end if end is not None else node))
    return {"kind": shown, "text": text, "node": node if node is not None else end, "chain": chain}


def _cut_at(graph: Graph, kind: str, place: tuple | None) -> str | None:
    """The node behind which gradients were cut at this line, the one that the loss sees if there is one."""
    if kind == "unused" or place is None:
        return None
    found = None
    for node in graph.nodes.values():
        for edge in node["inputs"]:
            if "cause" in edge and edge["from"] is not None and _cause(edge) == (kind, place):
                if node["needs_grad"]:
                    return edge["from"]
                found = found or edge["from"]
    return found


def _parts(graph: Graph) -> Iterator[tuple[tuple, dict[str, Any]]]:
    """Parts of a split that are given a name, and that nothing uses."""
    for node in graph.nodes.values():
        if node["op"] not in ("split_with_sizes", "unbind") or not node["needs_grad"]:
            continue
        used = {user["output_nr"] for user, _ in graph.users.get(node["id"], ()) if user["kind"] == "pick"}
        for nr, name in enumerate(_unpacked(node, len(node["shape"]))):
            if nr not in used and not name.startswith("_"):
                called = graph.called(node["id"])
                text = f"{name}, output {nr} of {called}, is used by nothing"
                chain = [link(f"{called}: no gradient comes from output {nr}, which is {name}", node["id"])]
                yield ("unused", node["id"], nr), {"kind": "unused", "text": text, "node": node["id"], "chain": chain}


def _unpacked(node: dict, count: int) -> list[str]:
    """The names that a line of the script gives to the outputs of a call, `a, b = x.chunk(2)`; none for other lines."""
    try:
        statement = ast.parse(node["where"]["text"]).body[0] if node["where"] else None
    except (SyntaxError, IndexError, ValueError):
        return []
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Tuple):
        return []
    names = [target.id for target in statement.targets[0].elts if isinstance(target, ast.Name)]
    return names if len(names) == len(statement.targets[0].elts) == count else []
