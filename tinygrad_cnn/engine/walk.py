"""The backward pass: from a loss back to the leaves, each node once, the youngest first.

A node is younger than all its parents, so visiting nodes in reverse order of birth never comes to a
node before every gradient that flows into it has been added up. That is all the topological sorting
there is; the walk is a loop, so a chain of a million ops is as good as a chain of two.

    L = f(a, b), a = p(x), b = q(x)      dL/dx = dL/da · da/dx + dL/db · db/dx

(Linnainmaa 1970; Griewank and Walther, Evaluating Derivatives, chapter 3.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from ..arrays.plain import owner
from ..arrays.quiet import SILENT, loudness, restore
from .modes import mode
from .node import Node, Parts
from .record import OpNode
from .tensor import Tensor, wrap
from .watch import watched

_birth = attrgetter("time")


def ancestry(roots: Iterable[Node]) -> list[Node]:
    """The roots and all that they were computed from, the youngest first: a topological order.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> [node.name() for node in ancestry([(x * x).exp().grad_fn])]
    ['ExpBackward0', 'MulBackward0', 'AccumulateGrad']
    """
    seen = set(roots)
    found = list(seen)
    for node in found:
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                found.append(parent)
    found.sort(key=_birth, reverse=True)
    return found


def walk(
    roots: list[Node],
    seeds: list,
    retain_graph: bool,
    ends: list[Node] | None = None,
    pull_recorded: Callable | None = None,
) -> dict[Node, Any]:
    """Pull the gradients of the roots, `seeds`, back to the leaves and accumulate them; with `ends`, return theirs.

    pull_recorded: goes through a node so that the gradients have graphs of their own; all of them are Tensors then.
    """
    order = ancestry(roots)
    arrivals, stops = _destinations(order, ends)
    between, aside = arrivals - stops, stops - arrivals
    gradients = _begin(roots, seeds, arrivals)
    found: dict[Node, Any] = {}

    def arrive(node: Any, g: Any) -> None:
        if ends is None:
            if (leaf := node.variable) is not None:
                accumulate(leaf, g, mode.grad)
        elif node in arrivals:  # and not beside the way
            found[node] = g

    nought: set[Node] = set()  # what was reached, by zeros alone: they are not computed with, but they are an answer
    pull, tell = pull_recorded, arrive
    before, loud = (mode.grad, mode.tracer), loudness()
    try:
        restore(SILENT)
        mode.grad, mode.tracer = pull is not None, mode.tracer and mode.tracer.walk(roots, retain_graph, ends)
        if mode.watch:
            pull, tell = watched(pull or (lambda node, g: node.pull(g)), arrive, stops)
        elif aside and pull is not None:
            pull = partial(pull, aside=aside)
        for node in order:
            g = gradients.pop(node, None)
            if g is None:
                if node in nought:
                    nought.update(node.parents)
                    if node in arrivals:
                        tell(node, _zeros(node))
                continue
            if node.hooks is not None or node.retain is not None:
                g = _run_hooks(node, g)
            if node in stops:
                tell(node, g)
                continue
            if between and node in between:
                tell(node, g)
            for parent, c in zip(node.parents, node.pull(g, aside) if pull is None else pull(node, g)):
                held = gradients.get(parent)
                if c is None:
                    if node.zero:
                        nought.add(parent)
                elif held is not None:
                    gradients[parent] = held + c
                else:
                    gradients[parent] = _own(c, g, node) if parent in arrivals else c
            if not retain_graph:
                node.release()
    finally:
        mode.grad, mode.tracer = before
        restore(loud)
    return found


def _destinations(order: list[Node], ends: list[Node] | None) -> tuple[set[Node], set[Node]]:
    """Where gradients are asked for, and where the walk stops: there, or beside the way to there."""
    if ends is None:
        leaves = {node for node in order if not node.parents}
        return leaves, leaves
    arrivals, through = set(ends), set()
    leading = set(ends)
    for node in reversed(order):
        if not leading.isdisjoint(node.parents):
            leading.add(node)
            through.add(node)
    return arrivals, set(order) - through


def _begin(roots: list[Node], seeds: list, arrivals: set[Node]) -> dict[Node, Any]:
    gradients: dict[Node, Any] = {}
    for root, seed in zip(roots, seeds, strict=True):
        if root in gradients:
            seed = gradients[root] + seed
        elif root in arrivals and not isinstance(seed, Tensor):
            seed = seed.copy("K")  # the caller's own
        gradients[root] = seed
    return gradients


def _zeros(node: Node) -> Any:
    zeros = np.zeros(node.shape, node.dtype)
    return wrap(zeros) if mode.grad else zeros


def accumulate(t: Tensor, g: Any, recorded: bool) -> None:
    """Add g, which nobody else holds, to the `.grad` that is there, in place; then call the hooks that wait for it.

    A gradient with a graph of its own is added out of place: the graph of the earlier ones may need their values.
    """
    if not t._requires_grad:
        return  # frozen since
    held = t._grad
    if recorded:
        g = g if isinstance(g, Tensor) else wrap(np.asarray(g))
        t._grad = g.clone() if held is None else held + g  # type: ignore[operator]
    elif held is None:
        t._grad = wrap(_laid_out_like(t._array, g))
    else:
        array = held._array
        if array.shape != g.shape or not array.flags.writeable:
            raise RuntimeError(
                f"backward: a gradient of shape {g.shape} cannot be added to the .grad that is there, of shape "
                f"{array.shape}" + ("" if array.flags.writeable else " and read-only (or expanded): .clone() it first")
            )
        np.add(array, g, out=array)
        held.version().bump("backward")
    after = getattr(t._node, "after", None)
    if after:
        for hook in list(after.values()):
            hook(t)


def _laid_out_like(array: np.ndarray, g: Any) -> np.ndarray:
    """The gradient with the strides of its leaf, or in rows where elements of the leaf overlap or leave gaps."""
    g = np.asarray(g)
    if g.strides == array.strides or (g.flags.c_contiguous and array.flags.c_contiguous):
        return g
    out = np.empty_like(array)  # dense, with the axes in the leaf's order
    if any(n > 1 and i != j for n, i, j in zip(array.shape, array.strides, out.strides, strict=True)):
        out = np.empty(array.shape, array.dtype)
    np.copyto(out, g)
    return out


def _own(c: Any, g: Any, node: Node) -> Any:
    """A gradient that nobody else holds, for the user: a rule may hand on `g`, what was saved, or a view of them."""
    if isinstance(c, Tensor | Parts):
        return c
    saved = node.saved if type(node) is OpNode else None
    if saved is None or not c.flags.writeable:
        return np.copy(c, order="K")  # a user's backward may hand on anything; what is read-only repeats its elements
    memory = owner(c)
    held = [g, *saved]
    for x in held:
        if type(x) is np.ndarray:
            if x is memory or (x.base is not None and owner(x) is memory):
                return np.copy(c, order="K")
        elif type(x) is list:
            held += x
        elif type(x) is Parts:
            held += x.values()
    return c


def _run_hooks(node: Node, g: Any) -> Any:
    """The gradient after the hooks of a node have seen it, and perhaps replaced it."""
    if type(g) is Parts:
        return g
    seen = g if isinstance(g, Tensor) else wrap(np.asarray(g))
    for hook in list((node.hooks or {}).values()):
        changed = hook(seen)
        if changed is not None:
            if not isinstance(changed, Tensor):
                raise TypeError(f"hook of {node.name()}: expected a Tensor or None, got {type(changed).__name__}")
            if (changed._array.shape, changed._array.dtype) != (node.shape, node.dtype):
                raise RuntimeError(
                    f"hook of {node.name()}: returned {changed._array.dtype} of shape {changed._array.shape}, the "
                    f"gradient is {node.dtype} of shape {node.shape}"
                )
            seen = changed
    t = node.retain and node.retain()
    if t is not None:
        kept = seen.clone()
        t._grad = kept if t._grad is None else t._grad + kept
    if mode.grad:
        return seen
    # What a hook may have kept, or handed on, is not to be added to later.
    return np.copy(seen._array, order="K") if node.hooks else seen._array
