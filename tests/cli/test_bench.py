"""`tinygrad-cnn bench`: figures that add up. That they are good is not a test's business."""

from __future__ import annotations

import json

import pytest

from tinygrad_cnn.cli import bench, main


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(bench, "CONVOLUTIONS", [("conv 2→3, 6²", 2, 2, 6, 3, 3)])
    monkeypatch.setattr(bench, "STEPS", [("victorzhou", 2, (1, 28, 28))])
    monkeypatch.setattr(bench, "machine", lambda rounds: {"sgemm_gflops": 100.0, "copy_gb_per_s": 10.0})
    monkeypatch.setattr(bench, "PICTURES", (2, 3, 8, 8))


def test_json(capsys, small):
    assert main(["bench", "--rounds", "1", "--no-torch", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    conv = found["ops"][0]
    assert conv["of_sgemm"] == pytest.approx(conv["gflops"] / 100)
    assert [row["op"].split()[-1] for row in found["ops"][:3]] == ["forward", "input", "weight"]
    step = found["steps"][0]
    assert step["images_per_second"] == pytest.approx(2 / (step["ms"] / 1e3))
    assert step["ratio_to_torch"] is None


def test_table(capsys, small):
    assert main(["bench", "--rounds", "1", "--no-torch", "--only", "ops"]) == 0
    out, err = capsys.readouterr()
    assert "GFLOP/s" in out
    assert "SGEMM 100" in err
    assert "training step" not in out
