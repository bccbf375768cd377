"""An import that Ctrl-C breaks off, at any moment, is as if it had not begun: the next one gives a whole package."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

TRIALS = int(os.environ.get("TINYGRAD_CNN_BROKEN_IMPORTS", "6"))
# Each trial is a child of a process that has imported nothing so far. Its own time counts, however busy the machine is.
CODE = """
import collections, os, random, signal, sys, time

def use():
    import tinygrad_cnn as tg
    from tinygrad_cnn import data, nn, optim, vision, viz
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten())
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    x = tg.randn(2, 1, 4, 4)
    (model(x) ** 2).sum().backward()
    optimizer.step()
    assert type(x.relu() + 1) is tg.Tensor and tg.ops.conv.conv2d and tg.engine.call.registry["conv2d"]
    assert nn.functional.conv2d(x, tg.ones(1, 1, 3, 3)).shape == (2, 1, 2, 2)

def child(seconds):
    signal.signal(signal.SIGVTALRM, signal.default_int_handler)
    raised = 0
    try:
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
            use()
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except KeyboardInterrupt:
        raised = 1
    use()
    return raised

def forked(seconds):
    pid = os.fork()
    if not pid:
        code = 2
        try:
            code = child(seconds)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

assert forked(1000) == 0  # which leaves the bytecode that all others find
before = os.times()
assert forked(1000) == 0
after = os.times()
whole = after.children_user - before.children_user
chance, seen = random.Random(int(sys.argv[2])), collections.Counter()
for _ in range(int(sys.argv[1])):
    seen[forked(0.002 + chance.random() * whole)] += 1
print(*(seen[k] for k in range(3)))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_an_import_that_is_broken_off():
    seed = os.environ.get("TINYGRAD_CNN_INTERRUPTS_SEED", "0")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(TRIALS), seed], capture_output=True, text=True, timeout=60 + 30 * TRIALS,
        env={**os.environ, "TINYGRAD_CNN_KERNELS": "numpy"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    whole, broken_off, wrong = map(int, done.stdout.split())
    assert not wrong, done.stderr
    assert whole + broken_off == TRIALS
    assert broken_off > TRIALS / 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_another_thread_imports():
    """The thread is dead in the child, where what it had half imported is imported anew."""
    code = """
        import importlib.machinery, os, signal, sys, threading
        import tinygrad_cnn as tg
        parent, begun, forked = os.getpid(), threading.Event(), threading.Event()
        class Slow:
            def find_spec(self, name, path=None, target=None):
                if name == "tinygrad_cnn.ops.einsum" and os.getpid() == parent:
                    spec = importlib.machinery.PathFinder.find_spec(name, path)
                    run = spec.loader.exec_module
                    spec.loader.exec_module = lambda module: (begun.set(), forked.wait(), run(module))
                    return spec
        del sys.modules["tinygrad_cnn.ops.einsum"]
        sys.meta_path.insert(0, Slow())
        thread = threading.Thread(target=importlib.import_module, args=("tinygrad_cnn.ops.einsum",))
        thread.start()
        begun.wait()
        if not (pid := os.fork()):
            signal.alarm(20)
            einsum = importlib.import_module("tinygrad_cnn.ops.einsum").einsum
            os._exit(0 if einsum("i,i", tg.ones(2), tg.ones(2)).item() == 2 else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        forked.set()
        thread.join()
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=100
    )
    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr
