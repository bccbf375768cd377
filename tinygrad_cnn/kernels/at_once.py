"""Functions that do the same to every number, run on big arrays as one loop: all their steps in one pass over memory.

    slope = at_once(lambda g, out: g * (1 - out * out))
    slope(g, out)           NumPy, call by call, where g is small; else kernel.pointwise, with the function's formula

The formula is read off the function when it is first called with arguments of a kind, and kept with what came out. A
function without one is called as it is, and so is one whose result is an argument, or zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy import ndarray

from ..arrays.formulas import LEAVES, Formula, Untraceable, trace_call
from . import SMALL, kernel

BIG = 32_768  # numbers; NumPy does fewer as fast, but where a step is
SLOW = {"erf", "erfc"}  # which it does by a polynomial, call by call
MOST = 10_000  # kinds of calls that are remembered
_KINDS = {np.dtype(np.float32): "f", np.dtype(np.bool_): "b"}
_known: dict[tuple, Formula | None] = {}
_slow: dict[tuple, bool] = {}


def at_once(f: Callable) -> Callable:
    """f, by one loop where its first argument is a big array."""

    @wraps(f)
    def run(first: Any, *rest: Any) -> Any:
        if type(first) is ndarray:
            size = first.size
            if size >= BIG or (size >= SMALL and _is_slow(f, first, rest)) or (not first.shape and _is_big(*rest)):
                return in_one_pass(f, (first, *rest))
        return f(first, *rest)

    return run


def _is_big(second: Any = None, *rest: Any) -> bool:
    """Whether a big array stands beside a number: a loss and its gradient, which is the same for all its numbers."""
    return type(second) is ndarray and second.size >= BIG


def _is_slow(f: Callable, first: ndarray, rest: tuple) -> bool:
    """Whether f with these attributes has a step that is slow in NumPy."""
    key = f, first.dtype, *[a for a in rest if type(a) is not ndarray]
    try:
        return _slow[key]
    except KeyError:
        found = _formula_of(f, (first, *rest))
        if len(_slow) >= MOST:
            _slow.clear()
        _slow[key] = slow = found is not None and any(name in SLOW for name, *_ in found[0].steps)
        return slow
    except TypeError:  # a list has no hash
        return False


def in_one_pass(f: Callable, args: tuple) -> Any:
    """f(*args), by one loop if f has a formula for such arguments."""
    found = _formula_of(f, args)
    return f(*args) if found is None else kernel.pointwise(*found)


def summed_in_one_pass(f: Callable, args: tuple, divisor: float) -> Any:
    """The sum of all numbers of f(*args), divided; None where f has no formula for such arguments."""
    found = _formula_of(f, args) if _is_big(*args) else None
    return None if found is None else kernel.total(*found, divisor)


def how_many(where: Callable, *args: Any) -> int:
    """For how many numbers where(*args), a function that gives 1 or 0 in float32, gives 1."""
    found = summed_in_one_pass(where, args, 1)
    return int(np.count_nonzero(where(*args)) if found is None else found)


def _formula_of(f: Callable, args: tuple) -> tuple[Formula, list[ndarray]] | None:
    """The formula of f for such arguments, and the arrays that it takes; None where it has none."""
    key: list[Any] = [f]
    arrays = []
    for a in args:
        if type(a) is ndarray:
            kind = _KINDS.get(a.dtype)
            if kind is None:
                return None
            key.append(kind)
            arrays.append(a)
        else:
            key.append((type(a), repr(a) if type(a) is float else a))  # 0.0 equals -0.0
    try:
        formula = _known[tuple(key)]
    except KeyError:
        formula = _known_from_now_on(tuple(key), f, args)
    except TypeError:  # a list has no hash
        return None
    if formula is None or not _broadcast(arrays):
        return None
    return formula, arrays


def _known_from_now_on(key: tuple, f: Callable, args: tuple) -> Formula | None:
    try:
        formula: Formula | None = trace_call(f, args)
    except Untraceable:
        formula = None
    if formula is not None and not _is_work(formula):
        formula = None
    if len(_known) >= MOST:
        _known.clear()
    _known[key] = formula
    return formula


def _is_work(formula: Formula) -> bool:
    """Whether it computes something, of all its inputs."""
    taken = {i for name, *rest in formula.steps if name not in LEAVES for i in rest}
    inputs = {i for i, (name, *_) in enumerate(formula.steps) if name == "input"}
    return "f" in formula.kinds and inputs <= taken and not inputs.intersection(formula.outputs)


def _broadcast(arrays: list[ndarray]) -> bool:
    shape = arrays[0].shape
    if all(a.shape == shape for a in arrays):
        return True
    try:
        np.broadcast_shapes(*[a.shape for a in arrays])
    except ValueError:
        return False
    return True
