"""Normalization: the law is mean and variance by NumPy."""

from __future__ import annotations

import numpy as np

from . import Case, Positive


def standardize(x, over, eps=1e-5):
    return (x - x.mean(over, keepdims=True)) / np.sqrt(x.var(over, keepdims=True) + eps)


def affine(x, weight, bias):
    per_channel = (-1, *[1] * (x.ndim - 2))
    x = x if weight is None else x * weight.reshape(per_channel)
    return x if bias is None else x + bias.reshape(per_channel)


def batch_norm(x, mean, var, weight=None, bias=None, training=False, eps=1e-5):
    if training:
        return affine(standardize(x, (0, *range(2, x.ndim)), eps), weight, bias)
    return affine(affine(x, None, -mean) / affine(np.ones_like(x), np.sqrt(var + eps), None), weight, bias)


def layer_norm(x, normalized_shape, weight=None, bias=None):
    x = standardize(x, tuple(range(-len(normalized_shape), 0)))
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def group_norm(x, num_groups, weight=None, bias=None):
    groups = x.reshape(len(x), num_groups, -1)
    return affine(standardize(groups, 2).reshape(x.shape), weight, bias)


def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    out = np.zeros_like(x)
    for c in range(x.shape[1]):
        around = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1]
        out[:, c] = x[:, c] / (k + alpha / size * (around**2).sum(1)) ** beta
    return out


MEAN, VAR = np.array([0.5, -1.0, 2.0]), np.array([1.0, 0.3, 4.0])

CASES = [
    Case("batch_norm", [(4, 3), None, None, Positive(3), (3,)], dict(training=True), expected=batch_norm),
    Case("batch_norm", [(3, 2, 4), None, None], dict(training=True), expected=batch_norm),
    Case(
        "batch_norm", [(3, 2, 2, 3), None, None, Positive(2), (2,)], dict(training=True, eps=0.1), expected=batch_norm
    ),
    Case("batch_norm", [(3, 2, 2, 3), None, None, None, (2,)], dict(training=True), expected=batch_norm),
    Case("batch_norm", [(2, 3, 2, 2), MEAN, VAR, (3,), (3,)], expected=batch_norm, orders=0, note="eval"),
    Case("_batch_norm_eval", [(2, 3, 2, 2), (3,), (3,)], dict(mean=MEAN, var=VAR, eps=1e-5)),
    Case("layer_norm", [(3, 4), [4]], expected=layer_norm),
    Case("layer_norm", [(2, 3, 4), [3, 4], (3, 4), (3, 4)], expected=layer_norm),
    Case("group_norm", [(2, 4, 3), 2, (4,), (4,)], expected=group_norm),
    Case("group_norm", [(2, 3, 2, 2), 3], expected=group_norm),
    Case("instance_norm", [(2, 3, 2, 3)], expected=lambda x: standardize(x, (2, 3))),
    Case(
        "rms_norm",
        [(2, 5)],
        dict(normalized_shape=(5,), eps=0.01),
        expected=lambda x, normalized_shape, eps: x / np.sqrt((x**2).mean(-1, keepdims=True) + eps),
    ),
    Case("normalize", [(3, 4)], expected=lambda x: x / np.sqrt((x**2).sum(1, keepdims=True))),
    Case(
        "normalize",
        [(2, 3, 2)],
        dict(p=3.0, dim=-1),
        expected=lambda x, p, dim: x / (abs(x) ** p).sum(-1, keepdims=True) ** (1 / p),
    ),
    Case("local_response_norm", [(2, 5, 2, 2)], dict(size=3, alpha=0.5), expected=local_response_norm),
    Case("local_response_norm", [(2, 4, 3)], dict(size=2, alpha=2.0, k=2.0), expected=local_response_norm),
]
