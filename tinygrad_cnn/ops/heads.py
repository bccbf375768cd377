"""Attention of several heads: what is projected three times is cut into heads, each head attends by itself, and what
they find is joined and projected once more (Vaswani et al., 2017).

N batch, L queries, S keys, E numbers of a query, H heads with D = E/H numbers each.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..arrays.lines import user_level
from ..arrays.types import Array
from ..engine.broadcast import cast
from ..engine.tensor import Tensor
from .attention import scaled_dot_product_attention
from .choice import where
from .declared import appears
from .dropout import dropout
from .join import cat, chunk, split
from .linalg import linear, matmul
from .rearrange import pad
from .reduce import mean
from .shape import permute, reshape, squeeze, transpose, unsqueeze
from .softmax import softmax

NAME = "multi_head_attention_forward"


@appears("functional")
def multi_head_attention_forward(
    query: Array,
    key: Array,
    value: Array,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Array | None,
    in_proj_bias: Array | None,
    bias_k: Array | None,
    bias_v: Array | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Array,
    out_proj_bias: Array | None,
    training: bool = True,
    key_padding_mask: Array | None = None,
    need_weights: bool = True,
    attn_mask: Array | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Array | None = None,
    k_proj_weight: Array | None = None,
    v_proj_weight: Array | None = None,
    static_k: Array | None = None,
    static_v: Array | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Array, Array | None]:
    """What nn.MultiheadAttention does, with its weights as arguments    (L,N,E) (S,N,E) (S,N,E) -> (L,N,E), weights

    Without N all through, too. in_proj_weight (3E,E) projects to queries, keys and values; or, with
    use_separate_proj_weight, q_proj_weight (E,E), k_proj_weight and v_proj_weight (E, numbers of a key, of a value).
    bias_k, bias_v (1,1,E): one key and value more; add_zero_attn: one of zeros. static_k, static_v (N·H,S,D): these
    instead of projected ones. dropout_p: of the weights, where `training` is set.

    key_padding_mask (N,S) and attn_mask (L,S) or (N·H,L,S) say by True what is *not* looked at, or are added to the
    scores. is_causal: a hint that attn_mask is causal. The weights are (N,L,S), or (N,H,L,S) where
    average_attn_weights is False; None without need_weights.

    AssertionError and RuntimeError for what does not fit.

    >>> import tinygrad_cnn as tg
    >>> x, eye = tg.tensor([[1.0, 0.0], [0.0, 1.0]]), tg.eye(2)
    >>> out, weights = tg.nn.functional.multi_head_attention_forward(
    ...     x, x, x, 2, 2, tg.cat([eye * 0, eye, eye]), None, None, None, False, 0.0, eye, None
    ... )
    >>> out.tolist(), weights.tolist()
    ([[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]])
    """
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    return attend(
        query, key, value, embed_dim_to_check, num_heads, weights, in_proj_bias, (bias_k, bias_v), add_zero_attn,
        dropout_p if training else 0.0, out_proj_weight, out_proj_bias, key_padding_mask, need_weights, attn_mask,
        average_attn_weights, is_causal, statics=(static_k, static_v),
    )  # fmt: skip


def attend(
    query: Any, key: Any, value: Any, embed_dim: int, heads: int, weights: Any, bias: Any, more: tuple[Any, Any],
    zeros: bool, p: float, out_weight: Any, out_bias: Any, padding: Any, need_weights: bool, mask: Any, average: bool,
    causal: bool, statics: tuple[Any, Any] = (None, None), batch_first: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """The same, for batches in front or behind. weights: one for all three projections, or one for each."""
    batched = _check(query, key, value, padding, mask, heads)
    axis = 0 if batch_first and batched else 1  # of the batch
    if not batched:
        alone = query is key, key is value
        query = unsqueeze(query, 1)
        key = query if alone[0] else unsqueeze(key, 1)
        value = key if alone[1] else unsqueeze(value, 1)
        padding = padding if padding is None else unsqueeze(padding, 0)
    N, L = query.shape[axis], query.shape[1 - axis]
    padding, mask, causal = _masks(padding, mask, causal, need_weights, query.dtype)
    _check_widths(query, key, value, embed_dim, heads, weights)
    if mask is not None:
        mask = _with_heads(mask, N, heads, L, key.shape[1 - axis])
    q, k, v = _projected(query, key, value, weights, bias)
    k, v = _with_more(k, v, more, statics, axis)
    added = int(more[0] is not None) + int(zeros)
    q, k, v = _split(q, heads, axis), *(_keys(x, s, N, heads, axis) for x, s in zip((k, v), statics))
    if zeros:
        k, v = pad(k, (0, 0, 0, 1)), pad(v, (0, 0, 0, 1))
    if added:
        mask, padding = (m if m is None else pad(m, (0, added)) for m in (mask, padding))
    if padding is not None:
        if tuple(padding.shape) != (N, k.shape[-2]):
            raise AssertionError(
                f"{NAME}: key_padding_mask must be {(N, k.shape[-2] - added)}, one for each key, got {padding.shape}"
            )
        padding = reshape(padding, (N, 1, 1, k.shape[-2]))
        mask = padding if mask is None else mask + padding
    found = None
    if need_weights:
        scores = matmul(q * math.sqrt(heads / embed_dim), transpose(k, -2, -1))
        found = softmax(scores if mask is None else scores + mask, -1)
        if p > 0:
            found = dropout(found, p)
        out = matmul(found, v)
        found = mean(found, 1) if average else found
        found = found if batched else squeeze(found, 0)
    else:
        out = scaled_dot_product_attention(q, k, v, mask, p, causal)
    out = permute(out, (0, 2, 1, 3) if axis == 0 else (2, 0, 1, 3))  # (N,H,L,D) -> (N,L,H,D) or (L,N,H,D)
    out = linear(reshape(out, (*out.shape[:2], embed_dim)), out_weight, out_bias)
    return out if batched else squeeze(out, 1), found


def _split(x: Any, heads: int, axis: int) -> Any:
    """(N,L,E), or (L,N,E) where axis is 1 -> (N,H,L,D)"""
    *before, E = x.shape
    return permute(reshape(x, (*before, heads, E // heads)), (0, 2, 1, 3) if axis == 0 else (1, 2, 0, 3))


def _keys(x: Any, static: Any, N: int, heads: int, axis: int) -> Any:
    """Keys or values by head, projected or given."""
    if static is None:
        return _split(x, heads, axis)
    D = x.shape[-1] // heads
    if static.shape[0] != N * heads or static.shape[2] != D:
        raise AssertionError(f"{NAME}: static keys and values must be ({N * heads}, S, {D}), got {static.shape}")
    return reshape(static, (N, heads, *static.shape[1:]))


def _projected(query: Any, key: Any, value: Any, weights: Any, bias: Any) -> tuple[Any, Any, Any]:
    """One product where all three are the same, two where keys are the values, else three."""
    if not isinstance(weights, tuple):
        if query is key is value:
            return chunk(linear(query, weights, bias), 3, -1)
        E = query.shape[-1]
        if key is value:
            (wq, wkv), (bq, bkv) = split(weights, [E, 2 * E]), (None, None) if bias is None else split(bias, [E, 2 * E])
            return linear(query, wq, bq), *chunk(linear(key, wkv, bkv), 2, -1)
        weights = chunk(weights, 3, 0)
    biases = (None,) * 3 if bias is None else chunk(bias, 3, 0)
    q, k, v = (linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases))
    return q, k, v


def _with_more(k: Any, v: Any, more: tuple[Any, Any], statics: tuple[Any, Any], axis: int) -> tuple[Any, Any]:
    """Keys and values with one more of each, the same for all of the batch."""
    if (more[0] is None) != (more[1] is None):
        raise AssertionError(f"{NAME}: bias_k and bias_v must be given both, or neither")
    if more[0] is None:
        return k, v
    if statics != (None, None):
        raise AssertionError(f"{NAME}: bias_k and bias_v cannot be added to static_k and static_v")
    shape = [1, 1, k.shape[-1]]
    shape[axis] = k.shape[axis]
    k, v = (cat([x, reshape(b, (1, 1, -1)).expand(shape)], 1 - axis) for x, b in zip((k, v), more))
    return k, v


# Masks.


def canonical(name: str, mask: Any, dtype: Any) -> Any:
    """A mask as numbers that are added: -inf where it is True."""
    if mask is None or mask.dtype.kind == "f":
        return mask
    if mask.dtype != bool:
        raise AssertionError(f"{name} must be bool or floating, got {mask.dtype}")
    numbers = where(mask, -math.inf, 0.0)
    return numbers if numbers.dtype == dtype else cast(numbers, dtype)


def warn_of_two_kinds(name: str, mask: Any, other_name: str, other: Any) -> None:
    if mask is not None and other is not None and mask.dtype != other.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=user_level(),
        )


def _masks(padding: Any, mask: Any, causal: bool, need_weights: bool, dtype: Any) -> tuple[Any, Any, bool]:
    """Both masks as numbers, and whether scores are to be causal without one."""
    warn_of_two_kinds("key_padding_mask", padding, "attn_mask", mask)
    padding = canonical("key_padding_mask", padding, dtype)
    if causal and mask is None:
        raise RuntimeError(
            f"{NAME}: is_causal is a hint that attn_mask is causal, which must be given as well; "
            "nn.Transformer.generate_square_subsequent_mask makes one"
        )
    if causal and padding is None and not need_weights:
        return None, None, True
    return padding, canonical("attn_mask", mask, dtype), False


def _with_heads(mask: Any, N: int, heads: int, L: int, S: int) -> Any:
    """(L,S) -> (1,1,L,S), (N·H,L,S) -> (N,H,L,S)"""
    expected = (L, S) if mask.ndim == 2 else (N * heads, L, S)
    if tuple(mask.shape) != expected:
        raise RuntimeError(f"{NAME}: an attn_mask of {mask.ndim} axes must have the shape {expected}, got {mask.shape}")
    return reshape(mask, (1, 1, L, S) if mask.ndim == 2 else (N, heads, L, S))


# Shapes.


def _check(query: Any, key: Any, value: Any, padding: Any, mask: Any, heads: int) -> bool:
    """Whether there is a batch; AssertionError where numbers of axes do not fit."""
    for which, x in (("query", query), ("key", key), ("value", value)):
        if not isinstance(x, Tensor | np.ndarray):
            raise TypeError(f"{NAME}: {which} must be a Tensor, got {type(x).__name__}")
    if query.ndim not in (2, 3):
        raise AssertionError(f"{NAME}: query must be (L, E), or (L, N, E) of a batch, got shape {tuple(query.shape)}")
    for which, x in (("key", key), ("value", value)):
        if x.ndim != query.ndim:
            raise AssertionError(f"{NAME}: {which} must have as many axes as query, {query.ndim}, got {x.shape}")
    if padding is not None and padding.ndim != query.ndim - 1:
        expected = "(N, S)" if query.ndim == 3 else "(S,)"
        raise AssertionError(f"{NAME}: key_padding_mask must be {expected} here, got {tuple(padding.shape)}")
    if mask is not None and mask.ndim not in (2, 3):
        raise AssertionError(f"{NAME}: attn_mask must be (L, S) or (N·H, L, S), got {tuple(mask.shape)}")
    if mask is not None and mask.ndim == 3 and query.ndim == 2:
        every = heads, query.shape[0], key.shape[0]
        if tuple(mask.shape) != every:
            raise AssertionError(f"{NAME}: attn_mask must be {every} here, got {tuple(mask.shape)}")
    return query.ndim == 3


def _check_widths(query: Any, key: Any, value: Any, embed_dim: int, heads: int, weights: Any) -> None:
    if query.shape[-1] != embed_dim:
        raise AssertionError(f"{NAME}: query must have {embed_dim} numbers along its last axis, got {query.shape[-1]}")
    if embed_dim % heads:
        raise AssertionError(f"{NAME}: the {embed_dim} numbers of a query cannot be divided by {heads} heads")
    if isinstance(weights, tuple):
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(f"{NAME}: there must be as many keys as values, got {key.shape} and {value.shape}")
        for which, x, w in zip(("q", "k", "v"), (query, key, value), weights):
            if w is not None and w.shape[-1] != x.shape[-1]:
                raise AssertionError(f"{NAME}: {which}_proj_weight must be ({embed_dim}, {x.shape[-1]}), got {w.shape}")
    elif key.shape != value.shape:
        raise AssertionError(f"{NAME}: key and value must have one shape, got {key.shape} and {value.shape}")
    if weights is None or (isinstance(weights, tuple) and any(w is None for w in weights)):
        raise AssertionError(f"{NAME}: the projections need in_proj_weight, or q_, k_ and v_proj_weight")
