"""Forward mode: how results move when inputs move along tangents, from the rules of reverse mode.

A rule gives what arrives at an input when g arrives at the output: Jᵀg. It is linear in g, and the gradient of a linear
function is its transpose; so to differentiate the rule by g, with the tangent t as seed, gives

    ∂⟨Jᵀg, t⟩ / ∂g = J t

the transpose of the transpose. Elementwise ops need not be turned round: their J is diagonal, so it is its own
transpose, and the rule itself takes a tangent as it takes a gradient. A Function may say it by a method `jvp`.

`push` walks through a recorded graph from the inputs to the results, the oldest node first, as `engine/walk.py` walks
from the results to the inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.dtypes import float16
from ..arrays.quiet import quietly
from ..engine.broadcast import expand_to, fit, wide
from ..engine.function import FunctionCtx
from ..engine.higher import _in_the_graph, pull_recorded
from ..engine.modes import Setting
from ..engine.node import Node, Parts, Pick
from ..engine.record import OpNode
from ..engine.tensor import Tensor, wrap
from ..engine.walk import ancestry, walk


def push(roots: Sequence[Node], moves: dict[Node, Any], graph: bool) -> list:
    """The tangent of each root, None where it does not move, by those of the nodes in `moves`.

    graph: give the tangents a history, back to what the rules had saved.
    """
    order = ancestry(roots)[::-1]
    picks: dict[Node, list[Pick]] = {}
    for node in order:
        if isinstance(node, Pick):
            picks.setdefault(node.source, []).append(node)
    moves = dict(moves)

    def along() -> None:
        for node in order:
            if node not in moves and any(moves.get(p) is not None for p in node.parents):
                if isinstance(node, Pick):
                    moves[node] = moves[node.source].get(node.output_nr)
                else:
                    moves[node] = through(node, [moves.get(p) for p in node.parents], picks.get(node), graph)

    quietly(Setting(grad=True).during, along)  # as a walk goes
    return [moves.get(root) for root in roots]


def through(node: Node, tangents: list, picks: list[Pick] | None, graph: bool) -> Any:
    """How the output of a node moves when its parents do; of several outputs, those that are picked, as Parts."""
    if isinstance(node, FunctionCtx) and hasattr(node.function, "jvp"):
        return _by_itself(node, tangents)
    if isinstance(node, OpNode) and _is_diagonal(node):
        return _as_it_is(node, tangents, graph)
    outputs: list[Any] = [node] if picks is None else picks
    seeds = [wrap(np.ones(out.shape, out.dtype)) for out in outputs]  # anywhere, for it is linear; at 0 a rule may bend
    for seed in seeds:
        seed.requires_grad = True
    g: Any = seeds[0] if picks is None else Parts({out.output_nr: seed for out, seed in zip(picks, seeds)})
    pulled = [
        (c, t)
        for c, t in zip(_pull(node, g, graph), tangents, strict=True)
        if isinstance(c, Tensor) and t is not None and c.requires_grad
    ]
    ends = [seed.accumulator() for seed in seeds]
    found = walk([c.accumulator() for c, _ in pulled], [t for _, t in pulled], True, ends, pull_recorded)
    moved = [t if graph or t is None else t.detach() for t in map(found.get, ends)]
    return moved[0] if picks is None else Parts({out.output_nr: t for out, t in zip(picks, moved) if t is not None})


def _pull(node: Node, g: Any, graph: bool) -> list:
    """Jᵀg as Tensors that depend on g, and with a graph also on what was saved."""
    if graph or not isinstance(node, OpNode) or node.op.composition is not None or node.saved is None:
        return pull_recorded(node, g)
    saved: Any = node.saved
    if node.dtype is float16:
        g, saved = wide(g), wide(saved)
    found = [rule(g, *[saved[i] for i in slots]) for rule, slots in node.plan.steps]
    return [c if c is None else fit(c, parent) for c, parent in zip(found, node.parents, strict=True)]


def _is_diagonal(node: OpNode) -> bool:
    return node.op.pointwise and "reduction" not in node.op.parameters and node.dtype is not float16


def _as_it_is(node: OpNode, tangents: list, graph: bool) -> Any:
    if node.saved is None:
        node.refuse_second()
    saved: Any = _in_the_graph(node) if graph else node.saved
    total: Any = None
    for (rule, slots), t in zip(node.plan.steps, tangents, strict=True):
        if t is None:
            continue
        shape = tuple(t._array.shape)
        c = rule(t if shape == node.shape else expand_to(t, node.shape), *[saved[i] for i in slots])
        if c is not None:
            total = c if total is None else total + c
    return None if total is None else fit(total, node)


def _by_itself(node: FunctionCtx, tangents: list) -> Any:
    """By the Function's own `jvp`, which gets a tangent for each argument of forward, None for what does not move."""
    arriving = iter(tangents)
    given = [next(arriving) if needed else None for needed in node.needs_input_grad]
    out = node.function.jvp(node, *given)  # type: ignore[attr-defined]
    if node._single:
        return out[0] if isinstance(out, tuple) else out
    return Parts({i: t for i, t in enumerate(out) if isinstance(t, Tensor)})
