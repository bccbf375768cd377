"""Attention as three products of matrices with a softmax between them, done in the memory of the scores.

L queries and S keys of E numbers, S values of V numbers; any axes may stand before them, and are broadcast.
"""

from __future__ import annotations

import math

import numpy as np

from .. import in_numpy
from . import silent
from .linear import matmul
from .sums import sum


@in_numpy
@silent
def attention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    mask: np.ndarray | None,
    factors: np.ndarray | None,
    scale: float,
    causal: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """softmax(query @ key.T · scale + mask) · factors @ value, and the softmax        ... -> (...,L,V) and (...,L,S)"""
    weights = matmul(query * scale, key.swapaxes(-1, -2))
    if causal:
        weights += _hidden(np.tri(*weights.shape[-2:], dtype=bool), weights.dtype)
    if mask is not None:
        weights += mask if mask.dtype != bool else _hidden(mask, weights.dtype)
    highest = weights.max(-1, keepdims=True, initial=-np.inf)
    lost = highest == -np.inf  # these rows see nothing
    weights -= np.where(lost, 0, highest)
    np.exp(weights, out=weights)
    weights /= np.where(lost, 1, sum(weights, (weights.ndim - 1,), True))
    return _product(weights if factors is None else weights * factors, value, query), weights


@in_numpy
@silent
def attention_backward(
    grad: np.ndarray,
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    factors: np.ndarray | None,
    weights: np.ndarray,
    scale: float,
    causal: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of the three and of the scores        (...,L,V) -> (...,L,E) (...,S,E) (...,S,V) (...,L,S)

    Where it is causal, the weights above the diagonal are 0.
    """
    worth, kept = matmul(grad, value.swapaxes(-1, -2)), weights
    if factors is not None:
        worth *= factors
        kept = weights * factors
    d_value = _product(kept.swapaxes(-1, -2), grad, value)
    worth -= sum(worth * weights, (worth.ndim - 1,), True)
    worth *= weights
    slope = worth * scale
    return _product(slope, key, query), _product(slope.swapaxes(-1, -2), query, key), d_value, worth


def _hidden(seen: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """What is added to scores: 0 where a key is seen, -inf where it is not."""
    return np.where(seen, dtype.type(0), dtype.type(-np.inf))


def _product(a: np.ndarray, b: np.ndarray, like: np.ndarray) -> np.ndarray:
    """a @ b, in the memory order of `like`: so heads that were split off are joined again without a copy."""
    before = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*before, a.shape[-2], b.shape[-1])
    if like.ndim != len(shape) or like.flags.c_contiguous or 0 in shape:
        return matmul(a, b)
    order = sorted(range(len(shape)), key=lambda i: -abs(like.strides[i]))
    if order[-1] != len(shape) - 1:
        return matmul(a, b)
    out = np.empty(math.prod(shape), np.result_type(a, b)).reshape([shape[i] for i in order])
    return np.matmul(a, b, out=out.transpose(np.argsort(order)))
