"""The steps of a history: a Node is one recorded operation, and points to the steps before it.

Nothing here walks the graph; that is the work of `walk.py`. Two decisions keep it simple and free of
reference cycles, so that dropping a loss frees its whole graph at once:

- A Node holds arrays and its parent Nodes, never the Tensor that it produced.
- A leaf holds its `AccumulateGrad` node, and that node refers back to the leaf weakly.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.blocks import Ending

if TYPE_CHECKING:
    from .tensor import Tensor

# One clock for births of nodes and changes of arrays. A node is always younger than its parents,
# so births in reverse are a topological order, and "changed after it was saved" is one comparison.
tick = itertools.count(1).__next__


class Version:
    """How often a buffer was changed in place, when last, and by which op; views share it.

    A tensor made by `.data` has a version of its own, for autograd is not to notice what is done to it. Of all that lie
    on one memory, one is its `keeper`, which counts what any of them does.
    """

    changes = 0
    time = 0
    op = ""
    touched = 0  # of a keeper: the changes of the memory
    exposed = False  # of a keeper: whether arrays on the memory are with the user, who may change it at any time
    _keeper: Version | None = None  # where it is another one

    @property
    def keeper(self) -> Version:
        return self if self._keeper is None else self._keeper

    def join(self, other: Version) -> None:
        """Lie on the memory of the other one from now on."""
        keeper = other.keeper
        self._keeper = None if keeper is self else keeper

    def bump(self, op: str) -> None:
        self.changes += 1
        self.keeper.touched += 1
        self.time = tick()
        self.op = op


class InferenceVersion(Version):
    """The version of tensors made in `inference_mode`: their changes are not counted, so nobody may rely on them."""

    exposed = True

    def __bool__(self) -> bool:
        return False  # a recorded op asks for `guard` then

    def bump(self, op: str) -> None:
        pass


INFERENCE = InferenceVersion()


class Node:
    """One recorded operation. `pull(g)` turns the gradient of its output into those of its parents.

    `parents` are the nodes of the inputs that need a gradient. `shape` and `dtype` are the output's.
    `scope` is the innermost module that was running, `where` the user's line if someone asked for it.
    """

    __slots__ = ("__weakref__", "dtype", "hooks", "parents", "retain", "scope", "shape", "time", "where")

    parents: Sequence[Node]
    shape: tuple[int, ...]
    dtype: np.dtype
    time: int
    hooks: dict[int, Callable] | None
    retain: Callable[[], Tensor | None] | None  # a weak reference to the tensor whose .grad is to be kept
    scope: Any
    where: tuple[str, int, str] | None
    zero = True  # whether None stands for a gradient of zeros, or for none at all

    def pull(self, g: Any, aside: Set[Node] = frozenset()) -> list:
        """The gradient of each parent, in the order of `parents`; None where it is zero, or the parent `aside`."""
        raise NotImplementedError

    def release(self) -> None:
        """Forget what was saved for backward."""

    def name(self) -> str:
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Node, int], ...]:
        """The parents with the number of the output that was used of each, as in PyTorch."""
        return tuple((p.source, p.output_nr) if isinstance(p, Pick) else (p, 0) for p in self.parents)

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    def register_hook(self, hook: Callable) -> Handle:
        """Call `hook(g)` with the gradient of this node's output; what it returns replaces `g`."""
        return register_hook(self, hook)


class AccumulateGrad(Node):
    """The end of a path: adds what arrives to the `.grad` of a leaf."""

    __slots__ = ("after", "leaf")

    def __init__(self, leaf: Tensor):
        self.parents = ()
        self.shape = leaf._array.shape
        self.dtype = leaf._array.dtype
        self.time = tick()
        self.hooks = self.retain = self.scope = self.where = None
        self.leaf = weakref.ref(leaf)
        self.after: dict | None = None

    @property
    def variable(self) -> Tensor | None:
        return self.leaf()


class Pick(Node):
    """Output number `output_nr` of a node with several outputs: its gradient is one of the `Parts`."""

    __slots__ = ("output_nr", "source")

    def __init__(self, source: Node, output_nr: int, array: np.ndarray):
        self.parents = (source,)
        self.source = source
        self.output_nr = output_nr
        self.shape = array.shape
        self.dtype = array.dtype
        self.time = tick()
        self.hooks = self.retain = self.where = None
        self.scope = source.scope

    def pull(self, g: Any, aside: Set[Node] = frozenset()) -> list:
        return [Parts({self.output_nr: g})]

    def name(self) -> str:
        return self.source.name()

    @property
    def next_functions(self) -> tuple[tuple[Node, int], ...]:
        return self.source.next_functions


class Parts(dict):
    """The gradient of a node with several outputs: {output number: gradient}. Parts add like gradients."""

    def __add__(self, other: Parts) -> Parts:  # type: ignore[override]
        total = Parts(self)
        for i, g in other.items():
            total[i] = total[i] + g if i in total else g
        return total


class Handle:
    """What registering a hook returns: `remove()` unregisters it; as a context it does so at the end."""

    __slots__ = ("hooks", "id")
    keys = itertools.count()

    def __init__(self, hooks: dict, hook: Callable):
        self.hooks = hooks
        self.id = next(self.keys)
        hooks[self.id] = hook

    def remove(self) -> None:
        self.hooks.pop(self.id, None)

    __exit__ = Ending(lambda self: [partial(self.hooks.pop, self.id, None)])

    def __enter__(self) -> Handle:
        return self


def register_hook(node: Node, hook: Callable) -> Handle:
    if not callable(hook):
        raise TypeError(f"register_hook: hook must be callable, got {type(hook).__name__}")
    if node.hooks is None:
        node.hooks = {}
    return Handle(node.hooks, hook)


def refuse_changed(node: Node, saver: str, version: Any) -> None:
    """Raise: what this node saved was changed in place since."""
    line = f" (called at {node.where[0]}:{node.where[1]})" if node.where else ""
    raise RuntimeError(
        f"one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"{saver}{line} (output {node.shape}) saved a tensor for its backward, then {version.op} changed it in place; "
        f"use the op that makes a new tensor instead of {version.op}, or give {saver} a .clone()"
    )
