"""What the package offers, and what it brings in: names, docstrings, packages, imports."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_cnn as tg

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "tinygrad_cnn").rglob("*.py"), *(ROOT / "viz").rglob("*.py")])

# The rooms and paths that PyTorch scripts import from.
PATHS = """
    tinygrad_cnn.autograd tinygrad_cnn.nn tinygrad_cnn.nn.functional tinygrad_cnn.nn.init tinygrad_cnn.nn.utils
    tinygrad_cnn.nn.parallel tinygrad_cnn.nn.parameter tinygrad_cnn.optim tinygrad_cnn.optim.lr_scheduler
    tinygrad_cnn.utils.data tinygrad_cnn.utils.data.sampler tinygrad_cnn.backends.cudnn tinygrad_cnn.multiprocessing
    tinygrad_cnn.cuda tinygrad_cnn.accelerator tinygrad_cnn.vision tinygrad_cnn.vision.datasets
    tinygrad_cnn.vision.transforms tinygrad_cnn.vision.models tinygrad_cnn.vision.utils tinygrad_cnn.data
    tinygrad_cnn.testing tinygrad_cnn.checkpoint tinygrad_cnn.viz
""".split()


@pytest.mark.parametrize("path", PATHS)
def test_paths_can_be_imported(path):
    code = f"import {path}"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_rooms_are_reached_as_attributes():
    code = "import tinygrad_cnn as t; t.nn.Linear, t.optim.SGD, t.utils.data.DataLoader, t.vision.datasets, t.viz.text"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_wrong_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'tensr'"):
        tg.tensr  # noqa: B018


def test_import_brings_in_numpy_alone():
    code = (
        "import tinygrad_cnn, sys; print([m for m in ('numba', 'matplotlib', 'PIL', 'graphviz') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_package_runs_on_numpy_alone():
    """With every other distribution out of reach: import, a network, a step."""
    code = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"numba", "graphviz", "threadpoolctl", "PIL", "matplotlib", "tqdm", "safetensors"}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Nothing())
import tinygrad_cnn as tg
net = tg.nn.Sequential(tg.nn.Conv2d(1, 8, 3), tg.nn.ReLU(), tg.nn.Flatten(), tg.nn.Linear(8 * 26 * 26, 10))
optimizer = tg.optim.SGD(net.parameters(), lr=0.1)
tg.nn.functional.cross_entropy(net(tg.randn(8, 1, 28, 28)), tg.arange(8)).backward()
optimizer.step()
print("ok", tg.kernels.status()["kernels"])
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "ok reference", done.stderr


def public(module):
    for name, value in vars(module).items():
        ours = getattr(value, "__module__", "").startswith("tinygrad_cnn")
        if ours and not name.startswith("_") and (inspect.isfunction(value) or inspect.isclass(value)):
            yield name, value


@pytest.mark.parametrize("module", [tg, tg.nn, tg.nn.functional, tg.optim, tg.data, tg.testing, tg.viz],
                         ids=lambda m: m.__name__)  # fmt: skip
def test_every_public_name_has_a_docstring(module):
    assert [name for name, value in public(module) if not inspect.getdoc(value)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_opens_with_what_it_is(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) or not tree.body


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_holds_two_ideas(path):
    assert len(path.read_text().splitlines()) <= 600


def test_every_folder_is_packaged():
    listed = re.search(r"packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.S).group(1)
    packages = set(re.findall(r'"([\w.]+)"', listed))
    found = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "tinygrad_cnn").rglob("__init__.py")}
    assert packages == found | {"tinygrad_cnn.viz"}
