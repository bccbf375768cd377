"""`tinygrad-cnn train`: the main job, its options, and what it says of mistakes."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.cli import main
from tinygrad_cnn.data.idx import write_idx


def run(capsys, *args):
    """Exit code, standard output, standard error."""
    try:
        code = main(["train", *args])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.slow
def test_without_arguments_it_learns_to_read_digits(capsys):
    code, out, err = run(capsys)
    assert code == 0
    assert out.startswith("test accuracy ")
    assert float(out.split()[2].rstrip("%")) >= 98
    assert "images/s" in out
    lines = err.splitlines()
    assert len(lines) == 12
    assert lines[0].startswith("epoch 1/12: training loss ")
    assert "\r" not in err
    assert "\x1b" not in err


def test_json_is_one_object_on_standard_output(capsys):
    code, out, _ = run(capsys, "--json", "--epochs", "1", "--limit", "200")
    result = json.loads(out)
    assert code == 0
    assert {"test_accuracy", "test_loss", "epochs", "seconds", "images_per_second"} <= set(result)
    assert result["epochs"] == 1
    assert 0 <= result["test_accuracy"] <= 1


def test_one_seed_one_result(capsys):
    def accuracy(*args):
        result = json.loads(run(capsys, "--json", "--epochs", "1", "--limit", "300", *args)[1])
        return result["test_accuracy"], result["test_loss"]

    assert accuracy("--seed", "3") == accuracy("--seed", "3")
    assert accuracy("--seed", "3") != accuracy("--seed", "4")
    assert not tg.are_deterministic_algorithms_enabled()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the process that compiles is held back by a lock")
def test_a_first_run_waits_for_nothing_and_says_that_it_is_slower(tmp_path):
    pytest.importorskip("numba")
    code = f"""
import sys
from tinygrad_cnn.cli import main
from tinygrad_cnn.kernels import background
background.START = "open({str(tmp_path / "started")!r}, 'w')"
background.PAUSE = 0.01
main(["train", "--epochs", "2"])
print("numba" in sys.modules)
"""
    told = {"NUMBA_CACHE_DIR": str(tmp_path), "TINYGRAD_CNN_KERNELS": ""}
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **told}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 2, "one line an epoch"
    result, numba = done.stdout.splitlines()
    assert result.endswith("images/s (NumPy did the work of kernels that were not compiled yet)")
    assert (numba, (tmp_path / "started").exists()) == ("False", True)


@pytest.mark.parametrize("model", ["digits", "victorzhou", "mlp", "keras_mnist"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_models_and_optimizers(capsys, model, optimizer):
    code, out, _ = run(capsys, "--model", model, "--optimizer", optimizer, "--epochs", "1", "--limit", "128")
    assert code == 0
    assert "1 epoch" in out


def test_saved_weights_can_be_loaded(capsys, tmp_path):
    file = tmp_path / "weights.tgc"
    assert run(capsys, "--epochs", "1", "--limit", "64", "--save", str(file))[0] == 0
    model = tg.vision.models.get_model("digits", input_shape=(1, 8, 8))
    model.load_state_dict(tg.load(file))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--epochs", "0"], ["--epochs", "at least 1"]),
        (["--epochs", "two"], ["--epochs", "two"]),
        (["--lr", "-1"], ["--lr", "positive"]),
        (["--lr", "nan"], ["--lr", "positive"]),
        (["--momentum", "1.5"], ["--momentum", "below 1"]),
        (["--batch-size", "-3"], ["--batch-size", "at least 1"]),
        (["--model", "resnet"], ["--model", "victorzhou"]),
        (["--data", "imagenet"], ["--data", "fashion-mnist"]),
        (["--optimizer", "magic"], ["--optimizer", "adam"]),
        (["--seed", "-1"], ["--seed", "negative"]),
        (["--colour", "red"], ["--colour"]),
        (["--data", "mnist", "--root", "/nowhere"], ["train-images-idx3-ubyte", "/nowhere"]),
        (["--model", "lenet"], ["lenet", "8x8", "too small"]),
        (["--save", "/nowhere/weights"], ["--save", "/nowhere"]),
        (["--save", "/"], ["--save", "directory"]),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else str(x),
)
def test_mistakes_are_one_line_and_exit_code_2(capsys, args, words):
    code, out, err = run(capsys, *args)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err


def test_damaged_data_is_one_line(capsys, tmp_path):
    images, labels = np.zeros((4, 28, 28), np.uint8), np.zeros(4, np.uint8)
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", labels)
    file = tmp_path / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-5])
    code, out, err = run(capsys, "--data", "mnist", "--root", str(tmp_path), "--save", str(tmp_path / "w"))
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "train-images-idx3-ubyte" in err
    assert not (tmp_path / "w").exists()


def test_a_loss_that_is_not_finite_stops_the_run(capsys, tmp_path):
    code, _, err = run(capsys, "--lr", "1e18", "--epochs", "2", "--save", str(tmp_path / "w"))
    assert code == 2
    last = err.splitlines()[-1]
    assert "loss became" in last
    assert "module" in last
    assert "--lr" in last
    assert not (tmp_path / "w").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_keeps_what_was_learned(tmp_path):
    file = tmp_path / "weights"
    command = [sys.executable, "-m", "tinygrad_cnn", "train", "--epochs", "500", "--save", str(file), "--json"]
    listen = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, preexec_fn=listen, **pipes)
    for line in process.stderr:
        if line.startswith("epoch 1/"):
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["interrupted"] is True
    assert tg.load(file)


@pytest.mark.slow
def test_mnist_from_its_files(capsys, tmp_path, mnist):
    options = ["--limit", "900", "--epochs", "4", "--json"]
    code, out, _ = run(capsys, "--data", "mnist", "--root", str(mnist), *options)
    assert code == 0
    assert json.loads(out)["test_accuracy"] > 0.85
    for file in mnist.glob("*.gz"):  # the same files, unpacked
        (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    code, again, _ = run(capsys, "--data", "mnist", "--root", str(tmp_path), *options)
    assert json.loads(again)["test_accuracy"] == json.loads(out)["test_accuracy"]
