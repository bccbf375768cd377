"""Imports point down: a room imports only from the floors below it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tinygrad_cnn"

FLOORS = {
    "arrays": -1,
    "compiler": 0,
    "kernels": 0,
    "random": 0,
    "engine": 1,
    "autograd": 4,
    "ops": 3,
    "surface": 3,
    "nn": 5,
    "optim": 5,
    "data": 5,
    "testing": 6,
    "vision": 6,
    "cuda": 0,
    "accelerator": 0,
    "backends": 0,
    "multiprocessing": 0,
    "metrics": 5,
    "checkpoint": 6,
    "utils": 6,
    "viz": 7,
    "cli": 8,
    "__main__": 9,
}
# Rooms of one floor that do know each other, and why.
SIBLINGS = {
    ("engine", "ops"),  # a change of a view is an indexed assignment to its base
    ("engine", "surface"),
    ("surface", "ops"),
    ("ops", "surface"),
}


def room(path: Path) -> str:
    if path.is_relative_to(ROOT / "viz"):
        return "viz"
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path):
    """The rooms that a file imports, wherever in it the import stands."""
    package = ["tinygrad_cnn", *path.relative_to(PACKAGE if room(path) != "viz" else ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module or "").split(".")] if node.module else base
            names = [".".join([*base, alias.name]) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "tinygrad_cnn" and len(parts) > 1:
                yield parts[1]


FILES = sorted(p for top in (PACKAGE, ROOT / "viz") for p in top.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    here = room(path)
    for there in imported_rooms(path):
        if there == here or there not in FLOORS:
            continue
        below = FLOORS[there] < FLOORS[here]
        assert below or (here, there) in SIBLINGS, f"{here} (floor {FLOORS[here]}) imports {there} ({FLOORS[there]})"


def test_every_room_has_a_floor():
    rooms = {room(p) for p in FILES}
    assert rooms <= set(FLOORS)


def test_only_viz_knows_graphviz():
    assert [p for p in FILES if room(p) not in ("viz", "cli") and "import graphviz" in p.read_text()] == []
