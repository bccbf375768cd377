"""Reading and writing along one axis, by an array of places: gather, scatter, index_select and their kin.

In each, the places of the other axes are those of the index array itself (gather, scatter) or all
(index_select, index_add). So each is getitem, setitem or place with an index made for it.

What is written has the dtype of what it is written to, as in PyTorch: nothing is cut off on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..arrays.dtypes import number
from ..arrays.types import Array, Number
from ..engine.call import op, renamed
from ..engine.tensor import wrap
from .checks import numbers_of
from .declared import appears
from .dims import axis
from .elementwise import scaled
from .index import getitem, parse, place, refuse_axes, refuse_dtype, setitem
from .shape import broadcast_shapes, clone, expand, flatten, reshape


def numbers_too(f: Callable) -> Callable:
    """The same function, which takes a number as a vector of one element."""

    @wraps(f)
    def g(input: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(input, "ndim", 1):
            return f(input, *args, **kwargs)
        return reshape(f(reshape(input, (1,)), *args, **kwargs), ())

    return g


def each_along(name: str, input: Any, dim: int, index: np.ndarray) -> tuple[np.ndarray, ...]:
    """The index that reads input[i0, ..., index[i0, i1, ...], ...], with `index` at axis dim."""
    index, shape = np.atleast_1d(index), tuple(input.shape)
    d = axis(name, dim, len(shape))
    if index.ndim != len(shape):
        raise RuntimeError(f"{name}: index must have as many axes as input; shapes {index.shape} and {shape}")
    if any(m > n for i, (m, n) in enumerate(zip(index.shape, shape, strict=True)) if i != d):
        raise RuntimeError(f"{name}: index {index.shape} must not be larger than input {shape}, except along dim {d}")
    _refuse_outside(name, index, shape[d])
    grid = np.ogrid[tuple(slice(n) for n in index.shape)]
    return tuple(index if i == d else places for i, places in enumerate(grid))


def whole_slices(name: str, input: Any, dim: int, index: np.ndarray) -> tuple:
    """The index that reads whole slices of axis dim."""
    d = axis(name, dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(f"{name}: index must be a vector, got shape {index.shape}")
    if index.size and (index.min() < 0 or index.max() >= input.shape[d]):
        raise IndexError(f"{name}: index {index.tolist()} is out of range for axis {d} of length {input.shape[d]}")
    return (slice(None),) * d + (index.reshape(-1),)


def int_array(name: str, index: Any, *dtypes: Any) -> np.ndarray:
    """The array of an index, of int64, or of another of these dtypes; one without elements is of any."""
    array = numbers_of(index)
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name}: index must be a Tensor, not {type(index).__name__}")
    if array.dtype not in (np.int64, *dtypes):
        if array.size:
            raise RuntimeError(f"{name}: index must be of an integer dtype, int64, got {array.dtype}; use .long()")
        array = array.astype(np.int64)
    return array


def _refuse_outside(name: str, array: np.ndarray, n: int) -> None:
    if array.size and (array.min() < 0 or array.max() >= n):
        wrong = array[(array < 0) | (array >= n)].flat[0]
        raise RuntimeError(f"{name}: index {wrong} is out of bounds for an axis of length {n}")


@appears("function out exact method")
def gather(input: Array, dim: int, index: Array) -> Array:
    """out[i][j] = input[index[i][j]][j] for dim=0, input[i][index[i][j]] for dim=1; out has the shape of index.

    index: int64 or int32, with as many axes as input, and no larger than it but along dim. RuntimeError for other
    shapes, for another dtype, and for a place that is not there.

    >>> import tinygrad_cnn as tg
    >>> scores = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> scores.gather(1, tg.tensor([[1], [0]])).sum().backward()
    >>> scores.grad.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    index = int_array("gather", index, np.int32)
    input = input if input.ndim else reshape(input, (1,))
    if not index.size:
        axis("gather", dim, input.ndim)
        return _gather(flatten(input), index)
    found = _gather(input, each_along("gather", input, dim, index))
    return found if index.ndim else reshape(found, ())


_gather = renamed(getitem, "gather")


@appears("function out exact method")
def take_along_dim(input: Array, indices: Array, dim: int | None = None) -> Array:
    """`gather`, where the axes other than dim broadcast; without dim, of all elements in a row. -1 is the last.

    It reads what argsort and argmax found. RuntimeError for an index that is out of bounds.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[3, 1], [2, 4]])
    >>> tg.take_along_dim(x, tg.argsort(x, 1), 1).tolist(), tg.take_along_dim(x, tg.tensor([3])).tolist()
    ([[1, 3], [2, 4]], [4])
    """
    indices = int_array("take_along_dim", indices)
    if flat := dim is None:
        input, indices, dim = flatten(input), indices.reshape(-1), 0
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"take_along_dim: input {tuple(input.shape)} and indices {indices.shape} must have equally many axes"
        )
    d = axis("take_along_dim", dim, input.ndim)
    if not input.ndim:
        raise IndexError("take_along_dim: a tensor without axes has no dim; leave it away")
    if not flat:
        indices = _from_behind(indices, input.shape[d])
    one = [tuple(1 if i == d else n for i, n in enumerate(x.shape)) for x in (input, indices)]
    common = broadcast_shapes(*one)
    spread = [expand(x, tuple(x.shape[d] if i == d else n for i, n in enumerate(common))) for x in (input, indices)]
    return gather(spread[0], dim, spread[1])


@appears("function out exact method in_place")
@numbers_too
def scatter(
    input: Array,
    dim: int,
    index: Array,
    src: Array | Number | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
) -> Array:
    """input with out[index[i][j]][j] = src[i][j] for dim=0, out[i][index[i][j]] = src[i][j] for dim=1.

    src (or value): a tensor at least as large as index and of the dtype of input, or a number.
    reduce: "add" or "multiply" with what is there, as often as a place is named.

    RuntimeError for shapes that do not fit, for another dtype than input's, and for a place that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).scatter(1, tg.tensor([[2], [0]]), 1.0).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    src = value if src is None else src
    if src is None:
        raise TypeError("scatter: missing src: a tensor of the shape of index, or a number")
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError(f"scatter: reduce must be 'add', 'multiply' or left out, got {reduce!r}")
    index = int_array("scatter", index, np.int32)
    if not hasattr(src, "ndim"):
        src = np.full(index.shape, number(src, input.dtype))
    return _scattered("scatter", input, dim, index, src, reduce)


@appears("function out exact method in_place")
@numbers_too
def scatter_add(input: Array, dim: int, index: Array, src: Array | Number) -> Array:
    """`scatter` that adds: what comes to one place adds up.

    RuntimeError for shapes that do not fit, for another dtype than input's, and for a place that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(3).scatter_add(0, tg.tensor([0, 2, 2]), tg.ones(3)).tolist()
    [1.0, 0.0, 2.0]
    """
    return _scattered("scatter_add", input, dim, int_array("scatter_add", index, np.int32), src, "add")


def _scattered(name: str, input: Any, dim: int, index: np.ndarray, src: Any, reduce: str | None) -> Any:
    refuse_dtype(name, input, src)
    if not index.size:
        axis(name, dim, input.ndim)
        return clone(input)
    places = each_along(name, input, dim, index)
    src = part_for(name, src, index)
    if reduce == "multiply":
        return place_factors(input, src, places)
    if reduce == "add":
        return input + place(src, parse(places, input.shape), tuple(input.shape))
    return _scatter(input, src, places)


_scatter = renamed(setitem, "scatter")


@op
def place_factors(input: Array, src: Array | Number, places: tuple) -> Array:
    """input with input[places] multiplied by src; a place that is named twice, by both."""
    out = input.copy()
    np.multiply.at(out, places, src)
    return out


place_factors.grad(input=None, src=None)


def part_for(name: str, src: Any, index: np.ndarray) -> Any:
    """As much of src as index has places."""
    src = src if src.ndim else reshape(src, (1,))
    shape = np.atleast_1d(index).shape
    if src.ndim != len(shape) or any(m < n for m, n in zip(src.shape, shape, strict=True)):
        raise RuntimeError(f"{name}: src {tuple(src.shape)} must be at least as large as index {shape}")
    return src if tuple(src.shape) == shape else getitem(src, tuple(slice(n) for n in shape))


@appears("function out exact method")
@numbers_too
def index_select(input: Array, dim: int, index: Array) -> Array:
    """The slices of axis dim that `index`, a vector of ints, names; a copy.

    IndexError for a slice that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([[1, 2], [3, 4]]).index_select(1, tg.tensor([1, 1])).tolist()
    [[2, 2], [4, 4]]
    """
    return _index_select(input, whole_slices("index_select", input, dim, int_array("index_select", index, np.int32)))


_index_select = renamed(getitem, "index_select")


@appears("function out exact method in_place")
@numbers_too
def index_add(input: Array, dim: int, index: Array, source: Array, *, alpha: float = 1) -> Array:
    """input with alpha · source[i] added to slice index[i] of axis dim; repeated slices add up.

    IndexError for a slice that is not there, RuntimeError where source has another shape or dtype.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(3, 2)
    >>> tg.index_add(x, 0, tg.tensor([2, 0, 2]), tg.ones(3, 2), alpha=10).tolist()
    [[10.0, 10.0], [0.0, 0.0], [20.0, 20.0]]
    """
    index = int_array("index_add", index, np.int32)
    places = parse(whole_slices("index_add", input, dim, index), input.shape)
    source = _slices("index_add", input, dim, index, source)
    return input + place(scaled("index_add", input, source, alpha), places, tuple(input.shape))


@appears("function out exact method in_place")
@numbers_too
def index_copy(input: Array, dim: int, index: Array, source: Array) -> Array:
    """input with slice index[i] of axis dim replaced by source[i].

    IndexError for a slice that is not there, RuntimeError where source has another shape or dtype.

    >>> import tinygrad_cnn as tg
    >>> tg.index_copy(tg.zeros(3, 2), 0, tg.tensor([2, 0]), tg.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0, 4.0], [0.0, 0.0], [1.0, 2.0]]
    """
    index = int_array("index_copy", index)
    places = whole_slices("index_copy", input, dim, index)
    return _index_copy(input, _slices("index_copy", input, dim, index, source), places)


_index_copy = renamed(setitem, "index_copy")


def _slices(name: str, input: Any, dim: int, index: np.ndarray, source: Any) -> Any:
    """The source, if it has a slice for each index."""
    refuse_dtype(name, input, source)
    source = source if source.ndim else reshape(source, (1,))
    d = axis(name, dim, input.ndim)
    wanted = tuple(index.size if i == d else n for i, n in enumerate(input.shape))
    if tuple(source.shape) != wanted:
        apart = source.ndim == input.ndim and any(
            n != w for i, (n, w) in enumerate(zip(source.shape, wanted)) if i != d
        )
        raise (RuntimeError if apart or name != "index_copy" else IndexError)(
            f"{name}: source must have shape {wanted}, a slice for each index; got {tuple(source.shape)}"
        )
    return source


@appears("function method in_place")
@numbers_too
def index_fill(input: Array, dim: int, index: Array, value: Array | Number) -> Array:
    """input with the slices of axis dim that `index` names set to one value.

    Negative numbers count from the end. IndexError for a slice that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.index_fill(tg.zeros(2, 3), 1, tg.tensor([0, -1]), 7.0).tolist()
    [[7.0, 0.0, 7.0], [7.0, 0.0, 7.0]]
    """
    refuse_axes("index_fill", value)
    index = _from_behind(int_array("index_fill", index), input.shape[axis("index_fill", dim, input.ndim)])
    # A slice that is named twice is filled once, and once it asks for the value's gradient.
    index = np.unique(index) if index.ndim == 1 else index
    return _index_fill(input, value, whole_slices("index_fill", input, dim, index))


_index_fill = renamed(setitem, "index_fill")


def _from_behind(index: np.ndarray, n: int) -> np.ndarray:
    """Negative places count from the end."""
    return np.where(index < 0, index + n, index)


@appears("function out exact method")
def take(input: Array, index: Array) -> Array:
    """The elements at these places of the flattened input, in the shape of index.

    Negative places count from the end. IndexError beyond it.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> y = tg.take(x, tg.tensor([0, -1, -1]))
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([1.0, 4.0, 4.0], [[1.0, 0.0], [0.0, 2.0]])
    """
    array = int_array("take", index)
    n = input.numel() if hasattr(input, "numel") else input.size
    if array.size and not -n <= array.min() <= array.max() < n:
        raise IndexError(f"take: index {array.tolist()} is out of range for {n} elements")
    if not array.ndim:  # a single place would be a view of it
        return reshape(_take(flatten(input), array[None]), ())
    return _take(flatten(input), array)


_take = renamed(getitem, "take")


@appears("functional")
def one_hot(tensor: Array, num_classes: int = -1) -> Array:
    """1 at the class, 0 elsewhere: (...) ints -> (..., num_classes) int64; by default the largest class + 1.

    RuntimeError for a negative class, for one beyond num_classes, and for all but int64.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.one_hot(tg.tensor([0, 2])).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    labels = int_array("one_hot", tensor)
    if labels.size and labels.min() < 0:
        raise RuntimeError(f"one_hot: class values must not be negative, got {labels.min()}")
    if num_classes == -1:
        if not labels.size:
            raise RuntimeError("one_hot: cannot infer num_classes from an empty tensor; give it")
        num_classes = int(labels.max()) + 1
    elif num_classes < 1 or (labels.size and labels.max() >= num_classes):
        raise RuntimeError(f"one_hot: num_classes {num_classes} must be larger than every class, up to {labels.max()}")
    return wrap((labels[..., None] == np.arange(num_classes)).astype(np.int64))
