"""Where elements stand: places as numbers, rows of a matrix or vectors to index with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.device import device as Device
from ..arrays.dtypes import int32, int64
from ..arrays.types import Array, DType, Shape
from ..engine.broadcast import cast, sum_to
from ..engine.tensor import as_array, wrap
from .declared import appears
from .dims import whole
from .index import nonzero
from .shape import ints


@appears("function method")
def argwhere(input: Array) -> Array:
    """The places that are not zero, a row each        -> (n, ndim) int64

    >>> import tinygrad_cnn as tg
    >>> tg.argwhere(tg.tensor([[0, 3], [4, 0]])).tolist()
    [[0, 1], [1, 0]]
    """
    if not hasattr(input, "ndim"):
        raise TypeError(f"argwhere: input must be a Tensor, not {type(input).__name__}")
    return nonzero(input)


@appears("function out method")
def nonzero_static(input: Array, *, size: int, fill_value: int = -1) -> Array:
    """The first `size` rows of `nonzero`, with rows of fill_value behind them where there are fewer.

    >>> import tinygrad_cnn as tg
    >>> tg.nonzero_static(tg.tensor([0, 3]), size=2).tolist()
    [[1], [-1]]
    """
    if not hasattr(input, "ndim"):
        raise TypeError(f"nonzero_static: input must be a Tensor, not {type(input).__name__}")
    if whole("nonzero_static", "size", size) < 0:
        raise RuntimeError(f"nonzero_static: size must not be negative, got {size}")
    found = np.argwhere(as_array(input))[:size]
    out = np.full((size, as_array(input).ndim), fill_value, int64)
    out[: len(found)] = found
    return wrap(out)


@appears("function")
def unravel_index(indices: Array, shape: Shape) -> tuple[Array, ...]:
    """The places in a tensor of this shape that numbers of its elements in a row stand for, a tensor for each axis.

    TypeError for all but integers.

    >>> import tinygrad_cnn as tg
    >>> [i.tolist() for i in tg.unravel_index(tg.tensor([1, 5]), (2, 3))]
    [[0, 1], [1, 2]]
    """
    if not hasattr(indices, "ndim") or indices.dtype.kind not in "iu":
        raise TypeError(f"unravel_index: indices must be integers, got {getattr(indices, 'dtype', indices)}")
    sizes = ints("unravel_index", shape)
    if min(sizes, default=0) < 0:
        raise ValueError(f"unravel_index: sizes must not be negative, got {sizes}")
    steps = [math.prod(sizes[i:]) for i, _ in enumerate(sizes, 1)]
    return tuple([wrap(np.asarray(as_array(indices) // step % n)) for step, n in zip(steps, sizes, strict=True)])


@appears("function")
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: DType | None = int64, device: Any = None) -> Array:
    """The places of a row × col matrix on and below a diagonal, row by row        -> (2, n)

    >>> import tinygrad_cnn as tg
    >>> tg.tril_indices(2, 2).tolist()
    [[0, 1, 1], [0, 0, 1]]
    """
    return _triangle("tril_indices", np.tril, row, col, offset, dtype, device)


@appears("function")
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: DType | None = int64, device: Any = None) -> Array:
    """The places of a row × col matrix on and above a diagonal, row by row        -> (2, n)

    >>> import tinygrad_cnn as tg
    >>> tg.triu_indices(2, 2).tolist()
    [[0, 0, 1], [0, 1, 1]]
    """
    return _triangle("triu_indices", np.triu, row, col, offset, dtype, device)


def _triangle(name: str, part: Any, row: Any, col: Any, offset: Any, dtype: Any, device: Any) -> Any:
    sizes = [whole(name, "row", row), whole(name, "col", col)]
    if min(sizes) < 0:
        raise RuntimeError(f"{name}: row and col must not be negative, got {row} and {col}")
    kind = np.dtype(int64 if dtype is None else dtype)
    if kind not in (int32, int64):
        raise NotImplementedError(f"{name}: dtype must be int32 or int64, got {kind}")
    if device is not None:
        Device(device)
    places = part(np.ones(sizes, bool), whole(name, "offset", offset)).nonzero()
    return wrap(np.array(places).astype(kind))


@appears("sizes")
def sum_to_size(input: Array, size: Shape) -> Array:
    """The sum over the axes along which `size` would be expanded to the shape of input.

    RuntimeError where it cannot be expanded to that.

    >>> import tinygrad_cnn as tg
    >>> tg.ones(2, 3).sum_to_size(1, 3).tolist(), tg.ones(2, 3).sum_to_size(3).tolist()
    ([[2.0, 2.0, 2.0]], [2.0, 2.0, 2.0])
    """
    size, shape = ints("sum_to_size", size), tuple(input.shape)
    fits = len(size) <= len(shape) and all(a in (1, b) for a, b in zip(size[::-1], shape[::-1], strict=False))
    if not fits:
        raise RuntimeError(f"sum_to_size: {size} cannot be expanded to the shape of input, {shape}")
    if size == shape:
        return input
    return sum_to(cast(input, int64) if input.dtype.kind in "biu" else input, size)
