"""What the fast kernels share: laziness, the cache on disk, threads, and memory that is used again."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import threading
import time
import warnings
import weakref

import numpy as np
import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import kernel, threads, use
from tinygrad_cnn.kernels.fast.machinery import compiled, memory, micro, tables

GEOMETRY = ((1, 1), (1, 1), (1, 1), 1)


def images(*shape):
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def python(code, **environment):
    """What a fresh Python prints, and what it says on stderr."""
    environment = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr.strip()


RELU = """
import numpy as np
from tinygrad_cnn import kernels
x = np.ones(100_000, np.float32)
assert kernels.kernel.relu(-x).sum() == 0
"""


@pytest.fixture
def two_threads():
    before = threads.get_num_threads()
    threads.set_num_threads(2)
    yield
    threads.set_num_threads(before)


@pytest.mark.slow
def test_numba_is_imported_when_a_kernel_is_worth_it():
    out, _ = python(
        "import sys, numpy as np, tinygrad_cnn\n"
        "from tinygrad_cnn.kernels import kernel\n"
        "seen = lambda: print('numba' in sys.modules)\n"
        "seen(); kernel.relu(np.ones(10, np.float32)); seen(); kernel.relu(np.ones(9999, np.float32)); seen()"
    )
    assert out.split() == ["False", "False", "True"]


@pytest.mark.slow
def test_compiling_is_announced_once_and_kept_and_a_damaged_cache_does_no_harm(tmp_path):
    where = {"NUMBA_CACHE_DIR": str(tmp_path)}
    _, said = python(RELU + "kernels.kernel.relu_mask(x, x)", **where)
    assert said == "tinygrad_cnn: compiling kernels, once (kept for the next time)"
    assert python(RELU, **where) == ("", "")

    chance = random.Random(0)
    kept = sorted(tmp_path.rglob("*.kernel"))
    assert len(kept) > 2
    for k, path in enumerate(kept):
        content = bytearray(path.read_bytes())
        for _ in range(3):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content if k % 2 else content[:100])
    assert "compiling kernels" in python(RELU, **where)[1], "it is damaged, so it is compiled anew"
    assert python(RELU, **where) == ("", "")


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    _, said = python(RELU, NUMBA_CACHE_DIR=str(blocked))
    assert said == "tinygrad_cnn: compiling kernels, once (not kept: no cache directory can be written)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "why", "warning"),
    [
        ("sys.modules['numba'] = None", "ModuleNotFoundError", ""),
        ("import os; os.environ['NUMBA_DISABLE_JIT'] = '1'", "NUMBA_DISABLE_JIT is set", ""),
        (
            "import types; sys.modules['numba'] = types.SimpleNamespace(__version__='0.50.1')",
            "too old",
            "RuntimeWarning",
        ),
        ("sys.modules['llvmlite'] = None", "llvmlite", "RuntimeWarning"),
    ],
)
def test_without_a_good_numba_numpy_runs_and_says_why(broken, why, warning):
    code = f"import sys; {broken}\n{RELU}\nprint(kernels.status())"
    out, said = python(code)
    assert "'kernels': 'numpy'" in out
    assert why in out
    assert (warning in said) if warning else (said == "")


def test_a_loop_that_cannot_be_compiled_gives_way_to_numpy():
    def half(x):
        return x / 2

    def hopeless(thread, part, parts, x):
        x.nothing()

    kernels.status()  # imports every topic, for there is no way back to one that waits for its first call
    try:
        kernels.in_numpy(half)
        broken = compiled.Compiled(hopeless, "f4[::1]", 1)

        def fast_half(x):
            broken(0, x)

        fast_half.__name__ = "half"
        saved = {name: list(versions) for name, versions in kernels._faster.items()}
        kernels.faster()(fast_half)
        x = np.ones(3, np.float32)
        with pytest.warns(RuntimeWarning, match="fast kernels cannot run, the NumPy kernels do their work"):
            np.testing.assert_array_equal(kernel.half(x), x / 2)
        assert "cannot compile" in kernels.status()["why"]
    finally:
        kernels._failure = ""
        kernels._faster.update(saved)
        compiled.Code.every.remove(broken)
        for table in (kernels._in_numpy, kernels._faster, *kernels._tables.values()):
            table.pop("half", None)
        for name in kernels.names():
            kernels._choose(name)


def test_status_tells_what_runs():
    assert kernels.status()["kernels"] == "fast"
    for room in ("numpy", "textbook"):
        with use(room):
            assert kernels.status()["kernels"] == room
            assert room in kernels.status()["why"]


@pytest.mark.slow
def test_warmup_compiles_everything():
    kernels.warmup()
    assert all(loop.code is not None for loop in compiled.Code.every)


def test_one_thread_and_many_agree(two_threads):
    x, w = images(8, 24, 20, 20), images(40, 24, 3, 3)
    many = kernel.conv2d(x, w, None, *GEOMETRY), kernel.conv2d_weight(images(8, 40, 20, 20), x, w.shape, *GEOMETRY)
    threads.set_num_threads(1)
    one = kernel.conv2d(x, w, None, *GEOMETRY), kernel.conv2d_weight(images(8, 40, 20, 20), x, w.shape, *GEOMETRY)
    np.testing.assert_array_equal(many[0], one[0])
    np.testing.assert_allclose(many[1], one[1], rtol=1e-4, atol=1e-2)


def test_the_same_call_gives_the_same_bits(two_threads):
    x, g = images(8, 24, 20, 20), images(8, 40, 20, 20)
    first = kernel.conv2d_weight(g, x, (40, 24, 3, 3), *GEOMETRY)
    for _ in range(5):
        np.testing.assert_array_equal(kernel.conv2d_weight(g, x, (40, 24, 3, 3), *GEOMETRY), first)


def test_several_python_threads_at_once(two_threads):
    x, w = images(8, 24, 20, 20), images(40, 24, 3, 3)
    expected, wrong = kernel.conv2d(x, w, None, *GEOMETRY), []

    def work():
        for _ in range(10):
            if not np.array_equal(kernel.conv2d(x, w, None, *GEOMETRY), expected):
                wrong.append(1)

    team = [threading.Thread(target=work) for _ in range(4)]
    for t in team:
        t.start()
    for t in team:
        t.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_after_fork_has_threads_of_its_own(two_threads):
    x, w = images(8, 24, 20, 20), images(40, 24, 3, 3)
    expected = kernel.conv2d(x, w, None, *GEOMETRY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer Pythons warn of forks in a process with threads
        child = os.fork()
    if child == 0:
        good = all(np.array_equal(kernel.conv2d(x, w, None, *GEOMETRY), expected) for _ in range(3))
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_threads_that_sleep_come_back(two_threads):
    x, w = images(8, 24, 20, 20), images(40, 24, 3, 3)
    expected = kernel.conv2d(x, w, None, *GEOMETRY)
    for _ in range(3):
        until = time.monotonic() + 60  # on a busy machine, every look at the board takes its turn
        while not compiled._team.asleep and time.monotonic() < until:
            time.sleep(0.01)
        assert compiled._team.asleep, "a thread without work goes to sleep"
        np.testing.assert_array_equal(kernel.conv2d(x, w, None, *GEOMETRY), expected)


def test_more_threads_than_cores_and_fewer_again(two_threads):
    x, w = images(8, 24, 20, 20), images(40, 24, 3, 3)
    expected = kernel.conv2d(x, w, None, *GEOMETRY)
    for n in (5, 1, 3, 2):
        threads.set_num_threads(n)
        for _ in range(5):
            np.testing.assert_array_equal(kernel.conv2d(x, w, None, *GEOMETRY), expected)


@pytest.mark.parametrize(
    ("n", "error"),
    [
        (0, RuntimeError),
        (-1, RuntimeError),
        (5000, RuntimeError),
        (1.5, TypeError),
        (2.0, TypeError),
        (True, TypeError),
        ("4", TypeError),
        (None, TypeError),
    ],
)
def test_the_number_of_threads_is_a_positive_int(n, error):
    before = threads.get_num_threads()
    with pytest.raises(error, match="set_num_threads: n is"):
        threads.set_num_threads(n)
    assert threads.get_num_threads() == before


def test_the_number_of_threads_may_be_a_number_of_numpy(two_threads):
    threads.set_num_threads(np.int64(3))
    assert type(threads.get_num_threads()) is int


def alive():
    return sorted(t.name for t in threading.enumerate() if t.name.startswith("kernel "))


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


def test_threads_that_are_no_longer_wanted_end(two_threads):
    x, w = images(8, 24, 20, 20), images(40, 24, 3, 3)
    expected = kernel.conv2d(x, w, None, *GEOMETRY)
    for n in (8, 1, 3, 8, 2, 1, 5):
        threads.set_num_threads(n)
        np.testing.assert_array_equal(kernel.conv2d(x, w, None, *GEOMETRY), expected)
        assert until(lambda n=n: len(alive()) == n - 1), (n, alive())
        assert len(set(alive())) == n - 1, "no two have one number"


def test_the_number_of_threads_goes_up_and_down_at_once(two_threads):
    x, w = images(8, 24, 20, 20), images(40, 24, 3, 3)
    expected = kernel.conv2d(x, w, None, *GEOMETRY)
    for k in range(60):
        threads.set_num_threads((7, 1, 4, 2, 6)[k % 5])
        np.testing.assert_array_equal(kernel.conv2d(x, w, None, *GEOMETRY), expected)
        assert len(set(alive())) == len(alive()) <= 6


def test_where_the_system_gives_no_threads_fewer_do_the_work(two_threads, monkeypatch):
    x, w = images(8, 24, 20, 20), images(40, 24, 3, 3)
    expected = kernel.conv2d(x, w, None, *GEOMETRY)
    threads.set_num_threads(1)
    until(lambda: not alive())
    start = threading.Thread.start

    def refused(self):
        if self.name.startswith("kernel "):
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refused)
    threads.set_num_threads(4)
    with pytest.warns(RuntimeWarning, match="no more threads .*: the kernels run on 1 of the 4"):
        got = kernel.conv2d(x, w, None, *GEOMETRY)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(kernel.conv2d(x, w, None, *GEOMETRY), expected)  # said once
    monkeypatch.undo()
    threads.set_num_threads(2)
    threads.set_num_threads(4)
    np.testing.assert_array_equal(kernel.conv2d(x, w, None, *GEOMETRY), expected)


def failing(thread, part, parts, x):
    if part == parts - 1:
        raise IndexError("x")
    for k in range(len(x)):
        x[k] += 1


@pytest.mark.parametrize("team", [1, 2, 3])
def test_an_error_in_a_part_is_raised_when_all_have_ended(team, two_threads):
    loop = compiled.Compiled(failing, "f4[::1]", 4)
    compiled.Code.every.remove(loop)
    x = np.zeros(5, np.float32)
    for _ in range(20):
        with pytest.raises(RuntimeError, match="a part of a compiled loop failed"):
            loop(1e9, x, team=team)
    a, w = images(8, 24, 20, 20), images(40, 24, 3, 3)
    threads.set_num_threads(1)
    expected = kernel.conv2d(a, w, None, *GEOMETRY)
    threads.set_num_threads(2)
    np.testing.assert_array_equal(kernel.conv2d(a, w, None, *GEOMETRY), expected)


def test_a_block_is_lent_again_when_no_view_is_left(monkeypatch):
    monkeypatch.setattr(memory, "_common", memory.Pool(memory.KEEP))
    size = 3_456_789
    first = memory.empty((size,))
    place = first.ctypes.data
    view = first[10:20].reshape(2, 5).T
    del first
    gc.collect()
    second = memory.empty((size,))
    assert second.ctypes.data != place, "a view still looks at the block"
    del view
    gc.collect()
    third = memory.empty((size,))
    assert third.ctypes.data == place


def test_a_smaller_array_takes_a_block_that_lies_idle_but_no_giant(monkeypatch):
    monkeypatch.setattr(memory, "_common", memory.Pool(memory.KEEP))
    first = memory.empty((3_000_000,))
    place = first.ctypes.data
    del first
    half = memory.empty((1_600_000,))
    assert half.ctypes.data == place
    del half
    tenth = memory.empty((300_000,))
    assert tenth.ctypes.data != place
    assert memory.empty((3_000_000,)).ctypes.data == place


def test_memory_is_aligned_and_writeable():
    for shape in ((100_000,), (3, 70_000), (64, 64, 64)):
        a = memory.empty(shape)
        a[...] = 1
        assert (a.shape, a.dtype, a.flags.c_contiguous, a.ctypes.data % 64) == (shape, np.float32, True, 0)


def test_idle_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(memory, "_common", memory.Pool(10 << 20))
    blocks = []

    class Watched(memory._Block):
        def __init__(self, size):
            super().__init__(size)
            blocks.append(weakref.ref(self.memory))

    monkeypatch.setattr(memory, "_Block", Watched)
    arrays = [memory.empty((megabytes << 18,)) for megabytes in (*range(1, 12), 13, 3, 3)]
    del arrays
    assert len(blocks) == 14
    idle = [block().nbytes for block in blocks if block() is not None]
    assert 0 < sum(idle) <= 10 << 20, "blocks beyond are gone with their arrays, not with the next one"


def test_a_pool_lends_its_memory_again_and_to_nobody_else():
    with memory.Pool() as pool:
        first = memory.empty((100_000,))
        second = memory.empty((10,))
        place, view = first.ctypes.data, second[2:]
        assert [memory.block_of(a) is not None for a in memory.keepers((view, 3, (view,)))] == [False, False]
        assert all(np.shares_memory(a, view) for a in memory.keepers((view, 3, (view,))))
        with memory.Pool():
            assert memory.empty((100_000,)).ctypes.data != place
        del first
        assert memory.empty((100_000,)).ctypes.data == place
    outside = [memory.empty((100_000,)) for _ in range(5)]
    assert place not in [a.ctypes.data for a in outside]
    assert [kept is outside[0] for kept in memory.keepers(outside[0])] == [True]
    block = weakref.ref(memory.block_of(second))
    del pool, second
    assert block() is not None, "a view looks at it"
    del view
    assert block() is None


def test_the_block_of_registers_fits_this_cpu():
    assert micro.WIDTH in (4, 8, 16)
    assert micro.LANES == 2 * micro.WIDTH


def test_every_pixel_is_made_once():
    plan = tables.input_plan((3, 5, 11, 13), (7, 5, 3, 2), (4, 5), (3, 3), (1, 2), (1, 2), 1, 2)
    images_of_item = plan.items.images
    assert sorted(plan.pixel_c) == [5 * k for k in range(images_of_item * 11 * 13)]
