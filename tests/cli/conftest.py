"""Pictures of one's own, and a run that was trained on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinygrad_cnn.cli import main

CLASSES = {"blue": (2, 12), "green": (1, 20), "red": (0, 20)}  # the channel that is bright, how many there are


def _write(root: Path, classes: dict) -> None:
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    rng = np.random.default_rng(0)
    for name, (channel, n) in classes.items():
        (root / name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.integers(0, 120, (12, 10, 3), dtype=np.uint8)
            pixels[..., channel] += 100
            image.fromarray(pixels).save(root / name / f"{i}.png")


@pytest.fixture(scope="session")
def write_pictures():
    """Into a folder: {class: (channel that is bright, how many)}."""
    return _write


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """A folder with a folder of small pictures for each of three colours."""
    root = tmp_path_factory.mktemp("pictures")
    _write(root, CLASSES)
    return root


@pytest.fixture(scope="session")
def colours(pictures, tmp_path_factory) -> Path:
    """The folder of a run that has learned to tell them apart."""
    folder = tmp_path_factory.mktemp("runs") / "colours"
    words = ["--data", "folder", "--root", str(pictures), "--batch-size", "8", "--epochs", "5"]
    assert main(["train", *words, "--run", str(folder)]) == 0
    return folder


@pytest.fixture
def said(capsys):
    """What a command says: exit code, standard output, standard error."""
    capsys.readouterr()

    def run(*words):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return run
