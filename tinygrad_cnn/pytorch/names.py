"""PyTorch's public names, as `names.txt` holds them, and what they are called here."""

from __future__ import annotations

import functools
import re
from pathlib import Path

FILE = Path(__file__).with_name("names.txt")


@functools.cache
def names() -> dict[str, list[str]]:
    """The recorded names of each namespace."""
    return {space: found.split() for space, found in re.findall(r"^\[(.*)\]\n([^[]*)", FILE.read_text("utf-8"), re.M)}


def versions() -> str:
    """Whose names they are."""
    return re.search("of (.*),", FILE.read_text("utf-8"))[1]  # type: ignore[index]


def ours(path: str) -> str:
    """The name that something of PyTorch has here."""
    return re.sub(r"^torch\b", "tinygrad_cnn", re.sub(r"^torchvision\b", "tinygrad_cnn.vision", path))


def theirs(path: str) -> str:
    """The name that something here has in PyTorch."""
    return re.sub(r"^tinygrad_cnn\b", "torch", re.sub(r"^tinygrad_cnn\.vision\b", "torchvision", path))
