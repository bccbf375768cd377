"""The oldest way to make tensors: `Tensor(2, 3)`, `FloatTensor([1, 2])`, `x.new(2)`; and types by their names.

All take sizes, which give a tensor without values yet, one sequence of data, or another tensor, whose memory it shares.
`Tensor` itself has the default floating dtype, and every tensor is an instance of it; the typed ones have the tensors
of their dtype for instances.
"""

from __future__ import annotations

import warnings
from typing import Any, overload

import numpy as np

from ..arrays.device import refuse_other
from ..arrays.dtypes import get_default_dtype, set_default_dtype
from ..arrays.lines import user_level
from ..arrays.plain import dtype_of
from ..arrays.size import Size
from ..arrays.typed import TensorType, dtype_named, name_of, types_of
from ..arrays.types import DType
from ..engine.tensor import Tensor, wrap
from ..ops.declared import appears
from ..ops.shape import view
from .attach import method
from .conversions import converted
from .creation import array_of, finish, is_sequence, shape_of


def _made(name: str, given: tuple, kind: np.dtype, named: dict, any_kind: bool = False) -> Tensor:
    """A tensor of this dtype from sizes, data or a tensor, given by position or as data=, size= or other=."""
    refuse_other(named.pop("device", None))
    if named and not given and len(named) == 1 and named.keys() <= {"data", "size", "other"}:
        given = (*named.values(),) if "size" not in named else (Size(named["size"]),)
    elif named:
        raise TypeError(
            f"{name}: got {', '.join(named)}=; it takes sizes, one sequence of data, or a tensor; "
            "tensor(...) takes dtype= too"
        )
    data = given[0] if len(given) == 1 else None
    if isinstance(data, Tensor):
        if data.dtype != kind and not any_kind:
            raise TypeError(f"{name}: expected a tensor of {kind}, got {data.dtype}; convert it with .type()")
        return view(data, tuple(data.shape))
    if (isinstance(data, np.ndarray) and data.ndim) or (is_sequence(data) and not isinstance(data, Size)):
        return wrap(np.array(array_of(name, data, kind, copy=None), kind))
    if len(given) == 1 and not isinstance(data, Size) and (isinstance(data, bool) or not hasattr(data, "__index__")):
        raise TypeError(
            f"{name}: data must be a sequence (got {data.__class__.__name__}); tensor(...) makes one of a number"
        )
    return wrap(np.empty(shape_of(name, given) if given else 0, kind))


@method
def __init__(self: Tensor, *data: Any, **named: Any) -> None:
    """Tensor(2, 3) has this shape and no values yet; Tensor([2, 3]) has these values, of the default floating dtype.

    TypeError for `dtype=` and `requires_grad=`, which `tensor(...)` takes.
    """
    made = _made("Tensor", data, get_default_dtype(), named, any_kind=True)
    for slot in ("_array", "_node", "_counter", "_view", "_memory", "_requires_grad"):
        setattr(self, slot, getattr(made, slot))
    self._grad = None


class TensorTypeHere(TensorType):
    """A type whose tensors there are."""

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Tensor) and x.dtype == cls.dtype

    def __call__(cls, *data: Any, **named: Any) -> Tensor:
        return _made(cls.__name__, data, cls.dtype, named)


TYPES = types_of("cpu", TensorTypeHere)
FloatTensor: Any = TYPES["FloatTensor"]
DoubleTensor: Any = TYPES["DoubleTensor"]
HalfTensor: Any = TYPES["HalfTensor"]
LongTensor: Any = TYPES["LongTensor"]
IntTensor: Any = TYPES["IntTensor"]
ShortTensor: Any = TYPES["ShortTensor"]
CharTensor: Any = TYPES["CharTensor"]
ByteTensor: Any = TYPES["ByteTensor"]
BoolTensor: Any = TYPES["BoolTensor"]


@method
def new(self: Tensor, *data: Any, **named: Any) -> Tensor:
    """A tensor of these sizes, or of this data, in the dtype of self.

    TypeError for a tensor of another dtype, and for one number that is no size.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1, 2])
    >>> x.new(2, 3).shape, x.new([1.5]).tolist()
    ((2, 3), [1])
    """
    return _made("new", data, self.dtype, named)


@overload
def type(self: Tensor) -> str: ...
@overload
def type(self: Tensor, dtype: DType, non_blocking: bool = False) -> Tensor: ...
@method
def type(self: Tensor, dtype: DType | None = None, non_blocking: bool = False, **kwargs: Any) -> Any:
    """Converted to this dtype; without one, the name of the type. Scripts compare it, so it begins with "torch".

    dtype: a dtype, a type such as FloatTensor, or its name. ValueError for another word.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.5, -1.5])
    >>> x.type(), x.type(tg.int64).tolist(), x.type("torch.LongTensor").dtype, x.type(tg.DoubleTensor).dtype
    ('torch.FloatTensor', [1, -1], dtype('int64'), dtype('float64'))
    """
    return name_of(self.dtype) if dtype is None else converted(self, dtype_named(dtype))


@appears("function")
def set_default_tensor_type(t: Any) -> None:
    """An older `set_default_dtype`: a type, or its name, of floating numbers. TypeError for others.

    >>> import tinygrad_cnn as tg
    >>> tg.set_default_tensor_type(tg.DoubleTensor)  # doctest: +SKIP
    """
    warnings.warn(
        "torch.set_default_tensor_type() is deprecated; use set_default_dtype()", UserWarning, stacklevel=user_level()
    )
    if not isinstance(t, str | TensorType):
        raise TypeError(f"invalid type object: only floating-point types are supported as the default type, got {t!r}")
    try:
        dtype = dtype_named(t)
    except RuntimeError as error:  # of another place
        raise TypeError(f"set_default_tensor_type: {error}") from None
    if dtype.kind != "f":
        raise TypeError(f"only floating-point types are supported as the default type, got {name_of(dtype)}")
    set_default_dtype(dtype)


@appears("function")
def typename(obj: Any) -> str:
    """The name of a tensor's type as `x.type()` has it; of anything else, the dotted name of its class.

    >>> import tinygrad_cnn as tg
    >>> tg.typename(tg.ones(2)), tg.typename(3)
    ('torch.FloatTensor', 'int')
    """
    if isinstance(obj, Tensor):
        return name_of(obj.dtype)
    kind = obj if hasattr(obj, "__qualname__") else obj.__class__
    home = getattr(kind, "__module__", None)
    return kind.__qualname__ if home in (None, "builtins") else f"{home}.{kind.__qualname__}"


@appears("function")
def range(
    start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: DType | None = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, ... up to end and with it; range(end) begins at 0. An older `arange`, and warns of it.

    >>> import tinygrad_cnn as tg, warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     tg.range(1, 3).tolist()
    [1.0, 2.0, 3.0]
    """
    warnings.warn("torch.range is deprecated: it gives its end, too. Use arange", UserWarning, stacklevel=user_level())
    start, end = (0, start) if end is None else (start, end)
    if step == 0 or (end - start) * step < 0:
        raise RuntimeError(f"range: the way from {start} to {end} by {step} has no end")
    kind = dtype_of("range", get_default_dtype() if dtype is None else dtype)
    values = start + step * np.arange(int((end - start) / step) + 1)
    return finish(values.astype(kind), device, requires_grad, out)
