"""A model with dynamic axes is tried with yet other sizes, by our own reader: two runs do not say all.

What two runs say is two points of every number that depends on a size; a line goes through any two. Here the exported
model has to give what the model gives at other sizes, too: for one of a batch, for an odd size, for a large one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..autograd import no_grad
from ..engine.tensor import Tensor, wrap
from .loaded import GraphModule
from .operators import OPERATORS
from .reading import Refusal, plan_of
from .runs import Axes, said


def check(proto: Any, tries: Iterator[tuple], axes: Axes) -> None:
    """RuntimeError where the exported model is another one than the model; where it cannot be read here, nothing."""
    try:
        exported = GraphModule(plan_of(proto, None, OPERATORS)).eval()
    except Refusal:
        return
    for shapes, inputs, expected in tries:
        with no_grad():
            try:
                made = exported(*inputs)
            except RuntimeError as error:
                if "not read" in str(error):
                    return
                _refuse(axes, shapes, str(error))
        made = made if isinstance(made, tuple) else (made,)
        for a, b in zip(made, expected, strict=True):
            if a.shape != b.shape:
                _refuse(axes, shapes, f"a result has the shape {tuple(a.shape)} instead of {tuple(b.shape)}")
            if not _close(a, b):
                _refuse(axes, shapes, "its numbers are others")


def verify(proto: Any, inputs: list[Tensor], expected: list[Tensor]) -> None:
    """RuntimeError where onnxruntime computes something else than the model."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError("onnx.export: verify=True needs onnxruntime: pip install onnxruntime") from error
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {i.name: t.detach().numpy() for i, t in zip(session.get_inputs(), inputs, strict=True)}  # type: ignore[attr-defined]
    for name, made, b in zip([o.name for o in session.get_outputs()], session.run(None, feed), expected, strict=True):
        if made.shape != b.shape or not _close(wrap(made), b):
            raise RuntimeError(f"onnx.export: onnxruntime computes another {name!r} than the model")


def _close(a: Tensor, b: Tensor) -> bool:
    x, y = a._array, b._array
    if y.dtype.kind != "f" or not y.size:
        return bool(np.mean(x != y) < 0.01) if y.size else True  # a number near a border may fall to the other side
    scale = np.abs(y, where=np.isfinite(y), out=np.zeros_like(y)).max()
    return np.allclose(x, y, rtol=0.01, atol=float(scale) * (0.01 if y.dtype == np.float16 else 1e-3), equal_nan=True)


def _refuse(axes: Axes, shapes: list, what: str) -> None:
    raise RuntimeError(
        f"onnx.export: with inputs of {', '.join(map(str, shapes))} the exported model is not the model: {what}. What "
        f"the model does depends on {said(axes)} in a way that was not seen; leave them fixed, or name axes and sizes "
        "where the model squeezes, branches or divides"
    )
