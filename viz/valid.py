"""Whether a file is a document: it is held to schema.json, and what it refers to must be in it."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .changes import changed
from .names import printable

TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "null": type(None),
}  # fmt: skip
LARGEST = sys.float_info.max


@functools.cache
def schema() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))


def check(document: Any) -> None:
    """Raise a ValueError that names the first place where this is no document."""
    _check(document, schema(), "")
    _check_references(document)
    if "sweep" in document:
        _check_sweep(document)


def _check_sweep(document: dict[str, Any]) -> None:
    """Each frame makes a document of the one that it changes."""
    sweep = document["sweep"]
    _known({node["id"]: 0 for node in document["nodes"]}, [sweep["node"]], "/sweep/node")
    if len(sweep["frames"]) != len(sweep["values"]):
        raise ValueError(f"/sweep: there are not as many frames as values, {len(sweep['values'])}")
    if not sweep["at"] < len(sweep["frames"]) or sweep["frames"][sweep["at"]]:
        raise ValueError("/sweep/at: expected the number of the frame that changes nothing")
    base = {key: value for key, value in document.items() if key != "sweep"}
    for i, change in enumerate(sweep["frames"]):
        try:
            frame = changed(base, change)
            _check(frame, schema(), "")
            _check_references(frame)
        except (ValueError, LookupError, TypeError) as error:
            raise ValueError(f"/sweep/frames/{i}: {error}") from None


def _check_references(document: Any) -> None:
    nodes: dict[str, int] = {}
    for i, node in enumerate(document["nodes"]):
        _known(nodes, (edge["from"] for edge in node["inputs"] if edge["from"] is not None), f"/nodes/{i}/inputs")
        if node["id"] in nodes:
            raise ValueError(f"/nodes/{i}/id: there are two nodes {printable(node['id'])!r:.60}")
        nodes[node["id"]] = len(node["inputs"])
    for i, one in enumerate(document["passes"]):
        _known(nodes, one["outputs"], f"/passes/{i}/outputs")
        for k, step in enumerate(one["steps"]):
            inputs = step["inputs"]
            _known(nodes, [step["node"], *(c["node"] for c in inputs)], f"/passes/{i}/steps/{k}")
            if any(not 0 <= c["port"] < nodes[step["node"]] for c in inputs):
                raise ValueError(f"/passes/{i}/steps/{k}/inputs: there is no input of this number")
    for i, problem in enumerate(document.get("problems", ())):
        places = [problem["node"], *(cause["node"] for cause in problem["chain"])]
        _known(nodes, (place for place in places if place is not None), f"/problems/{i}")
    rows = len(document.get("tensors", ()))
    stack: list[Any] = [document["nodes"], document["passes"]]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if any(item.get(key, 0) >= rows for key in ("value", "gradient", "contribution", "sum") if key in item):
                raise ValueError(f"a node or a step refers to a tensor beyond the {rows} that there are")
            stack += [v for key, v in item.items() if key not in ("attributes", "worked")]
        elif isinstance(item, list):
            stack += item


def _known(nodes: dict[str, int], names: Iterable[str], where: str) -> None:
    for name in names:
        if name not in nodes:
            raise ValueError(f"{where}: there is no node {printable(name)!r:.60} before it")


def _check(value: Any, rule: dict[str, Any], where: str) -> None:
    """Hold a value to a rule of the schema, of which these words are known; ValueError names the place."""
    if "$ref" in rule:
        _check(value, schema()["$defs"][rule["$ref"].rpartition("/")[2]], where)
    for word in ("oneOf", "anyOf"):
        if word in rule and not any(_fits(value, one) for one in rule[word]):
            raise ValueError(f"{where or '/'}: found {_short(value)}, which is none of what it may be")
    if "const" in rule and not _same(value, rule["const"]):
        raise ValueError(f"{where or '/'}: expected {rule['const']!r}, found {_short(value)}")
    if "enum" in rule and not any(_same(value, one) for one in rule["enum"]):
        raise ValueError(f"{where or '/'}: expected one of {rule['enum']}, found {_short(value)}")
    if "type" in rule:
        kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
        if not any(isinstance(value, TYPES[k]) and (k == "boolean" or type(value) is not bool) for k in kinds):
            raise ValueError(f"{where or '/'}: expected {' or '.join(kinds)}, found {_short(value)}")
    if isinstance(value, dict):
        known = rule.get("properties", {})
        for key in rule.get("required", ()):
            if key not in value:
                raise ValueError(f"{where or '/'}: {key!r} is missing")
        others = rule.get("additionalProperties", True)
        for key, inner in value.items():
            if key in known:
                _check(inner, known[key], f"{where}/{key}")
            elif others is False:
                raise ValueError(f"{where or '/'}: {printable(key)!r:.60} is not known")
            elif others is not True:
                _check(inner, others, f"{where}/{printable(key):.60}")
    elif isinstance(value, list):
        if not rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", len(value)):
            raise ValueError(f"{where or '/'}: found {len(value)} items")
        if "items" in rule:
            for i, item in enumerate(value):
                _check(item, rule["items"], f"{where}/{i}")
    elif isinstance(value, str):
        if len(value) < rule.get("minLength", 0):
            raise ValueError(f"{where or '/'}: found an empty text")
    elif isinstance(value, int | float):
        if not -LARGEST <= value <= LARGEST:
            raise ValueError(f"{where or '/'}: the number is too large")
        if value < rule.get("minimum", value):
            raise ValueError(f"{where or '/'}: found {_short(value)}, expected {rule['minimum']} or more")


def _fits(value: Any, rule: dict[str, Any]) -> bool:
    try:
        _check(value, rule, "")
    except ValueError:
        return False
    return True


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b


def _short(value: Any) -> str:
    return f"a {type(value).__name__}" if isinstance(value, dict | list) else f"{printable(str(value))!r:.60}"
