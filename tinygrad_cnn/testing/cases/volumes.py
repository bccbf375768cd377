"""Volumes: the law is a window cut out by NumPy for every output number."""

from __future__ import annotations

import itertools

import numpy as np

from . import Case

ALL = (slice(None), slice(None))  # of examples and channels


def three(value):
    return (value,) * 3 if isinstance(value, int) else tuple(value)


def windows(input, window, stride, padding, dilation=(1, 1, 1)):
    """(output index, the window there) of every window, on an input with zeros around it."""
    x = np.pad(input, ((0, 0), (0, 0), *((p, p) for p in padding)))
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], window, stride, dilation)]
    for at in itertools.product(*map(range, counts)):
        spots = (slice(p * s, p * s + d * (k - 1) + 1, d) for p, k, s, d in zip(at, window, stride, dilation))
        yield at, x[ALL + tuple(spots)]


def filled(found):
    found = list(found)
    out = np.zeros((*found[0][1].shape, *(n + 1 for n in found[-1][0])))
    for at, value in found:
        out[ALL + at] = value
    return out


def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1):
    seen = windows(input, weight.shape[2:], three(stride), three(padding), three(dilation))
    out = filled((at, np.einsum("ncdhw,ocdhw->no", x, weight)) for at, x in seen)
    return out if bias is None else out + bias[:, None, None, None]


def conv_transpose3d(input, weight, stride=1):
    s, window = three(stride), weight.shape[2:]
    sizes = [(n - 1) * step + k for n, step, k in zip(input.shape[2:], s, window)]
    out = np.zeros((len(input), weight.shape[1], *sizes))
    for at in np.ndindex(*input.shape[2:]):
        spots = tuple(slice(p * step, p * step + k) for p, step, k in zip(at, s, window))
        out[ALL + spots] += np.einsum("nc,codhw->nodhw", input[ALL + at], weight)
    return out


def pooled(f):
    def pool(input, kernel_size, stride=None, padding=0):
        seen = windows(input, three(kernel_size), three(stride or kernel_size), three(padding))
        return filled((at, f(x, (2, 3, 4))) for at, x in seen)

    return pool


CASES = [
    Case(
        "conv3d", [(2, 2, 3, 4, 3), (3, 2, 2, 2, 1), (3,)], dict(stride=(1, 2, 1), padding=(1, 0, 1)), expected=conv3d
    ),
    Case("conv3d", [(1, 2, 4, 3, 3), (1, 2, 2, 1, 2)], dict(dilation=(2, 1, 1)), expected=conv3d),
    Case("conv_transpose3d", [(1, 2, 2, 1, 2), (2, 3, 2, 2, 1)], dict(stride=2), expected=conv_transpose3d),
    Case("max_pool3d", [(1, 2, 4, 3, 4)], dict(kernel_size=2, stride=1), expected=pooled(np.max)),
    Case("avg_pool3d", [(1, 2, 4, 3, 4)], dict(kernel_size=(2, 3, 2), padding=1), expected=pooled(np.mean)),
]
