"""`out=`: results that go to a tensor which exists, as in `add(x, y, out=z)`. Autograd does not follow them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..arrays.dtypes import casts
from ..arrays.lines import user_level
from ..engine.modes import mode
from ..engine.tensor import Tensor, as_array


def into(name: str, out: Any, result: Any, exact: bool = False) -> Any:
    """Let `out` hold the values of `result`, of several results one each.

    One of another shape gets that of the result, with a UserWarning where that takes elements from it. Raises a
    RuntimeError, and changes nothing, where the dtype is of a higher kind, or another one and `exact` is set, where a
    gradient would be lost, and where elements of it are one place in memory.
    """
    if isinstance(result, tuple):
        if not isinstance(out, tuple | list) or len(out) != len(result):
            raise TypeError(f"{name}: out must be a tuple of {len(result)} Tensors, got {type(out).__name__}")
        for o, r in zip(out, result, strict=True):
            _check(name, o, as_array(r), r, exact)
        held = [into(name, o, r, exact) for o, r in zip(out, result, strict=True)]
        return type(result)(*held) if hasattr(result, "_fields") else tuple(held)
    array = as_array(result)
    _check(name, out, array, result, exact)
    if out._array.shape != array.shape:
        if out._array.size:
            warnings.warn(
                f"{name}: out has shape {out._array.shape} and elements, and gets the shape of the result, "
                f"{array.shape}; hand over a tensor of that shape, or one without elements",
                stacklevel=user_level(),
            )
        out._array = np.empty(array.shape, out._array.dtype)
    np.copyto(out._array, array, casting="unsafe")
    out.version().bump(name)
    return out


def _check(name: str, out: Any, array: np.ndarray, result: Any, exact: bool) -> None:
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}: out must be a Tensor, not {type(out).__name__}")
    if mode.grad and (out.requires_grad or getattr(result, "requires_grad", False)):
        raise RuntimeError(
            f"{name}: functions with out=... don't support automatic differentiation, but a tensor requires grad; "
            "leave out= away, or use no_grad and tensors that don't"
        )
    if not casts(array.dtype, out._array.dtype):
        raise RuntimeError(f"{name}: result type {array.dtype} can't be cast to that of out, {out._array.dtype}")
    if exact and array.dtype != out._array.dtype:
        raise RuntimeError(f"{name}: out must have the dtype of the result, {array.dtype}, got {out._array.dtype}")
    if not out._array.flags.writeable:
        raise RuntimeError(
            f"{name}: the memory of out, of shape {out._array.shape}, is read-only, or several of its elements are one "
            "place in memory (an expanded tensor); .clone() it first"
        )


def accepts_out(f: Callable, exact: bool = False) -> Callable:
    """The same function, which also takes `out=`."""

    @wraps(f)
    def g(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        result = f(*args, **kwargs)
        return result if out is None else into(f.__name__, out, result, exact)

    return g
