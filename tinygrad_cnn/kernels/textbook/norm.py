"""Batch normalization, channel by channel: a channel is all its numbers, of all images and pixels."""

from __future__ import annotations

import numpy as np

from .. import law


@law
def batch_norm(input, weight, bias, eps, running=None):
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) -> (N,C,...), (C,), (C,)

    mean and var are those of each channel over the batch and all pixels; var is the biased one, divided
    by the number of elements. Also returns mean and invstd = 1 / √(var + eps). Weight and bias may be None.
    running: None, or (running_mean, running_var, momentum); they are moved in place by the part momentum towards
    mean and the unbiased variance, divided by one less than the number of elements. (Ioffe and Szegedy, 2015.)

    >>> out, mean, invstd = batch_norm(np.array([[1.0], [3.0]]), None, None, 0.0)
    >>> out.ravel(), mean, invstd
    (array([-1.,  1.]), array([2.]), array([1.]))
    """
    C = input.shape[1]
    mean, invstd = np.zeros(C), np.zeros(C)
    for c in range(C):
        x = input[:, c]
        mean[c], var = _mean(x), _mean((x - _mean(x)) ** 2)
        invstd[c] = 1 / np.sqrt(var + eps)
        if running is not None and x.size:
            running_mean, running_var, momentum = running
            running_mean[c] += momentum * (mean[c] - running_mean[c])
            running_var[c] += momentum * (var * x.size / max(x.size - 1, 1) - running_var[c])
    out = normalized(input, weight, bias, mean, invstd)
    return out, mean.astype(input.dtype), invstd.astype(input.dtype)


@law
def batch_norm_backward(grad, input, weight, mean, invstd):
    """weight·invstd·(grad - ⟨grad⟩ - x̂·⟨grad·x̂⟩), Σ grad·x̂, Σ grad        (N,C,...) (N,C,...) -> (N,C,...), (C,), (C,)

    Here x̂ = (input - mean)·invstd, and ⟨ ⟩ is the mean of each channel: the batch's own mean and variance
    depend on the input as well, and these two terms are what they send back.

    >>> x, mean, invstd = np.array([[1.0], [3.0], [5.0]]), np.array([3.0]), np.sqrt(np.array([3 / 8]))
    >>> d_input, d_weight, d_bias = batch_norm_backward(x, x, None, mean, invstd)  # along x̂ nothing comes back
    >>> np.abs(d_input.ravel()).round(12), d_bias
    (array([0., 0., 0.]), array([9.]))
    """
    C, dtype = input.shape[1], input.dtype
    d_input, d_weight, d_bias = np.zeros_like(input), np.zeros(C, dtype), np.zeros(C, dtype)
    standard = normalized(input, None, None, mean, invstd)
    for c in range(C):
        g, x = grad[:, c], standard[:, c]
        d_weight[c] = _sum(g * x)
        d_bias[c] = _sum(g)
        scale = invstd[c] * (1 if weight is None else weight[c])
        d_input[:, c] = scale * (g - _mean(g) - x * _mean(g * x))
    return d_input, d_weight, d_bias


@law
def batch_norm_eval(input, weight, bias, mean, invstd):
    """(input - mean)·invstd·weight + bias by statistics that are known        (N,C,...) 4 times (C,) -> (N,C,...)

    >>> batch_norm_eval(np.array([[1.0], [4.0]]), None, np.array([0.5]), np.array([1.0]), np.array([2.0])).ravel()
    array([0.5, 6.5])
    """
    return normalized(input, weight, bias, mean, invstd)


@law
def channel_sums(input):
    """Σ input[n,c,...] over all but c        (N,C,...) -> (C,)

    >>> channel_sums(np.arange(8.0).reshape(2, 2, 2))
    array([10., 18.])
    """
    return np.array([_sum(input[:, c]) for c in range(input.shape[1])], input.dtype)


def normalized(input, weight, bias, mean, invstd):
    """(input - mean)·invstd·weight + bias, channel by channel        (N,C,...) (C,) (C,) (C,) (C,) -> (N,C,...)"""
    out = np.zeros_like(input)
    for c in range(input.shape[1]):
        scale, shift = 1 if weight is None else weight[c], 0 if bias is None else bias[c]
        out[:, c] = (input[:, c] - mean[c]) * invstd[c] * scale + shift
    return out


def _sum(x):
    """Σ x, in float64."""
    return np.sum(x, dtype=np.float64)


def _mean(x):
    """Σ x / how many they are; 0 of nothing."""
    return _sum(x) / max(1, x.size)
