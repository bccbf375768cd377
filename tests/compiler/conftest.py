"""What the tests of the compiler share: the same work done twice, as it stands and compiled, has the same results."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg


def bits(t):
    """The numbers of a tensor, or None."""
    return None if t is None else np.array(t.detach().numpy())


def same(expected, found):
    assert len(expected) == len(found)
    for a, b in zip(expected, found, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            np.testing.assert_array_equal(a, b)


@pytest.fixture
def quietly():
    """quietly(f, *args): the result, and what was said of the compiler."""

    def call(f, *args, **named):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            result = f(*args, **named)
        return result, [str(w.message) for w in said if "compile(" in str(w.message)]

    return call


@pytest.fixture
def twice():
    """twice(run): what run(compile) leaves behind is the same where compile does nothing."""

    def check(run):
        found = []
        for compile in (lambda f, **options: f, tg.compile):
            tg.manual_seed(0)
            found.append(run(compile))
        for expected, got in zip(*found, strict=True):
            same(expected, got)

    return check
