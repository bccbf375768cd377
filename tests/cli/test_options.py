"""What `train` refuses before it has loaded or trained anything, since it would be refused after it."""

from __future__ import annotations

import shutil
import sys

import pytest

from tinygrad_cnn.cli.train.training import Training

CONTRADICTIONS = [
    (["--root", "x"], "--root: the digits are packaged"),
    (["--size", "32"], "--size: it goes with --data folder"),
    (["--grey"], "--grey: it goes with --data folder"),
    (["--optimizer", "adam", "--momentum", "0.5"], "--momentum: --optimizer adam has none"),
    (["--run", "a", "--checkpoint", "b"], "--checkpoint: --run keeps checkpoints by itself"),
    (["--keep", "3"], "--keep: it goes with --run"),
    (["--checkpoint-every", "3"], "--checkpoint-every: it goes with --run or --checkpoint"),
    (["--patience", "3"], "--patience: say with --val 0.1"),
    (["--val", "3"], "--val: 3 is no share between 0 and 1"),
    (["--save", "a", "--report", "a"], "name one file"),
    (["--save", "a.onnx"], "by tinygrad-cnn export"),
    (["--run", "file"], "--run: file is a file; name a folder"),
    (["--run", "file/a"], "--run: file/a cannot be made"),
    (["--data", "folder"], "say which with --root DIR"),
    (["--model", "resnet18"], "resnet18 does not take images of 1x8x8"),
]


@pytest.fixture(autouse=True)
def never(monkeypatch, tmp_path):
    """Nothing is trained here."""
    monkeypatch.setattr(Training, "run", lambda *args, **kwargs: pytest.fail("it began to train"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    yield
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("words", "message"), CONTRADICTIONS, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_contradictions(said, words, message):
    code, out, err = said("train", *words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize(("file", "module"), [("w.safetensors", "safetensors.numpy"), ("w.onnx", "onnx")])
def test_a_library_that_is_missing(said, monkeypatch, file, module):
    monkeypatch.setitem(sys.modules, module, None)
    words = ["train", "--save", file] if module != "onnx" else ["export", "nothing", "-o", file]
    code, out, err = said(*words)
    assert (code, out) == (2, "")
    assert "pip install 'tinygrad_cnn[io]'" in err


def test_pillow_that_is_missing(said, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    code, _, err = said("predict", "file", "--weights", "file")
    assert code == 2
    assert 'pip install "tinygrad_cnn[vision]"' in err


@pytest.mark.parametrize("words", [["--run", "a"], ["--save", "w"], ["--checkpoint", "c"]])
def test_a_disk_that_is_full(said, monkeypatch, words):
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    code, _, err = said("train", *words)
    assert code == 2
    assert f"{words[0]}: the disk of" in err
    assert "has 0.0 MB left" in err
