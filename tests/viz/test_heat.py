"""How large gradients are, to be seen: the arrows of a picture and its legend."""

from __future__ import annotations

import math
import re

import pytest
from graphs import lenet_step, two_neurons

import tinygrad_cnn as tg
from tinygrad_cnn import viz
from tinygrad_cnn.viz import fold
from tinygrad_cnn.viz.heat import BAD, LIGHT, WIDTHS, ZERO, Scale, heat_scale, scale_of, total


@pytest.mark.parametrize(
    ("norms", "low", "high"),
    [
        ([1.0], -1, 1),
        ([0.02, 3.0], -2, 1),
        ([5e-324, 1e308], -324, 308),
        ([0.0, "NaN", 2.0], -1, 1),
        ([1e-3, 1e-3], -4, -2),
    ],
)
def test_a_scale_covers_whole_powers_of_ten(norms, low, high):
    scale = scale_of(norms)
    assert scale == Scale(low, high)
    for x in norms:
        if isinstance(x, float) and x:
            share = (math.log10(x) - low) / (high - low)
            assert scale.step(x) == min(len(WIDTHS) - 1, int(share * len(WIDTHS)))


def test_nothing_has_no_scale():
    assert scale_of([0.0, "NaN", None]) is None
    assert heat_scale(viz.snapshot(tg.ones(2, requires_grad=True).sum())) is None


@pytest.mark.parametrize(
    ("norms", "expected"), [([], None), ([None, 3.0], 3.0), ([3.0, 4.0], 5.0), ([1.0, "NaN"], "NaN"), ([0, 0], 0)]
)
def test_gradients_of_a_folded_arrow_together(norms, expected):
    assert total(norms) == expected


def edges(source):
    """The gradient arrows of DOT: ‖g‖ as written, colour, width."""
    lines = [line for line in source.splitlines() if 'class="grad' in line]
    return [(re.search(r"‖g‖ (\S+)", line)[1], re.search(r'color="?([^" ]+)', line)[1], line) for line in lines]


def test_width_and_colour_follow_the_logarithm():
    document = lenet_step(check=False).document
    scale = heat_scale(document)
    drawn = edges(viz.dot(document).source)
    assert len(drawn) == sum(len(s["inputs"]) for s in document["passes"][0]["steps"])
    for text, colour, line in drawn:
        step = scale.step(float(text.replace("−", "-")))
        assert colour == LIGHT[step]
        assert f"penwidth={WIDTHS[step]}" in line
    widths = [float(re.search(r"penwidth=(\S+)", line)[1]) for _, _, line in drawn]
    sizes = [float(text.replace("−", "-")) for text, _, _ in drawn]
    assert [w for _, w in sorted(zip(sizes, widths, strict=True))] == sorted(widths)


def test_zero_is_hollow_and_nan_magenta():
    x, y = (tg.tensor([1.0, 4.0], requires_grad=True) for _ in range(2))
    with viz.record() as r:
        ((x * 0).sum() + (y - 4).sqrt().sum()).backward()
    drawn = {text: (colour, line) for text, colour, line in edges(viz.dot(r).source)}
    assert drawn["0"][0] == f"{ZERO}:{ZERO}"
    assert "arrowtail=onormal" in drawn["0"][1]
    assert drawn["NaN" if "NaN" in drawn else "Infinity"][0] == BAD
    assert "style=dotted" in drawn["NaN" if "NaN" in drawn else "Infinity"][1]


def test_a_way_that_gradients_do_not_take_is_cut():
    w, layer = tg.ones(2, requires_grad=True), tg.nn.Linear(2, 2, bias=False).requires_grad_(False)
    with viz.record(layer) as r:
        h = w * 2
        with tg.no_grad():
            target = h + 1
        layer((h.detach() * w - target) * tg.ones(2)).sum().backward()
    cuts = re.findall(r"✂ ([^\",]+)", viz.dot(r, legend=False).source)
    assert sorted(cuts) == ["detached", "frozen", "no_grad"]


def test_the_pass_that_is_shown():
    x = tg.tensor([3.0], requires_grad=True)
    with viz.record(names={"x": x}) as r:
        y = x * x
        y.sum().backward(retain_graph=True)
        (y * 100).sum().backward()
    shown = [[line for *_, line in edges(viz.dot(r, backward=k).source)] for k in (1, 2)]
    assert [sorted(re.findall(r"‖g‖ (\S+)", " ".join(lines))) for lines in shown] == [
        ["1", "3", "3"], ["1", "100", "300", "300"],
    ]  # fmt: skip
    with pytest.raises(ValueError, match="there is no pass 3; this document has 2"):
        viz.dot(r, backward=3)


def test_a_folded_arrow_holds_all_its_gradients():
    document = lenet_step(check=False).document
    whole = fold.view(document, 0)
    box_of = {document["nodes"][k]["id"]: key for key, box in whole.boxes.items() for k in box.nodes}
    norms: dict = {}
    for node in document["nodes"]:
        for step in (s for s in document["passes"][0]["steps"] if s["node"] == node["id"]):
            for one in step["inputs"]:
                ends = (box_of[node["inputs"][one["port"]]["from"]], box_of[node["id"]])
                norms.setdefault(ends, []).append(one["norm"])
    assert all(arrow.norm == total(norms.get((arrow.source, arrow.target), [])) for arrow in whole.arrows)


def test_the_legend_shows_the_scale():
    r, _ = two_neurons()
    source = viz.dot(r).source
    assert all(f'class="heat h{k}" color="{colour}"' in source for k, colour in enumerate(LIGHT))
    ends = heat_scale(r.document).ends()
    assert re.findall(r'heat_\d \[label="?(?:‖g‖ )?([^ "]+)', source) == ends[::-1]
