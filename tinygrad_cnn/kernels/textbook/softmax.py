"""Softmax and cross-entropy, row by row, shifted by the maximum so that exp never overflows.

exp(x - max) / Σ exp(x - max) is the same number as exp(x) / Σ exp(x), and its largest term is 1.
A row that is all -inf has no softmax: it gives NaN, as in PyTorch.

N rows (examples), C classes.
"""

from __future__ import annotations

import numpy as np

from .. import law


@law
def softmax(input, dim):
    """exp(input) / Σ exp(input) along dim        any shape -> the same

    >>> softmax(np.log(np.array([1.0, 3.0])), 0)
    array([0.25, 0.75])
    """
    out = np.zeros_like(input)
    for row, result in _rows(input, out, dim):
        powers = np.exp(row - _max(row))
        result[...] = powers / np.sum(powers)
    return out


@law
def log_softmax(input, dim):
    """input - log Σ exp(input) along dim        any shape -> the same

    >>> np.exp(log_softmax(np.log(np.array([1.0, 3.0])), 0))
    array([0.25, 0.75])
    """
    out = np.zeros_like(input)
    for row, result in _rows(input, out, dim):
        shifted = row - _max(row)
        result[...] = shifted - np.log(np.sum(np.exp(shifted)))
    return out


@law
def softmax_backward(grad, out, dim):
    """out · (grad - Σ grad · out) along dim        any shape twice -> the same

    >>> softmax_backward(np.array([1.0, 0.0]), np.array([0.5, 0.5]), 0)
    array([ 0.25, -0.25])
    """
    return out * (grad - np.sum(grad * out, axis=dim, keepdims=True))


@law
def log_softmax_backward(grad, out, dim):
    """grad - exp(out) · Σ grad along dim        any shape twice -> the same

    >>> log_softmax_backward(np.array([1.0, 0.0]), np.log([0.5, 0.5]), 0)
    array([ 0.5, -0.5])
    """
    return grad - np.exp(out) * np.sum(grad, axis=dim, keepdims=True)


@law
def cross_entropy(input, target):
    """log Σ exp(input[n]) - input[n, target[n]]; highest[n] = max input[n]; powers[n] = Σ exp(input[n] - highest[n])

    (N,C) (N,) -> (N,), (N,), (N,). The softmax is exp(input - highest) / powers. Its logarithm is not made from
    log Σ exp(input) = highest + log powers: a large maximum would swallow the digits of the other term.

    >>> losses, highest, powers = cross_entropy(np.log(np.array([[1.0, 3.0]])), np.array([1]))
    >>> np.exp(-losses), np.exp(highest) * powers
    (array([0.75]), array([4.]))
    """
    losses, highest, powers = np.zeros((3, len(input)), input.dtype)
    for n, row in enumerate(input):
        highest[n] = _max(row)
        powers[n] = np.sum(np.exp(row - highest[n]))
        losses[n] = np.log(powers[n]) - (row[target[n]] - highest[n])
    return losses, highest, powers


@law
def cross_entropy_backward(grad, input, highest, powers, target):
    """(softmax(input) - onehot(target)) · grad        (N,) (N,C) (N,) (N,) (N,) -> (N,C)

    highest and powers are those of cross_entropy.

    >>> x = np.log(np.array([[1.0, 4.0]]))
    >>> cross_entropy_backward(np.ones(1), x, np.log(np.array([4.0])), np.array([1.25]), np.array([1]))
    array([[ 0.2, -0.2]])
    """
    out = np.zeros_like(input)
    for n, row in enumerate(input):
        out[n] = np.exp(row - highest[n]) / powers[n]
        out[n, target[n]] -= 1
        out[n] *= grad[n]
    return out


def _rows(input, out, dim):
    """Each run of numbers along dim, with the one of the result."""
    x, y = np.moveaxis(input, dim, -1), np.moveaxis(out, dim, -1)
    for at in np.ndindex(x.shape[:-1]):
        yield x[at], y[at]


def _max(row):
    return row.max(initial=-np.inf)  # which is the maximum of nothing
