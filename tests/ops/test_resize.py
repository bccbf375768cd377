"""Pictures of another size: PyTorch, whole factors, and the errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn.testing import gradcheck, gradgradcheck

PICTURE = np.random.default_rng(0).normal(size=(2, 3, 5, 7))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area", "bilinear", "bicubic"])
@pytest.mark.parametrize(
    "to",
    [
        dict(scale_factor=2),
        dict(scale_factor=(2.0, 1.5)),
        dict(scale_factor=0.4),
        dict(scale_factor=1.3, recompute_scale_factor=True),
        dict(size=3),
        dict(size=(9, 4)),
        dict(size=(1, 7)),
    ],
    ids=str,
)  # fmt: skip
def test_is_pytorchs(pytorch, mode, to):
    for align in (None, True) if mode.startswith("bi") else (None,):
        setting = dict(mode=mode, align_corners=align, **to)
        pytorch.agrees_with_gradients(
            lambda m, x: m.nn.functional.interpolate(x, **setting),  # noqa: B023
            PICTURE,
            rtol=1e-10,
            atol=1e-10,
        )


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area", "linear"])
@pytest.mark.parametrize("to", [dict(scale_factor=2.5), dict(size=4)], ids=str)
def test_rows_are_pytorchs(pytorch, mode, to):
    pytorch.agrees(lambda m: m.nn.functional.interpolate(m.tensor(PICTURE[0]), mode=mode, **to), 1e-10, 1e-12)


def test_nearest_repeats():
    x = tg.tensor([[[[1.0, 2.0]]]])
    assert F.interpolate(x, scale_factor=2).tolist() == [[[[1, 1, 2, 2], [1, 1, 2, 2]]]]


def test_derivatives():
    x = tg.tensor(PICTURE[:1, :1, :3, :3], requires_grad=True)
    assert gradcheck(lambda x: F.interpolate(x, size=(4, 5), mode="bicubic"), [x])
    assert gradgradcheck(lambda x: F.interpolate(x, size=(4, 5), mode="bilinear") ** 3, [x])


@pytest.mark.parametrize("lead", [(), (2,), (2, 5)], ids=str)
def test_shuffles_are_pytorchs(pytorch, lead):
    def shuffled(m):
        F, t = m.nn.functional, m.tensor(x)
        return [F.pixel_shuffle(t, 2), F.pixel_unshuffle(t, 2), F.pixel_shuffle(t, 1)]

    x = np.arange(np.prod(lead, dtype=int) * 12 * 4 * 6.0).reshape(*lead, 12, 4, 6)
    pytorch.agrees(shuffled)
    if len(lead) == 1:
        pytorch.agrees(lambda m: m.nn.functional.channel_shuffle(m.tensor(x), 3))


def test_shuffle_and_back():
    x = tg.randn(2, 8, 3, 4, requires_grad=True)
    back = F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2)
    assert back.tolist() == x.tolist()
    back.sum().backward()
    assert x.grad.tolist() == tg.ones_like(x).tolist()


X = tg.zeros(1, 3, 4, 4)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: F.interpolate(X), ValueError, "only one of size or scale_factor"),
        (lambda: F.interpolate(X, 2, 2), ValueError, "only one of size or scale_factor"),
        (lambda: F.interpolate(X, (2, 2, 2)), ValueError, "2 spatial axes"),
        (lambda: F.interpolate(X, 2, mode="linear"), NotImplementedError, "mode 'linear' for an input of 4 axes"),
        (lambda: F.interpolate(X, 2, mode="nearest", align_corners=True), ValueError, "align_corners has no meaning"),
        (lambda: F.interpolate(X, 0), RuntimeError, "greater than 0"),
        (lambda: F.interpolate(X.long(), 2), NotImplementedError, "int64"),
        (lambda: F.interpolate(X, 2, mode="bilinear", antialias=True), NotImplementedError, "antialias"),
        (lambda: F.interpolate(X, 2, recompute_scale_factor=True), ValueError, "explicit size"),
        (lambda: F.pixel_shuffle(X, 2), RuntimeError, r"expected \(..., C·2², H, W\)"),
        (lambda: F.pixel_unshuffle(X, 3), RuntimeError, "downscale_factor=3"),
        (lambda: F.channel_shuffle(X, 2), RuntimeError, "groups=2"),
    ],
)  # fmt: skip
def test_errors_teach(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_old_name_warns():
    with pytest.warns(UserWarning, match="interpolate"):
        assert F.upsample(X, scale_factor=2).shape == (1, 3, 8, 8)


@pytest.mark.parametrize(("old", "new"), [(30, 22), (22, 30), (7, 41), (120, 82), (3, 1)])
def test_nearest_takes_the_pixel_of_exact_arithmetic(old, new):
    x = tg.arange(float(old)).reshape(1, 1, old)
    places = np.arange(new)
    assert F.interpolate(x, size=new)[0, 0].tolist() == (places * old // new).tolist()
    exact = (2 * places + 1) * old // (2 * new)
    assert F.interpolate(x, size=new, mode="nearest-exact")[0, 0].tolist() == exact.tolist()


def test_nearest_by_a_factor_rounds_as_pytorch():
    x = tg.arange(33.0).reshape(1, 1, 33)
    assert F.interpolate(x, scale_factor=1.3)[0, 0, 39].item() == 30  # 39 / 1.3 in float64 is a little less


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_bytes_are_moved_as_they_are(mode):
    picture = tg.tensor([[[[0, 255], [254, 1]]]], dtype=tg.uint8)
    large = F.interpolate(picture, scale_factor=2, mode=mode)
    assert large.dtype == tg.uint8
    assert large.tolist() == picture.repeat_interleave(2, 2).repeat_interleave(2, 3).tolist()
    with pytest.raises(NotImplementedError, match="uint8"):
        F.interpolate(picture, scale_factor=2, mode="bilinear")
