"""Real trainings that are killed, or told to stop, at any moment end as one that was left alone, to the last bit.

A round is a process: it goes on with the training until it is killed or done. TINYGRAD_CNN_KILLS says how many are
killed, and a third of it how many are told to stop; the moments are drawn by the seed TINYGRAD_CNN_KILLS_SEED.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

ROUNDS = int(os.environ.get("TINYGRAD_CNN_KILLS", "6"))
SEED = int(os.environ.get("TINYGRAD_CNN_KILLS_SEED", "0"))
KERNELS = os.environ.get("TINYGRAD_CNN_KILLS_KERNELS", "numpy")
# Dropout and Adam's moments, images read ahead by a worker, early stopping: all that a checkpoint has to hold.
OPTIONS = """
    --model keras_mnist --optimizer adam --limit 60 --batch-size 8 --epochs 3 --val 0.2 --patience 6 --workers 1
    --checkpoint-every 3 --keep 2 --seed 3
""".split()

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="sends signals")]


def listen():
    """In the child: signals do what they do to a program that was started from a terminal."""
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL), (signal.SIGHUP, signal.SIG_DFL)
    ):  # fmt: skip
        signal.signal(number, handler)
    os.setsid()  # so that all that it starts can be found


def start(*words):
    command = [sys.executable, "-m", "tinygrad_cnn", "train", *map(str, words)]
    env = {**os.environ, "TINYGRAD_CNN_KERNELS": KERNELS}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listen, env=env
    )


def end(process):
    """What it says until its end; nobody that it has started is there any more."""
    out, err = process.communicate(timeout=120)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    return out, err


def go_on(folder):
    """Begin the training of a folder, or go on with it."""
    there = (folder / "config.json").exists()
    return start("--resume", folder) if there else start(*OPTIONS, "--run", folder)


def kept(folder):
    """All that a training leaves behind: weights, moments, history, the page; but for checkpoints on the way."""
    on_the_way = sorted(folder.glob("checkpoints/step-*"))[:-1]
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.*") if p not in on_the_way}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    start_time = time.monotonic()
    process = start(*OPTIONS, "--run", folder)
    out, err = end(process)
    assert process.returncode == 0, err
    return kept(folder), out.split(";")[0], time.monotonic() - start_time


def rounds(n, whole, tmp_path, send):
    """Go on with trainings, each for a random time, until there were n rounds; and then to their ends."""
    expected, result, seconds = whole
    draw, done, trainings = random.Random(SEED), 0, 0
    while done < n:
        trainings += 1
        folder = tmp_path / str(trainings)
        while True:
            process = go_on(folder)
            if done < n:
                time.sleep(draw.uniform(0, 1.1 * seconds))
            if done < n and process.poll() is None:
                done += 1
                send(process, folder)
                continue
            out, err = end(process)
            assert process.returncode == 0, err
            break
        assert out.split(";")[0] == result
        found = kept(folder)
        assert found.keys() == expected.keys()
        assert [name for name in found if found[name] != expected[name]] == []


def test_killed_trainings_end_as_one_that_was_not(whole, tmp_path):
    def kill(process, folder):
        process.kill()
        end(process)

    rounds(ROUNDS, whole, tmp_path, kill)


def test_stopped_trainings_end_as_one_that_was_not(whole, tmp_path):
    draw = random.Random(SEED)

    def stop(process, folder):
        number = draw.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
        process.send_signal(number)
        out, err = end(process)
        if "kept in" in err:  # before, it may be Python that is starting
            assert "Traceback" not in err
            assert "Exception ignored" not in err
            assert process.returncode in (128 + number, -number if out else None), err  # at Python's very end
        if "train: stopped " in err:
            assert f"tinygrad-cnn train --resume {folder}" in err

    rounds(ROUNDS // 3, whole, tmp_path, stop)
