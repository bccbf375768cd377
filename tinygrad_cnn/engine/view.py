"""Views: tensors on a part of another one's memory, which follow it when it is changed in place.

A View says how a tensor is made from its base. When the base is changed in place, it gets a new node, and the view
makes its own history anew from there, the next time that somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .memory import join
from .modes import Setting, mode
from .node import AccumulateGrad, Node, Version

if TYPE_CHECKING:
    from .tensor import Tensor


class View:
    """How a view is made from its base: `replay(base)` makes it again, on Tensors or on arrays.

    It is make(source, *attributes), of several results the one at `index`; the source may be an `earlier` view.

    When the base gets a new history by an in-place change, `seen` tells that the view's is old, and `array` and
    `changes` whether the base still is what was looked at. `sealed` says how the view was made if gradients could
    not follow a change of it: "by getitem under no_grad".
    """

    __slots__ = ("array", "attributes", "base", "changes", "earlier", "index", "make", "sealed", "seen", "version")

    make: Callable
    attributes: Sequence
    index: int | None
    earlier: View | None
    base: Tensor
    array: np.ndarray
    version: Version
    changes: int
    seen: Node | None
    sealed: str

    def replay(self, base: Any) -> Any:
        """The view of this base in the same way."""
        return self.remake(base if self.earlier is None else self.earlier.replay(base))

    def remake(self, source: Any) -> Any:
        """The view of this source in the same way."""
        out = self.make(source, *self.attributes)
        return out if self.index is None else out[self.index]

    def refresh(self, t: Tensor) -> None:
        """Make the history of `t`, this view, anew if its base was changed in place and has got another one.

        Where the base has none any more, since it was detached before the change, neither has the view.
        """
        changes = self.version.changes
        if changes == self.changes:
            return
        base = self.base
        node = base._node
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


def share(source: Tensor, result: Tensor, make: Callable, attributes: Sequence = (), index: int | None = None) -> None:
    """Note that `result` is make(source, *attributes), in the memory of source: it follows the changes of that."""
    view = View()
    view.make, view.attributes, view.index = make, attributes, index
    sealed = "" if mode.grad else f"by {make.__name__} under no_grad"
    view.earlier = earlier = source._view
    if earlier is None:
        base = source
        view.array, view.sealed = base._array, sealed
    else:
        base = earlier.base
        view.array, view.sealed = earlier.array, earlier.sealed or sealed
    view.base, view.seen = base, base._node
    view.version = result._counter = version = base.version()
    view.changes = version.changes
    result._view = view
    join(source, result, view.remake)
