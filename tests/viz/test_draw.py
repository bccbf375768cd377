"""The pictures of training as SVG: what is in them stands where it should."""

from __future__ import annotations

import base64
import io
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz
from tinygrad_cnn.viz.features import DeadUnits
from tinygrad_cnn.viz.landscape import Landscape

SVG = "{http://www.w3.org/2000/svg}"
MAGENTA = "var(--bad)"


def film(**columns):
    """A History whose steps have these norms, {layer: [norm, ...]}."""
    history = viz.History()
    for row in zip(*columns.values(), strict=True):
        history.step(gradients=dict(zip(columns, row, strict=True)))
    return history


def boxes(svg, look):
    """x and width of each rectangle that is filled so, but those of the legend."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}rect")
    return [
        (float(r.get("x")), float(r.get("width"))) for r in found if r.get("fill") == look and r.get("height") != "11"
    ]


def test_zero_is_open_not_finite_is_magenta_and_not_computed_is_grey():
    svg = viz.draw.gradients(film(a=[1.0, 0.0, 0.0, 1e-3], b=[math.nan, math.inf, 1.0, 1.0], c=[None, None, None, 2.0]))
    ((x0, w0),) = boxes(svg, "none")
    ((x1, w1),) = boxes(svg, MAGENTA)
    ((x2, w2),) = boxes(svg, "var(--rule)")
    assert x0 > x1 == x2
    assert (w0, w1, w2) == (2 * 46 - 1, 2 * 46 - 1, 3 * 46 - 1)
    description = ElementTree.fromstring(svg).find(f"{SVG}desc").text
    assert "not computed: c; zero: a; not finite: b" in description
    assert "norms from 0.001 to 2" in description


def test_the_heat_is_the_logarithm():
    image = pytest.importorskip("PIL.Image", reason="needs pillow")
    svg = viz.draw.gradients(film(a=[1e-4, 1e-2, 1.0, 0.0]))
    data = re.search(r'href="data:image/png;base64,([^"]+)"', svg)[1]
    pixels = np.asarray(image.open(io.BytesIO(base64.b64decode(data))))
    assert pixels.shape == (1, 4, 4)
    assert pixels[0, :, 3].tolist() == [255, 255, 255, 0]
    np.testing.assert_allclose(pixels[0, 1, :3], np.array([188, 55, 84]), atol=1)  # the middle of the scale
    assert pixels[0, 0, :3].sum() < pixels[0, 1, :3].sum() < pixels[0, 2, :3].sum()


def test_a_long_film_is_drawn_as_means_that_hide_no_nan():
    history = film(a=[1.0] * 1000 + [math.nan] + [1.0] * 999, b=[0.0] * 1999 + [5.0])
    svg = viz.draw.gradients(history)
    assert "2000 steps" in svg
    assert "means of 480 groups" in svg
    assert len(boxes(svg, MAGENTA)) == 1
    assert len(svg) < 12_000


def test_two_lines_in_a_loop_film_the_gradients():
    tg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1), nn.Linear(1, 1))
    optimizer = tg.optim.SGD(net[:3].parameters(), lr=0.1)
    history, expected = viz.History(net), []
    for _ in range(5):
        optimizer.zero_grad()
        loss = net[:3](tg.randn(8, 3)).square().mean()
        loss.backward()
        history.step(loss=loss)
        expected.append([np.sqrt(sum((p.grad.numpy() ** 2).sum() for p in net[i].parameters())) for i in (0, 2)])
        optimizer.step()
    layers, norms = history.gradients()
    assert layers == ["0", "2", "3"]
    np.testing.assert_allclose(norms[:2].T, expected, rtol=1e-5)
    assert not history.computed()[2].any()
    assert history.computed()[:2].all()
    assert "0: " in viz.draw.gradients(history)
    again = viz.History.from_json(history.to_json())
    assert again == history
    np.testing.assert_array_equal(again.computed(), history.computed())
    with pytest.raises(TypeError, match=r"nn\.Module"):
        viz.History("net")


def test_histograms_stand_side_by_side():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.Tanh())
    root = ElementTree.fromstring(viz.draw.histograms(viz.activation_histograms(net, tg.randn(9, 3))))
    inner = root.findall(f"{SVG}svg")
    assert [(s.get("x"), s.get("y")) for s in inner] == [("0", "0"), ("276", "0"), ("552", "0"), ("0", "140")]
    assert "1: " in root.find(f"{SVG}desc").text
    assert "nothing was measured" in viz.draw.histograms({})


def test_a_bar_is_as_long_as_the_share_of_dead_units():
    dead = {"a": DeadUnits(np.array([True, False, False, False]), 0.3)}
    dead["b"] = DeadUnits(np.array([True, True]), 1.0)
    svg = viz.draw.dead_units(dead)
    assert [w for _, w in boxes(svg, MAGENTA)] == [75, 300]
    assert "<title>a: dead are 0</title>" in svg
    assert "a: 1 of 4; b: 2 of 2" in svg
    assert "nothing was measured" in viz.draw.dead_units({})


def bowl(**given):
    x, y = np.linspace(-1, 1, 9), np.linspace(-2, 2, 5)
    found = {
        "losses": x[None] ** 2 + y[:, None] ** 2,
        "x": x,
        "y": y,
        "directions": ("d", "e"),
        "points": {"here": (0, 0)},
    }
    return Landscape(**(found | given))


def test_the_landscape_has_its_points_lines_and_scale():
    svg = viz.draw.landscape(bowl(points={"here": (0, 0), "there": (1, 2)}))
    root = ElementTree.fromstring(svg)
    places = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter(f"{SVG}circle")]
    assert places[0] == (62 + 190, 10 + 190)
    assert places[1][0] > places[0][0]
    assert places[1][1] < places[0][1], "upwards is the second direction"
    assert len([p for p in root.iter(f"{SVG}path") if p.get("style")]) == 9
    assert "losses from 0 to 5; across: d; upwards: e" in root.find(f"{SVG}desc").text


def test_a_landscape_of_one_row_is_a_line_over_its_own_x():
    svg = viz.draw.landscape(bowl(losses=np.array([[4.0, 1.0, 0.0]]), x=np.array([-0.5, 0, 0.5]), y=np.zeros(1)))
    assert 'class="line"' in svg
    assert ">-0.4<" in svg or ">-0.5<" in svg


def test_a_landscape_with_holes():
    losses = np.array([[1.0, math.nan], [math.inf, 2.0]])
    svg = viz.draw.landscape(bowl(losses=losses, x=np.array([0.0, 1]), y=np.array([0.0, 1])))
    assert "2 are not finite" in svg
