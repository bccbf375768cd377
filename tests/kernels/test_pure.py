"""A kernel that says it is pure does the same for other numbers when its loops alone are run again, to the last bit."""

from __future__ import annotations

import sys
from contextlib import suppress

import numpy as np
import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

from tinygrad_cnn import kernels
from tinygrad_cnn.arrays.plain import owner
from tinygrad_cnn.kernels import threads
from tinygrad_cnn.kernels.fast.machinery.launches import Launches
from tinygrad_cnn.testing.arrays import FORMS
from tinygrad_cnn.testing.calls import UPDATES, draw, each, outcome


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(name for names in kernels.TOPICS.values() for name in names))
def test_its_loops_run_again_do_the_same(name, monkeypatch):
    monkeypatch.setattr(threads, "_count", 2)
    guards = kernels.guards(name)
    for when, version in zip(guards, kernels.stack(name)[-len(guards) :], strict=True):
        if kernels.is_pure(version):
            module = sys.modules[version.__module__]
            monkeypatch.setattr(module, "BIG", 0, raising=False)  # small arrays are drawn as well
            taken = 0
            for seed in range(100):
                if seed < 2 or not taken:
                    taken += sum(check(version, args) for args in calls(name, seed) if when is None or when(*args))
            assert taken, f"{version.__module__}.{name} takes none of these calls"


def calls(name, seed):
    args = draw(name, np.random.default_rng(seed))
    for form, make in FORMS.items():
        if name not in UPDATES or form == "channels last":
            yield each(args, make)


def _is_made_writeable(memory):
    with suppress(ValueError):  # bytes
        memory.flags.writeable = True
    return memory.flags.writeable


def check(version, args):
    launches, arrays = Launches(), []
    with launches.record():
        found = outcome(version, args)
    each(args, arrays.append)
    memories = [owner(a) for a in arrays if a.dtype.kind == "f" and _is_made_writeable(owner(a))]
    for memory in memories:
        memory[...] = np.roll(memory, 1) * np.float32(0.75)
    changed = [memory.copy() for memory in memories]
    expected = [want.copy() for want in outcome(version, args)]
    for _ in range(2):  # nothing may be left of what ran before
        for memory, numbers in zip(memories, changed, strict=True):
            memory[...] = numbers
        launches.run()
        for got, want in zip(found, expected, strict=True):
            np.testing.assert_array_equal(got, want)
    return True
