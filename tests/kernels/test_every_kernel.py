"""Every kernel of numpy/ equals textbook/, every one of fast/ equals numpy/.

On random calls, and on arrays as programs make them: expanded, reversed, sliced, unaligned, in records, in other bytes.
"""

from __future__ import annotations

import copy
import os

import numpy as np
import pytest

from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import kernel, use
from tinygrad_cnn.testing.arrays import EXPANDED, FORMS
from tinygrad_cnn.testing.calls import DRAWS, UPDATES, Law, draw, each

SEEDS = range(int(os.environ.get("TINYGRAD_CNN_SEEDS", 2)))  # a longer run: TINYGRAD_CNN_SEEDS=100
FEW = 1500  # numbers of an array: the textbook takes its time

every_kernel = pytest.mark.parametrize("name", kernels.names())


def test_every_kernel_is_drawn():
    assert sorted(DRAWS) == kernels.names()


@pytest.mark.slow
@every_kernel
def test_numpy_equals_textbook(name):
    check(name, "numpy", "textbook", FEW)


@pytest.mark.slow
@every_kernel
def test_fast_equals_numpy(name):
    check(name, "fast", "numpy")


def check(name, room, law, most=np.inf):
    for seed in SEEDS:
        args = draw(name, np.random.default_rng(seed), most)
        same = Law(name, args, law)
        for form, some, changed in forms(name, args):
            expected = Law(name, changed, law) if form in EXPANDED else same
            try:
                with use(room):
                    expected.check_call(getattr(kernel, name), changed)
            except Exception as e:
                raise AssertionError(f"seed {seed}, {form}: {some}") from e


def forms(name, args):
    """Each array alone in each form, and all together: (the form, what has it, arguments)."""
    places = [k for k, a in enumerate(args) if isinstance(a, np.ndarray | list)]
    for form, make in FORMS.items():
        for some in [*([k] for k in places), *([places] if len(places) > 1 else [])]:
            if name in UPDATES and (form == "read only" or form in EXPANDED) and some != [1]:
                continue  # what is changed in place is memory of its own
            fresh = copy.deepcopy(args)
            yield form, some, tuple(each(a, make) if k in some else a for k, a in enumerate(fresh))
