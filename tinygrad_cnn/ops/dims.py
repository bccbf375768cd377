"""Names of axes: what `dim=1`, `dim=-1` and `dim=(0, 2)` mean, and what is said when they mean nothing."""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np


def whole(op: str, name: str, value: Any) -> int:
    """An argument that is an int, and no bool."""
    try:
        if not isinstance(value, bool | np.bool_):
            return index(value)
    except TypeError:
        pass
    raise TypeError(f"{op}: {name} must be an int, got {value!r} of type {type(value).__name__}")


def flag(op: str, name: str, value: Any) -> bool:
    """An argument that is a bool."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{op}: {name} must be a bool, got {value!r} of type {type(value).__name__}")
    return bool(value)


def axis(op: str, dim: Any, ndim: int) -> int:
    """The axis 0 <= dim < ndim that `dim` names; a number has one axis to speak of, as in PyTorch."""
    i, n = dim if type(dim) is int else whole(op, "dim", dim), ndim or 1
    if not -n <= i < n:
        raise IndexError(f"{op}: dim {i} is out of range for a tensor of {ndim} axes; expected {-n} to {n - 1}")
    return i + n if i < 0 else i


def axes(op: str, dim: Any, ndim: int) -> tuple[int, ...]:
    """The axes that an int or a tuple names; None names all."""
    if dim is None:
        return tuple(range(ndim))
    if not isinstance(dim, (tuple, list)):
        return (axis(op, dim, ndim),)
    found = tuple([axis(op, d, ndim) for d in dim])
    if len(set(found)) < len(found):
        twice = next(d for d in found if found.count(d) > 1)
        raise RuntimeError(f"{op}: axis {twice} appears more than once in dim {tuple(dim)}")
    return found


def reduced(op: str, dim: Any, ndim: int, keepdim: Any = False) -> tuple[int, ...]:
    """The axes that a reduction goes over, as NumPy wants them: None and () mean all, a number has none."""
    if keepdim is not True and keepdim is not False and not isinstance(keepdim, np.bool_):
        raise TypeError(f"{op}: keepdim must be a bool, got {keepdim!r}; several axes are one tuple, dim=(0, 1)")
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return tuple(range(ndim))
    found = axes(op, dim, ndim)
    return found if ndim else ()


# For the formulas of gradients.


def over(dim: Any, shape: Any = None) -> str:
    """What stands below a sum over axes: "_{axis 1, 2}", nothing where it goes over all."""
    if dim is None or dim == () or dim == [] or shape == ():
        return ""
    return f"_{{axis {', '.join(map(str, axes('', dim, len(shape)))) if shape else 'dim'}}}"


def along(dim: Any, shape: Any = None) -> str:
    """Behind the gradient of a sum over axes: that it is the same for all that was added."""
    found = over(dim, shape)
    return found and f", repeated along {found[2:-1]}"


def counted(input_shape: tuple, dim: Any) -> int:
    """How many are added up."""
    return math.prod(input_shape[i] for i in reduced("", dim, len(input_shape)))
