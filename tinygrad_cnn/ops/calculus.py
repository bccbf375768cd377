"""Differences and integrals of samples along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.dtypes import get_default_dtype
from ..arrays.types import Array
from ..engine.tensor import as_array
from .compare import logical_xor
from .cumulative import cumsum
from .declared import appears
from .dims import axes, axis, whole
from .elementwise import divide, minus, mul
from .join import cat, narrow, select
from .reduce import sum as total
from .shape import clone, reshape


@appears("function out method")
def diff(input: Array, n: int = 1, dim: int = -1, prepend: Array | None = None, append: Array | None = None) -> Array:
    """out[i] = input[i + 1] - input[i] along dim, n times; prepend and append are joined to input first.

    bool says where neighbours differ. RuntimeError for a tensor without axes, and for a negative n.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1, 4, 9, 16])
    >>> tg.diff(x).tolist(), tg.diff(x, n=2).tolist()
    ([3, 5, 7], [2, 2])
    """
    if not input.ndim:
        raise RuntimeError("diff: expects at least one axis, got a tensor without any")
    if whole("diff", "n", n) < 0:
        raise RuntimeError(f"diff: n must not be negative, got {n}")
    d = axis("diff", dim, input.ndim)
    for given in (prepend, append):
        if given is not None and given.ndim != input.ndim:
            raise RuntimeError("diff: prepend and append must have as many axes as input")
    if not n:
        return clone(input)
    parts = [part for part in (prepend, input, append) if part is not None]
    input = cat(parts, d) if len(parts) > 1 else input
    for _ in range(min(n, input.shape[d])):
        input = _step(input, d)
    return input


def _step(input: Any, d: int) -> Any:
    first, last = _neighbours(input, d)
    return logical_xor(last, first) if input.dtype.kind == "b" else minus(last, first)


def _neighbours(input: Any, d: int) -> tuple[Any, Any]:
    """All but the last along an axis, and all but the first."""
    n = max(input.shape[d] - 1, 0)
    return narrow(input, d, 0, n), narrow(input, d, min(1, input.shape[d]), n)


@appears("function", aliases="trapz")
def trapezoid(y: Array, x: Array | None = None, *, dx: float | None = None, dim: int = -1) -> Array:
    """The integral of y by trapezoids: Σ (y[i] + y[i + 1])/2·(x[i + 1] - x[i]) along dim; without x in steps of dx.

    x: as long as y along dim, or of a shape that broadcasts. RuntimeError for bool, TypeError for x beside dx.

    >>> import tinygrad_cnn as tg
    >>> tg.trapezoid(tg.tensor([1.0, 5.0, 3.0])).item(), tg.trapezoid(tg.ones(3), tg.tensor([0.0, 1.0, 4.0])).item()
    (7.0, 4.0)
    """
    d = _prepared("trapezoid", y, x, dx, dim)
    if x is None:
        if not y.shape[d]:
            return total(y, d)
        ends = select(y, d, 0) + select(y, d, -1)
        return (total(y, d) - ends * 0.5) * (1 if dx is None else dx)
    if not y.shape[d]:
        return total(y, d)
    first, last = _neighbours(y, d)
    return divide(total(mul(last + first, _steps("trapezoid", y, x, d)), d), 2)


@appears("function")
def cumulative_trapezoid(y: Array, x: Array | None = None, *, dx: float | None = None, dim: int = -1) -> Array:
    """`trapezoid` of the first 2, 3, ... elements along dim.

    >>> import tinygrad_cnn as tg
    >>> tg.cumulative_trapezoid(tg.tensor([1.0, 5.0, 3.0])).tolist()
    [3.0, 7.0]
    """
    d = _prepared("cumulative_trapezoid", y, x, dx, dim)
    first, last = _neighbours(y, d)
    if x is None:
        return cumsum(mul(last + first, (1.0 if dx is None else dx) / 2), d)
    return divide(cumsum(mul(last + first, _steps("cumulative_trapezoid", y, x, d)), d), 2)


def _prepared(name: str, y: Any, x: Any, dx: Any, dim: int) -> int:
    if not y.ndim:
        raise IndexError(f"{name}: dim {dim} was given, but y has no axes")
    d = axis(name, dim, y.ndim)
    if x is not None and dx is not None:
        raise TypeError(f"{name}: x and dx say the same; give one of them")
    if y.dtype.kind == "b" or (x is not None and x.dtype.kind == "b"):
        raise RuntimeError(f"{name}: bool has no integral; convert it with .float()")
    return d


def _steps(name: str, y: Any, x: Any, d: int) -> Any:
    """The steps of x, in a shape that broadcasts with what is between the elements of y."""
    if x.ndim == 1:
        if x.shape[0] != y.shape[d]:
            raise RuntimeError(f"{name}: x must have {y.shape[d]} elements, one for each of y; got {x.shape[0]}")
        return reshape(_step(x, 0), (-1,) + (1,) * (y.ndim - 1 - d))
    x = reshape(x, (1,) * (y.ndim - x.ndim) + tuple(x.shape))
    return _step(x, axis(name, d - y.ndim, x.ndim))


@appears("function")
def gradient(
    input: Array, *, spacing: Any = 1, dim: int | Sequence[int] | None = None, edge_order: int = 1
) -> tuple[Array, ...]:
    """The slope of samples along each axis (or those in dim): central differences, at the ends those of edge_order.

    spacing: how far apart the samples are, a number for all or one for each axis, or the coordinates along each.
    RuntimeError where an axis has fewer than edge_order + 1 samples.

    >>> import tinygrad_cnn as tg
    >>> (slope,) = tg.gradient(tg.tensor([0.0, 1.0, 4.0, 9.0]))
    >>> slope.tolist()
    [1.0, 2.0, 4.0, 5.0]
    """
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    found = axes("gradient", dim, input.ndim)
    spacing = 1 if spacing is None else spacing
    spacing = list(spacing) if isinstance(spacing, tuple | list) else [spacing] * len(found)
    if len(spacing) != len(found):
        raise RuntimeError(f"gradient: spacing must be a number, or one for each of the {len(found)} axes")
    return tuple([_slope(input, d, h, edge_order) for d, h in zip(found, spacing, strict=True)])


def _slope(input: Any, d: int, spacing: Any, edge_order: int) -> Any:
    n = input.shape[d]
    if n < edge_order + 1:
        raise RuntimeError(
            f"gradient: axis {d} has {n} samples, edge_order {edge_order} needs {edge_order + 1} or more"
        )
    column = (-1,) + (1,) * (input.ndim - 1 - d)
    if getattr(spacing, "ndim", 0) and spacing.shape != (n,):
        raise RuntimeError(f"gradient: the coordinates of axis {d} must be a vector of {n}, got {tuple(spacing.shape)}")
    if getattr(spacing, "ndim", 0):
        steps = reshape(_step(spacing, 0), column)
    else:
        real = input.dtype if input.dtype.kind == "f" else get_default_dtype()
        steps = np.full((n - 1, *column[1:]), as_array(spacing), real)

    def part(a: Any, start: int, length: int = 1) -> Any:
        return narrow(a, d, start, length)

    rise = minus(part(input, 1, n - 1), part(input, 0, n - 1)) / steps  # the slopes between neighbours
    before, after = narrow(steps, 0, 0, n - 2), narrow(steps, 0, 1, n - 2)
    inner = (part(rise, 0, n - 2) * after + part(rise, 1, n - 2) * before) / (before + after)
    first, last = part(rise, 0), part(rise, n - 2)
    if edge_order == 2:  # a parabola through the last three
        h0, h1, h2, h3 = (narrow(steps, 0, i, 1) for i in (0, 1, n - 3, n - 2))
        first = first + (first - part(rise, 1)) * (h0 / (h0 + h1))
        last = last + (last - part(rise, n - 3)) * (h3 / (h2 + h3))
    return cat([first, inner, last], d)
