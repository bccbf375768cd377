"""What of PyTorch is here, found out by looking: for every recorded name whether it is here, and what is to be said.

Names are recorded (`names.txt`), sentences are written by hand (`sentences.py`); whether something is here is asked of
the library itself, so that it is never out of date.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, NamedTuple

from . import sentences, standins
from .names import names, ours

HERE, DIFFERS, ABSENT = "here", "here, with a difference", "not here"


class Entry(NamedTuple):
    """A public name of PyTorch, whether it is here, and what is to be said of it; "" where it is as in PyTorch."""

    space: str
    name: str
    status: str
    sentence: str


def is_here(path: str) -> bool:
    """Whether this library has something of this name of PyTorch, and no stand-in for it."""
    first, *rest = ours(path).split(".")
    value: Any = importlib.import_module(first)
    for name in rest:
        if not hasattr(value, name) and isinstance(value, ModuleType) and getattr(value, "__path__", None):
            try:
                importlib.import_module(f"{value.__name__}.{name}")
            except ImportError:
                return False
        if not hasattr(value, name) or standins.is_standin(value := getattr(value, name)):
            return False
    return True


def entry(space: str, name: str) -> Entry:
    path = f"{space}.{name}"
    if is_here(path):
        differs = sentences.first(sentences.DIFFERENT, path)
        return Entry(space, name, DIFFERS if differs else HERE, differs or "")
    return Entry(space, name, ABSENT, sentences.first(sentences.NOT_HERE, path) or "")


def entries() -> list[Entry]:
    """All of them, in the order in which they are recorded."""
    return [entry(space, name) for space, found in names().items() for name in found]
