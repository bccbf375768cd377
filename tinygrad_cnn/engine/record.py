"""What is kept of a call of an op, and the way back through it.

A Plan says what the rules of an op ask for, once for each pattern of inputs that need a gradient. `record` makes the
OpNode of a call by it. What is kept is kept as it is: a tensor has its version guarded, a list or an array that the
caller may change is copied.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..arrays.dtypes import float16
from .function import refuse_changed
from .modes import mode, user_line
from .node import Node, Version, tick
from .tensor import Tensor, as_array, refuse_complex, wrap
from .walk import grad as gradients_of

if TYPE_CHECKING:
    from .op import Op

PLANS = 1000  # of an op; one that takes any number of inputs would have a plan for each number


def parameter_names(f: Callable) -> list[str]:
    """The names of a function's parameters. For plain functions without `inspect`, which takes most of an import."""
    code = getattr(f, "__code__", None)
    if code is None or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS) or hasattr(f, "__wrapped__"):
        return list(inspect.signature(f).parameters)
    return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


class Plan:
    """What a node of an op keeps and which rules it will run, for one pattern of inputs that need a gradient.

    A call's values are numbered: its arguments, its result, what forward handed on, then shapes.
    """

    def __init__(self, op: Op, needed: int, n_values: int):
        self.needed = [i for i in range(n_values) if needed >> i & 1]
        if op.variadic:
            self.n_inputs = n_values - len(op.keyword_only)
            names = [f"*{i}" for i in range(self.n_inputs)] + op.keyword_only
        else:
            self.n_inputs = 1 + max((op.parameters.index(name) for name in op.inputs), default=-1)
            names = op.parameters
        self.has_attributes = n_values > self.n_inputs
        self.numbered = [*names, "out", *op.keeps]
        self.shapes: list[int] = []
        self.keep: list[int | slice] = []
        self.op = op
        if op.fused is not None:
            self.needs = tuple(op.parameters.index(name) in self.needed for name in op.inputs)
            self.steps = [self._step(op.fused, {"needs": self.needs})]
            self.guarded = self._among(n_values)
            for name in op.parameters:  # the meaning takes them all
                self._slot(name)
            self.meant = [i for i in self._among(n_values) if i not in self.guarded]
        else:
            self.steps = [self._step(self._rule(names, i), {"index": i} if op.variadic else {}) for i in self.needed]
            self.guarded, self.meant = self._among(n_values), []
        self.keeps_out = n_values in self.keep
        self.beyond = any(not isinstance(k, slice) and k >= n_values for k in self.keep)
        # What backward frees: inputs, results, and arrays that forward handed on. Sizes, places and attributes stay.
        self.frees = any(isinstance(k, slice) or k < self.n_inputs or k == n_values for k in self.keep)
        first_shape = len(self.numbered)
        self.handed = [
            slot for slot, k in enumerate(self.keep) if not isinstance(k, slice) and n_values < k < first_shape
        ]

    def _among(self, n_values: int) -> list[int]:
        """Which of the arguments are kept so far."""
        everything = range(self.n_inputs)
        return [i for k in self.keep for i in (everything[k] if isinstance(k, slice) else [k]) if i < n_values]

    def _rule(self, names: list[str], i: int) -> Callable:
        op = self.op
        rule = op.rules.get(op.variadic if i < self.n_inputs and op.variadic else names[i])
        if rule is None:
            what = f"argument {names[i]!r} requires grad" if op.rules else "an argument requires grad"
            why = "it is not differentiable" if op.rules else "the op has no rules; give it some with .grad(...)"
            raise RuntimeError(f"{op.name}: {what}, but {why}; pass it .detach()ed to go without its gradient")
        return rule

    def _step(self, rule: Callable, constants: dict[str, Any]) -> tuple[Callable, list[int]]:
        """A rule, and which of the saved things it takes behind g."""
        names = parameter_names(rule)[1:]
        mine = {name: value for name, value in constants.items() if name in names}
        if mine:
            slots = [self._slot(name) for name in names if name not in mine]
            left = [name for name in names if name not in mine]
            inner = rule

            def rule(g: Any, *saved: Any) -> Any:
                return inner(g, **dict(zip(left, saved, strict=True)), **mine)

            return rule, slots
        return rule, [self._slot(name) for name in names]

    def _slot(self, name: str) -> int:
        """Which of the saved things this is; it is saved from now on."""
        number: int | slice
        if name == self.op.variadic:
            number = slice(0, self.n_inputs)
        elif name in self.numbered:
            number = self.numbered.index(name)
        else:
            source = self.numbered.index(name.removesuffix("_shape"))
            if source not in self.shapes:
                self.shapes.append(source)
            number = len(self.numbered) + self.shapes.index(source)
        if number not in self.keep:
            self.keep.append(number)
        return self.keep.index(number)


def record(
    op: Op, args: Any, values: list, needed: int, out: Any, extras: Any, result: Tensor | None = None
) -> OpNode | None:
    """Make the node of a call, keep what its rules ask for, and let the result point to it.

    Integers and bool have no gradient, so a result of such a dtype gets no node; a complex one is refused.
    """
    if result is not None and out.dtype.kind != "f":
        refuse_complex(op.name, out.dtype)
        if mode.tracer is not None:
            mode.tracer.called(op, args, out, None)
        return None
    key = needed if op.arity >= 0 else (needed, len(values))
    plan = op.plans.get(key)
    if plan is None:
        if len(op.plans) >= PLANS:
            op.plans.clear()
        plan = op.plans[key] = Plan(op, needed, len(values))
    parents = []
    for i in plan.needed:
        a = args[i]
        parents.append(a._node or a.accumulator())
    node = OpNode()
    node.parents = tuple(parents)
    node.time = tick()  # after the parents': a leaf's node is made when first needed
    node.op = op
    node.plan = plan
    node.hooks = node.retain = node.through = node.ahead = None
    node.scope = mode.scope
    node.attributes = node.meant = ()
    if plan.has_attributes:
        for i in range(plan.n_inputs, len(values)):
            if type(values[i]) is list:
                values[i] = frozen(values[i])
        node.attributes = values[plan.n_inputs :]
    node.guards = guards = []
    for i in plan.guarded:
        a = args[i]
        if isinstance(a, Tensor):
            guards.append(a._version or a.guard())
        elif isinstance(a, ndarray):
            values[i] = frozen(a)
    if plan.meant:
        node.meant = [args[i].guard() for i in plan.meant if isinstance(args[i], Tensor)]
    if result is not None:
        node.shape = out.shape
        node.dtype = out.dtype
        result._node = node
        result._requires_grad = True
        if plan.keeps_out:
            guards.append(result.version())
    node.saved = saved = []
    if plan.beyond:
        values.append(out)
        values.extend(extras)
        for i in plan.shapes:
            values.append(np.shape(values[i]))
    for k in plan.keep:
        saved.append(values[k])
    node.where = None
    if mode.watch:
        node.where = user_line()
        if mode.tracer is not None:
            mode.tracer.called(op, args, out, node)
    return node


def frozen(value: Any) -> Any:
    """An argument as it is now: what is done to a list, an array or a tensor later does not change it."""
    kind = type(value)
    if kind is tuple or kind is list:
        for v in value:
            if type(v) is not int:
                return kind([frozen(v) for v in value])
        return kind(value)
    if kind is slice:
        return slice(*[v if v is None else operator.index(v) for v in (value.start, value.stop, value.step)])
    return np.array(as_array(value), order="K") if isinstance(value, Tensor | ndarray) else value


class OpNode(Node):
    """A recorded call of an op."""

    __slots__ = ("ahead", "attributes", "guards", "meant", "op", "plan", "saved", "through")

    op: Op
    plan: Plan
    saved: list | None
    guards: list[Version]  # of what the rules take
    meant: Sequence[Version]  # of what the meaning takes besides
    attributes: Sequence
    through: Callable[[Any], list | None] | None  # gives the gradients of the grandparents at once, see fusion.py
    ahead: list | None  # what `through` of the child has found for this node's parents

    def name(self) -> str:
        return "".join(word.capitalize() for word in self.op.name.split("_")) + "Backward0"

    def pull(self, g: Any, create_graph: bool) -> list:
        saved = self.saved
        if saved is None:
            raise RuntimeError(
                f"{self.op.name}: trying to backward through the graph a second time, but what this op had saved was "
                "freed by the first; use backward(retain_graph=True) if you need both"
            )
        time = self.time
        for version in self.guards:
            if version.time > time:
                refuse_changed(self, self.op.name, version)
        if self.ahead is not None:
            ahead, self.ahead = self.ahead, None
            return ahead
        if create_graph:
            return self._pull_recorded(g)
        if self.through is not None and _nobody_looks(parent := self.parents[0]):
            parent.ahead = self.through(g)  # type: ignore[attr-defined]
            if parent.ahead is not None:  # type: ignore[attr-defined]
                return [g]  # a stand-in: the parent has what it would make of its gradient
        if self.dtype is float16:
            g, saved = _in_float32(g, saved)
        steps = self.plan.steps
        if self.op.fused is not None:
            from .op import fit

            rule, slots = steps[0]
            together = rule(g, *[saved[i] for i in slots])
            return [fit(c, p) for c, p in zip(self._needed_of(together), self.parents, strict=True)]
        result = []
        for (rule, slots), parent in zip(steps, self.parents):
            if not slots:
                c = rule(g)
            elif len(slots) == 1:
                c = rule(g, saved[slots[0]])
            else:
                c = rule(g, *[saved[i] for i in slots])
            if c is not None and (c.shape != parent.shape or c.dtype is not parent.dtype):
                from .op import fit  # made with what is here

                c = fit(c, parent)
            result.append(c)
        return result

    def _pull_recorded(self, g: Any) -> list:
        """The gradients with graphs of their own."""
        from .op import fit

        for version in self.meant:
            if version.time > self.time:
                refuse_changed(self, self.op.name, version)
        saved = self._saved_tensors()
        if self.op.composition is not None:
            return self._pull_meaning(g, saved)
        if self.dtype is float16:
            g, saved = _in_float32(g, saved)
        result = []
        for (rule, slots), parent in zip(self.plan.steps, self.parents, strict=True):
            start = tick()
            c = rule(g, *[saved[i] for i in slots])
            result.append(fit(self._tie(c, slots, saved, start), parent))
        return result

    def _tie(self, c: Any, slots: list[int], saved: list, start: int) -> Any:
        """The gradient as a function of all that its rule took, also where that only told cases apart.

        A ReLU's slope is 0 or 1, and no op follows from which input: the derivative there is zero, not missing.
        """
        from .op import by_cases

        if c is None:
            return c
        reached: set[Node | None] = set()
        stack = [c._node] if isinstance(c, Tensor) else []
        while stack:
            node = stack.pop()
            if node not in reached:
                reached.add(node)
                if node is not None and node.time > start:
                    stack.extend(node.parents)
        if self in reached:
            return c
        beyond = self.plan.numbered.index("out")
        left: dict[Node, None] = {}
        for i in slots:
            number = self.plan.keep[i]
            for t in saved[i] if isinstance(number, slice) else [saved[i]]:
                if not isinstance(t, Tensor):
                    continue
                mask = t._array.dtype.kind not in "fc" or (isinstance(number, int) and number >= beyond)
                if t._node is not None and t._node is not self:
                    left[t._node] = None
                elif mask:  # a choice among the inputs, or made by them
                    left.update(dict.fromkeys(self.parents))
        for node in left:
            if node not in reached:
                c = by_cases(c, wrap(np.broadcast_to(np.zeros((), node.dtype), node.shape), node))
        return c

    def kept(self, name: str) -> Any:
        """What a rule of this op gets under a name."""
        assert self.saved is not None
        return self.saved[self.plan.keep.index(self.plan.numbered.index(name))]

    def _needed_of(self, together: tuple) -> list:
        return [c for c, needed in zip(together, self.plan.needs, strict=True) if needed]

    def _pull_meaning(self, g: Tensor, saved: list) -> list:
        """The gradients of a fused op, made so that they can be differentiated."""
        arguments = [saved[self.plan._slot(name)] for name in self.op.parameters]
        sources = [arguments[i] for i in self.plan.needed]
        before = mode.grad
        try:
            mode.grad = True
            if self.dtype is float16:
                g, arguments = _in_float32(g, arguments)
            out = self.op.composition(*arguments)  # type: ignore[misc]
            return list(gradients_of(out, sources, g, create_graph=True, allow_unused=True))
        finally:
            mode.grad = before

    def _saved_tensors(self) -> list:
        """What was saved, with its place in the graph: inputs come from their nodes, the result from this one."""
        plan, out = self.plan, self.plan.numbered.index("out")
        nodes: dict[int, Node] = dict(zip(plan.needed, self.parents, strict=True))
        nodes[out] = self

        def tensor(value: Any, number: int) -> Any:
            return wrap(value, nodes.get(number)) if isinstance(value, np.ndarray) else value

        return [
            [tensor(v, i) for i, v in enumerate(value)] if isinstance(number, slice) else tensor(value, number)
            for value, number in zip(self.saved, plan.keep, strict=True)  # type: ignore[arg-type]
        ]

    def release(self) -> None:
        self.through = None
        plan = self.plan
        if plan.frees or (plan.handed and self.saved and any(_has_arrays(self.saved[i]) for i in plan.handed)):
            self.saved = None
            self.guards = []


def _has_arrays(value: Any) -> bool:
    return isinstance(value, np.ndarray) or (isinstance(value, tuple | list) and any(map(_has_arrays, value)))


def _in_float32(g: Any, saved: list) -> tuple[Any, list]:
    from .op import wide

    return wide(g), wide(saved)


def _nobody_looks(node: Node) -> bool:
    """Whether the gradient that arrives at this node is of no interest but to its own rules."""
    return node.hooks is None and node.retain is None and mode.tracer is None and not mode.anomaly
