"""Cases of ops/scatter.py and ops/strided.py: the law is a loop over what is written."""

from __future__ import annotations

import numpy as np

from . import Case, Positive

INDEX = np.array([[0, 1, 1], [1, 0, 1], [1, 0, 0]])  # along an axis of 2
MASK = np.array([[True, False, True], [False, False, True]])
ZEROS = np.array([[0.0, 2.0, 3.0], [1.5, 0.0, 1.0], [2.0, 0.0, -1.0]])
REDUCE = {"sum": np.sum, "prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min}


def np_scatter_reduce(x, dim, index, src, reduce, include_self=True):
    out = x.copy()
    for place in np.ndindex(*x.shape):
        here = [src[i] for i in np.ndindex(*index.shape) if (*i[:dim], index[i], *i[dim + 1 :]) == place]
        if here:
            out[place] = REDUCE[reduce]([*[x[place]] * include_self, *here])
    return out


def np_index_reduce(x, dim, index, source, reduce):
    whole = np.broadcast_to(index[:, None], source.shape)
    return np_scatter_reduce(x, dim, whole, source, reduce)


def written(x, src, index):
    out = x.copy()
    out[index] = src
    return out


def np_put(x, index, source, accumulate=False):
    out = x.copy()
    for i, value in zip(index, source, strict=True):
        out.flat[i] = out.flat[i] * accumulate + value
    return out


def np_masked_scatter(x, mask, source):
    out = x.copy()
    out[mask] = source.flat[: mask.sum()]
    return out


def seen(x, size, stride, storage_offset):
    out = np.zeros(size)
    for i in np.ndindex(*size):
        out[i] = x.flat[storage_offset + sum(a * s for a, s in zip(i, stride, strict=True))]
    return out


CASES = [
    *(Case("scatter_reduce", [Positive(2, 3), 0, INDEX, Positive(3, 3), reduce, ], dict(include_self=own),
           expected=np_scatter_reduce) for reduce in REDUCE for own in (True, False)),
    Case("scatter_reduce", [(2, 3), 0, INDEX, ZEROS, "prod"], expected=np_scatter_reduce, orders=1, note="zeros"),
    Case("index_reduce", [(3, 2), 0, np.array([1, 1, 0]), (3, 2), "amax"], expected=np_index_reduce),
    Case("masked_scatter", [(2, 3), MASK, (6,)], expected=np_masked_scatter),
    Case("select_scatter", [(2, 3), (2,), 1, -1], expected=lambda x, src, d, i: written(x, src, (slice(None), i))),
    Case("slice_scatter", [(5, 2), (2, 2), 0, 1, 5, 2], expected=lambda x, src, d, *s: written(x, src, slice(*s))),
    Case("diagonal_scatter", [(2, 3), (2,), 1], expected=lambda x, src, k: written(x, src, ([0, 1], [1, 2]))),
    Case("as_strided_scatter", [(3, 3), (3,)], dict(size=(3,), stride=(4,)),
         expected=lambda x, src, **_: written(x, src, ([0, 1, 2], [0, 1, 2]))),
    Case("put", [(2, 3), np.array([0, -1]), (2,)], expected=np_put),
    Case("put", [(2, 3), np.array([0, 4, 0]), (3,), True], expected=np_put),
    Case("as_strided", [(3, 4)], dict(size=(3, 3), stride=(3, 1), storage_offset=2), expected=seen),
]  # fmt: skip
