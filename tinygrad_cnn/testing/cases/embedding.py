"""Embedding: the law is the product with one-hot vectors."""

from __future__ import annotations

import numpy as np

from . import Case

ROWS = np.array([[0, 3, 3], [2, 0, 3]])


def embedding(input, weight):
    return np.eye(len(weight))[input] @ weight


def embedding_bag(input, weight, offsets=None, factors=None, mode="mean", padding_idx=None):
    bags = input if offsets is None else np.split(input, offsets[1:])
    factors = np.ones(input.shape) if factors is None else factors
    factors = factors if offsets is None else np.split(factors, offsets[1:])
    out = np.zeros((len(bags), weight.shape[1]))
    for b, (bag, factor) in enumerate(zip(bags, factors, strict=True)):
        kept = bag != padding_idx
        if kept.any():
            rows = weight[bag[kept]] * factor[kept][:, None]
            out[b] = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode](rows, 0)
    return out


BAGS, BEGINS = np.array([3, 1, 1, 0, 2, 3, 1]), np.array([0, 3, 3, 4])

CASES = [
    Case("embedding", [ROWS, (4, 2)], expected=embedding),
    Case("embedding", [np.array(1), (3, 2)], expected=embedding),
    Case("embedding", [ROWS.astype(np.int32), (5, 3)], expected=embedding),
    Case("embedding_bag", [ROWS, (4, 2)], expected=embedding_bag),
    Case("embedding_bag", [ROWS, (4, 2)], dict(mode="max"), expected=embedding_bag),
    Case("embedding_bag", [BAGS, (4, 2), BEGINS], dict(mode="max", padding_idx=1), expected=embedding_bag),
    Case("embedding_bag", [BAGS, (4, 2), BEGINS.astype(np.int32)], dict(padding_idx=-3), expected=None),
]
