"""Attention: the law is powers, divided by their sum, between two products."""

from __future__ import annotations

import numpy as np

from . import Case, Unit


def attention(query, key, value, mask=None, is_causal=False, scale=None, enable_gqa=False):
    if enable_gqa:
        key, value = (np.repeat(x, query.shape[-3] // x.shape[-3], -3) for x in (key, value))
    scores = query @ np.swapaxes(key, -1, -2) * (query.shape[-1] ** -0.5 if scale is None else scale)
    seen = np.tri(*scores.shape[-2:]) if is_causal else np.isfinite(mask) if mask is not None else np.ones(1)
    if mask is not None:
        seen, mask = (mask, 0) if mask.dtype == bool else (seen, np.where(seen, mask, 0))
        scores = scores + mask
    powers = np.exp(scores) * seen
    return powers / np.maximum(powers.sum(-1, keepdims=True), 1e-300) @ value


SEEN = np.array([[True, False, True, True], [False] * 4, [False, True, False, False]])
ADDED = np.where(SEEN, [0.5, 0.25, -1.0, 2.0], -np.inf)
QUERY, KEY, VALUE = Unit(2, 3, 2), Unit(2, 4, 2), (2, 4, 3)

CASES = [
    Case("scaled_dot_product_attention", [QUERY, KEY, VALUE], expected=attention),
    Case("scaled_dot_product_attention", [QUERY, KEY, VALUE], dict(is_causal=True), expected=attention),
    Case("scaled_dot_product_attention", [QUERY, KEY, VALUE, SEEN], dict(scale=2.0), expected=attention),
    Case("scaled_dot_product_attention", [QUERY, KEY, VALUE, ADDED], expected=attention, note="hidden", orders=1),
    Case("scaled_dot_product_attention", [QUERY, KEY, VALUE, Unit(1, 4)], expected=attention),
    Case("scaled_dot_product_attention", [Unit(3, 2), KEY, Unit(1, 2, 4, 1)], expected=attention),
    Case(
        "scaled_dot_product_attention",
        [Unit(4, 2, 2), KEY, Unit(1, 4, 2)],
        dict(enable_gqa=True, is_causal=True),
        expected=attention,
    ),
]
