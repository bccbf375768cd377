"""Transforms over every mode of Pillow, and where a result is known to the pixel: quarter turns, sizes, borders."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.vision import transforms
from tinygrad_cnn.vision.transforms import functional as F

Image = pytest.importorskip("PIL.Image")

MODES = ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA", "PA", "RGBX", "I;16", "I;16B"]


def picture(mode, width=7, height=5):
    """Noise in this mode."""
    rng = np.random.default_rng(0)
    img = Image.new(mode, (width, height))
    if mode == "F":
        img.frombytes(rng.normal(size=width * height).astype("<f4").tobytes())
    else:
        img.frombytes(rng.integers(0, 128, len(img.tobytes()), dtype=np.uint8).tobytes())
    if mode in ("P", "PA"):
        img.putpalette(rng.integers(0, 256, 768).tolist())
    img.info["note"] = "kept"
    return img


def content(img):
    return img.mode, img.size, img.tobytes(), img.getpalette() if img.mode in ("P", "PA") else None


@pytest.mark.parametrize("padding_mode", ["edge", "reflect", "symmetric"])
@pytest.mark.parametrize("mode", MODES)
def test_pad_keeps_the_mode(mode, padding_mode):
    img = picture(mode)
    before = content(img)
    out = F.pad(img, [1, 2, 3, 4], padding_mode=padding_mode)
    pixels = np.asarray(img)
    expected = np.pad(pixels, [(2, 4), (1, 3)] + [(0, 0)] * (pixels.ndim - 2), padding_mode)
    assert (out.mode, content(out)[3]) == (mode, before[3])
    np.testing.assert_array_equal(np.asarray(out), expected)
    assert content(img) == before


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fill", [0, 1, 77])
def test_pad_with_a_colour(mode, fill):
    img = picture(mode)
    bands = len(img.getbands())
    for colour in (fill, *([tuple(range(fill, fill + bands))] if bands > 1 else ())):
        out = F.pad(img, [1, 2, 3, 4], fill=colour)
        full = colour if bands == 1 or isinstance(colour, tuple) else (colour,) * bands
        expected = Image.new(mode, (11, 11), full)
        expected.paste(img, (1, 2))
        assert content(out)[:3] == content(expected)[:3]
        assert content(out)[3] == content(img)[3]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("angle", [90, 180.0, -90, 450, 360])
def test_quarter_turns_of_pictures(mode, angle):
    img = picture(mode)
    out = F.rotate(img, angle, expand=True)
    assert out.mode == mode
    np.testing.assert_array_equal(np.asarray(out), np.rot90(np.asarray(img), round(angle / 90)))


@pytest.mark.parametrize("mode", MODES)
def test_what_moves_pixels_keeps_the_mode(mode):
    img = picture(mode)
    moves = [F.hflip, F.vflip, lambda x: F.crop(x, -1, 1, 9, 3), lambda x: F.center_crop(x, (9, 2)),
             lambda x: F.resize(x, (3, 9)), lambda x: F.resize(x, 4, max_size=9), lambda x: F.rotate(x, 30, fill=5),
             lambda x: F.resized_crop(x, 1, 1, 3, 3, 4), transforms.RandomCrop((9, 3), pad_if_needed=True)]  # fmt: skip
    for move in moves:
        out = move(img)
        assert out.mode == mode
        assert mode != "P" or content(out)[3] == content(img)[3]


@pytest.mark.parametrize("mode", MODES)
def test_tensors_of_pictures_are_of_the_machines_byte_order(mode):
    img = picture(mode)
    for t in (F.to_tensor(img), F.pil_to_tensor(img)):
        assert t.dtype.isnative
        assert t.shape == (len(img.getbands()), 5, 7)
    pixels = np.asarray(img).reshape(5, 7, -1).transpose(2, 0, 1)
    assert F.pil_to_tensor(img).tolist() == pixels.tolist()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int64])
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (4, 4), (5, 5), (9, 12), (8, 3), (7, 2)])
def test_quarter_turns_of_tensors(size, dtype, interpolation):
    h, w = size
    a = np.arange(2 * h * w).reshape(2, h, w).astype(dtype)
    how = F.InterpolationMode(interpolation)
    for k in range(-5, 6):
        expected = np.rot90(a, k, (1, 2))
        for angle in (90 * k, 90.0 * k):
            for centre in (None, (0, 1)):
                out = F.rotate(tg.tensor(a), angle, how, expand=True, center=centre)
                np.testing.assert_array_equal(out.numpy(), expected)
            if h == w or k % 2 == 0:
                np.testing.assert_array_equal(F.rotate(tg.tensor(a), angle, how).numpy(), expected)
    assert F.rotate(tg.tensor(a[0]), 90, how, expand=True).tolist() == np.rot90(a[0]).tolist()


@pytest.mark.parametrize("size", [(5, 5), (5, 8), (6, 9), (4, 2)])
def test_quarter_turns_about_a_point_are_pillows(size):
    h, w = size
    a = np.arange(h * w, dtype=np.uint8).reshape(h, w) + 1
    for angle in (0, 90, 180, 270):
        for centre in (None, (0, 0), (w / 2, h / 2), (1.5, 2.0), (w - 1, 0.5)):
            expected = np.asarray(Image.fromarray(a).rotate(angle, 0, False, centre))
            np.testing.assert_array_equal(F.rotate(tg.tensor(a[None]), angle, center=centre).numpy()[0], expected)


# (height, width), size, max_size -> (height, width), by torchvision's formula.
SIZES = [
    ((3, 4), 8, 9, (7, 9)), ((3, 5), 7, 8, (5, 8)), ((4, 3), 8, 9, (9, 7)), ((5, 5), 7, 8, (7, 7)),
    ((10, 30), 20, 50, (16, 50)), ((30, 10), 20, None, (60, 20)), ((10, 31), 20, 61, (19, 61)),
    ((7, 13), 3, 4, (2, 4)), ((2, 1000), 3, 1500, (3, 1500)),
    ((1, 1000), 8, 9, (1, 9)), ((1000, 1), 8, 9, (9, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("have", "size", "max_size", "want"), SIZES)
def test_the_longer_side_has_a_limit(have, size, max_size, want):
    h, w = have
    out = transforms.Resize(size, max_size=max_size)(tg.zeros(1, h, w))
    assert tuple(out.shape[1:]) == want
    assert transforms.Resize(size, max_size=max_size)(Image.new("L", (w, h))).size == want[::-1]
