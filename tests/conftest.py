"""What all tests share: one seed each, and the default dtype as it was."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tg


@pytest.fixture(autouse=True)
def _same_start():
    tg.manual_seed(0)
    yield
    tg.set_default_dtype(tg.float32)
