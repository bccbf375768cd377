"""Bags of vectors of a table: looked up by number, and summed, averaged, or the greatest taken of.

V rows of the table, D numbers in each, B bags, n numbers of rows in all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.types import Array
from ..engine.tensor import as_array
from .choice import where
from .declared import appears
from .embedding import _embedding, _shorten
from .gather import gather
from .index import getitem, parse, place
from .shape import reshape


@appears("functional")
def embedding_bag(
    input: Array,
    weight: Array,
    offsets: Array | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Array | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Array:
    """The sum, mean or max over each bag of the rows that it names        (B,n) int, (V,D) -> (B,D)

    offsets (B,): input is one vector, and where in it each bag begins; with include_last_offset there is one more,
    where the last one ends. A bag of nothing gives 0. per_sample_weights, of input's shape: factors, for sums.
    padding_idx: this row is in no bag. max_norm, norm_type, scale_grad_by_freq: as of `embedding`.

    ValueError for shapes and modes, RuntimeError for dtypes, offsets that do not ascend from 0, and rows that are not
    there, NotImplementedError for sparse gradients and for weights of anything but sums.

    >>> import tinygrad_cnn as tg
    >>> table = tg.tensor([[1.0, 2.0], [3.0, 6.0]], requires_grad=True)
    >>> out = tg.nn.functional.embedding_bag(tg.tensor([0, 1, 1]), table, tg.tensor([0, 2]))
    >>> out.tolist()
    [[2.0, 4.0], [3.0, 6.0]]
    >>> out.sum().backward()
    >>> table.grad.tolist()
    [[0.5, 0.5], [1.5, 1.5]]
    """
    rows, ends, padding_idx = _bags(
        input, weight, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset, padding_idx
    )
    if max_norm is not None:
        _shorten(weight, np.unique(rows), max_norm, norm_type)
    bag = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    kept = np.flatnonzero(rows[: len(bag)] != padding_idx) if padding_idx is not None else np.arange(len(bag))
    rows, bag = rows[kept], bag[kept]
    counts = np.bincount(bag, minlength=len(ends) - 1)
    found = _embedding(rows, weight, None, scale_grad_by_freq)  # (n,D), of which each bag has some in a row
    if per_sample_weights is not None:
        found = found * reshape(getitem(reshape(per_sample_weights, (-1,)), kept), (-1, 1))
    if mode == "max" and len(bag):
        return _greatest(found, counts)
    out = place(found, parse((bag,), found.shape), (len(counts), weight.shape[1]))
    return out if mode != "mean" else out / np.maximum(counts, 1).astype(weight.dtype)[:, None]


def _greatest(found: Any, counts: np.ndarray) -> Any:
    """The greatest number of each column of each bag, the first of equal ones; 0 of nothing        (n,D) -> (B,D)"""
    values, first = as_array(found), np.cumsum(counts) - counts
    best = np.zeros((len(counts), values.shape[1]), np.int64)
    for b in np.flatnonzero(counts):
        best[b] = first[b] + values[first[b] : first[b] + counts[b]].argmax(0)
    return where(counts[:, None] > 0, gather(found, 0, best), 0.0)


def _bags(
    input: Any,
    weight: Any,
    offsets: Any,
    by_freq: bool,
    mode: str,
    sparse: bool,
    factors: Any,
    last: bool,
    padding: Any,
) -> tuple[np.ndarray, np.ndarray, int | None]:
    """The rows in one vector, where bags begin and the last one ends, and the row of padding."""
    name = "embedding_bag"
    if factors is not None and tuple(factors.shape) != tuple(input.shape):
        raise ValueError(
            f"{name}: per_sample_weights must have the shape of input {tuple(input.shape)}, got {tuple(factors.shape)}"
        )
    if weight.ndim != 2:
        raise ValueError(f"{name}: weight must be a table (rows, length), got {tuple(weight.shape)}")
    rows = as_array(input)
    if rows.ndim == 2:
        if offsets is not None:
            raise ValueError(f"{name}: offsets must be None where input has two axes, a bag a row; got {input.shape}")
        ends = np.arange(len(rows) + 1) * rows.shape[1]
        rows = rows.reshape(-1)
    elif rows.ndim == 1:
        if offsets is None or offsets.ndim != 1:
            raise ValueError(f"{name}: offsets must be a vector, where in the vector input each bag begins")
        ends = as_array(offsets)
    else:
        raise ValueError(f"{name}: input must be (B, n), or one vector with offsets, got {tuple(input.shape)}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"{name}: mode must be sum, mean or max, got {mode!r}")
    if mode == "max" and (by_freq or sparse):
        raise ValueError(f"{name}: mode max takes neither scale_grad_by_freq nor sparse")
    if sparse:
        raise NotImplementedError(f"{name}: sparse gradients do not exist here; leave sparse=False")
    if factors is not None and mode != "sum":
        raise NotImplementedError(f"{name}: per_sample_weights are factors in sums, mode='sum'; got mode={mode!r}")
    ints = np.int64, np.int32
    if rows.dtype not in ints or ends.dtype not in ints:
        raise RuntimeError(f"{name}: input and offsets must be int64 or int32, got {rows.dtype} and {ends.dtype}")
    if weight.dtype.kind != "f" or (factors is not None and factors.dtype != weight.dtype):
        given = weight.dtype if factors is None else f"{weight.dtype}, per_sample_weights {factors.dtype}"
        raise RuntimeError(f"{name}: weight must be floating, and so must be its factors; got {given}")
    if input.ndim == 1:
        ends = _whole_of(name, ends, len(rows), last)
    V = weight.shape[0]
    if padding is not None:
        if not -V <= padding < V:
            raise RuntimeError(f"{name}: padding_idx {padding} must be within the {V} rows of weight")
        padding %= V
    if rows.size and not 0 <= rows.min() <= rows.max() < V:
        raise RuntimeError(f"{name}: input must name rows from 0 to {V - 1}, got {rows.min()} to {rows.max()}")
    return rows, ends, padding


def _whole_of(name: str, offsets: np.ndarray, n: int, last: bool) -> np.ndarray:
    """Where bags begin, and where the last one ends."""
    if last and not len(offsets):
        raise RuntimeError(f"{name}: with include_last_offset there must be an offset, where the last bag ends")
    if len(offsets) and offsets[0] != 0:
        raise RuntimeError(f"{name}: offsets must begin with 0, got {offsets[0]}")
    if len(offsets) and offsets[-1] > n:
        raise RuntimeError(f"{name}: the last offset must be at most {n}, the length of input, got {offsets[-1]}")
    if (offsets[1:] < offsets[:-1]).any():
        raise RuntimeError(f"{name}: offsets must ascend, got {offsets.tolist()}")
    if not len(offsets):
        return np.zeros(1, np.int64)
    return offsets if last else np.append(offsets, n)
