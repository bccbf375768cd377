"""What an object draws its random numbers from: the generators that it holds, found by looking, with their states."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..random import Generator

DEEP, LONG = 6, 32  # attributes of attributes; the longest list that is looked through


class Source(NamedTuple):
    """A generator, or a sampler's epoch: its state, and the way back to it."""

    of: Any
    get: Callable[[], Any]
    set: Callable[[Any], Any]


def sources(roots: Mapping[str, Any], beside: Any = None) -> dict[str, Source]:
    """What these objects draw from, by its path: "sampler.generator". Each is found once; not what `beside` holds.

    >>> class Noisy:
    ...     def __init__(self):
    ...         self.noise = [Generator().manual_seed(3), np.random.default_rng(5)]
    >>> list(sources({"dataset": Noisy()}))
    ['dataset.noise.0', 'dataset.noise.1']
    """
    found: dict[str, Source] = {}
    seen: dict[int, Any] = {id(beside): beside}
    _look(roots, "", 0, found, seen)
    return found


def _look(inside: Mapping[Any, Any], path: str, depth: int, found: dict[str, Source], seen: dict[int, Any]) -> None:
    for name, value in inside.items():
        if id(value) in seen or isinstance(value, type | np.ndarray | str):
            continue
        here = f"{path}{name}"
        source = _source(value)
        if source is not None:
            seen[id(value)] = value
            found[here] = source
            continue
        if isinstance(value, list | tuple):
            deeper: Mapping[Any, Any] = dict(enumerate(value)) if len(value) <= LONG else {}
        elif isinstance(value, dict):
            deeper = value if len(value) <= LONG else {}
        else:
            deeper = getattr(value, "__dict__", {})
            if callable(getattr(value, "set_epoch", None)) and isinstance(getattr(value, "epoch", None), int):
                found[f"{here}.epoch"] = _epoch(value)
        if deeper and depth < DEEP:
            seen[id(value)] = value
            _look(deeper, f"{here}.", depth + 1, found, seen)


def _source(x: Any) -> Source | None:
    if isinstance(x, Generator):
        return Source(x, x.get_state, x.set_state)
    if isinstance(x, np.random.Generator):
        bits = x.bit_generator
        return Source(x, lambda: _plain(bits.state), lambda state: setattr(bits, "state", state))
    if isinstance(x, np.random.RandomState):
        return Source(x, lambda: _plain(x.get_state(legacy=False)), x.set_state)
    if isinstance(x, random.Random):
        return Source(x, lambda: _plain(x.getstate()), lambda s: x.setstate((s[0], tuple(s[1]), s[2])))
    return None


def _epoch(sampler: Any) -> Source:
    return Source(sampler, lambda: sampler.epoch, sampler.set_epoch)


def _plain(state: Any) -> Any:
    """A state in lists and dicts, which can be compared and written."""
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return [_plain(value) for value in state]
    return state.tolist() if isinstance(state, np.ndarray) else state
