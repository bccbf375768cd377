"""A sweep: the same program for several values of one element of one leaf, in one document.

The page of it has a slider: values and gradients of the whole graph follow, as the engine computed them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_cnn.arrays.blocks import block
from tinygrad_cnn.autograd import ancestry
from tinygrad_cnn.engine.node import AccumulateGrad, Node
from tinygrad_cnn.engine.tensor import Tensor
from tinygrad_cnn.random import get_rng_state, set_rng_state

from .changes import changed, difference
from .pins import Pinned, put
from .probe import untouched
from .recorder import Walk
from .samples import number
from .snapshot import _sampled

BUDGET = 1_000_000


class sweep:
    """What `function()` computes, and its backward pass, for each of these values of one element of `leaf`.

    function: returns a loss; without arguments. leaf: a Tensor that it uses, with floating point numbers. index: of the
    element; left out for a leaf with one element alone. model, names, check: as for `record`. budget: bytes for the
    samples of all values together.

    `.document` is that of the value nearest to the leaf's own, with the others as what differs from it, and goes where
    a document goes: `viz.html(s, "sweep.html")` is an offline page with a slider. Afterwards the leaf, every `.grad`,
    the buffers of `model` and the random numbers are as they were.

    Raises a ValueError where the graph is not the same for all values.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> s = tg.viz.sweep(lambda: (w * w).sum(), w, [0.0, 1.0, 3.0], index=0, names={"w": w})
    >>> [frame["passes"][0]["steps"][-1]["norm"] for frame in s.documents()]
    [4.0, 4.47214, 7.2111]
    >>> w.tolist(), w.grad
    ([1.0, 2.0], None)
    """

    def __init__(
        self,
        function: Callable[[], Tensor],
        leaf: Tensor,
        values: Iterable[float],
        index: int | Sequence[int] = (),
        *,
        model: Any = None,
        names: dict[str, Tensor] | None = None,
        check: bool = True,
        budget: int = BUDGET,
    ):
        numbers = [float(v) for v in values]
        at = _element(leaf, numbers, index)
        own = float(leaf._array[at])
        each = max(budget // len(numbers), 1)
        runs = []
        with _kept(leaf, model):
            state = get_rng_state()
            _Run(values=False).of(function)  # leaves get their nodes, whose age is their place in the order of backward
            for value in numbers:
                set_rng_state(state)
                put(leaf, at, value)
                runs.append(_Run(model, names=names, check=check, budget=each).of(function))
        node = next((name for name, use in runs[0].leaves.items() if use.leaf() is leaf), None)
        if node is None:
            raise ValueError(f"sweep: what the function returns does not depend on this leaf of shape {leaf.shape}")
        nearest = min(range(len(numbers)), key=lambda k: abs(numbers[k] - own))
        self.document = together([run.document for run in runs], numbers, nearest, node, at)

    def documents(self) -> Iterator[dict[str, Any]]:
        """The document of each value."""
        return frames(self.document)


def _element(leaf: Any, values: list[float], index: Any) -> tuple[int, ...]:
    """The index as a tuple, after a look at what was asked for."""
    if not isinstance(leaf, Tensor):
        raise TypeError(f"sweep: expected a Tensor as the leaf, got {type(leaf).__name__}")
    if not leaf.is_leaf or leaf._array.dtype.kind != "f":
        what = f"a result of {leaf.grad_fn.name()}" if not leaf.is_leaf else f"of {leaf.dtype}"
        raise ValueError(f"sweep: this tensor is {what}; give a leaf with floating point numbers")
    if not values or not np.isfinite(values).all():
        raise ValueError(f"sweep: expected some finite values, got {values}")
    at = (index,) if isinstance(index, int) else tuple(index)
    if not at and leaf.numel() == 1:
        at = (0,) * leaf.dim()
    if len(at) != leaf.dim() or any(not -n <= i < n for i, n in zip(at, leaf.shape)):
        raise ValueError(f"sweep: index {at} is no element of a leaf of shape {tuple(leaf.shape)}")
    return tuple(i % n for i, n in zip(at, leaf.shape))


@block
def _kept(leaf: Tensor, model: Any) -> Iterator[None]:
    """A block after which the leaf, the buffers of the model and the random numbers are as they were."""
    before, state = leaf._array.copy(), get_rng_state()
    try:
        if model is None:
            yield
        else:
            with untouched(model, model.training):
                yield
    finally:
        np.copyto(leaf._array, before)
        set_rng_state(state)


class _Run(Pinned):
    """A recording that leaves every `.grad` as it was."""

    def of(self, function: Callable[[], Tensor]) -> _Run:
        self.grads: dict[int, tuple[Tensor, Any]] = {}
        try:
            with self:
                loss = function()
                if not isinstance(loss, Tensor):
                    raise TypeError(f"sweep: the function returned a {type(loss).__name__}; it must return one Tensor")
                if not self.walked(loss):
                    loss.backward()
        finally:
            for leaf, grad in self.grads.values():
                leaf._grad = grad
        return self

    def walk(self, roots: list[Node], retain_graph: bool, ends: list[Node] | None) -> Walk:
        for node in ancestry(roots):
            leaf = node.variable if isinstance(node, AccumulateGrad) else None
            if leaf is not None and id(leaf) not in self.grads:
                self.grads[id(leaf)] = leaf, leaf._grad
                leaf._grad = None
        return super().walk(roots, retain_graph, ends)


def together(
    documents: list[dict[str, Any]], values: list[float], at: int, node: str, index: tuple[int, ...]
) -> dict[str, Any]:
    """One document of several of the same graph: the one at `at`, and of the others what differs from it."""
    table: list[dict] = []
    rows: dict[str, int] = {}
    shared = []
    for i in [at, *range(len(documents))]:
        document = copy.deepcopy(documents[i])
        if _graph(document) != _graph(documents[at]):
            raise ValueError(f"sweep: with {values[i]:g} the graph is another one than with {values[at]:g}")
        own = document.pop("tensors", [])
        for d, key in _sampled([document["nodes"], document["passes"]]):
            text = repr(own[d[key]])
            if text not in rows:
                rows[text] = len(table)
                table.append(own[d[key]])
            d[key] = rows[text]
        del document["samples"]
        document.pop("notes", None)
        shared.append(document)
    base = documents[at] | shared.pop(0) | {"tensors": table}
    base["sweep"] = {
        "node": node,
        "index": list(index),
        "values": [number(v) for v in values],
        "at": at,
        "frames": [difference(shared[at], document) for document in shared],
    }
    return base


def _graph(document: dict[str, Any]) -> tuple:
    """What is the same in two documents where only numbers differ."""
    nodes = [
        (n["id"], n["op"], n["shape"], [(e["port"], e["from"], e["needs_grad"]) for e in n["inputs"]])
        for n in document["nodes"]
    ]
    return nodes, [[(s["node"], [i["port"] for i in s["inputs"]]) for s in one["steps"]] for one in document["passes"]]


def same_graph(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two documents differ in numbers alone."""
    return _graph(a) == _graph(b)


def frames(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The document of each value of a sweep."""
    base = {key: value for key, value in document.items() if key != "sweep"}
    for change in document["sweep"]["frames"]:
        yield changed(base, change)
