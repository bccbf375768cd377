"""A ReLU costs a kernel nothing while the numbers are still in cache: what stands before it does it.

    v1 = conv2d(x, w, b, ...);  v2 = relu(v1)        ->    v2 = conv2d_relu(x, w, b, ...)

and so a matrix product, and a batch norm in training, whose way back masks the gradient, too. The number before the
ReLU must be of no use to anybody else: backward's rules ask for the result alone.
"""

from __future__ import annotations

from typing import Any

from ...kernels import kernel
from ...ops.conv import checked_conv2d, conv2d
from ...ops.linalg import checked_linear, linear
from ...ops.norm import _batch_norm
from ..program import Instruction, Program, Value
from .fold import is_plain


def conv2d_relu(input: Any, weight: Any, bias: Any, *geometry: Any) -> Any:
    _, sizes, _ = checked_conv2d(input, weight, bias, *geometry)
    return kernel.conv2d_relu(input, weight, bias, *sizes)


def linear_relu(input: Any, weight: Any, bias: Any) -> Any:
    return kernel.linear_relu(*checked_linear(input, weight, bias))


def batch_norm_relu(input: Any, weight: Any, bias: Any, eps: float, running: tuple | None) -> tuple:
    return kernel.batch_norm_relu(input, weight, bias, eps, running)


def batch_norm_relu_back(g: Any, input: Any, weight: Any, bias: Any, mean: Any, invstd: Any) -> tuple:
    return kernel.batch_norm_relu_backward(g, input, weight, bias, mean, invstd)


# By the name of what stands before a ReLU: what it came from, and what does both.
FUSED: dict[str, tuple[Any, Any]] = {
    "conv2d": (conv2d.op, conv2d_relu),  # type: ignore[attr-defined]
    "linear": (linear.op, linear_relu),  # type: ignore[attr-defined]
    "_batch_norm": (_batch_norm.op, batch_norm_relu),  # type: ignore[attr-defined]
}


def relu(program: Program) -> None:
    makers = {v: i for i in program.forward for v in i.results()}
    readers = program.readers()
    unsafe = program.changed() | program.kept()
    for i in list(program.forward):
        if i.name != "relu" or len(i.outs) != 1:
            continue
        between, out = i.args[0], i.outs[0]
        maker = makers.get(between)
        if maker is None or out is None or between in unsafe or readers[between] != [i]:
            continue
        spec, fused = FUSED.get(maker.name, (None, None))
        if maker.source is not spec or fused is None or between.dtype.kind != "f" or between.dtype.itemsize == 2:
            continue
        if maker.name == "conv2d" and not is_plain(maker):
            continue
        if maker.name == "_batch_norm" and not _fuse_back(program, maker, out, readers):
            continue
        maker.name, maker.run, maker.source = f"{maker.name.strip('_')}_relu", fused, fused
        maker.outs = [out, *maker.outs[1:]]
        program.forward.remove(i)


def _fuse_back(program: Program, norm: Instruction, out: Value, readers: dict) -> bool:
    """Go back through batch norm and ReLU at once; False where the gradient between them is of use to somebody."""
    masks = [i for i in program if i.name == "relu.back_input" and i.args[1] is out]
    if not masks:
        return True
    if len(masks) > 1 or norm.args[2] is None:
        return False
    between = masks[0].outs[0]
    users = readers[between]
    if len(users) != 1 or users[0].name != "_batch_norm.back" or readers[out].count(masks[0]) != 1:
        return False
    back = users[0]
    if any(u.name.startswith("relu.back") and u is not masks[0] for u in readers[out]) or back.args[0] is not between:
        return False
    _, input, weight, mean, invstd = back.args
    back.args = (masks[0].args[0], input, weight, norm.args[2], mean, invstd)
    back.name, back.run, back.source = "batch_norm_relu.back", batch_norm_relu_back, batch_norm_relu_back
    for part in (program.forward, program.backward):
        if masks[0] in part:
            part.remove(masks[0])
    return True
