"""Softmax and cross-entropy, shifted by the maximum so that exp never overflows.

exp(x - max) / Σ exp(x - max) is the same number as exp(x) / Σ exp(x), and its largest term is 1.
A slice that is all -inf has no softmax: it gives NaN, as in PyTorch.

N rows (examples), C classes.
"""

from __future__ import annotations

import numpy as np

from ...arrays.plain import once
from .. import in_numpy
from . import silent
from .sums import sum


@in_numpy
@silent
def softmax(input: np.ndarray, dim: int) -> np.ndarray:
    """exp(input) / Σ exp(input) along dim        any shape -> the same"""
    powers = np.exp(input - _max(input, dim))
    powers /= sum(powers, (dim,), True)
    return powers


@in_numpy
@silent
def log_softmax(input: np.ndarray, dim: int) -> np.ndarray:
    """input - log Σ exp(input) along dim        any shape -> the same"""
    shifted = input - _max(input, dim)
    shifted -= np.log(sum(np.exp(shifted), (dim,), True))
    return shifted


@in_numpy
@silent
def softmax_backward(grad: np.ndarray, out: np.ndarray, dim: int) -> np.ndarray:
    """out · (grad - Σ grad · out) along dim        any shape twice -> the same"""
    return out * (grad - sum(grad * out, (dim,), True))


@in_numpy
@silent
def log_softmax_backward(grad: np.ndarray, out: np.ndarray, dim: int) -> np.ndarray:
    """grad - exp(out) · Σ grad along dim        any shape twice -> the same"""
    return grad - np.exp(out) * sum(grad, (dim,), True)


@in_numpy
@silent
def cross_entropy(input: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log Σ exp(input[n]) - input[n, target[n]]; highest[n] = max input[n]; powers[n] = Σ exp(input[n] - highest[n])

    (N,C) (N,) -> (N,), (N,), (N,)
    """
    highest = _max(input, 1)
    shifted = input - highest
    powers = sum(np.exp(shifted), (1,), False)
    return np.log(powers) - shifted[np.arange(len(input)), target], highest[:, 0], powers


@in_numpy
@silent
def cross_entropy_backward(
    grad: np.ndarray, input: np.ndarray, highest: np.ndarray, powers: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """(softmax(input) - onehot(target)) · grad        (N,) (N,C) (N,) (N,) (N,) -> (N,C)"""
    out = np.exp(input - highest[:, None])
    out /= powers[:, None]
    out[np.arange(len(out)), target] -= 1
    out *= grad[:, None]
    return out


def _max(input: np.ndarray, dim: int) -> np.ndarray:
    return once(input, (dim,)).max(dim, keepdims=True, initial=-np.inf)  # the initial value is of no elements
