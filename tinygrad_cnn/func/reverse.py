"""Reverse mode as a function of a function: what f depends on is put apart, f is recorded, and gradients are pulled.

Inside `vmap` the examples know nothing of each other. So every example gets a copy of the inputs of its own, and the
gradient of all results, each by its own seed, falls apart into the gradients of the examples: one walk does for all.

    ∂(Σ_i v_i · f(x_i)) / ∂x_k = v_k · ∂f(x_k)/∂x_k
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.higher import pull_recorded
from ..engine.modes import Setting, mode
from ..engine.node import AccumulateGrad, Node
from ..engine.tensor import Tensor, wrap
from ..engine.walk import ancestry, walk
from ..ops.shape import view_as
from .batched import added, aligned, at_levels, levels_of, physical_of
from .forward import push
from .interpreter import Interpreter, again
from .tree import leaves, mapped


def batches() -> dict[int, int]:
    """The levels of vmap that are at work, and how many examples each has."""
    found, tracer = {}, mode.tracer
    while isinstance(tracer, Interpreter):
        if hasattr(tracer, "size"):
            found[tracer.level] = tracer.size
        tracer = tracer.outer
    return found


def apart(t: Tensor) -> Tensor:
    """The tensor anew, to ask for a gradient of: with its history, where it has one that is followed."""
    at_work = batches()
    physical = aligned(t, at_work) if at_work else t
    follow = mode.grad and physical.requires_grad
    new = view_as(physical, physical) if follow else physical.detach()
    new.requires_grad = True
    return at_levels(new, tuple(sorted(at_work)))


class Throughout(Interpreter):
    """Records every op: forward mode, unlike reverse mode, goes through a `no_grad` in the function, as in PyTorch."""

    def run(self, op: Any, args: Sequence) -> Any:
        return Setting(grad=True).during(again, op, args)


class Recorded:
    """A function that has been called with inputs of its own: `out` is a tree, `inputs` are the leaves apart."""

    def __init__(
        self,
        f: Callable,
        args: Sequence,
        numbers: Sequence[int],
        kwargs: dict,
        has_aux: bool = False,
        forward: bool = False,
    ):
        self.follow = mode.grad
        given = list(args)
        for i in numbers:
            given[i] = mapped(lambda t: apart(t) if isinstance(t, Tensor) else t, args[i])
        self.inputs = [t for i in numbers for t in leaves(given[i]) if isinstance(t, Tensor)]
        self.own = {t.accumulator() for t in self.inputs if t.is_leaf}
        settings: dict[str, Any] = {"grad": True, "tracer": Throughout()} if forward else {"grad": True}
        out = Setting(**settings).during(f, *given, **kwargs)
        self.aux: Any = None
        if has_aux:
            if not isinstance(out, tuple) or len(out) != 2:
                raise RuntimeError("has_aux: the function must return a tuple of two, its result and what goes with it")
            out, self.aux = out
            for t in leaves(self.aux):
                if not isinstance(t, Tensor):
                    raise RuntimeError(f"has_aux: what goes with the result must be Tensors, got {type(t).__name__}")
        self.out = out
        self.results: list = leaves(out)

    def pull(self, seeds: Sequence, graph: bool | None = None) -> list:
        """The gradients of the inputs by these gradients of the results, zeros where there is none."""
        pairs = [(t, s) for t, s in zip(self.results, seeds, strict=True) if t.requires_grad]
        graph = self.has_others(self.results) if graph is None else graph
        found = pull([t for t, _ in pairs], [s for _, s in pairs], self.inputs, graph)
        return [like(np.zeros, t) if g is None else g for g, t in zip(found, self.inputs, strict=True)]

    def push(self, tangents: Sequence) -> list:
        """How the results move when the inputs move along these, None for one that does not; zeros where they stay."""
        moves = {}
        for t, v in zip(self.inputs, tangents, strict=True):
            if v is not None:
                levels = levels_of(t)
                sizes = dict(zip(levels, physical_of(t)._array.shape))
                moves[t.accumulator()] = aligned(v, sizes) if levels else v
        roots = [t.accumulator() for t in self.results if t.requires_grad]
        found = dict(zip(roots, push(roots, moves, self.has_others(self.results))))
        moved = [found.get(t.accumulator()) if t.requires_grad else None for t in self.results]
        return [like(np.zeros, t) if v is None else _at(v, levels_of(t)) for v, t in zip(moved, self.results)]

    def has_others(self, tensors: Sequence) -> bool:
        """Whether anything but the inputs can be differentiated by."""
        roots = [t.accumulator() for t in tensors if isinstance(t, Tensor) and t.requires_grad]
        return self.follow and any(
            isinstance(node, AccumulateGrad) and node not in self.own and node.variable is not None
            for node in ancestry(roots)
        )

    def released(self, tree: Any) -> Any:
        """Results for those outside: with a history where that leads on from the inputs, or beside them."""
        return mapped(lambda t: t.detach() if isinstance(t, Tensor) and not self.has_others([t]) else t, tree)


def like(make: Callable, t: Tensor) -> Tensor:
    """A tensor of np.zeros or np.ones in the shape of t, at its levels."""
    physical = physical_of(t)._array
    return at_levels(wrap(make(physical.shape, physical.dtype)), levels_of(t))


def pull(results: Sequence[Tensor], seeds: Sequence[Tensor], inputs: Sequence[Tensor], graph: bool) -> list:
    """The gradient of each input, None where there is none; with a graph of their own, if that is asked for."""
    roots, given = [], []
    for t, seed in zip(results, seeds, strict=True):
        levels = levels_of(t)
        sizes = dict(zip(levels, physical_of(t)._array.shape))
        roots.append(t.accumulator())
        given.append(aligned(seed, sizes) if levels else seed)
    ends: list[Node] = [t.accumulator() for t in inputs]
    if graph or (mode.tracer is not None and mode.tracer.rewrites):
        found = walk(roots, given, True, ends, pull_recorded)
        if not graph:
            found = {node: g.detach() for node, g in found.items()}
    else:
        arrays = walk(roots, [s._array for s in given], True, ends)
        found = {node: wrap(np.array(g)) for node, g in arrays.items()}
    return [
        None if (g := found.get(end)) is None else _at(g, levels_of(t)) for end, t in zip(ends, inputs, strict=True)
    ]


def _at(t: Tensor, levels: tuple[int, ...]) -> Tensor:
    for level in levels:
        t = added(t, level)
    return t
