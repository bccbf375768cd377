"""Writing to places that repeat, with what becomes of them, and writing to a part of a tensor, each out of place.

What `gather.py` writes it writes plainly; here several sources that come to one place are added up, multiplied,
averaged, or the greatest of them is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.dtypes import int64
from ..arrays.types import Array, Number
from ..engine.broadcast import cast, in_float32
from ..engine.call import op, renamed
from ..engine.tensor import as_array
from .choice import where
from .compare import eq, logical_and
from .declared import appears
from .dims import axis, flag, whole
from .elementwise import divide, floor_divide, mul
from .gather import each_along, int_array, numbers_too, part_for
from .index import getitem, parse, place, refuse_dtype, setitem
from .rearrange import diagonal
from .shape import broadcast_tensors, clone, flatten, reshape
from .strided import as_strided

# What becomes of the sources that come to one place.

REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


@appears("function out exact method in_place")
@numbers_too
def scatter_reduce(
    input: Array, dim: int, index: Array, src: Array, reduce: str, *, include_self: bool = True
) -> Array:
    """out[index[i][j]][j] is the sum (prod, mean, amax, amin) of input there and of all src[i][j] that come to it.

    include_self=False leaves input out where anything comes. src is at least as large as index. Of equal extremes each
    gets its share of the gradient. RuntimeError for another reduce, for shapes that do not fit, for another dtype than
    input's, and for a place that is not there.

    >>> import tinygrad_cnn as tg
    >>> x, index = tg.tensor([1.0, 2.0, 3.0], requires_grad=True), tg.tensor([0, 0, 2])
    >>> y = x.scatter_reduce(0, index, tg.tensor([5.0, 6.0, 2.0]), "amax")
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([6.0, 2.0, 3.0], [0.0, 1.0, 1.0])
    """
    if reduce not in REDUCTIONS:
        raise RuntimeError(f"scatter_reduce: reduce must be one of {', '.join(REDUCTIONS)}; got {reduce!r}")
    index = np.array(int_array("scatter_reduce", index, np.int32))
    refuse_dtype("scatter_reduce", input, src)
    if not index.size:
        axis("scatter_reduce", dim, input.ndim)
        return clone(input)
    places = each_along("scatter_reduce", input, dim, index)
    return cast(_reduced(input, part_for("scatter_reduce", src, index), places, reduce, include_self), input.dtype)


@appears("function out exact method in_place")
@numbers_too
def index_reduce(
    input: Array, dim: int, index: Array, source: Array, reduce: str, *, include_self: bool = True
) -> Array:
    """`scatter_reduce` of whole slices: source[i] comes to slice index[i] of axis dim; prod, mean, amax or amin.

    >>> import tinygrad_cnn as tg
    >>> tg.ones(3, 2).index_reduce(0, tg.tensor([0, 0]), tg.full((2, 2), 3.0), "prod").tolist()
    [[9.0, 9.0], [1.0, 1.0], [1.0, 1.0]]
    """
    if reduce not in REDUCTIONS[1:]:
        raise RuntimeError(f"index_reduce: reduce must be one of {', '.join(REDUCTIONS[1:])}; got {reduce!r}")
    index = np.array(int_array("index_reduce", index, np.int32)).reshape(-1)
    refuse_dtype("index_reduce", input, source)
    d = axis("index_reduce", dim, input.ndim)
    source = source if source.ndim else reshape(source, (1,))
    wanted = tuple(len(index) if i == d else n for i, n in enumerate(input.shape))
    if tuple(source.shape) != wanted:
        raise RuntimeError(f"index_reduce: source must have shape {wanted}, got {tuple(source.shape)}")
    if len(index) and not 0 <= index.min() <= index.max() < input.shape[d]:
        raise IndexError(f"index_reduce: index {index.tolist()} is out of range for axis {d} of {tuple(input.shape)}")
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in wanted)])
    grid[d] = index.reshape(grid[d].shape)
    return _reduced(input, source, tuple(grid), reduce, include_self)


@in_float32
def _reduced(input: Any, src: Any, places: tuple, reduce: str, include_self: bool) -> Any:
    shape = tuple(input.shape)
    count = as_array(place(np.ones(tuple(src.shape), int64), parse(places, shape), shape))
    if not include_self:
        input = where(count > 0, _identity(reduce, input.dtype), input)
    if reduce in ("amax", "amin"):
        return _scatter_extreme(input, src, places, reduce == "amin")
    if reduce == "prod":
        return _scatter_product(input, src, places)
    total = input + place(src, parse(places, shape), shape)
    if reduce == "sum":
        return total
    count = (count + 1 if include_self else np.maximum(count, 1)).astype(input.dtype)
    return (divide if input.dtype.kind == "f" else floor_divide)(total, count)


def _identity(reduce: str, dtype: np.dtype) -> Any:
    """What changes nothing."""
    if reduce not in ("amax", "amin"):
        return int(reduce == "prod")
    if dtype.kind == "b":
        return reduce == "amin"
    info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    ends = (-math.inf, math.inf) if dtype.kind == "f" else (int(info.min), int(info.max))
    return ends[reduce == "amin"]


@op
def _scatter_extreme(input: Array, src: Array, places: tuple, least: bool) -> Array:
    """The greatest (least) of input and of all of src that comes to a place."""
    out = input.copy()
    (np.minimum if least else np.maximum).at(out, places, src)
    return out


def _their_share(g: Any, input: Any, src: Any, out: Any, places: tuple) -> Any:
    """g, divided by the number of those that are the extreme."""
    shape = np.shape(as_array(out))
    best = np.asarray(as_array(eq(src, getitem(out, places))), g.dtype)
    count = np.asarray(as_array(eq(input, out)), g.dtype) + as_array(place(best, parse(places, shape), shape))
    return g / np.maximum(count, count.dtype.type(1))


_scatter_extreme.grad(
    input=lambda g, input, src, out, places: where(eq(input, out), _their_share(g, input, src, out, places), 0),
    src=lambda g, input, src, out, places: where(
        eq(src, getitem(out, places)), getitem(_their_share(g, input, src, out, places), places), 0
    ),
)
_scatter_extreme.explain(
    "The extreme of a place gets its gradient; equal ones share it.",
    zero="another one was the extreme",
    input="g · [input = out] / ties",
    src="at(g / ties) · [src = at(out)]",
)


@op
def _scatter_product(input: Array, src: Array, places: tuple) -> Array:
    """The product of input and of all of src that comes to a place."""
    out = input.copy()
    np.multiply.at(out, places, src)
    return out


def _product_to_src(g: Any, input: Any, src: Any, out: Any, places: tuple) -> Any:
    """For each source the product of the others: out / src, and where src is the only 0, the product without it."""
    shape = np.shape(as_array(out))
    zero = np.asarray(as_array(eq(src, 0)))
    zeros = as_array(getitem(as_array(place(zero.astype(np.int64), parse(places, shape), shape)), places))
    alone = logical_and(zero, zeros == 1)
    without = _scatter_product(input, where(alone, 1, src), places)
    return where(alone, getitem(mul(g, without), places), divide(getitem(mul(g, out), places), where(zero, 1, src)))


_scatter_product.grad(
    input=lambda g, src, places: mul(g, _scatter_product(np.ones(np.shape(as_array(g)), g.dtype), src, places)),
    src=_product_to_src,
)
_scatter_product.explain(
    "Each factor gets the product of the others that came to its place.",
    zero="another factor is zero",
    input="g · Π_{sources of a place} src",
    src="at(g) · Π_{other sources of a place} src",
)


# Writing to a part.


@appears("function method in_place")
def masked_scatter(input: Array, mask: Array, source: Array) -> Array:
    """input with the places where the mask is True filled by the elements of source, one after the other.

    RuntimeError for a mask that is not bool, for another dtype than input's, and for too few elements.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(4)
    >>> x.masked_scatter(tg.tensor([False, True, False, True]), tg.tensor([5.0, 6.0, 7.0])).tolist()
    [0.0, 5.0, 0.0, 6.0]
    """
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_scatter: mask must be of dtype bool, got {mask.dtype}; compare, or use .bool()")
    refuse_dtype("masked_scatter", input, source)
    input, mask = broadcast_tensors(input, mask)
    n, there = int(np.count_nonzero(as_array(mask))), np.size(as_array(source))
    if there < n:
        raise RuntimeError(f"masked_scatter: the mask has {n} places, but source only {there} elements")
    if not input.ndim:
        return reshape(masked_scatter(reshape(input, (1,)), reshape(mask, (1,)), source), ())
    return _masked_scatter(input, getitem(flatten(source), slice(n)), mask)


_masked_scatter = renamed(setitem, "masked_scatter")


@appears("function method")
def select_scatter(input: Array, src: Array, dim: int, index: int) -> Array:
    """input with slice number `index` of axis dim replaced by src, which has the shape of the slice.

    >>> import tinygrad_cnn as tg
    >>> tg.select_scatter(tg.zeros(2, 2), tg.tensor([1.0, 2.0]), 1, 0).tolist()
    [[1.0, 0.0], [2.0, 0.0]]
    """
    if not input.ndim:
        raise IndexError("select_scatter: a tensor without axes has no slices")
    d, i = axis("select_scatter", dim, input.ndim), whole("select_scatter", "index", index)
    if not -input.shape[d] <= i < input.shape[d]:
        raise IndexError(f"select_scatter: index {i} is out of range for axis {d} of {tuple(input.shape)}")
    return _written("select_scatter", input, src, (slice(None),) * d + (i,))


@appears("function out exact method")
def slice_scatter(
    input: Array, src: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    """input with the slices start, start + step, ... below end of axis dim replaced by src.

    >>> import tinygrad_cnn as tg
    >>> tg.slice_scatter(tg.zeros(4), tg.ones(2), start=1, end=None, step=2).tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    d = axis("slice_scatter", dim, input.ndim)
    if whole("slice_scatter", "step", step) <= 0:
        raise RuntimeError(f"slice_scatter: step must be positive, got {step}")
    return _written("slice_scatter", input, src, (slice(None),) * d + (slice(start, end, step),))


@appears("function method")
def diagonal_scatter(input: Array, src: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """input with its diagonal, as `diagonal` gives it, replaced by src.

    >>> import tinygrad_cnn as tg
    >>> tg.diagonal_scatter(tg.zeros(2, 2), tg.tensor([1.0, 2.0])).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    shape = tuple(input.shape)
    places = as_array(diagonal(np.arange(math.prod(shape)).reshape(shape), offset, dim1, dim2))
    return _written("diagonal_scatter", input, src, np.unravel_index(places, shape))


def _written(name: str, input: Any, src: Any, index: tuple) -> Any:
    """input with what this index reads replaced by src, which has just that shape."""
    wanted = np.shape(as_array(input)[index])
    if tuple(src.shape) != wanted:
        raise RuntimeError(
            f"{name}: src must have shape {wanted}, as the part that it replaces; got {tuple(src.shape)}"
        )
    return _WRITERS[name](input, src, index)


_WRITERS = {
    name: renamed(setitem, name)
    for name in ("select_scatter", "slice_scatter", "diagonal_scatter", "as_strided_scatter")
}


@appears("function method in_place")
def put(input: Array, index: Array, source: Array, accumulate: bool = False) -> Array:
    """input, seen as a vector, with source at the places that index names; with accumulate it is added there.

    IndexError for a place that is not there; negative ones count from the end. RuntimeError for another dtype than
    input's.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 2).put(tg.tensor([0, -1]), tg.tensor([5.0, 6.0])).tolist()
    [[5.0, 0.0], [0.0, 6.0]]
    """
    index, shape = int_array("put", index).reshape(-1), tuple(input.shape)
    refuse_dtype("put", input, source)
    n = math.prod(shape)
    if np.size(as_array(source)) != index.size:
        raise IndexError(f"put: source has {np.size(as_array(source))} elements, but index names {index.size} places")
    if index.size and not -n <= index.min() <= index.max() < n:
        raise IndexError(f"put: index {index.tolist()} is out of range for {n} elements")
    source, flat = flatten(source), flatten(input)
    add = flag("put", "accumulate", accumulate)
    written = flat + place(source, parse(index, (n,)), (n,)) if add else _put(flat, source, index)
    return reshape(written, shape)


_put = renamed(setitem, "put")


@appears("function")
def as_strided_scatter(
    input: Array, src: Array, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Array:
    """input with what `as_strided` sees of it replaced by src.

    >>> import tinygrad_cnn as tg
    >>> tg.as_strided_scatter(tg.zeros(3, 3), tg.ones(3), (3,), (4,)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    shape = tuple(input.shape)
    places = as_strided(np.arange(math.prod(shape)).reshape(shape), size, stride, storage_offset)
    return _written("as_strided_scatter", input, src, np.unravel_index(places, shape))


@appears("in_place")
def fill_diagonal(input: Array, value: Array | Number, wrap: bool = False) -> Array:
    """input with one number on its main diagonal, of more than two axes where all indices are equal.

    wrap: in a matrix with more rows than columns the diagonal begins again, with a row between. RuntimeError for a
    vector, and for more than two axes of different lengths.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).fill_diagonal_(5).tolist()
    [[5.0, 0.0, 0.0], [0.0, 5.0, 0.0]]
    """
    shape = tuple(input.shape)
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise RuntimeError(f"fill_diagonal_: expects a matrix, or axes of one length; got shape {shape}")
    step = sum(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    end = math.prod(shape) if flag("fill_diagonal_", "wrap", wrap) or len(shape) > 2 else min(shape) * step
    places = np.unravel_index(np.arange(0, min(end, math.prod(shape)), step), shape)
    return setitem(input, value, places)
