"""What changed between two documents, node by node; and one page that shows it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tinygrad_cnn import files

from .dot import figure, plural, shape_text
from .page import page
from .source import document_from
from .svg import SECONDS, fitting
from .text import source_text


def compare(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The differences as plain data: `rows` of {node, what, before, after}, and `marks` of the nodes of `after`.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0], requires_grad=True)
    >>> found = compare(tg.viz.snapshot(x * 2), tg.viz.snapshot(x * 3))
    >>> found["summary"], found["marks"]
    ('0 nodes added, 0 nodes removed, 1 node changed', {'mul': 'changed'})
    """
    old = {n["id"]: n for n in before["nodes"]}
    new = {n["id"]: n for n in after["nodes"]}
    rows: list[dict[str, str]] = []
    marks: dict[str, str] = {}

    def row(node: str, what: str, was: Any, is_: Any) -> None:
        rows.append({"node": node, "what": what, "before": str(was), "after": str(is_)})
        if node in new:
            marks.setdefault(node, "changed")

    norms_old, norms_new = _norms(before), _norms(after)
    for name, node in new.items():
        if name not in old:
            marks[name] = "added"
            rows.append({"node": name, "what": "added", "before": "", "after": f"{node['kind']} {_shape(node)}"})
            continue
        was = old[name]
        if was["shape"] != node["shape"]:
            row(name, "shape", _shape(was), _shape(node))
        for key in ("op", "kind", "dtype", "needs_grad"):
            if was[key] != node[key]:
                row(name, key, was[key], node[key])
        if _sources(was) != _sources(node):
            row(name, "inputs", ", ".join(_sources(was)), ", ".join(_sources(node)))
        for key in sorted(was["attributes"].keys() | node["attributes"].keys()):
            a, b = was["attributes"].get(key), node["attributes"].get(key)
            if a != b:
                row(name, key, a, b)
        a, b = (sum(s["bytes"] for s in n["saved"]) for n in (was, node))
        if a != b:
            row(name, "bytes saved", a, b)
        if norms_old.get(name) != norms_new.get(name):
            row(name, "‖gradient‖", *(figure(n[name]) if name in n else "not computed" for n in (norms_old, norms_new)))
        for key in ("mean", "l2", "nan"):
            a, b = _statistic(before, was, key), _statistic(after, node, key)
            if a is not None and b is not None and a != b:
                row(name, {"l2": "‖value‖", "nan": "NaNs", "mean": "mean of value"}[key], figure(a), figure(b))
    gone = [name for name in old if name not in new]
    for name in gone:
        rows.append(
            {"node": name, "what": "removed", "before": f"{old[name]['kind']} {_shape(old[name])}", "after": ""}
        )
    added = sum(m == "added" for m in marks.values())
    changed = len(marks) - added
    text = f"{plural(added, 'node')} added, {plural(len(gone), 'node')} removed, {plural(changed, 'node')} changed"
    return {"summary": text if rows else "no difference", "rows": rows, "marks": marks}


def diff(
    before: Any,
    after: Any,
    path: str | Path | None = None,
    *,
    names: tuple[str, str] = ("before", "after"),
    seconds: float = SECONDS,
    **options: Any,
) -> str:
    """One page: the graph of `after` with its changes marked, a list of them, and the graph of `before`.

    before, after: documents, recordings or Tensors; names: what to call them. Written to `path` if one is given.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0], requires_grad=True)
    >>> page = diff(x * 2, x * 3, "diff.html")  # doctest: +SKIP
    """
    a, b = document_from(before), document_from(after)
    found = compare(a, b)
    old, _ = fitting(a, options.get("depth"), seconds, {"legend": False})
    found["picture"] = re.sub(r' id="\w+"| aria-labelledby="[^"]*"|<style>.*?</style>', "", old, flags=re.S)
    found["before"], found["after"] = names
    text = page(b, seconds=seconds, compared=found, **options)
    if path is not None:
        files.write(path, text)
    return text


def _shape(node: dict) -> str:
    return shape_text(node["shape"])


def _sources(node: dict) -> list[str]:
    return [figure(n) if isinstance(n := e.get("number"), int | float) else source_text(e) for e in node["inputs"]]


def _norms(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in document["passes"]:
        for step in one["steps"]:
            found.setdefault(step["node"], step["norm"])
    return found


def _statistic(document: dict[str, Any], node: dict, key: str) -> Any:
    return document["tensors"][node["value"]][key] if "value" in node else None
