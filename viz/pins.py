"""A pinned leaf: one element of it is given a number at its first use, and the engine computes all the rest anew.

A program that starts from the same seed makes the same calls, up to the pin. So in another run a leaf is known by the
first call of the picture that takes it, and by its place among that call's arguments.
"""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.engine.node import Node
from tinygrad_cnn.engine.tensor import Tensor

from .recorder import record, told

LEAVES = ("parameter", "buffer", "input")


class Use(NamedTuple):
    """The first use of a leaf: in which call, counted from 1, as which of its arguments; and the leaf itself."""

    call: int
    place: int
    leaf: weakref.ref


class Pin(NamedTuple):
    """An element of a leaf, and the number that it is given."""

    call: int
    place: int
    element: tuple[int, ...]
    value: float


class Pinned(record):
    """A recording that notes in `.leaves`, by node id, where leaves are first used, and puts a pin there if told to."""

    def __init__(self, model: Any = None, *, pin: Pin | None = None, **options: Any):
        self.pin = pin
        super().__init__(model, **options)

    def _begin(self, *arguments: Any) -> None:
        super()._begin(*arguments)
        self.calls = 0
        self.running: dict[int, int] = {}  # id of the arguments of a call -> its number
        self.uses: list[tuple[int, int, Use]] = []  # birth of the leaf, birth of its user
        self.leaves: dict[str, Use] = {}

    @told
    def calling(self, op: Any, args: Any) -> None:
        self.calls += 1
        self.running[id(args)] = self.calls
        if self.pin is not None and self.calls == self.pin.call:
            put(args[self.pin.place], self.pin.element, self.pin.value)

    @told
    def called(self, op: Any, args: Any, out: Any, node: Node | None) -> None:
        super().called(op, args, out, node)
        call = self.running.pop(id(args), None)
        first = out[0] if isinstance(out, tuple) and out else out
        user = node.time if node is not None else self.structure.birth(np.asarray(first))
        if call is None or user is None:
            return
        for place, a in enumerate(args):
            if isinstance(a, Tensor) and a.is_leaf:
                leaf = a._node.time if a._requires_grad and a._node is not None else self._origin(a)
                self.uses.append((leaf, user, Use(call, place, weakref.ref(a))))

    @told
    def _finish(self) -> None:
        super()._finish()
        ids = self.structure.ids()
        sources = {entry["id"] for entry in self.structure.nodes.values() if entry["kind"] in LEAVES}
        for leaf, user, use in self.uses:
            if ids.get(leaf) in sources and user in ids:
                self.leaves.setdefault(ids[leaf], use)
        self.uses.clear()


def put(leaf: Tensor, index: tuple[int, ...], value: float) -> None:
    """Give an element this value, without a trace in the leaf's history."""
    leaf._array[index] = value


def small(document: dict[str, Any], leaves: dict[str, Use]) -> list[str]:
    """The ids of those leaves of which the document shows every number, and which can have any."""
    tensors = document.get("tensors", [])
    return [
        node["id"]
        for node in document["nodes"]
        if node["id"] in leaves
        and node["dtype"].startswith("float")
        and "value" in node
        and "values" in tensors[node["value"]]
    ]
