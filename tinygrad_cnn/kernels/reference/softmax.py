"""Softmax and cross-entropy, shifted by the maximum so that exp never overflows.

exp(x - max) / Σ exp(x - max) is the same number as exp(x) / Σ exp(x), and its largest term is 1.
A slice that is all -inf has no softmax: it gives NaN, as in PyTorch.

N rows (examples), C classes.
"""

from __future__ import annotations

import numpy as np

from .. import reference
from . import silent
from .sums import sum


@reference
@silent
def softmax(input: np.ndarray, dim: int) -> np.ndarray:
    """exp(input) / Σ exp(input) along dim        any shape -> the same

    >>> softmax(np.log(np.array([1.0, 3.0])), 0)
    array([0.25, 0.75])
    """
    powers = np.exp(input - _max(input, dim))
    powers /= sum(powers, (dim,), True)
    return powers


@reference
@silent
def log_softmax(input: np.ndarray, dim: int) -> np.ndarray:
    """input - log Σ exp(input) along dim        any shape -> the same

    >>> np.exp(log_softmax(np.log(np.array([1.0, 3.0])), 0))
    array([0.25, 0.75])
    """
    shifted = input - _max(input, dim)
    shifted -= np.log(sum(np.exp(shifted), (dim,), True))
    return shifted


@reference
@silent
def cross_entropy(input: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log Σ exp(input[n]) - input[n, target[n]]; highest[n] = max input[n]; powers[n] = Σ exp(input[n] - highest[n])

    (N,C) (N,) -> (N,), (N,), (N,). The softmax is exp(input - highest) / powers. Its logarithm is not made from
    log Σ exp(input) = highest + log powers: a large maximum would swallow the digits of the other term.

    >>> losses, highest, powers = cross_entropy(np.log(np.array([[1.0, 3.0]])), np.array([1]))
    >>> np.exp(-losses), np.exp(highest) * powers
    (array([0.75]), array([4.]))
    """
    highest = _max(input, 1)
    shifted = input - highest
    powers = sum(np.exp(shifted), (1,), False)
    return np.log(powers) - shifted[np.arange(len(input)), target], highest[:, 0], powers


@reference
@silent
def cross_entropy_backward(
    grad: np.ndarray, input: np.ndarray, highest: np.ndarray, powers: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """(softmax(input) - onehot(target)) · grad        (N,) (N,C) (N,) (N,) (N,) -> (N,C)

    highest and powers are those of cross_entropy.

    >>> x = np.log(np.array([[1.0, 4.0]]))
    >>> cross_entropy_backward(np.ones(1), x, np.log(np.array([4.0])), np.array([1.25]), np.array([1]))
    array([[ 0.2, -0.2]])
    """
    out = np.exp(input - highest[:, None])
    out /= powers[:, None]
    out[np.arange(len(out)), target] -= 1
    out *= grad[:, None]
    return out


def _max(input: np.ndarray, dim: int) -> np.ndarray:
    return input.max(dim, keepdims=True, initial=-np.inf)  # the initial value is for slices without elements
