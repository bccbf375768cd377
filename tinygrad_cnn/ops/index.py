"""Indexing: reading places of a tensor, and its way back, writing to them.

PyTorch reads `x[index]` in two steps. Ints, slices, None and `...` come first and give a view; then
index arrays and masks pick from it. (NumPy treats an int beside an index array as an array, which
moves axes.) An index is parsed once into these two steps, `Places`, and every op here works on them.
"""

from __future__ import annotations

import operator
import warnings
from typing import Any, NamedTuple

import numpy as np

from ..arrays.dtypes import number
from ..arrays.lines import user_level
from ..arrays.types import Array, Number
from ..engine.broadcast import cast
from ..engine.call import op, renamed
from ..engine.record import frozen
from ..engine.tensor import Tensor, as_array, wrap
from ..kernels import kernel
from .checks import numbers_of
from .choice import where
from .declared import appears
from .shape import broadcast_tensors, reshape


class Places(NamedTuple):
    """A parsed index: `array[basic]` is a view, `[advanced]` picks from that view (None: all of it)."""

    basic: tuple
    advanced: tuple | None


_BASIC = (slice, type(None), type(Ellipsis))


def parse(index: Any, shape: tuple) -> Places:
    """The two steps of an index into a tensor of this shape; IndexError, TypeError or ValueError if it is none."""
    kind = type(index)
    if kind is Places:
        return index
    if kind is int:
        return Places((index, ...), None)
    basic: list = []
    advanced: list = []
    picks = False
    for i in index if isinstance(index, tuple) else (index,):
        kind = type(i)
        if kind is int:
            basic.append(i)
        elif kind is slice:
            if i.step is not None and operator.index(i.step) <= 0:
                raise ValueError(
                    f"getitem: slice step must be positive, got {i.step}; use .flip(dim) to turn an axis round"
                )
            basic.append(frozen(i))
            advanced.append(slice(None))
        elif i is None:
            basic.append(i)
            advanced.append(slice(None))
        elif i is Ellipsis:
            if Ellipsis not in basic:  # nothing is left for another one
                basic.append(i)
                advanced.append(i)
        else:
            if kind is range and i and max(abs(i[0]), abs(i[-1])) > max(shape, default=0):  # it may be endless
                raise IndexError(f"getitem: {i} goes beyond all axes of the tensor, whose shape is {tuple(shape)}")
            array = _index_array(i)
            if array.ndim == 0 and array.dtype.kind != "b":
                basic.append(int(array))
                continue
            picks = True
            if array.ndim == 0:  # True is a new axis of length 1, False one of length 0
                basic.append(None)
                advanced.append(np.zeros(int(array), np.int64))
            else:
                basic.extend([slice(None)] * (array.ndim if array.dtype.kind == "b" else 1))
                advanced.append(array)
    dots = basic.count(Ellipsis)
    taken = len(basic) - basic.count(None) - dots
    if taken > len(shape):
        raise IndexError(f"getitem: {taken} indices for a tensor of {len(shape)} axes, shape {tuple(shape)}")
    if not dots:
        basic.append(Ellipsis)  # makes a view of a single element too
    return Places(tuple(basic), tuple(advanced) if picks else None)


def _index_array(i: Any) -> np.ndarray:
    """What picks elements, as an array of ints or bools that nobody else can change."""
    if isinstance(i, list | range) and len(i) == 0:
        return np.zeros(0, np.int64)
    try:
        array = np.array(numbers_of(i))
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "iub":
        raise (TypeError if isinstance(i, str) else IndexError)(
            f"getitem: an index is an int, a slice, None, ..., or a tensor or list of ints or bools; got {_kind(i)}"
        )
    if array.dtype == np.uint8:  # which was the dtype of masks
        warnings.warn("indexing with dtype uint8 is deprecated, use bool instead", stacklevel=user_level())
        array = array != 0
    return array


def _kind(i: Any) -> str:
    dtype = getattr(i, "dtype", None)
    return f"a {type(i).__name__}" + (f" of dtype {dtype}" if dtype is not None else "")


def read(array: np.ndarray, places: Places) -> np.ndarray:
    """array[index], by its two steps."""
    try:
        view = array[places.basic]
        return view if places.advanced is None else view[places.advanced]
    except IndexError as error:
        raise IndexError(f"getitem: {error}; the tensor has shape {array.shape}") from None


@op(view=True, keeps="places")
def getitem(input: Array, index: Any) -> Array:
    """input[index], with every kind of index that NumPy has: ints, slices, None, ..., masks, arrays of places.

    Ints and slices give a view; masks and arrays copy. Reading a place twice adds up its gradient.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> x[[0, 2, 2]].sum().backward()
    >>> x.grad.tolist()
    [1.0, 0.0, 2.0]
    """
    places = parse(index, input.shape)
    return read(input, places), places


getitem.grad(input=lambda g, places, input_shape: place(g, places, input_shape))
getitem.explain(
    "Each element's gradient returns to the place that it was read from; what was not read gets zero.",
    zero="these places were not read",
    input="Σ_{reads of a place} g",
)


@op
def place(input: Array, places: Places, shape: tuple) -> Array:
    """Zeros of this shape, with each element of `input` added at its place: the way back of getitem."""
    out = np.zeros(shape, input.dtype)
    if places.advanced is None:
        out[places.basic] = input
    elif all(i.dtype.kind == "b" for i in places.advanced if isinstance(i, np.ndarray)):
        out[places.basic][places.advanced] = input
    else:
        numbers = read(np.arange(out.size).reshape(shape), places)
        values = np.broadcast_to(input, numbers.shape)
        return kernel.sums_at(values.reshape(-1), numbers.reshape(-1), out.size).reshape(shape)
    return out


place.grad(input=lambda g, places: getitem(g, places))
place.explain("The gradient is read at the places that were filled.", input="g at the places")


def write(array: np.ndarray, places: Places, value: Any) -> None:
    """array[index] = value, by the two steps."""
    if not isinstance(value, np.ndarray | np.generic):
        value = number(value, array.dtype)
    try:
        if places.advanced is None:
            array[places.basic] = value
        else:
            array[places.basic][places.advanced] = value
    except (ValueError, TypeError) as error:
        if "read-only" in str(error):
            raise RuntimeError(
                "setitem: the memory of this tensor is read-only, or several of its elements are one place in memory "
                "(an expanded tensor); .clone() it first"
            ) from None
        raise RuntimeError(
            f"setitem: a value of shape {np.shape(value)} cannot be written to the places of shape "
            f"{read(array, places).shape}; counted from the right, axes must be equal, 1 or missing"
        ) from None
    except IndexError as error:
        raise IndexError(f"setitem: {error}; the tensor has shape {array.shape}") from None


@op(keeps="places", exact=True)
def setitem(input: Array, value: Array | Number, index: Any) -> Array:
    """A copy of `input` in which the places that `index` names hold `value`: what `x[index] = value` does to x.

    >>> import tinygrad_cnn as tg
    >>> tg.ops.index.setitem(tg.zeros(3), 5.0, slice(1, None)).tolist()
    [0.0, 5.0, 5.0]
    """
    places = parse(index, input.shape)
    out = np.array(input, order="K")  # an array of its own, of a NumPy scalar too
    write(out, places, value)
    return out, places


def _value_back(g: Any, places: Places, value_shape: tuple) -> Any:
    g = getitem(g, places)
    return reshape(g, (1,) * (len(value_shape) - g.ndim) + tuple(g.shape))


setitem.grad(input=lambda g, places: setitem(g, 0, places), value=_value_back)
setitem.explain(
    "The value gets the gradient of the places that it filled; the rest goes to the input.",
    zero="these places were overwritten",
    input="g outside the places",
    value="g at the places",
)


@appears("function method")
def fill(input: Array, value: Array | Number) -> Array:
    """`value`, a number, in the shape and dtype of input.

    >>> import tinygrad_cnn as tg
    >>> tg.fill(tg.tensor([[1, 2]]), 7).tolist()
    [[7, 7]]
    """
    refuse_axes("fill", value)
    return setitem(input, value, ...)


def refuse_axes(name: str, value: Any) -> None:
    """Raise where a value should be one number and is not."""
    if np.ndim(as_array(value)):
        raise RuntimeError(f"{name}: value must be a number or a 0-d tensor, got shape {np.shape(as_array(value))}")


def refuse_dtype(name: str, input: Any, source: Any) -> None:
    """Raise where what goes to places of a tensor is of another dtype than that: it might be cut off there."""
    if not hasattr(source, "dtype"):
        raise TypeError(f"{name}: expected a Tensor to write, got {type(source).__name__}")
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"{name}: a tensor of dtype {source.dtype} cannot be written to places of one of {input.dtype}; both must "
            f"be equal, so convert it with .to({input.dtype})"
        )


@appears("function method in_place function_")
def index_put(input: Array, indices: tuple, values: Array | Number, accumulate: bool = False) -> Array:
    """input with input[indices] = values; with accumulate, input[indices] += values, where repeated places add up.

    RuntimeError where values have another dtype than input.

    >>> import tinygrad_cnn as tg
    >>> places = (tg.tensor([0, 1, 1]), tg.tensor([2, 0, 0]))
    >>> tg.zeros(2, 3).index_put(places, tg.tensor([1.0, 2.0, 3.0]), accumulate=True).tolist()
    [[0.0, 0.0, 1.0], [5.0, 0.0, 0.0]]
    """
    if not isinstance(values, int | float | complex):
        refuse_dtype("index_put", input, values)
    if accumulate:
        return input + place(values, parse(tuple(indices), input.shape), tuple(input.shape))
    return _index_put(input, values, tuple(indices))


_index_put = renamed(setitem, "index_put")


# Masks.


@appears("function method in_place")
def masked_fill(input: Array, mask: Array, value: Array | Number) -> Array:
    """`value`, a number, where the mask is True, input elsewhere; shapes broadcast, the dtype is that of input.

    RuntimeError for a mask that is not bool, and for a value that the dtype of input cannot hold.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, -2.0])
    >>> x.masked_fill(x < 0, 0.0).tolist()
    [1.0, 0.0]
    """
    _refuse_other_than_bool("masked_fill", mask)
    refuse_axes("masked_fill", value)
    held = number(as_array(value), input.dtype)
    if isinstance(value, Tensor):
        return where(mask, cast(value, input.dtype) if value.dtype != input.dtype else value, input)
    return where(mask, held, input)


@appears("function out exact method")
def masked_select(input: Array, mask: Array) -> Array:
    """The elements where the mask is True, as a vector; shapes broadcast.

    RuntimeError for a mask that is not bool.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[1.0, -2.0], [3.0, -4.0]])
    >>> tg.masked_select(x, x > 0).tolist()
    [1.0, 3.0]
    """
    _refuse_other_than_bool("masked_select", mask)
    if tuple(input.shape) != tuple(mask.shape):
        input, mask = broadcast_tensors(input, mask)
    return _masked_select(input, mask)


_masked_select = renamed(getitem, "masked_select")


def _refuse_other_than_bool(name: str, mask: Any) -> None:
    if mask.dtype.kind != "b":
        raise RuntimeError(f"{name}: mask must be of dtype bool, got {mask.dtype}; compare, or use .bool()")


@appears("function out exact method", flags="as_tuple -> tuple[Array, ...]")
def nonzero(input: Array, *, as_tuple: bool = False) -> Array:
    """The places that are not zero, (n, ndim) int64; with as_tuple, one vector per axis, ready to index with.

    >>> import tinygrad_cnn as tg
    >>> tg.nonzero(tg.tensor([[0, 3], [4, 0]])).tolist()
    [[0, 1], [1, 0]]
    """
    array = as_array(input)
    if as_tuple:
        return tuple(wrap(i) for i in np.atleast_1d(array).nonzero())
    return wrap(np.argwhere(array))
