"""The page on a phone, on paper, and on a projector."""

from __future__ import annotations

import re

import pytest
from opened import Opened, axe_finds_nothing
from test_page import steps

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SEEN = """e => { const r = e.getBoundingClientRect();
    return r.width > 0 && r.top >= 0 && r.left >= 0 && r.bottom <= innerHeight && r.right <= innerWidth; }"""
INSIDE = """() => { const box = document.querySelector('#graph .now').getBoundingClientRect(),
    pane = document.getElementById('graph').getBoundingClientRect();
    return box.top >= pane.top - 1 && box.bottom <= Math.min(pane.bottom, innerHeight) + 1
        && box.left >= pane.left - 1 && box.right <= pane.right + 1; }"""


# phone


@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_page_is_wider_than_its_screen_and_the_node_is_on_it(browser, lenet, width):
    with Opened(browser, lenet[1], **(PHONE | {"viewport": {"width": width, "height": 844}})) as o:
        for k in (0, 5, 5, 4):
            for _ in range(k):
                o.page.locator("#next").click()
            assert o.page.evaluate("document.documentElement.scrollWidth") <= width
            assert o.page.evaluate("visualViewport.width") == pytest.approx(width, abs=1)
            assert o.page.evaluate(INSIDE)
        for tab in ("list", "script", "cost", "tensors"):
            o.page.locator(f"#tab-{tab}").click()
            assert o.page.evaluate("document.documentElement.scrollWidth") <= width, tab
        assert o.page.locator("#next").evaluate(SEEN)
        assert o.said == []


def test_the_picture_stays_while_the_rule_is_read(browser, lenet):
    with Opened(browser, lenet[1], "#step=6", **PHONE) as o:
        o.page.locator("#step .rule").last.scroll_into_view_if_needed()
        assert o.page.evaluate("scrollY") > 100
        assert o.page.locator("#graph .now").evaluate(SEEN)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_phone(browser, lenet, scheme):
    with Opened(browser, lenet[1], "#step=6", **PHONE, color_scheme=scheme) as o:
        axe_finds_nothing(o.page, scheme)


# paper


def test_the_first_sheet_has_the_picture_and_the_rest_the_steps(browser, lenet):
    with Opened(browser, lenet[1], "#step=6", color_scheme="dark") as o:
        o.page.emulate_media(media="print")
        o.page.set_viewport_size({"width": 688, "height": 1017})  # A4 without its margins, at 96 pixels an inch
        picture = o.page.locator("#graph svg").bounding_box()
        assert picture["y"] < 200
        assert picture["y"] + picture["height"] <= 1017
        assert o.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
        fills = o.page.locator("#graph .box.op path").first.evaluate("e => getComputedStyle(e).fill")
        assert fills == "rgb(232, 238, 252)", "as by day"
        assert o.page.locator("#step .rule").first.is_visible()
        assert o.page.locator("#steps li").last.is_visible()
        for control in ("footer", "#search", ".tools", "#zoom-fit", "[role=tablist]", "#tensors"):
            assert not o.page.locator(control).is_visible(), control
        sheets = len(re.findall(rb"/Type\s*/Page\b", o.page.pdf(format="A4")))
        assert 2 <= sheets <= 5


# projector


def test_a_presentation_shows_one_thing_at_a_time_in_large_type(browser, lenet):
    with Opened(browser, lenet[1], viewport={"width": 1280, "height": 720}) as o:
        ordinary = o.page.locator("#step-title").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        o.key("f")
        assert o.page.locator("#step-title").evaluate("e => parseFloat(getComputedStyle(e).fontSize)") > 2 * ordinary
        seen = []
        for _ in range(60):
            shown = o.page.evaluate(
                "[...document.querySelectorAll('#graph, #step > *, #tensors')].filter(e => e.getClientRects().length)"
                ".map(e => e.matches('.rule') ? 'rule' : e.id || 'text')"
            )
            assert shown in (["graph"], ["tensors"], ["rule"]) or set(shown) == {"text"}, shown
            if shown == ["graph"]:
                assert o.page.evaluate(INSIDE)
                tall = o.page.locator("#graph .now text").first.evaluate("e => e.getBoundingClientRect().height")
                assert tall >= 22
            seen.append((o.text("#counter"), shown[0]))
            o.key("PageDown")
        rules = sum(len(s["inputs"]) for s in steps(lenet[0]))
        assert [where for where, _ in seen] == sorted((w for w, _ in seen), key=lambda w: int(re.findall(r"\d+", w)[0]))
        assert len(set(seen)) > 20
        assert 5 < sum(what == "rule" for _, what in seen) <= rules
        assert o.said == []


def test_a_presentation_goes_back_the_way_it_came_and_is_left_by_escape(browser, lenet):
    with Opened(browser, lenet[1]) as o:
        o.page.locator("#present").click()
        way = []
        for _ in range(9):
            way.append((o.text("#counter"), o.text("#things")))
            o.key("ArrowRight")
        for before in reversed(way):
            o.key("ArrowLeft")
            assert (o.text("#counter"), o.text("#things")) == before
        o.key("ArrowLeft")
        assert o.text("#counter").startswith("forward "), "before backward comes forward"
        o.key("ArrowRight")
        assert (o.text("#counter"), o.text("#things")) == way[0]
        o.page.locator("#next").click()
        assert (o.text("#counter"), o.text("#things")) == way[1]
        o.key("Escape")
        assert not o.page.evaluate("document.documentElement.classList.contains('present')")
        assert o.page.locator("#side-pane").is_visible()
        o.key("ArrowRight")
        assert o.text("#counter").startswith("step 2 ")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_presentation(browser, lenet, scheme):
    with Opened(browser, lenet[1], "#step=6", color_scheme=scheme) as o:
        o.key("f")
        for _ in range(4):
            axe_finds_nothing(o.page, scheme)
            o.key("ArrowRight")
