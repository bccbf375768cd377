"""Fast kernels are tried on small arrays, too, which they are left out for."""

from __future__ import annotations

import pytest

from tinygrad_cnn import kernels


@pytest.fixture(autouse=True)
def _nothing_is_small(monkeypatch):
    monkeypatch.setattr(kernels, "SMALL", 0)
