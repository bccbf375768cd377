"""Reductions: the law is a loop over the slices that are reduced, with Python's own sums."""

from __future__ import annotations

import math

import numpy as np

from . import Case, Positive

ZERO = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [1.5, -2.0, 4.0]])
TIES = np.array([[2.0, 3.0, 3.0], [-1.0, 3.0, -1.0]])
GAPS = np.array([[1.0, np.nan, 3.0], [np.nan, 5.0, 6.0]])
COUNTS = np.array([[3, 0, 2], [0, 0, 7]])


def over_slices(formula):
    """A function of a list of numbers, made a reduction along `dim`."""

    def reduction(input, *more, dim=None, keepdim=False, **attributes):
        every = range(input.ndim)
        dims = every if dim is None else [d % input.ndim for d in (dim if isinstance(dim, tuple) else (dim,))]
        shape = [1 if i in dims else n for i, n in enumerate(input.shape)]
        out = np.zeros(shape)
        for at in np.ndindex(*shape):
            index = tuple(slice(None) if i in dims else j for i, j in zip(every, at, strict=True))
            out[at] = formula(list(input[index].flat), *more, **attributes)
        return out if keepdim else out.reshape([n for i, n in enumerate(input.shape) if i not in dims])

    return reduction


def variance(x, correction=1):
    mean = math.fsum(x) / len(x)
    return math.fsum((v - mean) ** 2 for v in x) / (len(x) - correction)


def norm(x, p=2):
    if p == math.inf:
        return max(map(abs, x))
    if p == -math.inf:
        return min(map(abs, x))
    return sum(v != 0 for v in x) if p == 0 else math.fsum(abs(v) ** p for v in x) ** (1 / p)


mean = over_slices(lambda x: math.fsum(x) / len(x))
var, std = over_slices(variance), over_slices(lambda x, correction=1: math.sqrt(variance(x, correction)))
vector_norm = over_slices(norm)
logsumexp = over_slices(lambda x: math.log(math.fsum(map(math.exp, x))))


def along(op, formula, shape=(2, 3, 2), dims=(None, 1, -1, (0, 2)), **attributes):
    """Cases for whole, for one axis and for several, with and without keepdim."""
    expected = over_slices(formula)
    whole = [Case(op, [shape], attributes, expected=expected)] if None in dims else []
    return whole + [
        Case(op, [shape], {"dim": d, "keepdim": keepdim, **attributes}, expected=expected)
        for d, keepdim in zip([d for d in dims if d is not None], [True, False] * len(dims), strict=False)
    ]


def chosen(op, choose):
    """Values and places along an axis."""

    def expected(input, dim, keepdim=False):
        places = choose(input, axis=dim, keepdims=True)
        values = np.take_along_axis(input, places, dim)
        return (values, places) if keepdim else (values.squeeze(dim), places.squeeze(dim))

    return [Case(op, [(2, 3), 1], expected=expected), Case(op, [(2, 3), 0, True], expected=expected)]


def rotation(x):
    """The orthogonal factor of the polar decomposition: x·(xᵀx)^(-1/2)."""
    values, vectors = np.linalg.eigh(x.T @ x)
    return x @ vectors @ np.diag(values**-0.5) @ vectors.T


CASES = [
    Case("nuclear_norm", [(3, 4)], dict(dim=(0, 1)), expected=lambda x, dim: np.linalg.norm(x, "nuc"), orders=1),
    Case(
        "nuclear_norm",
        [(3, 2, 4)],
        dict(dim=(0, 2)),
        expected=lambda x, dim: np.linalg.norm(x, "nuc", axis=dim),
        orders=1,
    ),
    Case("_rotation", [(3, 3)], dict(dim=(0, 1)), expected=lambda x, dim: rotation(x), orders=0),
    Case("_rotation", [(4, 2)], dict(dim=(0, 1)), expected=lambda x, dim: rotation(x), orders=0),
    Case("_rotation", [(2, 4)], dict(dim=(1, 0)), expected=lambda x, dim: rotation(x.T).T, orders=0),
    *along("sum", math.fsum),
    Case("sum", [()], expected=over_slices(math.fsum)),
    Case("sum", [COUNTS], {"dim": 0}, expected=over_slices(sum), orders=0),
    *along("mean", lambda x: math.fsum(x) / len(x)),
    *along("prod", math.prod, dims=(None, 1, -1), shape=(2, 3)),
    Case("prod", [ZERO], {"dim": 1}, expected=over_slices(math.prod), note="zeros"),
    Case("prod", [ZERO], {"dim": 0, "keepdim": True}, expected=over_slices(math.prod), note="zeros"),
    Case("prod", [()], expected=over_slices(math.prod)),
    Case("nansum", [GAPS], {"dim": 1}, orders=0, expected=over_slices(lambda x: sum(v for v in x if v == v))),
    Case("nansum", [(2, 3)], expected=over_slices(math.fsum)),
    Case(
        "nanmean",
        [GAPS],
        {"dim": 0},
        orders=0,
        expected=over_slices(lambda x: sum(v for v in x if v == v) / sum(v == v for v in x)),
    ),
    Case("count_nonzero", [COUNTS], expected=over_slices(lambda x: sum(v != 0 for v in x)), orders=0),
    Case("count_nonzero", [COUNTS], {"dim": 1}, expected=over_slices(lambda x: sum(v != 0 for v in x)), orders=0),
    *along("amax", max),
    *along("amin", min),
    Case("amax", [TIES], {"dim": 1}, expected=over_slices(max), orders=0, note="ties"),
    Case("argmax", [(2, 3)], expected=lambda x: np.argmax(x), orders=0),
    Case("argmax", [(2, 3), 1], expected=lambda x, dim: np.argmax(x, dim), orders=0),
    Case(
        "argmin",
        [(2, 3)],
        {"dim": 0, "keepdim": True},
        orders=0,
        expected=lambda x, dim, keepdim: np.expand_dims(np.argmin(x, dim), dim),
    ),
    Case("max", [(2, 3)], expected=over_slices(max)),
    Case("min", [(2, 3)], expected=over_slices(min)),
    Case("max", [()], expected=over_slices(max)),
    *chosen("max", np.argmax),
    *chosen("min", np.argmin),
    Case("aminmax", [(2, 3)], {"dim": 1}, expected=lambda x, dim: (x.min(dim), x.max(dim))),
    *along("logsumexp", lambda x: math.log(math.fsum(map(math.exp, x))), dims=(1, -1, (0, 2))),
    *along("var", variance),
    *along("var", variance, dims=(1, (0, 2)), correction=0),
    *along("std", lambda x, correction=1: math.sqrt(variance(x, correction))),
    *along("std", lambda x, correction=1: math.sqrt(variance(x, correction)), dims=(1,), correction=2),
    Case("var_mean", [(2, 3)], {"dim": 1}, expected=lambda x, dim: (var(x, dim=dim), mean(x, dim=dim))),
    Case("std_mean", [(2, 3)], {"dim": 0}, expected=lambda x, dim: (std(x, dim=dim), mean(x, dim=dim))),
    *[
        case
        for p in (1, 2, 3, 1.5, math.inf, -math.inf)
        for case in along("norm", norm, dims=(None, 1), shape=(2, 3), p=p)
    ],
    Case("norm", [(2, 3), 2], {"dim": (0, 1), "keepdim": True}, expected=vector_norm),
    Case("norm", [ZERO, 0, 1], expected=lambda x, p, dim: vector_norm(x, 0, dim=dim), orders=0),
    Case("norm", [ZERO, 0.5], expected=lambda x, p: vector_norm(x, p), orders=0, note="zeros"),
    Case("norm", [(2, 3)], expected=vector_norm),
    Case("norm", [Positive(4), -1], expected=vector_norm),
]
