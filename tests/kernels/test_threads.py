"""A result depends on the shapes and on the number of threads: not on who leads the team, nor on when that changes."""

from __future__ import annotations

import inspect
import itertools
import re
import threading

import numpy as np
import pytest

from tinygrad_cnn.kernels import kernel, threads
from tinygrad_cnn.kernels.fast.machinery import compiled


@pytest.fixture(autouse=True)
def _two_threads():
    before = threads.get_num_threads()
    threads.set_num_threads(2)
    yield
    threads.set_num_threads(before)


def images(*shape):
    x = np.random.default_rng(1).standard_normal(shape, dtype=np.float32)
    return x if len(shape) < 4 else np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


GEOMETRY = ((1, 1), (1, 1), (1, 1))
CALLS = {
    "conv2d_weight": lambda: kernel.conv2d_weight(
        images(8, 40, 20, 20), images(8, 24, 20, 20), (40, 24, 3, 3), *GEOMETRY, 1
    ),
    "winograd": lambda: kernel.conv2d_weight(
        images(8, 64, 20, 20), images(8, 32, 20, 20), (64, 32, 3, 3), *GEOMETRY, 1
    ),
    "depthwise": lambda: kernel.conv2d_weight(
        images(8, 32, 20, 20), images(8, 32, 20, 20), (32, 1, 3, 3), *GEOMETRY, 32
    ),
    "conv2d": lambda: kernel.conv2d(images(8, 24, 20, 20), images(40, 24, 3, 3), None, *GEOMETRY, 1),
    "conv2d_input": lambda: kernel.conv2d_input(
        images(8, 40, 20, 20), images(40, 24, 3, 3), (8, 24, 20, 20), *GEOMETRY, 1
    ),
    "matmul": lambda: kernel.matmul(images(300, 200), images(200, 300)),
    "vector": lambda: kernel.matmul(images(1, 700), images(900, 700).T),
    "batch_norm": lambda: kernel.batch_norm(images(8, 40, 20, 20), None, None, 1e-5)[0],
    "group_norm": lambda: kernel.group_norm(images(1, 40, 90, 90), None, None, 4, 1e-5, True)[0],
    "layer_norm, back": lambda: kernel.group_norm_backward(
        images(99, 999), images(99, 999), None, np.zeros((99, 1), np.float32), np.ones((99, 1), np.float32), True
    )[1],
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_several_threads_give_the_bits_of_one(call):
    want, wrong = call(), []

    def work():
        for _ in range(3):
            if not np.array_equal(call(), want):
                wrong.append(1)

    team = [threading.Thread(target=work) for _ in range(4)]
    for t in team:
        t.start()
    for t in team:
        t.join()
    assert not wrong


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_kernel_whose_team_is_taken_gives_the_same_bits(call):
    want = call()
    board = compiled._team.numbers[(compiled._team.board - compiled._team.numbers.ctypes.data) // 8 :]
    board[0] = 1  # LED
    try:
        got = call()
    finally:
        board[0] = 0
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_number_of_threads_is_read_once(call, monkeypatch):
    """Loops with room for each thread or part are told how many there are, and are not to ask again."""
    run = compiled.Compiled.__call__

    def watched(self, nanoseconds, *arguments, team=0):
        if self.pieces == 1 or len(re.findall(r"\bthread\b", inspect.getsource(self.share))) > 1:
            assert team > 0, self.share
        run(self, nanoseconds, *arguments, team=team)

    want = call()
    monkeypatch.setattr(compiled.Compiled, "__call__", watched)
    monkeypatch.setattr(threads, "get_num_threads", itertools.cycle((2, 5, 3, 7)).__next__)
    for _ in range(4):
        np.testing.assert_allclose(call(), want, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_the_number_of_threads_changes_while_kernels_run():
    want, done = [call() for call in CALLS.values()], threading.Event()

    def change():
        for n in itertools.cycle((1, 4, 2, 3)):
            threads.set_num_threads(n)
            if done.wait(0.0005):
                return

    other = threading.Thread(target=change)
    other.start()
    try:
        for _ in range(3):
            for call, result in zip(CALLS.values(), want, strict=True):
                np.testing.assert_allclose(call(), result, rtol=1e-3, atol=1e-3)
    finally:
        done.set()
        other.join()
