"""What is kept of tables by shape: the last used, and no more than so many bytes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.arrays import kept

F = tg.nn.functional


@pytest.fixture(autouse=True)
def _empty(monkeypatch):
    monkeypatch.setattr(kept, "_tables", {})


def kept_bytes():
    return sum(map(kept._bytes, kept._tables.values()))


def test_the_last_used_stay(monkeypatch):
    monkeypatch.setattr(kept, "KEEP", 4 * 1800)
    made = []

    @kept.kept
    def table(n):
        made.append(n)
        return np.zeros(100)

    for n in (1, 2, 3, 4, 1, 5, 1, 2):
        table(n)
    assert made == [1, 2, 3, 4, 5, 2]
    assert kept_bytes() == 4 * 1800


@pytest.mark.parametrize(
    "op",
    [
        lambda x: F.conv2d(x, tg.ones(2, 1, 3, 3, requires_grad=True), padding=1, stride=2),
        lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
        lambda x: F.max_pool2d(x, 3, 1, 1, return_indices=True)[0],
        lambda x: F.interpolate(x, size=(99, 77), mode="bilinear"),
    ],
    ids=["conv2d", "avg_pool2d", "max_pool2d", "interpolate"],
)
def test_pictures_of_many_sizes(op, monkeypatch):
    monkeypatch.setattr(kept, "KEEP", 100_000)
    for n in range(40, 70):
        op(tg.ones(1, 1, n, n + 1, requires_grad=True)).sum().backward()
        assert kept_bytes() <= 100_000


def test_tables_from_several_threads(monkeypatch):
    monkeypatch.setattr(kept, "KEEP", 20_000)
    table, wrong = kept.kept(lambda n: np.full(100, n)), []

    def work(seed):
        for n in np.random.default_rng(seed).integers(0, 20, 500).tolist():
            if table(n)[0] != n:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert kept_bytes() <= 20_000 + 4 * 1800, "one more for each that had just been looked up"
