"""The first calls of a process: many at once, interrupted, broken off, and with a fork in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

COMMON = """
import os, signal, sys, threading, time, warnings
import numpy as np
import tinygrad_cnn as tg
from tinygrad_cnn import kernels
F = tg.nn.functional
tg.manual_seed(0)
x, w = tg.randn(8, 6, 20, 20), tg.randn(8, 6, 3, 3)
calls = [
    lambda: F.conv2d(x, w), lambda: F.max_pool2d(x, 2), lambda: F.avg_pool2d(x, 2), lambda: F.relu(x),
    lambda: F.linear(x.flatten(1), tg.ones(40, 2400)), lambda: F.batch_norm(x, None, None, training=True),
    lambda: F.cross_entropy(x.flatten(1), tg.arange(8)), lambda: F.conv2d(x, tg.ones(6, 1, 3, 3), groups=6),
]
with kernels.use("numpy"):
    want = [call().numpy() for call in calls]
def good(got):
    return all(np.allclose(a.numpy(), b, rtol=1e-4, atol=1e-4) for a, b in zip(got, want, strict=True))
"""


def python(code, **environment):
    """What a fresh Python prints."""
    code = COMMON + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("TINYGRAD_CNN_PROCESSES", "1"))))
def test_eight_threads_make_the_first_call_of_every_kernel(seed):
    code = f"""
        from tinygrad_cnn.testing.calls import draw, each, outcome
        rng = np.random.default_rng({seed})
        drawn = []
        for name in sorted(name for names in kernels.TOPICS.values() for name in names):
            args = draw(name, rng)
            while kernels._are_small(args):
                args = draw(name, rng)
            drawn.append((name, args))
        def run(name, args):
            return outcome(getattr(kernels.kernel, name), each(args, np.copy))
        with kernels.use("numpy"):
            want = [run(*call) for call in drawn]
        def same(found, wanted):
            top = np.abs(wanted).max(initial=1.0)
            return found.dtype == wanted.dtype and np.allclose(found, wanted, rtol=1e-3, atol=1e-4 * top)
        got, start = [[] for _ in range(8)], threading.Barrier(8)
        def work(k):
            order = np.random.default_rng(k).permutation(len(drawn))
            start.wait()
            for i in order:
                with np.errstate(all="ignore"):
                    found = run(*drawn[i])
                got[k].append(drawn[i][0] if all(map(same, found, want[i])) else "wrong:" + drawn[i][0])
        team = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for t in team: t.start()
        for t in team: t.join()
        names = sorted(name for name, _ in drawn)
        print([sorted(g) for g in got if sorted(g) != names], kernels.status()["kernels"])
    """
    assert python(code) == ["[]", "fast"]


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.02, 0.3])
def test_an_interrupt(after):
    code = f"""
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, {after})
        try:
            calls[0]()
            while True: pass
        except KeyboardInterrupt:
            print(good([call() for call in calls]), kernels.status()["kernels"])
    """
    assert python(code) == ["True", "fast"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "error"),
    [("numba.core.types", "MemoryError"), ("tinygrad_cnn.kernels.fast.winograd", "KeyboardInterrupt")],
)
def test_an_import_that_breaks_off(module, error):
    code = f"""
        class Once:
            def find_spec(self, name, path=None, target=None):
                if name == {module!r}:
                    sys.meta_path.remove(self)
                    raise {error}
        sys.meta_path.insert(0, Once())
        try:
            calls[0]()
        except {error}:
            print(good([call() for call in calls]), kernels.status()["kernels"])
    """
    assert python(code) == ["True", "fast"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("when", ["before the fork", "as the fork begins"])
def test_a_fork_while_another_thread_makes_its_first_call(when):
    code = f"""
        warnings.simplefilter("ignore")  # newer Pythons warn of forks in a process with threads
        other = threading.Thread(target=lambda: [call() for call in calls])
        def begin():
            other.start()
            time.sleep(0.2)
        if {when!r} == "before the fork":
            begin()
        else:
            os.register_at_fork(before=begin)
        child = os.fork()
        if child == 0:
            signal.alarm(150)
            os._exit(0 if good([call() for call in calls]) and kernels.status()["kernels"] == "fast" else 1)
        other.join()
        print(os.waitpid(child, 0)[1], good([call() for call in calls]))
    """
    assert python(code) == ["0", "True"]


def test_modules_whose_hooks_a_fork_asks_after_ours_are_there():
    code = """
        kernels.once.watch_forks()
        print(*{"logging", "concurrent.futures.thread"} - set(sys.modules))
    """
    assert python(code) == []


@pytest.mark.slow
def test_a_call_deep_in_a_recursion():
    code = """
        def deep(n):
            return deep(n - 1) if n else calls[0]()
        print(good([deep(900), *(call() for call in calls[1:])]), kernels.status()["kernels"])
    """
    assert python(code) == ["True", "fast"]
