"""Products of matrices: matmul, its special cases, linear layers, einsum.

B stands for any axes in front, N K M for the sizes of one product.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernels import kernel
from ..op import op
from .shape import reshape, transpose, unsqueeze


@op
def matmul(input, other):
    """input @ other: (..., N, K) (..., K, M) -> (..., N, M); axes in front broadcast.

    A vector on the left is a row, on the right a column, and its axis is not in the result:
    (K,) (K,) -> (), (N, K) (K,) -> (N,), (K,) (..., K, M) -> (..., M).
    RuntimeError where the shapes do not fit or the dtypes differ.

    >>> import tinygrad_cnn as tg
    >>> a = tg.ones(2, 3, requires_grad=True)
    >>> (a @ tg.tensor([1.0, 2.0, 3.0])).sum().backward()
    >>> a.grad.tolist()
    [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    """
    try:
        if input.dtype is other.dtype or input.dtype == other.dtype:
            return np.matmul(_ready(input), _ready(other))
    except (ValueError, AttributeError):
        pass
    raise _mismatch("matmul", input, other)


def _ready(a: np.ndarray) -> np.ndarray:
    """The array as BLAS takes it: with one of the last two axes dense in memory."""
    return a if a.ndim < 2 or a.itemsize in a.strides[-2:] else np.ascontiguousarray(a)


def _mismatch(name: str, input: Any, other: Any) -> Exception:
    for which, x in (("input", input), ("other", other)):
        if not hasattr(x, "shape"):
            return TypeError(f"{name}: {which} must be a Tensor, not {type(x).__name__}")
    a, b = tuple(input.shape), tuple(other.shape)
    if not a or not b:
        return RuntimeError(f"{name}: both arguments need at least one axis, got shapes {a} and {b}; use * for numbers")
    if a[-1] != b[-2:][0]:
        return RuntimeError(
            f"{name}: shapes {a} and {b} cannot be multiplied: the last axis of input has {a[-1]} elements, "
            f"{'the only' if len(b) == 1 else 'the last but one'} axis of other {b[-2:][0]}; they must be equal"
        )
    if input.dtype != other.dtype:
        return RuntimeError(f"{name}: expected both to have one dtype, got {input.dtype} and {other.dtype}; convert one")
    return RuntimeError(f"{name}: the axes in front of shapes {a} and {b} do not broadcast; they must be equal or 1")


def _matmul_input(g: Any, other: Any, input_shape: tuple) -> Any:
    if len(input_shape) == 1 and other.ndim == 1:
        return g * other
    if len(input_shape) == 1:  # g (..., M), other (..., K, M) -> (..., K)
        return reshape(matmul(other, unsqueeze(g, -1)), other.shape[:-1])
    if other.ndim == 1:
        return unsqueeze(g, -1) * other
    return matmul(g, transpose(other, -2, -1))


def _matmul_other(g: Any, input: Any, other_shape: tuple) -> Any:
    if len(other_shape) == 1 and input.ndim == 1:
        return g * input
    if len(other_shape) == 1:  # g (..., N), input (..., N, K) -> (K,)
        return matmul(reshape(g, (-1,)), reshape(input, (-1, input.shape[-1])))
    if input.ndim == 1:
        return unsqueeze(input, -1) * unsqueeze(g, -2)
    if len(other_shape) == 2 and input.ndim > 2:  # one product for the whole batch
        input, g = _rows(input), _rows(g)
    return matmul(transpose(input, -2, -1), g)


matmul.grad(input=_matmul_input, other=_matmul_other)


@op
def linear(input, weight, bias=None):
    """input @ weight.T + bias: (..., I) (O, I) (O,) -> (..., O).

    >>> import tinygrad_cnn as tg
    >>> tg.linear(tg.ones(2, 3), tg.ones(4, 3), tg.zeros(4)).shape
    (2, 4)
    """
    if not (
        input.ndim
        and weight.ndim == 2
        and input.shape[-1] == weight.shape[1]
        and input.dtype == weight.dtype
        and (bias is None or (bias.shape == weight.shape[:1] and bias.dtype == weight.dtype))
    ):
        raise _misfit(input, weight, bias)
    return kernel.linear(input, weight, bias)


def _misfit(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> Exception:
    shapes = f"input {input.shape}, weight {weight.shape}" + ("" if bias is None else f", bias {bias.shape}")
    dtypes = {a.dtype.name for a in (input, weight, bias) if a is not None}
    if len(dtypes) > 1:
        return RuntimeError(f"linear: all must have one dtype, got {' and '.join(sorted(dtypes))}; convert the input")
    if weight.ndim != 2:
        return RuntimeError(f"linear: weight must have the shape (out_features, in_features); got {shapes}")
    if not input.ndim or input.shape[-1] != weight.shape[1]:
        return RuntimeError(
            f"linear: the last axis of input must have the {weight.shape[1]} in_features of weight; got {shapes}"
        )
    return RuntimeError(f"linear: bias must have the {weight.shape[0]} out_features of weight; got {shapes}")


linear.grad(
    input=lambda g, weight: matmul(g, weight),
    weight=lambda g, input: matmul(transpose(_rows(g), 0, 1), _rows(input)),
    bias=lambda g: g,
)


def _rows(x: Any) -> Any:
    """(..., I) -> (N, I)."""
    return x if x.ndim == 2 else reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
