"""`autograd.Function`: an op as a class with `forward(ctx, ...)` and `backward(ctx, ...)`, as in PyTorch.

An op made with `@op` is shorter and can be differentiated again by itself; a Function is for code that
comes from PyTorch, and for backward passes that need to keep what is not an array.
"""

from __future__ import annotations

from collections.abc import Set
from inspect import signature
from typing import Any

import numpy as np

from ..arrays.lines import user_line
from .broadcast import fit
from .inplace import adopt
from .modes import Setting, mode
from .node import Node, Pick, refuse_changed, tick
from .tensor import Tensor, refuse_change, refuse_complex, wrap
from .view import share


class FunctionCtx(Node):
    """The node of one call of a Function, and the `ctx` of its two methods.

    What is kept on it as an attribute in forward is there in backward; `needs_input_grad` says which arguments need
    a gradient.

    >>> import tinygrad_cnn as tg
    >>> class Scale(tg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x, factor):
    ...         ctx.factor = factor
    ...         return x * factor
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         return g * ctx.factor, None
    >>> x = tg.tensor(1.0, requires_grad=True)
    >>> y = Scale.apply(x, 3.0)
    >>> y.grad_fn.needs_input_grad
    (True, False)
    """

    # No __slots__: users keep what they like on a ctx.

    zero = False  # None from a user's backward is no gradient

    def __init__(self, function: type[Function], args: tuple):
        self.function = function
        self.time = tick()
        self.hooks = self.retain = None
        self.scope = mode.scope
        self.where = user_line() if mode.watch else None
        self.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        self._recorded = mode.grad and any(self.needs_input_grad)
        self._saved: list | None = []
        self._to_save: tuple = ()
        self._not_differentiable: set[int] = set()
        self._dirty: dict[int, Tensor] = {}
        self._materialize = True
        self._outputs: list[tuple[tuple, np.dtype]] = []
        self._single = True
        self._others = [i for i, a in enumerate(args) if not isinstance(a, Tensor)]
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

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `jvp`, where `saved_tensors` gives them, unless others were kept for backward."""
        self._to_save = self._to_save or tensors

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """These outputs need no gradient."""
        self._not_differentiable |= {id(t) for t in outputs}

    def mark_dirty(self, *inputs: Tensor) -> None:
        """These inputs were changed in place, and are returned."""
        for t in inputs:
            Setting(grad=self._recorded).during(refuse_change, t, self.function.__name__)
        self._dirty.update({id(t): t for t in inputs})

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a missing gradient reaches backward as zeros (True, the default) or as None."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What forward gave to `save_for_backward`. RuntimeError where it was freed, or changed in place since."""
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
            t._counter = version
            tensors.append(t)
        return tuple(tensors)

    def _record(self, args: tuple, outputs: tuple, single: bool) -> tuple:
        """Let the outputs have this node as their history, and keep what is to be saved."""
        self._single = single
        self.parents = tuple(a.accumulator() for a, n in zip(args, self.needs_input_grad, strict=True) if n)
        self.time = tick()  # younger than its parents
        given = {id(a) for a in args}
        results = [self._output(i, t, id(t) in given) for i, t in enumerate(outputs)]
        self._keep(results)
        self._dirty = {}  # a node does not hold its outputs
        return tuple(results)

    def _output(self, i: int, t: Any, is_input: bool) -> Any:
        """Output number i with its history, as far as it is a Tensor that has a gradient."""
        name, marked = self.function.__name__, id(t) in self._not_differentiable
        self._outputs.append((t._array.shape, t._array.dtype) if isinstance(t, Tensor) else ((), np.dtype("f4")))
        if not isinstance(t, Tensor):
            return t
        array = t._array
        if marked or array.dtype.kind != "f":
            if not marked:
                refuse_complex(name, array.dtype)
            return t.detach() if is_input else t
        self.shape, self.dtype = array.shape if self._single else (), array.dtype
        node = self if self._single else Pick(self, i, array)
        if id(t) in self._dirty:
            if t._view is not None:
                t._view.refuse_change(name)
            adopt(t, wrap(array, node))
            return t
        if is_input:
            t = _same(t)
        if t._view is not None:
            t._view.sealed = f"by {name}"
        t._node, t._requires_grad = node, True
        return t

    def _keep(self, outputs: list) -> None:
        """Turn the tensors to save into arrays and nodes: an output of this node must not be held by it."""
        own = {id(t): i for i, t in enumerate(outputs) if isinstance(t, Tensor) and t._requires_grad}
        self._saved = []
        for t in self._to_save:
            if t is None:
                self._saved.append(None)
            else:
                node = own[id(t)] if id(t) in own else t.accumulator() if t._requires_grad else None
                self._saved.append((t._array, node, t.guard(), tick()))
        self._to_save = ()

    def pull(self, g: Any, aside: Set[Node] = frozenset()) -> list:
        if g is None:  # no output got a gradient; the walk passes such a node by, gradcheck asks
            incoming: list = [None] * len(self._outputs)
        elif self._single:
            incoming = [g]
        else:
            incoming = [g.get(i) for i in range(len(self._outputs))]
        if self._materialize:
            incoming = [np.zeros(*self._outputs[i]) if part is None else part for i, part in enumerate(incoming)]
        tensors = [p if p is None or isinstance(p, Tensor) else wrap(np.asarray(p)) for p in incoming]
        grads = self.function.backward(self, *tensors)
        grads = grads if isinstance(grads, tuple) else (grads,)
        needed, name = self.needs_input_grad, self.function.__name__
        if len(grads) < len(needed) or any(g is not None for g in grads[len(needed) :]):
            raise RuntimeError(
                f"{name}.backward returned {len(grads)} gradients, forward took {len(needed)} arguments"
                "; return one for each, None where there is none"
            )
        for i in self._others:
            if grads[i] is not None:
                raise RuntimeError(
                    f"{name}.backward returned a gradient for argument {i}, which was no Tensor; return None there"
                )
        wanted = [grad for grad, need in zip(grads, needed, strict=False) if need]
        return [
            None if grad is None else self._fit(grad, parent) for parent, grad in zip(self.parents, wanted, strict=True)
        ]

    def _fit(self, grad: Any, parent: Node) -> Any:
        """A gradient that backward returned, summed where the input was broadcast, in the input's dtype."""
        name = self.function.__name__
        if not isinstance(grad, Tensor):
            raise RuntimeError(f"{name}.backward: expected a Tensor or None, got {type(grad).__name__}")
        shape, wanted = grad._array.shape, parent.shape
        padded = (1,) * (len(shape) - len(wanted)) + wanted
        if len(padded) != len(shape) or any(m not in (1, n) for m, n in zip(padded, shape, strict=True)):
            raise RuntimeError(
                f"{name}.backward returned a gradient of shape {shape} for an input of shape {wanted}; they must be "
                "equal, or the input's broadcast to the gradient's"
            )
        return fit(grad if mode.grad else grad._array, parent)

    def release(self) -> None:
        if self._saved:
            self._saved = None

    def name(self) -> str:
        """How the graph calls it: the Function's name and "Backward"."""
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
        """The result of the arguments: a Tensor, or a tuple of them; every subclass says it."""
        raise NotImplementedError("a Function must define the static method forward(ctx, ...)")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of forward's arguments, given those of its results; None for what needs none."""
        raise NotImplementedError("a Function must define the static method backward(ctx, ...) to be differentiated")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on the arguments, and record it if a Tensor among them needs a gradient."""
        done = mode.tracer and mode.tracer.calling(cls, args)
        if done is not None:
            return done
        unrecorded = Setting(grad=False)
        apart = "setup_context" in {name for k in cls.__mro__[:-1] for name in vars(k)}
        if apart:
            given = signature(cls.forward).bind(*args, **kwargs)
            given.apply_defaults()
            args, kwargs = given.args, given.kwargs
        ctx = FunctionCtx(cls, args)
        if apart:
            outputs = unrecorded.during(cls.forward, *args, **kwargs)
            unrecorded.during(cls.setup_context, ctx, args, outputs)  # type: ignore[attr-defined]
        else:
            outputs = unrecorded.during(cls.forward, ctx, *args, **kwargs)
        everything = outputs if isinstance(outputs, tuple) else (outputs,)
        for t in ctx._dirty.values():
            t.version().bump(cls.__name__)
        if lost := ctx._dirty.keys() - {id(t) for t in everything}:
            raise RuntimeError(
                f"{cls.__name__}: {len(lost)} of the inputs that were marked as dirty are not among the outputs; "
                "return what was changed in place"
            )
        node = ctx if ctx._recorded else None
        results = everything if node is None else ctx._record(args, everything, single=not isinstance(outputs, tuple))
        if mode.tracer is not None:
            mode.tracer.called(cls, args, tuple(a._array for a in results if isinstance(a, Tensor)), node)
        return results if isinstance(outputs, tuple) else results[0]


def _same(t: Tensor) -> Tensor:
    """An input that forward returned as it is: a view of all of it."""
    out = wrap(t._array)
    share(t, out, lambda base: base)
    return out
