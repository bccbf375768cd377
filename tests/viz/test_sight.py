"""What the page shows at once: the list of problems with jumps, and gradients as wide and coloured as they are."""

from __future__ import annotations

import nets
import pytest
from graphs import lenet_step
from opened import Opened, axe_finds_nothing

import tinygrad_cnn as tg
from tinygrad_cnn import viz
from tinygrad_cnn.viz.heat import DARK, LIGHT, heat_scale


def page_of(step, path):
    tg.manual_seed(0)
    with viz.record(check=False) as r:
        step()
    viz.html(r, path)
    return r.document


def two_passes():
    x = tg.tensor([3.0, -2.0], requires_grad=True)
    y = x * x
    y.sum().backward(retain_graph=True)
    (y * 1000).sum().backward()


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


KIND = "e => ['h0', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'zero', 'bad'].filter(c => e.classList.contains(c)).join()"


def drawn_heat(o):
    """The classes of the gradient arrows that are drawn in the page."""
    return sorted(o.page.locator("#graph .grad:not(.other-pass)").evaluate_all(f"all => all.map({KIND})"))


def test_arrows_show_the_gradients_of_the_pass(browser, tmp_path):
    path = tmp_path / "two.html"
    document = page_of(two_passes, path)
    scale = heat_scale(document)
    with Opened(browser, path) as o:
        first = 1
        for one in document["passes"]:
            o.page.evaluate(f"location.hash = 'step={first}'")
            o.page.wait_for_function(f"document.getElementById('counter').textContent.startsWith('step {first} ')")
            assert drawn_heat(o) == sorted(scale.kind(i["norm"]) for s in one["steps"] for i in s["inputs"])
            first += len(one["steps"])
        assert o.said == []


def test_zero_is_hollow_and_what_is_cut_has_bars(browser, tmp_path):
    def step():
        w = tg.tensor([1.0, 2.0], requires_grad=True)
        h = w * 2
        ((h.detach() * w).sum() + (w * 0).sum() + (w - 1).sqrt().sum()).backward()

    page_of(step, tmp_path / "cut.html")
    with Opened(browser, tmp_path / "cut.html") as o:
        kinds = set(drawn_heat(o))
        assert kinds >= {"zero", "bad"}
        assert o.page.locator("#graph .grad.zero .core").count() == o.page.locator("#graph .grad.zero").count() > 0
        assert o.page.locator("#graph .cut .bars").count() == 1
        assert "✂ detached" in o.page.locator("#graph .cut").text_content()
        arrows = {kind: o.page.locator(f"#graph .grad.{kind} path").first for kind in kinds}
        wide = {kind: e.evaluate("e => getComputedStyle(e).strokeWidth") for kind, e in arrows.items()}
        assert len(set(wide.values())) == len(kinds)


def test_the_legend_has_the_scale(browser, dead):
    document, path = dead
    ends = heat_scale(document).ends()
    with Opened(browser, path) as o:
        assert f"‖g‖ {ends[0]}" in o.text(".legend")
        assert o.page.locator(".legend .ramp path").count() >= 7
        for what in (ends[-1], "zero", "NaN", "cut"):
            assert what in o.text(".legend")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_the_schemes(browser, dead, scheme):
    colours = LIGHT if scheme == "light" else DARK
    document, path = dead
    scale = heat_scale(document)
    with Opened(browser, path, color_scheme=scheme) as o:
        shown = "e => getComputedStyle(e.querySelector('path')).stroke.match(/\\d+/g).map(Number)"
        for norm in {i["norm"] for s in document["passes"][0]["steps"][1:] for i in s["inputs"] if i["norm"]}:
            colour = colours[scale.step(norm)]
            found = o.page.locator(f"#graph .grad.h{scale.step(norm)}:not(.flow)").first.evaluate(shown)
            assert found == [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_list(browser, dead, scheme):
    with Opened(browser, dead[1], color_scheme=scheme) as o:
        axe_finds_nothing(o.page, scheme)
