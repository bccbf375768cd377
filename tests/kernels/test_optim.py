"""The update rules as one loop over all parameters of a group: NumPy's bits, also on other parts and other arrays."""

from __future__ import annotations

import copy

import numpy as np
import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

from tinygrad_cnn.kernels import kernel, threads, use
from tinygrad_cnn.kernels.fast.machinery import headers
from tinygrad_cnn.kernels.fast.machinery.headers import table_of
from tinygrad_cnn.kernels.fast.machinery.launches import Launches
from tinygrad_cnn.kernels.settings import AdadeltaSettings, AdagradSettings, AdamSettings, RMSpropSettings, SGDSettings

SHAPES = [(), (1,), (7,), (0, 3), (5, 3, 3, 2), (640, 33), (16,), (9,)]
COUNT = sum(int(np.prod(shape)) for shape in SHAPES)


def arrays(seed, positive=False):
    rng = np.random.default_rng(seed)
    found = [rng.standard_normal(shape, dtype=np.float32) * np.float32(10) ** rng.integers(-3, 4) for shape in SHAPES]
    return [np.asarray(abs(a) if positive else a, np.float32) for a in found]


def sgd(settings):
    return lambda *lists: kernel.sgd(*lists[:2], lists[2] if settings.momentum else [None] * len(lists[0]), settings)


def adam(settings, largest=False):
    return lambda p, g, a, b, c: kernel.adam(p, g, a, b, c if largest else None, 3.0, settings)


def rmsprop(settings, centered=False):
    return lambda p, g, a, b, c: kernel.rmsprop(
        p, g, a, b if centered else None, c if settings.momentum else None, settings
    )


RULES = {
    "sgd": sgd(SGDSettings(0.1)),
    "sgd, decay": sgd(SGDSettings(0.1, weight_decay=0.01, maximize=True)),
    "sgd, momentum": sgd(SGDSettings(0.1, 0.9, 0.5, 1e-4)),
    "sgd, nesterov": sgd(SGDSettings(0.1, 0.9, nesterov=True)),
    "adam": adam(AdamSettings(1e-3)),
    "adam, decay": adam(AdamSettings(1e-3, weight_decay=0.1, maximize=True)),
    "adamw, amsgrad": adam(AdamSettings(1e-3, weight_decay=0.1, decoupled=True), largest=True),
    "rmsprop": rmsprop(RMSpropSettings(0.01)),
    "rmsprop, momentum": rmsprop(RMSpropSettings(0.01, momentum=0.9)),
    "rmsprop, centered": rmsprop(RMSpropSettings(0.01, weight_decay=0.1), centered=True),
    "rmsprop, both": rmsprop(RMSpropSettings(0.01, momentum=0.9, maximize=True), centered=True),
    "adagrad": lambda p, g, a, b, c: kernel.adagrad(p, g, a, 3.0, AdagradSettings(0.1, 0.1, weight_decay=0.1)),
    "adadelta": lambda p, g, a, b, c: kernel.adadelta(p, g, a, c, AdadeltaSettings(1.0, weight_decay=0.1)),
}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def state():
    """Parameters, gradients, and what rules remember: square averages, averages, others that are not negative."""
    return [arrays(0), arrays(1), arrays(2, positive=True), arrays(3, positive=True), arrays(4, positive=True)]


@pytest.fixture(params=[1, 3])
def team(request, monkeypatch):
    """On one thread, and cut into many parts."""
    monkeypatch.setattr(threads, "_count", request.param)
    monkeypatch.setattr("tinygrad_cnn.kernels.fast.machinery.compiled.SPLIT", 0)


@every_rule
def test_a_rule_gives_the_bits_of_numpy(rule, team):
    mine, theirs = state(), state()
    for _ in range(3):
        rule(*mine)
        with use("numpy"):
            rule(*theirs)
        for got, want in zip(mine, theirs, strict=True):
            for a, b in zip(got, want, strict=True):
                np.testing.assert_array_equal(a, b)


@every_rule
def test_a_rule_is_one_launch(rule, team):
    lists = state()
    again = Launches()
    with again.record():
        rule(*lists)
    assert len(again) == 1
    for a in [*lists[0], *lists[1]]:
        a += 1
    other = copy.deepcopy(lists)
    again.run()
    rule(*other)
    for got, want in zip(lists, other, strict=True):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a, b)


def test_parameters_that_share_memory_are_changed_one_after_the_other():
    p = np.ones(3000, np.float32)
    g = np.ones(3000, np.float32)
    for params, grads in (([p, p], [g, g]), ([p, p[:1000]], [g, g[:1000]]), ([p[10:], p], [g[10:], g])):
        assert table_of(params, grads) is None
        p[...] = 1
        kernel.sgd(params, grads, [None, None], SGDSettings(0.25))
        assert p[500] == 0.5
    assert table_of([p, g], [g, g]) is None, "a gradient that changes with a parameter of another row"
    assert table_of([p[:1000], p[1000:2000]], [g[:1000], g[:1000]]) is not None, "they touch; gradients are only read"


@pytest.mark.parametrize(
    "other",
    [
        np.ones((2, 3)),
        np.ones((2, 3), ">f4"),
        np.ones((3, 2), np.float32),
        np.ones((3, 2), np.float32).T,
        np.ones((2, 6), np.float32)[:, ::2],
        np.ones(25, np.uint8)[1:].view(np.float32).reshape(2, 3),
        np.ones((2, 3), np.float32).view(np.matrix),
        None,
        [1.0],
    ],
)
def test_what_loops_cannot_read_has_no_table(other):
    x = np.ones((2, 3), np.float32)
    assert table_of([x], [x]) is not None
    for lists in ([[other], [x]], [[x], [other]], [[x, x.copy()], [x, other]], [[x], [x], [x], [x], [other]]):
        assert table_of(*lists) is None


def test_a_gradient_may_be_read_only():
    x, g = np.ones(5, np.float32), np.ones(5, np.float32)
    g.flags.writeable = False
    assert table_of([x], [g]) is not None
    assert table_of([g], [x]) is None
    assert table_of((x,), [g]) is None
    assert table_of([x], [g, g]) is None


def test_headers_that_are_read_wrong_are_noticed(monkeypatch):
    monkeypatch.setattr(headers.READER, "code", lambda table, *rest: True)
    monkeypatch.setattr(headers, "_reader", headers._reader.__wrapped__)
    x = np.ones(5, np.float32)
    assert table_of([x], [x]) is None
