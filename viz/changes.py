"""What differs between two documents, and a document with such changes."""

from __future__ import annotations

import copy
from typing import Any


def difference(a: Any, b: Any) -> list[list]:
    """What has to be put where, as [path, value], to make b of a.

    >>> difference({"n": [1, 2], "m": 0}, {"n": [1, 3], "m": 0})
    [[['n', 1], 3]]
    """
    out: list[list] = []
    stack: list[tuple[list, Any, Any]] = [([], a, b)]
    while stack:
        path, old, new = stack.pop()
        if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
            stack += [([*path, key], old[key], new[key]) for key in reversed(old)]
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            stack += [([*path, i], old[i], new[i]) for i in reversed(range(len(old)))]
        elif old != new or type(old) is not type(new):
            out.append([path, new])
    return out


def changed(document: dict[str, Any], difference: list[list]) -> dict[str, Any]:
    """A copy of the document with these changes.

    >>> changed({"n": [1, 2], "m": 0}, [[["n", 1], 3]])
    {'n': [1, 3], 'm': 0}
    """
    out = copy.deepcopy(document)
    for path, value in difference:
        place = out
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = copy.deepcopy(value)
    return out
