"""Views: tensors on a part of another one's memory, which follow it when it is changed in place.

A View says how a tensor is made from its base. When the base is changed in place, it gets a new node, and the view
makes its own history anew from there, the next time that somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .memory import join
from .modes import Setting, mode
from .node import AccumulateGrad

if TYPE_CHECKING:
    from .tensor import Tensor


class View:
    """How a view is made from its base: `replay(base)` makes it again, on Tensors or on arrays.

    When the base gets a new history by an in-place change, `seen` tells that the view's is old, and `array` and
    `changes` whether the base still is what was looked at. `sealed` says how the view was made if gradients could
    not follow a change of it: "by getitem under no_grad".
    """

    __slots__ = ("array", "base", "changes", "replay", "sealed", "seen")

    base: Tensor
    array: np.ndarray
    replay: Callable[[Any], Any]
    sealed: str

    def __init__(self, source: Tensor, replay: Callable, sealed: str = ""):
        """A view of `source`, or of what that is a view of: `replay` is given the base."""
        earlier = source._view
        self.base = base = source if earlier is None else earlier.base
        self.array = base._array if earlier is None else earlier.array
        self.replay = replay if earlier is None else lambda base: replay(earlier.replay(base))
        self.sealed = sealed if earlier is None else earlier.sealed or sealed
        self.seen = base._node
        self.changes = base.version().changes

    def refresh(self, t: Tensor) -> None:
        """Make the history of `t`, this view, anew if its base was changed in place and has got another one.

        Where the base has none any more, since it was detached before the change, neither has the view.
        """
        base = self.base
        node, changes = base._node, base.version().changes
        if changes == self.changes:
            return
        leaf = isinstance(node, AccumulateGrad | None)
        moved = base._array is not self.array and node is not self.seen and not leaf
        if moved or (self.sealed and base._requires_grad):
            if mode.grad:
                how = f"made {self.sealed}" if self.sealed else "made before its base was given another shape"
                raise RuntimeError(
                    f"this tensor of shape {t._array.shape} is a view that was {how}, and its base was changed in "
                    "place since, so its history is no longer right; make the view again"
                )
            return
        if node is self.seen:
            return
        if not leaf:
            t._become(Setting(grad=True, tracer=None).during(self.replay, base)._node)
        elif not isinstance(self.seen, AccumulateGrad | None):
            t._become(None)
        self.seen, self.changes = node, changes

    def refuse_change(self, name: str) -> None:
        """Raise where no gradient could follow a change of this view."""
        if self.base._array is not self.array:
            raise RuntimeError(
                f"{name}: a view is being changed in place whose base was given another shape or other memory since; "
                "nothing was changed. Make the view again"
            )
        if self.sealed:
            raise RuntimeError(
                f"{name}: a view that was made {self.sealed} is being changed in place where gradients are recorded, "
                "and they could not follow; nothing was changed. Make the view again here, or .clone() it first"
            )


def share(source: Tensor, result: Tensor, name: str, remake: Callable[[Any], Any]) -> None:
    """Note that `result` is remake(source), in the memory of source: it shares its version, and follows its changes."""
    result._version = source.version()
    result._view = View(source, remake, "" if mode.grad else f"by {name} under no_grad")
    join(source, result, remake)
