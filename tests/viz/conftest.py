"""What the tests of this folder share: a browser, and `graphs.py`, which programs that they start find as they do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from graphs import lenet_step
from opened import CHROMIUM, Opened

from tinygrad_cnn import viz
from tinygrad_cnn.viz.svg import kept


@pytest.fixture(scope="session", autouse=True)
def one_layout_program():
    with kept():
        yield


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium on the PATH")
    with api.sync_playwright() as p:
        running = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def lenet(tmp_path_factory):
    """The document of a step of LeNet, and where its page is."""
    document = lenet_step().document
    path = tmp_path_factory.mktemp("page") / "lenet.html"
    viz.html(document, path)
    return document, path


@pytest.fixture
def opening(browser, pages):
    """opening(name): that one of a module's `pages`, open; behind the test it is known to have said nothing."""
    held = []

    def opening(name, hash_="", **options):
        held.append(Opened(browser, pages[name], hash_, **options))
        return held[-1]

    yield opening
    for o in held:
        said = o.said
        o.close()
        assert said == []
