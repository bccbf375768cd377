"""Every layer and every kind of network computes compiled what it computes as it stands, to the last bit."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from layers import LAYERS, weighed

import tinygrad_cnn as tg
from tinygrad_cnn import nn

from .conftest import bits, same

F = nn.functional

# What is said, and runs as it stands: it looks at numbers in Python, or returns what lies in its input's memory.
AS_IT_STANDS = {
    "Flatten", "Unflatten", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "ReflectionPad1d", "ReflectionPad2d", "ReplicationPad1d", "ReplicationPad2d", "CircularPad1d", "CircularPad2d",
    "Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d", "GaussianNLLLoss", "MultiMarginLoss", "AlphaDropout",
    "InstanceNorm2d", "Conv1d", "Conv2d", "BatchNorm1d", "CrossEntropyLoss", "NLLLoss", "MultiLabelMarginLoss",
    "CTCLoss", "Conv3d", "AdaptiveMaxPool3d", "ReflectionPad3d", "ReplicationPad3d", "CircularPad3d",
}  # fmt: skip


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(("make", "inputs"), LAYERS, ids=[repr(make(nn)) for make, _ in LAYERS])
def test_layer(quietly, make, inputs, training):
    eager = weighed(make(nn)).train(training)
    twin = copy.deepcopy(eager)
    fast = tg.compile(twin)

    def run(layer):
        tg.manual_seed(3)
        found, said = [], []
        for _ in range(3):
            args = [tg.tensor(a, dtype=tg.float32 if a.dtype == np.float64 else None) for a in inputs]
            if args[0].is_floating_point():
                args[0].requires_grad_()
            out, words = quietly(layer, *args)
            out = out[0] if isinstance(out, tuple) else out
            said += words
            if out.requires_grad:
                (out * tg.arange(out.numel()).reshape(out.shape)).sum().backward()
            found += [bits(t) for t in (out, args[0].grad, *(p.grad for p in layer.parameters()), *layer.buffers())]
        return found, said

    expected, _ = run(eager)
    found, said = run(fast)
    same(expected, found)
    assert len(said) <= 1
    if said:
        assert type(eager).__name__ in AS_IT_STANDS


def test_what_attention_drops(quietly):
    layer, x = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.5), tg.ones(3, 2, 4)
    outs = []
    for run in (layer, tg.compile(layer)):
        tg.manual_seed(0)
        found = [quietly(run, x) for _ in range(3)]
        assert [said for _, said in found] == [[]] * 3
        outs.append([bits(out) for out, _ in found])
    same(*outs)


def test_a_file_that_is_opened_meanwhile(quietly, monkeypatch):
    """A room whose file is opened when it is first asked for, within what is compiled."""
    monkeypatch.delattr(tg, "linalg", raising=False)
    x = tg.eye(2)
    out, said = quietly(tg.compile(lambda x: tg.linalg.det(x) * 2), x)
    assert (out.item(), said) == (2.0, [])
