"""What leads to what in a document: values forward, gradients backward, and how each place is called.

`Graph` answers for the nodes, `Flow` for one backward pass. Both read the document alone, once.
"""

from __future__ import annotations

from typing import Any

from .words import figure

Link = dict[str, Any]


def link(text: str, node: str | None) -> Link:
    """One cause: what happened, and at which node that can be seen."""
    return {"text": text, "node": node}


class Graph:
    """The nodes of a document, and who uses whom."""

    def __init__(self, document: dict[str, Any]):
        self.document = document
        self.nodes: dict[str, dict] = {node["id"]: node for node in document["nodes"]}
        self.table = document.get("tensors", [])
        self.users: dict[str, list[tuple[dict, dict]]] = {}
        for node in document["nodes"]:
            for edge in node["inputs"]:
                if edge["from"] is not None:
                    self.users.setdefault(edge["from"], []).append((node, edge))
        self.places = {name: i for i, name in enumerate(self.nodes)}
        self.classes = {m["path"]: m["class"] for m in document["modules"]}
        self.one_file = len(document["sources"]) < 2

    def stats(self, thing: dict | None, key: str = "value") -> dict:
        """What is known of a value; nothing where it was not kept."""
        return self.table[thing[key]] if thing is not None and key in thing else {}

    def bad(self, name: str) -> str:
        """NaN or infinity where this node's value holds one."""
        stats = self.stats(self.nodes[name])
        return "NaN" if stats.get("nan") else "infinity" if stats.get("inf") else ""

    def sources(self, node: dict) -> list[str]:
        return [edge["from"] for edge in node["inputs"] if edge["from"] is not None]

    def at(self, where: dict | None) -> str:
        """ " at line 28"; nothing where the line is not known."""
        return self.line(where["file"], where["line"]) if where else ""

    def line(self, file: str, line: int) -> str:
        """ " at line 28", with the file where there are several."""
        return f" at line {line}" if self.one_file else f" at {file}:{line}"

    def called(self, name: str) -> str:
        """ "relu of fc1 at line 28", or the name of a parameter."""
        node = self.nodes[name]
        if node["kind"] == "pick":
            node = next((self.nodes[s] for s in self.sources(node)), node)
        if node["kind"] != "op":
            return node["parameters"][0] if node["parameters"] else node["id"]
        return f"{node['op']}{' in ' + self.owner(node['module']) if node['module'] else ''}{self.at(node['where'])}"

    def owner(self, path: str) -> str:
        """The path of a module, or the name of a leaf; with the class where the path says little: "Linear 0"."""
        kind = self.classes.get(path, "")
        return f"{kind} {path}" if kind and path.rpartition(".")[2].isdigit() else path

    def first(self, one: str, other: str) -> bool:
        """Whether the first of two nodes was made before the other."""
        return self.places[one] < self.places[other]

    def spread(self, node: dict) -> str:
        """ "input from −1 to 3, other from 0 to 0": the values that an op was given."""
        parts = []
        for edge in node["inputs"]:
            stats = self.stats(self.nodes.get(edge["from"]))
            if stats and stats["min"] is not None:
                ends = sorted({stats["min"], stats["max"]})
                known = (
                    f"is {figure(ends[0])}" if len(ends) == 1 else f"goes from {figure(ends[0])} to {figure(ends[1])}"
                )
                extra = " with NaN" if stats["nan"] else " with infinities" if stats["inf"] else ""
                parts.append(f"its {edge['port']} {known}{extra}")
        return " and ".join(parts[:3])

    def layer(self, node: dict) -> str:
        """What a parameter, or a leaf, belongs to: its module, or itself."""
        return node["module"] if node["kind"] == "parameter" and node["module"] else node["id"]


class Flow:
    """One backward pass: which step sent what to whom."""

    def __init__(self, graph: Graph, one: dict[str, Any]):
        self.graph = graph
        self.order: list[dict] = one["steps"]
        self.into: dict[str, list[tuple[dict, dict]]] = {}
        for step in one["steps"]:
            for given in step["inputs"]:
                self.into.setdefault(given["node"], []).append((step, given))
        ends = [step for step in one["steps"] if step.get("accumulates") or step.get("wanted")]
        self.leaves = sorted(ends, key=lambda step: graph.places[step["node"]])

    def strongest(self, name: str) -> tuple[dict, dict] | None:
        """The step that sent most to this node, and what it sent."""
        found = self.into.get(name, ())
        return max(found, key=lambda pair: _size(pair[1]["norm"]), default=None)

    def killers(self, name: str) -> tuple[list[Link], dict, dict] | None:
        """From a node whose gradient is zero towards the loss: the links, and the step that made it zero.

        None where it is no single place: uses that cancel.
        """
        links: list[Link] = []
        while True:
            sent = self.into.get(name, [])
            if not sent or any(given["norm"] for _, given in sent):
                return None
            step, given = sent[0]
            if step["norm"] != 0:
                return links, step, given
            name = step["node"]
            links.append(link(f"what arrives at {self.graph.called(name)} is zero already", name))

    def path(self, name: str) -> list[tuple[dict, dict]]:
        """The way of the largest gradients from the loss to this node, the nearest to the node first."""
        out = []
        while (pair := self.strongest(name)) is not None:
            out.append(pair)
            name = pair[0]["node"]
        return out


def _size(norm: Any) -> float:
    return float("inf") if isinstance(norm, str) else norm or 0.0


def listed(names: list[str], most: int = 3) -> str:
    """ "a, b, c and 4 more"."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def short(links: list[Link], most: int = 7) -> list[Link]:
    """A long chain with what is between its ends left out."""
    if len(links) <= most:
        return links
    gone = len(links) - most + 1
    head = links[: most // 2]
    middle = link(f"and so on, through {gone} more", links[most // 2]["node"])
    return [*head, middle, *links[len(links) - (most - len(head) - 1) :]]
