"""The small SVG pictures: well-formed, described, the same every time, with numbers where they belong."""

from __future__ import annotations

import io
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tinygrad_cnn import viz
from tinygrad_cnn.viz.charts import ticks
from tinygrad_cnn.viz.pixels import png, shades, signed, unit

HOSTILE = "</script><img src=x onerror=alert(1)>\x00\ud800"
SVG = "{http://www.w3.org/2000/svg}"
IMAGE = np.arange(6, dtype=np.uint8).reshape(2, 3)

PICTURES = {
    "lines": lambda name, **o: viz.line_chart({name: [3.0, 1.0, 2.0]}, name, x_label=name, y_label=name, **o),
    "no lines": lambda name, **o: viz.line_chart({}, name, **o),
    "nothing finite": lambda name, **o: viz.line_chart({name: [math.nan]}, name, **o),
    "one point": lambda name, **o: viz.line_chart({name: [5.0]}, name, **o),
    "constant": lambda name, **o: viz.line_chart({name: [0.0, 0.0], "b": [0.0, 0.0]}, name, **o),
    "many": lambda name, **o: viz.line_chart({name: np.arange(5000) % 7}, name, **o),
    "bars": lambda name, **o: viz.bars([1, 0, 4], [-1, 0, 1, 2], name, x_label=name, **o),
    "no bars": lambda name, **o: viz.bars([0], [0, 1], name, **o),
    "cells": lambda name, **o: viz.heat_map([[1, math.nan]], [name], ["a", "b"], name, x_label=name, y_label=name, **o),
    "one cell": lambda name, **o: viz.heat_map([[7]], [name], [name], name, **o),
    "no cells": lambda name, **o: viz.heat_map(np.ones((0, 0)), [], [], name, **o),
    "images": lambda name, **o: viz.image_grid([IMAGE, IMAGE], [name, "b"], name, marked=[True], **o),
    "no images": lambda name, **o: viz.image_grid([], [], name, **o),
}


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
def test_well_formed_described_and_hostile_names_stay_text(draw):
    svg = draw(HOSTILE, alone=True)
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text.startswith("</script><img")
    assert root.find(f"{SVG}desc").text
    assert not root.findall(".//img")
    assert "prefers-color-scheme:dark" in svg
    assert "prefers-color-scheme" not in draw("a")
    assert "nan" not in re.sub(r"<title>.*?</title>|<desc>.*?</desc>|aria-label=\"[^\"]*\"|<text.*?</text>", "", svg)
    assert draw(HOSTILE, alone=True) == svg


def points(svg):
    path = ElementTree.fromstring(svg).find(f".//{SVG}path[@class='line']").get("d")
    return [(kind, float(x), float(y)) for kind, x, y in re.findall(r"([ML])(\S+) ([^ML]+)", path)]


def test_a_line_goes_through_its_numbers():
    found = points(viz.line_chart({"a": [0.0, 1.0, 4.0]}, "t"))
    (_, x0, y0), (_, x1, y1), (_, x2, y2) = found
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert (y0 - y2) == pytest.approx(4 * (y0 - y1), abs=0.5)


def test_a_gap_where_it_is_not_finite():
    assert [kind for kind, _, _ in points(viz.line_chart({"a": [1, 2, math.nan, 3, math.inf, 4]}, "t"))] == list("MLMM")


def test_series_differ_by_more_than_colour():
    svg = viz.line_chart({"a": [1, 2], "b": [2, 1], "c": [0, 0]}, "t")
    root = ElementTree.fromstring(svg)
    lines = root.findall(f".//{SVG}path[@class='line']")
    assert len({line.get("stroke-dasharray") for line in lines}) == 3
    assert {"a", "b", "c"} <= {t.text for t in root.iter(f"{SVG}text")}
    places = sorted(float(t.get("y")) for t in root.iter(f"{SVG}text") if t.text in "abc")
    assert min(np.diff(places)) >= 14


def test_many_points_are_thinned_and_it_says_so():
    svg = viz.line_chart({"a": np.arange(10_000.0)}, "t")
    assert len(points(svg)) == 300
    assert "means of 300 groups" in svg


@pytest.mark.parametrize(
    ("low", "high", "whole", "expected"),
    [
        (0, 1, False, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-3, 12, False, [-5, 0, 5, 10, 15]),
        (1, 3, True, [1, 2, 3]),
        (5, 5, False, [5, 6, 7, 8, 9, 10]),
        (0, 1e-9, False, [0, 2e-10, 4e-10, 6e-10, 8e-10, 1e-9]),
    ],
)
def test_ticks(low, high, whole, expected):
    np.testing.assert_allclose(ticks(low, high, whole=whole), expected, rtol=1e-9)


def test_bars_are_as_high_as_their_counts():
    root = ElementTree.fromstring(viz.bars([1, 0, 4], [0, 1, 2, 3], "t"))
    heights = [float(r.get("height")) for r in root.iter(f"{SVG}rect")]
    assert len(heights) == 2
    assert heights[1] == pytest.approx(4 * heights[0], abs=0.3)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: viz.bars([1], [0], "t"), "edges"),
        (lambda: viz.heat_map([[1]], ["a", "b"], ["c"], "t"), "2 rows and 1 columns"),
        (lambda: viz.image_grid([IMAGE], [], "t"), "1 images, 0 captions"),
        (lambda: png(np.zeros((2, 2))), "uint8"),
        (lambda: png(np.zeros((0, 2), np.uint8)), "uint8"),
        (lambda: png(np.zeros((2, 2, 2), np.uint8)), "uint8"),
    ],
)
def test_errors(call, match):
    with pytest.raises(ValueError, match=match):
        call()


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3), (1, 1, 4), (1, 1)])
def test_png_reads_back(shape):
    image = pytest.importorskip("PIL.Image", reason="needs pillow")
    a = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(image.open(io.BytesIO(png(a)))), a)


def test_colours_of_signs():
    out = signed([[1.0, -0.5, 0.0, math.nan]])[0]
    assert out[:, 3].tolist() == [255, 128, 0, 110]
    assert out[0, 0] > out[0, 2], "orange"
    assert out[1, 0] < out[1, 2], "blue"
    assert signed([[0.0]])[0, 0, 3] == 0


def test_unit_and_shades():
    np.testing.assert_array_equal(unit([2.0, 4.0, 3.0]), [0, 1, 0.5])
    np.testing.assert_array_equal(unit([5.0, 5.0, math.nan]), [0, 0, 0])
    np.testing.assert_array_equal(unit([math.nan]), [0])
    assert shades([-1, 0.5, 2, math.nan]).tolist() == [0, 128, 255, 0]
