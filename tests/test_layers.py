"""Imports point down: a room imports only from the floors below it, and a file of the engine from those before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tinygrad_cnn.engine

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tinygrad_cnn"

# From the ground up. Rooms on one floor know nothing of each other.
FLOORS = [
    "files leaving",
    "pytorch",
    "arrays stopping",
    "kernels random cuda accelerator backends multiprocessing amp",
    "engine",
    "ops",
    "func",
    "autograd distributed",
    "surface",
    "linalg nn data metrics",
    "distributions optim vision",
    "serialization",
    "checkpoint compiler profiler testing training",
    "onnx viz",
    "utils",
    "cli",
    "__main__",
]
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms.split()}
ENGINE = [line.split()[0] for line in tinygrad_cnn.engine.__doc__.splitlines() if line.startswith("    ")]


def place(path: Path) -> list[str]:
    """The parts of a file's dotted name: ["tinygrad_cnn", "engine", "walk"]."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ["tinygrad_cnn", *parts] if parts[0] == "viz" else list(parts)


def imported(path: Path):
    """The dotted names, in parts, of what a file of the package imports of it, wherever in the file that stands."""
    package = place(path)[:-1]

    def absolute(name: str, level: int) -> list[str]:
        return [*package[: len(package) - level + 1], *name.split(".")] if level else name.split(".")

    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    types = {n for i in nodes if isinstance(i, ast.If) and "TYPE_CHECKING" in ast.unparse(i.test) for n in i.body}
    for node in nodes:
        if node in types:
            continue
        names = []
        if isinstance(node, ast.ImportFrom):
            base = absolute(node.module, node.level) if node.module else absolute("", node.level)[:-1]
            names = [[*base, alias.name] for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            text = ast.unparse(node.args[0]) if node.args else ""
            text = text.strip("f'\"").replace("{__name__}", ".".join(place(path)).removesuffix(".__init__"))
            level = len(text) - len(text.lstrip("."))
            names = [absolute(text[level:], level)]
        yield from (name for name in names if name[0] == "tinygrad_cnn" and len(name) > 1)


FILES = sorted(p for top in (PACKAGE, ROOT / "viz") for p in top.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.slow
def test_imports_point_down():
    found = {(path, place(path)[1], there) for path in FILES for _, there, *_ in imported(path)}
    wrong = [
        f"{path.relative_to(ROOT)}: {here} imports {there}, which is not below it"
        for path, here, there in found
        if there in FLOOR and there != here and FLOOR[there] >= FLOOR[here]
    ]
    assert wrong == []


@pytest.mark.parametrize("file", ENGINE)
def test_the_engine_is_read_in_one_order(file):
    for _, room, *names in imported(PACKAGE / "engine" / f"{file}.py"):
        if room == "engine" and names:
            assert names[0] in ENGINE[: ENGINE.index(file)], f"{file} imports {names[0]}, which is read later"


def test_every_room_has_a_floor():
    assert {place(p)[1] for p in FILES} <= set(FLOOR)
    assert {p.stem for p in (PACKAGE / "engine").glob("*.py")} == {*ENGINE, "__init__"}


def test_only_viz_knows_graphviz():
    assert [p for p in FILES if place(p)[1] not in ("viz", "cli") and "import graphviz" in p.read_text()] == []
