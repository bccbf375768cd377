"""Cases of ops/linalg.py and ops/einsum.py."""

from __future__ import annotations

import numpy as np

from . import Case


def np_linear(x, w, b=None):
    return np.einsum("...i,oi->...o", x, w) + (0 if b is None else b)


def np_einsum(*operands, equation):
    return np.einsum(equation, *operands)


SHAPES: list[list[tuple[int, ...]]] = [
    [(3,), (3,)],
    [(2, 3), (3,)],
    [(3,), (3, 2)],
    [(2, 3), (3, 4)],
    [(5, 2, 3), (3, 4)],
    [(5, 2, 3), (3,)],
    [(3,), (5, 3, 2)],
    [(2, 3), (5, 3, 4)],
    [(5, 2, 3), (5, 3, 1)],
    [(2, 1, 2, 3), (3, 3, 1)],
    [(0, 3), (3, 2)],
    [(2, 0), (0, 3)],
]

CASES = [
    *(Case("matmul", shapes, expected=np.matmul) for shapes in SHAPES),
    Case("mm", [(2, 3), (3, 4)], expected=np.dot),
    Case("bmm", [(2, 3, 4), (2, 4, 1)], expected=lambda a, b: np.einsum("bnk,bkm->bnm", a, b)),
    Case("mv", [(2, 3), (3,)], expected=np.dot),
    Case("dot", [(4,), (4,)], expected=np.dot),
    Case("inner", [(2, 3), (4, 3)], expected=np.inner),
    Case("outer", [(2,), (3,)], expected=np.multiply.outer),
    Case("linear", [(2, 3), (4, 3), (4,)], expected=np_linear),
    Case("linear", [(2, 3), (4, 3)], expected=np_linear),
    Case("linear", [(2, 5, 3), (4, 3), (4,)], expected=np_linear),
    Case("linear", [(3,), (4, 3), (4,)], expected=np_linear),
    Case("linear", [(0, 3), (4, 3), (4,)], expected=np_linear),
    Case(
        "addmm",
        [(4,), (2, 3), (3, 4)],
        dict(beta=0.5, alpha=2.0),
        expected=lambda c, a, b, beta, alpha: c / 2 + 2 * a @ b,
    ),
    Case("addmv", [(2,), (2, 3), (3,)], expected=lambda c, a, b: c + a @ b),
    Case("baddbmm", [(1, 4), (2, 2, 3), (2, 3, 4)], expected=lambda c, a, b: c + a @ b),
    Case("trace", [(3, 4)], expected=np.trace),
    Case(
        "tensordot",
        [(2, 3, 4), (4, 3, 5)],
        dict(dims=((1, 2), (1, 0))),
        expected=lambda a, b, dims: np.tensordot(a, b, dims),
    ),
    Case(
        "bilinear",
        [(2, 3), (2, 4), (5, 3, 4), (5,)],
        expected=lambda a, b, w, c: np.einsum("ni,oij,nj->no", a, w, b) + c,
    ),
    Case("_einsum", [(2, 3), (3, 4)], dict(equation="ij,jk->ik"), expected=np_einsum),
    Case("_einsum", [(2, 3), (3, 4), (4, 2)], dict(equation="ij,jk,ki->"), expected=np_einsum),
    Case("_einsum", [(2, 3), (2,)], dict(equation="ij,i->ji"), expected=np_einsum),
]
