"""Products of vectors and matrices under names of their own, and what is made of all pairs."""

from __future__ import annotations

import itertools

import numpy as np

from ..arrays.dtypes import int64, promote_types, result_type
from ..arrays.types import Array
from ..engine.broadcast import cast, in_float32
from ..engine.tensor import as_array, wrap
from .cumulative import cumprod
from .declared import appears
from .dims import flag, whole
from .elementwise import mul
from .index import getitem
from .join import cat, stack
from .linalg import added, bmm
from .rearrange import constant_pad_nd, flip
from .reduce import sum as total
from .shape import expand, meshgrid, reshape, unsqueeze


@appears("function out method")
def kron(input: Array, other: Array) -> Array:
    """Kronecker's product: each element of input times all of other, (a, b) (c, d) -> (a·c, b·d)

    >>> import tinygrad_cnn as tg
    >>> tg.kron(tg.tensor([1, 10]), tg.tensor([[1, 2], [3, 4]])).tolist()
    [[1, 2, 10, 20], [3, 4, 30, 40]]
    """
    n = max(input.ndim, other.ndim)
    a, b = ((1,) * (n - x.ndim) + tuple(x.shape) for x in (input, other))
    wide = reshape(input, tuple(size for one in a for size in (one, 1)))
    pairs = mul(wide, reshape(other, tuple(size for one in b for size in (1, one))))
    return reshape(pairs, tuple(i * j for i, j in zip(a, b, strict=True)))


@appears("function out method in_place")
@in_float32
def addr(input: Array, vec1: Array, vec2: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    """beta·input + alpha·vec1[i]·vec2[j]        input broadcasts to (n, m)

    With beta=0 input is not looked at. RuntimeError for other than vectors.

    >>> import tinygrad_cnn as tg
    >>> tg.addr(tg.ones(2, 2), tg.tensor([1.0, 2.0]), tg.tensor([10.0, 20.0])).tolist()
    [[11.0, 21.0], [21.0, 41.0]]
    """
    for name, x in (("vec1", vec1), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"addr: {name} must be a vector, got shape {tuple(x.shape)}")
    product = mul(unsqueeze(vec1, 1), vec2)
    if product.dtype.kind in "biu" and not (isinstance(beta, int) and isinstance(alpha, int)):
        raise RuntimeError(f"addr: of integers, beta and alpha must be integers too, got {beta} and {alpha}")
    common = promote_types(input.dtype, promote_types(vec1.dtype, vec2.dtype))  # a number's dtype counts as a matrix's
    if common.kind == "b":
        beta, alpha = bool(beta), bool(alpha)
    return added("addr", cast(input, common), cast(product, common), beta, alpha)


@appears("function out exact method in_place")
@in_float32
def addbmm(input: Array, batch1: Array, batch2: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    """beta·input + alpha·Σ batch1[i] @ batch2[i]        (B, n, k) (B, k, m) -> (n, m)

    With beta=0 input is not looked at. RuntimeError for shapes that do not fit.

    >>> import tinygrad_cnn as tg
    >>> tg.addbmm(tg.ones(1, 1), tg.ones(3, 1, 2), tg.ones(3, 2, 1)).tolist()
    [[7.0]]
    """
    return added("addbmm", input, cast(total(bmm(batch1, batch2), 0), batch1.dtype), beta, alpha)


@appears("function")
def cartesian_prod(*tensors: Array) -> Array:
    """All combinations of an element of each vector, a row each, in the order of the first        -> (n·m···, vectors)

    RuntimeError for other than vectors. Of one vector it is the vector.

    >>> import tinygrad_cnn as tg
    >>> tg.cartesian_prod(tg.tensor([1, 2]), tg.tensor([3, 4])).tolist()
    [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    if not tensors:
        raise RuntimeError("cartesian_prod: expects at least one vector")
    for x in tensors:
        if x.ndim != 1:
            raise RuntimeError(f"cartesian_prod: expects vectors, got shape {tuple(x.shape)}")
    if len({x.dtype for x in tensors}) > 1:
        raise RuntimeError("cartesian_prod: all vectors must be of one dtype")
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(x, (-1,)) for x in meshgrid(*tensors, indexing="ij")], 1)


@appears("function")
def combinations(input: Array, r: int = 2, with_replacement: bool = False) -> Array:
    """All choices of r elements of a vector, in their order, a row each; with_replacement, also the same one again.

    RuntimeError for other than a vector, and for a negative r.

    >>> import tinygrad_cnn as tg
    >>> tg.combinations(tg.tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    if input.ndim != 1:
        raise RuntimeError(f"combinations: expects a vector, got shape {tuple(input.shape)}")
    if whole("combinations", "r", r) < 0:
        raise RuntimeError(f"combinations: r must not be negative, got {r}")
    again = flag("combinations", "with_replacement", with_replacement)
    if r == 0:
        return wrap(np.zeros(0, input.dtype))
    choose = itertools.combinations_with_replacement if again else itertools.combinations
    return getitem(input, np.array(list(choose(range(input.shape[0]), r)), int64).reshape(-1, r))


@appears("function")
def block_diag(*tensors: Array) -> Array:
    """The matrices along the diagonal of one, zeros elsewhere; a vector is a row.

    RuntimeError for more than two axes.

    >>> import tinygrad_cnn as tg
    >>> tg.block_diag(tg.tensor([[1, 2], [3, 4]]), tg.tensor(5)).tolist()
    [[1, 2, 0], [3, 4, 0], [0, 0, 5]]
    """
    for i, x in enumerate(tensors):
        if not hasattr(x, "ndim"):
            raise TypeError(f"block_diag: expected a Tensor as element {i}, got {type(x).__name__}")
        if x.ndim > 2:
            raise RuntimeError(f"block_diag: expects at most two axes, got shape {tuple(x.shape)}")
    if not tensors:
        return wrap(np.zeros((1, 0), np.float32))
    common = result_type(*map(as_array, tensors))
    blocks = [reshape(x, (1, -1) if x.ndim < 2 else tuple(x.shape)) for x in tensors]
    width, before, rows = sum(x.shape[1] for x in blocks), 0, []
    for x in blocks:
        x = x if x.dtype == common else cast(x, common)
        rows.append(constant_pad_nd(x, (before, width - before - x.shape[1])))
        before += x.shape[1]
    return cat(rows, 0)


@appears("function")
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    """The powers of each element, N of them, the highest first        (n,) -> (n, N)

    N: n by default. RuntimeError for other than a vector, and for a negative N.

    >>> import tinygrad_cnn as tg
    >>> tg.vander(tg.tensor([2, 3]), 3).tolist()
    [[4, 2, 1], [9, 3, 1]]
    """
    if x.ndim != 1:
        raise RuntimeError(f"vander: x must be a vector, got shape {tuple(x.shape)}")
    n = x.shape[0] if N is None else whole("vander", "N", N)
    if n < 0:
        raise RuntimeError(f"vander: N must not be negative, got {N}")
    x = x if x.dtype.kind == "f" else cast(x, int64)
    factors = cat([np.ones((x.shape[0], min(n, 1)), x.dtype), expand(unsqueeze(x, 1), (x.shape[0], max(n - 1, 0)))], 1)
    powers = cumprod(factors, 1)
    return powers if increasing else flip(powers, (1,))
