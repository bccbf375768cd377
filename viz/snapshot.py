"""One graph as one document: plain dicts and lists, versioned, the same bytes for the same program.

`snapshot(loss)` gives the structure that a loss holds; `record()` adds what happens while it is computed
and differentiated. Everything else draws from the document, whose schema is `schema.json`. It holds
copies of the few values it shows, and no tensor.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinygrad_cnn import files
from tinygrad_cnn.engine.tensor import Tensor

from .causes import without_gradient
from .names import Names
from .problems import problems
from .samples import Samples
from .structure import Structure
from .valid import check

SCHEMA = "tinygrad_cnn.viz/1"
BUDGET = 256_000
EMPTY: dict[str, Any] = {
    "schema": SCHEMA, "title": "graph", "nodes": [], "modules": [], "rules": {}, "sources": {}, "passes": [],
    "unused": [], "bad": {"forward": None, "backward": []},
}  # fmt: skip


def snapshot(
    loss: Tensor | Sequence[Tensor],
    model: Any = None,
    *,
    names: dict[str, Tensor] | None = None,
    values: bool = False,
    budget: int = BUDGET,
) -> dict[str, Any]:
    """The graph behind `loss`, in time and space linear in its nodes and edges.

    model: a Module whose names are used (found by itself where the graph ran in one).
    names: names for other tensors. values: add samples of what the graph holds, within `budget` bytes.

    Raises a ValueError where the tensor has no history.

    >>> import tinygrad_cnn as tg
    >>> a = tg.tensor(3.0, requires_grad=True)
    >>> document = tg.viz.snapshot(a + a, names={"a": a})
    >>> [(node["id"], [edge["from"] for edge in node["inputs"]]) for node in document["nodes"]]
    [('a', []), ('add', ['a', 'a'])]
    """
    losses = [loss] if isinstance(loss, Tensor) else list(loss)
    for t in losses:
        if not isinstance(t, Tensor):
            raise TypeError(f"snapshot: expected a Tensor or several, got {type(t).__name__}")
        if not t.requires_grad:
            raise ValueError(
                f"snapshot: this tensor of shape {tuple(t.shape)} has no history to draw; it was made without "
                "requires_grad, under no_grad, or detached"
            )
    samples = Samples(budget) if values else None
    structure = Structure(Names(model, names), samples)
    roots = [t.accumulator() for t in losses]
    structure.add(roots)
    structure.mark_outputs(roots)
    if samples is not None:
        for t, root in zip(losses, roots, strict=True):
            structure._put(structure.nodes[root.time], t._array)
    document = document_of(structure, [])
    document["problems"] = problems(document)
    return document


def document_of(structure: Structure, passes: list[dict]) -> dict[str, Any]:
    """The document of a structure and of the backward passes over it."""
    names = structure.names
    title = type(names.model).__name__ if names.model is not None else "graph"
    names.meet()
    unused = without_gradient(structure, passes)
    nodes = structure.finish()
    document: dict[str, Any] = EMPTY | {
        "title": title,
        "nodes": nodes,
        "modules": names.modules([node["module"] for node in nodes]),
        "rules": {op: structure.rules[op] for op in sorted({n["op"] for n in nodes} & structure.rules.keys())},
        "sources": dict(sorted(structure.sources.lines.items())),
        "passes": passes,
        "unused": unused,
    }
    if structure.calls_of_modules:
        document["calls"] = structure.calls_of_modules
    if structure.samples is not None:
        places = _sampled([document["nodes"], document["passes"]])
        document["samples"], document["tensors"], row = structure.samples.document({d[key] for d, key in places})
        for d, key in places:
            d[key] = row[d[key]]
    document["bad"] = _first_bad(document)
    return document


def _sampled(value: Any) -> list[tuple[dict, str]]:
    """Every place in the document that holds the number of a sample."""
    places = []
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack += [v for v in item if isinstance(v, (dict, list))]
            continue
        for key, v in item.items():
            if key in ("value", "gradient", "contribution", "sum"):
                places.append((item, key))
            elif isinstance(v, (dict, list)) and key not in ("attributes", "worked"):
                stack.append(v)
    return places


def _first_bad(document: dict[str, Any]) -> dict[str, Any]:
    """Where the first NaN or infinity was met, in the order of forward and in each backward pass."""
    table = document.get("tensors", [])
    forward = None
    for node in document["nodes"]:
        sample = table[node["value"]] if "value" in node else None
        if sample is not None and sample["nan"] + sample["inf"]:
            forward = node["id"]
            break
    return {"forward": forward, "backward": [one.pop("bad") for one in document["passes"]]}


def to_json(document: dict[str, Any]) -> str:
    """The document as JSON text; the same document gives the same bytes.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0], requires_grad=True)
    >>> to_json(snapshot(x * 2))[:33]
    '{"schema":"tinygrad_cnn.viz/1","t'
    """
    return json_text(document) + "\n"


def json_text(value: Any) -> str:
    """JSON in which every text can be written to a file: half of a pair of characters is written as its escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def save(document: dict[str, Any], path: str | Path) -> Path:
    """Write the document as JSON; returns the path.

    >>> import tinygrad_cnn as tg
    >>> import tempfile
    >>> x = tg.tensor([1.0], requires_grad=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save(snapshot(x * 2), Path(folder, "graph.json"))
    ...     load(path) == snapshot(x * 2)
    True
    """
    path = Path(path)
    files.write(path, to_json(document))
    return path


def load(path: str | Path) -> dict[str, Any]:
    """Read a document; a ValueError says where a file is none, or of a version that is not known here.

    >>> load("graph.jsn")
    Traceback (most recent call last):
    FileNotFoundError: graph.jsn: there is no such file; make one with tinygrad-cnn graph SCRIPT.py -o graph.jsn
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; make one with tinygrad-cnn graph SCRIPT.py -o {path}")
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a JSON file ({error})") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise ValueError(f"{path}: expected a snapshot of schema {SCHEMA!r}, found {found!r:.60}")
    try:
        check(document)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: the snapshot is damaged ({error})") from None
    return document


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
