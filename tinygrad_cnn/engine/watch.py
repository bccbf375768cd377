"""Going back while somebody looks: a recorder that is told of every step, or a search for the first NaN."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from .modes import mode
from .node import Node, Parts
from .tensor import Tensor


def watched(pull: Callable, arrive: Callable, stops: set[Node]) -> tuple[Callable, Callable]:
    """The same two functions of a walk, going through a node and arriving, under the eyes of the mode."""
    return _traced(_checked(pull), arrive, stops)


def _traced(pull: Callable, arrive: Callable, stops: set[Node]) -> tuple[Callable, Callable]:
    """Tell the tracer what arrives at a node, and what its rules make of it."""
    tracer = mode.tracer
    if tracer is None:
        return pull, arrive

    def traced_pull(node: Node, g: Any) -> list:
        tracer.arrived(node, g)
        contributions = pull(node, g)
        tracer.pulled(node, g, contributions)
        return contributions

    def traced_arrive(node: Node, g: Any) -> None:
        if node in stops:  # or it is told when it is gone through
            tracer.arrived(node, g)
        arrive(node, g)

    return traced_pull, traced_arrive


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
