"""A call of a kernel that was made before, with arrays of the same layout: its loops run again, on other memory.

What a wrapper in Python finds out before its loops, and what binding their arguments takes, is the same for arrays of
the same layout, and for a small picture takes longer than the loops. So from the third such call on, those of a kernel
that is registered as pure are a list of launches (fast/machinery/launches.py), with a slot for each array that is
given and each that is made.

Scratch memory lies in one pool for all lists of a thread, which run one at a time; another thread has lists of its
own. The kernel itself is called where loops are written down, and with much memory, whose loops take long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise, permutations
from typing import Any

from numpy import ndarray

from ..arrays.plain import owner
from . import Unusable, threads
from .fast.machinery import memory
from .fast.machinery.arrays import FLOAT32
from .fast.machinery.compiled import watched
from .fast.machinery.launches import Launches

BEFORE = 2  # calls before one is written down
LAYOUTS = 1000  # that are known of a kernel
MOST = 1 << 20  # bytes of all arrays of a call, and of its scratch
SHARED = 1 << 19  # bytes of scratch that all lists share; the results of a call that is written down are not kept
_PLAIN = {int, bool, str, tuple, type(None)}


class _Thread(threading.local):
    """What is known of a kernel on a thread, by layout: how often it was seen, then a Call, or None for good."""

    def __init__(self) -> None:
        self.known: dict[tuple, Any] = {}


class _Scratch(threading.local):
    def __init__(self) -> None:
        self.pool = memory.Pool(SHARED)


_scratch = _Scratch()


class Again:
    """The calls of one kernel. `choose(*args)` is the version that takes these arguments, None where it is not pure.

    A call gives the kernel's result, or None where the kernel itself is to be called.
    """

    def __init__(self, choose: Callable[..., Callable | None]):
        self.choose, self.thread = choose, _Thread()

    def __call__(self, args: tuple) -> Any:
        if watched.by:
            return None
        key: list[Any] = [threads.get_num_threads()]
        arrays: list[ndarray] = []
        for a in args:
            kind = type(a)
            if kind is ndarray:
                if a.dtype is not FLOAT32:
                    key.append(a.dtype)
                if not a.flags.aligned:
                    return None
                key.append(a.shape)
                key.append(a.strides)
                arrays.append(a)
            elif kind in _PLAIN or (kind is float and a):  # 0.0 equals -0.0
                key.append(a)
            else:
                return None
        layout, known = tuple(key), self.thread.known
        try:
            call = known.get(layout, 0)
        except TypeError:  # a tuple of arrays has no hash
            return None
        if type(call) is Call:
            return call(arrays)
        return None if call is None else self._meet(known, layout, call, args, arrays)

    def _meet(self, known: dict, layout: tuple, before: int, args: tuple, arrays: list[ndarray]) -> Any:
        """Count a call, or write it down and give its result."""
        if len(known) >= LAYOUTS:
            known.clear()
        if before < BEFORE:
            known[layout] = before + 1
            return None
        known[layout] = None
        if not _may_be_moved(arrays) or (version := self.choose(*args)) is None:
            return None
        launches = Launches()
        try:
            with launches.record(), _scratch.pool:
                found = version(*args)
        except Unusable:  # the kernel itself meets it again, and says so
            return None
        several = type(found) is tuple
        results = found if several else (found,)
        forms: list[Any] = list(map(_form, results))
        if None not in forms and _may_be_moved([*arrays, *results]):
            for a in (*arrays, *map(owner, results)):
                launches.slot(a)
            if launches.nbytes() <= MOST:
                known[layout] = Call(launches, forms, several)
        kept = tuple(map(_outside, results, forms))
        return kept if several else kept[0]


class Call:
    """Loops to be run on other arrays, with the forms of the results."""

    __slots__ = ("forms", "launches", "several")

    def __init__(self, launches: Launches, forms: list, several: bool):
        self.launches, self.forms, self.several = launches, forms, several

    def __call__(self, arrays: list[ndarray]) -> Any:
        results = []
        for shape, dtype, axes in self.forms:
            a = memory.empty(shape, dtype)
            arrays.append(a)
            results.append(a.transpose(axes) if axes else a)
        self.launches.run(arrays)
        return tuple(results) if self.several else results[0]


def _may_be_moved(arrays: list[ndarray]) -> bool:
    """Whether an address tells in which of the arrays it lies, and all are small."""
    taken = sorted(memory.bounds(a) for a in arrays)
    apart = all(end <= begin for (_, end), (begin, _) in pairwise(taken))
    return apart and all(a.size for a in arrays) and sum(a.nbytes for a in arrays) <= MOST


def _form(result: Any) -> tuple | None:
    """Shape and dtype of new memory, and the order of axes in which it is the result; () for as it is."""
    if type(result) is not ndarray:
        return None
    base = owner(result)
    if memory.block_of(result) is None and not base.flags.owndata:
        return None
    layout = result.shape, result.strides
    for axes in permutations(range(base.ndim)):
        a = base.transpose(axes)
        if (a.shape, a.strides) == layout:
            return base.shape, base.dtype, () if axes == tuple(range(base.ndim)) else axes
    if result.nbytes == base.nbytes and base.reshape(result.shape).strides == result.strides:
        return result.shape, base.dtype, ()
    return None


def _outside(result: Any, form: tuple | None) -> Any:
    """A result whose memory is not the pool's, where scratch of any list may have its place."""
    if type(result) is not ndarray or memory.block_of(result) is None:
        return result
    if form is None:
        return result.copy("K")
    shape, dtype, axes = form
    a = memory.empty(shape, dtype)
    a[...] = owner(result).reshape(shape)
    return a.transpose(axes) if axes else a
