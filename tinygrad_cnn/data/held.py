"""What an object draws its random numbers from: the generators that it holds, found by looking, with their states."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..random import Source, source_of

DEEP, LONG, MANY = 6, 32, 1000  # attributes of attributes, the longest list, and the objects that are looked through


def sources(roots: Mapping[str, Any], beside: Any = None) -> dict[str, Source]:
    """What these objects draw from, by its path: "sampler.generator". Each is found once; not what `beside` holds.

    >>> class Noisy:
    ...     def __init__(self):
    ...         self.noise = [np.random.default_rng(3), np.random.default_rng(5)]
    >>> list(sources({"dataset": Noisy()}))
    ['dataset.noise.0', 'dataset.noise.1']
    """
    found: dict[str, Source] = {}
    seen: dict[int, Any] = {id(beside): beside}
    _look(roots, "", 0, found, seen)
    return found


def _look(inside: Mapping[Any, Any], path: str, depth: int, found: dict[str, Source], seen: dict[int, Any]) -> None:
    for name, value in list(inside.items()):  # workers may add to it meanwhile
        if id(value) in seen or len(seen) > MANY or isinstance(value, type | types.ModuleType | np.ndarray | str):
            continue
        here = f"{path}{name}"
        source = source_of(value)
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


def _epoch(sampler: Any) -> Source:
    return Source(sampler, lambda: sampler.epoch, sampler.set_epoch)
