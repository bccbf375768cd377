"""Embedding: a table of vectors, looked up by number.

It is one_hot(input) @ weight without the multiplications by 0, forwards and backwards.

V rows of the table (the vocabulary), D numbers in each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.half import widened
from ..arrays.types import Array
from ..engine.call import op
from ..engine.tensor import Tensor, as_array
from ..kernels import kernel
from .checks import every
from .declared import appears


@op
def _embedding(input: Array, weight: Array, padding_idx: int | None = None, scale_grad_by_freq: bool = False) -> Array:
    """weight[input]        (...) int, (V,D) -> (...,D)"""
    return weight.take(input, 0)


_embedding.grad(
    input=None,
    weight=lambda g, input, weight_shape, padding_idx, scale_grad_by_freq: _embedding_weight(
        g, input, weight_shape, padding_idx, scale_grad_by_freq
    ),
)
_embedding.explain(
    "Each row of the table gets the sum of the gradients of the places where it was looked up.",
    zero="these rows were not looked up",
    weight=lambda padding_idx=None, scale_grad_by_freq=False: (
        f"{'mean' if scale_grad_by_freq else 'Σ'}_{{lookups of a row}} g"
        f"{'' if padding_idx is None else f', nothing for row {padding_idx}'}"
    ),
)


@op
def _embedding_weight(
    grad: Array, input: Array, weight_shape: tuple, padding_idx: int | None, scale_grad_by_freq: bool
) -> Array:
    """Σ grad[...] over the places where input is v        (...,D) (...) -> (V,D)

    Nothing is added to row padding_idx; with scale_grad_by_freq each sum becomes a mean.
    """
    rows = input.reshape(-1)
    out = kernel.sums_at(grad.reshape(rows.size, weight_shape[1]), rows, weight_shape[0])
    if scale_grad_by_freq:
        out /= np.maximum(np.bincount(rows, minlength=len(out)), 1).astype(out.dtype)[:, None]
    if padding_idx is not None:
        out[padding_idx] = 0
    return out


def _embedding_grad(g: Any, input: Any, padding_idx: int | None, scale_grad_by_freq: bool) -> Any:
    """The adjoint of `_embedding_weight`: what each place's gradient is counted with."""
    out = _embedding(input, g, padding_idx, scale_grad_by_freq)
    places = as_array(input)
    share = np.ones(places.shape, g.dtype)
    if scale_grad_by_freq:
        share /= np.bincount(places.reshape(-1))[places]
    if padding_idx is not None:
        share *= places != padding_idx
    return out * share[..., None]


_embedding_weight.grad(grad=_embedding_grad, input=None)
_embedding_weight.explain(
    "The rows' gradients are looked up.",
    grad=lambda padding_idx=None, scale_grad_by_freq=False: (
        f"rows(g, input){' / count(input)' if scale_grad_by_freq else ''}"
        f"{'' if padding_idx is None else f', nothing for row {padding_idx}'}"
    ),
)


@appears("function functional")
def embedding(
    input: Array,
    weight: Array,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Array:
    """weight[input]: one row of the table for each number        (...) int, (V,D) -> (...,D)

    padding_idx: this row gets no gradient. max_norm: rows that are looked up and longer than this (in the
    norm_type-norm) are first shortened to it, in the table itself. scale_grad_by_freq: divide a row's gradient
    by how often it was looked up. sparse: gradients are dense here, True is refused.

    Raises a RuntimeError for an input that is not int32 or int64, an IndexError for a number outside 0..V-1.

    >>> import tinygrad_cnn as tg
    >>> table = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> out = tg.nn.functional.embedding(tg.tensor([1, 1, 0]), table)
    >>> out.tolist()
    [[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]
    >>> out.sum().backward()
    >>> table.grad.tolist()
    [[1.0, 1.0], [2.0, 2.0]]
    """
    if not hasattr(input, "dtype"):
        raise TypeError(f"embedding: input must be a Tensor of ints, got {type(input).__name__}")
    if input.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"embedding: input must be int64 or int32, the numbers of rows, got {input.dtype}")
    if weight.ndim != 2:
        raise RuntimeError(f"embedding: weight must be a table (rows, length), got {tuple(weight.shape)}")
    if sparse:
        raise NotImplementedError("embedding: sparse gradients do not exist here; leave sparse=False")
    V = weight.shape[0]
    _refuse_outside(every(input), tuple(weight.shape))
    if padding_idx is not None:
        if not -V <= padding_idx < V:
            raise AssertionError(f"embedding: padding_idx {padding_idx} must be within the {V} rows of weight")
        padding_idx %= V
    if max_norm is not None:
        _shorten(weight, np.unique(as_array(input)), max_norm, norm_type)
    return _embedding(input, weight, padding_idx, scale_grad_by_freq)


def _refuse_outside(rows: np.ndarray, shape: tuple) -> None:
    if rows.size and not 0 <= rows.min() <= rows.max() < shape[0]:
        wrong = rows[(rows < 0) | (rows >= shape[0])].flat[0]
        raise IndexError(f"embedding: index {wrong} is out of range for weight {shape}; expected 0 to {shape[0] - 1}")


def _shorten(weight: Any, rows: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Scale these rows of the table to at most max_norm, in place."""
    table = as_array(weight)
    norms = np.linalg.norm(widened(table[rows]), norm_type, axis=1)
    long = norms > max_norm
    if long.any():
        table[rows[long]] *= (max_norm / (norms[long] + 1e-7)).astype(table.dtype)[:, None]
        if isinstance(weight, Tensor):
            weight.version().bump("embedding")
