"""The call of an op: Tensors are opened, forward runs on their arrays, and what comes out is a Tensor with a node.

Half precision is only kept in 16 bits: forward functions and rules get it as float32, and what they return is rounded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ..arrays.dtypes import float16
from ..arrays.plain import plain
from ..arrays.quiet import loudness, restore, silence
from .modes import mode
from .node import INFERENCE, Pick
from .op import Op
from .record import frozen, record
from .tensor import Tensor, wrap
from .view import share

registry: dict[str, Callable] = {}
_PYTHON = frozenset([int, float, bool, str, tuple, type(None)])


def op(
    forward: Callable | None = None,
    *,
    keeps: str | tuple[str, ...] = (),
    view: bool = False,
    exact: bool = False,
    **shared: str,
) -> Any:
    """Make an op of a function on arrays, and put it into the registry; `Op` says what the arguments mean.

    >>> import tinygrad_cnn as tg
    >>> @tg.op
    ... def cube(x):
    ...     return x * x * x
    >>> cube.grad(x=lambda g, x: 3 * g * x * x)
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> cube(x).sum().backward()
    >>> x.grad.tolist()
    [3.0, 12.0]
    """
    if forward is None:
        return lambda f: op(f, keeps=keeps, view=view, exact=exact, **shared)
    if not callable(forward):
        raise TypeError(f"op: expected a function on arrays, got {type(forward).__name__}")
    spec = Op(forward, keeps=keeps, view=view, exact=exact, **shared)
    arity, keeps, exact = spec.arity, spec.keeps, spec.exact

    @functools.wraps(forward)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != arity:
            args = spec.bind(args, kwargs)  # type: ignore[assignment]
        values: list = []
        needed, bit, arrays, half, foreign = 0, 1, True, False, False
        for a in args:
            if isinstance(a, Tensor):
                arrays = False
                if a._view is not None:
                    a._view.refresh(a)
                if a._requires_grad:
                    needed |= bit
                a = a._array
                if a.dtype is float16:
                    half = True
            elif type(a) not in _PYTHON:
                foreign = True
            values.append(a)
            bit += bit
        if foreign and not arrays:
            values = [_beside_tensors(v) for v in values]
            half = half or (spec.asked is not None and values[spec.asked] == float16)
        loud = loudness()
        try:
            silence()
            if half and not exact:
                out = spec.run_half(values)
            else:
                out = forward(*values) if arity >= 0 else spec.run(values)
        except (AttributeError, TypeError, OverflowError) as error:
            spec.refuse(values, error)
            raise
        finally:
            restore(loud)
        extras: Any = ()
        if keeps:
            out, *extras = out
        if arrays:
            return out
        if type(out) is not ndarray:
            if type(out) is tuple:
                return _several(spec, args, values, needed, out, extras)
            out = np.asarray(out)
        result = wrap(out)
        if view:
            _share(spec, args, values, result)
        if needed and mode.grad:
            record(spec, args, values, needed, out, extras, result)
        elif mode.inference or mode.tracer is not None:
            if mode.inference and result._version is None:
                result._version = INFERENCE
            if mode.tracer is not None:
                mode.tracer.called(spec, args, out, None)
        return result

    spec.call = call
    call.op = spec  # type: ignore[attr-defined]
    call.grad = spec.grad  # type: ignore[attr-defined]
    call.joint_grad = spec.joint_grad  # type: ignore[attr-defined]
    call.meaning = spec.meaning  # type: ignore[attr-defined]
    call.explain = spec.explain  # type: ignore[attr-defined]
    registry[spec.name] = call
    return call


def _several(op: Op, args: Any, values: list, needed: int, outs: tuple, extras: Any) -> tuple[Tensor, ...]:
    """The results of an op with several outputs; each is picked from one node."""
    results = tuple(wrap(np.asarray(a)) for a in outs)
    if needed and mode.grad:
        node = record(op, args, list(values), needed, outs, extras)
        assert node is not None
        node.shape = tuple(t._array.shape for t in results)  # type: ignore[misc]
        node.dtype = results[0]._array.dtype if results else None  # type: ignore[assignment]
        for i, t in enumerate(results):
            if t._array.dtype.kind in "fc":
                t._node = Pick(node, i, t._array)
                t._requires_grad = True
    elif mode.tracer is not None:
        mode.tracer.called(op, args, outs, None)
    for i, t in enumerate(results):
        if op.view:
            _share(op, args, values, t, i)
        if mode.inference and t._version is None:
            t._version = INFERENCE
    return results


def _share(op: Op, args: Any, values: list, result: Tensor, index: int | None = None) -> None:
    """Let a view of the first input follow its changes; index: which of several results it is."""
    source = args[0]
    if not isinstance(source, Tensor) or not _shares_memory(result._array, source._array):
        return
    attributes = [frozen(v) for v in values[1 : len(args)]]

    def remake(base: Any) -> Any:
        out = op.call(base, *attributes)
        return out if index is None else out[index]

    share(source, result, op.name, remake)


def _beside_tensors(value: Any) -> Any:
    """What stands beside a Tensor: an array as `plain` has it, and np.float64(2.5) is 2.5."""
    if isinstance(value, ndarray):
        return plain(value)
    return value.item() if isinstance(value, np.generic) else value


def _shares_memory(view: np.ndarray, array: np.ndarray) -> bool:
    """Whether `view` lies in the memory of `array`; the owner of the memory tells most of the time."""
    owner = view.base
    if owner is None:
        return view is array
    return owner is array or owner is array.base or np.may_share_memory(view, array)
