"""Sums of many numbers that keep their digits, along every axis.

Added one after the other, n numbers lose up to n·ε of their sum: of 4,000,000 times 0.1 in float32, 4 %. NumPy adds
in pairs, which loses log n · ε, but only along the axis that is dense in memory. Any other long axis is folded here:
a few slabs of it, each a few hundredths as long, are laid on each other like sheets of paper, and again, until it
is short. A slab is one run of memory, so this is also quicker than line by line.
"""

from __future__ import annotations

import math

import numpy as np

from .. import in_numpy
from . import silent

FEW = 16  # so many slabs may be added one after the other


@in_numpy
def sum(input: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """Σ input over these axes        any shape -> the same without them, or with length 1 under keepdims

    The order of the additions, and so the last digit, depends on shape and strides alone.
    """
    ndim = input.ndim
    in_pairs = ndim == 1 or (input.flags.c_contiguous and (len(axes) == ndim or axes == (ndim - 1,)))
    if in_pairs or math.prod([input.shape[i] for i in axes]) <= 4 * FEW:
        return np.add.reduce(input, axis=axes, keepdims=keepdims)  # type: ignore[call-overload]
    if axes == (0,) and not keepdims and input.flags.c_contiguous:  # as for the bias of a layer
        return _folded(input)
    order = sorted(range(input.ndim), key=lambda i: -abs(input.strides[i]))  # from the slowest to the fastest in memory
    x, added = _merged(input.transpose(order), [i in axes for i in order])
    while math.prod([n for n, a in zip(x.shape[:-1], added) if a]) > FEW:  # NumPy adds the last axis in pairs
        x = _folded(np.moveaxis(x, added.index(True), 0))
        added.remove(True)
    total = np.add.reduce(x, axis=tuple([i for i, a in enumerate(added) if a]))
    kept = [i for i in order if i not in axes]
    total = total.reshape([input.shape[i] for i in kept]).transpose(np.argsort(kept))
    return total.reshape([1 if i in axes else n for i, n in enumerate(input.shape)]) if keepdims else total


def _merged(x: np.ndarray, added: list[bool]) -> tuple[np.ndarray, list[bool]]:
    """Neighbouring axes with one flag, seen as one axis where memory allows; axes of length 1 left out.

    >>> x, added = _merged(np.zeros((2, 3, 4, 1, 5)), [True, True, False, True, True])
    >>> x.shape, added
    ((6, 4, 5), [True, False, True])
    """
    shape: list[int] = []
    flags: list[bool] = []
    before = 0
    for n, stride, flag in zip(x.shape, x.strides, added, strict=True):
        if n == 1:
            continue
        if flags and flags[-1] == flag and before == n * stride:
            shape[-1] *= n
        else:
            shape.append(n)
            flags.append(flag)
        before = stride
    return x.reshape(shape), flags


def _folded(x: np.ndarray) -> np.ndarray:
    """Σ x along the first axis: slabs of it laid on each other, until it is short        (n, ...) -> (...)

    >>> _folded(np.arange(200.0).reshape(100, 2))
    array([ 9900., 10000.])
    """
    while len(x) > FEW:
        length = -(-len(x) // FEW)
        end = len(x) // length * length
        whole, rest = x[:end], x[end:]  # the rest is shorter than a slab
        x = np.add.reduce(whole.reshape(end // length, length, *x.shape[1:]), axis=0)
        x[: len(rest)] += rest
    return np.add.reduce(x, axis=0)


FOLDS = {"prod": np.multiply, "max": np.maximum, "min": np.minimum}


@in_numpy
def fold(input: np.ndarray, how: str, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """The sum, squares (their sum), prod, max or min over these axes        any shape -> as of `sum`"""
    if how in FOLDS:
        return FOLDS[how].reduce(input, axis=axes, keepdims=keepdims)  # type: ignore[call-overload]
    return sum(input * input if how == "squares" else input, axes, keepdims)


@in_numpy
@silent
def variance(input: np.ndarray, axes: tuple[int, ...], freedom: float, root: bool, keepdims: bool) -> np.ndarray:
    """Σ (input - mean)² / freedom over these axes, or its root        any shape -> as of `sum`

    Of float32 in float64, which holds every square of it. The mean is finite even where the sum is not.
    """
    wide = input.astype(np.float64) if input.dtype == np.float32 else input
    n = math.prod([input.shape[i] for i in axes])
    mean = sum(wide, axes, True) / n
    if not np.isfinite(mean).all():
        mean = sum(wide / n, axes, True)
    apart = wide - mean
    found = np.true_divide(sum(apart * apart, axes, keepdims), freedom)
    return (np.sqrt(found) if root else found).astype(input.dtype)


@in_numpy
def sums_at(values: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    """Σ values[i] over all i with places[i] = k        (n, ...) ints (n,) -> (count, ...)

    One place may get all of them, one after the other, so float32 is added up in float64.
    """
    if len(places) < count // 4:  # most places get nothing
        used, which = np.unique(places, return_inverse=True)
        out = np.zeros((count, *values.shape[1:]), values.dtype)
        out[used] = sums_at(values, which, len(used))
        return out
    wide = np.result_type(values.dtype, np.float64) if values.dtype.kind in "fc" else values.dtype
    out = np.zeros((count, *values.shape[1:]), wide)
    np.add.at(out, places, values.astype(wide, copy=False))
    return out.astype(values.dtype, copy=False)
