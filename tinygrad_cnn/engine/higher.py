"""Higher derivatives: going back so that the gradients have graphs of their own.

The same rules run, on Tensors instead of arrays: what they compute with is recorded as any other call. What a node
saved gets its place in the graph back, and an op with one rule for several inputs is differentiated as what it means.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import numpy as np

from ..arrays.dtypes import float16
from .broadcast import by_cases, fit, wide
from .node import Node, Parts, refuse_changed, tick
from .record import OpNode
from .tensor import Tensor, wrap
from .walk import walk


def pull_recorded(node: Node, g: Any, aside: Set[Node] = frozenset()) -> list:
    """As `pull`, as Tensors with a history."""
    if not isinstance(node, OpNode):
        return node.pull(g, aside)
    saved = _in_the_graph(node)
    for version in (*node.guards, *node.meant):
        if version.time > node.time:
            refuse_changed(node, node.op.name, version)
    if node.op.composition is not None:
        return _pull_meaning(node, g, saved, aside)
    if node.dtype is float16:
        g, saved = wide(g), wide(saved)
    result = []
    for (rule, slots), parent in zip(node.plan.steps, node.parents, strict=True):
        start = tick()
        c = None if parent in aside else rule(g, *[saved[i] for i in slots])
        result.append(c if c is None else fit(_tie(node, c, slots, saved, start), parent))
    return result


def _in_the_graph(node: OpNode) -> list:
    """What was saved, with its place in the graph: inputs come from their nodes, the result from this one."""
    plan, saved = node.plan, node.saved
    out = len(plan.names)  # an input may be called `out`, too
    if saved is None:
        node.refuse_second()
    nodes: dict[int, Node] = dict(zip(plan.needed, node.parents, strict=True))
    nodes[out] = node

    return [_placed(value, number, nodes) for value, number in zip(saved or (), plan.keep, strict=True)]


def _placed(value: Any, number: int | slice, nodes: dict[int, Node]) -> Any:
    if isinstance(number, slice):
        return [_placed(v, i, nodes) for i, v in enumerate(value, number.start)]
    return wrap(value, nodes.get(number)) if isinstance(value, np.ndarray) else value


def _tie(node: OpNode, c: Any, slots: list[int], saved: list, start: int) -> Any:
    """The gradient as a function of all that its rule took, also where that only told cases apart.

    A ReLU's slope is 0 or 1, and no op follows from which input: the derivative there is zero, not missing.
    """
    reached: set[Node | None] = set()
    stack = [c._node] if isinstance(c, Tensor) else []
    while stack:
        other = stack.pop()
        if other not in reached:
            reached.add(other)
            if other is not None and other.time > start:
                stack.extend(other.parents)
    if node in reached:
        return c
    beyond = len(node.plan.names)
    left: dict[Node, None] = {}
    for i in slots:
        number = node.plan.keep[i]
        for t in saved[i] if isinstance(number, slice) else [saved[i]]:
            if not isinstance(t, Tensor):
                continue
            mask = t._array.dtype.kind not in "fc" or (isinstance(number, int) and number >= beyond)
            if t._node is not None and t._node is not node:
                left[t._node] = None
            elif mask:  # a choice among the inputs, or made by them
                left.update(dict.fromkeys(node.parents))
    for other in left:
        if other not in reached:
            c = by_cases(c, wrap(np.broadcast_to(np.zeros((), other.dtype), other.shape), other))
    return c


def _pull_meaning(node: OpNode, g: Tensor, saved: list, aside: Set[Node]) -> list:
    """The gradients of an op with a joint rule: those of the composition of ops that it means."""
    arguments = [saved[i] for i in node.plan.whole]
    ends = [arguments[i].accumulator() for i in node.plan.needed]
    if node.dtype is float16:
        g, arguments = wide(g), wide(arguments)
    out, parts = node.op.composition(*arguments), g if type(g) is Parts else {0: g}  # type: ignore[misc]
    roots = [(out[i] if type(out) is tuple else out).accumulator() for i in parts]
    asked = [end for end, parent in zip(ends, node.parents, strict=True) if parent not in aside]
    found = walk(roots, list(parts.values()), True, asked, pull_recorded)
    return [found.get(end) for end in ends]
