"""A box is a call: a module that runs twice is drawn twice, and each backward pass shows its own numbers."""

from __future__ import annotations

import pytest
from graphs import cycle

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz
from tinygrad_cnn.viz import fold
from tinygrad_cnn.viz.dot import figure


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
        self.heads = nn.ModuleList(nn.Linear(2, 2) for _ in range(2))

    def forward(self, x):
        x = self.body(self.body(x).exp())
        return self.heads[1](self.heads[0](x) * 2)


def twice():
    tg.manual_seed(0)
    net = Twice()
    with viz.record(net) as r:
        loss = net(tg.ones(3, 2)).square().sum()
        loss.backward(retain_graph=True)
        (loss * 3).backward()
    return r


@pytest.fixture(scope="module")
def document():
    return twice().document


def test_a_call_is_a_box(document):
    seen = fold.view(document, 0)
    titles = [box.title for box in seen.boxes.values() if box.kind == "module"]
    assert titles == ["body: Sequential", "body: Sequential, call 2", "heads.0: Linear", "heads.1: Linear"]
    drawn = {(seen.boxes[a.source].title, seen.boxes[a.target].title) for a in seen.arrows}
    assert {("body: Sequential", "exp"), ("exp", "body: Sequential, call 2")} <= drawn
    outside = {box.title for box in seen.boxes.values() if box.kind == "parameter"}
    assert outside == {"body.0.weight", "body.0.bias"}  # of two calls, so in neither


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_folded_to_any_depth_nothing_needs_itself(document, depth):
    seen = fold.view(document, depth)
    assert cycle(seen) is None
    assert sorted(i for box in seen.boxes.values() for i in box.nodes) == list(range(len(document["nodes"])))


def test_frames_are_calls(document):
    source = viz.dot(document).source
    assert source.count("body: Sequential") == 2
    assert "body: Sequential, call 2" in source
    inside = fold.view(document, 1, module="heads")
    assert [frame.module for frame in inside.frames] == ["heads.0", "heads.1"]


def test_each_pass_has_its_numbers(document):
    seen = fold.view(document)
    assert len(document["passes"]) == 2
    given = [
        {(s["node"], one["port"]): one["norm"] for s in p["steps"] for one in s["inputs"]} for p in document["passes"]
    ]
    both = 0
    for a in seen.arrows:
        target = document["nodes"][a.target_node]
        port = next(i for i, e in enumerate(target["inputs"]) if e["port"] == a.port)
        assert {k: one["norm"] for k, one in a.passes.items()} == {
            k: norms[target["id"], port] for k, norms in enumerate(given) if (target["id"], port) in norms
        }
        both += len(a.passes) == 2
    assert both > 5
    first, second = (next(s["norm"] for s in p["steps"] if s["node"] == "sum") for p in document["passes"])
    assert second == pytest.approx(3 * first)


@pytest.mark.slow
def test_the_page_shows_the_pass_that_the_step_is_in(browser, tmp_path):
    r = twice()
    document = r.document
    viz.html(r, tmp_path / "twice.html")
    page = browser.new_page()
    first = len(document["passes"][0]["steps"])
    shown = []
    for one, offset in zip(document["passes"], (0, first), strict=True):
        k, step = next((k, s) for k, s in enumerate(one["steps"]) if s["node"] == "body.1/tanh:2")
        page.goto((tmp_path / "twice.html").as_uri() + f"#step={offset + k + 1}")
        page.reload()
        texts = page.locator("#graph .grad.flow text").all_text_contents()
        assert texts[0] == f"‖g‖ {figure(step['inputs'][0]['norm'])}", texts
        shown.append(texts[0])
        assert page.locator("#graph .box.now text").first.text_content().startswith(f"{offset + k + 1}◂ ")
    assert shown[0] != shown[1]
    page.close()
    page.close()
