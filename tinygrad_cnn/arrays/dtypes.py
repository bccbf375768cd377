"""dtypes are NumPy's, under PyTorch's names; promotion is PyTorch's.

NumPy would make float64 of int64 * float32, and of a float32 array beside a float64 0-d one. Here, as
in PyTorch, the kind of number decides first (bool < integer < floating), then arrays with axes count
before 0-d arrays, and those before Python scalars; what is made floating gets the default dtype.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .formulas import Symbol
from .plain import dtype_of
from .quiet import quietly

float32 = float = np.dtype(np.float32)
float64 = double = np.dtype(np.float64)
float16 = half = np.dtype(np.float16)
int8 = np.dtype(np.int8)
int16 = short = np.dtype(np.int16)
int32 = int = np.dtype(np.int32)
int64 = long = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
bool = np.dtype(np.bool_)
dtype = np.dtype
finfo = np.finfo
iinfo = np.iinfo

ARRAYS = np.ndarray | np.generic | Symbol  # what has a dtype
_default = float32


def get_default_dtype() -> np.dtype:
    """The dtype of new floating tensors: float32, unless `set_default_dtype` changed it.

    >>> import tinygrad_cnn as tg
    >>> tg.get_default_dtype()
    dtype('float32')
    """
    return _default


def set_default_dtype(d: Any) -> None:
    """Set the dtype of new floating tensors: a floating one. TypeError for another.

    >>> import tinygrad_cnn as tg
    >>> tg.set_default_dtype(tg.float64)
    >>> tg.tensor(1.5).dtype
    dtype('float64')
    >>> tg.set_default_dtype(tg.float32)
    """
    global _default
    found = dtype_of("set_default_dtype", d)
    if found.kind != "f":
        raise TypeError(f"set_default_dtype: only floating dtypes are supported as the default, got {found}")
    _default = found


def is_floating_point(input: Any) -> builtins.bool:
    """Whether the tensor's dtype is floating.

    >>> import tinygrad_cnn as tg
    >>> tg.is_floating_point(tg.tensor(1.5)), tg.is_floating_point(tg.tensor(1))
    (True, False)
    """
    if not isinstance(getattr(input, "dtype", None), np.dtype):
        raise TypeError(f"is_floating_point: expected a Tensor, got {type(input).__name__}")
    return input.dtype.kind == "f"


def promote_types(type1: Any, type2: Any) -> np.dtype:
    """The dtype that holds values of both.

    >>> import tinygrad_cnn as tg
    >>> tg.promote_types(tg.int64, tg.float32), tg.promote_types(tg.uint8, tg.int8)
    (dtype('float32'), dtype('int16'))
    """
    return _wider(dtype_of("promote_types", type1), dtype_of("promote_types", type2))


def can_cast(from_: Any, to: Any) -> builtins.bool:
    """Whether values of one dtype may go into another: to the same kind of number, or a higher one.

    >>> import tinygrad_cnn as tg
    >>> tg.can_cast(tg.int64, tg.float16), tg.can_cast(tg.float16, tg.int64)
    (True, False)
    """
    return casts(dtype_of("can_cast", from_), dtype_of("can_cast", to))


def casts(source: np.dtype, to: np.dtype) -> builtins.bool:
    """`can_cast` of what are dtypes."""
    return _KINDS[source.kind] <= _KINDS[to.kind]


# bool, unsigned, signed, floating, complex
_KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def result_type(*values: Any) -> np.dtype:
    """The dtype of a result computed from these arrays and Python scalars.

    >>> result_type(np.zeros(2, np.int64), np.zeros(2, np.float32)).name
    'float32'
    >>> result_type(np.zeros(2, np.int64), 2.5).name
    'float32'
    >>> result_type(np.zeros(2, np.float32), np.zeros((), np.float64)).name
    'float32'
    """
    tiers: list[np.dtype | None] = [None, None, None]  # with axes, 0-d, Python scalars
    for v in values:
        if isinstance(v, ARRAYS):
            tier, d = (0 if v.ndim else 1), v.dtype
        else:
            tier, d = 2, _of_scalar(v)
        held = tiers[tier]
        tiers[tier] = d if held is None else _wider(held, d)
    result = None
    for found in tiers:
        if found is not None and (result is None or _KINDS[found.kind] > _KINDS[result.kind]):
            result = found
    assert result is not None
    return result


def _of_scalar(v: Any) -> np.dtype:
    if isinstance(v, builtins.bool):
        return bool
    if isinstance(v, builtins.int):
        return int64
    if isinstance(v, builtins.float):
        return _default
    if isinstance(v, complex):
        return np.dtype(np.complex64 if _default == float32 else np.complex128)
    raise TypeError(f"expected a Tensor, an array or a number, got {type(v).__name__}")


def _wider(a: np.dtype, b: np.dtype) -> np.dtype:
    if _KINDS[a.kind] != _KINDS[b.kind]:
        return a if _KINDS[a.kind] > _KINDS[b.kind] else b
    return np.promote_types(a, b)


def promote(*values: Any) -> tuple:
    """The arrays and scalars of an elementwise op in their common dtype, as NumPy's functions want them.

    Python scalars stay as they are where they do not widen: NumPy converts those by itself.
    """
    common = result_type(*values)
    return tuple(
        v.astype(common, copy=False)
        if isinstance(v, ARRAYS)
        else v
        if _KINDS[_of_scalar(v).kind] <= _KINDS[common.kind]
        else common.type(v)
        for v in values
    )


def modular(*values: Any) -> tuple:
    """Like `promote`, and a Python int wraps around as the integers that it meets do: -1 is 255 in uint8."""
    pair, common = promote(*values), result_type(*values)
    if common.kind not in "iu":
        return pair
    return tuple(np.asarray(v).astype(common) if type(v) is builtins.int else v for v in pair)


def number(value: Any, dtype: np.dtype) -> Any:
    """One number as `dtype` holds it: what `fill_`, `masked_fill` and `x[0] = 2.5` write.

    Integers lose what is behind the point, and -1 is the largest of unsigned ones, as in PyTorch.
    RuntimeError where it does not fit: 300 in uint8, NaN in any integer, 1e39 in float32; TypeError where it is none.
    """
    value = value.item() if hasattr(value, "item") else value
    _of_scalar(value)
    try:
        if dtype.kind in "iu" and not isinstance(value, complex):
            limits = np.iinfo(dtype)
            whole = builtins.int(value)
            lowest = -limits.max if dtype.kind == "u" and whole == value else limits.min
            if lowest <= whole <= limits.max:
                return np.asarray(whole).astype(dtype)[()]
        elif dtype.kind in "bc" or not isinstance(value, complex):
            held = quietly(dtype.type, value)
            if not np.isinf(held) or np.isinf(value):
                return held
    except (OverflowError, ValueError):  # of int(inf), int(nan), and float32(10**400)
        pass
    raise RuntimeError(f"value {value!r} cannot be converted to {dtype} without overflow")


def floating(*values: Any) -> tuple:
    """Like `promote`, and integers become the default floating dtype: what division and exp work on."""
    common = result_type(*values)
    if common.kind not in "fc":
        common = _default
    return tuple(v.astype(common, copy=False) if isinstance(v, ARRAYS) else v for v in values)
