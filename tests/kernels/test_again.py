"""A call of a kernel with arrays of a layout that came before runs its loops again, and gives the same bits."""

from __future__ import annotations

import os
import sys
import threading

import numpy as np
import pytest
from numpy.lib.array_utils import byte_bounds

pytest.importorskip("numba", reason="the fast kernels need Numba")

import tinygrad_cnn as tg
from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import again, threads
from tinygrad_cnn.kernels.again import BEFORE, Again, Call
from tinygrad_cnn.kernels.fast.machinery import memory
from tinygrad_cnn.kernels.fast.machinery.launches import Launches
from tinygrad_cnn.testing.arrays import FORMS
from tinygrad_cnn.testing.calls import UPDATES, draw, each

GEOMETRY = ((1, 1), (1, 1), (1, 1), 1)
FORMS_TAKEN = "channels last", "rows and columns exchanged", "reversed", "an inner block", "read only"
MANY = int(os.environ.get("TINYGRAD_CNN_SEEDS", 4))
IMPURE = {"relu", "relu_mask", *kernels.TOPICS["recurrent"]}  # a part of what these do is done by NumPy
PURE = sorted({name for names in kernels.TOPICS.values() for name in names} - UPDATES - IMPURE - {"pointwise", "total"})


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    monkeypatch.setattr(threads, "_count", 2)


def elsewhere(a):
    """An array of this form on other memory, with other numbers, where they are no places."""
    begin, end = byte_bounds(a)
    memory = np.empty(end - begin, np.uint8)
    b = np.ndarray(a.shape, a.dtype, memory, a.__array_interface__["data"][0] - begin, a.strides)
    b[...] = a
    if a.dtype == np.float32:
        memory.view(np.float32)[...] = np.random.default_rng().standard_normal(memory.size // 4)
    return b


def results(found):
    return found if isinstance(found, tuple) else (found,)


def check(calls, version, args):
    """Whether a call was written down; if so, what it gives of other numbers is what the version gives, and stays."""
    for _ in range(BEFORE):
        assert calls(args) is None
    found = calls(args)
    if not any(type(call) is Call for call in calls.thread.known.values()):
        return False
    kept = [(found, [a.copy() for a in results(found)])]
    for _ in range(3):
        args = each(args, elsewhere)
        expected, found = results(version(*args)), calls(args)
        assert found is not None
        for got, want in zip(results(found), expected, strict=True):
            np.testing.assert_array_equal(got, want)
            assert (got.strides, got.dtype) == (want.strides, want.dtype)
        kept.append((found, [a.copy() for a in results(found)]))
    for found, then in kept:
        for now, before in zip(results(found), then, strict=True):
            np.testing.assert_array_equal(now, before)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("name", PURE)
def test_the_same_bits_of_other_numbers_at_other_addresses(name, monkeypatch):
    guards, written = kernels.guards(name), 0
    for when, version in zip(guards, kernels.stack(name)[-len(guards) :], strict=True):
        if not kernels.is_pure(version):
            continue
        monkeypatch.setattr(sys.modules[version.__module__], "BIG", 0, raising=False)  # small arrays are drawn as well
        for k, form in enumerate(4 * FORMS_TAKEN):
            args = each(draw(name, np.random.default_rng(k)), FORMS[form])
            if written < MANY and (when is None or when(*args)):
                written += check(Again(lambda *args, version=version: version), version, args)
    assert written, "no call is written down"


def numbers(*shape):
    return np.random.default_rng().standard_normal(shape, dtype=np.float32)


def convolution():
    return numbers(2, 16, 9, 9), numbers(8, 16, 3, 3), None, *GEOMETRY


def version(*args):
    return kernels.stack("conv2d")[-1](*args)


@pytest.fixture
def calls():
    return Again(lambda *args: version)


def test_another_layout_or_number_of_threads_is_another_call(calls, monkeypatch):
    assert check(calls, version, convolution())
    x, w, *rest = convolution()
    transposed = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert calls((transposed, w, *rest)) is None
    assert calls((x, w, numbers(8), *rest[1:])) is None
    assert calls((x, w, None, (2, 2), *rest[2:])) is None
    monkeypatch.setattr(threads, "_count", 1)
    assert calls((x, w, *rest)) is None


def test_what_cannot_be_moved_is_left_to_the_kernel(calls, monkeypatch):
    memory = numbers(2 * 16 * 9 * 9)
    x = memory.reshape(2, 16, 9, 9)
    overlapping = x, memory[: 8 * 16 * 9].reshape(8, 16, 3, 3), None, *GEOMETRY
    unaligned = np.ndarray(x.shape, x.dtype, np.zeros(x.nbytes + 1, np.uint8), 1)
    for args in (overlapping, (unaligned, *convolution()[1:]), ([x], *convolution()[1:])):
        assert [calls(args) for _ in range(5)] == [None] * 5
    monkeypatch.setattr(again, "MOST", 1000)
    assert [calls(convolution()) for _ in range(5)] == [None] * 5


def test_a_result_does_not_lie_where_other_calls_have_their_scratch(calls, monkeypatch):
    """Also that of a call which is not written down, for its results are too big."""
    small, several = convolution(), (numbers(1, 16, 30, 30), numbers(64, 16, 3, 3), None, *GEOMETRY)
    monkeypatch.setattr(again, "MOST", 200_000)
    for args in (small, several):
        found = [calls(args) for _ in range(BEFORE + 1)][-1]
        assert memory.block_of(found) is None
    kept = found.copy()
    for _ in range(3):
        assert calls(small) is not None
    np.testing.assert_array_equal(found, kept)
    assert calls(several) is None


def test_arrays_may_share_memory_later(calls):
    assert check(calls, version, convolution())
    memory = numbers(2 * 16 * 9 * 9)
    args = memory.reshape(2, 16, 9, 9), memory[: 8 * 16 * 9].reshape(8, 16, 3, 3), None, *GEOMETRY
    np.testing.assert_array_equal(calls(args), version(*args))


def test_no_version_that_is_pure():
    calls = Again(lambda *args: None)
    assert [calls(convolution()) for _ in range(5)] == [None] * 5


def test_an_error_concerns_one_layout(calls):
    def fails(*args):
        raise KeyboardInterrupt

    broken = Again(lambda *args: fails)
    for _ in range(BEFORE):
        broken(convolution())
    with pytest.raises(KeyboardInterrupt):
        broken(convolution())
    assert broken(convolution()) is None
    assert check(calls, version, convolution())


def test_not_while_loops_are_written_down(calls):
    args = convolution()
    assert check(calls, version, args)
    with Launches().record():
        assert calls(args) is None
    assert calls(args) is not None


def test_many_threads_at_once():
    args = [convolution() for _ in range(4)]
    expected = [version(*a) for a in args]
    wrong: list = []

    def work(k):
        for _ in range(200):
            if not np.array_equal(kernels.kernel.conv2d(*args[k]), expected[k]):
                wrong.append(k)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in workers:
        t.start()
    for t in workers:
        t.join()
    assert not wrong


def test_no_more_layouts_are_known_than_so_many(calls, monkeypatch):
    monkeypatch.setattr(again, "LAYOUTS", 10)
    for n in range(1, 30):
        calls((numbers(1, 1, 5, n), numbers(1, 1, 3, 3), None, *GEOMETRY))
        assert len(calls.thread.known) <= 10


def test_a_kernel_is_called_again():
    args = convolution()
    kernel = kernels.kernel.conv2d
    for _ in range(BEFORE + 1):
        kernel(*args)
    (again,) = [cell.cell_contents for cell in kernel.__closure__ if isinstance(cell.cell_contents, Again)]
    assert any(type(call) is Call for call in again.thread.known.values())


def block(I, O, **options):
    return [tg.nn.Conv2d(I, O, 3, padding=1, **options), tg.nn.BatchNorm2d(O), tg.nn.ReLU(), tg.nn.MaxPool2d(2)]


NETWORKS = {
    "grows": lambda: [*block(3, 32), *block(32, 64), *block(64, 128), tg.nn.Flatten(), tg.nn.Linear(2048, 10)],
    "narrow": lambda: [*block(3, 8), *block(8, 12), *block(12, 8, groups=4), tg.nn.Flatten(), tg.nn.Linear(128, 10)],
    "even": lambda: [  # with a batch of 28, results are small and all arrays of a call together are not
        *(tg.nn.Conv2d(3, 64, 4, 4), tg.nn.ReLU(), *block(64, 64)[:3], *block(64, 64)[:3], *block(64, 64)),
        *(tg.nn.Conv2d(64, 8, 3), tg.nn.Flatten(), tg.nn.Linear(32, 10)),
    ],
    "smooth": lambda: [
        *(tg.nn.Conv2d(3, 8, 5), tg.nn.GELU(), tg.nn.AvgPool2d(2), tg.nn.GroupNorm(2, 8), tg.nn.Dropout(0.2)),
        *(tg.nn.Flatten(), tg.nn.Linear(1568, 32), tg.nn.LayerNorm(32), tg.nn.Tanh(), tg.nn.Linear(32, 10)),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 5, 28])
@pytest.mark.parametrize("name", NETWORKS)
def test_training_has_the_same_bits_without_it(name, batch, monkeypatch):
    """Results live on until backward, and some calls of a layer are too big to be written down where others are not."""

    def trained():
        tg.manual_seed(0)
        net = tg.nn.Sequential(*NETWORKS[name]())
        optimizer, losses = tg.optim.SGD(net.parameters(), lr=0.01, momentum=0.9), []
        for _ in range(5):
            x, y = tg.randn(batch, 3, 32, 32), tg.arange(batch) % 10
            optimizer.zero_grad()
            losses.append(tg.nn.functional.cross_entropy(net(x), y))
            losses[-1].backward()
            optimizer.step()
        return [hash(t.detach().numpy().tobytes()) for t in (*losses, *net.state_dict().values())]

    with_it = [trained(), trained()]
    monkeypatch.setattr(Again, "__call__", lambda self, args: None)
    assert with_it == [trained()] * 2
