"""Text, DOT, SVG, notebooks: what is drawn of a document."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import runpy
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from graphs import chain, doubled, lenet_step, two_neurons

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz
from tinygrad_cnn.viz import fold
from tinygrad_cnn.viz import svg as svg_function

SVG = importlib.import_module("tinygrad_cnn.viz.svg")


@pytest.fixture(scope="module")
def lenet():
    return lenet_step().document


@pytest.fixture
def neither(monkeypatch):
    monkeypatch.setattr(SVG.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(SVG.shutil, "which", lambda name: None)


MODULES = [m.name for m in pkgutil.iter_modules(viz.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    module = importlib.import_module(f"tinygrad_cnn.viz.{name}")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(module, optionflags=flags).failed == 0


# text


def test_text_names_every_node_and_step(lenet):
    text = viz.text(lenet, width=1000)
    for step in lenet["passes"][0]["steps"]:
        assert f"{step['node']}: ‖g‖" in text
    assert "conv1: Conv2d" in text
    assert max(map(len, viz.text(lenet, width=60).splitlines())) <= 60


def test_text_of_a_long_chain_needs_no_recursion():
    assert len(viz.text(viz.snapshot(chain(2000))).splitlines()) == 2003


# folding


@pytest.mark.parametrize("depth", [0, 1])
def test_folding_loses_no_node(lenet, depth):
    seen = fold.view(lenet, depth)
    assert sorted(i for b in seen.boxes.values() for i in b.nodes) == list(range(len(lenet["nodes"])))
    kinds = {b.kind for b in seen.boxes.values()}
    assert ("module" in kinds) == (depth == 0)


def test_the_inside_of_a_module(lenet):
    seen = fold.view(lenet, module="conv1")
    inside = {b.title for b in seen.boxes.values() if not b.outside}
    assert inside == {"conv2d", "conv1.weight", "conv1.bias"}
    assert {b.title for b in seen.boxes.values() if b.outside} == {"x", "relu"}


def test_hidden_ops_join_their_neighbours(lenet):
    seen = fold.view(lenet, hide=["relu", "flatten"])
    titles = {b.key: b.title for b in seen.boxes.values()}
    joined = {(titles[a.source], titles[a.target]) for a in seen.arrows}
    assert ("conv2d", "max_pool2d") in joined
    assert ("max_pool2d", "linear") in joined
    with pytest.raises(ValueError, match="there is no op rleu in this graph; it has"):
        fold.view(lenet, hide="rleu")
    with pytest.raises(ValueError, match="there is no module 'conv9'"):
        fold.view(lenet, module="conv9")


def test_hiding_everything_in_a_doubling_graph_stays_linear():
    document = viz.snapshot(doubled(60))
    assert len(fold.view(document, hide="add").boxes) == 1


# DOT


def test_dot_tells_kinds_by_shape_and_label(lenet):
    source = viz.dot(lenet, show="shapes,grads,saved,params,values").source
    for shape in ("cylinder", "ellipse", "note", "peripheries=2"):
        assert shape in source
    assert "parameter (6, 1, 5, 5)" in source
    assert "(4, 6, 28, 28)" in source
    assert "no gradient is asked for it" in source
    assert source.count("dir=back") == sum(len(s["inputs"]) for s in lenet["passes"][0]["steps"])
    assert re.search(r"‖g‖ \d", source)


def test_dot_keeps_both_edges_of_a_plus_a():
    source = viz.dot(viz.snapshot(doubled(1)), legend=False).source
    assert source.count("b0 -> b1") == 2


def test_dot_is_linear_and_deterministic():
    one, two = (viz.dot(viz.snapshot(doubled(18))).source for _ in range(2))
    assert one == two
    assert one.count("->") < 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"show": "shape"}, "show: there is no shape; choose of shapes, grads, saved, params, values"),
        ({"direction": "UP"}, "direction: expected TB, BT, LR or RL, got 'UP'"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        viz.dot(viz.snapshot(doubled(1)), **options)


@pytest.mark.parametrize("thing", [3, "x", None])
def test_what_cannot_be_drawn(thing):
    with pytest.raises(TypeError, match="expected a Tensor, a recording or a snapshot"):
        viz.dot(thing)


# SVG


def test_svg_is_well_formed_and_described(lenet, tmp_path):
    text = viz.svg(lenet, tmp_path / "lenet.svg")
    assert (tmp_path / "lenet.svg").read_text(encoding="utf-8") == text
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{space}title").text == "LeNet"
    assert "13 ops" in root.find(f"{space}desc").text
    assert root.get("role") == "img"
    assert "prefers-color-scheme" in text


def test_svg_is_the_same_every_time(lenet):
    assert viz.svg(lenet) == viz.svg(lenet)


def test_neither_layout_program(neither, lenet, tmp_path):
    for draw, name in ((viz.svg, "a.svg"), (viz.html, "a.html")):
        with pytest.raises(RuntimeError, match=r"pip install tinygrad_cnn\[viz\].*`dot` is on the PATH"):
            draw(lenet, tmp_path / name)
        assert not (tmp_path / name).exists()
    assert viz.dot(lenet).source
    assert viz.text(lenet)


def test_by_the_dot_program(monkeypatch, lenet):
    if not SVG.shutil.which("dot"):
        pytest.skip("needs the program dot")
    monkeypatch.setattr(SVG.importlib.util, "find_spec", lambda name: None)
    root = ET.fromstring(viz.svg(lenet))
    assert len(root.findall(".//*[@class]")) > 50


def test_a_layout_that_takes_too_long_folds_modules(monkeypatch, lenet):
    calls = []

    def slow(sources, seconds, form="svg"):
        calls.append(seconds)
        return [None] if len(calls) == 1 else layout(sources, seconds, form)

    layout = SVG.layout
    monkeypatch.setattr(SVG, "layout", slow)
    assert "5 ops inside" not in viz.svg(lenet)
    assert len(calls) == 2
    monkeypatch.setattr(SVG, "layout", lambda *_: [None])
    with pytest.raises(ValueError, match="could not be laid out in 30 s; fold modules"):
        viz.svg(lenet)


def test_the_time_limit_is_kept():
    assert SVG.layout([viz.dot(viz.snapshot(chain(3000))).source], seconds=0.05) == [None]
    assert svg_function is viz.svg


# notebooks


def test_a_graph_shows_itself(lenet, monkeypatch):
    monkeypatch.setattr("tinygrad_cnn.viz.notebook.SECONDS", 60.0)  # the machine may have other work
    page = viz.Graph(lenet)._repr_html_()
    assert page.startswith("<img ")
    assert len(page) < 200_000
    assert "alt=" in page


def test_a_graph_shows_itself_without_any_program(neither, lenet):
    page = viz.Graph(lenet)._repr_html_()
    ET.fromstring(page.replace("<details open>", "<details>"))
    assert "<summary>conv1: Conv2d</summary>" in page


def test_tensors_and_modules_show_themselves():
    w = tg.ones(2, requires_grad=True)
    assert set((w * 2)._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert set(w._repr_mimebundle_()) == {"text/plain"}
    shown = nn.Sequential(nn.Linear(2, 3), nn.ReLU())._repr_mimebundle_()["text/html"]
    assert "<code>weight</code> (3, 2)" in shown
    assert "9 parameters" in shown


def test_a_recording_shows_itself(neither):
    r = viz.record()
    assert "has not ended" in r._repr_html_()
    r, _ = two_neurons()
    assert repr(r) == "<record of graph: 6 ops, 0 parameter tensors, 8 backward steps>"
    assert "<details" in r._repr_html_()


def test_filters_and_feature_maps_show_pictures():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3))
    for layer in (0, 1):
        shown = viz.filters(net, net[layer])._repr_html_()
        assert 'src="data:image/png;base64,' in shown
        ET.fromstring(shown.replace("\xd7", "x"))
    maps = viz.feature_maps(net, tg.randn(2, 3, 8, 8))
    shown = maps._repr_html_()
    assert shown.count("<image ") == 4
    assert "4 of 4 channels of image 0 of 2" in shown
    flat = viz.feature_maps(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten()), tg.randn(2, 1, 2, 2), "1")
    assert flat._repr_html_().count("<image ") == 4


# paper


@pytest.mark.parametrize(("suffix", "head"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_paper(lenet, tmp_path, suffix, head):
    viz.paper(lenet, tmp_path / f"a{suffix}", depth=0)
    drawn = (tmp_path / f"a{suffix}").read_bytes()
    assert drawn[:4] == head
    if suffix == ".pdf":
        viz.paper(lenet, tmp_path / "b.pdf", depth=0)
        assert drawn == (tmp_path / "b.pdf").read_bytes()
    with pytest.raises(ValueError, match=r"ends in \.png or \.pdf"):
        viz.paper(lenet, tmp_path / "a.gif")


# the examples


@pytest.mark.parametrize("name", ["neurons", "second", "shared"])
def test_the_examples_draw(name, tmp_path, monkeypatch, capsys):
    script = Path(__file__).parents[2] / "examples" / "graphs" / "draw.py"
    monkeypatch.setattr(sys, "argv", [str(script), name, "--into", str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{name}.html", f"{name}.svg"]
    assert name in capsys.readouterr().out


# what changed


def test_compare(lenet):
    assert viz.compare(lenet, lenet)["summary"] == "no difference"
    other = two_neurons()[0].document
    found = viz.compare(other, lenet)
    assert {r["what"] for r in found["rows"]} >= {"added", "removed"}
    assert found["marks"]["conv1.weight"] == "added"
    stride = viz.compare(viz.snapshot(doubled(1)), viz.snapshot(doubled(2)))
    assert [r["node"] for r in stride["rows"] if r["what"] == "added"] == ["add:2"]
