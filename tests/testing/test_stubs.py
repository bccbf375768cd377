"""The stubs say what the declarations say."""

from __future__ import annotations

import sys

import pytest

from tinygrad_cnn.testing.stubs import PACKAGE, stubs

STUBS = stubs() if sys.version_info >= (3, 11) else {}


@pytest.mark.parametrize("path", STUBS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_stub_is_up_to_date(path):
    assert path.read_text(encoding="utf-8") == STUBS[path], "run python -m tinygrad_cnn.testing.stubs"
