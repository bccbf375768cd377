"""A graph of ONNX as a Module: its weights are parameters, and its nodes run one after the other in our own ops.

Weights are named by dotted paths, `layer1.0.conv1.weight`. So the Module has children by these names, each a `Layer`
with the weights of that path and the nodes that compute there, and is looked at, trained and saved as one that was
written by hand.
"""

from __future__ import annotations

import os
import re
from typing import Any, BinaryIO

import numpy as np

from ..autograd import no_grad
from ..engine.tensor import Tensor, wrap
from ..nn.module import Module
from ..nn.parameter import Parameter
from .operators import OPERATORS, SETTINGS, STATISTICS, Node
from .reading import Plain, Plan, read

DEEPEST = 16  # modules in modules


def load(f: str | os.PathLike | BinaryIO) -> GraphModule:
    """The model of an ONNX file as a Module, in evaluation mode, that can be trained.

    f: a path, or a file open for reading in binary mode. Float weights are parameters under their names, with what is
    not a letter or a digit as "_"; the statistics of batch norms are buffers, and move in training.

    RuntimeError where the file is damaged or no model, or has operators that are not read: all are listed, with their
    nodes. Whatever a file says, no code of it runs, and no file outside of its folder is read.

    >>> import io, tinygrad_cnn as tg
    >>> from tinygrad_cnn import onnx
    >>> net, file = tg.nn.Sequential(tg.nn.Linear(3, 2), tg.nn.ReLU()), io.BytesIO()
    >>> _ = onnx.export(net, tg.zeros(4, 3), file)
    >>> model = onnx.load(file)
    >>> model
    GraphModule(
      input -> output
      (0): Layer(Gemm(transB=1))
      (1): Layer(Relu())
    )
    >>> list(model.state_dict()), tg.equal(model(tg.ones(1, 3)), net(tg.ones(1, 3)))
    (['0.weight', '0.bias'], True)
    """
    return GraphModule(read(f, OPERATORS)).eval()


class Step:
    """A node in its place: the names of what it takes and makes, what is not needed behind it, and who runs it."""

    def __init__(self, plain: Plain, opset: int):
        self.plain = plain
        self.node = Node(plain.op, opset, plain.attributes, len(plain.outputs))
        self.layer: Any = None
        self.frees: list[str] = []

    def __call__(self, values: list[Any], training: bool) -> tuple:
        """The results. What depends on no tensor, as shapes do, is an array, and stays one."""
        self.node.training = training
        run = OPERATORS[self.plain.op]
        if any(isinstance(v, Tensor) for v in values):
            made = run(self.node, *values)
            return made if isinstance(made, tuple) else (made,)
        with no_grad():
            made = run(self.node, *[v if v is None else wrap(v) for v in values])
        return tuple(m._array for m in (made if isinstance(made, tuple) else (made,)))

    def __repr__(self) -> str:
        shown = {key: value for key, value in self.plain.attributes.items() if not isinstance(value, np.ndarray)}
        return f"{self.plain.op}({', '.join(f'{key}={value}' for key, value in shown.items())})"


class Layer(Module):
    """The weights of one path, and the nodes that compute there."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []

    def forward(self, step: Step, values: list[Any]) -> tuple:
        """What a step makes of these values."""
        return step(values, self.training)

    def extra_repr(self) -> str:
        return "\n".join(map(repr, self.steps)) if self._modules else ", ".join(map(repr, self.steps))


class GraphModule(Module):
    """A model that was loaded: `input_names`, `output_names`, and children by the paths of its weights.

    It is called with a tensor for each input, and returns the output, or a tuple of them. See `load`.

    >>> import io, tinygrad_cnn as tg
    >>> from tinygrad_cnn import onnx
    >>> file = io.BytesIO()
    >>> _ = onnx.export(tg.nn.Linear(3, 2), tg.zeros(4, 3), file)
    >>> onnx.load(file).input_names
    ['input']
    """

    def __init__(self, plan: Plan):
        super().__init__()
        self.steps: list[Step] = []  # those without a layer
        self.input_names, self.output_names = plan.inputs, plan.outputs
        self._graph_name, self._opset = plan.name, plan.opset
        nodes, arrays = apart(plan)
        uses = uses_of(nodes)
        self._constants: dict[str, np.ndarray] = {}
        self._weights: dict[str, tuple[Module, str]] = {}  # by their name in the file: whose they are, and its name
        self._steps = [Step(node, plan.opset) for node in nodes]
        for step in self._steps:
            self._at(path_of(step.plain.name))  # children stand in the order of the nodes
            for name in step.plain.inputs:
                if name in arrays:
                    self._place(name, arrays.pop(name), uses[name])
            step.layer = self._layer_of(step.plain)
            (self if step.layer is None else step.layer).steps.append(step)
        self._constants.update((name, arrays[name]) for name in plan.outputs if name in arrays)
        self._note_last_uses()

    def forward(self, *inputs: Tensor) -> Any:
        """The output for these inputs, or a tuple of outputs."""
        if len(inputs) != len(self.input_names):
            raise TypeError(f"the model takes {len(self.input_names)} inputs {self.input_names}, got {len(inputs)}")
        known: dict[str, Any] = {**self._constants, **dict(zip(self.input_names, inputs))}
        for name, (module, own) in self._weights.items():
            known[name] = getattr(module, own)
        for step in self._steps:
            values = [known[name] if name else None for name in step.plain.inputs]
            try:
                made = step(values, self.training) if step.layer is None else step.layer(step, values)
                known.update(zip(step.plain.outputs, made, strict=True))
            except MemoryError as why:
                raise MemoryError(f"onnx: {step.plain.name} ({step.plain.op}): {why}") from None
            except Exception as why:  # a file may ask for anything
                shapes = ", ".join("none" if v is None else str(tuple(v.shape)) for v in values)
                raise RuntimeError(f"onnx: {step.plain.name} ({step!r:.200}) of shapes {shapes}: {why}") from why
            for name in step.frees:
                known.pop(name, None)
        outs = [known[name] for name in self.output_names]
        outs = [out if isinstance(out, Tensor) else wrap(out) for out in outs]
        return outs[0] if len(outs) == 1 else tuple(outs)

    def extra_repr(self) -> str:
        return "\n".join([f"{', '.join(self.input_names)} -> {', '.join(self.output_names)}", *map(repr, self.steps)])

    # where things stand

    def _place(self, name: str, array: np.ndarray, uses: list[tuple[str, int]]) -> None:
        """A weight becomes a parameter, statistics a buffer; numbers and integers stay constants."""
        statistic = any(place in STATISTICS.get(op, ()) for op, place in uses)
        setting = all(place in SETTINGS.get(op, ()) for op, place in uses)
        if array.dtype.kind != "f" or not array.ndim or setting:
            self._constants[name] = array
            return
        home, own = self._home(name)
        if statistic:
            home.register_buffer(own, wrap(array))
        else:
            home.register_parameter(own, Parameter(wrap(array)))
        self._weights[name] = home, own

    def _home(self, name: str) -> tuple[Module, str]:
        """The module for a weight of this name, and what it is called there."""
        plain = re.sub(r"[^\w.]", "_", name)
        path, _, own = plain.rpartition(".")
        home = self._at(path)
        if home is not None and own and not hasattr(home, own):
            return home, own
        own = first = plain.replace(".", "_") or "weight"
        n = 0
        while hasattr(self, own):
            n += 1
            own = f"{first}_{n}"
        return self, own

    def _at(self, path: str) -> Module | None:
        """The module at a path, made where it is missing; None where none can be."""
        names = path.split(".") if path else []
        if len(names) > DEEPEST or not all(re.fullmatch(r"\w+", name) for name in names):
            return None
        module: Module = self
        for name in names:
            if name not in module._modules and hasattr(module, name):
                return None
            module = module._modules.get(name) or Layer()
            if not isinstance(module, Layer):
                return None
        module = self
        for name in names:
            if name not in module._modules:
                module.add_module(name, Layer())
            module = module._modules[name]  # type: ignore[assignment]
        return module

    def _layer_of(self, node: Plain) -> Layer | None:
        """Who runs a node: the module that its name says, else the one with its weights; None for this one."""
        home = self._at(path_of(node.name)) if "/" in node.name else None
        if home is None:
            home = next((self._weights[name][0] for name in node.inputs if name in self._weights), None)
        return home if isinstance(home, Layer) else None

    def _note_last_uses(self) -> None:
        last = {name: step for step in self._steps for name in (*step.plain.inputs, *step.plain.outputs)}
        for name, step in last.items():
            if name and name not in self.output_names:
                step.frees.append(name)


def apart(plan: Plan) -> tuple[list[Plain], dict[str, np.ndarray]]:
    """Nodes and weights, each weight by itself: exporters write equal ones once, and name the others by an Identity;
    statistics that are also something else, or another one's, get a copy of their own.
    """
    arrays = dict(plan.arrays)
    nodes = []
    for node in plan.nodes:
        if node.op == "Identity" and len(node.inputs) == len(node.outputs) == 1 and node.inputs[0] in arrays:
            arrays[node.outputs[0]] = arrays[node.inputs[0]].copy()
        else:
            nodes.append(node)
    taken: dict[str, bool] = {}  # by the name of a weight: whether it is a statistic
    for node in nodes:
        for place, name in enumerate(node.inputs):
            statistic = place in STATISTICS.get(node.op, ())
            if name in arrays and (statistic or taken.get(name, False)) and name in taken:
                other, n = f"{name}_1", 1
                while other in arrays:
                    n += 1
                    other = f"{name}_{n}"
                arrays[other], name = arrays[name].copy(), other
                node.inputs[place] = name
            if name in arrays:
                taken[name] = statistic
    return nodes, arrays


def uses_of(nodes: list[Plain]) -> dict[str, list[tuple[str, int]]]:
    """By name: the operators that take it, and as which input."""
    uses: dict[str, list[tuple[str, int]]] = {}
    for node in nodes:
        for place, name in enumerate(node.inputs):
            uses.setdefault(name, []).append((node.op, place))
    return uses


def path_of(name: str) -> str:
    """The path of the module that the name of a node tells: "0/Conv", or "/layer1/layer1.0/conv1/Conv"."""
    path = ""
    for part in name.split("/")[:-1]:
        if part:
            path = part if not path or part.startswith(f"{path}.") else f"{path}.{part}"
    return path
