"""Tensors made of data, of nothing, and of chance.

Sizes are ints or one tuple. All take `dtype=` (an object or a name; by default the default floating
dtype, or the one that the data has), `device=` (the CPU), `requires_grad=`, and many `out=`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import dtypes
from ..arrays.device import refuse_other
from ..arrays.dtypes import get_default_dtype, number, result_type
from ..arrays.plain import plain
from ..arrays.quiet import quietly
from ..arrays.types import DType, Shape
from ..engine.memory import FIXED
from ..engine.modes import mode
from ..engine.node import INFERENCE
from ..engine.tensor import Tensor, as_array, wrap
from ..ops.declared import appears
from ..ops.shape import channels_last, contiguous_format, expect_format, ints
from .out import into

MOST = 1 << 60  # numbers, of 8 bytes each, that an address reaches
LONG = 1 << 16  # numbers of a range, which takes no memory itself


def finish(array: np.ndarray, device: Any = None, requires_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """The array as a tensor: a new one, or `out`."""
    refuse_other(device)
    if out is not None:
        return into("out", out, array, exact=True)
    t = wrap(plain(array))
    if mode.inference:
        t._counter = INFERENCE
    if requires_grad:
        t.requires_grad = True
    return t


def wanted(dtype: Any, out: Tensor | None) -> Any:
    """The dtype that was asked for: by `dtype=`, else by that of `out`; None where neither is given."""
    return out.dtype if dtype is None and isinstance(out, Tensor) else dtype


def shape_of(name: str, sizes: tuple, size: Shape | None = None) -> tuple[int, ...]:
    """Sizes given as ints, as one sequence of them, or as `size=`."""
    if size is not None:
        if sizes:
            raise TypeError(f"{name}: sizes are given by position, {sizes}, or as size={size}; not as both")
        sizes = (size,)
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    shape = ints(name, sizes)
    if min(shape, default=0) < 0:
        raise RuntimeError(f"{name}: sizes must not be negative, got {shape}")
    if math.prod(filter(None, shape)) >= MOST:
        raise RuntimeError(f"{name}: no memory holds as many numbers as {shape}")
    return shape


# Of data.


@appears("function")
def tensor(data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A copy of the data: a number, nested lists, an array or a Tensor, as a leaf.

    dtype: by default that of an array; else the default floating dtype for floats, int64 for ints, bool for bools.
    Raises a ValueError for lists of unequal lengths, a TypeError for what is no number.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([1, 2.5]).dtype.name, tg.tensor([1, 2]).dtype.name
    ('float32', 'int64')
    """
    return finish(array_of("tensor", data, dtype, copy=True), device, requires_grad)


def array_of(name: str, data: Any, dtype: Any, copy: bool | None) -> np.ndarray:
    data = as_array(data)
    if not isinstance(data, np.ndarray | np.generic | list | tuple) and hasattr(data, "__array__"):
        data = np.asarray(data)
    if isinstance(data, np.ndarray | np.generic):
        array = np.array(as_array(data), dtype=dtype, copy=copy, order="K")
    else:
        kinds: set = set()
        data = _plain(name, data, kinds, dtype)
        if dtype is None:
            dtype = result_type(*(np.empty(1, k) for k in kinds)) if kinds else get_default_dtype()
        try:
            array = np.array(data, dtype=dtype)
        except (ValueError, OverflowError):
            try:
                data = np.array(data)
            except ValueError:
                raise ValueError(f"{name}: {_ragged(data)}; all rows of a tensor have one length") from None
            array = _each_number(name, data, np.dtype(dtype))
    return plain(array)


def _plain(name: str, data: Any, kinds: set, dtype: Any, inside: bool = False) -> Any:
    """Nested lists with arrays in place of Tensors; the dtypes of the elements are put into `kinds`."""
    if isinstance(data, range) and data and (n := (data[-1] - data[0]) // data.step + 1) > LONG:
        shape_of(name, (n,))
        kinds.add(dtypes.int64)
        for kind in {dtypes.int64, np.dtype(dtype or np.int64)}:
            if kind.kind in "iu":
                number(data[0], kind), number(data[-1], kind)
        return data[0] + np.arange(n) * number(data.step, dtypes.int64)
    if is_sequence(data):
        return [_plain(name, x, kinds, dtype, inside=True) for x in data]
    data = as_array(data)
    if isinstance(data, np.ndarray | np.generic):
        kinds.add(data.dtype)
    elif isinstance(data, bool):
        kinds.add(dtypes.bool)
    elif isinstance(data, int):
        kinds.add(dtypes.int64)
    elif isinstance(data, float):
        kinds.add(get_default_dtype())
    elif isinstance(data, complex):
        kinds.add(np.dtype(np.complex64))
    else:
        if isinstance(data, str) and inside and not kinds:  # the first one, as in PyTorch
            raise ValueError(f"{name}: a list holds the text {data!r:.40}; expected numbers, lists or arrays")
        raise TypeError(f"{name}: could not infer a dtype of {type(data).__name__}; expected numbers, lists or arrays")
    return data


def is_sequence(data: Any) -> bool:
    """Whether this is what tensors are made of, element by element: a list, a deque, a table's column, but no text."""
    if isinstance(data, list | tuple | range):
        return True
    known = isinstance(data, np.ndarray | np.generic | Tensor | str | bytes | dict)
    return not known and hasattr(data, "__getitem__") and hasattr(data, "__len__")


def _each_number(name: str, data: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The numbers in this dtype, where NumPy found one that does not fit."""
    array = np.empty(data.shape, dtype)
    for i, value in enumerate(data.flat):
        try:
            array.flat[i] = number(value, dtype)
        except RuntimeError as error:
            raise RuntimeError(f"{name}: {error}; give a dtype= that holds it") from None
    return array


def _ragged(data: Any, where: str = "") -> str:
    """What is wrong with lists of unequal lengths, and where."""
    lengths = [len(x) if isinstance(x, list) or np.ndim(x) else None for x in data]
    for i, n in enumerate(lengths):
        if n != lengths[0]:
            kinds = ["a number" if m is None else f"of length {m}" for m in (lengths[0], n)]
            return f"element 0{where} is {kinds[0]}, but element {i}{where} is {kinds[1]}"
    return next(
        (text for i, x in enumerate(data) if isinstance(x, list) and (text := _ragged(x, f" of element {i}{where}"))),
        "",
    )


@appears("function", aliases="asarray")
def as_tensor(data: Any, dtype: DType | None = None, device: Any = None) -> Tensor:
    """The data as a tensor: itself where it is one of this dtype, an array without a copy, else a new one.

    >>> import tinygrad_cnn as tg
    >>> a = np.zeros(2)
    >>> tg.as_tensor(a)[0] = 5
    >>> a
    array([5., 0.])
    """
    if isinstance(data, Tensor):
        return data if dtype is None or data.dtype == dtype else data.to(dtype=dtype)  # type: ignore[attr-defined]
    return on(array_of("as_tensor", data, dtype, copy=None), device)


def on(array: np.ndarray, device: Any = None) -> Tensor:
    """A tensor on the memory of somebody else."""
    t = finish(array, device)
    t._memory = FIXED
    t.version().keeper.exposed = True
    return t


@appears("function")
def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the memory of the array: a change of one is a change of the other.

    Raises a ValueError for the other byte order, which no tensor can share, a TypeError for what is no number.

    >>> import tinygrad_cnn as tg
    >>> a = np.zeros(2)
    >>> tg.from_numpy(a)[0] = 5
    >>> a
    array([5., 0.])
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected np.ndarray, got {type(ndarray).__name__}")
    array = plain(ndarray)
    if not ndarray.dtype.isnative:
        raise ValueError(
            f"from_numpy: the array's byte order {ndarray.dtype.str!r} is not the machine's, so a tensor cannot share "
            "its memory; tensor(array) makes a converted copy"
        )
    return on(array)


# Of one value.


def _filled(shape: tuple, value: Any, dtype: Any, device: Any, requires_grad: bool, out: Any) -> Tensor:
    dtype = np.dtype(wanted(dtype, out) or get_default_dtype())
    return finish(np.full(shape, number(value, dtype), dtype), device, requires_grad, out)


@appears("function")
def zeros(
    *sizes: Shape,
    size: Shape | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of zeros.

    Sizes are ints or one tuple; RuntimeError for a negative one.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).shape, tg.zeros((2, 3)).shape
    ((2, 3), (2, 3))
    """
    return _filled(shape_of("zeros", sizes, size), 0, dtype, device, requires_grad, out)


@appears("function")
def ones(
    *sizes: Shape,
    size: Shape | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of ones.

    Sizes are ints or one tuple; RuntimeError for a negative one.

    >>> import tinygrad_cnn as tg
    >>> tg.ones(2, 3).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    return _filled(shape_of("ones", sizes, size), 1, dtype, device, requires_grad, out)


@appears("function")
def empty(
    *sizes: Shape,
    size: Shape | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor whose values are not set: whatever the memory held. memory_format: how they lie there.

    >>> import tinygrad_cnn as tg
    >>> tg.empty(2, 3).shape
    (2, 3)
    """
    array = np.empty(shape_of("empty", sizes, size), wanted(dtype, out) or get_default_dtype())
    return finish(lying(array, memory_format), device, requires_grad, out)


@appears("function")
def full(
    size: Any,
    fill_value: Any,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of one value; by default of the dtype that `tensor(fill_value)` would have.

    RuntimeError for a value that the dtype cannot hold.

    >>> import tinygrad_cnn as tg
    >>> tg.full((2, 2), 7).tolist(), tg.full((), 0.5).dtype
    ([[7, 7], [7, 7]], dtype('float32'))
    """
    value = as_array(fill_value)
    value = value.item() if isinstance(value, np.generic) else value
    dtype = wanted(dtype, out) or result_type(value)
    return _filled(shape_of("full", (size,)), value, dtype, device, requires_grad, out)


def lying(array: np.ndarray, memory_format: Any) -> np.ndarray:
    """A new array, or one of its shape, which lies in memory as a memory format says."""
    expect_format("empty", memory_format)
    if memory_format is channels_last:
        if array.ndim != 4:
            raise RuntimeError(f"channels_last: expected a shape (N, C, H, W), got {array.shape}")
        n, c, h, w = array.shape
        return np.empty((n, h, w, c), array.dtype).transpose(0, 3, 1, 2)
    return np.empty(array.shape, array.dtype) if memory_format is contiguous_format else array


def _like(input: Tensor, value: Any, dtype: Any, device: Any, requires_grad: bool, memory_format: Any) -> Tensor:
    """One value, or with None whatever the memory held, in the shape of input."""
    if not isinstance(input, Tensor):
        raise TypeError(f"expected a Tensor to make another like, got {type(input).__name__}")
    array = lying(np.empty_like(input._array, dtype=dtype), memory_format)
    if value is not None:
        array[...] = number(value, array.dtype)
    return finish(array, device, requires_grad)


@appears("function")
def zeros_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Zeros in the shape, dtype and layout of input.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros_like(tg.tensor([1, 2])).tolist()
    [0, 0]
    """
    return _like(input, 0, dtype, device, requires_grad, memory_format)


@appears("function")
def ones_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Ones in the shape, dtype and layout of input.

    >>> import tinygrad_cnn as tg
    >>> tg.ones_like(tg.tensor([1.0, 2.0])).tolist()
    [1.0, 1.0]
    """
    return _like(input, 1, dtype, device, requires_grad, memory_format)


@appears("function")
def empty_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor in the shape, dtype and layout of input, whose values are not set.

    >>> import tinygrad_cnn as tg
    >>> tg.empty_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    return _like(input, None, dtype, device, requires_grad, memory_format)


@appears("function")
def full_like(
    input: Tensor, fill_value: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """One value in the shape, dtype and layout of input.

    >>> import tinygrad_cnn as tg
    >>> tg.full_like(tg.zeros(2), 7).tolist()
    [7.0, 7.0]
    """
    return _like(input, as_array(fill_value), dtype, device, requires_grad, memory_format)


# Of a rule.


@appears("function")
def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The n × n (or n × m) matrix with ones on its main diagonal.

    >>> import tinygrad_cnn as tg
    >>> tg.eye(2, 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    shape_of("eye", (n, n if m is None else m))
    return finish(np.eye(n, m, dtype=wanted(dtype, out) or get_default_dtype()), device, requires_grad, out)


@appears("function")
def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... below end; arange(end) begins at 0. int64 for ints, else the default floating dtype.

    RuntimeError for step 0 and for a step away from end, NotImplementedError for bool.

    >>> import tinygrad_cnn as tg
    >>> tg.arange(3).tolist(), tg.arange(1, 2, 0.5).tolist()
    ([0, 1, 2], [1.0, 1.5])
    """
    start, end, step = (x.item() if isinstance(x, Tensor) else x for x in (start, end, step))
    if start is None and end is None:
        raise TypeError("arange: expects arange(end) or arange(start, end, step), got no end")
    if given := [x for x in (start, end, step) if isinstance(x, str | list | tuple)]:
        raise TypeError(f"arange: start, end and step must be numbers, got {given[0]!r}")
    if start is None or end is None:
        start, end = 0, end if start is None else start
    if not all(math.isfinite(x) for x in (start, end, step)):
        raise RuntimeError(f"arange: there is no end to the way from {start} to {end} by {step}")
    dtype = wanted(dtype, out)
    if dtype is None and any(isinstance(x, float | np.floating) for x in (start, end, step)):
        dtype = get_default_dtype()
    dtype = np.dtype(dtype or np.int64)
    if dtype.kind == "b":
        raise NotImplementedError("arange: bool counts no further than 1; compare numbers instead")
    if dtype == np.int64:
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise RuntimeError("arange: step must not be zero")
    if (end - start) * step < 0:
        raise RuntimeError(f"arange: the way from {start} to {end} is against the sign of step {step}")
    n = math.ceil((end - start) / step)
    if dtype.kind in "iu":  # as in PyTorch, start and step lose what is behind the point before anything is added
        values = np.arange(n) * int(step) + int(start)
    else:
        whole = all(isinstance(x, int | np.integer) for x in (start, step))
        values = np.arange(n, dtype=np.int64 if whole else np.float64) * step + start
    return finish(values.astype(dtype), device, requires_grad, out)


@appears("function")
def linspace(
    start: Tensor | float,
    end: Tensor | float,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start + i·(end - start) / (steps - 1) for i = 0 ... steps - 1: `steps` numbers, both ends included.

    RuntimeError for a negative number of steps.

    >>> import tinygrad_cnn as tg
    >>> tg.linspace(0, 1, 5).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    values, dtype = _steps("linspace", start, end, steps, wanted(dtype, out))
    return finish(values.astype(dtype), device, requires_grad, out)


@appears("function")
def logspace(
    start: Tensor | float,
    end: Tensor | float,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers from base^start to base^end, equally far apart on a logarithmic scale.

    RuntimeError for a negative number of steps.

    >>> import tinygrad_cnn as tg
    >>> tg.logspace(0, 2, 3).tolist()
    [1.0, 10.0, 100.0]
    """
    exponents, dtype = _steps("logspace", start, end, steps, wanted(dtype, out))
    return finish(quietly(np.power, base, exponents).astype(dtype), device, requires_grad, out)


def _steps(name: str, start: Any, end: Any, steps: Any, dtype: Any) -> tuple[np.ndarray, np.dtype]:
    """The numbers in float64, and the dtype for them. Integers begin and end at integers, as in PyTorch."""
    if isinstance(steps, bool) or not hasattr(steps, "__index__"):
        raise TypeError(f"{name}: steps must be an int, got {steps!r}")
    if steps < 0:
        raise RuntimeError(f"{name}: number of steps must not be negative, got {steps}")
    for what, end_ in (("start", start), ("end", end)):
        if getattr(end_, "ndim", 0):
            raise RuntimeError(f"{name}: {what} must be a number or a tensor of 0 axes, got shape {tuple(end_.shape)}")
    dtype = np.dtype(dtype or get_default_dtype())
    if dtype.kind == "b":
        raise NotImplementedError(f"{name}: bool counts no further than 1; compare numbers instead")
    ends = number(as_array(start), dtype), number(as_array(end), dtype)  # which refuses those that are too large
    start, end = map(int, ends) if dtype.kind in "iu" else (float(start), float(end))
    if math.isfinite(end - start):
        return np.linspace(start, end, steps), dtype
    if math.isfinite(start) and math.isfinite(end):  # their difference is too large
        return 2 * np.linspace(start / 2, end / 2, steps), dtype
    if steps == 1:
        return np.array([start]), dtype
    places = np.arange(steps)
    from_both = lambda step: np.where(places < steps // 2, start + step * places, end - step * places[::-1])
    return quietly(from_both, end - start), dtype
