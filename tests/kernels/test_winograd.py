"""The transformed convolution: as exact as the direct one, on numbers of every kind.

Errors are in units of what was added: the sum of the magnitudes of the products, in double precision.
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

from tinygrad_cnn.kernels import kernel, use
from tinygrad_cnn.kernels.again import Again
from tinygrad_cnn.kernels.fast import winograd
from tinygrad_cnn.kernels.fast.machinery.launches import Launches

GEOMETRY = ((1, 1), (1, 1), (1, 1), 1)
NAMES = ("conv2d", "conv2d_input", "conv2d_weight")


@pytest.fixture
def transformed(monkeypatch):
    """For each call since, whether the data was tame enough to be transformed."""
    calls = []
    monkeypatch.setattr(Again, "__call__", lambda self, args: None)  # or a call that was made before passes us by

    def noted(version):
        def call(*args):
            result, done = version(*args)
            calls.append(bool(done[0]))
            return result, done

        return call

    for version in (winograd.convolve, winograd.correlate):
        monkeypatch.setattr(winograd, version.__name__, noted(version))
    return calls


def numbers(N=4, C=64, O=32, size=12, relu=False):
    """An input, a weight, the gradient of the output."""
    rng = np.random.default_rng([N, C, O, size])
    x, w, g = (
        rng.standard_normal(shape, dtype=np.float32) for shape in ((N, C, size, size), (O, C, 3, 3), (N, O, size, size))
    )
    return np.maximum(x, 0) if relu else x, w, g


def calls(x, w, g):
    return {"conv2d": (x, w, None, *GEOMETRY), "conv2d_input": (g, w, x.shape, *GEOMETRY),
            "conv2d_weight": (g, x, w.shape, *GEOMETRY)}  # fmt: skip


def law(name, args, change=lambda x: x):
    with use("numpy"), np.errstate(all="ignore"):
        doubles = [change(a.astype(np.float64)) if isinstance(a, np.ndarray) else a for a in args]
        return getattr(kernel, name)(*doubles)


def errors(name, args):
    """|error| / Σ|products| of every number that has any."""
    added = law(name, args, np.abs)
    return (np.abs(getattr(kernel, name)(*args) - law(name, args)) / added)[added > 0]


SHAPES = [(8, 32, 32, 32), (8, 64, 64, 16), (8, 128, 64, 16), (8, 256, 128, 8)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_as_exact_as_the_direct_sum(shape, transformed, monkeypatch):
    for name, args in calls(*numbers(*shape, relu=True)).items():
        found = errors(name, args)
        with monkeypatch.context() as direct:
            direct.setattr(winograd, "pays", lambda *_: False)
            expected = errors(name, args)
        mean, expected_mean = (np.sqrt(np.square(e).mean()) for e in (found, expected))
        assert mean < 2.5e-8
        assert mean < 2 * expected_mean, name
        assert found.max() < 4e-7
    assert transformed == [True] * 3


def one(which, value):
    def change(x, w, g):
        array, place = {"x": (x, (2, 5, 6, 7)), "w": (w, (3, 5, 1, 2)), "g": (g, (2, 5, 6, 7))}[which]
        array[place] = value

    return change


def scaled(**factors):
    def change(**arrays):
        for name, factor in factors.items():
            arrays[name] *= np.float32(factor)

    return lambda x, w, g: change(x=x, w=w, g=g)


def impulse(x, w, g):
    x[:] = 0
    x[1, 3, 5, 5] = 1


def identity(x, w, g):
    w[:] = 0
    w[range(32), range(32), 1, 1] = 1


def one_tap_of_many(x, w, g):
    w[:, :, 1, 1] *= 1e12


def half_of_zeros(x, w, g):
    x[:, :, :6] = 0
    g[:, :, :, :5] = 0


def images_of_many_sizes(x, w, g):
    x[0] *= 1e-20
    g[1] *= 1e-15
    w[2] *= 1e-12
    x[3] = g[3] = 0


def sparse(x, w, g):
    np.maximum(x, 0, out=x)
    g[np.random.default_rng(5).random(g.shape) < 0.9] = 0


VALUES = (np.inf, -np.inf, np.nan, 1e30, 3e38, 1e5)
HOSTILE = {
    **{f"{which} has {value}": one(which, value) for which in "xwg" for value in VALUES},
    "tiny": scaled(x=1e-30, g=1e-30),
    "tiny and huge": scaled(x=1e-30, w=1e30, g=1e-30),
    "products beyond float32": scaled(x=1e15, w=1e30, g=1e15),
    "denormal": scaled(x=1e-40, g=1e-40),
    "an impulse": impulse,
    "identity": identity,
    "filters of one tap": one_tap_of_many,
    "zeros in half of the image": half_of_zeros,
    "images and filters of many sizes": images_of_many_sizes,
    "few numbers in the gradient": sparse,
    "all zero": scaled(x=0, w=0, g=0),
}  # fmt: skip
TAME = {"zeros in half of the image", "few numbers in the gradient", "images and filters of many sizes", "all zero"}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy, where infinities meet
def test_hostile_numbers(case, transformed):
    """What the direct sum gives: NaN and infinities where they belong, exact zeros, no noise of giants."""
    arrays = numbers()
    HOSTILE[case](*arrays)
    for name, args in calls(*arrays).items():
        found = getattr(kernel, name)(*args)
        expected, added = law(name, args), law(name, args, np.abs)
        overflows = (
            added > np.finfo(np.float32).max
        )  # partial sums may be infinite; what they come to depends on the order
        usual = np.isfinite(added) & ~overflows
        np.testing.assert_array_equal(np.isnan(found[~overflows]), np.isnan(expected[~overflows]), err_msg=name)
        np.testing.assert_array_equal(np.isinf(found[~overflows]), np.isinf(expected[~overflows]), err_msg=name)
        least = 1e-44 * args[1].size  # products may be rounded to multiples of the smallest number
        assert np.all(np.abs(found - expected)[usual] <= 1e-6 * added[usual] + least), name
        assert not found[added == 0].any()
    assert len(transformed) == 3
    assert all(transformed) or case not in TAME


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_under_its_windows(value):
    x, w, _ = numbers()
    x[1, 2, 5, 6] = value
    y = kernel.conv2d(x, w, None, *GEOMETRY)
    spoiled = ~np.isfinite(y).all(1)
    assert spoiled.sum() == 9
    assert spoiled[1, 4:7, 5:8].all()


@pytest.mark.parametrize("name", NAMES)
def test_loops_that_run_again_choose_anew(name, transformed):
    arrays = numbers()
    args = calls(*arrays)[name]
    launches = Launches()
    with launches.record():
        found = getattr(kernel, name)(*args)
    for factor in (1, 1e30, 1):  # of one number in each: tame, then not, then tame again
        changed = [a.copy() for a in arrays]
        for a in arrays:
            a[1, 3, 1, 2] *= np.float32(factor)
        launches.run()
        np.testing.assert_array_equal(found, getattr(kernel, name)(*args))
        for a, before in zip(arrays, changed, strict=True):
            a[...] = before
    assert transformed == [True, True, False, True]
