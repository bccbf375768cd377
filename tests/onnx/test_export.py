"""export: every layer, beside our own forward in onnxruntime; names, sizes that are free, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from layers import LAYERS, weighed

import tinygrad_cnn as tg
from tinygrad_cnn import nn

onnx = pytest.importorskip("onnx.checker") and pytest.importorskip("onnx")
from tinygrad_cnn.onnx import export  # noqa: E402

NEWEST = onnx.defs.onnx_opset_version()
NAMES = [repr(make(nn)) for make, _ in LAYERS]


def narrow(inputs):
    return [x.astype(np.float32) if x.dtype.kind == "f" else x for x in inputs]


@pytest.mark.parametrize("opset", [13, 20, NEWEST])
@pytest.mark.parametrize(("make", "inputs"), LAYERS, ids=NAMES)
def test_every_layer(agrees, make, inputs, opset):
    layer, inputs = weighed(make(nn)).eval(), narrow(inputs)
    if isinstance(layer, nn.Fold) and opset < 18:
        pytest.skip("ONNX has Col2Im since version 18")
    agrees(export(layer, tuple(map(tg.tensor, inputs)), opset_version=opset), layer, inputs)


@pytest.mark.parametrize(("make", "inputs"), LAYERS, ids=NAMES)
def test_every_layer_with_any_batch(agrees, make, inputs):
    layer, inputs = weighed(make(nn)).eval(), narrow(inputs)
    if inputs[0].ndim == 3 and isinstance(layer, nn.Conv2d | nn.InstanceNorm2d):
        pytest.skip("one picture, without a batch")
    names = [f"x{i}" for i in range(len(inputs))]
    program = export(
        layer, tuple(map(tg.tensor, inputs)), input_names=names, dynamic_axes={name: {0: "batch"} for name in names}
    )
    batches = [[np.resize(x, (n, *x.shape[1:])) for x in inputs] for n in (1, len(inputs[0]), 11)]
    agrees(program, layer, *batches)
