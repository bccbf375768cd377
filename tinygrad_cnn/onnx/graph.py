"""A record of a model becomes an ONNX model: inputs, outputs, weights under their names, and the nodes between them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..compiler.program import Value
from ..nn.module import Module
from .library import library
from .runs import Axes, labels
from .sizes import Record, Size
from .writing import Writer, onnx_type


def input_names(inputs: list[Value], given: Sequence[str] | None) -> list[str]:
    """A name for each input: those that are given, then those of forward's parameters."""
    given = list(given or ())
    if len(given) > len(inputs):
        raise ValueError(f"onnx.export: {len(given)} input_names {given} for {len(inputs)} inputs")
    names = given + [re.sub(r"\W+", "_", v.name).strip("_") for v in inputs[len(given) :]]
    return _distinct("input_names", names, len(given))


def _distinct(what: str, names: list[str], fixed: int) -> list[str]:
    """The names, later ones changed where they are there already."""
    found: list[str] = []
    for i, name in enumerate(names):
        n, other = 0, name
        while other in found:
            if i < fixed:
                raise ValueError(f"onnx.export: {what} has {name!r} twice")
            n += 1
            other = f"{name}_{n}"
        found.append(other)
    return found


def model_of(
    model: Module,
    record: Record,
    names: list[str],
    axes: Axes,
    opset: int,
    output_names: Sequence[str] | None,
    wanted: Mapping[str, Any],
    export_params: bool,
    as_inputs: bool,
) -> Any:
    """The ModelProto."""
    helper = library().helper
    state = {id(t._array): name for name, t in (*model.named_parameters(), *model.named_buffers())}
    values = dict(zip(record.inputs, names))
    weights = _weights(record, state, set(names))
    writer = Writer(record, {**values, **weights}, opset)
    results = list(_results(record.result))
    writer.write_all(results)
    given = list(output_names or ())
    if len(given) > len(results):
        raise ValueError(f"onnx.export: {len(given)} output_names {given} for {len(results)} outputs")
    default = ["output"] if len(results) == 1 else [f"output_{i}" for i in range(len(results))]
    outs = [_named_output(writer, v, name) for v, name in zip(results, _outputs(given, default, writer))]
    used = {name for node in writer.nodes for name in node.input} | set(outs)
    kept = [(v, name) for v, name in weights.items() if name in used]
    known = {record.shapes[record.inputs[i]][k]: label for (i, k), label in axes.items()}
    told = [_info(record, v, name, known) for v, name in values.items()]
    if as_inputs or not export_params:
        told += [_info(record, v, name, known) for v, name in kept]
    initializers = [library().numpy_helper.from_array(v.tensor._array, name) for v, name in kept if export_params]
    graph = helper.make_graph(
        writer.nodes,
        getattr(model, "_graph_name", type(model).__name__),
        told,
        [_info(record, v, name, {**known, **_own(record.shapes[v], wanted, name)}) for v, name in zip(results, outs)],
        initializers,
    )
    imports = [helper.make_opsetid("", opset)]
    from .. import __version__

    return helper.make_model(
        graph,
        opset_imports=imports,
        ir_version=max(8, helper.find_min_ir_version_for(imports)),
        producer_name="tinygrad_cnn",
        producer_version=__version__,
    )


def _weights(record: Record, state: dict[int, str], taken: set[str]) -> dict[Value, str]:
    """The tensors that the model has, or finds outside, under their names, in the order in which they are used."""
    found: dict[Value, str] = {}
    for v in record.shapes:
        if v.kind == "outside":
            name = state.get(id(v.tensor._array)) or re.sub(r"\W+", "_", v.name)
            while name in taken:
                name += "_"
            taken.add(name)
            found[v] = name
    return found


def _results(tree: Any) -> Any:
    if isinstance(tree, Value):
        yield tree
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from _results(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _results(part)


def _outputs(given: list[str], default: list[str], writer: Writer) -> list[str]:
    names = given + default[len(given) :]
    for i, name in enumerate(names):
        if name in names[:i] or (name in writer.taken and i < len(given)):
            raise ValueError(f"onnx.export: the output name {name!r} is there already")
        if name in writer.taken:
            names[i] = writer.unique(name)
    return names


def _named_output(writer: Writer, v: Value, name: str) -> str:
    """Let a result have this name: the node that makes it gives it, or a node behind it."""
    writer.path = ""
    found = writer.name(v)
    makers = [node for node in writer.nodes if found in node.output]
    if not makers or any(found == other for other in writer.outputs):
        writer.nodes.append(library().helper.make_node("Identity", [found], [name], writer.unique("Identity")))
    else:
        for node in writer.nodes:
            node.input[:] = [name if x == found else x for x in node.input]
            node.output[:] = [name if x == found else x for x in node.output]
        for value, known in writer.names.items():
            if known == found:
                writer.names[value] = name
    writer.outputs.append(name)
    return name


def _info(record: Record, v: Value, name: str, known: dict[Any, str]) -> Any:
    shape = [known.get(n) if isinstance(n, Size) else n for n in record.shapes[v]]
    shape = [known.get(i, n) if not isinstance(n, str) else n for i, n in enumerate(shape)]
    return library().helper.make_tensor_value_info(name, onnx_type(v.dtype), shape)


def _own(shape: tuple, wanted: Mapping[str, Any], name: str) -> dict[Any, str]:
    """What the caller calls the axes of an output."""
    axes = labels(wanted.get(name), name).items()
    return {shape[a] if isinstance(shape[a], Size) else a: label for a, label in axes}
