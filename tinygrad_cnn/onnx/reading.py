"""A file in ONNX's format as plain data: nodes, arrays, names. What a file may do is held to what a model needs.

A file comes from anywhere. So it is parsed by protobuf, which is made for that, and everything beyond is checked here
before it is used: an array's numbers are as many as its shape says; weights that stand in another file stand beside
the model, not elsewhere; a node takes what was made before it; every operator is known. No code of a file is run, and
onnx's own checks, which were written for honest files, are left out.
"""

from __future__ import annotations

import inspect
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from .library import library

OPSETS = range(7, 1000)
MOST_AXES, MOST_NODES = 32, 100_000
LARGEST = 2**31 - 1  # bytes of a file in ONNX's format
# By ONNX's number of a type: NumPy's, and the field that numbers stand in if not in raw_data.
TYPES = {
    1: ("<f4", "float_data"), 2: ("u1", "int32_data"), 3: ("i1", "int32_data"), 5: ("<i2", "int32_data"),
    6: ("<i4", "int32_data"), 7: ("<i8", "int64_data"), 9: ("?", "int32_data"), 10: ("<f2", "int32_data"),
    11: ("<f8", "double_data"), 16: ("bfloat16", "int32_data"),
}  # fmt: skip


class Refusal(Exception):
    """Why a file is not read, in words that go on after its name."""


class Plain(NamedTuple):
    """A node: its operator, where it is said to be, what it takes and makes, and its attributes as plain values."""

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


class Plan(NamedTuple):
    """A graph: `inputs` and `outputs` by name, arrays by name, nodes in an order in which they can be computed."""

    name: str
    opset: int
    inputs: list[str]
    outputs: list[str]
    arrays: dict[str, np.ndarray]
    nodes: list[Plain]


def read(f: str | os.PathLike | BinaryIO, known: dict[str, Any]) -> Plan:
    """The plan of a file; RuntimeError where it is none, or not to be trusted, or has operators that are not known."""
    library()
    if isinstance(f, str | os.PathLike):
        name, folder = str(Path(f)), Path(f).parent
    elif hasattr(f, "read"):
        name, folder = "the file", None
    else:
        raise TypeError(f"onnx.load: expected a path or a file open for reading, got {type(f).__name__}")
    try:
        return plan_of(_parsed(_blob(f)), folder, known)
    except Refusal as why:
        raise RuntimeError(f"onnx.load: {name} {why}") from None
    except MemoryError:
        raise RuntimeError(f"onnx.load: {name} needs more memory than there is") from None


def _blob(f: Any) -> bytes:
    if not hasattr(f, "read"):
        if not Path(f).is_file() and Path(f).exists():
            raise Refusal("is no file")
        with open(f, "rb") as file:
            return _blob(file)
    if hasattr(f, "getvalue"):  # where it was written is where one stands
        f.seek(0)
    blob = f.read(LARGEST + 1)
    if len(blob) > LARGEST:
        raise Refusal(f"has more than the {LARGEST} bytes that a file of ONNX can have")
    return blob


def _parsed(blob: bytes) -> Any:
    if not isinstance(blob, bytes):
        raise Refusal("is open for text; open it in binary mode")
    try:
        model = library().ModelProto.FromString(blob)
    except Exception as error:  # protobuf's own, which has no fixed name
        raise Refusal(f"is no model in ONNX's format, or it is damaged ({error})") from None
    if not model.HasField("graph") or not model.ir_version:
        raise Refusal("is no model in ONNX's format: it has no graph")
    return model


def plan_of(model: Any, folder: Path | None, known: dict[str, Any]) -> Plan:
    """The plan of a ModelProto; its file stood in `folder`."""
    opsets = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    if len(opsets) != 1 or opsets[0] not in OPSETS:
        raise Refusal(f"is written for the operators of version {opsets or 'none'}; {OPSETS.start} and later are read")
    graph = model.graph
    if max(len(graph.node), len(graph.initializer), len(graph.input), len(graph.output)) > MOST_NODES:
        raise Refusal(f"has more than {MOST_NODES} nodes or weights")
    if any(isinstance(name, bytes) for name in _names(graph)):
        raise Refusal("is damaged: a name in it is no text")
    if graph.sparse_initializer:
        raise Refusal("has sparse weights, which are not read")
    arrays: dict[str, np.ndarray] = {}
    for tensor in graph.initializer:
        if not tensor.name or tensor.name in arrays:
            raise Refusal(f"has two weights of the name {tensor.name!r}, or one without a name")
        arrays[tensor.name] = _array(tensor, f"the weight {tensor.name!r:.80}", folder)
    inputs = [i.name for i in graph.input if i.name not in arrays]
    outputs = [o.name for o in graph.output]
    nodes = [_node(node, i, folder) for i, node in enumerate(graph.node)]
    _check_operators(graph.node, nodes, known)
    _check_order(nodes, inputs, outputs, arrays)
    return Plan(graph.name, opsets[0], inputs, outputs, arrays, nodes)


def _names(graph: Any) -> Iterator[str | bytes]:
    """All names in a graph; of what is no text, protobuf gives the bytes."""
    for held in (graph.initializer, graph.input, graph.output):
        yield from (one.name for one in held)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output, *(a.name for a in node.attribute))


def _check_operators(protos: Any, nodes: list[Plain], known: dict[str, Any]) -> None:
    """Every operator is known: one error for all that are not."""
    strange: dict[str, list[str]] = {}
    for proto, node in zip(protos, nodes):
        foreign = proto.domain not in ("", "ai.onnx")
        if foreign or node.op not in known:
            full = f"{proto.domain}.{node.op}" if foreign else node.op
            strange.setdefault(full, []).append(node.name)
    for node in nodes:
        if node.op in known and not _fits(known[node.op], len(node.inputs)):
            raise Refusal(f"is damaged: {node.name} is a {node.op} of {len(node.inputs)} inputs")
    if strange:
        listed = "\n".join(
            f"  {op}, {len(names)} {'time' if len(names) == 1 else 'times'}: {', '.join(names[:3])}"
            f"{', ...' if len(names) > 3 else ''}"
            for op, names in list(strange.items())[:50]
        )
        raise Refusal(f"has operators that are not read:\n{listed}")


def _fits(function: Any, inputs: int) -> bool:
    """Whether a function of the table takes as many inputs."""
    try:
        inspect.signature(function).bind(None, *range(inputs))
    except TypeError:
        return False
    return True


def _check_order(nodes: list[Plain], inputs: list[str], outputs: list[str], arrays: dict[str, Any]) -> None:
    """What a node takes was made before it, and nothing is made twice."""
    if len(set(inputs)) < len(inputs) or "" in inputs:
        raise Refusal("has two inputs of one name, or one without a name")
    there = {*inputs, *arrays}
    for node in nodes:
        for name in node.inputs:
            if name and name not in there:
                raise Refusal(f"is damaged: {node.name} takes {name!r:.80}, which was not made before it")
        for name in filter(None, node.outputs):
            if name in there:
                raise Refusal(f"is damaged: {node.name} makes {name!r:.80}, which is there already")
            there.add(name)
    missing = [name for name in outputs if name not in there]
    if missing or not outputs:
        raise Refusal(f"is damaged: its outputs {missing} are made by no node" if outputs else "has no output")


def _node(proto: Any, i: int, folder: Path | None) -> Plain:
    name = f"{proto.name or 'node ' + str(i)!s:.80}"
    attributes = {a.name: _attribute(a, f"{a.name!r:.40} of {name}", folder) for a in proto.attribute}
    if len(attributes) < len(proto.attribute):
        raise Refusal(f"is damaged: {name} has an attribute twice")
    return Plain(f"{proto.op_type:.60}", name, list(proto.input), list(proto.output), attributes)


def _attribute(a: Any, what: str, folder: Path | None) -> Any:
    if a.ref_attr_name:
        raise Refusal(f"has {what}, which stands in a function; functions are not read")
    kinds = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints", 8: "strings"}
    if a.type == 4:
        return _array(a.t, what, folder)
    if a.type not in kinds:
        return None  # a graph in it, as If has; its operator is not read
    value = getattr(a, kinds[a.type])
    if a.type == 3:
        return value.decode("utf-8", "replace")
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in value] if a.type > 4 else value


def _array(tensor: Any, what: str, folder: Path | None) -> np.ndarray:
    """The numbers of a tensor; room is made for them when it is known that they are there."""
    if tensor.data_type not in TYPES:
        kinds = library().TensorProto.DataType
        kind = kinds.Name(tensor.data_type) if tensor.data_type in kinds.values() else tensor.data_type
        raise Refusal(f"has {what} of the type {kind}, which is not read")
    shape = tuple(tensor.dims)
    if len(shape) > MOST_AXES or min(shape, default=0) < 0:
        raise Refusal(f"is damaged: {what} has the shape {shape[:MOST_AXES]}")
    kind, field = TYPES[tensor.data_type]
    dtype = np.dtype("<u2" if kind == "bfloat16" else kind)
    count = math.prod(shape)
    if tensor.data_location == 1:
        numbers = np.frombuffer(_external(tensor, what, folder, count * dtype.itemsize), dtype)
    elif tensor.HasField("raw_data"):
        if len(tensor.raw_data) != count * dtype.itemsize:
            raise Refusal(f"is damaged: {what} has {len(tensor.raw_data)} bytes for the shape {shape} of {dtype}")
        numbers = np.frombuffer(tensor.raw_data, "u1") != 0 if kind == "?" else np.frombuffer(tensor.raw_data, dtype)
    else:
        given = getattr(tensor, field)
        if len(given) != count:
            raise Refusal(f"is damaged: {what} has {len(given)} numbers for the shape {shape}")
        numbers = np.array(given, np.float32 if field == "float_data" else None)
        if kind in ("<f2", "bfloat16"):
            numbers = numbers.astype("<u2").view(dtype)
    numbers = numbers.reshape(shape)
    if kind == "bfloat16":
        return (numbers.astype(np.uint32) << 16).view(np.float32)
    return np.array(numbers, dtype.newbyteorder("="))


def _external(tensor: Any, what: str, folder: Path | None, length: int) -> bytes:
    """The bytes of a tensor that stand in another file, beside the model."""
    said = {e.key: e.value for e in tensor.external_data}
    location = said.get("location", "")
    if folder is None:
        raise Refusal(f"keeps {what} in another file, {location!r:.80}; load it by its path, so that this can be found")
    home = Path(os.path.realpath(folder))
    path = Path(os.path.realpath(home / location))
    if not location or os.path.isabs(location) or "\0" in location or not path.is_relative_to(home):
        raise Refusal(f"keeps {what} outside of its folder, in {location!r:.80}; that is not read")
    if not path.is_file():
        raise Refusal(f"keeps {what} in {location!r:.80}, which is not there")
    numbers = [said.get("offset", "0"), said.get("length", str(length))]
    if not all(re.fullmatch(r"\d{1,18}", n) for n in numbers):
        raise Refusal(f"is damaged: {what} stands at {numbers} of {location!r:.80}")
    offset, given = map(int, numbers)
    if given != length or offset + length > path.stat().st_size:
        raise Refusal(f"is damaged: {what} needs {length} bytes, {location!r:.80} has fewer at {offset}")
    with path.open("rb") as file:
        file.seek(offset)
        blob = file.read(length)
    if len(blob) != length:
        raise Refusal(f"is damaged: {location!r:.80} is cut off")
    return blob
