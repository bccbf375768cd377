"""Loops that are written down while they run, and run again in one go."""

from __future__ import annotations

import gc
import os
import threading
import warnings
import weakref

import numpy as np
import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

from tinygrad_cnn.kernels import kernel, threads
from tinygrad_cnn.kernels.fast.machinery import memory
from tinygrad_cnn.kernels.fast.machinery.launches import Launches

GEOMETRY = ((1, 1), (1, 1), (1, 1), 1)


@pytest.fixture(autouse=True)
def _two_threads():
    before = threads.get_num_threads()
    threads.set_num_threads(2)
    yield
    threads.set_num_threads(before)


def numbers(*shape):
    return np.random.default_rng().standard_normal(shape, dtype=np.float32)


def net(x, w):
    """Loops of one part and of many, with room for each thread (the frames of padding), and one that sums by parts."""
    y = kernel.relu(kernel.conv2d(x, w, None, *GEOMETRY))
    return (
        y,
        *kernel.max_pool2d(y, (2, 2), (2, 2), (0, 0), (1, 1), (10, 10)),
        kernel.conv2d_weight(y, x, w.shape, *GEOMETRY),
    )


def recorded():
    x, w = numbers(8, 24, 20, 20), numbers(40, 24, 3, 3)
    launches = Launches()
    with launches.record():
        found = net(x, w)
    return launches, x, w, found


def check(launches, x, w, found):
    x[...], w[...] = numbers(*x.shape), numbers(*w.shape)
    want = net(x, w)
    launches.run()
    for got, expected in zip(found, want, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_recording_runs_again_on_other_numbers():
    launches, *rest = recorded()
    assert len(launches) >= 5
    for _ in range(3):
        check(launches, *rest)


def test_another_number_of_threads_changes_nothing(monkeypatch):
    recording = recorded()
    x, w, found = recording[1:]
    x[...], w[...] = numbers(*x.shape), numbers(*w.shape)
    want = net(x, w)
    monkeypatch.setattr(threads, "get_num_threads", lambda: 5)
    recording[0].run()
    for got, expected in zip(found, want, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_the_memory_of_a_recording_is_kept():
    launches, x, w, found = recorded()
    sizes = [a.size for a in found]
    del x, w, found
    gc.collect()
    others = [memory.empty((size,)) for size in sizes for _ in range(5)]
    for a in others:
        a[...] = np.nan
    launches.run()
    assert all(np.isnan(a).all() for a in others)


def test_two_recordings_run_one_after_the_other():
    x = numbers(30_000)
    launches = Launches()
    with launches.record():
        y = kernel.relu(x)
    with launches.record():
        z = kernel.relu_mask(x, y)
    x[...] = numbers(30_000)
    launches.run()
    np.testing.assert_array_equal(z, x * (x > 0))


def _relu_and_fail(error):
    kernel.relu(numbers(30_000))
    raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_recording_that_fails_leaves_nothing(error):
    launches, *rest = recorded()
    count = len(launches)
    with pytest.raises(error), launches.record():
        _relu_and_fail(error)
    assert len(launches) == count
    check(launches, *rest)
    kernel.relu(numbers(30_000))
    assert len(launches) == count, "the thread is no longer watched"


def test_an_empty_list_runs():
    launches = Launches()
    with launches.record():
        pass
    launches.run()
    assert len(launches) == 0


def test_other_threads_are_not_written_down():
    launches = Launches()
    with launches.record():
        other = threading.Thread(target=lambda: kernel.relu(numbers(30_000)))
        other.start()
        other.join()
    assert len(launches) == 0


def test_recordings_within_each_other_and_of_a_replay():
    x = numbers(30_000)
    outer, inner, third = Launches(), Launches(), Launches()
    with outer.record():
        with inner.record():
            y = kernel.relu(x)
        z = kernel.relu_mask(x, y)
    assert (len(outer), len(inner)) == (2, 1)
    with third.record():
        outer.run()
    x[...] = numbers(30_000)
    third.run()
    np.testing.assert_array_equal(z, x * (x > 0))


def test_an_array_of_a_slot_is_another_one_each_time():
    x, launches = numbers(30_000), Launches()
    with memory.Pool(), launches.record():
        scratch = kernel.relu(x)  # its block is that of z
        place = scratch.ctypes.data
        y = kernel.relu_mask(x, scratch)
        del scratch
        z = kernel.relu(y)
    assert z.ctypes.data == place
    assert [launches.slot(a) for a in (x, z)] == [0, 1]
    dead = weakref.ref(x)
    del x
    assert dead() is None, "what has a slot need not live"
    z[...] = 7
    room = np.empty(60_001, np.float32)
    for start in (0, 1, 30_001):
        x, found = room[start : start + 30_000], np.empty_like(z)
        x[...] = numbers(30_000)
        launches.run([x, found])
        np.testing.assert_array_equal(found, np.maximum(x, 0))
        np.testing.assert_array_equal(y, x * (x > 0))
    assert not (z == 7).any(), "what was there before z still is"


def test_a_replay_with_slots_is_recorded_as_it_was():
    x, inner, outer = numbers(30_000), Launches(), Launches()
    with inner.record():
        y = kernel.relu(x)
    inner.slot(x)
    other = numbers(30_000)
    with outer.record():
        inner.run([other])
    inner.run([-other])
    outer.run()
    np.testing.assert_array_equal(y, np.maximum(other, 0))


def test_several_threads_run_lists_of_their_own():
    lists, wrong = [recorded() for _ in range(4)], []

    def work(launches, x, w, found):
        for _ in range(5):
            try:
                check(launches, x, w, found)
            except AssertionError as error:
                wrong.append(error)

    team = [threading.Thread(target=work, args=some) for some in lists]
    for t in team:
        t.start()
    for t in team:
        t.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_after_fork_runs_them_with_threads_of_its_own():
    launches, *rest = recorded()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer Pythons warn of forks in a process with threads
        child = os.fork()
    if child == 0:
        try:
            check(launches, *rest)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_arrays_that_died_in_a_pool_give_their_place():
    x, launches = numbers(30_000), Launches()
    with memory.Pool() as pool, launches.record():
        first = kernel.relu(x)
        place = first.ctypes.data
        second = kernel.relu_mask(x, first)
        del first
        third = kernel.relu(second)
    assert third.ctypes.data == place
    del pool
    x[...] = numbers(*x.shape)
    launches.run()
    np.testing.assert_array_equal(third, np.maximum(x, 0))
