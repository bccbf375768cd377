"""Nobody waits: NumPy runs until another process has compiled the kernels, whatever happens to that process."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
import time
import types

import numpy as np
import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

import tinygrad_cnn as tg
from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import background, place
from tinygrad_cnn.kernels.fast.machinery import compiled

COMMON = """
import os, sys, time, warnings
from pathlib import Path
import numpy as np
from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import background, kernel, place
x = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)
def relu():
    assert (kernel.relu(x) == np.maximum(x, 0)).all()
def fast():
    return "numba" in sys.modules
"""
# Takes the place of the process that compiles: it tells of itself, and does something else.
ANOTHER = """
background.START = (
    "import os, sys, time; os.fork() and os._exit(0); path = os.getcwd();"
    "open(path + '/started', 'a').write('*');" + {what!r}
)
def started():
    path = Path(place.directory(), "started")
    return path.read_text() if path.exists() else ""
def wait(until, seconds=30):
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        relu()
        time.sleep(0.01)
    return until()
"""
BUSY = "[time.sleep(0.1) for _ in iter(lambda: os.path.exists(path), False)]"


@pytest.fixture
def cold(tmp_path):
    """What a fresh Python prints that finds an empty cache. Who compiles into it, ends when it is gone."""

    def python(code, what=None, **environment):
        code = COMMON + (ANOTHER.format(what=what) if what is not None else "") + textwrap.dedent(code)
        told = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "TINYGRAD_CNN_KERNELS": "", **environment}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**os.environ, **told}, capture_output=True, text=True, timeout=250, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.split(), done.stderr

    yield python
    for _ in range(100):  # it may be about to write
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        if not (tmp_path / "cache").exists():
            break
        time.sleep(0.1)


@pytest.mark.slow
def test_numpy_runs_until_the_kernels_are_there(cold):
    code = """
        from tinygrad_cnn.arrays.formulas import trace
        formula = trace(lambda x: x * x - 3, "f")
        def square():
            assert (kernel.pointwise(formula, [x]) == x * x - 3).all()
            loops = sys.modules.get("tinygrad_cnn.kernels.fast.loops")
            return loops and loops.loop_of(formula).compiled.code is not None
        end = time.monotonic() + 200
    """
    first = """
        relu(); print(fast(), bool(square()), list(kernels.status())[-1])
        while ("elementwise" in kernels.not_compiled() or not (square() and fast())) and time.monotonic() < end:
            relu()
            time.sleep(0.01)
        print(fast(), square())
    """
    assert cold(textwrap.dedent(code) + textwrap.dedent(first)) == (
        "False False not compiled yet True True".split(),
        "",
    )
    second = "relu(); print(fast(), bool(square()), 'elementwise' in kernels.not_compiled())"
    assert cold(textwrap.dedent(code) + second) == (["True", "True", "False"], ""), "the next finds them ready"


@pytest.mark.slow
def test_one_process_compiles_for_all_that_ask(cold, tmp_path):
    code = """
        topics = ("elementwise", "optim", "pool")
        ask = lambda: [background.ready(topic) for topic in topics]
        while len(background._wished) < 3:
            ask()
        print(bool(wait(started)))
    """
    assert cold(code, what=BUSY) == (["True"], "")
    assert cold(code, what="") == (["True"], "")
    started = next((tmp_path / "cache").glob("kernels-*/started"))
    assert started.read_text() == "*"
    assert len(os.listdir(started.parent / "wishes")) == 6


@pytest.mark.slow
def test_many_threads_start_one(cold):
    code = """
        import threading
        team = [threading.Thread(target=wait, args=(lambda: False, 1)) for _ in range(8)]
        for t in team: t.start()
        for t in team: t.join()
        print(wait(started), fast())
    """
    assert cold(code, what=BUSY) == (["*", "False"], "")


@pytest.mark.slow
def test_a_fork_does_not_hold_the_lock(cold):
    code = """
        import fcntl, threading
        warnings.simplefilter("ignore")  # newer Pythons warn of forks in a process with threads
        other = threading.Thread(target=wait, args=(started,))
        other.start()
        children = []
        while other.is_alive():
            if not (child := os.fork()):
                time.sleep(60)
                os._exit(0)
            children.append(child)
            time.sleep(0.02)
        def free():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError:
                return False
        with open(os.path.join(place.directory(), "at-work"), "ab") as file:
            print(started(), wait(free), len(children) > 2)
        for child in children:
            os.kill(child, 9)
    """
    assert cold(code, what="") == (["*", "True", "True"], "")


@pytest.mark.slow
def test_an_interrupt_does_no_harm(cold):
    code = """
        import signal, warnings
        warnings.simplefilter("ignore", ResourceWarning)  # of files that an import of Python's own had open
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        for _ in range(40):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            try:
                while True:
                    relu()
            except KeyboardInterrupt:
                pass
        print(bool(wait(started)), fast())
    """
    assert cold(code, what="") == (["True", "False"], "")


@pytest.mark.slow
def test_one_that_dies_is_not_started_again(cold):
    code = """
        print(bool(wait(started)))
        for _ in range(20):
            relu()
            time.sleep(0.05)
        print(started(), fast())
    """
    assert cold(code, what="os._exit(1)") == (["True", "*", "False"], "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("a fork", "if os.fork(): os.wait(); os._exit(0)"),
        ("an application that holds a Python", "sys.executable = '/usr/bin/draw'"),
        ("no executable", "sys.executable = None"),
        ("a frozen application", "sys.frozen = True"),
        ("a disk that is full", "def full(*args): raise OSError(28, 'full')\nplace.write = full"),
    ],
)
def test_none_is_started_by(cold, case, code):
    code += "\nprint(bool(wait(started, 0.7)), fast(), 'not compiled yet' in kernels.status(), flush=True)"
    assert cold(code, what="") == (["False", "False", "True"], "")


@pytest.mark.slow
@pytest.mark.parametrize("room", ["numpy", "textbook"])
def test_none_is_started_for_another_room(cold, room):
    code = "print(bool(wait(started, 0.7)), fast(), 'not compiled yet' in kernels.status())"
    assert cold(code, what="", TINYGRAD_CNN_KERNELS=room) == (["False", "False", "False"], "")


@pytest.mark.slow
def test_none_is_started_by_a_program_of_a_moment(cold):
    assert (
        cold("relu(); relu(); print(bool(started()), os.path.exists(place.directory()))", what="")[0] == ["False"] * 2
    )


@pytest.mark.slow
def test_none_is_started_where_nothing_can_be_written(cold, tmp_path):
    (tmp_path / "cache").write_text("not a directory")  # which holds for root as well
    assert cold("print(bool(wait(started, 0.7)), fast())", what="") == (["False", "False"], "")
    (tmp_path / "cache").unlink()


@pytest.mark.slow
def test_a_compiler_that_fails_is_told_once(cold, tmp_path):
    for package in ("numba", "llvmlite"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('it is broken')")
        (tmp_path / package / "_version.py").write_text("")
    code = """
        warnings.simplefilter("always")
        with warnings.catch_warnings(record=True) as said:
            end = time.monotonic() + 100
            while not kernels._failure and time.monotonic() < end:
                relu()
                time.sleep(0.01)
        relu(); print(len(said), fast())
        print(kernels.status()["why"])
    """
    out, _ = cold(code, PYTHONPATH=str(tmp_path))
    assert out == ["1", "False", *"Unusable: ImportError: it is broken".split()]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """An empty cache for this process; and nobody who compiles into it."""
    monkeypatch.setattr(place, "directory", lambda: tmp_path)
    monkeypatch.setattr(background, "_start", lambda path: None)
    monkeypatch.setattr(background, "PAUSE", 0.0)
    monkeypatch.setattr(compiled, "waits", lambda: False)
    return tmp_path


def toy(number):
    """A loop that is made while the program runs, by a function that another process finds, too."""
    source = "def toy(thread, part, parts, x):\n    for k in range(len(x)):\n        x[k] += number"
    scope = {"__name__": "tinygrad_cnn.kernels.fast.toy", "number": number}
    exec(compile(source, os.path.join(place.FAST, "toy.py"), "exec"), scope)
    return compiled.Compiled(scope["toy"], "f4[::1]", 1, made_by=("tinygrad_cnn.kernels.fast.toy", "toy", number))


def test_a_loop_from_a_formula_comes_later(kept, monkeypatch):
    room = types.ModuleType("tinygrad_cnn.kernels.fast.toy")
    monkeypatch.setattr(room, "toy", toy, raising=False)
    monkeypatch.setitem(sys.modules, room.__name__, room)
    loops = [toy(3), toy(4)]
    assert [loop.ready() for loop in [*loops, *loops]] == [False] * 4
    first, second = sorted(os.listdir(kept / "wishes"))
    wished = [json.loads((kept / "wishes" / name).read_bytes())[2] for name in (first, second)]
    assert wished == [3, 4], "each is made once"
    (kept / "wishes" / first).rename(kept / first)
    compiler = background.Compiler(kept)
    compiler._grant()
    assert [loop.ready() for loop in loops] == [False, True]
    (kept / first).rename(kept / "wishes" / first)
    compiler._grant()
    assert [loop.ready() for loop in loops] == [True, True]
    x = np.zeros(5, np.float32)
    for loop in loops:
        loop(0, x)
    np.testing.assert_array_equal(x, np.float32(7))


def test_a_loop_that_is_waited_for_is_ready(kept, monkeypatch):
    monkeypatch.setattr(compiled, "waits", lambda: True)
    assert toy(5).ready()


def test_wishes_that_nobody_made_do_no_harm(kept):
    contents = [
        b"",
        b"\xff\0",
        b"[]",
        b"[7]",
        b'["os", "abort"]',
        b'{"a": 1}',
        b'["numpy", "array", [1]]',
        b'["conv9d"]',
    ]
    contents += [b'["tinygrad_cnn.kernels.fast.conv", "nothing"]', b'["pool"]', b'["conv"]', b'["pool"]']
    (kept / "wishes").mkdir()
    for k, content in enumerate(contents):
        (kept / "wishes" / f"{k + 10}").write_bytes(content)
    compiler = background.Compiler(kept)
    assert compiler._grant()
    assert compiler.asked == ["pool", "conv"]
    assert {*compiler.asked, *compiler.rest} == set(kernels.TOPICS)
    assert not compiler._grant()


def test_what_is_damaged_is_compiled_anew(kept):
    loop = toy(6)
    loop.load()
    file, (signature,) = loop.file(), [loop.signature]
    content, chance = file.read_bytes(), random.Random(0)
    dispatcher = loop.code
    load = lambda: dispatcher._cache.load_overload(signature, dispatcher.targetctx)
    assert load() is not None
    damaged = [content[:n] for n in (0, 1, 31, 32, 33, len(content) // 2, len(content) - 1)]
    damaged += [content + b"\0", b"\0" * len(content), b"something else"]
    for _ in range(300):
        k = chance.randrange(len(content))
        damaged += [content[:k] + bytes([content[k] ^ 1 << chance.randrange(8)]) + content[k + 1 :]]
    for bad in damaged:
        file.write_bytes(bad)
        assert load() is None
    file.write_bytes(content)
    assert load() is not None
    other = toy(7)
    shutil.copy(file, other.file())  # whole, but of another loop
    x = np.zeros(5, np.float32)
    other(0, x)
    np.testing.assert_array_equal(x, np.float32(7))
    assert toy(7).file().read_bytes() != content


def test_a_cache_that_vanishes_does_no_harm(tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setattr(place, "directory", lambda: cache)
    monkeypatch.setattr(background, "_start", lambda path: None)
    x = np.zeros(5, np.float32)
    cache.mkdir()
    toy(8)(0, x)
    shutil.rmtree(cache)
    toy(8)(0, x)
    toy(9)(0, x)
    np.testing.assert_array_equal(x, np.float32(25))
    monkeypatch.setattr(compiled, "waits", lambda: False)
    assert not toy(10).ready()


@pytest.mark.parametrize("name", ["mode", "warn_only"])
def test_the_switch_takes_a_bool(name):
    with pytest.raises(TypeError, match=f"use_deterministic_algorithms: {name} is int; it must be a bool"):
        tg.use_deterministic_algorithms(**{"mode": True, name: 1})
    assert not tg.are_deterministic_algorithms_enabled()


def test_the_switch_and_a_room_asked_for_by_name_make_kernels_be_waited_for(monkeypatch):
    monkeypatch.setattr(kernels, "_warm", False)
    found = []
    with kernels.use("numpy"):
        for mode, warn_only in ((True, False), (True, True), (False, False)):
            tg.use_deterministic_algorithms(mode, warn_only=warn_only)
            found += [
                (
                    tg.are_deterministic_algorithms_enabled(),
                    tg.is_deterministic_algorithms_warn_only_enabled(),
                    kernels.waits(),
                )
            ]
    assert found == [(True, False, True), (True, True, True), (False, False, False)]
    with kernels.use("fast"):
        assert kernels.waits()
