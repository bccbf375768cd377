"""How reductions and products of matrices are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...compiler.program import Value
from ..sizes import Size
from ..writing import Writer, onnx_type, writes


def reduced(w: Writer, kind: str, x: Any, axes: Sequence[int] | None, keepdim: bool = True) -> str:
    """A reduction over axes, over all for None. ReduceSum has them as an input, the others since version 18."""
    if axes is not None and not len(axes):
        return w.node("Identity", x)
    if axes is None:
        return w.node(kind, x, keepdims=int(keepdim))
    if kind == "ReduceSum" or w.opset >= 18:
        return w.node(kind, x, np.array(axes), keepdims=int(keepdim))
    return w.node(kind, x, axes=list(axes), keepdims=int(keepdim))


def axes_of(w: Writer, x: Value, dim: Any) -> list[int] | None:
    """The axes that are meant by dim; None for all."""
    rank = len(w.shape(x))
    if not rank:
        return []
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return None
    return [d % max(rank, 1) for d in (dim if isinstance(dim, tuple | list) else [dim])]


def _reduction(name: str, kind: str) -> None:
    @writes(name)
    def _(w: Writer, input: Value, dim: Any, keepdim: bool = False, dtype: Any = None) -> str:
        x = w.cast(input, w.out[0].dtype, input.dtype)
        return reduced(w, kind, x, axes_of(w, input, dim), keepdim)


for _name, _kind in {"sum": "ReduceSum", "mean": "ReduceMean", "amax": "ReduceMax", "amin": "ReduceMin",
                     "prod": "ReduceProd", "logsumexp": "ReduceLogSumExp"}.items():  # fmt: skip
    _reduction(_name, _kind)


def _extreme(name: str, kind: str) -> None:
    @writes(name)
    def _(w: Writer, input: Value, dim: int | None, keepdim: bool) -> str | None:
        if not w.shape(input):
            return None
        if dim is not None:
            return w.node(kind, input, axis=dim % max(1, len(w.shape(input))), keepdims=int(keepdim))
        if keepdim:
            return None
        return w.node(kind, w.node("Reshape", input, np.array([-1])), axis=0, keepdims=0)


_extreme("argmax", "ArgMax")
_extreme("argmin", "ArgMin")


def _truth(name: str, kind: str) -> None:
    @writes(name)
    def _(w: Writer, input: Value, dim: Any, keepdim: bool) -> str:
        counted = w.node("Cast", w.cast(input, bool, input.dtype), to=onnx_type(np.int32))
        return w.node("Cast", reduced(w, kind, counted, axes_of(w, input, dim), keepdim), to=onnx_type(bool))


_truth("all", "ReduceMin")
_truth("any", "ReduceMax")


def count(w: Writer, x: Value, axes: Sequence[int] | None) -> Any:
    """How many numbers are reduced to one."""
    n: Any = 1
    for i, m in enumerate(w.shape(x)):
        n = n * m if axes is None or i in axes else n
    return n


def variance(w: Writer, input: Value, dim: Any, correction: Any, keepdim: bool) -> str:
    axes = axes_of(w, input, dim)
    distance = w.node("Sub", input, reduced(w, "ReduceMean", input, axes))
    squares = w.node("Mul", distance, distance)
    if not correction:
        return reduced(w, "ReduceMean", squares, axes, keepdim)
    divisor = count(w, input, axes) - correction
    if not isinstance(divisor, Size):
        divisor = max(divisor, 0)
    return w.node("Div", reduced(w, "ReduceSum", squares, axes, keepdim), w.like(input, divisor))


@writes("variance")
def _(w, input, dim, correction, keepdim):
    return variance(w, input, dim, correction, keepdim)


@writes("deviation")
def _(w, input, dim, correction, keepdim):
    return w.node("Sqrt", variance(w, input, dim, correction, keepdim))


@writes("vector_norm")
def _(w, x, ord, dim, keepdim, dtype):
    axes = axes_of(w, x, dim)
    given = w.cast(x, w.out[0].dtype, x.dtype)
    if axes == []:
        return w.node("Abs", given)
    if ord in (1, 2):
        return reduced(w, f"ReduceL{int(ord)}", given, axes, keepdim)
    size = w.node("Abs", given)
    if ord == np.inf:
        return reduced(w, "ReduceMax", size, axes, keepdim)
    if ord == -np.inf:
        return reduced(w, "ReduceMin", size, axes, keepdim)
    if ord == 0:
        return None
    powers = reduced(w, "ReduceSum", w.node("Pow", size, w.like(w.out[0], ord)), axes, keepdim)
    return w.node("Pow", powers, w.like(w.out[0], 1 / ord))


@writes("cumsum")
def _(w, input, dim, dtype):
    if not w.shape(input):
        return None
    return w.node("CumSum", w.cast(input, w.out[0].dtype, input.dtype), np.array(dim))


@writes("count_nonzero")
def _(w, input, dim):
    counted = w.node("Cast", w.cast(input, bool, input.dtype), to=onnx_type(np.int64))
    return reduced(w, "ReduceSum", counted, axes_of(w, input, dim), False)


# Products.


@writes("matmul")
def _(w, input, other):
    return w.node("MatMul", input, other)


@writes("linear")
def _(w, input, weight, bias):
    if len(w.shape(input)) == 2:
        return w.node("Gemm", input, weight, bias, transB=1)
    out = w.node("MatMul", input, w.node("Transpose", weight, perm=[1, 0]))
    return out if bias is None else w.node("Add", out, bias)


@writes("_einsum")
def _(w, operands, equation):
    return w.node("Einsum", *operands, equation=equation)


@writes("weigh")
def _(w, input, weights, dim, back):
    if dim not in (-1, -2) or isinstance(weights, Value) is False:
        return None
    matrix = w.array(weights).astype(input.dtype)
    matrix = matrix.T if back else matrix
    return w.node("MatMul", input, matrix.T) if dim == -1 else w.node("MatMul", matrix, input)


@writes("softmax")
def _(w, input, dim, dtype):
    return _soft(w, "Softmax", input, dim)


@writes("log_softmax")
def _(w, input, dim, dtype):
    return _soft(w, "LogSoftmax", input, dim)


def _soft(w: Writer, kind: str, input: Value, dim: int) -> str | None:
    if not w.shape(input):
        return None
    return w.node(kind, w.cast(input, w.out[0].dtype, input.dtype), axis=dim % len(w.shape(input)))
