"""Attention: each query looks at all keys, and takes the values of those that it is like.

L queries and S keys of E numbers, S values of V numbers; any axes may stand before them, and are broadcast.
"""

from __future__ import annotations

import numpy as np

from .. import law


@law
def attention(query, key, value, mask, factors, scale, causal):
    """Σ weights[l,s]·factors[l,s]·value[s,v]        (...,L,E) (...,S,E) (...,S,V) -> (...,L,V), and weights (...,L,S)

    weights[l] = softmax over s of query[l]·key[s]·scale + mask[l,s]; in a row where all of these are -inf they are 0.
    causal: query l sees only the keys 0 to l. mask: numbers, or bools, of which False stands for -inf. Mask and factors
    may be None.

    >>> x = np.zeros((2, 1))
    >>> out, weights = attention(x, x, np.array([[1.0], [3.0]]), None, None, 1.0, True)
    >>> out, weights
    (array([[1.],
           [2.]]), array([[1. , 0. ],
           [0.5, 0.5]]))
    """
    L, S = query.shape[-2], key.shape[-2]
    before = np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    query, key, value = (np.broadcast_to(x, before + x.shape[-2:]) for x in (query, key, value))
    if mask is not None:
        mask = np.broadcast_to(mask if mask.dtype != bool else np.where(mask, 0, -np.inf), (*before, L, S))
    weights = np.zeros((*before, L, S), query.dtype)
    out = np.zeros((*before, L, value.shape[-1]), query.dtype)
    for at in np.ndindex(*before, L):
        row, l = at[:-1], at[-1]
        scores = np.array([np.sum(query[at] * key[row][s]) * scale for s in range(S)])
        if mask is not None:
            scores = scores + mask[at]
        if causal:
            scores[l + 1 :] = -np.inf
        if np.any(scores != -np.inf):
            powers = np.exp(scores - np.max(scores))
            weights[at] = powers / np.sum(powers)
        for s in range(S):
            out[at] += weights[at][s] * (1 if factors is None else factors[at][s]) * value[row][s]
    return out, weights


@law
def attention_backward(grad, query, key, value, factors, weights, scale, causal):
    """The gradients of the three and of the scores        (...,L,V) for grad -> (...,L,E) (...,S,E) (...,S,V) (...,L,S)

    A score gets its weight times what that weight is worth beyond the average of its row. Where it is causal, the
    weights above the diagonal are 0.

    >>> x, value, weights = np.ones((2, 1)), np.array([[1.0], [3.0]]), np.full((2, 2), 0.5)
    >>> d_query, d_key, d_value, d_scores = attention_backward(x, x, x, value, None, weights, 1.0, False)
    >>> d_value[:, 0], d_scores
    (array([1., 1.]), array([[-0.5,  0.5],
           [-0.5,  0.5]]))
    """
    before, (L, S) = weights.shape[:-2], weights.shape[-2:]
    query, key, value = (np.broadcast_to(x, before + x.shape[-2:]) for x in (query, key, value))
    d_query, d_key, d_value, d_scores = (np.zeros(x.shape, grad.dtype) for x in (query, key, value, weights))
    for at in np.ndindex(*before, L):
        row = at[:-1]
        kept = np.ones(S) if factors is None else factors[at]
        worth = np.array([np.sum(grad[at] * value[row][s]) * kept[s] for s in range(S)])
        d_scores[at] = weights[at] * (worth - np.sum(weights[at] * worth))
        for s in range(S):
            d_value[row][s] += weights[at][s] * kept[s] * grad[at]
            d_query[at] += d_scores[at][s] * scale * key[row][s]
            d_key[row][s] += d_scores[at][s] * scale * query[at]
    return d_query, d_key, d_value, d_scores
