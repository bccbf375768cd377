"""What all tests share: one seed each, the default dtype as it was, and PyTorch's answers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tinygrad_cnn as tg

sys.path.insert(0, str(Path(__file__).parent))
from oracle import (  # noqa: F401
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_sessionfinish,
    pytorch,
)


@pytest.fixture(autouse=True)
def _same_start():
    tg.manual_seed(0)
    yield
    tg.set_default_dtype(tg.float32)
