"""Attention (Vaswani et al., 2017): each query looks at all keys, and takes the values of those that it is like.

L queries and S keys of E numbers each, S values of V numbers; any axes, of the batch and of the heads, stand before
them and are broadcast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.dtypes import float32
from ..arrays.kept import kept
from ..arrays.types import Array
from ..engine.broadcast import cast
from ..engine.call import op
from ..engine.memory import FIXED
from ..engine.tensor import Tensor, as_array, wrap
from ..kernels import kernel
from .choice import where
from .declared import appears
from .dropout import dropout
from .linalg import matmul
from .rearrange import repeat_interleave
from .shape import transpose
from .softmax import softmax


@op(keeps="weights")
def _attention(
    query: Array, key: Array, value: Array, mask: Array | None, factors: Array | None, scale: float, causal: bool
) -> Array:
    """softmax(query @ key.T · scale + mask) · factors @ value        (..., L, E) (..., S, E) (..., S, V) -> (..., L, V)

    A row that sees nothing has the weights 0. factors: those of dropout. (..., L, S) for mask and factors.
    """
    return kernel.attention(query, key, value, mask, factors, scale, causal)


def _attention_back(g, query, key, value, factors, weights, scale, causal, needs):
    """The gradients of all four inputs: they share that of the scores, which is the mask's own."""
    return kernel.attention_backward(g, query, key, value, factors, weights, scale, causal)


_attention.joint_grad(_attention_back, inputs=("query", "key", "value", "mask"))


@_attention.meaning
def _(query, key, value, mask, factors, scale, causal):
    scores = matmul(query * scale, transpose(key, -2, -1))
    if causal:
        mask = np.tri(*scores.shape[-2:], dtype=bool)
    if mask is not None:
        hidden = np.where(as_array(mask), 0, -np.inf).astype(scores.dtype) if mask.dtype == bool else mask
        scores = scores + hidden
    lost = (as_array(scores) == -math.inf).all(-1, keepdims=True)
    weights = where(lost, 0.0, softmax(where(lost, 0.0, scores), -1))
    return matmul(weights if factors is None else weights * factors, value)


def _of_scores(text: str) -> Callable:
    """A formula that speaks of d, the gradient of the scores."""

    def formula(factors: Any = None) -> str:
        worth = "g @ value^{T}" if factors is None else "factors · (g @ value^{T})"
        return f"{text}, where h = {worth}, d = weights · (h − Σ_{{axis last}} weights · h)"

    return formula


_attention.explain(
    "A value gets the gradients of the queries that looked at it, by their weights; a score gets its weight times "
    "what its value is worth beyond the average of the row; query and key get the score's gradient times each other.",
    zero="no query looks there: hidden by the mask, or its weight is 0",
    query=_of_scores("scale · d @ key"),
    key=_of_scores("scale · d^{T} @ query"),
    value=lambda factors=None: "weights^{T} @ g" if factors is None else "(weights · factors)^{T} @ g",
    mask=_of_scores("d"),
    numbers={"last": lambda out_shape: len(out_shape) - 1},
)


@appears("functional")
def scaled_dot_product_attention(
    query: Array,
    key: Array,
    value: Array,
    attn_mask: Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Array:
    """softmax(query @ key.T · scale + attn_mask) @ value        (..., L, E) (..., S, E) (..., S, V) -> (..., L, V)

    attn_mask: of a shape that broadcasts to (..., L, S); bools say which keys a query may look at, numbers are added,
    and may have a gradient. is_causal: query l looks at the keys 0 to l. A query that may look at nothing gets 0.
    dropout_p: so many of the weights are dropped, always: pass 0 outside training. scale: 1/√E if None. enable_gqa:
    the heads, axis -3, of key and value may be fewer, each for as many heads of query.

    RuntimeError for shapes and dtypes that do not fit, and for a mask besides is_causal.

    >>> import tinygrad_cnn as tg
    >>> x, value = tg.zeros(3, 2), tg.tensor([[1.0], [3.0], [8.0]], requires_grad=True)
    >>> out = tg.nn.functional.scaled_dot_product_attention(x, x, value, is_causal=True)
    >>> out.tolist()
    [[1.0], [2.0], [4.0]]
    >>> out[1].backward()
    >>> value.grad.tolist()
    [[0.5], [0.5], [0.0]]
    """
    _check(query, key, value, attn_mask, is_causal)
    if enable_gqa:
        key, value = (_shared_by_heads(query, which, x) for which, x in (("key", key), ("value", value)))
    E, dtype = query.shape[-1], query.dtype
    if attn_mask is not None and attn_mask.dtype not in (bool, dtype):
        attn_mask = cast(attn_mask, dtype)
    before = _leading(query, key, value, attn_mask)
    factors = None
    if dropout_p > 0:
        if dropout_p > 1:
            raise RuntimeError(f"scaled_dot_product_attention: dropout_p must be between 0 and 1, got {dropout_p}")
        factors = dropout(wrap(_ones((*before, query.shape[-2], key.shape[-2]), dtype)), dropout_p)
    scale = scale if scale is not None else 1 / math.sqrt(E) if E else 1.0
    out = _attention(query, key, value, attn_mask, factors, float(scale), bool(is_causal))
    if isinstance(out, Tensor):
        out._memory = FIXED  # it lies as query does, also for the user: heads are joined again without a copy
    return out


@kept
def _ones(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """What dropout makes factors of."""
    return np.ones(shape, dtype)


def _check(query: Any, key: Any, value: Any, mask: Any, is_causal: bool) -> None:
    name = "scaled_dot_product_attention"
    operands = {"query": query, "key": key, "value": value}
    for which, x in (*operands.items(), *([] if mask is None else [("attn_mask", mask)])):
        if not isinstance(x, Tensor | np.ndarray):
            raise TypeError(f"{name}: {which} must be a Tensor, got {type(x).__name__}")
    if {type(is_causal)} - {bool}:
        raise TypeError(f"{name}: is_causal must be a bool, got {is_causal!r}")
    if len(dtypes := {x.dtype.name: which for which, x in operands.items()}) > 1:
        raise RuntimeError(f"{name}: query, key and value must have one dtype, got {' and '.join(dtypes)}; convert one")
    if query.dtype.kind != "f":
        kind = NotImplementedError if query.dtype.kind == "c" else RuntimeError
        raise kind(f"{name}: query is {query.dtype}, it must be floating; convert all three with .float()")
    shapes = ", ".join(f"{which} {tuple(x.shape)}" for which, x in operands.items())
    if min(x.ndim for x in operands.values()) < 2:
        raise RuntimeError(f"{name}: all must have the axes (..., positions, numbers), got {shapes}")
    if query.shape[-1] != key.shape[-1]:
        raise RuntimeError(f"{name}: the last axes of query and key must be equally long, got {shapes}")
    if key.shape[-2] != value.shape[-2]:
        raise RuntimeError(f"{name}: there must be as many keys as values, along axis -2, got {shapes}")
    if mask is not None:
        if is_causal:
            raise RuntimeError(f"{name}: attn_mask must be None where is_causal is set; put both into one mask")
        if mask.dtype not in (bool, float32, query.dtype):
            raise RuntimeError(
                f"{name}: attn_mask is {mask.dtype}, it must be bool, float32 or {query.dtype}, as query is"
            )


def _shared_by_heads(query: Any, which: str, x: Any) -> Any:
    """Key or value, each of its heads as often as there are heads of query for it."""
    name = "scaled_dot_product_attention"
    if query.ndim < 3 or x.ndim < 3:
        raise IndexError(f"{name}: enable_gqa needs an axis of heads, -3, got query {query.shape}, {which} {x.shape}")
    heads, fewer = query.shape[-3], x.shape[-3]
    if not fewer or heads % fewer:
        raise RuntimeError(f"{name}: the {heads} heads of query cannot be shared out to the {fewer} of {which}")
    return x if heads == fewer else repeat_interleave(x, heads // fewer, -3)


def _leading(query: Any, key: Any, value: Any, mask: Any) -> tuple[int, ...]:
    """The axes before those of a score; RuntimeError where they do not broadcast."""
    L, S = query.shape[-2], key.shape[-2]
    try:
        before = np.broadcast_shapes(query.shape[:-2], key.shape[:-2])
        if mask is None or np.broadcast_shapes((*before, L, S), mask.shape) == (*before, L, S):
            np.broadcast_shapes(before, value.shape[:-2])
            return before
    except ValueError:
        pass
    shapes = f"query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)}"
    if mask is not None:
        shapes += f", attn_mask {tuple(mask.shape)}, which must broadcast to (..., {L}, {S})"
    raise RuntimeError(f"scaled_dot_product_attention: the axes in front do not broadcast, got {shapes}")
