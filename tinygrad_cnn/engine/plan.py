"""What a node of an op keeps and which rules it will run, worked out once for each pattern of inputs.

A rule's parameters are the list of what is saved. A Plan reads them: which values of a call to keep, and which of the
kept ones each rule is handed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kernels.at_once import at_once
from .op import Op, parameters_of

PLANS = 1000  # of an op; one that takes any number of inputs would have a plan for each number


def plan_for(op: Op, needed: int, n_values: int) -> Plan:
    """The plan of a call with this many values, whose inputs need a gradient where `needed` has a bit."""
    key = needed if op.arity >= 0 else (needed, n_values)
    plan = op.plans.get(key)
    if plan is None:
        if len(op.plans) >= PLANS:
            op.plans.clear()
        plan = op.plans[key] = Plan(op, needed, n_values)
    return plan


class Plan:
    """What a node of an op keeps and which rules it will run, for one pattern of inputs that need a gradient.

    A call's values are numbered: its arguments, its result, what forward handed on, then shapes. `keep` says which
    numbers are saved; a slot is a place among the saved ones. Several arguments under one word are a slice.
    """

    def __init__(self, op: Op, needed: int, n_values: int):
        self.op = op
        self.needed = [i for i in range(n_values) if needed >> i & 1]
        if op.variadic:
            self.n_inputs = n_values - len(op.keyword_only)
            self.names = [f"*{i}" for i in range(self.n_inputs)] + op.keyword_only
        else:
            self.n_inputs = 1 + max((op.parameters.index(name) for name in op.inputs), default=-1)
            self.names = op.parameters
        self.has_attributes = n_values > self.n_inputs
        self.numbered = [*self.names, "out", *op.keeps]
        self.shapes: list[int] = []
        self.keep: list[int | slice] = []
        self.together = op.joint is not None
        if op.joint is None:
            self.steps = [self._step(self._rule(op, i), {"index": i} if op.variadic else {}) for i in self.needed]
            self.guarded, self.meant = self._arguments(), []
        else:
            self.needs = tuple(op.parameters.index(name) in self.needed for name in op.inputs)
            self.steps = [self._step(op.joint, {"needs": self.needs})]
            self.guarded = self._arguments()
            self.whole = [self.slot(name) for name in op.parameters]  # the meaning takes them all
            self.meant = [i for i in self._arguments() if i not in self.guarded]
        numbers = [k for k in self.keep if not isinstance(k, slice)]
        inputs = any(isinstance(k, slice) and k.start < self.n_inputs for k in self.keep)
        self.keeps_out = n_values in numbers
        self.beyond = any(k >= n_values for k in numbers)
        # What backward frees: inputs, results, and arrays that forward handed on. Sizes, places and attributes stay.
        self.frees = inputs or any(k < self.n_inputs or k == n_values for k in numbers)
        handed = range(n_values + 1, len(self.numbered))
        self.handed = [slot for slot, k in enumerate(self.keep) if not isinstance(k, slice) and k in handed]

    def _arguments(self) -> list[int]:
        """Which of the inputs and attributes are kept so far."""
        everything = range(len(self.names))
        kept = [everything[k] if isinstance(k, slice) else [k] for k in self.keep]
        return [i for numbers in kept for i in numbers if i < len(everything)]

    def _rule(self, op: Op, i: int) -> Callable:
        rule = op.rules.get(op.variadic if i < self.n_inputs and op.variadic else self.names[i])
        if rule is None and not op.rules:
            raise RuntimeError(f"{op.name}: an argument requires grad, but the op has no rules; give it some, .grad()")

        def refuse(g: Any) -> Any:
            raise NotImplementedError(f"{op.name}: {self.names[i]!r} is not differentiable; pass it .detach()ed")

        return rule or refuse

    def _step(self, rule: Callable, constants: dict[str, Any]) -> tuple[Callable, list[int]]:
        """A rule, and which of the saved things it takes behind g."""
        names = parameters_of(rule).names[1:]
        rule = at_once(rule) if self.op.pointwise else rule
        mine = {name: value for name, value in constants.items() if name in names}
        left = [name for name in names if name not in mine]
        slots = [self.slot(name) for name in left]
        if not mine:
            return rule, slots
        return lambda g, *saved: rule(g, **dict(zip(left, saved, strict=True)), **mine), slots

    def slot(self, name: str) -> int:
        """Which of the saved things this is; it is saved from now on."""
        number: int | slice
        if name == self.op.variadic:
            number = slice(0, self.n_inputs)
        elif name in self.op.shared:
            number = self.op.shared[name]
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
