"""Cases of ops/index.py and ops/gather.py."""

from __future__ import annotations

import numpy as np

from . import Case

ROWS, COLUMNS = np.array([0, 2, 0, -1]), np.array([1, 1, 1, 0])
MASK = np.array([[True, False, True], [False, False, True]])
INDEX = np.array([[0, 1, 1], [1, 0, 1]])  # along an axis of 2


def read(x, index):
    return x[index]


def written(x, value, index):
    out = x.copy()
    out[index] = value
    return out


def np_gather(x, dim, index):
    return np.take_along_axis(x, index, dim)


def np_scatter_add(x, dim, index, src):
    out = x.copy()
    for place in np.ndindex(index.shape):
        where = list(place)
        where[dim] = index[place]
        out[tuple(where)] += src[place]
    return out


def np_scatter(x, dim, index, src):
    out = x.copy()
    np.put_along_axis(out, index, src, dim)
    return out


def np_index_add(x, dim, index, source, alpha=1):
    out = np.moveaxis(x.copy(), dim, 0)
    for i, row in zip(index, np.moveaxis(source, dim, 0), strict=True):
        out[i] += alpha * row
    return np.moveaxis(out, 0, dim)


INDICES = [
    ("int", (3, 4), 1),
    ("negative int", (3, 4), (-1, -2)),
    ("slice", (5, 4), slice(1, None, 2)),
    ("slices", (5, 4), (slice(-4, 10), slice(None, -1))),
    ("empty slice", (5, 4), slice(3, 1)),
    ("none", (3, 4), (slice(None), None, 1)),
    ("ellipsis", (2, 3, 4), (..., slice(0, 2))),
    ("array", (3, 4), ROWS),
    ("list", (3, 4), [0, 0]),
    ("empty array", (3, 4), np.zeros(0, np.int64)),
    ("pairs", (3, 4), (ROWS, COLUMNS)),
    ("grid", (3, 4), (ROWS[:, None], COLUMNS[None])),
    ("slice and array", (3, 4), (slice(0, 2), ROWS)),
    ("arrays apart", (3, 4, 5), (ROWS, slice(None), COLUMNS)),
    ("array and none", (3, 4), (ROWS, None)),
    ("mask", (2, 3), MASK),
    ("mask of rows", (2, 3), np.array([True, False])),
    ("mask and int", (2, 3), (np.array([True, True]), 1)),
    ("mask and array", (2, 3), (np.array([True, True]), COLUMNS[:2])),
    ("mask in front", (2, 3, 4), (MASK, slice(1, 3))),
    ("true", (2, 3), True),
    ("false", (2, 3), False),
]

CASES = [
    *(Case("getitem", [shape], dict(index=index), expected=read, note=f" {name}") for name, shape, index in INDICES),
    # An int beside an array picks first, so the array's axes come where they stand: NumPy needs two steps.
    Case("getitem", [(3, 4, 5)], dict(index=(0, slice(None), COLUMNS)), expected=lambda x, index: x[0][:, COLUMNS]),
    Case("getitem", [(3, 4, 5)], dict(index=(ROWS, slice(None), 1)), expected=lambda x, index: x[:, :, 1][ROWS]),
    Case("setitem", [(3, 4), (4,)], dict(index=1), expected=written),
    Case("setitem", [(3, 4), ()], dict(index=(slice(0, 2), slice(None, None, 2))), expected=written),
    Case("setitem", [(3, 4), (3,)], dict(index=(np.array([0, 2, 1]), COLUMNS[:3])), expected=written),
    Case("setitem", [(3, 4), (1, 1, 4)], dict(index=slice(1, 3)), expected=written),
    Case("setitem", [(2, 3), (3,)], dict(index=MASK), expected=written),
    Case("setitem", [(3, 4), 2.5], dict(index=(..., 0)), expected=written),
    Case("fill", [(2, 3), ()], expected=lambda x, value: np.full_like(x, value)),
    Case(
        "index_put",
        [(3, 4)],
        dict(indices=(np.array([0, 2]),), values=1.5),
        expected=lambda x, **_: written(x, 1.5, [0, 2]),
    ),
    Case("masked_fill", [(2, 3)], dict(mask=MASK, value=0.5), expected=lambda x, mask, value: np.where(mask, 0.5, x)),
    Case("masked_select", [(2, 3)], dict(mask=MASK), expected=lambda x, mask: x[mask]),
    Case("nonzero", [MASK], expected=np.argwhere, orders=0),
    Case("gather", [(2, 3)], dict(dim=0, index=INDEX), expected=np_gather),
    Case(
        "gather", [(4, 3)], dict(dim=-1, index=INDEX[:, :2]), expected=lambda x, dim, index: np_gather(x[:2], 1, index)
    ),
    Case(
        "take_along_dim",
        [(2, 3)],
        dict(indices=INDEX[:, :1], dim=1),
        expected=lambda x, indices, dim: np.take_along_axis(x, indices, 1),
    ),
    Case("scatter_add", [(2, 3), 0, INDEX, (2, 3)], expected=np_scatter_add),
    Case("scatter_add", [(2, 3), 1, INDEX[:, :2], (2, 4)], expected=np_scatter_add, note=" larger src"),
    Case("scatter", [(2, 4), 1, np.array([[0, 3], [2, 1]]), (2, 2)], expected=np_scatter),
    Case("scatter", [(2, 4), 1, np.array([[0, 3], [2, 1]]), 1.5], expected=np_scatter),
    Case("index_select", [(2, 3)], dict(dim=1, index=np.array([2, 0, 2])), expected=lambda x, dim, index: x[:, index]),
    Case("index_add", [(3, 2), 0, np.array([1, 1, 0]), (3, 2)], dict(alpha=2.0), expected=np_index_add),
    Case("index_add", [(2, 3), 1, np.array([2, 2]), (2, 2)], expected=np_index_add),
    Case("index_copy", [(3, 2), 0, np.array([2, 0]), (2, 2)], expected=lambda x, d, i, s: written(x, s, i)),
    Case("index_fill", [(3, 2), 0, np.array([2, 0]), 1.5], expected=lambda x, d, i, v: written(x, v, i)),
    Case(
        "place_factors",
        [(3,), (2,)],
        dict(places=(np.array([0, 0]),)),
        expected=lambda x, src, places: x * [src[0] * src[1], 1, 1],
        orders=0,
    ),
    Case("take", [(2, 3)], dict(index=np.array([[5, 0], [0, -1]])), expected=lambda x, index: x.reshape(-1)[index]),
    Case(
        "one_hot",
        [np.array([[0, 2], [1, 0]])],
        dict(num_classes=4),
        expected=lambda i, num_classes: np.eye(4)[i],
        orders=0,
    ),
]
