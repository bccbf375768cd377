"""The call that failed: found in the traceback of its error, and drawn with what it was given.

The engine tells a recorder of calls that returned. One that raised is seen where the error is caught, while its
frames still hold the op and its arguments.
"""

from __future__ import annotations

import os.path
from traceback import walk_tb
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.arrays.lines import PACKAGE
from tinygrad_cnn.engine.op import Op
from tinygrad_cnn.engine.tensor import Tensor
from tinygrad_cnn.nn import Module

NUMPY = os.path.dirname(np.__file__) + os.sep


class FailedCall(NamedTuple):
    name: str
    given: list[tuple[str, Tensor]]
    module: Module | None
    where: tuple[str, int, str] | None


def failed_call(error: BaseException) -> FailedCall:
    """What raised this error: an op, else a function of this package, else a line of the script.

    >>> import tinygrad_cnn as tg
    >>> try:
    ...     tg.ones(2, 3) @ tg.ones(2)
    ... except RuntimeError as error:
    ...     call = failed_call(error)
    >>> call.name, [(port, tuple(t.shape)) for port, t in call.given]
    ('matmul', [('input', (2, 3)), ('other', (2,))])
    """
    frames = [(frame, line) for frame, line in walk_tb(error.__traceback__)]
    end = max((i + 1 for i, (frame, _) in enumerate(frames) if _called_op(frame)), default=len(frames))
    users = [
        i for i, (frame, _) in enumerate(frames[:end]) if not frame.f_code.co_filename.startswith((PACKAGE, NUMPY))
    ]
    where = module = None
    if users:
        frame, line = frames[users[-1]]
        where = frame.f_code.co_filename, line, frame.f_code.co_name
    for frame, _ in frames[:end]:
        own = frame.f_locals.get("self")
        module = own if isinstance(own, Module) else module
    name, given = type(error).__name__, []
    for frame, _ in frames[users[-1] + 1 if users else 0 : end]:
        op = _called_op(frame)
        if op is not None:
            name, given = op.name.strip("_"), _by_port(op, frame.f_locals["args"])
        elif not frame.f_code.co_name.startswith("_") and not given:
            name, given = frame.f_code.co_name, _arguments(frame.f_code, frame.f_locals)
    return FailedCall(name, given, module, where)


def _called_op(frame: FrameType) -> Op | None:
    """The op whose call on Tensors this frame is."""
    op, args = (frame.f_locals.get(name) for name in ("spec", "args"))
    return op if isinstance(op, Op) and isinstance(args, tuple) and any(isinstance(a, Tensor) for a in args) else None


def _by_port(op: Op, args: tuple) -> list[tuple[str, Tensor]]:
    names = [f"{op.variadic}[{i}]" for i in range(len(args))] if op.variadic else op.parameters
    return [(name, a) for name, a in zip(names, args, strict=False) if isinstance(a, Tensor)]


def _arguments(code: CodeType, values: dict[str, Any]) -> list[tuple[str, Tensor]]:
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return [(name, values[name]) for name in names if isinstance(values.get(name), Tensor)]
