"""Every kernel on arrays as programs make them: expanded, reversed, sliced, unaligned, in records, in other bytes."""

from __future__ import annotations

import copy
import os

import numpy as np
import pytest

from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import kernel, only_reference
from tinygrad_cnn.testing.arrays import EXPANDED, FORMS
from tinygrad_cnn.testing.calls import DRAWS, UPDATES, Law, draw, each, outcome

SEEDS = range(int(os.environ.get("TINYGRAD_CNN_SEEDS", 2)))  # a longer run: TINYGRAD_CNN_SEEDS=100


def test_every_kernel_is_drawn():
    assert sorted(DRAWS) == kernels.names()


def forms(name, args):
    """Each array alone in each form, and all together: (the form, what has it, arguments)."""
    places = [k for k, a in enumerate(args) if isinstance(a, np.ndarray | list)]
    for form, make in FORMS.items():
        for some in [*([k] for k in places), *([places] if len(places) > 1 else [])]:
            if name in UPDATES and (form == "read only" or form in EXPANDED) and some != [1]:
                continue  # what is changed in place is memory of its own
            fresh = copy.deepcopy(args)
            yield form, some, tuple(each(a, make) if k in some else a for k, a in enumerate(fresh))


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["fast", "reference"])
@pytest.mark.parametrize("name", sorted(DRAWS))
def test_every_form_of_every_argument(name, stack):
    for seed in SEEDS:
        args = draw(name, np.random.default_rng(seed))
        same = Law(name, args)
        for form, some, changed in forms(name, args):
            law = Law(name, changed) if form in EXPANDED else same
            before = copy.deepcopy(changed)
            try:
                with only_reference(stack == "reference"):
                    law.check(outcome(kernel.__dict__[name], changed))
                for was, now in zip(before, changed, strict=True):
                    if isinstance(was, np.ndarray):
                        np.testing.assert_array_equal(now, was, err_msg=f"{name} wrote into an input")
            except Exception as e:
                raise AssertionError(f"seed {seed}, {form}: {some}") from e
