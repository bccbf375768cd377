"""Models as ONNX: `export`, as torch.onnx.export writes them, and `load`, as a Module that can be trained.

    >>> import io, tinygrad_cnn as tg
    >>> net, file = tg.nn.Sequential(tg.nn.Conv2d(1, 4, 3), tg.nn.ReLU()), io.BytesIO()
    >>> program = export(net, tg.zeros(2, 1, 8, 8), file, input_names=["image"], dynamic_axes={"image": {0: "batch"}})
    >>> model = load(file)
    >>> model.train()(tg.ones(5, 1, 8, 8)).sum().backward()
    >>> model.get_parameter("0.weight").grad.shape
    (4, 1, 3, 3)

It needs the library `onnx`: pip install "tinygrad_cnn[io]". In the order in which they are read:

    trace       a model runs once, and its ops are written down
    sizes       two runs become one record: what depends on the sizes of the inputs
    writing     a record becomes nodes, by a table
    nodes/      the table: how each op is written
    runs        the two runs, and what is dynamic
    graph       names, weights, inputs and outputs around the nodes
    reading     a file as plain data, and what is refused
    operators/  what operators of ONNX do in our own ops
    loaded      `load`, and the Module that it gives
    checking    what was written is read back, and tried at other sizes
    exporting   `export`
"""

from __future__ import annotations

from .exporting import ONNXProgram, export
from .loaded import GraphModule, load
from .runs import TrainingMode

__all__ = ["GraphModule", "ONNXProgram", "TrainingMode", "export", "load"]
