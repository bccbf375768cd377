"""`export`: a model runs twice, what it did is written as an ONNX graph, the graph is checked, and goes into a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from .. import files
from ..engine.tensor import Tensor
from ..nn.module import Module
from . import checking
from .graph import input_names as _input_names
from .graph import model_of
from .library import library
from .loaded import GraphModule
from .reading import LARGEST
from .runs import TrainingMode, others, results, said, tensors_in, two_runs
from .runs import dynamic_axes as _dynamic_axes
from .sizes import Record, Varies

DEFAULT_OPSET, FIRST_OPSET = 20, 13


class ONNXProgram:
    """An exported model. `model_proto`: what onnx knows it as.

    >>> import tinygrad_cnn as tg
    >>> export(tg.nn.ReLU(), tg.zeros(2, 3))
    ReLU (float[2,3] input) => (float[2,3] output) {
       [Relu] output = Relu (input)
    }
    """

    def __init__(self, model_proto: Any):
        self.model_proto = model_proto

    def save(self, destination: str | os.PathLike | BinaryIO) -> None:
        """Write it into a file; a path appears whole or not at all."""
        blob = self.model_proto.SerializeToString()
        if isinstance(destination, str | os.PathLike):
            with files.whole(destination) as file:
                file.write(blob)
        elif hasattr(destination, "write"):
            destination.write(blob)
        else:
            raise TypeError(f"onnx: expected a path or a file open for writing, got {type(destination).__name__}")

    def __repr__(self) -> str:
        return library().printer.to_text(self.model_proto.graph)


def export(
    model: Module,
    args: tuple | Tensor = (),
    f: str | os.PathLike | BinaryIO | None = None,
    *,
    kwargs: dict[str, Any] | None = None,
    verbose: bool | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = None,
    dynamo: bool = True,
    external_data: bool = False,
    dynamic_shapes: Mapping[str, Any] | Sequence[Any] | None = None,
    custom_translation_table: Any = None,
    report: bool = False,
    optimize: bool = True,
    verify: bool = False,
    profile: bool = False,
    dump_exported_program: bool = False,
    artifacts_dir: str | os.PathLike = ".",
    export_params: bool = True,
    keep_initializers_as_inputs: bool = False,
    dynamic_axes: Mapping[str, Mapping[int, str] | Sequence[int]] | None = None,
    training: TrainingMode = TrainingMode.EVAL,
    operator_export_type: Any = 0,
    do_constant_folding: bool = True,
    custom_opsets: Any = None,
    export_modules_as_functions: Any = False,
    autograd_inlining: bool = True,
) -> ONNXProgram:
    """Write a model as ONNX, as torch.onnx.export does; `f` is a path, or a file open for writing in binary mode.

    args, kwargs: what the model is called with. It runs twice on it, the second time on other numbers; nothing of the
    model is changed by that. input_names, output_names: in order; else the names of forward's parameters, and
    "output". dynamic_axes: {name of an input: {axis: name}}, or a list of axes; their sizes are free then, and the
    second run has others. dynamic_shapes: the same, by parameter or in order. opset_version: 13 or later, 20 if left
    out. training: TrainingMode.EVAL, PRESERVE or TRAINING. export_params: False leaves the weights out, they become
    inputs. keep_initializers_as_inputs: weights may be given as inputs. verify: run it in onnxruntime as well.
    verbose: print the graph.

    Initializers have the names of `state_dict()`. Returns an ONNXProgram with `model_proto` and `save`.
    do_constant_folding, dynamo, optimize and autograd_inlining make no difference: what depends on no input and no
    parameter is always computed here. Arguments of PyTorch's that mean nothing here are refused.

    RuntimeError where the model does what no graph can say: looks at numbers, uses NumPy, or changes with the size of
    a dynamic axis in a way that is not seen. NotImplementedError names an op that ONNX has not, its module, its line.

    >>> import io, tinygrad_cnn as tg
    >>> net, file = tg.nn.Sequential(tg.nn.Linear(3, 2), tg.nn.ReLU()), io.BytesIO()
    >>> program = export(net, tg.zeros(4, 3), file, input_names=["x"], dynamic_axes={"x": {0: "batch"}})
    >>> [w.name for w in program.model_proto.graph.initializer], len(file.getvalue()) < 1000
    (['0.weight', '0.bias'], True)
    """
    onnx = library()
    _refuse_meaningless(
        external_data=external_data, custom_translation_table=custom_translation_table, report=report,
        profile=profile, dump_exported_program=dump_exported_program, operator_export_type=operator_export_type,
        custom_opsets=custom_opsets, export_modules_as_functions=export_modules_as_functions,
    )  # fmt: skip
    opset = _opset(opset_version)
    if not isinstance(model, Module):
        raise TypeError(f"onnx.export: model must be a Module, got {type(model).__name__}")
    if isinstance(model, GraphModule):  # it has names of its own
        input_names, output_names = input_names or model.input_names, output_names or model.output_names
    given, named = args if isinstance(args, tuple) else (args,), dict(kwargs or {})
    names: list[str] = []

    def axes_of(inputs: list) -> Any:
        if not inputs:
            raise ValueError("onnx.export: args has no tensor; a model takes its inputs from there")
        names[:] = _input_names(inputs, input_names)
        return _dynamic_axes(inputs, names, dynamic_axes, dynamic_shapes, output_names or ())

    first, second, axes = two_runs(model, given, named, TrainingMode(training), axes_of)
    try:
        record = Record(first, second)
    except Varies as why:
        other = f"other sizes of {said(axes)}" if axes else "other numbers"
        raise RuntimeError(f"onnx.export: with {other}, the model does something else: {why}") from None
    proto = model_of(
        model, record, names, axes, opset, output_names, dynamic_axes or {}, export_params, keep_initializers_as_inputs
    )
    if proto.ByteSize() > LARGEST:
        raise ValueError(f"onnx.export: the model has {proto.ByteSize()} bytes, a file of ONNX holds {LARGEST}")
    try:
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:  # of one of two kinds, which have no common one
        raise RuntimeError(f"onnx.export: the model asks for what ONNX does not take: {error}") from error
    mode = TrainingMode(training)
    if axes and not (mode == TrainingMode.TRAINING or (mode == TrainingMode.PRESERVE and model.training)):
        checking.check(proto, others(model, given, named, mode, axes), axes)
    if verify:
        checking.verify(proto, list(tensors_in((given, named))), results(model, given, named, mode))
    program = ONNXProgram(proto)
    if verbose:
        print(program)
    if f is not None:
        program.save(f)
    return program


def _opset(version: int | None) -> int:
    newest = library().defs.onnx_opset_version()
    if version is None:
        return DEFAULT_OPSET
    if not FIRST_OPSET <= version <= newest:
        raise ValueError(f"onnx.export: opset_version must be {FIRST_OPSET} to {newest}, got {version}")
    return version


def _refuse_meaningless(**given: Any) -> None:
    for name, value in given.items():
        if value:
            raise ValueError(f"onnx.export: {name}={value!r} has no meaning here, {MEANINGLESS[name]}")


MEANINGLESS = {
    "external_data": "weights stand in the file itself",
    "custom_translation_table": "ops are translated by tinygrad_cnn.onnx.writing.TABLE",
    "report": "errors say what there is to say",
    "profile": "use Python's profiler",
    "dump_exported_program": "print the ONNXProgram",
    "operator_export_type": "only ONNX's own operators are written",
    "custom_opsets": "only ONNX's own operators are written",
    "export_modules_as_functions": "the names of nodes say which module they come from",
}
