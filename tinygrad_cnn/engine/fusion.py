"""One kernel, recorded as the ops that it does, and one way back through several nodes.

A fused kernel is an affair of memory traffic, and the graph should not know of it: hooks, pictures and gradients
are those of the separate ops. Which modules are fused, and who declines, is said in `nn/fusion.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .modes import mode
from .node import INFERENCE, Node
from .record import Ahead, OpNode, frozen, record
from .tensor import Tensor, wrap


def as_if(call: Callable, args: tuple, out: np.ndarray, *extras: Any) -> Tensor:
    """`out` as a Tensor, recorded as if `call(*args)` had computed it, for a kernel that does several ops at once.

    The graph is then the one of the separate ops, so nobody can tell but by the time it took. A result between
    two of those ops may be given any array of its shape, provided that no rule asks for its values.
    """
    result = wrap(out)
    if mode.grad:
        spec = call.op  # type: ignore[attr-defined]
        bound, values, needed, bit = spec.bind(args, {}), [], 0, 1
        for a in bound:
            if isinstance(a, Tensor):
                needed |= bit if a.requires_grad else 0
                a = a._array
            elif type(a) is list:
                a = frozen(a)
            values.append(a)
            bit += bit
        if needed:
            record(spec, bound, values, needed, out, extras, result)
            return result
    if mode.inference:
        result._counter = INFERENCE
    return result


def pull_through(result: Tensor, both: Callable[[Any], tuple | None], *read: Any) -> None:
    """Let backward go through the node of `result` and its only parent at once, with a kernel that does both.

    `both(g)` gives the gradient of each input of the parent, or None to let the two do it. It is asked where nobody
    looks at the gradient between them, and what it `read`s has not changed. Nothing but the child may have used the
    parent's result.
    """
    node = result._node
    if not isinstance(node, OpNode):
        return
    parent: Any = node.parents[0]
    versions, time = [t.version() for t in read if isinstance(t, Tensor)], node.time

    def through(g: Any) -> Ahead | None:
        if _is_seen(parent) or any(version.time > time for version in versions):
            return None
        gradients = both(g)
        return None if gradients is None else Ahead([gradients[i] for i in parent.plan.needed])

    node.through = through


def _is_seen(node: Node) -> bool:
    """Whether anybody but the rules of this node looks at the gradient that arrives at it."""
    return node.hooks is not None or node.retain is not None or mode.watch
