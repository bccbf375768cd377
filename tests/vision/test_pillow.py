"""Pillow is an extra: nothing imports it before a picture is there, and without it the error names the cure."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.vision import datasets, transforms, utils
from tinygrad_cnn.vision.pillow import is_picture


@pytest.fixture
def no_pillow(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)


@pytest.mark.parametrize(
    "use",
    [
        lambda path: transforms.ToPILImage()(tg.zeros(1, 2, 2)),
        lambda path: datasets.FakeData(size=1)[0],
        lambda path: datasets.folder.default_loader(path / "x.png"),
        lambda path: utils.save_image(tg.zeros(1, 2, 2), path / "x.png"),
    ],
)
def test_without_pillow_the_cure_is_named(no_pillow, tmp_path, use):
    with pytest.raises(ImportError, match=r'pip install "tinygrad_cnn\[vision\]"'):
        use(tmp_path)


def test_without_pillow_tensors_still_work(no_pillow):
    assert not is_picture(np.zeros(2))
    x = transforms.Compose([transforms.ToTensor(), transforms.Resize(4), transforms.Normalize([0.5], [0.5])])(
        np.zeros((8, 8, 1), np.uint8)
    )
    assert x.shape == (1, 4, 4)


@pytest.mark.slow
def test_importing_vision_imports_no_pillow():
    code = "import sys, tinygrad_cnn.vision; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
