"""What the page shows at once: the list of problems with jumps, and gradients as wide and coloured as they are."""

from __future__ import annotations

import nets
import pytest
from graphs import lenet_step
from opened import Opened

import tinygrad_cnn as tg
from tinygrad_cnn import viz
from tinygrad_cnn.viz.heat import heat_scale


def page_of(step, path):
    tg.manual_seed(0)
    with viz.record(check=False) as r:
        step()
    viz.html(r, path)
    return r.document


@pytest.fixture(scope="module")
def dead(tmp_path_factory):
    path = tmp_path_factory.mktemp("sight") / "dead.html"
    return page_of(nets.dead_relu, path), path


def test_problems_are_listed_on_opening_with_jumps(browser, dead):
    document, path = dead
    (problem,) = document["problems"]
    with Opened(browser, path) as o:
        assert o.page.locator("#problems").is_visible()
        assert o.text("#alarm").strip() == "⚠ 1 problem"
        assert problem["text"] in o.text("#problems")
        causes = o.page.locator("#problems details li a")
        assert causes.all_inner_texts() == [cause["text"] for cause in problem["chain"]]
        causes.last.click()
        assert o.text("#step-title").endswith("relu")
        assert o.page.locator("#problems").is_visible()
        o.page.locator("#tab-tensors").click()
        o.page.locator("#alarm").click()
        assert o.page.locator("#problems").is_visible()
        assert o.said == []


def test_no_problem_is_said(browser, tmp_path):
    path = tmp_path / "healthy.html"
    viz.html(lenet_step(check=False), path)
    with Opened(browser, path) as o:
        assert o.page.locator("#alarm").count() == 0
        assert o.page.locator("#tensors").is_visible()
        o.page.locator("#tab-problems").click()
        assert "No problem" in o.text("#problems")


def test_problems_without_scripts(browser, dead):
    document, path = dead
    with Opened(browser, path, java_script_enabled=False) as o:
        assert document["problems"][0]["chain"][-1]["text"] in o.text("#problems")
        assert o.page.locator("#alarm").get_attribute("href") == "#problems"


def test_the_legend_has_the_scale(browser, dead):
    document, path = dead
    ends = heat_scale(document).ends()
    with Opened(browser, path) as o:
        assert f"‖g‖ {ends[0]}" in o.text(".legend")
        assert o.page.locator(".legend .ramp path").count() >= 7
        for what in (ends[-1], "zero", "NaN", "cut"):
            assert what in o.text(".legend")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_list(browser, dead, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with Opened(browser, dead[1], color_scheme=scheme) as o:
        found = axe.Axe().run(o.page)
        assert found.violations_count == 0, found.generate_report()
