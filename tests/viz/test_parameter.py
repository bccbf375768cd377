"""A parameter's page, and the search that leads to it."""

from __future__ import annotations

from pathlib import Path

import graphs
import numpy as np
import pytest
from graphs import lenet_step
from opened import Opened, axe_finds_nothing

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz

LINE = next(n for n, text in enumerate(Path(graphs.__file__).read_text().splitlines(), 1) if "self.conv1(x)" in text)


def shared():
    """One weight in three uses, and a step of an optimizer."""
    w = tg.tensor([1.0, -2.0, 0.5], requires_grad=True)
    x = tg.tensor([3.0, 1.0, 2.0])
    optimizer = tg.optim.SGD([w], lr=0.1, momentum=0.9)
    with viz.record(names={"w": w, "x": x}) as r:
        ((w * x).sum() + (w * w).sum()).backward()
        optimizer.step()
    return r


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    viz.html(shared(), folder / "shared.html")
    viz.html(lenet_step(), folder / "lenet.html")
    net = nn.Linear(2, 2)
    x = tg.tensor([[-1.0, 0.0]])
    with viz.record(net, names={"x": x}) as r:
        ((net(x) * 0).relu() + x.log()).sum().backward()
    viz.html(r, folder / "bad.html")
    return {path.stem: path for path in folder.iterdir()}


def test_shares_add_up_to_one():
    document = shared().document
    uses = [i for s in document["passes"][0]["steps"] for i in s["inputs"] if i["node"] == "w"]
    x, w = np.array([3.0, 1.0, 2.0]), np.array([1.0, -2.0, 0.5])
    total = x + 2 * w
    expected = sorted(float(part @ total / (total @ total)) for part in (x, w, w))
    assert sorted(u["share"] for u in uses) == pytest.approx(expected, rel=1e-5)
    assert sum(u["share"] for u in uses) == pytest.approx(1, abs=1e-5)


def test_what_an_optimizer_did_is_in_the_document():
    (update,) = shared().document["updates"]
    g = np.array([3.0, 1.0, 2.0]) + 2 * np.array([1.0, -2.0, 0.5])
    assert update["optimizer"] == "SGD"
    assert update["sizes"]["w"] == {
        "weight": pytest.approx(np.sqrt(5.25), rel=1e-5), "change": pytest.approx(0.1 * np.linalg.norm(g), rel=1e-5),
        "lr": 0.1,
    }  # fmt: skip


def test_the_page_of_a_parameter(opening):
    o = opening("shared")
    o.key("/")
    o.page.keyboard.type("w")
    o.key("Enter")  # the only key between the search and the page
    text = o.text("#step")
    assert "the sum over 3 uses" in text
    assert o.page.locator("#step .shares tbody tr").count() == 4
    assert "100 %" in text
    shares = [
        float(c.split()[0].replace("−", "-"))
        for c in o.page.locator("#step .shares tbody td:nth-child(3)").all_inner_texts()
    ]
    assert sum(shares[:-1]) == pytest.approx(100, abs=0.1)
    assert o.page.locator("#step .formula math").count() >= 2
    assert "SGD with lr = 0.1" in text
    assert "‖Δw‖ / ‖w‖" in text
    assert "3 ways" in text
    assert o.page.locator("#step .way a").first.inner_text() == "add"
    assert o.page.locator("#graph .box.path").count() == 6  # all but x
    assert o.page.locator("#graph .grad.path").count() == 7
    o.key("ArrowLeft")
    assert o.page.locator("#graph .path").count() == 0


def test_what_a_hook_made_of_the_sum_is_told_from_it(browser, tmp_path):
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    w.register_hook(lambda g: g * 10)
    with viz.record(names={"w": w}) as r:
        (w * 2 + w).sum().backward()
    viz.html(r, tmp_path / "hook.html")
    with Opened(browser, tmp_path / "hook.html", "#node=w") as o:
        assert o.page.locator("#step .shares tr").last.locator("td").first.inner_text() == "4.243"
        assert "A hook made ‖g‖ = 42.43 of it." in o.text("#step")
        assert o.said == []


def test_without_an_optimizer_it_says_gradient_and_not_update(opening):
    o = opening("lenet", "#node=conv1.weight")
    text = o.text("#step")
    assert "one use" in text
    assert "‖g‖ / ‖w‖ = " in text
    assert "not the update" in text
    assert "One way" in text
    assert o.page.locator("#step .way li").last.inner_text() == "conv1.weight"


FOUND = {
    "lenet": {
        "conv2 weight": "conv2.weight",
        "(16, 6, 5, 5)": "conv2.weight",
        "16×6×5×5": "conv2.weight",
        "400,120": None,
        f"graphs.py:{LINE}": "conv1/conv2d",
        f"line {LINE} relu": "relu",
        f"{LINE} max": "max_pool2d",
        "weight 120": "fc1.weight",
        "max_pool2d:2": "max_pool2d:2",
    },
    "bad": {
        "nan": "log",
        "zero relu": "relu",
        "weight zero": "weight",
    },
}


@pytest.mark.parametrize("page", FOUND)
def test_search_by_name_shape_line_nan_and_zero(opening, page):
    o = opening(page)
    for typed, first in FOUND[page].items():
        o.page.locator("#search").fill(typed)
        found = o.page.locator("#found a").all_inner_texts()
        assert found[:1] == ([first] if first else []), (typed, found)


def test_results_are_walked_by_arrows(opening):
    o = opening("lenet")
    o.key("/")
    o.page.keyboard.type("weight")
    second = o.page.locator("#found a").nth(1).inner_text()
    o.key("ArrowDown", 2)
    o.key("Enter")
    assert second in o.text("#step-title")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opening, scheme):
    o = opening("shared", "#node=w", color_scheme=scheme)
    o.key("/")
    o.page.keyboard.type("w")
    axe_finds_nothing(o.page, scheme)
