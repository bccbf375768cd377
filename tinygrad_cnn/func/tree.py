"""Trees: tensors in tuples, lists and dictionaries, as functions take and return them.

Anything else is a leaf.

>>> mapped(lambda x: x + 1, {"w": [1, 2], "b": (3,)})
{'w': [2, 3], 'b': (4,)}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def leaves(tree: Any) -> list:
    """The leaves of a tree, from left to right.

    >>> leaves({"w": [1, 2], "b": (3,)})
    [1, 2, 3]
    """
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    if isinstance(tree, tuple | list):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def rebuilt(tree: Any, values: Iterable) -> Any:
    """The same tree with other leaves.

    >>> rebuilt((0, [0, 0]), "abc")
    ('a', ['b', 'c'])
    """
    return _rebuilt(tree, iter(values))


def _rebuilt(tree: Any, values: Iterator) -> Any:
    if isinstance(tree, dict):
        branches = {key: _rebuilt(branch, values) for key, branch in tree.items()}
        return branches if type(tree) is dict else type(tree)(branches)
    if isinstance(tree, tuple | list):
        found = [_rebuilt(branch, values) for branch in tree]
        return type(tree)(*found) if hasattr(tree, "_fields") else type(tree)(found)
    return next(values)


def mapped(f: Callable, tree: Any, *others: Any) -> Any:
    """The tree with f(leaf, ...) for each leaf; the others have the same form."""
    return rebuilt(tree, map(f, leaves(tree), *map(leaves, others)))


def same_form(a: Any, b: Any) -> bool:
    """Whether two trees differ in their leaves alone."""
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(map(same_form, a.values(), b.values()))
    if isinstance(a, tuple | list):
        return type(a) is type(b) and len(a) == len(b) and all(map(same_form, a, b))
    return not isinstance(b, dict | tuple | list)


def spread(prefix: Any, tree: Any) -> list | None:
    """A value for every leaf, where one may stand for a whole branch; None where the two do not fit.

    >>> spread((0, None), (1, {"a": 2, "b": 3}))
    [0, None, None]
    """
    if not isinstance(prefix, dict | tuple | list):
        return [prefix] * len(leaves(tree))
    if type(prefix) is not type(tree) or len(prefix) != len(tree):
        return None
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    if isinstance(prefix, dict) and set(prefix) != set(keys):
        return None
    found: list = []
    for key in keys:
        branch = spread(prefix[key], tree[key])
        if branch is None:
            return None
        found += branch
    return found
