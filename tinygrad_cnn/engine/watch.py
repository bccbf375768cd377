"""Somebody looks: a tracer that is told of every call and of every step back, or a search for the first NaN."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from .modes import mode
from .node import Node, Parts
from .tensor import Tensor


class Tracer:
    """What the engine tells while `mode.watch` is on, each kind of event by a method: here nobody listens.

    `plain`: every op is to run by itself, none as a part of a fused kernel. `rewrites`: ops are run by the tracer.
    """

    plain = rewrites = False

    def calling(self, op: Any, args: Any) -> Any:
        """An op is about to run on these arguments, whose values may still be changed; `called` comes when it has.

        What is returned, unless None, is its result, and it does not run.
        """

    def changing(self, t: Tensor, name: str, make: Callable) -> Any:
        """`t` is about to become make(t), in place; it does not where this returns something."""

    def called(self, op: Any, args: Any, out: Any, node: Node | None) -> None:
        """An op ran on these arguments; `node` is its record, None where it was not recorded."""

    def changed(self, t: Tensor, made: np.ndarray, op: str) -> None:
        """These values were written into the memory of a tensor."""

    def wrote(self, t: Tensor, value: Any, op: str) -> None:
        """A value was written to places of a tensor where nothing is recorded."""

    def detached(self, t: Tensor, out: Tensor) -> None:
        """`out` has the values of `t` and none of its history; it may be `t` itself."""

    def taken(self, t: Tensor) -> None:
        """The numbers of a tensor were handed to the script, which may do anything with them."""

    def moved(self, old: np.ndarray, new: np.ndarray) -> None:
        """An array was copied, and the new one is to stand where the old one stood."""

    def stepping(self, optimizer: Any) -> None:
        """An optimizer is about to change its parameters, all gradients being right."""

    def stepped(self, optimizer: Any) -> None:
        """It has changed them."""

    def walk(self, roots: list[Node], retain_graph: bool, ends: list[Node] | None) -> Tracer | None:
        """A walk begins; who is told of its steps, if anybody is."""

    def arrived(self, node: Node, g: Any) -> None:
        """A gradient is complete, and will now go through this node, or stay there."""

    def pulled(self, node: Node, g: Any, contributions: list) -> None:
        """It went through this node, and that is what became of it."""

    def through(self, pull: Callable, arrive: Callable, stops: set[Node]) -> tuple[Callable, Callable]:
        """The two functions of a walk, going through a node and arriving, such that this one is told of it."""

        def traced_pull(node: Node, g: Any) -> list:
            self.arrived(node, g)
            contributions = pull(node, g)
            self.pulled(node, g, contributions)
            return contributions

        def traced_arrive(node: Node, g: Any) -> None:
            if node in stops:  # or it is told when it is gone through
                self.arrived(node, g)
            arrive(node, g)

        return traced_pull, traced_arrive


def watched(pull: Callable, arrive: Callable, stops: set[Node]) -> tuple[Callable, Callable]:
    """The same two functions of a walk, going through a node and arriving, under the eyes of the mode."""
    checked = _checked(pull)
    return (checked, arrive) if mode.tracer is None else mode.tracer.through(checked, arrive, stops)


def _checked(pull: Callable) -> Callable:
    """In anomaly mode, stop at the first NaN and say where it came from."""
    if not (mode.anomaly and mode.check_nan):
        return pull

    def checked(node: Node, g: Any) -> list:
        contributions = pull(node, g)
        for c in contributions:
            for part in c.values() if type(c) is Parts else [c]:
                if part is not None and _has_nan(part._array if isinstance(part, Tensor) else part):
                    raise RuntimeError(f"{node.name()}: its backward returned NaN values{whereabouts(node)}")
        return contributions

    return checked


def _has_nan(array: Any) -> bool:
    return np.asarray(array).dtype.kind in "fc" and bool(np.isnan(array).any())


def whereabouts(node: Node) -> str:
    """For an error message: the shapes of a node, and the user's line if it was noted."""
    ins = ", ".join(str(p.shape) for p in node.parents)
    text = f"; output {node.shape}, inputs that need a gradient {ins}"
    if node.where is not None:
        file, line, function = node.where
        text += f"; forward call: {file}:{line} in {function}: {linecache.getline(file, line).strip()}"
    return text
