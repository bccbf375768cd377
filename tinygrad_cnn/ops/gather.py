"""Reading and writing along one axis, by an array of places: gather, scatter, index_select and their kin.

In each, the places of the other axes are those of the index array itself (gather, scatter) or all
(index_select, index_add). So each is getitem, setitem or place with an index made for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import as_array, wrap
from .dims import axis
from .index import getitem, parse, place, setitem
from .shape import broadcast_shapes, expand, flatten


def _each(name: str, input: Any, dim: int, index: Any) -> tuple[np.ndarray, ...]:
    """The index that reads input[i0, ..., index[i0, i1, ...], ...], with `index` at axis dim."""
    array, shape = _ints(name, index), tuple(input.shape)
    d = axis(name, dim, len(shape))
    if array.ndim != len(shape):
        raise RuntimeError(f"{name}: index must have as many axes as input; shapes {array.shape} and {shape}")
    if any(m > n for i, (m, n) in enumerate(zip(array.shape, shape, strict=True)) if i != d):
        raise RuntimeError(f"{name}: index {array.shape} must not be larger than input {shape}, except along dim {d}")
    _refuse_outside(name, array, shape[d] if shape else 1)
    if not shape:
        return ()
    grid = np.ogrid[tuple(slice(n) for n in array.shape)]
    return tuple(array if i == d else places for i, places in enumerate(grid))


def _whole(name: str, input: Any, dim: int, index: Any) -> tuple:
    """The index that reads whole slices of axis dim."""
    array = _ints(name, index)
    d = axis(name, dim, input.ndim)
    if array.ndim > 1:
        raise IndexError(f"{name}: index must be a vector, got shape {array.shape}")
    if not input.ndim:
        return ()
    if array.size and (array.min() < 0 or array.max() >= input.shape[d]):
        raise IndexError(f"{name}: index {array.tolist()} is out of range for axis {d} of length {input.shape[d]}")
    return (slice(None),) * d + (array.reshape(-1),)


def _ints(name: str, index: Any) -> np.ndarray:
    array = as_array(index)
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name}: index must be a Tensor, not {type(index).__name__}")
    if array.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: index must be of an integer dtype, got {array.dtype}; use .long()")
    return array


def _refuse_outside(name: str, array: np.ndarray, n: int) -> None:
    if array.size and (array.min() < 0 or array.max() >= n):
        wrong = array[(array < 0) | (array >= n)].flat[0]
        raise RuntimeError(f"{name}: index {wrong} is out of bounds for an axis of length {n}")


def gather(input: Any, dim: int, index: Any) -> Any:
    """out[i][j] = input[index[i][j]][j] for dim=0, input[i][index[i][j]] for dim=1; out has the shape of index.

    >>> import tinygrad_cnn as tg
    >>> scores = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> scores.gather(1, tg.tensor([[1], [0]])).sum().backward()
    >>> scores.grad.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    return getitem(input, _each("gather", input, dim, index))


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """`gather`, where the axes other than dim broadcast; without dim, of all elements in a row."""
    if dim is None:
        return gather(flatten(input), 0, flatten(indices))
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"take_along_dim: input {tuple(input.shape)} and indices {tuple(indices.shape)} must have equally many axes"
        )
    d = axis("take_along_dim", dim, input.ndim)
    one = [tuple(1 if i == d else n for i, n in enumerate(x.shape)) for x in (input, indices)]
    common = broadcast_shapes(*one)
    spread = [expand(x, tuple(x.shape[d] if i == d else n for i, n in enumerate(common))) for x in (input, indices)]
    return gather(spread[0], dim, spread[1])


def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Any:
    """input with out[index[i][j]][j] = src[i][j] for dim=0, out[i][index[i][j]] = src[i][j] for dim=1.

    src (or value): a tensor at least as large as index, or a number. reduce="add": `scatter_add`.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).scatter(1, tg.tensor([[2], [0]]), 1.0).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    src = value if src is None else src
    if src is None:
        raise TypeError("scatter: missing src: a tensor of the shape of index, or a number")
    if reduce not in (None, "add"):
        raise RuntimeError(f"scatter: reduce must be 'add' or left out, got {reduce!r}")
    if reduce == "add":
        return scatter_add(input, dim, index, src)
    return setitem(input, _part("scatter", src, index), _each("scatter", input, dim, index))


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """`scatter` that adds: what comes to one place adds up.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(3).scatter_add(0, tg.tensor([0, 2, 2]), tg.ones(3)).tolist()
    [1.0, 0.0, 2.0]
    """
    places = parse(_each("scatter_add", input, dim, index), input.shape)
    return input + place(_part("scatter_add", src, index), places, tuple(input.shape))


def _part(name: str, src: Any, index: Any) -> Any:
    """As much of src as index has places."""
    if not hasattr(src, "ndim"):
        return src
    if src.ndim != index.ndim or any(m < n for m, n in zip(src.shape, index.shape, strict=True)):
        raise RuntimeError(f"{name}: src {tuple(src.shape)} must be at least as large as index {tuple(index.shape)}")
    same = tuple(src.shape) == tuple(index.shape)
    return src if same else getitem(src, tuple(slice(n) for n in index.shape))


def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices of axis dim that `index`, a vector of ints, names; a copy.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([[1, 2], [3, 4]]).index_select(1, tg.tensor([1, 1])).tolist()
    [[2, 2], [4, 4]]
    """
    return getitem(input, _whole("index_select", input, dim, index))


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """input with alpha · source[i] added to slice index[i] of axis dim; repeated slices add up."""
    places = parse(_whole("index_add", input, dim, index), input.shape)
    _refuse_misfit("index_add", input, dim, index, source)
    return input + place(source if alpha == 1 else source * alpha, places, tuple(input.shape))


def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """input with slice index[i] of axis dim replaced by source[i]."""
    places = _whole("index_copy", input, dim, index)
    _refuse_misfit("index_copy", input, dim, index, source)
    return setitem(input, source, places)


def _refuse_misfit(name: str, input: Any, dim: int, index: Any, source: Any) -> None:
    d = axis(name, dim, input.ndim)
    wanted = tuple(index.shape[0] if i == d and index.ndim else n for i, n in enumerate(input.shape))
    if tuple(source.shape) != wanted:
        raise RuntimeError(
            f"{name}: source must have shape {wanted}, a slice for each index; got {tuple(source.shape)}"
        )


def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """input with the slices of axis dim that `index` names set to one value."""
    return setitem(input, value, _whole("index_fill", input, dim, index))


def take(input: Any, index: Any) -> Any:
    """The elements at these places of the flattened input, in the shape of index."""
    array = _ints("take", index)
    n = input.numel() if hasattr(input, "numel") else input.size
    if array.size and not -n <= array.min() <= array.max() < n:
        raise IndexError(f"take: index {array.tolist()} is out of range for {n} elements")
    return getitem(flatten(input), array)


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """1 at the class, 0 elsewhere: (...) ints -> (..., num_classes) int64; by default the largest class + 1.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.one_hot(tg.tensor([0, 2])).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    labels = _ints("one_hot", tensor)
    if labels.size and labels.min() < 0:
        raise RuntimeError(f"one_hot: class values must not be negative, got {labels.min()}")
    if num_classes == -1:
        if not labels.size:
            raise RuntimeError("one_hot: cannot infer num_classes from an empty tensor; give it")
        num_classes = int(labels.max()) + 1
    elif num_classes < 1 or (labels.size and labels.max() >= num_classes):
        raise RuntimeError(f"one_hot: num_classes {num_classes} must be larger than every class, up to {labels.max()}")
    return wrap((labels[..., None] == np.arange(num_classes)).astype(np.int64))
