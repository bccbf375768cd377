"""The page in a real browser, offline."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from graphs import chain, doubled, lenet_step, two_neurons
from opened import Opened, axe_finds_nothing, soon_ready

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz

HERE = Path(__file__).parent


@pytest.fixture
def opened(browser, lenet):
    with Opened(browser, lenet[1]) as o:
        yield o
        assert o.requests == [lenet[1].as_uri()]
        assert o.said == []


def steps(document):
    return [s for one in document["passes"] for s in one["steps"]]


def test_counts_are_the_snapshots(opened, lenet):
    document, _ = lenet
    assert opened.page.locator("#graph .box").count() == len(document["nodes"])
    assert opened.page.locator("#steps li").count() == len(steps(document))
    arrows = sum(len(s["inputs"]) for s in steps(document))
    assert opened.page.locator("#graph .grad").count() == arrows


def shown_number(x):
    return float(x.replace("−", "-"))


def test_the_gradient_at_every_step_is_numpys(browser, tmp_path):
    r, (x, w1, w2) = two_neurons()
    path = tmp_path / "two.html"
    viz.html(r, path)
    x, w1, w2 = (t.detach().numpy().astype(np.float64) for t in (x, w1, w2))
    pre = x @ w1
    h = np.maximum(pre, 0)
    y = h @ w2 + h
    gy = 2 * y
    gh = gy @ w2.T + gy
    expected = {
        "sum": np.ones(()), "mul": np.ones_like(y), "add": gy, "matmul:2": gy, "w2": h.T @ gy, "relu": gh,
        "matmul": gh * (pre > 0), "w1": x.T @ (gh * (pre > 0)),
    }  # fmt: skip
    with Opened(browser, path) as o:
        for i, step in enumerate(steps(r.document), 1):
            assert f"Step {i} of {len(expected)}" in o.text("#step-title")
            text = re.search(r"‖g‖ = (\S+)", o.text("#step .gnorm"))[1]
            assert shown_number(text) == pytest.approx(np.linalg.norm(expected[step["node"]]), rel=1e-3)
            o.key("ArrowRight")


def test_a_walk_to_the_end_by_keyboard_alone(opened, lenet):
    n = len(steps(lenet[0]))
    for k in range(1, n + 1):
        assert opened.text("#counter") == f"step {k} of {n}"
        assert opened.page.locator("#graph .box.now").count() == 1
        assert opened.page.locator("#steps [aria-current=step]").count() == 1
        opened.key("ArrowRight")
    assert "Step" in opened.text("#live")
    opened.key("Home")
    assert opened.page.evaluate("location.hash") == "#step=1"
    opened.key("End")
    assert opened.page.evaluate("location.hash") == f"#step={n}"
    opened.key("ArrowLeft", 2)
    assert opened.text("#counter") == f"step {n - 2} of {n}"


def test_links_to_a_step_and_to_a_node(browser, lenet):
    document, path = lenet
    with Opened(browser, path, "#step=7") as o:
        assert steps(document)[6]["node"] in o.text("#step")
    with Opened(browser, path, "#step=7&depth=0") as o:
        assert o.page.locator("#graph .box").count() < len(document["nodes"])
        assert "fc2" in o.page.locator("#graph .now").text_content()
    with Opened(browser, path, "#step=8&module=fc2") as o:
        assert "fc2.weight" in o.page.locator("#graph .now").text_content()
        assert o.page.locator("#inside").input_value() == "fc2"
    with Opened(browser, path, "#node=conv1.weight") as o:
        assert "conv1.weight" in o.text("#step-title")
    with Opened(browser, path, "#node=x") as o:
        assert "not computed" in o.text("#step")
        assert "requires_grad is False" in o.text("#step")


def test_fold_and_unfold_give_the_same_nodes(opened, lenet):
    def shown():
        boxes = opened.page.locator("#graph .box").evaluate_all("all => all.map(e => e.dataset.nodes)")
        return sorted(int(i) for box in boxes for i in box.split())

    every = list(range(len(lenet[0]["nodes"])))
    before = opened.page.locator("#graph .box").count()
    assert shown() == every
    opened.page.locator("#depth").focus()
    opened.key("ArrowLeft")
    assert opened.page.locator("#graph .box").count() < before
    assert opened.page.locator("#graph .box.now").count() == 1
    assert shown() == every
    opened.key("ArrowRight")
    assert opened.page.locator("#graph .box").count() == before
    assert shown() == every


def test_search(opened):
    opened.key("/")
    assert opened.page.evaluate("document.activeElement.id") == "search"
    opened.page.keyboard.type("conv2 weight")
    assert opened.page.locator("#found a").all_inner_texts()[0] == "conv2.weight"
    opened.key("Enter")
    assert "conv2.weight" in opened.text("#step-title")


def test_boxes_are_focused_in_backward_order(opened, lenet):
    labels = opened.page.locator("#graph .box").evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
    numbers = [int(m[1]) for label in labels if (m := re.search(r"step (\d+)$", label))]
    assert numbers == sorted(numbers)
    assert len(numbers) == len(steps(lenet[0]))
    opened.page.locator("#graph .box").nth(4).focus()
    opened.key("Enter")
    assert opened.text("#counter").startswith("step 5 ")


def test_rule_shapes_and_one_element(opened, lenet):
    number = next(i for i, s in enumerate(steps(lenet[0])) if s["node"] == "conv2/conv2d")
    opened.page.evaluate(f"location.hash = 'step={number + 1}'")
    opened.page.wait_for_function(f"document.getElementById('counter').textContent.startsWith('step {number + 1} ')")
    rule = opened.page.locator("#step .rule").nth(1)
    assert "(16, 6, 5, 5)" in rule.locator("math").text_content()
    assert "…" in rule.locator(".worked").inner_text()
    assert "✓ agrees" in rule.locator(".check").inner_text()
    assert "freed" in opened.text("#step")


def test_heatmaps(opened, lenet):
    document, _ = lenet
    number = next(i for i, s in enumerate(steps(document)) if s["node"] == "conv2/conv2d")
    opened.key("ArrowRight", number)
    cards = opened.page.locator("#tensors .card")
    assert cards.count() >= 6
    first = cards.first
    first.locator("canvas").focus()
    opened.key("ArrowDown")
    text = first.locator(".read").inner_text()
    assert text.startswith("[0, 0, 1, 0] = ≈")
    assert "its patch: rows 1–5, columns 0–4" in text
    opened.page.evaluate("location.hash = 'step=1'")
    opened.page.wait_for_selector("#p-minus-y")
    assert opened.page.locator("#p-minus-y .num").count() == 10


def test_max_pool_route(opened, lenet):
    number = next(i for i, s in enumerate(steps(lenet[0])) if s["node"] == "max_pool2d:2")
    opened.key("ArrowRight", number)
    card = opened.page.locator("#tensors .card").first
    card.locator("canvas").focus()
    opened.key("ArrowDown")
    assert re.search(r"from \[0, 0, [23], [01]\], the largest of its window", card.locator(".read").inner_text())


def test_script_and_nodes_link_both_ways(opened):
    opened.key("End")
    opened.key("ArrowLeft", 2)
    opened.page.locator("#step .where").click()
    assert opened.page.locator("#script .hit").count() == 1
    assert "conv1" in opened.text("#script .hit")
    opened.page.locator("#script .hit button", has_text="relu").first.click()
    assert "relu" in opened.text("#step-title")


def test_cost(opened):
    opened.page.locator("#tab-cost").click()
    assert "Saved for backward" in opened.text("#cost")
    assert opened.page.locator("#cost tbody tr").count() == 13


def test_exports(opened, lenet, tmp_path):
    for button, suffix in (("#save-svg", ".svg"), ("#save-json", ".json")):
        with opened.page.expect_download() as download:
            opened.page.locator(button).click()
        path = tmp_path / f"out{suffix}"
        download.value.save_as(path)
        assert download.value.suggested_filename == f"LeNet{suffix}"
    assert viz.load(tmp_path / "out.json") == lenet[0]


def test_without_scripts(browser, lenet):
    document, path = lenet
    with Opened(browser, path, java_script_enabled=False) as o:
        assert o.page.locator("#graph svg").is_visible()
        assert o.page.locator("#steps li").count() == len(steps(document))
        assert o.page.locator("#steps").is_visible()
        assert not o.page.locator("#slider").is_visible()


def test_hostile_names_stay_text(browser, tmp_path):
    evil = "</script><img src=x onerror=alert(1)>"
    names = [evil, 'a"b\\N<&>', "π̂ 層", "{braces}", "<b>bold</b>"]
    tensors = {name: tg.ones(2, requires_grad=True) for name in names}

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.add_module("<i>inner</i>\\G", nn.Linear(2, 2))

        def forward(self, x):
            return next(self.children())(x)

    with viz.record(names=tensors) as r:
        total = Net()(tg.ones(1, 2)).sum()
        for t in tensors.values():
            total = total + t.sum()
        total.backward()
    path = tmp_path / "evil.html"
    viz.html(r, path)
    with Opened(browser, path) as o:
        assert o.requests == [path.as_uri()]
        assert o.said == []
        assert o.page.locator("img").count() == 0
        titles = o.page.locator("#graph .box text:first-of-type").all_text_contents()
        for name in names:
            assert any(name in t for t in titles), (name, titles)
            o.page.evaluate("n => { location.hash = 'node=' + encodeURIComponent(n) }", name)
            o.page.wait_for_function("n => document.getElementById('step-title').textContent.endsWith(n)", arg=name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, lenet, scheme):
    with Opened(browser, lenet[1], "#step=16", color_scheme=scheme) as o:
        for tab in ("tensors", "list", "script", "cost"):
            o.page.locator(f"#tab-{tab}").click()
            axe_finds_nothing(o.page, scheme, None if tab == "tensors" else "#side-pane")  # which alone has changed


def test_targets_are_24_pixels(opened):
    small = opened.page.evaluate(
        """[...document.querySelectorAll('button, select, input, summary, #steps a, #graph .box')]
        .map(e => [e.id || e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
        .filter(([, r]) => r.width && (r.width < 24 || r.height < 23.9)).map(([name, r]) => [name, r.height])"""
    )
    assert small == []


def test_text_stays_inside_its_boxes(opened):
    outside = opened.page.evaluate(
        """[...document.querySelectorAll('#graph .box')].filter(g => {
            const shape = g.querySelector('path, polygon, ellipse').getBBox();
            return [...g.querySelectorAll('text')].some(t => { const b = t.getBBox();
                return b.x < shape.x - 0.5 || b.x + b.width > shape.x + shape.width + 0.5
                    || b.y < shape.y - 1 || b.y + b.height > shape.y + shape.height + 1; });
        }).map(g => g.textContent)"""
    )
    assert outside == []


def test_print_and_theme(opened):
    opened.page.locator("#theme").click()
    assert opened.page.evaluate("document.documentElement.dataset.theme") == "dark"
    opened.page.emulate_media(media="print")
    assert opened.page.locator("#steps").is_visible()
    assert not opened.page.locator("footer").is_visible()


def test_size_of_lenets_page(lenet):
    assert lenet[1].stat().st_size < 450_000


@pytest.mark.slow
def test_size_of_resnet18s_page():
    from tinygrad_cnn.vision.models import resnet18

    model = resnet18(num_classes=10)
    with viz.record(model, check=False) as r:
        model(tg.randn(2, 3, 32, 32)).square().sum().backward()
    text = viz.html(r)
    assert len(text.encode()) < 2_000_000
    assert "thinned from" in r.document["samples"]["thinned"]


def test_a_link_into_a_long_graph_shows_its_node(browser, tmp_path):
    with viz.record(values=False) as r:
        chain(80).backward()
    viz.html(r, tmp_path / "long.html")
    for number in (2, 60, 80):
        with Opened(browser, tmp_path / "long.html", f"#step={number}") as o:
            inside = o.page.evaluate(
                """(() => { const g = document.getElementById('graph').getBoundingClientRect(),
                    b = document.querySelector('#graph .now').getBoundingClientRect();
                    return b.top >= g.top && b.bottom <= g.bottom && b.left >= g.left && b.right <= g.right; })()"""
            )
            assert inside, number


def test_same_program_same_bytes():
    program = """
from graphs import lenet_step
from tinygrad_cnn import viz
document = lenet_step().document
print(viz.to_json(document), viz.html(document))
"""
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True, text=True, check=True, cwd=HERE, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(texts) == 1


def test_a_pass_with_a_nan_says_where_it_starts(browser, tmp_path):
    x = tg.tensor([0.0, 1.0], requires_grad=True)
    with viz.record() as r:
        (x.log() * 0).sum().backward()
    viz.html(r, tmp_path / "nan.html")
    with Opened(browser, tmp_path / "nan.html", "#node=log") as o:
        assert "The first NaN or infinity" in o.text("#step")
        assert o.said == []


def test_a_snapshot_without_a_backward_pass(browser, tmp_path):
    viz.html(viz.snapshot(doubled(18)), tmp_path / "d.html")
    with Opened(browser, tmp_path / "d.html") as o:
        assert o.page.locator("#graph .box").count() == 19
        assert o.page.locator("#graph .data").count() == 36
        assert "not computed" in o.text("#step")
        o.key("ArrowRight")
        assert o.said == []


def test_diff(browser, tmp_path):
    a, b = lenet_step(2), two_neurons()[0]
    viz.diff(a, b, tmp_path / "diff.html", names=("a.json", "b.json"))
    found = viz.compare(a.document, b.document)
    with Opened(browser, tmp_path / "diff.html") as o:
        assert o.page.locator("#changes tbody tr").count() == len(found["rows"])
        assert found["summary"] in o.text("#changes")
        assert o.page.locator("#changes svg").count() == 1
        assert o.said == []


@pytest.mark.slow
def test_a_thousand_nodes(browser, tmp_path):
    with viz.record(values=False) as r:
        chain(998).backward()
    assert len(r.document["nodes"]) == 1000
    viz.html(r, tmp_path / "k.html")
    with Opened(browser, tmp_path / "k.html") as o:
        assert soon_ready(o)
        took = o.page.evaluate(
            """async () => { const times = []; for (let i = 0; i < 20; i++) {
                const t = performance.now(); document.getElementById('next').click();
                document.body.getBoundingClientRect(); times.push(performance.now() - t);
                await new Promise(requestAnimationFrame); }
              return times.sort((a, b) => a - b)[10]; }"""
        )
    assert took < 50
