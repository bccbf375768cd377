"""Choices, elementwise, with broadcasting: one of two by a condition, the greater, the smaller, what bounds allow.

What was chosen gets the gradient. Operands of different dtypes are brought to their common one first.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..arrays.dtypes import number, promote, result_type
from ..arrays.formulas import Symbol, choose, written
from ..arrays.lines import user_level
from ..arrays.types import Array, Number
from ..engine.call import op
from .compare import eq, ge, gt, isfinite, isnan, le, logical_and, logical_or, lt, ne
from .declared import appears
from .pairs import apart, pairwise
from .pointwise import elementwise


@appears("function out exact")
@elementwise
def where(condition: Array | bool, input: Array | Number | None = None, other: Array | Number | None = None) -> Array:
    """input where condition, else other; where(condition) alone gives the places that hold, as nonzero does.

    condition: bool, or with a warning uint8, of which masks once were. input, other: tensors or numbers; the result has
    their common dtype.

    RuntimeError where condition is of another dtype, and where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.where(tg.tensor([True, False]), 1, 0).tolist()
    [1, 0]
    """
    if input is None and other is None:
        return tuple(np.nonzero(np.asarray(condition)))
    if (kind := result_type(condition)) == np.uint8:
        warnings.warn("where: a condition of dtype uint8 is deprecated, use bool instead", stacklevel=user_level())
        condition = ne(condition, 0)
    elif kind != np.bool_:
        raise RuntimeError(f"where: condition must be a bool tensor, got {kind}; compare it: x != 0")
    common = result_type(input, other)
    try:
        return _choose(condition, _held(input, common), _held(other, common))
    except ValueError:
        raise RuntimeError(apart("where", condition, input, other)) from None


where.grad(
    condition=None,
    input=lambda g, condition: where(_holds(condition), g, 0),
    other=lambda g, condition: where(_holds(condition), 0, g),
)
where.explain(
    "Each element's gradient goes to the one of the two that it was taken from.",
    zero="the other one was taken",
    input="g · condition",
    other="0 if condition, else g",
)


def _holds(condition: Any) -> Any:
    return ne(condition, 0) if getattr(condition, "dtype", None) == np.uint8 else condition


def _held(value: Any, common: np.dtype) -> Any:
    value = number(value, common) if type(value) is int else value
    return value.astype(common) if type(value) is Symbol else np.asarray(value, common)


@written(lambda condition, *pair: choose(condition, *[v[()] if isinstance(v, np.ndarray) else v for v in pair]))
def _choose(condition: Any, input: np.ndarray, other: np.ndarray) -> np.ndarray:
    """np.where. It has a branch for each element, which on a random mask is slow, so many are chosen bit by bit."""
    condition = np.asarray(condition)
    if condition.size < 4096 or input.itemsize > 8:  # a complex128 has more bits than any integer
        return np.where(condition, input, other)
    bits = f"u{input.itemsize}"
    a, b = input.view(bits), other.view(bits)
    mask = np.negative(condition, dtype=bits)  # all bits set, or none
    nothing = other.ndim == 0 and not b  # the number 0, as in a gradient
    return (a & mask if nothing else ((a ^ b) & mask) ^ b).view(input.dtype)


def _share(g: Any, theirs: Any, tie: Any) -> Any:
    return where(theirs, 0, where(tie, g / 2, g))


@appears("function out method")
@pairwise(np.maximum)
def maximum(input: Array, other: Array):
    """The greater of the two; NaN if one is NaN. Equal operands share the gradient evenly.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 5.0, 2.0], requires_grad=True)
    >>> y = tg.maximum(x, tg.tensor([3.0, 3.0, 2.0]))
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([3.0, 5.0, 2.0], [0.0, 1.0, 0.5])
    """


maximum.grad(
    input=lambda g, input, other: _share(g, lt(input, other), eq(input, other)),
    other=lambda g, input, other: _share(g, lt(other, input), eq(input, other)),
)
maximum.explain(
    "The greater of the two gets the gradient; equal ones get half each.",
    zero="the other one was greater",
    input="g · [input > other] + g / 2 · [input = other]",
    other="g · [other > input] + g / 2 · [input = other]",
)


@appears("function out method")
@pairwise(np.minimum)
def minimum(input: Array, other: Array):
    """The smaller of the two; NaN if one is NaN. Equal operands share the gradient evenly.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 5.0, 2.0], requires_grad=True)
    >>> y = tg.minimum(x, tg.tensor([3.0, 3.0, 2.0]))
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([1.0, 3.0, 2.0], [1.0, 0.0, 0.5])
    """


minimum.grad(
    input=lambda g, input, other: _share(g, gt(input, other), eq(input, other)),
    other=lambda g, input, other: _share(g, gt(other, input), eq(input, other)),
)
minimum.explain(
    "The smaller of the two gets the gradient; equal ones get half each.",
    zero="the other one was smaller",
    input="g · [input < other] + g / 2 · [input = other]",
    other="g · [other < input] + g / 2 · [input = other]",
)


@appears("function out method")
@pairwise(np.fmax)
def fmax(input: Array, other: Array):
    """The greater of the two; of a number and NaN the number.

    NaN where both are; of equal operands the first gets the gradient.

    >>> import tinygrad_cnn as tg
    >>> nan = float("nan")
    >>> tg.fmax(tg.tensor([1.0, nan, nan]), tg.tensor([2.0, 2.0, nan])).tolist()
    [2.0, 2.0, nan]
    """


fmax.grad(
    input=lambda g, input, other: where(logical_or(ge(input, other), isnan(other)), g, 0),
    other=lambda g, input, other: where(logical_or(ge(input, other), isnan(other)), 0, g),
)
fmax.explain("The one that was taken gets the gradient.", zero="the other one was taken")


@appears("function out method")
@pairwise(np.fmin)
def fmin(input: Array, other: Array):
    """The smaller of the two; of a number and NaN the number.

    NaN where both are; of equal operands the first gets the gradient.

    >>> import tinygrad_cnn as tg
    >>> nan = float("nan")
    >>> tg.fmin(tg.tensor([1.0, nan, nan]), tg.tensor([2.0, 2.0, nan])).tolist()
    [1.0, 2.0, nan]
    """


fmin.grad(
    input=lambda g, input, other: where(logical_or(le(input, other), isnan(other)), g, 0),
    other=lambda g, input, other: where(logical_or(le(input, other), isnan(other)), 0, g),
)
fmin.explain("The one that was taken gets the gradient.", zero="the other one was taken")


@appears("function out method in_place function_", aliases="clip")
@elementwise
def clamp(input: Array, min: Array | Number | None = None, max: Array | Number | None = None) -> Array:
    """min(max(input, min), max), elementwise; where min > max it is max. The bounds are tensors or numbers.

    The gradient passes where min <= input <= max; a bound that was taken gets it elsewhere.

    RuntimeError without any bound, and where shapes do not broadcast.

    >>> import tinygrad_cnn as tg
    >>> tg.clamp(tg.tensor([-2.0, 0.5, 2.0]), -1, 1).tolist()
    [-1.0, 0.5, 1.0]
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of min and max must not be None")
    bounds = [b for b in (min, max) if b is not None]
    input, *bounds = promote(input, *bounds)
    try:
        if min is not None:
            input = np.maximum(input, bounds[0])
        return input if max is None else np.minimum(input, bounds[-1])
    except ValueError:
        raise RuntimeError(apart("clamp", input, *bounds)) from None


def _clamp_to_input(g: Any, input: Any, min: Any, max: Any) -> Any:
    if min is not None:
        g = where(ge(input, min), g, 0)
    return g if max is None else where(le(input, max), g, 0)


def _clamp_to_min(g: Any, input: Any, min: Any, max: Any) -> Any:
    taken = lt(input, min)
    return where(taken if max is None else logical_and(taken, lt(min, max)), g, 0)


def _clamp_to_max(g: Any, input: Any, min: Any, max: Any) -> Any:
    taken = gt(input, max)
    return where(taken if min is None else logical_or(taken, gt(min, max)), g, 0)


clamp.grad(input=_clamp_to_input, min=_clamp_to_min, max=_clamp_to_max)
clamp.explain(
    "Inside the bounds the gradient passes; outside it goes to the bound that was taken: max, where min is above it.",
    zero="it was held at a bound, or is a bound that held nothing",
    input=lambda min=None, max=None, min_shape=None, max_shape=None: "g · [{}input{}]".format(
        "" if min is None and min_shape is None else "min ≤ ", "" if max is None and max_shape is None else " ≤ max"
    ),
    min=lambda max=None, max_shape=None: f"g · [input < min{'' if max is None and max_shape is None else ' < max'}]",
    max=lambda min=None, min_shape=None: (
        f"g · [input > max{'' if min is None and min_shape is None else ' or min > max'}]"
    ),
)


@appears("function out method in_place function_")
def clamp_min(input: Array, min: Array | Number) -> Array:
    """max(input, min)

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([-2, 1, 5]).clamp_min(0).tolist()
    [0, 1, 5]
    """
    return clamp(input, min)


@appears("function out method in_place function_")
def clamp_max(input: Array, max: Array | Number) -> Array:
    """min(input, max)

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([-2, 1, 5]).clamp_max(3).tolist()
    [-2, 1, 3]
    """
    return clamp(input, max=max)


@appears("function out exact method in_place function_")
@op(exact=True)
def nan_to_num(input: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """NaN replaced by `nan`, the infinities by `posinf` and `neginf` (default: the largest finite numbers).

    What was replaced has a gradient of 0. Integers have nothing to replace.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([float("nan"), float("inf"), -float("inf"), 1.0])
    >>> tg.nan_to_num(x, nan=-1.0, posinf=9.0, neginf=-9.0).tolist()
    [-1.0, 9.0, -9.0, 1.0]
    """
    if input.dtype.kind != "f":
        return input.copy()
    return np.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


nan_to_num.grad(input=lambda g, input: where(isfinite(input), g, 0))
nan_to_num.explain("The gradient passes where the number was kept.", zero="the number was replaced")
