"""The order of an epoch: the indices of a DataLoader's samplers, and where these stand after each of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..random import Series, current_generator, drawn_from
from .held import Source
from .progress import NONE, Drawn, Progress, interrupted
from .sampler import BatchSampler

END: Any = object()
ORDER = 1  # sets the numbers that an order is drawn from apart from those of batches


class Order:
    """The indices of an epoch that come after where its progress is.

    The first is drawn at once, from the generator of this thread: with it, most samplers draw all of the order. What
    comes later is drawn from numbers of the epoch, so that it does not matter how far ahead it is read.

    samplers: what is iterated over, and what that is made of; sources: what these draw from.
    """

    def __init__(self, samplers: list[Any], sources: dict[str, Source], progress: Progress):
        after = progress.at.drawn
        self.sources = sources
        self.progress = progress
        self.random = Series(progress.seed, current_generator().initial_seed())
        self.number, self.checksum = after.handed, after.checksum
        self.full = samplers[0].batch_size if isinstance(samplers[0], BatchSampler) else 0
        self.indices, self.parts = begun(samplers, after.samplers)
        if after.last:
            self.indices = iter(())
        start = self._drawn(None, after.last)
        self.held = None if after.handed else self._next()
        if self.held is not None and not self.parts:
            start = start._replace(marks=self.held.marks)  # gone through again, it is where it is after the first
        progress.at = progress.at._replace(drawn=start)

    def draw(self) -> Drawn:
        """The next index."""
        held, self.held = self.held, None
        return drawn_from(self.random.at(self.number, ORDER), self._next) if held is None else held

    def _next(self) -> Drawn:
        try:
            index = next(self.indices, END)
            if index is not END:
                self.number += 1
                self.checksum = checksum(index, self.checksum)
            drawn = self._drawn(index, self.full > 0 and isinstance(index, list) and len(index) < self.full)
        except Exception as error:  # it is raised when its turn comes
            return Drawn(error=error)
        except BaseException:
            self.indices = broken()
            raise
        self.progress.ahead = drawn.marks
        return drawn

    def _drawn(self, index: Any, last: bool) -> Drawn:
        if not self.parts and not self.sources:
            return Drawn(index, self.number, self.checksum)
        marks = {path: source.get() for path, source in self.sources.items()}
        return Drawn(index, self.number, self.checksum, states_of(self.parts), marks, last)


def checksum(index: Any, before: int) -> int:
    """A sum over one more index, or list of indices. What is no number has no part in it."""
    many = isinstance(index, list) and len(index) > 0
    first = index[0] if many else index
    if type(first) is not int and not isinstance(first, np.integer):
        return before
    try:
        total = int(sum(index)) if many else int(first)
    except TypeError:  # there are other things beside numbers
        return before
    return (before * 1_000_003 + 31 * int(first) + total) % 2**61


def begun(iterables: list[Any], states: Mapping[str, Any]) -> tuple[Iterator, dict[str, Any]]:
    """An iterator over the first of these, going on from `states`; and what can tell its state and take it back.

    That is the iterator, or the first of the iterables that can, or both.
    """
    parts = {}
    whole = next((it for it in iterables if stateful(it)), None)
    if whole is not None and "whole" in states:
        whole.load_state_dict(copy.deepcopy(states["whole"]))
    iterator = iter(iterables[0])
    if whole is not None and whole is not iterator:
        parts["whole"] = whole
    if stateful(iterator):
        parts["iterator"] = iterator
        if "iterator" in states:
            iterator.load_state_dict(copy.deepcopy(states["iterator"]))  # type: ignore[attr-defined]
    if missing := states.keys() - parts.keys():
        raise RuntimeError(f"DataLoader: a {type(iterables[0]).__name__} cannot take back its state: {missing}")
    return iterator, parts


def stateful(part: Any) -> bool:
    """Whether it can tell its state and take it back."""
    return callable(getattr(part, "state_dict", None)) and callable(getattr(part, "load_state_dict", None))


def states_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of their states, which do not follow what they were taken from."""
    return {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()} if parts else NONE


def broken() -> Iterator:
    """What stands for an iterator after an interrupt: it may have lost something, and a generator has ended there."""
    return iter(_interrupted, END)


def _interrupted() -> None:
    raise interrupted()
