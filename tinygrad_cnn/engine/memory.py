"""Tensors on one memory, and how it is put in order.

To its user a result lies in memory in the order of its elements, as in PyTorch, so that `conv(x).view(n, -1)` is a
view. That convolutions leave theirs channels-last is the library's own affair. So where the order is asked for, the
tensor gets memory in that order, and with it all that share the old: its views, and what was detached from it.
What came from elsewhere stays as it is, since whoever made it knows how it lies.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..arrays.blocks import all_at_once
from ..kernels import kernel
from .modes import mode


class Memory:
    """The tensors on one memory that is not in order: each with its array, and how that is made of the first one's."""

    __slots__ = ("array", "members")

    def __init__(self, first: Any):
        self.array: np.ndarray | None = first._array  # None: it is not to be changed
        self.members: dict[int, tuple[weakref.ref, np.ndarray, Callable]] = {}
        self.add(first, lambda array: array)

    def add(self, t: Any, make: Callable) -> None:
        key, members = id(t), self.members
        # When t dies, members.pop(key, the reference) is called: a function in C, which no interrupt breaks off.
        members[key] = weakref.ref(t, partial(members.pop, key)), t._array, make
        t._memory = self

    def fix(self) -> None:
        self.array, self.members = None, {}


def _fixed() -> Memory:
    memory = Memory.__new__(Memory)
    memory.fix()
    return memory


FIXED = _fixed()


def join(source: Any, result: Any, remake: Callable = lambda array: array) -> None:
    """Note that `result` lies in the memory of `source`: its array is remake(the array of source)."""
    memory = source._memory
    if memory is None:
        if source._array.flags.c_contiguous:
            source._memory = result._memory = FIXED
            return
        memory = Memory(source)
    if memory.array is not None:
        member = memory.members.get(id(source))
        if member is not None and member[1] is source._array:
            make = member[2]
            memory.add(result, lambda array: remake(make(array)))
            return
        memory.fix()  # it was given another array: nobody knows who is on this one
    result._memory = FIXED


def fixed(t: Any) -> bool:
    """Whether it is not for the library to choose how the elements lie."""
    return t._memory is not None and t._memory.array is None


def put_in_order(t: Any, ordered: np.ndarray | None = None) -> None:
    """Let the memory that this tensor lies in be in order, if the library may choose that.

    ordered: the elements of t in new memory, where someone has them already.
    """
    memory = t._memory
    if memory is None:
        if not t._array.flags.c_contiguous:
            t._array = _told(
                t._array, kernel.contiguous(t._array) if ordered is None else ordered.reshape(t._array.shape)
            )
        return
    if memory.array is None:
        return
    whole, changes, bases = kernel.contiguous(memory.array), [], {}
    for ref, array, make in list(memory.members.values()):  # bases before their views
        member = ref()
        if member is not None and member._array is array:
            moved = bases[member] = _told(array, make(whole))
            changes.append((member, "_array", moved))
            if member._view is not None:
                base = member._view.base
                changes.append((member._view, "array", bases.get(base, base._array)))
    all_at_once(setattr, changes)  # in the midst of it, some would lie apart from the others for ever
    memory.fix()


def _told(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The new place of an array; the tracer has heard of it."""
    if mode.tracer is not None:
        mode.tracer.moved(old, new)
    return new
