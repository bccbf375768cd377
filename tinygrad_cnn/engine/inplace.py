"""Changes in place: a tensor becomes what an op makes of it, in its own memory.

The op is recorded as always, on a new array; then the values move into the tensor's memory and the
tensor takes over the new node. Three things have to be right:

- whoever saved the old values must notice: the version moves on;
- the new node itself may have saved the old values: it gets a copy of them;
- a view shares its memory: its base gets a new history, in which the changed part comes from the view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.dtypes import casts
from ..arrays.plain import owner
from .broadcast import cast
from .call import registry
from .modes import mode
from .node import tick
from .record import OpNode
from .tensor import Tensor, refuse_change, wrap


def change(t: Tensor, name: str, make: Callable[[Tensor], Any]) -> Tensor:
    """Let `t` become `make(t)`, in its own memory; `name` is what messages call the change.

    Raises a RuntimeError before anything is changed: for a leaf that requires grad, where the result
    has another shape, and where its dtype is of a higher kind than `t` can hold.
    """
    if not isinstance(t, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(t).__name__}")
    done = mode.tracer and mode.tracer.changing(t, name, make)
    if done is not None:
        return done
    refuse_change(t, name)
    start = tick()
    made = make(t)
    result = made._array if isinstance(made, Tensor) else np.asarray(made)
    array = t._array
    if result.shape != array.shape:
        raise RuntimeError(
            f"{name}: output with shape {array.shape} doesn't match the broadcast shape {result.shape}; "
            "an in-place change keeps its tensor's shape"
        )
    if not casts(result.dtype, array.dtype):
        raise RuntimeError(
            f"{name}: result type {result.dtype} can't be cast to the desired output type {array.dtype}; "
            "convert the tensor first, or use the op that makes a new one"
        )
    if not array.flags.writeable:
        raise RuntimeError(
            f"{name}: the memory of this tensor of shape {array.shape} is read-only, or several of its elements are "
            "one place in memory (an expanded tensor); .clone() it first"
        )
    if mode.grad and t.requires_grad and not (isinstance(made, Tensor) and made.requires_grad):
        made = registry["setitem"](t, made, ...)  # nothing of the old values is left, so their gradient is zero
    followed = isinstance(made, Tensor) and made.requires_grad
    if followed:
        if t._view is not None:
            t._view.refuse_change(name)
        if result.dtype != array.dtype:
            made = cast(made, array.dtype)
        _keep_old_values(made, array, t, start)
        result = made._array
    t.version().bump(name)  # first: an interrupt may come between the two
    np.copyto(array, result, casting="unsafe")
    if mode.tracer is not None:
        mode.tracer.changed(t, result, name)
    if followed:
        adopt(t, made)
    return t


def _keep_old_values(made: Tensor, array: np.ndarray, t: Tensor, start: int) -> None:
    """Give the nodes born since `start` their own copy of what lies in the memory that is about to be written to."""
    memory = owner(array)
    assert made._node is not None
    young = [made._node]
    for node in young:
        young.extend(p for p in node.parents if p.time > start and p not in young)
        if isinstance(node, OpNode) and node.saved:
            node.saved = [_apart(v, memory) for v in node.saved]
            node.guards = [version for version in node.guards if version is not t._counter]
            node.meant = [version for version in node.meant if version is not t._counter]


def _apart(v: Any, memory: np.ndarray) -> Any:
    """What was saved, copied where it lies in this memory."""
    if isinstance(v, list):
        return [_apart(x, memory) for x in v]
    if not (isinstance(v, np.ndarray) and np.may_share_memory(v, memory)):
        return v
    copy = v.copy(order="K")
    if mode.tracer is not None:
        mode.tracer.moved(v, copy)
    return copy


def adopt(t: Tensor, made: Tensor) -> None:
    """Let `t`, whose memory holds the values of `made` by now, have its history; so does what `t` is a view of."""
    view = t._view
    if view is None:
        t._become(made._node)
        return
    setitem, reshape = registry["setitem"], registry["reshape"]  # ops stand above, and are known here by their names
    base = view.base
    places = view.replay(np.arange(base._array.size).reshape(base._array.shape))
    old = wrap(base._array, base._node if base._requires_grad else None)
    if base._array.ndim:
        whole = setitem(old, made, np.unravel_index(places, base._array.shape))
    else:  # one element, which has no index to be found by
        whole = reshape(setitem(reshape(old, (1,)), made, places), ())
    base._become(whole._node)
    view.refresh(t)  # the other views find out when they are next used
