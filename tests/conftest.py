"""What all tests share: one seed each, the default dtype as it was, PyTorch's answers, and a small MNIST."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

os.environ.setdefault("TINYGRAD_CNN_KERNELS", "fast")  # waited for: no test is to see them take over in its middle
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each program that is started compiles the package anew

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import ops
from tinygrad_cnn.data import Digits, write_idx

sys.path.insert(0, str(Path(__file__).parent))
from oracle import (  # noqa: F401
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_sessionfinish,
    pytorch,
)

ops.open_all()  # so that tables of all ops have all of them
gc.disable()  # while millions of objects are made that stay: the tests, which are collected now


def pytest_collection_finish() -> None:
    """What is there stays to the end, and no garbage collection in a test is to look through it."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def mnist(tmp_path_factory) -> Path:
    """A folder with the four files of MNIST, made of the packaged digits: 960 to learn from, 192 to test with."""
    folder = tmp_path_factory.mktemp("mnist")
    for part, train, n in (("train", True, 960), ("t10k", False, 192)):
        digits = Digits(train=train)
        images = np.kron(np.stack([digits[i][0].numpy()[0] for i in range(n)]), np.ones((3, 3)))
        images = np.pad(images / images.max() * 255, ((0, 0), (2, 2), (2, 2)))  # (n, 28, 28)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images.astype(np.uint8))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.array([digits[i][1] for i in range(n)], np.uint8))
    return folder


@pytest.fixture(autouse=True)
def _same_start():
    tg.manual_seed(0)
    yield
    tg.set_default_dtype(tg.float32)
