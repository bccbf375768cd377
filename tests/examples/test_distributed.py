"""The training script for many processes: alone and on two ranks, and on from its checkpoint."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from ranks import needs_mpi, run

SCRIPT = Path(__file__).parents[2] / "examples" / "distributed" / "train.py"


@pytest.mark.slow
def test_alone():
    done = run([sys.executable, "-W", "error", SCRIPT, "--epochs", 1])
    assert done.returncode == 0, done.stderr
    assert re.search(r"^epoch 1: loss 0\.\d+, test accuracy 9\d", done.stdout)
    assert "rank 0 of 1 trained on 1442 of 1442 images" in done.stdout


@needs_mpi
@pytest.mark.slow
def test_on_two_ranks(tmp_path):
    command = [sys.executable, "-m", "tinygrad_cnn", "launch", "-n", 2, SCRIPT, "--checkpoint", tmp_path / "kept.tgc"]
    for epochs in (1, 2):  # the second goes on
        done = run([*command, "--epochs", epochs])
        assert done.returncode == 0, done.stderr
        assert re.findall(r"epoch (\d): loss \d\.\d+, test accuracy 9\d", done.stdout) == [str(epochs)]
    assert "rank 1 of 2 trained on 721 of 1442 images" in done.stdout
