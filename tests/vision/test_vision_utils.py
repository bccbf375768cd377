"""Grids of images and pictures on disk."""

from __future__ import annotations

import io

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.vision.utils import make_grid, save_image


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        ((4, 5), {}, (3, 4, 5)),
        ((1, 4, 5), {}, (3, 4, 5)),
        ((3, 4, 5), {}, (3, 4, 5)),
        ((1, 3, 4, 5), {}, (3, 4, 5)),
        ((2, 3, 4, 5), {}, (3, 8, 16)),
        ((8, 3, 4, 5), {}, (3, 8, 58)),
        ((9, 1, 4, 5), {}, (3, 14, 58)),
        ((9, 1, 4, 5), {"nrow": 3, "padding": 0}, (3, 12, 15)),
        ((7, 3, 4, 5), {"nrow": 3, "padding": 1}, (3, 16, 19)),
        ((3, 2, 4, 5), {"nrow": 2}, (2, 14, 16)),
    ],
)
def test_shapes(shape, options, expected):
    assert make_grid(tg.zeros(*shape), **options).shape == expected


def test_places_and_borders():
    images = np.arange(5, dtype=np.float32)[:, None, None, None] * np.ones((5, 1, 2, 3), np.float32)
    grid = make_grid(tg.tensor(images), nrow=3, padding=1, pad_value=9).numpy()
    expected = np.full((7, 13), 9.0)
    for i, (y, x) in enumerate([(1, 1), (1, 5), (1, 9), (4, 1), (4, 5)]):
        expected[y : y + 2, x : x + 3] = i
    for channel in grid:
        np.testing.assert_array_equal(channel, expected)


def test_a_list_is_a_batch():
    images = [tg.full((3, 2, 2), float(i)) for i in range(3)]
    np.testing.assert_array_equal(make_grid(images).numpy(), make_grid(tg.stack(images)).numpy())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[-1, 1], [3, 7]]),
        ({"normalize": True}, [[0, 0.25], [0.5, 1]]),
        ({"normalize": True, "scale_each": True}, [[0, 1], [0, 1]]),
        ({"normalize": True, "value_range": (0.0, 4.0)}, [[0, 0.25], [0.75, 1]]),
        ({"normalize": True, "value_range": (0.0, 4.0), "scale_each": True}, [[0, 0.25], [0.75, 1]]),
    ],
)
def test_normalize(options, expected):
    x = tg.tensor([[-1.0, 1.0], [3.0, 7.0]]).reshape(2, 1, 1, 2)
    before = x.tolist()
    grid = make_grid(x, padding=0, **options).numpy()[0, 0]
    np.testing.assert_allclose(grid, np.ravel(expected))
    assert x.tolist() == before


def test_an_even_image_normalizes_to_zero():
    assert make_grid(tg.full((2, 1, 2, 2), 3.0), normalize=True, padding=0).numpy().max() == 0


def test_a_grid_of_tracked_images_is_no_part_of_the_graph():
    x = tg.ones(2, 1, 2, 2, requires_grad=True)
    assert not make_grid(x * 2).requires_grad
    one = tg.ones(3, 2, 2)
    make_grid(one).numpy()[:] = 5
    assert one.numpy().max() == 1


@pytest.mark.parametrize(
    ("tensor", "options", "error", "message"),
    [
        (np.zeros((3, 2, 2)), {}, TypeError, "tensor or list of tensors expected, got ndarray"),
        ([1, 2], {}, TypeError, "got list"),
        (tg.zeros(2), {}, ValueError, r"got shape \(2,\)"),
        (tg.zeros(1, 2, 3, 4, 5), {}, ValueError, "expected images"),
        (tg.zeros(2, 1, 2, 2), {"normalize": True, "value_range": 3}, TypeError, "value_range should be"),
    ],
)
def test_refusals(tensor, options, error, message):
    with pytest.raises(error, match=message):
        make_grid(tensor, **options)


@pytest.mark.parametrize("name", ["x.png", "x.bmp"])
def test_save_image(tmp_path, name):
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    x = tg.tensor([0.0, 0.5, 1.0, 2.0, -1.0, 0.2]).reshape(1, 1, 2, 3)
    save_image(x, tmp_path / name)
    with Image.open(tmp_path / name) as img:
        assert (img.mode, img.size) == ("RGB", (3, 2))
        assert np.asarray(img)[..., 0].tolist() == [[0, 128, 255], [255, 0, 51]]


def test_save_image_into_a_file_with_the_options_of_a_grid():
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    file = io.BytesIO()
    save_image(tg.zeros(4, 3, 5, 5), file, format="png", nrow=2, padding=1, pad_value=1.0)
    with Image.open(file) as img:
        pixels = np.asarray(img)
    assert pixels.shape == (13, 13, 3)
    assert pixels[0].min() == 255
    assert pixels[1, 1].max() == 0
