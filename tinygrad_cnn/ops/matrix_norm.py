"""How large matrices are: norms, of vectors too where no axis says that it is a matrix, and condition numbers."""

from __future__ import annotations

import math

from ..arrays.types import Array, Axis, DType
from .choice import where
from .declared import appears
from .dims import axes
from .extreme import amax, amin
from .magnitude import in_dtype, nuclear_norm, spread_back, vector_norm
from .matrices import matrices, square
from .reduce import sum
from .shape import movedim
from .solve import inv_ex
from .spectrum import svdvals
from .unary import abs

EXTREMES = {1: amax, 2: amax, math.inf: amax, -1: amin, -2: amin, -math.inf: amin}


@appears("linalg out exact")
def matrix_norm(
    A: Array,
    ord: float | str = "fro",
    dim: Axis = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Array:
    """A norm of the matrices along the two axes of dim: (B, M, N) -> (B), or (B, 1, 1) under keepdim.

    ord: "fro", the root of the sum of squares; "nuc", the sum of the singular values; 2 and -2, the largest and the
    smallest of them; 1 and -1, the largest and smallest column sum of magnitudes; inf and -inf, row sum. dtype: in
    which it is computed. RuntimeError for another ord, for integers, and for other than two axes.

    >>> import tinygrad_cnn as tg
    >>> A = tg.tensor([[3.0, 0.0], [4.0, 5.0]], requires_grad=True)
    >>> tg.linalg.matrix_norm(A, 1).backward()
    >>> A.grad.tolist(), tg.linalg.matrix_norm(A).round(decimals=4).item()
    ([[1.0, 0.0], [1.0, 0.0]], 7.071100234985352)
    """
    name = "linalg.matrix_norm"
    if A.ndim < 2:
        raise RuntimeError(f"{name}: A must have at least 2 dimensions, got shape {tuple(A.shape)}")
    if A.dtype.kind not in "fc":
        raise RuntimeError(f"{name}: expects a floating point tensor, got {A.dtype}; convert it with .float()")
    pair = axes(name, dim, A.ndim) if isinstance(dim, tuple | list) else ()
    if len(pair) != 2:
        raise RuntimeError(f"{name}: dim must be the two axes of a matrix, got {dim!r}")
    if ord == "fro":
        return vector_norm(A, 2, pair, keepdim, dtype)
    A = in_dtype(name, A, dtype)
    if ord == "nuc":
        matrices(name, A)
        out = nuclear_norm(A, pair)
    elif ord in (2, -2):
        out = EXTREMES[ord](svdvals(matrices(name, movedim(A, pair, (-2, -1)))), -1)
    elif ord in EXTREMES:
        over, along = pair if ord in (1, -1) else pair[::-1]
        out = EXTREMES[ord](sum(abs(A), over), along - (over < along))
    else:
        raise RuntimeError(f"{name}: ord must be 'fro', 'nuc', ±1, ±2 or ±inf, got {ord!r}")
    return spread_back(out, pair, A.ndim) if keepdim else out


@appears("linalg out exact")
def norm(
    A: Array,
    ord: float | str | None = None,
    dim: Axis | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Array:
    """`vector_norm` along one axis, `matrix_norm` along two; without ord, the root of the sum of squares along any.

    Without dim and ord, that of all elements; without dim, that of a vector or a matrix. RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.norm(tg.tensor([[3.0, 0.0], [0.0, 4.0]])).item(), tg.linalg.norm(tg.tensor([3.0, 4.0]), 1).item()
    (5.0, 7.0)
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype)
    several = len(dim) if isinstance(dim, tuple | list) else 1
    if dim is not None and several not in (1, 2):
        raise RuntimeError(f"linalg.norm: with ord, dim must be one axis or two, got {dim!r}")
    if dim is None and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: with ord and without dim, A must be a vector or a matrix, got {tuple(A.shape)}"
        )
    if several == 2 or (dim is None and A.ndim == 2):
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise RuntimeError(
            f"linalg.norm: ord={ord!r} is of a matrix, two axes; got dim={dim!r}, shape {tuple(A.shape)}"
        )
    return vector_norm(A, ord, dim, keepdim, dtype)


@appears("linalg out")
def cond(A: Array, p: float | str | None = None) -> Array:
    """The condition number ‖A‖ · ‖A⁻¹‖ in the norm p of `matrix_norm`: (B, M, N) -> (B), inf for a singular matrix.

    None and 2: the largest singular value over the smallest, -2: the smallest over the largest; both of any matrix, the
    others of a square one. RuntimeError for another p.

    >>> import tinygrad_cnn as tg
    >>> tg.linalg.cond(tg.tensor([[2.0, 0.0], [0.0, 0.5]])).item()
    4.0
    """
    matrices("linalg.cond", A)
    if p in (None, 2, -2):
        s = svdvals(A)
        large, small = s[..., 0], s[..., -1]
        return small / large if p == -2 else large / small
    inverse, info = inv_ex(square("linalg.cond", A))
    return where(info == 0, matrix_norm(A, p) * matrix_norm(inverse, p), math.inf)
