"""Dropout: how much is dropped, what the rest becomes, which channels, and that one seed repeats it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import kernels
from tinygrad_cnn.kernels.numpy import dropout as in_numpy
from tinygrad_cnn.kernels.textbook import dropout as textbook
from tinygrad_cnn.testing import gradcheck, gradgradcheck

KINDS = ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"]
SHAPES = dict(dropout1d=(4, 3, 6), dropout3d=(2, 3, 2, 2, 2))


def ones(name: str) -> tg.Tensor:
    return tg.ones(SHAPES.get(name, (4, 3, 2, 2)))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_inverted_scaling(p):
    out = F.dropout(tg.ones(200_000), p)
    values = sorted(set(out.tolist()))
    assert values == [0, pytest.approx(1 / (1 - p), rel=1e-6)]
    assert out.mean().item() == pytest.approx(1, abs=4 * math.sqrt(p / (1 - p) / 200_000))


def test_gradient_is_the_mask():
    x = tg.randn(1000, requires_grad=True)
    out = F.dropout(x, 0.3)
    out.sum().backward()
    np.testing.assert_array_equal(out.detach().numpy(), (x * x.grad).detach().numpy())
    assert set(np.round(x.grad.numpy(), 5)) == {np.float32(0), np.round(np.float32(1 / 0.7), 5)}


@pytest.mark.parametrize("name", KINDS)
def test_derivatives(name):
    x = tg.tensor(np.random.default_rng(0).normal(size=tuple(ones(name).shape)), requires_grad=True)

    def f(x):
        tg.manual_seed(5)
        return getattr(F, name)(x, 0.4, training=True)

    assert gradcheck(f, [x])
    assert gradgradcheck(f, [x])


@pytest.mark.parametrize(("name", "axes"), [("dropout1d", 1), ("dropout2d", 2), ("dropout3d", 3)])
def test_whole_channels(name, axes):
    x = tg.ones(50, 40, *(3,) * axes)
    out = getattr(F, name)(x, 0.5).numpy().reshape(50, 40, -1)
    assert (out.min(-1) == out.max(-1)).all()
    dropped = (out[..., 0] == 0).mean()
    assert dropped == pytest.approx(0.5, abs=0.05)
    # Any channel may go, not always the first ones.
    assert 0.2 < (out[:, 0, 0] == 0).mean() < 0.8
    assert 0.2 < (out[:, -1, 0] == 0).mean() < 0.8


def test_channels_of_one_picture():
    out = F.dropout1d(tg.ones(1000, 4), 0.5)
    assert set(out.sum(1).tolist()) == {0.0, 8.0}


def test_alpha_dropout_keeps_mean_and_variance():
    x = tg.randn(100_000)
    out = F.alpha_dropout(x, 0.3, training=True)
    assert out.mean().item() == pytest.approx(0, abs=0.02)
    assert out.var().item() == pytest.approx(1, abs=0.02)
    channels = F.feature_alpha_dropout(tg.ones(30, 20, 4), 0.5, training=True)
    assert len(set(channels[:, :, 0].flatten().tolist())) == 2
    assert (channels.max(2)[0] - channels.min(2)[0]).abs().max().item() == 0


@pytest.mark.parametrize("name", KINDS)
def test_nothing_without_training(name):
    x = ones(name)
    assert getattr(F, name)(x, 0.9, training=False) is x
    assert getattr(F, name)(x, 0.0, training=True) is x


@pytest.mark.parametrize("name", KINDS)
def test_everything_goes_at_one(name):
    x = ones(name).requires_grad_()
    out = getattr(F, name)(x, 1.0, training=True)
    out.sum().backward()
    assert out.abs().sum().item() == 0
    assert x.grad.abs().sum().item() == 0


@pytest.mark.parametrize("name", KINDS)
def test_one_seed_one_mask(name):
    def draw():
        tg.manual_seed(3)
        return getattr(F, name)(ones(name), 0.5, training=True).tolist()

    assert draw() == draw()


def test_dtype_stays():
    assert F.dropout(tg.ones(3).double(), 0.5).dtype == tg.float64
    assert F.dropout(tg.ones(3), 0.5).dtype == tg.float32


def test_in_place():
    x = tg.ones(100)
    out = F.dropout(x, 0.5, inplace=True)
    assert out is x
    assert set(x.tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_p_is_a_probability(name, p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        getattr(F, name)(ones(name), p)
    layer = "".join(part.capitalize() for part in name.split("_"))
    with pytest.raises(ValueError, match="between 0 and 1"):
        getattr(tg.nn, layer)(p)


def test_axes():
    with pytest.raises(RuntimeError, match=r"dropout1d: expected input \(C, L\) or \(N, C, L\), got 4 axes"):
        F.dropout1d(tg.ones(1, 2, 3, 4))
    with pytest.warns(UserWarning, match="taken for"):
        out = F.dropout2d(tg.ones(20, 30, 4))
    assert (out.max(2)[0] == out.min(2)[0]).all()
    with pytest.warns(UserWarning, match=r"expected input \(N, C, H, W\)"):
        F.dropout2d(tg.ones(20, 30))


# The mask comes from a counter: the same in every room, whatever the number of threads.

X = np.random.default_rng(3).standard_normal((3, 40, 7, 5)).astype(np.float32)
FORMS = {
    "in order": X,
    "channels last": np.ascontiguousarray(X.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "expanded": np.broadcast_to(X[:1], X.shape),
    "reversed": X[::-1, :, ::-1],
    "with gaps": np.repeat(X, 2, 3)[..., ::2],
    "unaligned": np.frombuffer(b"." + X.tobytes(), np.uint8)[1:].view(np.float32).reshape(X.shape),
    "double": X.astype(np.float64),
    "one number": np.array(2.5, np.float32),
    "none": X[:0],
}


def _drop(x: np.ndarray, p: float) -> list[np.ndarray]:
    tg.manual_seed(11)
    input = tg.from_numpy(x).detach().requires_grad_()
    out = F.dropout(input, p)
    out.backward(tg.ones_like(out))
    return [out.detach().numpy(), input.grad.numpy()]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("p", [0.3, 1.0])
def test_one_mask_in_all_rooms(form, p):
    x = FORMS[form]
    with kernels.use("numpy"):
        expected = _drop(x, p)
    for room in ("textbook", "fast"):
        for threads in (1, 2):
            before = tg.get_num_threads()
            tg.set_num_threads(threads)
            try:
                with kernels.use(room):
                    for want, got in zip(expected, _drop(x, p), strict=True):
                        np.testing.assert_array_equal(got, want)
            finally:
                tg.set_num_threads(before)
    kept = expected[1] != 0
    np.testing.assert_array_equal(expected[0], np.where(kept, x * x.dtype.type(1 / (1 - p) if p < 1 else 0), 0))


def test_the_numbers_of_philox():
    """The known answers of Random123's own tests."""
    digits = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0]  # of π
    most = 2**32 - 1
    for counter, key, answer in (
        ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([most] * 4, [most] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (*digits, "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ):
        words = [int(word, 16) for word in answer.split()]
        assert list(textbook.philox(tuple(counter), tuple(key))) == words
        found = in_numpy.philox(np.array(counter, np.uint64)[:, None], np.array(key, np.uint64))
        assert found[:, 0].tolist() == words


def test_memory_order_decides():
    """A picture with its channels last gets the mask of the flat run of numbers that it is."""
    flat = _drop(X.transpose(0, 2, 3, 1).copy(), 0.5)[0]
    np.testing.assert_array_equal(_drop(FORMS["channels last"], 0.5)[0], flat.transpose(0, 3, 1, 2))


def test_neighbours_and_calls_are_independent():
    """The share of pairs that are both kept is (1-p)²: of neighbours, of lanes and words, of one call and the next."""
    n, p = 1 << 20, 0.3
    tg.manual_seed(0)
    first, second = (F.dropout(tg.ones(n), p).numpy() > 0 for _ in range(2))
    five = 5 / math.sqrt(n)
    assert first.mean() == pytest.approx(1 - p, abs=five * math.sqrt(p * (1 - p)))
    for other in (second, *(np.roll(first, d) for d in (1, 2, 15, 16, 17, 32, 48, 63, 64, 1024, n // 2))):
        assert (first & other).mean() == pytest.approx((1 - p) ** 2, abs=five * math.sqrt(0.49 * 0.51))
    runs = np.bincount(np.packbits(first), minlength=256) / (n / 8)  # how often each pattern of eight comes
    ones = np.array([bin(i).count("1") for i in range(256)])
    wanted = (1 - p) ** ones * p ** (8 - ones)
    chi = ((runs - wanted) ** 2 / wanted).sum() * n / 8
    assert abs(chi - 255) < 6 * math.sqrt(2 * 255)


@pytest.mark.parametrize("name", KINDS)
def test_the_state_of_the_generator_tells_what_comes_next(name):
    draw = lambda: getattr(F, name)(ones(name), 0.5, training=True).tolist()
    draw()
    state = tg.get_rng_state()
    first = [draw(), draw()]
    assert first[0] != first[1] or name == "dropout3d"
    tg.set_rng_state(state)
    assert [draw(), draw()] == first


def test_no_mask_of_numbers_is_kept_for_backward():
    """A bit for each number: backward saves a thirty-second of what it would be in float32."""
    x = tg.ones(64_000, requires_grad=True)
    saved = F.dropout(x, 0.5).grad_fn.saved
    assert sum(a.nbytes for a in saved if isinstance(a, np.ndarray)) == 8000


@pytest.mark.parametrize("name", KINDS)
def test_compiled_draws_as_eager_does(name):
    f = lambda x: getattr(F, name)(x * 2, 0.5, training=True) * 3
    compiled = tg.compile(f, fullgraph=True)

    def run(f):
        tg.manual_seed(4)
        found = []
        for _ in range(4):
            x = ones(name).requires_grad_()
            out = f(x)
            out.sum().backward()
            found += [out.tolist(), x.grad.tolist()]
        return found

    assert run(compiled) == run(f)
