"""`autograd.Function`: an op as a class with `forward(ctx, ...)` and `backward(ctx, ...)`, as in PyTorch.

An op made with `@op` is shorter and can be differentiated again by itself; a Function is for code that
comes from PyTorch, and for backward passes that need to keep what is not an array.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..modes import _Setting, mode, user_line
from ..tensor import Node, Pick, Tensor, tick, wrap


class FunctionCtx(Node):
    """The node of one call of a Function, and the `ctx` of its two methods."""

    # No __slots__: users keep what they like on a ctx.

    def __init__(self, function: type[Function], args: tuple):
        self.function = function
        self.time = tick()
        self.hooks = self.retain = None
        self.scope = mode.scope
        self.where = user_line() if mode.watch else None
        self.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        self._saved: list | None = []
        self._to_save: tuple = ()
        self._not_differentiable: set[int] = set()
        self._dirty: set[int] = set()
        self._materialize = True
        self._outputs: list[tuple[tuple, np.dtype]] = []
        self._single = True
        self.parents = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs for backward; `saved_tensors` gives them back, checked for changes in place."""
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save Tensors or None, argument {i} is a {type(t).__name__}; "
                    "keep other values as attributes of ctx"
                )
        self._to_save = tensors

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """These outputs need no gradient."""
        self._not_differentiable |= {id(t) for t in outputs}

    def mark_dirty(self, *inputs: Tensor) -> None:
        """These inputs were changed in place, and are returned."""
        self._dirty |= {id(t) for t in inputs}

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a missing gradient reaches backward as zeros (True, the default) or as None."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        if self._saved is None:
            raise RuntimeError(
                f"{self.name()}: trying to backward through the graph a second time, but what it had saved was freed "
                "by the first; use backward(retain_graph=True) if you need both"
            )
        tensors: list[Tensor | None] = []
        for entry in self._saved:
            if entry is None:
                tensors.append(None)
                continue
            array, node, version, time = entry
            if version.time > time:
                refuse_changed(self, self.function.__name__, version)
            if isinstance(node, int):  # one of its own outputs
                node = self if self._single else Pick(self, node, array)
            t = wrap(array, node)
            t._version = version
            tensors.append(t)
        return tuple(tensors)

    def _keep(self, outputs: list) -> None:
        """Turn the tensors to save into arrays and nodes: an output of this node must not be held by it."""
        own = {id(t): i for i, t in enumerate(outputs) if isinstance(t, Tensor) and t._requires_grad}
        self._saved = []
        for t in self._to_save:
            if t is None:
                self._saved.append(None)
            else:
                node = own[id(t)] if id(t) in own else t.accumulator() if t._requires_grad else None
                self._saved.append((t._array, node, t.version(), tick()))
        self._to_save = ()

    def pull(self, g: Any, create_graph: bool) -> list:
        if self._single:
            incoming = [g]
        else:
            incoming = [g.get(i) for i in range(len(self._outputs))]
        if self._materialize:
            incoming = [np.zeros(*self._outputs[i]) if part is None else part for i, part in enumerate(incoming)]
        tensors = [p if p is None or isinstance(p, Tensor) else wrap(np.asarray(p)) for p in incoming]
        grads = _Setting(grad=create_graph).during(self.function.backward, self, *tensors)
        grads = grads if isinstance(grads, tuple) else (grads,)
        name = self.function.__name__
        if len(grads) < len(self.needs_input_grad) or any(g is not None for g in grads[len(self.needs_input_grad) :]):
            raise RuntimeError(
                f"{name}.backward returned {len(grads)} gradients, forward took {len(self.needs_input_grad)} arguments"
                "; return one for each, None where there is none"
            )
        result = []
        wanted = [grad for grad, needed in zip(grads, self.needs_input_grad, strict=False) if needed]
        for parent, grad in zip(self.parents, wanted, strict=True):
            if grad is not None:
                if not isinstance(grad, Tensor):
                    raise TypeError(f"{name}.backward: expected a Tensor or None, got {type(grad).__name__}")
                if grad._array.shape != parent.shape:
                    raise RuntimeError(
                        f"{name}.backward returned a gradient of shape {grad._array.shape} for an input of shape "
                        f"{parent.shape}; they must be equal"
                    )
            result.append(grad if grad is None or create_graph else grad._array)
        return result

    def release(self) -> None:
        if self._saved:
            self._saved = None

    def name(self) -> str:
        return f"{self.function.__name__}Backward"


class Function:
    """Base class of an op with its own backward; call it with `apply`.

    >>> import tinygrad_cnn as tg
    >>> class Exp(tg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         y = x.exp()
    ...         ctx.save_for_backward(y)
    ...         return y
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (y,) = ctx.saved_tensors
    ...         return g * y
    >>> x = tg.tensor(0.0, requires_grad=True)
    >>> Exp.apply(x).backward()
    >>> x.grad.item()
    1.0
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a Function must define the static method forward(ctx, ...)")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError("a Function must define the static method backward(ctx, ...) to be differentiated")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on the arguments, and record it if a Tensor among them needs a gradient."""
        ctx = FunctionCtx(cls, args)
        unrecorded = _Setting(grad=False)
        if "setup_context" in {name for k in cls.__mro__[:-1] for name in vars(k)} and cls is not Function:
            outputs = unrecorded.during(cls.forward, *args, **kwargs)
            unrecorded.during(cls.setup_context, ctx, args, outputs)  # type: ignore[attr-defined]
        else:
            outputs = unrecorded.during(cls.forward, ctx, *args, **kwargs)
        single = not isinstance(outputs, tuple)
        everything = (outputs,) if single else outputs
        recorded = any(ctx.needs_input_grad) and mode.grad
        if not recorded:
            return outputs
        ctx._single = single
        ctx.parents = tuple(a.accumulator() for a, n in zip(args, ctx.needs_input_grad, strict=True) if n)
        ctx.time = tick()  # younger than its parents
        given = {id(a) for a in args}
        results: list = []
        for i, t in enumerate(everything):
            ctx._outputs.append((t._array.shape, t._array.dtype) if isinstance(t, Tensor) else ((), np.dtype("f4")))
            if not isinstance(t, Tensor) or t._array.dtype.kind not in "fc" or id(t) in ctx._not_differentiable:
                results.append(t)
                continue
            if id(t) in ctx._dirty:
                t.version().bump(cls.__name__)
            elif id(t) in given:
                t = wrap(t._array)
            if single:
                ctx.shape, ctx.dtype = t._array.shape, t._array.dtype
                t._node = ctx
            else:
                ctx.shape, ctx.dtype = (), t._array.dtype
                t._node = Pick(ctx, i, t._array)
            t._requires_grad = True
            results.append(t)
        ctx._keep(results)
        if mode.tracer is not None:
            mode.tracer.called(cls, args, tuple(a._array for a in results if isinstance(a, Tensor)), ctx)
        return results[0] if single else tuple(results)


def once_differentiable(backward: Callable) -> Callable:
    """Mark a backward that cannot be differentiated again: asking for it raises, instead of giving a wrong result."""

    @functools.wraps(backward)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        if mode.grad:
            raise RuntimeError(
                f"{ctx.name()}: trying to differentiate twice a function that was marked with @once_differentiable"
            )
        return backward(ctx, *grads)

    return wrapper


def refuse_changed(node: Node, saver: str, version: Any) -> None:
    """Raise: what this node saved was changed in place since."""
    line = f" (called at {node.where[0]}:{node.where[1]})" if node.where else ""
    raise RuntimeError(
        f"one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"{saver}{line} (output {node.shape}) saved a tensor for its backward, then {version.op} changed it in place; "
        f"use the op that makes a new tensor instead of {version.op}, or give {saver} a .clone()"
    )
