"""Normalization within each example: the channels are split into groups, each of mean 0 and variance 1 by itself.

One group of one example is what layer norm asks for, a group for each channel is instance norm.
"""

from __future__ import annotations

import numpy as np

from .. import law


@law
def group_norm(input, weight, bias, groups, eps, centered):
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) -> (N,C,...), (N,G), (N,G)

    mean and var are those of each group of channels in each example; var is the biased one. Also returns mean and
    invstd = 1 / √(var + eps). Weight and bias may be None. (Wu and He, 2018.)
    Not centered, mean is 0, and var the mean of input²: RMS norm. (Zhang and Sennrich, 2019.)

    >>> out, mean, invstd = group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), None, None, 2, 0.0, True)
    >>> out.ravel(), mean.ravel()
    (array([-1.,  1., -1.,  1.]), array([ 2., 20.]))
    """
    N, C = input.shape[:2]
    out, mean, invstd = np.zeros_like(input), np.zeros((N, groups)), np.zeros((N, groups))
    for n, group, channels in _groups(N, C, groups):
        x = input[n, channels].astype(np.float64)
        mean[n, group] = _mean(x) if centered else 0
        invstd[n, group] = 1 / np.sqrt(_mean((x - mean[n, group]) ** 2) + eps)
        for c in range(C)[channels]:
            scale, shift = 1 if weight is None else weight[c], 0 if bias is None else bias[c]
            out[n, c] = (input[n, c] - mean[n, group]) * invstd[n, group] * scale + shift
    return out, mean.astype(input.dtype), invstd.astype(input.dtype)


@law
def group_norm_backward(grad, input, weight, mean, invstd, centered):
    """invstd·(g - ⟨g⟩ - x̂·⟨g·x̂⟩), Σ grad·x̂, Σ grad        (N,C,...) (N,C,...) -> (N,C,...), (C,), (C,)

    Here g = grad·weight, x̂ = (input - mean)·invstd, and ⟨ ⟩ is the mean of each group: mean and variance depend on
    the input as well, and these two terms are what they send back; that of the mean only where there is one.

    >>> x, mean, invstd = np.array([[1.0, 3.0, 5.0]]), np.array([[3.0]]), np.sqrt(np.array([[3 / 8]]))
    >>> d_input, d_weight, d_bias = group_norm_backward(x, x, None, mean, invstd, True)  # along x̂ nothing comes back
    >>> np.abs(d_input.ravel()).round(12), d_bias
    (array([0., 0., 0.]), array([1., 3., 5.]))
    """
    N, C = input.shape[:2]
    d_input, d_weight, d_bias = np.zeros_like(input), np.zeros(C), np.zeros(C)
    for n, group, channels in _groups(N, C, mean.shape[1]):
        standard = (input[n, channels].astype(np.float64) - mean[n, group]) * invstd[n, group]
        g = grad[n, channels].astype(np.float64)
        for k, c in enumerate(range(C)[channels]):
            d_weight[c] += np.sum(g[k] * standard[k])
            d_bias[c] += np.sum(g[k])
            g[k] *= 1 if weight is None else weight[c]
        share = _mean(g) if centered else 0
        d_input[n, channels] = invstd[n, group] * (g - share - standard * _mean(g * standard))
    return d_input, d_weight.astype(input.dtype), d_bias.astype(input.dtype)


def _groups(N, C, groups):
    """Each example, each group, and which channels are in it."""
    for n in range(N):
        for group in range(groups):
            yield n, group, slice(group * C // groups, (group + 1) * C // groups)


def _mean(x):
    """Σ x / how many they are; 0 of nothing."""
    return np.sum(x) / max(1, x.size)
