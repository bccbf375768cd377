"""A batch norm by known statistics is one scale and one shift for each channel: the convolution before it does both.

    v1 = conv2d(x, w, b, ...);  v2 = batch_norm_eval(v1, gamma, beta, mean, var)
    v2 = conv2d(x, w · s, (b - mean) · s + beta, ...)        with s = gamma / √(var + eps)

where no gradient is asked for. The weights are folded at each call, for they may have changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels import kernel
from ...nn.fusion import folded
from ...ops.conv import checked_conv2d
from ..program import Instruction, Program


def conv2d_batch_norm(input: Any, weight: Any, bias: Any, norm: tuple, *geometry: Any) -> Any:
    _, sizes, _ = checked_conv2d(input, weight, bias, *geometry)
    return kernel.conv2d(input, *folded(weight, bias, *norm), *sizes)


def conv2d_batch_norm_relu(input: Any, weight: Any, bias: Any, norm: tuple, *geometry: Any) -> Any:
    _, sizes, _ = checked_conv2d(input, weight, bias, *geometry)
    return kernel.conv2d_relu(input, *folded(weight, bias, *norm), *sizes)


def is_plain(conv: Instruction) -> bool:
    """Not "same" padding with an odd rest, nor one picture without a batch."""
    arrays = [a if a is None else a.like() for a in conv.args[:3]]
    batch, _, extra = checked_conv2d(*arrays, *conv.args[3:])
    return bool(batch) and not extra


def fold(program: Program) -> None:
    makers = {v: i for i in program.forward for v in i.results()}
    readers = program.readers()
    unsafe = program.changed() | program.kept()
    for norm in list(program.forward):
        if norm.name != "_batch_norm_eval" or norm.outs[0] is None or program.backward:
            continue
        between = norm.args[0]
        conv = makers.get(between)
        if conv is None or conv.name != "conv2d" or between in unsafe or readers[between] != [norm]:
            continue
        if norm.outs[0].dtype in (np.float32, np.float64) and is_plain(conv):
            conv.args = (*conv.args[:3], norm.args[1:], *conv.args[3:])
            conv.name, conv.run, conv.source = "conv2d_batch_norm", conv2d_batch_norm, conv2d_batch_norm
            conv.outs = norm.outs
            program.forward.remove(norm)
            makers[norm.outs[0]] = conv
