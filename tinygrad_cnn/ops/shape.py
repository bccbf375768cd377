"""Ops that change the shape and leave the values: most are views, none computes anything.

A view shares the memory of its input, so a change of one is a change of the other. The rule of such an
op is its way back, and for everything that keeps the order of the elements the way back is `reshape`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np

from ..arrays.lines import user_level
from ..arrays.plain import shares_memory
from ..arrays.size import Size
from ..arrays.types import Array, Axis, DType, Shape
from ..engine.broadcast import expand_to
from ..engine.call import op
from ..engine.memory import FIXED, fixed, put_in_order
from ..engine.tensor import Tensor, as_array
from ..kernels import kernel
from .declared import appears
from .dims import axes, axis

BIG = 16_384  # numbers; NumPy copies fewer as fast as a kernel


class memory_format:
    """How a tensor lies in memory. Everything here works on any layout, so it is a wish, never a duty.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(1, 3, 2, 2)
    >>> x.stride(), x.contiguous(memory_format=tg.channels_last).stride()
    ((12, 4, 2, 1), (12, 1, 6, 3))
    """

    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return f"tinygrad_cnn.{self.name}"


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")


def ints(op: str, sizes: Any) -> tuple[int, ...]:
    """A shape, given as one int or as a sequence of them."""
    try:
        found = tuple(sizes) if isinstance(sizes, tuple | list) else (sizes,)
        if bool in map(type, found):
            raise TypeError
        return tuple(n.__index__() for n in found)
    except (AttributeError, TypeError):
        raise TypeError(f"{op}: sizes must be ints, got {sizes!r}") from None


# The order of the elements stays.


def _seeing(copying: Any = None) -> Callable:
    """Let an op see memory in another shape where it could only copy it as it lies; `copying`, or itself, does that."""

    def decorate(op: Any) -> Any:
        @wraps(op)
        def g(input: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(input, Tensor) and not input._array.flags.c_contiguous and not fixed(input):
                seen = (copying or op)(input._array, *args, **kwargs)
                if not shares_memory(seen, input._array):
                    put_in_order(input, seen)
            return op(input, *args, **kwargs)

        return g

    return decorate


@appears("function sizes")
@_seeing()
@op(view=True)
def reshape(input: Array, shape: Sequence[int]) -> Array:
    """The same elements in the same order, in another shape; one -1 stands for whatever is left.

    A view where the memory allows it, else a copy. RuntimeError where the numbers of elements differ.

    >>> import tinygrad_cnn as tg
    >>> tg.arange(6).reshape(2, -1).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    return _in_shape(input, shape)


def _in_shape(a: np.ndarray, shape: Any) -> np.ndarray:
    """a.reshape(shape), or an error that says why not."""
    if type(shape) is not tuple:
        shape = ints("reshape", shape)
    try:
        if not shape or min(shape) >= -1:
            return _reshaped(a, shape)
    except (ValueError, TypeError):
        pass
    raise _refused("reshape", a.shape, shape)


def _reshaped(a: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """a.reshape(shape); the copy that this takes where it joins axes of channels-last pictures is a kernel's work."""
    if a.size >= BIG and a.ndim > 2 and a.strides[1] == a.itemsize and not a.flags.c_contiguous:
        rest = -math.prod(shape)
        cuts = {1, *accumulate((a.size // rest if n == -1 and rest else n for n in shape), mul)}
        joined = len(a) not in cuts or len(a) * a.shape[1] not in cuts
        if joined and a.transpose(0, *range(2, a.ndim), 1).flags.c_contiguous:
            a = kernel.contiguous(a)
    return a.reshape(shape)


def _refused(name: str, old: tuple, new: Any) -> Exception:
    new = ints(name, new)
    if min(new, default=0) < -1 or new.count(-1) > 1:
        return RuntimeError(f"{name}: shape {new} is invalid; sizes are not negative, but for a single -1")
    rest = math.prod(n for n in new if n != -1)
    if -1 in new and rest == 0:
        return RuntimeError(f"{name}: the -1 in {new} could be any size beside a 0; write it out")
    return RuntimeError(
        f"{name}: shape {new} is invalid for a tensor of shape {old}: it has {math.prod(old)} elements, "
        + (f"which {rest} does not divide" if -1 in new else f"and {new} takes {rest}")
    )


@_seeing(reshape)
@op(view=True)
def view(input: Array, size: Shape) -> Array:
    """`reshape` that shares its memory: RuntimeError where that cannot be, as after a transposition.

    The layout channels-last, in which convolutions leave their results, is the library's own affair: their memory
    is put in order first.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(4)
    >>> x.view(2, 2)[0, 1] = 5
    >>> x.tolist()
    [0.0, 5.0, 0.0, 0.0]
    """
    out = _in_shape(input, size)
    if not shares_memory(out, input) and out.size:
        raise RuntimeError(
            f"view: a tensor of shape {input.shape} with strides {_strides(input)} cannot be seen as {out.shape} "
            "without a copy; use .reshape(...), or .contiguous().view(...)"
        )
    return out


@op(view=True)
def view_dtype(input: Array, dtype: DType) -> Array:
    """The same memory read as numbers of another dtype, for which the last axis grows or shrinks."""
    a, (old, new) = input, (input.itemsize, np.dtype(dtype).itemsize)
    sizes = f"view: to read {input.dtype} as {np.dtype(dtype)}"
    if old != new and a.ndim == 0:
        raise RuntimeError(f"{sizes}, which have other sizes, a tensor needs an axis; this one is a number")
    if old != new and a.size and a.strides[-1] != old and a.shape[-1] != 1:
        raise RuntimeError(f"{sizes}, the elements of the last axis must lie side by side; use .contiguous() before")
    if old < new and (a.shape[-1] * old % new or any(s % new for s in a.strides[:-1])):
        raise RuntimeError(f"{sizes}, the last axis and the strides must be multiples of {new // old}: {a.shape}")
    return a.view(dtype) if a.size or old == new else np.empty((*a.shape[:-1], a.shape[-1] * old // new), dtype)


view_dtype.grad(input=None)


def _strides(a: np.ndarray) -> tuple[int, ...]:
    return tuple(s // a.itemsize for s in a.strides)


@appears("function method")
@_seeing()
@op(view=True)
def flatten(input: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    """One axis in place of the axes start_dim to end_dim.

    A view where the memory allows it, else a copy.
    IndexError for an axis that is not there, RuntimeError where start_dim comes after end_dim.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3, 4).flatten(1).shape
    (2, 12)
    """
    shape = input.shape
    start, end = axis("flatten", start_dim, len(shape)), axis("flatten", end_dim, len(shape))
    if start > end:
        raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in a tensor of shape {shape}")
    return _reshaped(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@appears("function method")
@op(view=True)
def unflatten(input: Array, dim: int, sizes: Sequence[int]) -> Array:
    """Several axes of these sizes in place of axis dim; one of them may be -1.

    RuntimeError where the sizes do not multiply up to the length of the axis.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 12).unflatten(1, (3, -1)).shape
    (2, 3, 4)
    """
    shape, dim, sizes = input.shape, axis("unflatten", dim, input.ndim), ints("unflatten", sizes)
    rest = math.prod(n for n in sizes if n != -1)
    if sizes.count(-1) == 1 and rest:
        sizes = tuple(shape[dim] // rest if n == -1 else n for n in sizes)
    if not sizes or min(sizes) < 0 or math.prod(sizes) != shape[dim]:
        raise RuntimeError(
            f"unflatten: sizes {sizes} do not multiply up to the {shape[dim]} of axis {dim}, the shape is {shape}"
        )
    return input.reshape(*shape[:dim], *sizes, *shape[dim + 1 :])


@appears("function method in_shape")
@op(view=True)
def squeeze(input: Array, dim: Axis | None = None) -> Array:
    """Without the axes of length 1: all, or those named; a named axis of another length stays.

    A view. IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(1, 3, 1).squeeze().shape, tg.zeros(1, 3, 1).squeeze(-1).shape
    ((3,), (1, 3))
    """
    gone = axes("squeeze", dim, input.ndim)
    return input.reshape([n for i, n in enumerate(input.shape) if n != 1 or i not in gone])


@appears("function method in_shape")
@op(view=True)
def unsqueeze(input: Array, dim: int) -> Array:
    """With a new axis of length 1, which becomes axis dim.

    A view. IndexError for a dim that the result does not have.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(3).unsqueeze(0).shape, tg.zeros(3).unsqueeze(-1).shape
    ((1, 3), (3, 1))
    """
    dim = axis("unsqueeze", dim, input.ndim + 1)
    return input[(slice(None),) * dim + (None, ...)]


for keeps_order in (reshape, view, flatten, unflatten, squeeze, unsqueeze):
    keeps_order.grad(input=lambda g, input_shape: reshape(g, input_shape))
    keeps_order.explain("The same elements in another shape: the gradient goes back into the old shape.")


@appears("method")
def view_as(input: Array, other: Array) -> Array:
    """`input.view(other.shape)`.

    RuntimeError where the numbers of elements differ, or the memory cannot be seen so.

    >>> import tinygrad_cnn as tg
    >>> tg.arange(6).view_as(tg.zeros(3, 2)).tolist()
    [[0, 1], [2, 3], [4, 5]]
    """
    return view(input, other.shape)


@appears("method")
def reshape_as(input: Array, other: Array) -> Array:
    """`input.reshape(other.shape)`.

    RuntimeError where the numbers of elements differ.

    >>> import tinygrad_cnn as tg
    >>> tg.arange(6).reshape_as(tg.zeros(3, 2)).tolist()
    [[0, 1], [2, 3], [4, 5]]
    """
    return reshape(input, other.shape)


@appears("function method")
def ravel(input: Array) -> Array:
    """All elements along one axis; a view where they lie in memory in their order, else a copy.

    >>> import tinygrad_cnn as tg
    >>> tg.ravel(tg.tensor([[1, 2], [3, 4]]).T).tolist()
    [1, 3, 2, 4]
    """
    return reshape(contiguous(input), (-1,))


# The axes change places.


@appears("function sizes")
@op(view=True)
def permute(input: Array, dims: Sequence[int]) -> Array:
    """Axis i of the result is axis dims[i] of the input.

    A view. RuntimeError unless dims names each axis once.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3, 4).permute(2, 0, 1).shape
    (4, 2, 3)
    """
    dims = ints("permute", dims)
    if len(dims) != input.ndim:
        raise RuntimeError(f"permute: dims {tuple(dims)} must name each of the {input.ndim} axes of {input.shape} once")
    return input.transpose(axes("permute", tuple(dims), input.ndim))


permute.grad(input=lambda g, dims: permute(g, _inverse(dims)))
permute.explain(
    "The axes go back to their places.", input="permute(g, inverse)", numbers={"inverse": lambda dims: _inverse(dims)}
)


def _inverse(dims: Sequence[int]) -> tuple[int, ...]:
    places = {int(d) % len(dims): i for i, d in enumerate(dims)}
    return tuple([places[i] for i in range(len(dims))])


@appears("function method in_shape")
@op(view=True)
def transpose(input: Array, dim0: int, dim1: int) -> Array:
    """The axes dim0 and dim1 change places.

    A view. IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3, 4).transpose(0, 2).shape
    (4, 3, 2)
    """
    n = input.ndim
    dim0, dim1 = axis("transpose", dim0, n), axis("transpose", dim1, n)
    return input.swapaxes(dim0, dim1) if n else input[...]


transpose.grad(input=lambda g, dim0, dim1: transpose(g, dim0, dim1))
transpose.explain("The two axes change places again.")


@appears("function method in_shape")
def swapaxes(input: Array, axis0: int, axis1: int) -> Array:
    """`transpose`, under NumPy's name.

    >>> import tinygrad_cnn as tg
    >>> tg.swapaxes(tg.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    return transpose(input, axis0, axis1)


@appears("function method in_shape")
def swapdims(input: Array, dim0: int, dim1: int) -> Array:
    """`transpose`.

    >>> import tinygrad_cnn as tg
    >>> tg.swapdims(tg.zeros(2, 3, 4), 0, -1).shape
    (4, 3, 2)
    """
    return transpose(input, dim0, dim1)


@appears("function method in_shape")
def t(input: Array) -> Array:
    """The transposed matrix; a vector and a number stay as they are.

    RuntimeError for more than 2 axes.

    >>> import tinygrad_cnn as tg
    >>> tg.t(tg.tensor([[1, 2, 3], [4, 5, 6]])).tolist(), tg.t(tg.arange(2)).tolist()
    ([[1, 4], [2, 5], [3, 6]], [0, 1])
    """
    if input.ndim > 2:
        raise RuntimeError(
            f"t: expects a tensor of at most 2 axes, got shape {tuple(input.shape)}; use .mT or .transpose"
        )
    return permute(input, ((), (0,), (1, 0))[input.ndim])


@appears("function method")
def adjoint(input: Array) -> Array:
    """The last two axes change places: the transposed matrices of a batch; a number has none.

    IndexError for a vector.

    >>> import tinygrad_cnn as tg
    >>> tg.adjoint(tg.zeros(7, 2, 3)).shape
    (7, 3, 2)
    """
    return transpose(input, -2, -1) if input.ndim else input


@appears("function method", aliases="moveaxis")
def movedim(input: Array, source: Axis, destination: Axis) -> Array:
    """The axes `source` become the axes `destination`, the others keep their order.

    A view. RuntimeError where source and destination do not name equally many axes, or one twice.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3, 4).movedim(0, -1).shape
    (3, 4, 2)
    """
    n = input.ndim
    source, destination = axes("movedim", source, n), axes("movedim", destination, n)
    if len(source) != len(destination):
        raise RuntimeError(f"movedim: source {source} and destination {destination} must name equally many axes")
    order = [i for i in range(n) if i not in source]
    for d, s in sorted(zip(destination, source, strict=True)):
        order.insert(d, s)
    return permute(input, tuple(order) if n else ())


# Elements stand in several places.


@appears("sizes")
def expand(input: Array, size: Shape) -> Array:
    """Repeat along axes of length 1, without copying; -1 keeps a length, new axes come in front.

    RuntimeError where an axis is neither 1 nor of the wanted length.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[1.0], [2.0]], requires_grad=True)
    >>> x.expand(2, 3).sum().backward()
    >>> x.grad.tolist()
    [[3.0], [3.0]]
    """
    size, old = ints("expand", size), tuple(input.shape)
    front = len(size) - len(old)
    new = tuple(old[i - front] if n == -1 and i >= front else n for i, n in enumerate(size))
    if front < 0 or min(new, default=0) < 0 or any(a not in (1, b) for a, b in zip(old, new[front:], strict=True)):
        raise RuntimeError(
            f"expand: a tensor of shape {old} cannot be expanded to {size}: counted from the right, each of its axes "
            "must be of length 1 or already of the wanted length"
        )
    return expand_to(input, new)


@appears("method")
def expand_as(input: Array, other: Array) -> Array:
    """`input.expand(other.shape)`.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([[1], [2]]).expand_as(tg.zeros(2, 3)).tolist()
    [[1, 1, 1], [2, 2, 2]]
    """
    return expand(input, tuple(other.shape))


@appears("function method")
def broadcast_to(input: Array, size: Sequence[int]) -> Array:
    """`expand`, under NumPy's name.

    RuntimeError where an axis is neither 1 nor of the wanted length.

    >>> import tinygrad_cnn as tg
    >>> tg.broadcast_to(tg.tensor([1, 2]), (3, 2)).tolist()
    [[1, 2], [1, 2], [1, 2]]
    """
    return expand(input, size)


@appears("function")
def broadcast_tensors(*tensors: Array) -> tuple[Array, ...]:
    """All tensors, expanded to the one shape that they broadcast to.

    RuntimeError where they do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> x, y = tg.broadcast_tensors(tg.tensor([[1], [2]]), tg.tensor([10, 20, 30]))
    >>> x.tolist(), y.tolist()
    ([[1, 1, 1], [2, 2, 2]], [[10, 20, 30], [10, 20, 30]])
    """
    shape = broadcast_shapes(*(tuple(t.shape) for t in tensors))
    return tuple(expand(t, shape) for t in tensors)


@appears("function")
def broadcast_shapes(*shapes: Shape) -> Size:
    """The shape that these broadcast to; RuntimeError where they do not.

    >>> import tinygrad_cnn as tg
    >>> tg.broadcast_shapes((8, 1, 3), (5, 1), ())
    (8, 5, 3)
    """
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError:
        raise RuntimeError(
            f"broadcast: shapes {', '.join(map(str, shapes))} do not go together; counted from the right, "
            "axes must be equal, 1 or missing"
        ) from None


@appears("function")
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Array, ...]:
    """The coordinates of a grid: vectors of lengths A, B, ... -> as many tensors (A, B, ...); views.

    indexing: "ij", or "xy" for the first two axes exchanged, as pictures count. Left out it is "ij", with a warning.

    RuntimeError for other than vectors and numbers, of one dtype.

    >>> import tinygrad_cnn as tg
    >>> rows, columns = tg.meshgrid(tg.arange(2), tg.arange(3), indexing="ij")
    >>> rows.tolist(), columns.tolist()
    ([[0, 0, 0], [1, 1, 1]], [[0, 1, 2], [0, 1, 2]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    if indexing is None:
        warnings.warn("meshgrid: say indexing='ij', or 'xy'; PyTorch is going to ask for it", stacklevel=user_level())
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    if any(x.ndim > 1 for x in tensors) or len({x.dtype for x in tensors}) != 1:
        shown = ", ".join(f"{x.dtype} {tuple(x.shape)}" for x in tensors) or "none"
        raise RuntimeError(f"meshgrid: expects vectors of one dtype, got {shown}")
    n, lengths = len(tensors), [x.shape[0] if x.ndim else 1 for x in tensors]
    grids = [reshape(x, (1,) * i + (lengths[i],) + (1,) * (n - 1 - i)) for i, x in enumerate(tensors)]
    grids = [expand_to(x, tuple(lengths)) for x in grids]
    return tuple(transpose(x, 0, 1) for x in grids) if indexing == "xy" and n > 1 else tuple(grids)


# The same values in other memory.


@appears("function method")
@op
def clone(input: Array, memory_format: memory_format | None = None) -> Array:
    """A copy, in memory of its own; the gradient passes through.

    memory_format: `contiguous_format` for rows last in memory, `channels_last`; by default as the input lies.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = x.clone()
    >>> y[0] = 7.0
    >>> y.sum().backward()
    >>> x.tolist(), x.grad.tolist()
    ([1.0, 2.0], [0.0, 1.0])
    """
    expect_format("clone", memory_format)
    if memory_format is contiguous_format:
        return np.array(input, order="C")
    if memory_format is channels_last and input.ndim == 4:
        return np.moveaxis(np.array(np.moveaxis(input, 1, -1), order="C"), -1, 1)
    return input.copy(order="K")


clone.grad(input=lambda g: g)
clone.explain("A copy: the gradient passes.")


def expect_format(name: str, given: Any) -> None:
    if given is not None and not isinstance(given, memory_format):
        raise TypeError(f"{name}: memory_format must be one such as channels_last, got {given!r:.60}")


def apart(out: Any, input: Any) -> Any:
    """A result that is never a view: copied where it lies in the memory of the input."""
    return clone(out) if np.may_share_memory(as_array(out), as_array(input)) else out


@appears("method")
def contiguous(input: Array, *, memory_format: memory_format = contiguous_format) -> Array:
    """The tensor itself where its elements lie in memory in their order, else such a copy.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[1, 2], [3, 4]])
    >>> x.contiguous() is x, x.T.contiguous().stride(), x.T.stride()
    (True, (2, 1), (1, 2))
    """
    expect_format("contiguous", memory_format)
    if is_contiguous(input, memory_format=memory_format):
        return input
    out = clone(input, memory_format)
    if memory_format is channels_last and isinstance(out, Tensor):
        out._memory = FIXED
    return out


@appears("method")
def is_contiguous(input: Array, *, memory_format: memory_format = contiguous_format) -> bool:
    """Whether the elements lie in memory in their order (or channels last).

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2, 3)
    >>> x.is_contiguous(), x.T.is_contiguous()
    (True, False)
    """
    expect_format("is_contiguous", memory_format)
    if memory_format is contiguous_format and isinstance(input, Tensor):
        put_in_order(input)
    a = as_array(input)
    return (np.moveaxis(a, 1, -1) if memory_format is channels_last and a.ndim == 4 else a).flags.c_contiguous
