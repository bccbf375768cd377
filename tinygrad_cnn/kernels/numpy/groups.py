"""Normalization within each example, of groups of channels: G groups of C/G channels, each with all its pixels."""

from __future__ import annotations

import math

import numpy as np

from .. import in_numpy
from . import silent
from .sums import sum


@in_numpy
@silent
def group_norm(
    input: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, groups: int, eps: float, centered: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) -> (N,C,...), (N,G), (N,G)"""
    out, mean, invstd = _standard(_grouped(input, groups), eps, centered)
    out = out.reshape(input.shape)
    if weight is not None:
        out *= _along(weight, input)
    if bias is not None:
        out += _along(bias, input)
    return out, mean.reshape(len(input), groups), invstd.reshape(len(input), groups)


def _standard(x: np.ndarray, eps: float, centered: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    over = tuple(range(2, x.ndim))
    n = max(1, math.prod(x.shape[2:]))
    mean = sum(x, over, True) / n if centered else np.zeros((*x.shape[:2], *(1,) * len(over)), x.dtype)
    distance = x - mean
    var = sum(np.square(distance), over, True) / n
    if x.dtype == np.float32 and not np.isfinite(np.add.reduce(var, axis=None)):  # beyond the range of float32
        out, mean, invstd = (a.astype(np.float32) for a in _standard(x.astype(np.float64), eps, centered))
        return out, mean, invstd
    invstd = 1 / np.sqrt(var + var.dtype.type(eps))
    distance *= invstd
    return distance, mean, invstd


@in_numpy
@silent
def group_norm_backward(
    grad: np.ndarray,
    input: np.ndarray,
    weight: np.ndarray | None,
    mean: np.ndarray,
    invstd: np.ndarray,
    centered: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """invstd·(g - ⟨g⟩ - x̂·⟨g·x̂⟩), Σ grad·x̂, Σ grad        (N,C,...) (N,C,...) -> (N,C,...), (C,), (C,)

    x̂ is made again, for the result may have been changed in place, as by a ReLU.
    """
    groups = mean.shape[1]
    x = _grouped(input, groups)
    each, over, all_but_channels = (
        (*mean.shape, *(1,) * (x.ndim - 2)),
        tuple(range(2, x.ndim)),
        (0, *range(2, input.ndim)),
    )
    n, invstd = max(1, math.prod(x.shape[2:])), invstd.reshape(each)
    standard = x - mean.reshape(each)
    standard *= invstd
    d_weight = sum(grad * standard.reshape(input.shape), all_but_channels, False)
    d_bias = sum(grad, all_but_channels, False)
    g = _grouped(grad if weight is None else grad * _along(weight, input), groups)
    standard *= sum(g * standard, over, True) / n
    d_input = g - standard
    if centered:
        d_input -= sum(g, over, True) / n
    d_input *= invstd
    return d_input.reshape(input.shape), d_weight, d_bias


def _grouped(x: np.ndarray, groups: int) -> np.ndarray:
    """(N,C,...) -> (N,G,C/G,...)"""
    N, C, *pixels = x.shape
    return x.reshape(N, groups, C // groups, *pixels)


def _along(values: np.ndarray, input: np.ndarray) -> np.ndarray:
    """(C,) -> (C,1,...), which stands beside (N,C,...)"""
    return values.reshape(-1, *(1,) * (input.ndim - 2))
