"""Fast kernels are tried on small arrays, too, which they are left out for. `shapes.py` is found as scripts find it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tinygrad_cnn import kernels

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _nothing_is_small(monkeypatch):
    monkeypatch.setattr(kernels, "SMALL", 0)
