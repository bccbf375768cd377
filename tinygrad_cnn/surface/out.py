"""`out=`: results that go to a tensor which exists, as in `add(x, y, out=z)`. Autograd does not follow them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..arrays.dtypes import casts
from ..engine.modes import mode
from ..engine.tensor import Tensor, as_array


def into(name: str, out: Any, result: Any) -> Any:
    """Let `out` hold the values of `result`, of several results one each; one without elements takes any shape.

    Raises a RuntimeError, and changes nothing, where shapes differ, where the dtype is of a higher kind, and
    where a gradient would be lost.
    """
    if isinstance(result, tuple):
        if not isinstance(out, tuple | list) or len(out) != len(result):
            raise TypeError(f"{name}: out must be a tuple of {len(result)} Tensors, got {type(out).__name__}")
        for o, r in zip(out, result, strict=True):
            _check(name, o, as_array(r), r)
        held = [into(name, o, r) for o, r in zip(out, result, strict=True)]
        return type(result)(*held) if hasattr(result, "_fields") else tuple(held)
    array = as_array(result)
    _check(name, out, array, result)
    if out._array.shape != array.shape:
        out._array = np.empty(array.shape, out._array.dtype)
    np.copyto(out._array, array, casting="unsafe")
    out.version().bump(name)
    return out


def _check(name: str, out: Any, array: np.ndarray, result: Any) -> None:
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}: out must be a Tensor, not {type(out).__name__}")
    if mode.grad and (out.requires_grad or getattr(result, "requires_grad", False)):
        raise RuntimeError(
            f"{name}: functions with out=... don't support automatic differentiation, but a tensor requires grad; "
            "leave out= away, or use no_grad and tensors that don't"
        )
    if not casts(array.dtype, out._array.dtype):
        raise RuntimeError(f"{name}: result type {array.dtype} can't be cast to that of out, {out._array.dtype}")
    if out._array.shape != array.shape and out._array.size:
        raise RuntimeError(f"{name}: the result has shape {array.shape}, but out has {out._array.shape}")


def accepts_out(f: Callable) -> Callable:
    """The same function, which also takes `out=`."""

    @wraps(f)
    def g(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        result = f(*args, **kwargs)
        return result if out is None else into(f.__name__, out, result)

    return g
