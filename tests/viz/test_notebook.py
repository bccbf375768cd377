"""The page inside of a notebook."""

from __future__ import annotations

import re
from html import unescape

import pytest
from graphs import two_neurons
from opened import Opened

from tinygrad_cnn import viz


def test_show_is_the_page_in_a_frame(tmp_path, browser):
    r, _ = two_neurons()
    shown = viz.show(r, height=600)
    assert re.fullmatch(
        r"<Page graph: 6 ops, .* 8 backward steps, [\d,]+ characters; a notebook shows it>", repr(shown)
    )
    frame = shown._repr_html_()
    assert unescape(re.search(r'srcdoc="([^"]*)"', frame)[1]) == viz.html(r)
    path = tmp_path / "notebook.html"
    path.write_text(
        f"<!doctype html><meta charset=utf-8><link rel=icon href='data:,'><h1>A notebook</h1>{frame}", encoding="utf-8"
    )
    with Opened(browser, path) as o:
        inner = o.page.frame_locator("iframe")
        assert inner.locator("#counter").inner_text() == "step 1 of 8"
        inner.locator("#next").click()
        assert inner.locator("#counter").inner_text() == "step 2 of 8"
        inner.locator("body").press("End")
        assert inner.locator("#counter").inner_text() == "step 8 of 8"
        inner.locator("#steps a").first.evaluate("a => a.click()")
        assert inner.locator("#counter").inner_text() == "step 1 of 8"
        with o.page.expect_download() as download:
            inner.locator("#save-json").click()
        download.value.save_as(tmp_path / "out.json")
        assert viz.load(tmp_path / "out.json") == r.document
        assert o.said == []
        assert o.requests == [path.as_uri(), "about:srcdoc"] or o.requests == [path.as_uri()]


@pytest.mark.parametrize("height", [0, -3])
def test_a_frame_has_a_height(height):
    with pytest.raises(ValueError, match="height is a number of pixels"):
        viz.show(two_neurons()[0], height=height)
