"""What may run while a program is captured, and what a program can not hold.

A capture sees ops. It does not see NumPy, nor that a branch was taken because of a number, nor what else a function
does. So every call of a Python function is looked at while a capture runs (`sys.setprofile`), and each is one of these:

- an op, or what the engine does: seen;
- a call that is one instruction, `WHOLE`: a draw of random numbers, a new tensor, a step of an optimizer, which is
  called again each time the program runs, or a "check", a look at numbers that has to have the same answer each time;
- a function of this package that reads no array itself, or is known to read its form alone, `FORM`;
- the user's own code, which is searched for what has an effect or comes from elsewhere;
- everything else: refused.
"""

from __future__ import annotations

import dis
import functools
import inspect
import math
import operator
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, NamedTuple

from ..engine import call as engine_call
from ..engine.modes import mode
from ..engine.node import Version
from ..engine.tensor import Tensor, as_array
from ..engine.walk import accumulate
from ..nn.module import Module
from ..nn.utils import clip_grad
from ..ops import dropout, embedding, loss, norm, pointwise_loss
from ..optim import Optimizer, lr_scheduler
from ..surface import creation, drawing, sampling


class Refusal(RuntimeError):
    """Something cannot be captured: which line of the user's, and why."""

    def __init__(self, why: str, line: tuple[str, int, str] | None):
        where = f"{line[0]}:{line[1]} in {line[2]}: " if line else ""
        super().__init__(f"compile: {where}{why}")
        self.why, self.line = why, line


class Whole(NamedTuple):
    """A function that is one instruction of a program, and what else it does."""

    function: Callable
    effect: str = ""


def code_of(f: Any) -> CodeType:
    return inspect.unwrap(f).__code__


def _whole(effect: str, *functions: Any) -> dict[CodeType, Whole]:
    return {code_of(f): Whole(f, effect) for f in functions}


WHOLE: dict[CodeType, Whole] = {
    **_whole("", creation.zeros, creation.ones, creation.empty, creation.full, creation.arange, creation.linspace,
             creation.logspace, creation.eye, creation.tensor, creation.zeros_like, creation.ones_like,
             creation.empty_like, creation.full_like),
    **_whole("random", sampling.rand, sampling.randn, sampling.rand_like, sampling.randn_like, sampling.randint,
             sampling.randint_like, sampling.randperm, sampling.normal, sampling.bernoulli, sampling.multinomial,
             dropout._key, dropout._mask),
    **_whole("writes", drawing.normal_, drawing.uniform_, drawing.random_, drawing.bernoulli_, drawing.exponential_),
    **_whole("calls", Optimizer.step, Optimizer.zero_grad, Module.zero_grad, clip_grad._clip_norm,
             clip_grad._clip_value,
             *{vars(c)["step"] for c in vars(lr_scheduler).values() if isinstance(c, type) and "step" in vars(c)}),
    **_whole("raises", pointwise_loss._refuse_improbable, embedding._refuse_outside),
    **_whole("check", loss._all_count),
}  # fmt: skip
OP_CALL = next(c for c in engine_call.op.__code__.co_consts if isinstance(c, CodeType) and c.co_name == "call")
BUMP, AS_ARRAY, STATISTICS = Version.bump.__code__, as_array.__code__, norm._bump.__code__
ACCUMULATE = accumulate.__code__

# Functions of this package that ask arrays for no more than their form, or hand them to ops.
FORM = {
    "ops.checks": "every",
    "ops.dropout": "dropout",
    "ops.elementwise": "scaled addcdiv",
    "ops.norm": "batch_norm _check_channels _check_training _last_axes",
    "ops.join": "cat _join <listcomp>",
    "ops.index": "refuse_axes",
    "ops.loss": "_examples cross_entropy",
    "ops.embedding": "embedding",
    "ops.pointwise_loss": "multilabel_soft_margin_loss binary_cross_entropy",
    "ops.shape": "g _inverse apart is_contiguous",
    "surface.about": "shape dtype ndim itemsize nbytes size stride <genexpr> dim ndimension nelement element_size "
    "is_floating_point is_complex is_signed T",
    "surface.conversions": "type_as new_tensor method",
    "surface.writing": "write",
    "surface.values": "numel __len__ __iter__",
    "autograd.gradients": "grad _roots",
}
SEEN = ("arrays", "engine", "kernels", "compiler")  # rooms whose doings are told, or are about arrays alone
ROOMS = ("ops", "autograd", "surface", "nn")
SETTERS = {Tensor.requires_grad.fset.__code__, Tensor.data.fset.__code__, Tensor.grad.fset.__code__}  # type: ignore[attr-defined]
READERS = {Tensor.grad.fget.__code__: "reads .grad"}  # type: ignore[attr-defined]
MODULE = {  # what changes a module
    code_of(f)
    for f in (Module.__setattr__, Module.__delattr__, Module.register_parameter, Module.register_buffer,
              Module.add_module, Module.train, Module.requires_grad_, Module._call_with_hooks)
}  # fmt: skip
MAY_CALL = {
    abs, all, any, bool, callable, chr, divmod, getattr, hasattr, hash, id, isinstance, issubclass, iter, len, max, min,
    ord, pow, repr, round, sorted, sum, *filter(callable, (*vars(math).values(), *vars(operator).values())),
}  # fmt: skip
KINDS: tuple = (list, tuple, dict, set, frozenset, str, bytes, int, float, range, slice, type, type({}.items()))


def objection_to_call(function: Any) -> str | None:
    """Why the user's code may not call this function, which is written in C."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, KINDS):
        return None
    try:
        if function in MAY_CALL:
            return None
    except TypeError:
        pass
    if getattr(function, "__objclass__", None) in KINDS:
        return None
    module = getattr(function, "__module__", None) or type(owner).__module__
    if module in ("functools", "_functools", "itertools", "collections", "_collections", "_thread", "_weakref", "_abc"):
        return None
    return f"calls {getattr(function, '__name__', function)}(), of which a program does not know what it does"


@functools.cache
def objection_to_code(code: CodeType) -> tuple[str, int] | None:
    """What in the user's code has an effect that a program would not repeat, and in which line."""
    line, before = code.co_firstlineno, None
    for step in dis.get_instructions(code):
        line = getattr(step, "line_number", step.starts_line) or line  # Python 3.13 has the first
        name = step.opname
        if name in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            return f"assigns the global {step.argval}", line
        if name in ("STORE_ATTR", "DELETE_ATTR") and not (before and before.argval == "ctx"):
            return f"assigns the attribute {step.argval}", line
        if name == "IMPORT_NAME" and step.argval.partition(".")[0] not in ("tinygrad_cnn", "math"):
            return f"imports {step.argval}", line
        if name in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in ("np", "numpy"):
            return "computes with NumPy", line
        if name == "LOAD_ATTR" and step.argval == "_array":
            return "reads an array", line
        before = step
    return None


@functools.cache
def objection_to_package(code: CodeType, module: str) -> str | None:
    """What a function of this package does that a capture does not see."""
    name, room = code.co_name, module.removeprefix("tinygrad_cnn.")
    if code in SETTERS:
        return f"sets .{name}"
    if code in READERS:
        return READERS[code]
    if code in MODULE:
        return f"changes a module ({name})"
    first = room.partition(".")[0]
    if first in SEEN or is_form(code, module):
        return None
    if first not in ROOMS and not room.startswith(("vision.models", "cli.bench")):
        return f"calls {room}.{name}()"
    if {"_array", "rng"} & {*code.co_names, *code.co_freevars}:
        return f"calls {name}(), which looks at numbers"
    return None


def opens(frame: FrameType) -> bool:
    """Whether a module of this package is asked for a name whose file it opens when it is first asked for."""
    module = frame.f_globals
    own = module.get("__name__", "").startswith("tinygrad_cnn")
    return own and getattr(module.get("__getattr__"), "__code__", None) is frame.f_code


def is_form(code: CodeType, module: str) -> bool:
    return code.co_name in FORM.get(module.removeprefix("tinygrad_cnn."), "").split()


def is_recorded(frame: FrameType) -> bool:
    """Whether a write is recorded as an op, and told as such."""
    t, value = frame.f_locals["t"], frame.f_locals["value"]
    return mode.grad and (t.requires_grad or getattr(value, "requires_grad", False))
