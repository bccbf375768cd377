"""`tinygrad-cnn bench scaling`: figures that add up, and a model that knows what it was fitted on."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from ranks import needs_mpi

import tinygrad_cnn as tg
from tinygrad_cnn.cli import UserError, main
from tinygrad_cnn.cli.bench import cost, scaling
from tinygrad_cnn.cli.bench.cost import Link
from tinygrad_cnn.cli.bench.turns import Settings


@needs_mpi
@pytest.mark.slow
def test_json(capsys, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("TINYGRAD_CNN_KERNELS", "numpy")
    picture = tmp_path / "scaling.svg"
    with tg.kernels.use("numpy"):
        code = main(["bench", "scaling", "--quick", "--against", "none", "--json", "--plot", str(picture)])
    out, err = capsys.readouterr()
    assert code == 0
    found = json.loads(out)["scaling"]
    network = found["networks"]["victorzhou_b64"]
    assert sum(network["messages"]) == 4 * (8 * 9 + 8 + 13 * 13 * 8 * 10 + 10)  # every parameter once, in float32
    assert 0 <= network["hidden"] <= 1
    assert network["step"] > 0 < network["communication"]
    assert [{*row} for row in found["ranks"]] == [{"batch", "one process", "1 ranks", "2 ranks", "4 ranks"}]
    (carried,) = found["carried"].values()
    assert [row["machines"] for row in carried["rows"]] == scaling.MACHINES
    assert all(0 < row["weak, 10 Gbit/s"] <= row["weak, 100 Gbit/s"] <= 1 for row in carried["rows"])
    assert all(row["strong, 100 Gbit/s"] <= row["machines"] for row in carried["rows"])
    assert "measured: " in err
    assert "the model's: " in err
    assert picture.read_text(encoding="utf-8").startswith("<?xml")


def test_the_model_finds_the_link_that_made_the_times():
    link, sizes = Link(3e-5, 2e9), [10.0**k for k in range(2, 8)]
    for machines in (2, 3, 64):
        found = cost.fitted(sizes, [link.all_reduce(s, machines) for s in sizes], machines)
        assert found == pytest.approx(link, rel=1e-6)


def test_more_machines_never_send_for_less_and_hide_no_more_than_backward_has_time_for():
    link = Link(1e-5, 1e9)
    times = [link.all_reduce(1e6, n) for n in (1, 2, 4, 8, 1024)]
    assert times == sorted(times)
    assert times[0] == 0
    messages = [1e7, 1e5]
    sending = sum(link.all_reduce(m, 8) for m in messages)
    assert cost.step(1.0, messages, link, 8) == pytest.approx(1 + link.all_reduce(1e5, 8))  # all but the last
    assert cost.step(1e-3, messages, link, 8) == pytest.approx(1e-3 + sending - 2e-3 / 3)


def test_ranks_that_fail_are_a_line(monkeypatch):
    monkeypatch.setattr(scaling, "starter", lambda ranks: [])
    with pytest.raises(UserError, match=r"scaling: 1 ranks ended with exit code 1: .*no_such_job"):
        scaling.measure(1, [{"job": "network", "no_such_job": 1}])


def test_a_picture_needs_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    settings = Settings(threads=1, rounds=1, quick=True, against=(), out=io.StringIO())
    with pytest.raises(UserError, match=r"matplotlib is not installed; pip install \"tinygrad_cnn\[plot\]\""):
        scaling.scaling(settings, str(Path("s.svg")))
