"""Here because PyTorch scripts import it: trees of tuples, lists and dictionaries, taken apart and put together again.

`func/tree.py` walks them. `is_leaf` says of a branch that it is to be taken for a leaf.

>>> leaves, spec = tree_flatten({"w": [1, 2], "b": (3,)})
>>> leaves, tree_unflatten([10 * x for x in leaves], spec)
([1, 2, 3], {'w': [10, 20], 'b': (30,)})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..func import tree as trees

PyTree = Any
IsLeaf = Callable[[Any], bool] | None


class _Leaf:
    """A branch that is taken for a leaf."""

    def __init__(self, value: Any):
        self.value = value


def _closed(tree: PyTree, is_leaf: IsLeaf) -> PyTree:
    """The tree with each branch that is a leaf closed, so that nobody looks into it."""
    if is_leaf is None:
        return tree
    if is_leaf(tree):
        return _Leaf(tree)
    if isinstance(tree, dict):
        return type(tree)({key: _closed(branch, is_leaf) for key, branch in tree.items()})
    if isinstance(tree, tuple | list):
        branches = [_closed(branch, is_leaf) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return tree


class TreeSpec:
    """The form of a tree without its leaves; two are equal where the forms are."""

    def __init__(self, tree: PyTree):
        self.form = trees.mapped(lambda leaf: None, tree)
        self.num_leaves = len(trees.leaves(self.form))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TreeSpec) and trees.same_form(self.form, other.form)

    def __repr__(self) -> str:
        return f"TreeSpec({trees.mapped(lambda leaf: '*', self.form)})"

    __hash__ = None  # type: ignore[assignment]


def tree_leaves(tree: PyTree, is_leaf: IsLeaf = None) -> list:
    """The leaves, from left to right; None is one as well."""
    found = trees.leaves(_closed(tree, is_leaf))
    return [leaf.value if isinstance(leaf, _Leaf) else leaf for leaf in found]


def tree_structure(tree: PyTree, is_leaf: IsLeaf = None) -> TreeSpec:
    """The form of a tree."""
    return TreeSpec(_closed(tree, is_leaf))


def tree_flatten(tree: PyTree, is_leaf: IsLeaf = None) -> tuple[list, TreeSpec]:
    """The leaves of a tree, and its form."""
    return tree_leaves(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_unflatten(leaves: Iterable, treespec: TreeSpec) -> PyTree:
    """The tree of this form with these leaves. ValueError where their number is another one."""
    values = list(leaves)
    if len(values) != treespec.num_leaves:
        raise ValueError(f"tree_unflatten: got {len(values)} leaves for a tree of {treespec.num_leaves}: {treespec}")
    return trees.rebuilt(treespec.form, values)


def tree_map(func: Callable, tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """The tree with func(leaf, ...) for each leaf; the others have the same form.

    >>> tree_map(lambda x, y: x + y, (1, [2]), (10, [20]))
    (11, [22])
    """
    values, spec = tree_flatten(tree, is_leaf)
    return tree_unflatten(map(func, values, *(tree_leaves(rest, is_leaf) for rest in rests)), spec)


def tree_map_(func: Callable, tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """Call func with each leaf, and give the tree back as it is."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(kind: Any, func: Callable, tree: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """The tree with func(leaf) for each leaf of this type, of one of these, or of which kind(leaf) is true.

    >>> tree_map_only(int, str, {"a": 1, "b": 2.0})
    {'a': '1', 'b': 2.0}
    """
    of_kind = (lambda x: isinstance(x, kind)) if isinstance(kind, type | tuple) else kind
    return tree_map(lambda x: func(x) if of_kind(x) else x, tree, is_leaf=is_leaf)


def tree_all(pred: Callable, tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether pred(leaf) is true of all leaves."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable, tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether pred(leaf) is true of a leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))
