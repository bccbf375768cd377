"""Trees are taken apart and put together again as PyTorch's private module does, which programs import."""

from __future__ import annotations

import importlib
from collections import OrderedDict, namedtuple

import pytest

Pair = namedtuple("Pair", "x y")
TREES = {
    "nested": {"b": [1, (2, 3)], "a": Pair(4, {"z": 5})},
    "ordered": OrderedDict(b=1, a=[2]),
    "none": [None, ()],
    "leaf": 7,
}


def theirs(m):
    return importlib.import_module(f"{m.__name__}.utils._pytree")


@pytest.mark.parametrize("name", TREES)
def test_trees(pytorch, name):
    def question(m):
        t, tree = theirs(m), TREES[name]
        leaves, spec = t.tree_flatten(tree)
        whole = lambda x: isinstance(x, tuple)
        return [
            repr(leaves),
            spec.num_leaves,
            spec == t.tree_structure(tree),
            spec == t.tree_structure([tree]),
            repr(t.tree_unflatten(list("abcde")[: len(leaves)], spec)),
            repr(t.tree_leaves(tree, is_leaf=whole)),
            repr(t.tree_map(lambda x, y: (x, y), tree, tree)),
            repr(t.tree_map(str, tree, is_leaf=whole)),
            repr(t.tree_map_only(int, lambda x: x + 1, tree)),
            t.tree_all(lambda x: x is not None, tree),
            t.tree_any(lambda x: x == 3, tree),
        ]

    pytorch.agrees(question)


def test_another_number_of_leaves_is_refused(pytorch):
    def question(m):
        spec = theirs(m).tree_structure([1, 2])
        try:
            theirs(m).tree_unflatten([1], spec)
        except ValueError as error:
            return type(error).__name__

    pytorch.agrees(question)
