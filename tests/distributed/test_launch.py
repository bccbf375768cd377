"""`tinygrad-cnn launch`, and `train --distributed` under it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from ranks import PROGRAMS, needs_mpi, run

import tinygrad_cnn as tg
from tinygrad_cnn.cli import main


def launch(*words: object, timeout: float = 200):
    return run([sys.executable, "-m", "tinygrad_cnn", "launch", *words], timeout)


def train(n: int, *words: object):
    """The result of `launch -n N train --distributed --json`."""
    done = launch("-n", n, "--only-rank-0", "train", "--distributed", "--json", "--limit", 200, *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@needs_mpi
@pytest.mark.slow
def test_each_rank_is_told_who_it_is_and_labelled():
    done = launch("-n", 2, "--threads", 1, PROGRAMS / "launched.py")
    assert done.returncode == 0, done.stderr
    assert sorted(re.findall(r"\[\d\] \d 2 \d 2", done.stdout)) == ["[0] 0 2 0 2", "[1] 1 2 1 2"]
    assert sorted(re.findall(r"\[\d\] threads \d", done.stderr)) == ["[0] threads 1", "[1] threads 1"]


ENDS = [
    ("exit", 7, r"\[1\] .*rank 1 of 2 ended with exit code 7; its last call was 1, all_reduce\(float32 \(2, 3\)"),
    ("killed", 137, r"rank 1 of 2 was killed by SIGKILL; its last call was 1, all_reduce\(float32 \(2, 3\), op=SUM\)"),
    ("late", 1, r"\[0\] .*all_reduce\(float32 \(2, 3\), op=SUM\): rank 1 has not come within 2 s"),
]


@needs_mpi
@pytest.mark.slow
@pytest.mark.parametrize(("how", "code", "message"), ENDS)
def test_the_end_of_one_is_the_end_of_all(how, code, message):
    done = launch("-n", 2, "--timeout", 2 if how == "late" else 600, PROGRAMS / "launched.py", how, "-x")
    assert done.returncode == code
    assert re.search(message, done.stderr), done.stderr
    assert "=====" not in done.stdout + done.stderr  # what mpiexec has to say at length


@needs_mpi
@pytest.mark.slow
def test_a_training_is_the_same_on_another_number_of_ranks(tmp_path):
    one, alone = train(1, "--epochs", 2, "--seed", 3, "--save", tmp_path / "one.tgc")
    two, said = train(2, "--epochs", 2, "--seed", 3, "--save", tmp_path / "two.tgc")
    assert len(alone.splitlines()) == len(said.splitlines()) == 2  # an epoch a line, of rank 0
    for key in ("test_accuracy", "epochs", "parameters"):
        assert two[key] == one[key]
    assert two["test_loss"] == pytest.approx(one["test_loss"], rel=1e-5)
    weights = [tg.load(tmp_path / f"{name}.tgc") for name in ("one", "two")]
    for expected, got in zip(*(w.values() for w in weights), strict=True):
        np.testing.assert_allclose(got.numpy(), expected.numpy(), 1e-4, 1e-6)


STOP = """
import os, signal, sys
from tinygrad_cnn.cli import main
from tinygrad_cnn.cli.train.training import Training
saves = Training.save
def save(self, improved=False):
    saves(self, improved)
    if self.steps == 10 and self.place is not None:  # two steps into the third epoch, on the rank that has written it
        os.kill(os.getpid(), signal.SIGKILL)
Training.save = save
sys.exit(main(sys.argv[1:]))
"""


@needs_mpi
@pytest.mark.slow
def test_a_broken_training_goes_on_from_a_whole_checkpoint(tmp_path):
    """To the bit on as many ranks, and within rounding from the end of an epoch on another number of them."""
    (tmp_path / "broken.py").write_text(STOP, encoding="utf-8")
    words = ["--epochs", 3, "--optimizer", "adam", "--model", "keras_mnist"]
    kept, earlier = tmp_path / "kept", tmp_path / "earlier"
    run = ["--run", kept, "--checkpoint-every", 1, "--keep", 9]
    broken = launch("-n", 2, tmp_path / "broken.py", "train", "--distributed", "--limit", 200, *words, *run)
    assert broken.returncode == 137
    assert " of 2 was killed by SIGKILL; its last call was " in broken.stderr
    shutil.copytree(kept, earlier)
    for step in (9, 10):
        (earlier / "checkpoints" / f"step-{step:08d}.tgc").unlink()
    straight, _ = train(2, *words, "--run", tmp_path / "straight")
    same, _ = train(2, "--resume", kept)
    other, _ = train(1, "--resume", earlier)
    assert same["epochs"] == 3
    assert same["test_loss"] == straight["test_loss"]
    assert (kept / "metrics.jsonl").read_bytes() == (tmp_path / "straight" / "metrics.jsonl").read_bytes()
    weights = [
        tg.load(folder / "checkpoints" / "step-00000012.tgc")["model"] for folder in (kept, tmp_path / "straight")
    ]
    assert all(tg.equal(a, b) for a, b in zip(*(w.values() for w in weights), strict=True))
    assert other["test_loss"] == pytest.approx(straight["test_loss"], rel=0.05)  # dropout is drawn by each rank


@needs_mpi
@pytest.mark.slow
def test_a_loss_that_is_not_finite_ends_all_with_the_ranks_name():
    done = launch("-n", 2, "train", "--distributed", "--limit", 200, "--lr", "1e30")
    assert done.returncode == 2
    assert re.search(r"the loss became (nan|inf) in epoch 1, step \d on rank \d", done.stderr)


@needs_mpi
@pytest.mark.slow
def test_told_to_stop_all_ranks_finish_their_step_and_save(tmp_path):
    words = ["train", "--distributed", "--limit", "200", "--epochs", "5000", "--run", str(tmp_path / "a")]
    process = subprocess.Popen(
        [sys.executable, "-m", "tinygrad_cnn", "launch", "-n", "2", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TINYGRAD_CNN_KERNELS": "numpy"},
    )  # fmt: skip
    for line in process.stderr:
        if "epoch 2/" in line:
            break
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Traceback" not in err
    assert "go on with: tinygrad-cnn launch -n 2 train --distributed --resume " in err
    assert "[0] test accuracy " in out
    assert list((tmp_path / "a" / "checkpoints").glob("step-*"))
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


# alone, without MPI


def said(capsys, *words):
    try:
        code = main([str(word) for word in words])
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


MISTAKES = [
    (["no_such_file.py"], "there is no file no_such_file.py; name a Python script, train, or a module after -m"),
    (["-n", "0", "x.py"], "must be at least 1, got 0"),
    (["--timeout", "-1", "x.py"], "must be a number of seconds, got -1"),
    (["--mpiexec", "no_such_starter", "train"], "there is no no_such_starter; pip install \"tinygrad_cnn[mpi]\""),
    ([], "the following arguments are required: SCRIPT"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), MISTAKES)
def test_mistakes(capsys, words, message):
    code, out, err = said(capsys, "launch", *words)
    assert (code, out) == (2, "")
    assert message in err


def test_train_distributed_alone_is_a_world_of_one(capsys, tmp_path):
    words = ["train", "--distributed", "--json", "--limit", 100, "--epochs", 1]
    code, out, _ = said(capsys, *words, "--checkpoint", tmp_path / "x")
    assert code == 0
    assert json.loads(out)["epochs"] == 1
    assert not tg.distributed.is_initialized()
    code, _, err = said(capsys, *words, "--resume", tmp_path / "none")
    assert (code, tg.distributed.is_initialized()) == (2, False)
    tg.save({"w": tg.ones(1)}, tmp_path / "other")
    code, _, err = said(capsys, *words, "--resume", tmp_path / "other")
    assert code == 2
    assert "does not go on from here: load_checkpoint: this file was not made by save_checkpoint" in err


def test_resume_without_ranks_is_exact(capsys, tmp_path):
    words = ["train", "--json", "--limit", 100, "--seed", 1]
    straight = json.loads(said(capsys, *words, "--epochs", 2, "--checkpoint", tmp_path / "x")[1])
    result = json.loads(said(capsys, *words, "--epochs", 2, "--resume", tmp_path / "x")[1])
    assert result["test_loss"] == straight["test_loss"]
    assert result["epochs"] == 2
