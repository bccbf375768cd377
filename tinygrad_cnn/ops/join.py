"""Ops that make one tensor of several, and several of one: each is the way back of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from ..arrays.arguments import NUMPY
from ..arrays.dtypes import result_type
from ..arrays.types import Array, Shape
from ..engine.broadcast import expand_to
from ..engine.call import op
from ..engine.tensor import as_array
from .declared import appears
from .dims import axis, whole
from .index import getitem
from .shape import reshape, unsqueeze

# One of several.


@op
def _cat(*tensors: Array, dim: int, lengths: tuple) -> Array:
    if len({t.dtype for t in tensors}) > 1:
        common = result_type(*tensors)
        tensors = tuple(t.astype(common, copy=False) for t in tensors)
    return np.concatenate(tensors, axis=dim)


def _join(tensors: Sequence[Array], dim: int) -> Any:
    """The tensors, whose shapes fit, one behind the other."""
    return _cat(*tensors, dim=dim, lengths=tuple([as_array(t).shape[dim] for t in tensors]))


def _part(g: Any, lengths: tuple[int, ...], dim: int, index: int) -> Any:
    """The part of g that tensor number `index` became."""
    return narrow(g, dim, sum(lengths[:index]), lengths[index])


_cat.grad(tensors=_part)
_cat.explain(
    "Each tensor gets its own part of the gradient back.",
    tensors="part(g, start, end, dim)",
    numbers={
        "start": lambda lengths, index: sum(lengths[:index]),
        "end": lambda lengths, index: sum(lengths[: index + 1]),
    },
)


@appears("function out", aliases="concat concatenate")
def cat(tensors: Sequence[Array], dim: int = 0) -> Array:
    """The tensors one behind the other along axis dim: (..., n1, ...) (..., n2, ...) -> (..., n1 + n2, ...).

    RuntimeError where another axis differs in length.

    >>> import tinygrad_cnn as tg
    >>> tg.cat([tg.zeros(2, 3), tg.ones(1, 3)]).shape
    (3, 3)
    """
    tensors = _sequence("cat", tensors)
    shapes = [as_array(t).shape for t in tensors]
    if len(set(map(len, shapes))) > 1:  # as in PyTorch, an empty vector may stand beside anything
        tensors = [t for t, shape in zip(tensors, shapes) if shape != (0,)]
        shapes = [shape for shape in shapes if shape != (0,)]
    if () in shapes:
        raise RuntimeError("cat: a tensor without axes cannot be concatenated; use stack")
    dim = axis("cat", dim, len(shapes[0]))
    if len({(len(s), s[:dim], s[dim + 1 :]) for s in shapes}) > 1:
        raise RuntimeError(f"cat: the shapes {_listed(shapes)} must be equal, except along dim {dim}")
    return _join(tensors, dim)


@appears("function out")
def stack(tensors: Sequence[Array], dim: int = 0) -> Array:
    """Tensors of one shape side by side, along a new axis dim.

    RuntimeError where the shapes are not equal, ValueError for an empty list.

    >>> import tinygrad_cnn as tg
    >>> tg.stack([tg.zeros(3), tg.ones(3)], dim=1).tolist()
    [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """
    tensors = _sequence("stack", tensors)
    shapes = [tuple(t.shape) for t in tensors]
    if len(set(shapes)) > 1:
        raise RuntimeError(
            f"stack: the shapes {_listed(shapes)} must be equal; use cat to join along an axis they have"
        )
    dim = axis("stack", dim, len(shapes[0]) + 1)
    return _join([unsqueeze(t, dim) for t in tensors], dim)


def _sequence(name: str, tensors: Any) -> list:
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(f"{name}: expected a list or tuple of Tensors, got {type(tensors).__name__}")
    if not tensors:
        raise ValueError(f"{name}: expected a non-empty list of Tensors")
    for i, t in enumerate(tensors):
        if not hasattr(t, "ndim") or type(t) in NUMPY:
            raise TypeError(f"{name}: element {i} is a {type(t).__name__}, expected a Tensor")
    return list(tensors)


def _listed(shapes: list) -> str:
    return ", ".join(map(str, shapes[:8])) + (", ..." if len(shapes) > 8 else "")


@overload
def atleast_1d(tensor: Array, /) -> Array: ...
@overload
def atleast_1d(*tensors: Array) -> tuple[Array, ...]: ...
@appears("function")
def atleast_1d(*tensors: Array) -> Any:
    """Each tensor with at least one axis.

    Several tensors, or a list of them, give a tuple.

    >>> import tinygrad_cnn as tg
    >>> tg.atleast_1d(tg.tensor(5)).tolist(), tg.atleast_1d(tg.zeros(2, 3)).shape
    ([5], (2, 3))
    """
    return _each(tensors, lambda x: reshape(x, (1,)) if x.ndim == 0 else x)


@overload
def atleast_2d(tensor: Array, /) -> Array: ...
@overload
def atleast_2d(*tensors: Array) -> tuple[Array, ...]: ...
@appears("function")
def atleast_2d(*tensors: Array) -> Any:
    """Each tensor with at least two axes; new ones come in front.

    Several tensors, or a list of them, give a tuple.

    >>> import tinygrad_cnn as tg
    >>> a, b = tg.atleast_2d(tg.tensor(5), tg.tensor([1, 2]))
    >>> a.tolist(), b.tolist()
    ([[5]], [[1, 2]])
    """
    return _each(tensors, lambda x: reshape(x, (1, *x.shape)[-2:] if x.ndim else (1, 1)) if x.ndim < 2 else x)


def _each(tensors: tuple, f: Any) -> Any:
    if len(tensors) == 1 and not isinstance(tensors[0], tuple | list):
        return f(tensors[0])
    return tuple(f(x) for x in (tensors[0] if len(tensors) == 1 else tensors))


@appears("function out")
def hstack(tensors: Sequence[Array]) -> Array:
    """The tensors side by side: along axis 1, vectors along axis 0.

    RuntimeError where another axis differs in length.

    >>> import tinygrad_cnn as tg
    >>> tg.hstack([tg.tensor([1, 2]), tg.tensor([3])]).tolist()
    [1, 2, 3]
    >>> tg.hstack([tg.tensor([[1], [2]]), tg.tensor([[3], [4]])]).tolist()
    [[1, 3], [2, 4]]
    """
    tensors = [atleast_1d(x) for x in _sequence("hstack", tensors)]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


@appears("function out", aliases="row_stack")
def vstack(tensors: Sequence[Array]) -> Array:
    """The tensors on top of each other: along axis 0, vectors as rows.

    RuntimeError where another axis differs in length.

    >>> import tinygrad_cnn as tg
    >>> tg.vstack([tg.tensor([1, 2]), tg.tensor([[3, 4], [5, 6]])]).tolist()
    [[1, 2], [3, 4], [5, 6]]
    """
    return cat([atleast_2d(x) for x in _sequence("vstack", tensors)], 0)


# Several of one.

MOST = 1 << 24  # tensors, which take gigabytes


def _axis(name: str, dim: int, input: Any) -> int:
    """The axis that is taken apart; a number has none."""
    if not input.ndim:
        raise RuntimeError(f"{name}: expects at least one axis, got a tensor without any")
    return axis(name, dim, input.ndim)


def _refuse_many(name: str, parts: int) -> None:
    if parts > MOST:
        raise MemoryError(f"{name}: {parts:,} tensors are more than memory holds")


@appears("function method")
@op(view=True)
def split_with_sizes(input: Array, split_sizes: Sequence[int], dim: int = 0) -> tuple[Array, ...]:
    """Parts of these lengths along axis dim, one behind the other; views.

    RuntimeError where the lengths do not sum up to that of the axis.

    >>> import tinygrad_cnn as tg
    >>> [part.tolist() for part in tg.arange(5).split([2, 3])]
    [[0, 1], [2, 3, 4]]
    """
    d = _axis("split", dim, input)
    if min(split_sizes, default=0) < 0 or sum(split_sizes) != input.shape[d]:
        raise RuntimeError(
            f"split: the sizes {list(split_sizes)} must not be negative, and sum up to the {input.shape[d]} of axis {d}"
            f"; the shape is {input.shape}"
        )
    ends = np.cumsum(split_sizes)
    return tuple(input[(slice(None),) * d + (slice(e - n, e),)] for n, e in zip(split_sizes, ends, strict=True))


def _split_back(g: Any, split_sizes: Sequence[int], dim: int, input_shape: tuple) -> Any:
    def shape(n: int) -> tuple:
        return tuple(n if i == dim % len(input_shape) else length for i, length in enumerate(input_shape))

    zero = np.zeros((), next(iter(g.values())).dtype)
    return _join([g[i] if i in g else expand_to(zero, shape(n)) for i, n in enumerate(split_sizes)], dim)


split_with_sizes.grad(input=_split_back)
split_with_sizes.explain(
    "The parts' gradients are joined again; a part that nobody used counts as zero.",
    zero="no part of it was used",
    input="cat(g, dim)",
)


@appears("function method")
def split(tensor: Array, split_size_or_sections: Shape, dim: int = 0) -> tuple[Array, ...]:
    """Parts of one length along axis dim, the last may be shorter; or of the lengths in a list. Views.

    RuntimeError for a length below 1, and where those in a list do not sum up to that of the axis.

    >>> import tinygrad_cnn as tg
    >>> [part.tolist() for part in tg.split(tg.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
    """
    if isinstance(split_size_or_sections, tuple | list):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    size = whole("split", "split_size", split_size_or_sections)
    n = tensor.shape[_axis("split", dim, tensor)]
    if size < 0 or (size == 0 and n):
        raise RuntimeError(f"split: expects split_size to be positive, got {size}")
    _refuse_many("split", -(-n // max(size, 1)))
    sizes = [min(size, n - start) for start in range(0, n, size)] if n else [0]
    return split_with_sizes(tensor, sizes, dim)


@appears("function method")
def chunk(input: Array, chunks: int, dim: int = 0) -> tuple[Array, ...]:
    """At most `chunks` parts of one length along axis dim, the last may be shorter. Views.

    RuntimeError unless chunks is positive.

    >>> import tinygrad_cnn as tg
    >>> [part.tolist() for part in tg.chunk(tg.arange(7), 3)]
    [[0, 1, 2], [3, 4, 5], [6]]
    >>> len(tg.chunk(tg.arange(6), 4))
    3
    """
    if whole("chunk", "chunks", chunks) <= 0:
        raise RuntimeError(f"chunk: expects `chunks` to be greater than 0, got {chunks}")
    n = input.shape[_axis("chunk", dim, input)]
    _refuse_many("chunk", min(chunks, n) or chunks)
    return split(input, -(-n // chunks), dim) if n else split_with_sizes(input, [0] * chunks, dim)


@appears("function method")
def tensor_split(input: Array, indices_or_sections: Shape | Array, dim: int = 0) -> tuple[Array, ...]:
    """That many parts of lengths that differ by at most 1; or parts that begin at the given places. Views.

    RuntimeError unless their number is positive.

    >>> import tinygrad_cnn as tg
    >>> [part.tolist() for part in tg.tensor_split(tg.arange(7), 3)]
    [[0, 1, 2], [3, 4], [5, 6]]
    >>> [part.tolist() for part in tg.tensor_split(tg.arange(7), (1, 5))]
    [[0], [1, 2, 3, 4], [5, 6]]
    """
    n = input.shape[_axis("tensor_split", dim, input)]
    sections: Any = indices_or_sections
    if hasattr(sections, "ndim"):  # a tensor says the same as a number or a list
        if sections.ndim > 1 or sections.dtype != np.int64:
            raise RuntimeError("tensor_split: a tensor of sections must be a number or a vector of int64")
        sections = sections.tolist()
    if isinstance(sections, tuple | list):
        starts = [slice(i).indices(n)[1] for i in sections]
    else:
        if whole("tensor_split", "the number of sections", sections) <= 0:
            raise RuntimeError(f"tensor_split: number of sections must be larger than 0, got {sections}")
        _refuse_many("tensor_split", sections)
        each, longer = divmod(n, sections)
        starts = [i * each + min(i, longer) for i in range(1, sections)]
    return tuple(
        narrow(input, dim, start, max(end - start, 0)) for start, end in zip([0, *starts], [*starts, n], strict=True)
    )


@appears("function method")
@op(view=True)
def unbind(input: Array, dim: int = 0) -> tuple[Array, ...]:
    """The slices along axis dim, without that axis: what iteration gives. Views.

    RuntimeError for a tensor without axes.

    >>> import tinygrad_cnn as tg
    >>> a, b = tg.tensor([[1.0, 2.0], [3.0, 4.0]]).unbind()
    >>> b.tolist()
    [3.0, 4.0]
    """
    if input.ndim == 0:
        raise RuntimeError("unbind: expects at least one axis, got a tensor without any")
    rows = np.moveaxis(input, axis("unbind", dim, input.ndim), 0)
    _refuse_many("unbind", len(rows))
    return tuple(rows[i, ...] for i in range(len(rows)))


def _unbind_back(g: Any, dim: int, input_shape: tuple) -> Any:
    one = next(iter(g.values()))
    zero = expand_to(np.zeros((), one.dtype), one.shape)
    dim %= len(input_shape)
    return _join([unsqueeze(g.get(i, zero), dim) for i in range(input_shape[dim])], dim)


unbind.grad(input=_unbind_back)
unbind.explain(
    "The slices' gradients are stacked again; a slice that nobody used counts as zero.",
    zero="no slice of it was used",
    input="stack(g, dim)",
)


@appears("function method")
def narrow(input: Array, dim: int, start: int, length: int) -> Array:
    """The `length` elements from `start` on along axis dim. A view.

    A negative start counts from the end. IndexError for a start, RuntimeError for an end beyond the axis.

    >>> import tinygrad_cnn as tg
    >>> tg.arange(5).narrow(0, 1, 3).tolist()
    [1, 2, 3]
    """
    d = axis("narrow", dim, input.ndim)
    n = input.shape[d] if input.ndim else 0
    first, length = whole("narrow", "start", start), whole("narrow", "length", length)
    first += n if first < 0 else 0
    if length < 0:
        raise RuntimeError(f"narrow: length must not be negative, got {length}")
    if not 0 <= first <= n:
        raise IndexError(f"narrow: start {start} is out of range for axis {d} of length {n}")
    if first + length > n:
        raise RuntimeError(f"narrow: start {start} and length {length} exceed axis {d}, which has {n} elements")
    return getitem(input, (slice(None),) * d + (slice(first, first + length),))


@appears("function method")
def select(input: Array, dim: int, index: int) -> Array:
    """Slice number `index` of axis dim, without that axis. A view.

    IndexError for a slice that is not there.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2, 3)
    >>> x.select(1, -1).fill_(5).shape, x.tolist()
    ((2,), [[0.0, 0.0, 5.0], [0.0, 0.0, 5.0]])
    """
    if input.ndim == 0:
        raise IndexError("select: a tensor without axes has nothing to select from")
    return getitem(input, (slice(None),) * axis("select", dim, input.ndim) + (whole("select", "index", index),))
