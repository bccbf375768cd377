"""Figures with matplotlib, and what is said where it is not installed."""

from __future__ import annotations

import builtins
import io

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import viz


@pytest.fixture(scope="module")
def run():
    tg.manual_seed(0)
    history = viz.History()
    for loss in (2.0, 1.0):
        history.step(loss=loss, gradients={"a": loss, "b": None})
        history.epoch(loss=loss, test_loss=loss, accuracy=0.5)
    return history, tg.vision.models.get_model("victorzhou"), tg.randn(2, 1, 28, 28)


FIGURES = {
    "curves": lambda h, net, x: viz.plot.curves(h),
    "no curves": lambda h, net, x: viz.plot.curves(viz.History()),
    "gradients": lambda h, net, x: viz.plot.gradients(h),
    "confusion": lambda h, net, x: viz.plot.confusion(viz.confusion_matrix([0, 0], [0, 1])),
    "filters": lambda h, net, x: viz.plot.filters(viz.filters(net)),
    "colour filters": lambda h, net, x: viz.plot.filters(viz.filters(tg.randn(4, 3, 3, 3))),
    "feature maps": lambda h, net, x: viz.plot.feature_maps(viz.feature_maps(net, x)),
    "histograms": lambda h, net, x: viz.plot.histograms(viz.activation_histograms(net, x)),
    "dead units": lambda h, net, x: viz.plot.dead_units(viz.dead_units(net, x)),
    "no dead units": lambda h, net, x: viz.plot.dead_units({}),
    "landscape": lambda h, net, x: viz.plot.landscape(viz.landscape(net, lambda: net(x).square().mean(), size=3)),
    "line": lambda h, net, x: viz.plot.landscape(viz.landscape(net, lambda: net(x).square().mean(), size=(1, 3))),
    "looks": lambda h, net, x: viz.plot.looks(net, x),
}


@pytest.mark.slow  # the first one imports matplotlib
@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_figures(draw, run):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    out = io.BytesIO()
    draw(*run).savefig(out, format="png")
    assert out.getvalue().startswith(b"\x89PNG")


def test_without_matplotlib_the_cure_is_named(run, monkeypatch):
    def none(name, *args, real=builtins.__import__):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", none)
    with pytest.raises(ImportError, match=r"pip install \"tinygrad_cnn\[plot\]\""):
        viz.plot.curves(run[0])
