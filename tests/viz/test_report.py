"""The report of a run: what is in it, the same bytes for one seed, and how it stands in a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest
from opened import axe_finds_nothing

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz
from tinygrad_cnn.cli import main
from tinygrad_cnn.viz.landscape import Landscape

HOSTILE = '</style></script><img src="http://localhost/x" onerror=alert(1)>'


SURFACE = Landscape(np.eye(3), np.arange(3.0), np.arange(3.0), ("across", "up"), {"here": (1.0, 1.0)})


def run(name="conv", channels=1, n=40, classes=3):
    """What a short run leaves behind: a history, a network, images and labels."""
    tg.manual_seed(0)
    model = nn.Sequential(
        OrderedDict(
            [
                (name, nn.Conv2d(channels, 4, 3)),
                ("relu", nn.ReLU()),
                ("conv2", nn.Conv2d(4, 4, 3)),
                ("flat", nn.Flatten()),
                ("fc", nn.Linear(64, classes)),
            ]
        )
    )
    history = viz.History()
    for i in range(1, 4):
        history.step(loss=2 / i, gradients={name: 1 / i, "fc": 0.1, "frozen": None})
        history.epoch(loss=2 / i, test_loss=2.5 / i, accuracy=i / 4, lr=0.1, other=i)
    rng = np.random.default_rng(0)
    return history, model, rng.normal(size=(n, channels, 8, 8)).astype(np.float32), rng.integers(0, classes, n)


def whole(**options):
    history, model, images, labels = run(**options)
    return viz.report(
        history, model=model, images=images, labels=labels, title="A run", facts={"seed": 0}, landscape=SURFACE
    )


def headings(page):
    return re.findall(r'<h2 id="(\w+)"', page)


def test_everything_is_there():
    page = whole()
    assert headings(page) == [
        "curves",
        "gradients",
        "confusion",
        "landscape",
        "filters",
        "maps",
        "activations",
        "looks",
        "summary",
    ]
    targets = re.findall(r'href="#([\w-]+)"', page)
    for target in targets:
        assert page.count(f'id="{target}"') == 1


def test_a_layer_called_0_is_read_as_that():
    page = whole(name="0")
    assert "layer <b>0</b>" in page
    assert "<code>" not in page  # whose zeros have a stroke, or a dot


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"history": viz.History()}, []),
        ({"history": run()[0]}, ["curves", "gradients"]),
        ({"model": run()[1]}, ["filters"]),
        ({"model": nn.Linear(3, 2)}, []),
        ({"model": run()[1], "images": run()[2]}, ["filters", "maps", "activations", "looks", "summary"]),
        ({"model": run()[1], "images": run()[2][:0], "labels": []}, ["confusion", "filters"]),
        ({"confusion": viz.confusion_matrix([1, 1], [0, 1])}, ["confusion"]),
        ({"confusion": viz.confusion_matrix([], [])}, ["confusion"]),
        ({"balance": {"training": [0, 1, 1], "test": []}}, ["balance"]),
        ({"landscape": SURFACE}, ["landscape"]),
        ({"confusion": viz.confusion_matrix([1, 1], [0, 1]), "images": run()[2][:2]}, ["confusion"]),
        ({"model": nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), "images": run()[2]}, ["activations", "summary"]),
        ({"model": run(channels=2)[1], "images": run(channels=2)[2]}, ["filters", "maps", "activations", "summary"]),
    ],
)
def test_what_is_not_given_is_left_out(options, expected):
    assert headings(viz.report(**options)) == expected


def test_cells_list_their_images():
    _, model, images, labels = run()
    with tg.no_grad():
        found = viz.confusion_matrix(model(tg.from_numpy(images)), labels)
    page = whole()
    for t, p in np.argwhere(found.counts):
        card = re.search(rf'id="cell-{t}-{p}".*?</div>', page)
        if t == p:
            assert card is None
        else:
            listed = [int(i) for i in re.findall(r'class="small">#(\d+)<', card[0])]
            assert listed == found.images(t, p)[:12].tolist()


def test_colour_images_and_many_classes():
    history, model, images, _ = run(channels=3, classes=60)
    labels = np.arange(40)
    page = viz.report(history, model=model, images=images, labels=labels, classes=[f"kind {i}" for i in range(60)])
    assert "looks" in headings(page)
    assert '<table class="confusion">' not in page
    assert "more cells with mistakes" in page


def test_class_balance():
    page = viz.report(balance={"training": [0, 0, 0, 1], "test": tg.tensor([1])}, classes=["cat", "<dog>"])
    assert "training: 4 images of 2 classes, 3.0 times as many of cat, the most, as of &lt;dog&gt;, the fewest." in page
    assert "test: 1 images of 2 classes, of which cat have none." in page
    row = re.search(r'<tr><th scope="row">cat</th>(.*?)</tr>', page)[1]
    assert re.findall(r">([\d.%]+)<", row) == ["3", "75.0%", "0", "0.0%"]


def test_the_model_is_left_as_it_was():
    _, model, images, labels = run()
    before = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    state = tg.get_rng_state()
    viz.report(model=model, images=images, labels=labels)
    assert tg.get_rng_state() == state
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"history": "loss"}, TypeError, "viz.History"),
        ({"model": "net"}, TypeError, "nn.Module"),
        ({"images": np.zeros((2, 8, 8))}, ValueError, r"\(N,C,H,W\)"),
        ({"images": run()[2], "confusion": viz.confusion_matrix([0], [0])}, ValueError, "40 images, but 1"),
        ({"images": run()[2], "model": run()[1], "labels": [0]}, ValueError, "40 images, but 1 labels"),
        (
            {"balance": {"training": [0, 2]}, "classes": ["a", "b"]},
            ValueError,
            "labels of training in balance are 0 to 2",
        ),
    ],
)
def test_nothing_is_written_on_a_mistake(options, error, match, tmp_path):
    with pytest.raises(error, match=match):
        viz.report(**{"history": None, **options}, path=tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(tmp_path):
    code = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); import test_report as t; " + (
        "open(sys.argv[1], 'w', encoding='utf-8').write(t.whole())"
    )
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)], check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
    first, second = ((tmp_path / seed).read_bytes() for seed in ("1", "2"))
    assert first == second


@pytest.mark.slow
def test_train_writes_it(tmp_path, capsys):
    files = [tmp_path / "a.html", tmp_path / "b.html"]
    for file in files:
        assert main(["train", "--epochs", "1", "--limit", "200", "--report", str(file)]) == 0
    assert "test accuracy" in capsys.readouterr().out
    assert files[0].read_bytes() == files[1].read_bytes()
    page = files[0].read_text(encoding="utf-8")
    assert headings(page)[:3] == ["curves", "gradients", "confusion"]


def test_train_refuses_a_report_that_cannot_be_written(tmp_path, capsys):
    assert main(["train", "--report", str(tmp_path / "no" / "r.html")]) == 2
    assert "--report: there is no directory" in capsys.readouterr().err


# in a browser


@pytest.fixture
def open_page(browser, tmp_path):
    contexts = []

    def opened(html, **options):
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.said = [], []
        page.on("request", lambda r: page.asked.append(r.url))
        page.on("console", lambda m: page.said.append(m.text))
        page.on("pageerror", lambda e: page.said.append(str(e)))
        page.goto(path.as_uri())
        page.asked = [url for url in page.asked if not url.startswith("data:")]
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser(open_page, scheme):
    page = open_page(whole(), color_scheme=scheme)
    assert page.asked == [page.url]
    assert page.said == []
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    axe_finds_nothing(page, scheme)
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    broken = page.evaluate("[...document.images].filter(i => !i.naturalWidth).length")
    assert broken == 0


def test_a_cell_leads_to_its_images_without_a_script(open_page):
    page = open_page(whole(), java_script_enabled=False)
    link = page.locator("table.confusion a").first
    target = link.get_attribute("href")
    link.click()
    assert page.url.endswith(target)
    assert page.locator(f"{target} svg image").count() > 0


def test_hostile_names_stay_text(open_page):
    history, model, images, labels = run(name=HOSTILE.replace(".", "·"))
    history.epoch(**{HOSTILE: 1.0})
    page = open_page(
        viz.report(
            history,
            model=model,
            images=images,
            labels=labels,
            classes=[HOSTILE + str(i) for i in range(3)],
            title=HOSTILE,
            facts={HOSTILE: HOSTILE},
        )
    )
    assert page.asked == [page.url]
    assert page.said == []
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("script").count() == 0
    assert page.locator("table.confusion thead th").first.inner_text() == HOSTILE + "0"


def test_narrow_pages_do_not_scroll_sideways(open_page):
    page = open_page(whole(), viewport={"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
