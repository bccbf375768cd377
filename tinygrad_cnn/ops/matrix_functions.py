"""Products of vectors and of chains of matrices, powers and exponentials. B stands for any axes in front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.types import Array
from ..engine.call import op
from ..engine.tensor import wrap
from . import rearrange
from .choice import where
from .cumulative import cumprod
from .declared import appears
from .dims import axis, whole
from .join import cat
from .linalg import matmul
from .matrices import square
from .reduce import sum
from .shape import clone, expand
from .solve import inv


@op
def _cross(input: Array, other: Array, dim: int) -> Array:
    """The vector at right angles to two vectors of length 3, along axis dim."""
    if input.dtype != other.dtype:
        raise RuntimeError(
            f"cross: both must be of one dtype, got {input.dtype} and {other.dtype}; convert one with .to()"
        )
    if input.dtype.kind == "b":
        raise NotImplementedError("cross: bools have no products that are taken away; convert them with .int()")
    return np.cross(input, other, axis=dim)


_cross.grad(input=lambda g, other, dim: _cross(other, g, dim), other=lambda g, input, dim: _cross(g, input, dim))
_cross.explain(
    "The gradient turned by the other vector: a volume keeps its sign when its three edges change places in a circle.",
    input="cross(other, g, dim)",
    other="cross(g, input, dim)",
)


@appears("linalg out exact")
def cross(input: Array, other: Array, *, dim: int = -1) -> Array:
    """The vectors at right angles to those of input and other along dim, which are of length 3; other axes broadcast.

    RuntimeError for another length, and where the shapes do not fit.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 0.0, 0.0], requires_grad=True)
    >>> z = tg.linalg.cross(x, tg.tensor([0.0, 1.0, 0.0]))
    >>> z.sum().backward()
    >>> z.tolist(), x.grad.tolist()
    ([0.0, 0.0, 1.0], [1.0, 0.0, -1.0])
    """
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"linalg.cross: expects the same number of axes, got shapes {tuple(input.shape)} and {tuple(other.shape)}"
        )
    d = axis("linalg.cross", dim, input.ndim)
    if not input.ndim or input.shape[d] != 3 or other.shape[d] != 3:
        raise RuntimeError(
            f"linalg.cross: axis {dim} must have length 3, got shapes {tuple(input.shape)} and {tuple(other.shape)}"
        )
    return _cross(input, other, d - input.ndim)


@appears("linalg out exact")
def vecdot(x: Array, y: Array, *, dim: int = -1) -> Array:
    """Σ x · y along dim; other axes broadcast.

    RuntimeError where the shapes or the dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.vecdot(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([1.0, 10.0])).tolist()
    [21.0, 43.0]
    """
    if x.dtype != y.dtype:
        raise RuntimeError(f"linalg.vecdot: expected one dtype, got {x.dtype} and {y.dtype}; convert one")
    return sum(x * y, dim)


@appears("linalg")
def diagonal(A: Array, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    """The diagonal of each matrix, as the last axis: (B, M, N) -> (B, K). A view.

    offset: how far above the main one, below it where negative.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.diagonal(tg.tensor([[[1, 2], [3, 4]]])).tolist()
    [[1, 4]]
    """
    return rearrange.diagonal(A, offset, dim1, dim2)


@appears("linalg")
def vander(x: Array, N: int | None = None) -> Array:
    """The powers 0 to N - 1 of each element: (B, n) -> (B, n, N), N = n where it is not given.

    RuntimeError unless N is greater than 1.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.vander(tg.tensor([2, 3]), N=3).tolist()
    [[1, 2, 4], [1, 3, 9]]
    """
    x = x if x.ndim else x[None]
    n = x.shape[-1] if N is None else whole("linalg.vander", "N", N)
    if n <= 1:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, got {n}")
    ones = wrap(np.ones((*x.shape, 1), x.dtype))
    return cat([ones, cumprod(expand(x[..., None], (*x.shape, n - 1)), -1)], -1)


# Chains.


def _cheapest(sizes: list[int]) -> Any:
    """How to put brackets into a chain so that fewest numbers are multiplied (Cormen et al. 2009, section 15.2)."""
    n = len(sizes) - 1
    cost: dict[tuple[int, int], tuple[int, Any]] = {(i, i): (0, i) for i in range(n)}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            ways = [
                (cost[i, k][0] + cost[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            ]
            price, k = min(ways)
            cost[i, j] = price, (cost[i, k][1], cost[k + 1, j][1])
    return cost[0, n - 1][1]


@appears("linalg out exact")
def multi_dot(tensors: Sequence[Array]) -> Array:
    """The product of two or more matrices, with brackets where they make it cheapest; the outer ones may be vectors.

    RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.multi_dot([tg.ones(2, 3), tg.ones(3, 4), tg.ones(4)]).tolist()
    [12.0, 12.0]
    """
    chain = list(tensors)
    if len(chain) < 2:
        raise RuntimeError(f"linalg.multi_dot: expects at least 2 tensors, got {len(chain)}")
    for i, t in enumerate(chain):
        if t.ndim not in ((1, 2) if i in (0, len(chain) - 1) else (2,)):
            raise RuntimeError(
                f"linalg.multi_dot: tensors[{i}] must be a matrix{' or a vector' * (i in (0, len(chain) - 1))}, got "
                f"shape {tuple(t.shape)}"
            )
    row, column = chain[0].ndim == 1, chain[-1].ndim == 1
    if row:
        chain[0] = chain[0][None]
    if column:
        chain[-1] = chain[-1][:, None]

    def product(brackets: Any) -> Any:
        if isinstance(brackets, int):
            return chain[brackets]
        return matmul(product(brackets[0]), product(brackets[1]))

    out = product(_cheapest([chain[0].shape[0], *(t.shape[1] for t in chain)]))
    out = out[0] if row else out
    return out[..., 0] if column else out


@appears("linalg out exact")
def matrix_power(A: Array, n: int) -> Array:
    """A · A · ... · A, n times, by repeated squares; the inverse where n is negative: (B, N, N) -> (B, N, N).

    LinAlgError for a singular matrix and a negative n, RuntimeError for one that is not square.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.matrix_power(tg.tensor([[1.0, 1.0], [0.0, 1.0]]), 5).tolist()
    [[1.0, 5.0], [0.0, 1.0]]
    """
    name = "linalg.matrix_power"
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"{name}: A must be batches of square matrices, got shape {tuple(A.shape)}")
    n = whole(name, "n", n)
    if n == 0:
        return where(wrap(np.zeros(A.shape, bool)), A, np.eye(A.shape[-1], dtype=A.dtype))
    square_, n = (inv(A), -n) if n < 0 else (A, n)
    out = None
    while n:
        if n % 2:
            out = square_ if out is None else matmul(out, square_)
        n //= 2
        square_ = matmul(square_, square_) if n else square_
    return clone(out) if out is A else out


# Coefficients of the diagonal Padé approximant of order 13, and the 1-norm up to which it has all digits of float64.
PADE = [math.factorial(26 - k) * math.factorial(13) // (math.factorial(k) * math.factorial(13 - k)) for k in range(14)]
REACH = 5.371920351148152


@appears("linalg")
@op
def matrix_exp(A: Array) -> Array:
    """Σ Aⁿ / n!, by scaling and squaring of a rational function (Higham 2005): (B, N, N) -> (B, N, N).

    RuntimeError for a matrix that is not square.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.matrix_exp(tg.tensor([[0.0, 1.0], [0.0, 0.0]])).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    square("linalg.matrix_exp", A)
    if not A.size:
        return A.copy()
    norms = np.abs(A).sum(-2).max(-1)
    halvings = np.ceil(np.log2(np.maximum(norms / REACH, 1)))
    halvings = np.where(np.isfinite(halvings), halvings, 0).astype(int)
    x = A.astype(np.result_type(A, np.float64)) / 2.0 ** halvings[..., None, None]
    even = odd = np.zeros(())
    term = np.eye(A.shape[-1])
    for k in range(0, 14, 2):
        even, odd = even + PADE[k] / PADE[0] * term, odd + PADE[k + 1] / PADE[0] * term
        term = term @ x @ x
    odd = x @ odd
    out = np.linalg.solve(even - odd, even + odd)
    for step in range(halvings.max(initial=0)):
        out = np.where((halvings > step)[..., None, None], out @ out, out)
    return out.astype(A.dtype)


def _exp_to_A(g: Any, A: Any) -> Any:
    """The upper right quarter of the exponential of [[Aᵀ, g], [0, Aᵀ]] (Mathias 1996)."""
    n = A.shape[-1]
    upper = cat([A.mT, g], -1)
    lower = cat([A.mT * 0, A.mT], -1)
    return matrix_exp(cat([upper, lower], -2))[..., :n, n:]


matrix_exp.grad(A=_exp_to_A)
matrix_exp.explain(
    "The slope of an exponential stands beside it, in the exponential of a matrix of twice the size.",
    A="corner(matrix_exp(block(A^{T}, g)))",
)
