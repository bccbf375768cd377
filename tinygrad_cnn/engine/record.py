"""A call of an op becomes a node: what is kept of it, and the way back through it.

`record` makes the OpNode of a call by its op's Plan. What is kept is kept as it is: a tensor has its version guarded,
a list or an array that the caller may change is copied.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence, Set
from typing import Any

import numpy as np
from numpy import ndarray

from ..arrays.dtypes import float16
from ..arrays.half import widened
from ..arrays.lines import user_line
from ..kernels import kernel
from .modes import mode
from .node import Node, Version, refuse_changed, tick
from .op import Op
from .plan import Plan, plan_for
from .tensor import Tensor, as_array, refuse_complex

PLAIN = frozenset([int, float, bool, str, type(None)])  # what nobody can change


class OpNode(Node):
    """A recorded call of an op."""

    __slots__ = ("attributes", "guards", "meant", "plan", "saved", "through")

    plan: Plan
    saved: list | None
    guards: list[Version]  # of what the rules take
    meant: Sequence[Version]  # of what the meaning takes besides
    attributes: Sequence
    through: Callable[[Any], Ahead | None] | None  # goes through this node and its parent at once, see fusion.py

    @property
    def op(self) -> Op:
        return self.plan.op

    def name(self) -> str:
        return "".join(word.capitalize() for word in self.op.name.split("_")) + "Backward0"

    def pull(self, g: Any, aside: Set[Node] = frozenset()) -> list:
        if type(g) is Ahead:
            return g.gradients
        plan, time = self.plan, self.time
        saved: Any = self.saved
        if saved is None:
            self.refuse_second()
        for version in self.guards:
            if version.time > time:
                refuse_changed(self, self.op.name, version)
        if self.through is not None:
            ahead = self.through(g)
            if ahead is not None:
                return [ahead]
        if self.dtype is float16:
            g, saved = widened(g), widened(saved)
        if plan.together:
            rule, slots = plan.steps[0]
            together = rule(g, *[saved[i] for i in slots])
            wanted = [c for c, needed in zip(together, plan.needs, strict=True) if needed]
            return [c if c is None else fitted(c, parent) for c, parent in zip(wanted, self.parents)]
        result = []
        for (rule, slots), parent in zip(plan.steps, self.parents):
            if aside and parent in aside:
                c = None
            elif not slots:
                c = rule(g)
            elif len(slots) == 1:
                c = rule(g, saved[slots[0]])
            else:
                c = rule(g, *[saved[i] for i in slots])
            if c is not None and (c.shape != parent.shape or c.dtype is not parent.dtype):
                c = fitted(c, parent)
            result.append(c)
        return result

    def refuse_second(self) -> None:
        """Raise: what was saved is freed."""
        raise RuntimeError(
            f"{self.op.name}: trying to backward through the graph a second time, but what this op had saved was "
            "freed by the first; use backward(retain_graph=True) if you need both"
        )

    def kept(self, name: str) -> Any:
        """What a rule of this op gets under a name."""
        assert self.saved is not None
        return self.saved[self.plan.keep.index(self.plan.numbered.index(name))]

    def release(self) -> None:
        self.through = None
        plan = self.plan
        if plan.frees or (plan.handed and self.saved and any(_has_arrays(self.saved[i]) for i in plan.handed)):
            self.saved = None
            self.guards = []


class Ahead:
    """In place of a gradient: what the parent that it arrives at would make of it is known already."""

    __slots__ = ("gradients",)

    def __init__(self, gradients: list):
        self.gradients = gradients


def record(
    op: Op, args: Any, values: list, needed: int, out: Any, extras: Any, result: Tensor | None = None
) -> OpNode | None:
    """Make the node of a call, keep what its rules ask for, and let the result point to it.

    Integers and bool have no gradient, so a result of such a dtype gets no node; a complex one is refused.
    """
    now, node = mode.__dict__, OpNode()
    if result is not None:
        node.shape, node.dtype = out.shape, out.dtype
        if node.dtype.kind != "f":
            refuse_complex(op.name, node.dtype)
            if now["tracer"] is not None:
                now["tracer"].called(op, args, out, None)
            return None
        result._node, result._requires_grad = node, True
    node.plan = plan = op.plans.get(needed) or plan_for(op, needed, len(values))
    node.parents = parents = []
    for i in plan.needed:
        a = args[i]
        parents.append(a._node or a.accumulator())
    node.time = tick()  # after the parents': a leaf's node is made when first needed
    node.scope = now["scope"]
    node.hooks = node.retain = node.through = node.where = None
    node.attributes = values[plan.n_inputs :] if plan.has_attributes else ()
    node.guards = guards = []
    for i in plan.guarded:
        if type(values[i]) is ndarray:
            a = args[i]
            if isinstance(a, Tensor):
                guards.append(a._counter or a.guard())
            else:
                values[i] = frozen(a)
    if plan.keeps_out and result is not None:
        guards.append(result.version())
    node.meant = [args[i].guard() for i in plan.meant if isinstance(args[i], Tensor)] if plan.meant else ()
    if plan.beyond:
        values.append(out)
        values += extras
        for i in plan.shapes:
            v = values[i]
            values.append(v.shape if type(v) is ndarray else np.shape(v))
    node.saved = saved = []
    for k in plan.keep:
        saved.append(values[k])
    if now["watch"]:
        node.where = user_line()
        if now["tracer"] is not None:
            now["tracer"].called(op, args, out, node)
    return node


def frozen(value: Any) -> Any:
    """An argument as it is now: what is done to a list, an array or a tensor later does not change it."""
    kind = type(value)
    if kind is tuple or kind is list:
        for v in value:
            if type(v) not in PLAIN:
                return kind([v if type(v) in PLAIN else frozen(v) for v in value])
        return value if kind is tuple else value.copy()
    if kind is slice:
        ends = value.start, value.stop, value.step
        if strange := [v for v in ends if v is not None and not hasattr(v, "__index__")]:
            raise TypeError(f"slice: its ends and its step must be ints or None, got {strange[0]!r:.60}")
        return slice(*[v if v is None else operator.index(v) for v in ends])
    return np.array(as_array(value), order="K") if isinstance(value, Tensor | ndarray) else value


def summed_to(array: ndarray, shape: tuple) -> ndarray:
    """The sum over the axes along which `shape` was broadcast to array.shape: the adjoint of broadcasting."""
    extra = array.ndim - len(shape)
    axes = tuple(range(extra))
    if shape != array.shape[extra:]:
        axes += tuple([i + extra for i, n in enumerate(shape) if n == 1 != array.shape[i + extra]])
    out = kernel.sum(array, axes, False)
    return out if len(axes) == extra else out.reshape(shape)


def fitted(c: Any, parent: Node) -> Any:
    """A gradient, in the shape and the dtype of the output that it is for."""
    if c.shape != parent.shape:
        c = summed_to(widened(c), parent.shape)
    return c if c.dtype == parent.dtype else c.astype(parent.dtype)


def _has_arrays(value: Any) -> bool:
    return isinstance(value, ndarray) or (isinstance(value, tuple | list) and any(map(_has_arrays, value)))
