"""A batch norm by known statistics is one scale and one shift for each channel: the convolution before it does both.

    v1 = conv2d(x, w, b, ...);  v2 = batch_norm_eval(v1, gamma, beta, mean, var)
    w', b' = folded(w, b, gamma, beta, mean, var)                 w' = w · s and b' = (b - mean) · s + beta
    v2 = conv2d(x, w', b', ...)                                   with s = gamma / √(var + eps)

where no gradient is asked for. Folded weights are kept until one of those changes that they are made of.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.stamp import Stamp
from ...nn.fusion import folded
from ...ops.conv import checked_conv2d
from ..program import AsTensor, Instruction, Program, Value


class Folded:
    """What `folded` gives of these tensors, kept from call to call."""

    def __init__(self) -> None:
        self.stamp: Stamp | None = None
        self.kept: tuple[Any, Any] = (None, None)

    def __call__(self, tensors: tuple, eps: float) -> tuple[Any, Any]:
        now = Stamp.of(*tensors)
        if now is None or now != self.stamp:
            weight, bias, gamma, beta, mean, var = [None if t is None else t._array for t in tensors]
            self.kept = folded(weight, bias, gamma, beta, mean, var, eps)
            self.stamp = now
        return self.kept


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
        between, *scales, eps = norm.args
        conv = makers.get(between)
        if conv is None or conv.name != "conv2d" or between in unsafe or readers[between] != [norm]:
            continue
        sources = (*conv.args[1:3], *scales)
        outside = all(v is None or (v.tensor is not None and v not in unsafe) for v in sources)
        if outside and norm.outs[0].dtype in (np.float32, np.float64) and is_plain(conv):
            weight, bias = Value.of(conv.args[1], f"{between}w"), Value.of(scales[2], f"{between}b")
            tensors = tuple([None if v is None else AsTensor(v) for v in sources])
            fold = Instruction("folded", Folded(), (tensors, eps), [weight, bias], norm.line, several=True)
            conv.args, conv.outs = (conv.args[0], weight, bias, *conv.args[3:]), norm.outs
            program.forward.remove(norm)
            program.forward.insert(0, fold)
            makers[norm.outs[0]] = conv
