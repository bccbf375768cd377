"""Forks, fresh processes and killed ones: whatever others do, a training step comes to its end, with its numbers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

TIMES = int(os.environ.get("TINYGRAD_CNN_PROCESSES", "2"))  # how often each of these is tried

STEP = """
import multiprocessing, os, signal, sys, threading, time, warnings
import numpy as np
import tinygrad_cnn as tg
from tinygrad_cnn import kernels, nn
warnings.simplefilter("ignore")  # newer Pythons warn of forks in a process with threads
tg.manual_seed(0)
x, y = tg.randn(8, 3, 20, 20), tg.arange(8)
layers = nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1296, 8)
model = nn.Sequential(*layers)
start = {key: value.clone() for key, value in model.state_dict().items()}
def step(model=model):
    model.load_state_dict(start)
    optimizer = tg.optim.Adam(model.parameters(), lr=0.01)
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return [loss.item(), *(p.sum().item() for p in model.parameters())]
def child():
    if hasattr(signal, "alarm"):
        signal.alarm(100)
    os._exit(0 if np.allclose(step(), want, rtol=1e-3, atol=1e-3) else 1)
"""


def python(code, tmp_path, **environment):
    """What a fresh Python prints that runs a file: processes that it spawns import it."""
    file = tmp_path / "program.py"
    file.write_text(STEP + textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, file, str(TIMES)], capture_output=True, text=True, timeout=400 + 100 * TIMES,
        env={**os.environ, "TINYGRAD_CNN_KERNELS": "fast", **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forks_while_other_threads_run_kernels_and_capture(tmp_path):
    """A fork takes one thread into the child; what the others held is held there for ever, or is not needed.

    While the child is at work they stand still, since they would take the cores from it.
    """
    code = """
        import copy
        want, codes = step(), []
        done, going = threading.Event(), threading.Event()
        shared = tg.compile(lambda a: a.relu().sum())
        def kernels_run():
            mine = copy.deepcopy(model)
            while going.wait() and not done.is_set():
                step(mine)
        def captures():
            size = 10
            while going.wait() and not done.is_set():
                size = size % 400 + 7
                tg.compile(lambda a: a.relu().sum())(tg.ones(size, size))
                shared(tg.ones(size, size))
        def both():
            shared(tg.ones(3, 3))
            child()
        threads = [threading.Thread(target=f) for f in (kernels_run, captures)]
        for t in threads: t.start()
        chance = np.random.default_rng(0)
        def in_their_middle(fork):
            going.set()
            time.sleep(0.05 * chance.random())
            child = fork()
            going.clear()
            return child
        for _ in range(5 * int(sys.argv[1])):
            if not (pid := in_their_middle(os.fork)):
                both()
            codes.append(os.waitpid(pid, 0)[1])
            process = multiprocessing.get_context("fork").Process(target=both)
            in_their_middle(process.start)
            process.join()
            codes.append(process.exitcode)
        done.set(), going.set()
        for t in threads: t.join()
        print(set(codes), np.allclose(step(), want, rtol=1e-3, atol=1e-3))
    """
    assert python(code, tmp_path) == ["{0}", "True"]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["spawn", "forkserver"])
def test_processes_that_begin_anew(tmp_path, way):
    code = f"""
        want = step()
        if __name__ == "__main__":
            if {way!r} not in multiprocessing.get_all_start_methods():
                print({{0}})
                sys.exit()
            team = [multiprocessing.get_context({way!r}).Process(target=child) for _ in range(int(sys.argv[1]))]
            for process in team: process.start()
            for process in team: process.join()
            print({{process.exitcode for process in team}})
    """
    assert python(code, tmp_path) == ["{0}"]


RELU = """
import numpy as np
from tinygrad_cnn.kernels import kernel
x = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)
assert (kernel.relu(x) == np.maximum(x, 0)).all()
"""


def relu(tmp_path, **more):
    """A process that compiles the loops of a small topic, where they are not in the cache."""
    told = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "TINYGRAD_CNN_KERNELS": "fast"}
    return subprocess.Popen(
        [sys.executable, "-c", RELU], env={**os.environ, **told}, stderr=subprocess.PIPE, text=True, **more
    )


def ends_well(process):
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 0, said
    return said


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_processes_that_compile_at_once_and_are_killed(tmp_path):
    chance = np.random.default_rng(0)
    for _ in range(TIMES - 1):
        for process in [relu(tmp_path) for _ in range(int(chance.integers(2, 9)))]:
            time.sleep(chance.random())
            process.kill()
            process.communicate()
    team = [relu(tmp_path) for _ in range(2 * TIMES)]
    time.sleep(chance.random())
    killed = team.pop()
    killed.kill()
    killed.communicate()
    for process in team:
        ends_well(process)
    files = sorted((tmp_path / "cache").rglob("*.kernel"))
    assert files
    assert ends_well(relu(tmp_path)) == "", "it finds them all"
