"""The fast kernels of recurrent layers against NumPy's: few and many sequences, steps and numbers, all ends."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import kernel, threads, use
from tinygrad_cnn.testing.calls import Law, draw

NAMES = ["rnn", "rnn_backward", "lstm", "lstm_backward", "gru", "gru_backward"]


@pytest.fixture(params=[1, 3])
def team(request):
    before = threads.get_num_threads()
    threads.set_num_threads(request.param)
    yield
    threads.set_num_threads(before)


@pytest.mark.parametrize("name", NAMES)
def test_equals_numpy(name, team):
    taken = 0
    with use("fast"):
        for seed in range(20):
            args = draw(name, np.random.default_rng(seed))
            Law(name, args).check_call(getattr(kernel, name), args)
            taken += any(guard(*args) for guard in kernels.guards(name))
    assert taken > 10


def test_each_sequence_is_the_one_that_it_is_alone():
    rng = np.random.default_rng(0)
    sizes, H = (30,) * 5 + (17,) * 3 + (1,), 20
    x, h, c = (rng.standard_normal(shape, np.float32) for shape in ((sum(sizes), 7), (30, H), (30, H)))
    weight_ih, weight_hh = (rng.standard_normal((4 * H, n), np.float32) / 4 for n in (7, H))
    starts = np.cumsum([0, *sizes])
    with use("fast"):
        out, last, last_cell, *_ = kernel.lstm(x, weight_ih, None, h, c, weight_hh, None, sizes, False)
        for b in (0, 1, 29):
            rows = [starts[t] + b for t, n in enumerate(sizes) if b < n]
            states, steps = (h[b : b + 1], c[b : b + 1]), (1,) * len(rows)
            alone = kernel.lstm(x[rows], weight_ih, None, *states, weight_hh, None, steps, False)
            for mine, theirs in zip((out[rows], last[b : b + 1], last_cell[b : b + 1]), alone, strict=False):
                np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_gates_that_are_far_open_or_closed_are_exact():
    x = np.array([[200, -200, 200, 200], [-200, 200, -200, -200]] * 300, np.float32).repeat(2, 1)
    zeros, weight = np.zeros((300, 2), np.float32), np.zeros((8, 2), np.float32)
    with use("fast"):
        read = x, np.eye(8, dtype=np.float32), None
        out, _, cell, *_, gates = kernel.lstm(*read, zeros, zeros, weight, None, (300, 300), False)
    assert set(np.unique(gates)) == {-1, 0, 1}
    np.testing.assert_allclose(np.abs(out[:300:2]), np.tanh(1), rtol=1e-6)
    assert set(np.unique(cell)) == {0, 1}
