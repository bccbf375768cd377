"""Softmax and its kin: the law is the definition, in numbers small enough for it."""

from __future__ import annotations

import numpy as np

from . import Case


def softmax(input, dim):
    powers = np.exp(input)
    return powers / powers.sum(dim, keepdims=True)


def log_softmax(input, dim):
    return np.log(softmax(input, dim))


CASES = [
    Case("softmax", [(3, 4)], dict(dim=1), expected=softmax),
    Case("softmax", [(2, 3, 2)], dict(dim=-2), expected=softmax),
    Case("softmax", [()], dict(dim=0), expected=lambda x, dim: np.ones(())),
    Case("log_softmax", [(3, 4)], dict(dim=1), expected=log_softmax),
    Case("log_softmax", [(2, 3, 2)], dict(dim=0), expected=log_softmax),
    Case("log_softmax", [()], dict(dim=-1), expected=lambda x, dim: np.zeros(())),
    Case("softmin", [(3, 4)], dict(dim=0), expected=lambda x, dim: softmax(-x, dim)),
]
