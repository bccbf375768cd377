"""A model runs once, and every op of it is written down as a call, with the functions that the ops are parts of.

The compiler's `Capture` sees the ops; a program that is run again has to be sure of everything that it depends on, a
model that is exported only of what its numbers depend on. So here the user's code may do what it likes, short of
looking at numbers, and arrays that no op made are constants: `sizes.py` finds out whether they are.

Some functions are more than their ops to whoever reads the model: `interpolate` is one node in ONNX, and two products
with matrices here. Those are written down as a call around the calls of their ops, and the writer takes the outermost
that it has a word for.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import numpy as np

from ..arrays.lines import user_line
from ..compiler.capture import Capture
from ..compiler.permitted import AS_ARRAY
from ..compiler.program import Value
from ..engine.modes import mode
from ..engine.op import Op
from ..engine.tensor import Tensor, wrap
from ..nn.module import Module
from ..ops import dropout

RANDOM = {dropout._key.__code__, dropout._mask.__code__}
MODULE = {f.__code__ for f in (Module.__setattr__, Module.__delattr__, Module._call_with_hooks)}

# They may look at numbers: if it matters, two runs differ.
KNOWN = ("tinygrad_cnn.ops.", "tinygrad_cnn.onnx.", "tinygrad_cnn.distributed.group")


class Call:
    """One call: of an op, or of a function and the calls in it.

    args: what it was given, by name, with Values in the places of tensors. outs: a Value for each result, None for
    what nobody uses. inner: the calls in it, None for an op, and where they are not all there, for the reason `why`.
    path: of the module that was running. line: of the user's code. effect, written, view: as an Instruction has them;
    run, given and named: what was called, and how.
    """

    __slots__ = ("args", "effect", "given", "inner", "line", "name", "named", "outs", "path", "run", "view", "why",
                 "written")  # fmt: skip

    def __init__(self, name: str, args: dict[str, Any], outs: list, path: str, line: Any, **more: Any):
        self.name, self.args, self.outs, self.path, self.line = name, args, outs, path, line
        self.inner: list[Call] | None = None
        self.why: str | None = None
        self.run: Callable | None = None
        self.given: tuple = ()
        self.named: dict[str, Any] = {}
        self.effect, self.view = "", False
        self.written: tuple[Value, ...] = ()
        for key, value in more.items():
            setattr(self, key, value)

    def where(self) -> str:
        """For an error message."""
        module = f" in the module {self.path!r}" if self.path else ""
        return f"{module}, {self.line[0]}:{self.line[1]} in {self.line[2]}" if self.line else module

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.args.items())})"


class Open:
    """A function that is running, and is going to be a call. refusal: what was refused before it began."""

    def __init__(self, frame: FrameType, args: dict[str, Any], outer: list[Call], scope: Any, refusal: Any):
        self.frame, self.args, self.outer, self.scope, self.refusal = frame, args, outer, scope, refusal


class Trace(Capture):
    """One run of a model. `calls`: what it did. `result`: what it returned, with Values in the places of tensors.

    functions: by their code, the functions that are to be calls, too.
    """

    def __init__(self, model: Module, args: tuple, named: dict, functions: dict[CodeType, str]):
        super().__init__(model, args, named, False)
        self.functions = functions
        self.module_paths = {id(module): path for path, module in model.named_modules()}
        self.calls: list[Call] = []
        self.open: list[Open] = []
        self.result: Any = None

    def emit(self, name: str, run: Callable, args: tuple, outs: list, line: Any = None, **more: Any) -> None:
        if self.refusal is not None:
            return
        op = more.get("source")
        named = _by_name(op, args) if isinstance(op, Op) else {**dict(enumerate(args)), **more.get("named", {})}
        kept = {key: more[key] for key in ("effect", "named", "written", "view") if more.get(key)}
        if isinstance(op, Op):  # its own changes are statistics, of which a model in ONNX has none
            kept.pop("effect", None)
        if more.get("several") and isinstance(op, Op) and op.keeps:  # what it hands on to its rules is no result
            outs = outs[: len(outs) - len(op.keeps)]
        self.calls.append(Call(name, named, outs, self._path(mode.scope), line or user_line(), run=run,
                               given=args, **kept))  # fmt: skip

    def _path(self, scope: Any) -> str:
        while scope is not None:
            path = self.module_paths.get(id(scope.module))
            if path is not None:
                return path
            scope = scope.outer
        return ""

    def _known(self, array: np.ndarray) -> Value:
        """The value that an array is; one that no op made is a constant."""
        return self.value(array) or self._new("constant", array, tensor=wrap(array.copy()))

    def moved(self, old: np.ndarray, new: np.ndarray) -> None:
        """The same numbers in another order of memory are the same value."""
        v = self._known(old)
        self._hold(new)
        self.values[id(new)] = v

    # what Python tells

    def _seen(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "call" and self.busy is None and frame.f_code in self.functions:
            self._begin_function(frame)
        elif event == "return" and self.open and self.open[-1].frame is frame:
            self._end_function(arg)
        elif event != "c_call":
            super()._seen(frame, event, arg)

    def _enter(self, frame: FrameType) -> None:
        code, module = frame.f_code, frame.f_globals.get("__name__", "")
        if code is AS_ARRAY and frame.f_back is not None:
            module = frame.f_back.f_globals.get("__name__", "")
        if code in RANDOM or not (module.startswith(KNOWN) or code in MODULE):
            super()._enter(frame)

    def _user_code(self, code: Any, frame: FrameType) -> None:
        """It may do what it likes."""

    # A function that is to be a call: what is refused in it matters only if nothing is known to say it by.

    def _begin_function(self, frame: FrameType) -> None:
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        args = {name: self.argument(frame.f_locals[name]) for name in names}
        self.open.append(Open(frame, args, self.calls, mode.scope, self.refusal))
        self.calls = []

    def _end_function(self, result: Any) -> None:
        done = self.open.pop()
        inner, self.calls = self.calls, done.outer
        results = result if isinstance(result, tuple) else (result,)
        if done.refusal is not None or any(not isinstance(r, Tensor) for r in results):  # or it raised
            self.calls += inner
            return
        if self.refusal is None and not any(c.outs or c.effect == "writes" for c in inner):  # it did nothing
            return
        why, self.refusal = self.refusal, None
        outs = [self.value(r._array) or self._computed(r._array) for r in results]
        name = self.functions[done.frame.f_code]
        call = Call(name, done.args, outs, self._path(done.scope), user_line())
        call.inner, call.why = (inner, None) if why is None else (None, why.why)
        self.calls.append(call)

    # the end

    def _finish(self, result: Any) -> None:
        self.busy = self  # nobody looks any more
        self.result = self._tree(result)

    def _tree(self, result: Any) -> Any:
        if isinstance(result, Tensor):
            return self._known(result._array)
        if isinstance(result, tuple | list):
            return [self._tree(part) for part in result]
        if isinstance(result, dict):
            return {key: self._tree(part) for key, part in result.items()}
        self.refuse(f"returns a {type(result).__name__}; a model returns tensors, in tuples, lists and dicts")
        return None


def traced(model: Module, args: tuple, named: dict, functions: dict[CodeType, str]) -> Trace:
    """A run of the model; RuntimeError where something of it cannot be written down."""
    trace = Trace(model, args, named, functions)
    trace.run()
    if trace.refusal is not None:
        raise RuntimeError(str(trace.refusal).replace("compile:", "onnx.export:", 1)) from None
    return trace


def _by_name(op: Op, args: tuple) -> dict[str, Any]:
    """The arguments of an op by the names of its parameters; of `*tensors`, a list."""
    if op.variadic is None:
        return dict(zip(op.parameters, args))
    n = len(args) - len(op.keyword_only)
    return {op.variadic: list(args[:n]), **dict(zip(op.keyword_only, args[n:]))}
