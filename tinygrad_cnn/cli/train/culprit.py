"""Where the first NaN or infinite number of a step comes from: a step is run once more, and every op is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ...engine.modes import Setting, mode
from ...engine.node import Node, Parts
from ...engine.op import Op
from ...engine.tensor import Tensor
from ...engine.watch import Tracer


def kind(array: Any) -> str:
    """What is not finite in an array: "NaN", else "Inf", else ""."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fc" or np.isfinite(array).all():
        return ""
    return "NaN" if np.isnan(array).any() else "Inf"


def culprit(model: Any, loss_of: Callable[[], Tensor], backward: bool = True) -> str:
    """Which op of which module made the first number of a step that is not finite; "" where none is found.

    loss_of: runs the step as far as its loss. backward: whether to look at its gradients too, if the loss is finite.
    Gradients and statistics change as in any step.
    """
    search = _Search(model)
    with Setting(watch=True, tracer=search):
        loss = loss_of()
        if kind(loss._array):
            return search.origin.get(id(loss._array), "")
        if backward:
            loss.backward()
    return search.backward


class _Search(Tracer):
    """Follows what is not finite: `origin` tells of each such array, by its id, which op it comes from."""

    plain = True

    def __init__(self, model: Any):
        self.modules = {module: name for name, module in model.named_modules()}
        self.leaves = {id(t._array): name for name, t in (*model.named_parameters(), *model.named_buffers())}
        self.origin: dict[int, str] = {}
        self.held: list[Any] = []  # so that no other array gets the id of one that is gone
        self.backward = ""

    def called(self, op: Any, args: Any, out: Any, node: Node | None) -> None:
        made = [array for array in (out if isinstance(out, tuple) else (out,)) if kind(array)]
        if made:
            self.held.append((args, out))
            story = self._story(op, args, made[0])
            self.origin |= {id(array): story for array in made}

    def changed(self, t: Tensor, made: np.ndarray, op: str) -> None:
        if kind(made):
            self.held.append((t, made))
            self.origin[id(t._array)] = self.origin.get(id(made), f"{op} {self._where(mode.scope)}")

    def moved(self, old: np.ndarray, new: np.ndarray) -> None:
        if id(old) in self.origin:
            self.held.append(new)
            self.origin[id(new)] = self.origin[id(old)]

    def _story(self, op: Any, args: Any, made: np.ndarray) -> str:
        """Of an op that made a number which is not finite: what is told of an argument that had one, or of itself."""
        name = op.name.strip("_") if isinstance(op, Op) else op.__name__
        here = f"{name} {self._where(mode.scope)}"
        bad = sorted((t for t in _tensors(args) if kind(t._array)), key=lambda t: kind(t._array), reverse=True)
        for t in bad:
            if id(t._array) in self.origin:
                return self.origin[id(t._array)]
        for t in bad:
            leaf = self.leaves.get(id(t._array))
            what = f"{leaf}, which it takes," if leaf else "what goes into it"
            return f"{here}: {what} has {kind(t._array)} already"
        return f"{here}, which made {kind(made)} of finite numbers"

    def walk(self, roots: list[Node], retain_graph: bool, ends: list[Node] | None) -> Tracer:
        return self

    def pulled(self, node: Node, g: Any, contributions: list) -> None:
        if not self.backward:
            made = next(filter(None, map(kind, _arrays(contributions))), "")
            if made:
                self.backward = f"{node.name()} {self._where(node.scope)}, which made {made} of finite numbers"

    def _where(self, scope: Any) -> str:
        """A place in words: the module that is running there, or none of them."""
        while scope is not None and scope.module not in self.modules:
            scope = scope.outer
        if scope is None:
            return "outside of the network"
        return f"in module {self.modules[scope.module]!r}, {type(scope.module).__name__}"


def _tensors(args: Iterable[Any]) -> Iterator[Tensor]:
    for a in args:
        if isinstance(a, Tensor):
            yield a
        elif isinstance(a, tuple | list):
            yield from _tensors(a)


def _arrays(contributions: Iterable[Any]) -> Iterator[Any]:
    for c in contributions:
        if type(c) is Parts:
            yield from _arrays(c.values())
        else:
            yield c._array if isinstance(c, Tensor) else c
