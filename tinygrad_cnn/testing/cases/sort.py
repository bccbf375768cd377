"""Order: the law is Python's `sorted`, slice by slice."""

from __future__ import annotations

from collections import Counter

import numpy as np

from . import Case, Labels

TIES = np.array([[2.0, 1.0, 2.0, 1.0], [0.0, 0.0, -1.0, 5.0]])
WORDS = np.array([[3, 1, 3], [0, 1, 3]])


def ranked(input, dim=-1, descending=False, stable=False):
    def places(x):
        return np.array(sorted(range(len(x)), key=lambda i: -x[i] if descending else x[i]))

    order = np.apply_along_axis(places, dim, input)
    return np.take_along_axis(input, order, dim), order


def topk(input, k, dim=-1, largest=True):
    return tuple(np.take(a, range(k), dim) for a in ranked(input, dim, largest))


def kth(input, k, dim=-1, keepdim=False):
    return tuple(np.take(a, [k - 1] if keepdim else k - 1, dim) for a in ranked(input, dim))


def histogram(input, bins=100, min=0, max=0):
    inside = [(x - min) / (max - min) for x in input.flat if min <= x <= max]
    counts = Counter(int(x * bins) if x < 1 else bins - 1 for x in inside)
    return np.array([float(counts[i]) for i in range(bins)])


CASES = [
    Case("sort", [(2, 4)], expected=ranked),
    Case("sort", [(2, 4), 0, True], expected=ranked),
    Case("sort", [TIES, 1, True, True], orders=0, note="ties", expected=ranked),
    Case("msort", [(4, 2)], expected=lambda x: ranked(x, 0)[0]),
    Case("argsort", [(2, 4)], orders=0, expected=lambda x: ranked(x)[1]),
    Case("topk", [(2, 4), 3], expected=topk),
    Case("topk", [(4, 2), 2, 0, False], expected=topk),
    Case("kthvalue", [(2, 4), 3], expected=kth),
    Case("kthvalue", [(4, 2), 1, 0, True], expected=kth),
    Case("median", [(2, 4)], expected=lambda x: sorted(x.flat)[3]),
    Case("median", [(2, 5)], {"dim": 1}, expected=lambda x, dim: kth(x, 3)),
    Case("median", [(4, 2)], {"dim": 0, "keepdim": True}, expected=lambda x, dim, keepdim: kth(x, 2, 0, True)),
    Case("unique", [WORDS], orders=0, expected=lambda x: np.array([0, 1, 3])),
    Case("unique", [WORDS], {"return_inverse": True, "return_counts": True}, orders=0,
         expected=lambda x, **_: (np.array([0, 1, 3]), np.array([[2, 1, 2], [0, 1, 2]]), np.array([1, 2, 3]))),
    Case("bincount", [Labels(9, classes=4)], orders=0,
         expected=lambda x: np.array([list(x).count(i) for i in range(max(x) + 1)])),
    Case("bincount", [Labels(9, classes=4), (9,), 6], orders=0,
         expected=lambda x, w, n: np.array([float(sum(w[x == i])) for i in range(n)])),
    Case("histc", [(3, 5), 4, -1, 1], orders=0, expected=histogram),
]  # fmt: skip
