"""The call of an op: Tensors are opened, forward runs on their arrays, and what comes out is a Tensor with a node.

Half precision is only kept in 16 bits: forward functions and rules get it as float32, and what they return is rounded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np
from numpy import ndarray

from ..arrays.arguments import STUMBLING, look_at
from ..arrays.dtypes import float16
from ..arrays.plain import dtype_of, plain, shares_memory
from ..arrays.quiet import SILENT, loudness, quietly, restore
from .modes import mode
from .node import INFERENCE, Pick
from .op import Op
from .record import PLAIN, frozen, record
from .tensor import Tensor, wrap
from .view import share

registry: dict[str, Callable] = {}
_PYTHON = PLAIN | {tuple}


def op(
    forward: Callable | None = None,
    *,
    keeps: str | tuple[str, ...] = (),
    view: bool = False,
    exact: bool = False,
    pointwise: bool = False,
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
        return lambda f: op(f, keeps=keeps, view=view, exact=exact, pointwise=pointwise, **shared)
    if not callable(forward):
        raise TypeError(f"op: expected a function on arrays, got {type(forward).__name__}")
    spec = Op(forward, keeps=keeps, view=view, exact=exact, pointwise=pointwise, **shared)
    compute, keeps, rest, exact, strict = spec.compute, spec.keeps, spec.rest, spec.exact, spec.strict
    asked = spec.asked

    @functools.wraps(forward)
    def call(*args: Any, **kwargs: Any) -> Any:
        more = None if kwargs else rest.get(len(args))
        args = args + more if more is not None else spec.bind(args, kwargs)  # type: ignore[assignment]
        for a in args:
            if isinstance(a, Tensor):
                break
        else:
            return _of_arrays(spec, args)
        values: list = []
        needed, bit, half, foreign = 0, 1, False, False
        for a in args:
            if type(a) not in _PYTHON:
                if isinstance(a, Tensor):
                    if a._view is not None:
                        a._view.refresh(a)
                    if a._requires_grad:
                        needed |= bit
                    a = a._array
                    if a.dtype is float16:
                        half = True
                else:
                    foreign = True
            elif bit in strict and type(a) in strict[bit]:
                look_at(spec, args)
            values.append(a)
            bit += bit
        if asked is not None and values[asked] is not None:
            values[asked] = dtype_of(spec.name, values[asked])
        if foreign:
            if loudness() is not SILENT:  # in a walk, rules hand on what NumPy makes numbers of
                look_at(spec, args)
            values = [_beside_tensors(v) for v in values]
            half = half or (spec.asked is not None and values[spec.asked] == float16)
        now = mode.__dict__
        if now["tracer"] is not None:
            done = now["tracer"].calling(spec, args)
            if done is not None:
                return done
        loud = view or loudness()  # a view computes nothing that NumPy could warn of
        try:
            if not view:
                restore(SILENT)
            out = spec.compute_half(*values) if half and not exact else compute(*values)
        except STUMBLING as error:
            spec.refuse(values, error)
            raise
        finally:
            if not view:
                restore(loud)
        extras: Any = ()
        if keeps:
            out, *extras = out
        if type(out) is not ndarray:
            if type(out) is tuple:
                return _several(spec, args, values, needed, out, extras)
            out = np.asarray(out)
        result = wrap(out)
        if view:
            _share(spec, args, values, result)
        if needed and now["grad"]:
            record(spec, args, values, needed, out, extras, result)
        elif now["inference"] or now["tracer"] is not None:
            if now["inference"] and result._counter is None:
                result._counter = INFERENCE
            if now["tracer"] is not None:
                now["tracer"].called(spec, args, out, None)
        return result

    spec.call = call
    call.op = spec  # type: ignore[attr-defined]
    call.grad = spec.grad  # type: ignore[attr-defined]
    call.joint_grad = spec.joint_grad  # type: ignore[attr-defined]
    call.meaning = spec.meaning  # type: ignore[attr-defined]
    call.explain = spec.explain  # type: ignore[attr-defined]
    registry[spec.name] = call
    return call


def renamed(call: Callable, name: str) -> Callable:
    """The same op under another name, for a function that calls nothing else: its node is called like the function.

    >>> import tinygrad_cnn as tg
    >>> tg.ones(2, 2, requires_grad=True).gather(1, tg.tensor([[0], [1]])).grad_fn.name()
    'GatherBackward0'
    """
    spec: Op = call.op  # type: ignore[attr-defined]
    f: Any = spec.forward
    same = FunctionType(f.__code__, f.__globals__, f"_{name}", f.__defaults__, f.__closure__)
    functools.update_wrapper(same, f, ("__annotations__", "__doc__"))
    made = op(same, keeps=spec.keeps, view=spec.view, exact=spec.exact, pointwise=spec.pointwise)
    made.grad(**spec.rules)
    made.explain(spec.words, zero=spec.zero, **spec.formulas)
    return made


def _of_arrays(op: Op, values: Sequence) -> Any:
    """The result where no argument is a Tensor: that of the op's function, as it is."""
    try:
        if loudness() is not SILENT:  # and no rule of a walk
            look_at(op, values)
        out = quietly(op.compute, *values)
    except STUMBLING as error:
        op.refuse(values, error)
        raise
    return out[0] if op.keeps else out


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
        if mode.inference and t._counter is None:
            t._counter = INFERENCE
    return results


def _share(op: Op, args: Any, values: list, result: Tensor, index: int | None = None) -> None:
    """Let a view of the first input follow its changes; index: which of several results it is."""
    source = args[0]
    if isinstance(source, Tensor) and shares_memory(result._array, source._array):
        share(source, result, op.call, [v if type(v) in PLAIN else frozen(v) for v in values[1:]], index)


def _beside_tensors(value: Any) -> Any:
    """What stands beside a Tensor: an array as `plain` has it, a list as it is now, and np.float64(2.5) is 2.5."""
    if isinstance(value, ndarray):
        return plain(value)
    if type(value) is list:
        return frozen(value)
    return value.item() if isinstance(value, np.generic) else value
