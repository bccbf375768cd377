"""The graph as text, for terminals: a list of what was computed, and the steps of backward."""

from __future__ import annotations

import textwrap
from typing import Any

from .dot import attributes_text, summary
from .names import printable
from .source import document_from
from .words import figure, plural, shape_text, size_text

WIDTH = 120


def text(source: Any, *, hide: Any = (), width: int = WIDTH) -> str:
    """A list of the nodes, indented by module, and of the backward steps; needs no other program.

    >>> import tinygrad_cnn as tg
    >>> a = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> print(tg.viz.text(tg.viz.snapshot((a + a).sum(), names={"a": a})))
    graph: 2 ops, 0 parameter tensors
      a    input (2,)
      add  (2,)  <- a, a
      sum  ()  <- add   = result
    """
    document = document_from(source)
    hidden = set([hide] if isinstance(hide, str) else hide)
    nodes = [n for n in document["nodes"] if n["op"] not in hidden]
    lines = [printable(f"{document['title']}: {summary(document)}")]
    wide = min(40, max((len(short_name(n)) for n in nodes), default=0))
    module = ""
    for node in nodes:
        if node["module"] != module:
            module = node["module"]
            if module:
                kind = next((m["class"] for m in document["modules"] if m["path"] == module), "")
                lines.append(printable(f"  {module}{f': {kind}' if kind else ''}"))
        indent = "    " if module else "  "
        lines.append(_clip(f"{indent}{short_name(node):<{wide}}  {about(document, node)}", width))
    for i, one in enumerate(document["passes"]):
        lines += ["", "backward" if len(document["passes"]) == 1 else f"backward, pass {i + 1}"]
        digits = len(str(len(one["steps"])))
        for k, step in enumerate(one["steps"], 1):
            lines.append(_clip(f"  {k:>{digits}}. {step_text(document, step)}", width))
    for entry in document["unused"]:
        about_it = f"{shape_text(entry['shape'])}: no gradient computed; {entry['reason']}"
        lines.append(printable(f"  {entry['name']} {about_it}"))
    lines += [printable(f"  not recorded: {note}") for note in document.get("notes", ())]
    lines += problem_lines(document, width)
    return "\n".join(line.rstrip() for line in lines)


def problem_lines(document: dict[str, Any], width: int) -> list[str]:
    """Every problem with its causes, the first cause last."""
    lines: list[str] = []
    found = document.get("problems", ())
    for i, problem in enumerate(found, 1):
        lines += _wrap(f"  {i}. {problem['kind']}: ", problem["text"], width)
        for cause in problem["chain"]:
            lines += _wrap("     <- ", cause["text"], width)
    return ["", plural(len(found), "problem"), *lines] if lines else []


def _wrap(start: str, line: str, width: int) -> list[str]:
    return textwrap.wrap(
        printable(line), max(width, len(start) + 20), initial_indent=start, subsequent_indent=" " * len(start)
    )


def short_name(node: dict) -> str:
    """The id without the module path, under whose heading it stands."""
    path = node["module"]
    return node["id"][len(path) + 1 :] if path and node["id"].startswith((path + "/", path + ".")) else node["id"]


def about(document: dict[str, Any], node: dict) -> str:
    parts = []
    if node["kind"] not in ("op", "pick"):
        parts.append(f"{node['kind']} {shape_text(node['shape'])}")
    else:
        parts.append("✗" if "failed" in node else shape_text(node["shape"]))
        extra = attributes_text(document, node)
        sources = ", ".join(map(source_text, node["inputs"]))
        parts.append(f"<- {sources}" + (f"  [{extra}]" if extra else ""))
        saved = sum(s["bytes"] for s in node["saved"])
        if saved:
            parts.append(f"saves {size_text(saved)}")
    if node.get("inplace"):
        parts.append("in place")
    if not node["needs_grad"] or "reason" in node:
        parts.append(f"({node.get('reason', 'needs no gradient')})")
    if node.get("output"):
        parts.append(" = result")
    return "  ".join(parts)


def source_text(edge: dict[str, Any]) -> str:
    """What goes into a port: a node, a number, or what is known of it."""
    if edge["from"] is not None:
        detached = edge.get("cause", {}).get("kind") == "detached"
        return f"{edge['from']} (detached)" if detached else edge["from"]
    return str(edge["number"]) if "number" in edge else f"({edge['port']}: not kept)"


def step_text(document: dict[str, Any], step: dict) -> str:
    """One step of backward in a line: what arrives, and what flows on."""
    line = f"{step['node']}: ‖g‖ = {figure(step['norm'])}"
    flows = []
    for one in step["inputs"]:
        if one["norm"] is None:
            flows.append(f"{one['node']}: nothing")
            continue
        use = f" ({one['use'][0]} of {one['use'][1]} uses)" if one.get("use", [1, 1])[1] > 1 else ""
        flows.append(f"{one['node']} {figure(one['norm'])}{use}")
    if flows:
        line += " -> " + ", ".join(flows)
    if step.get("accumulates"):
        line += ", added to .grad"
    if step.get("wanted"):
        line += ", asked for"
    return line


def _clip(line: str, width: int) -> str:
    line = printable(line)
    return line if len(line) <= width else line[: width - 1] + "…"
