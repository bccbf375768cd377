"""Cases of ops/statistics.py, histogram.py and calculus.py: the law is NumPy's function, or a loop over one slice."""

from __future__ import annotations

from collections import Counter

import numpy as np

from . import Case

TIES = np.array([[2.0, 1.0, 2.0, 1.0], [0.0, -1.0, -1.0, 5.0]])
GAPS = np.array([[2.0, np.nan, 7.0, 1.0], [np.nan, 0.5, np.nan, 5.0]])
SHARES = np.array([0.05, 0.33, 0.75, 0.9])
TIMES = np.array([0.0, 0.5, 2.0, 2.5])


def modes(x):
    best = [min(c, key=lambda v: (-c[v], v)) for c in map(Counter, x.tolist())]
    return np.array(best), np.array([max(i for i, v in enumerate(row) if v == b) for row, b in zip(x, best)])


def middles(x, dim):
    rows = [sorted((v, i) for i, v in enumerate(row) if v == v) for row in x]
    return tuple(np.array([row[(len(row) - 1) // 2][k] for row in rows]) for k in (0, 1))


CASES = [
    *(Case("quantile", [(3, 5), 0.4, 1], dict(interpolation=how), expected=lambda x, q, d, interpolation:
           np.quantile(x, q, d, method=interpolation)) for how in ("linear", "lower", "higher", "midpoint", "nearest")),
    Case("quantile", [(2, 3), SHARES], expected=np.quantile),
    Case("nanquantile", [GAPS, 0.3, 1], expected=lambda x, q, d: np.nanquantile(x, q, d), orders=0),
    Case("nanmedian", [GAPS], dict(dim=1), expected=middles, orders=0),
    Case("nanmedian", [(2, 4)], dict(dim=1), expected=middles),
    Case("mode", [TIES], expected=modes, orders=0),
    Case("mode", [(2, 4)], expected=modes),
    Case("cov", [(2, 5)], expected=np.cov),
    Case("corrcoef", [(2, 5)], expected=np.corrcoef),
    Case("diff", [(2, 5)], dict(n=2), expected=lambda x, n: np.diff(x, n)),
    Case("trapezoid", [(2, 4), TIMES], expected=np.trapezoid),
    Case("cumulative_trapezoid", [(2, 4)], expected=lambda y: np.cumsum((y[:, 1:] + y[:, :-1]) / 2, 1)),
    Case("gradient", [(4,)], dict(spacing=0.5, edge_order=2),
         expected=lambda x, spacing, edge_order: [np.gradient(x, spacing, edge_order=edge_order)]),
    Case("searchsorted", [np.array([-1.0, 0.0, 2.0]), (2, 3)], orders=0, expected=np.searchsorted),
    Case("histogram", [(7,), 5], orders=0, expected=np.histogram),
]  # fmt: skip
