"""The packaged digits: what they are, how they are split."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.data import DataLoader, Digits, digits, load_digits


def test_the_arrays():
    images, labels = load_digits()
    assert (images.shape, images.dtype, labels.shape, labels.dtype) == ((1797, 8, 8), np.uint8, (1797,), np.int64)
    assert (images.min(), images.max()) == (0, 16)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert images[0, 2].tolist() == [0, 3, 15, 2, 0, 11, 8, 0]
    content = images.tobytes() + labels.astype(np.uint8).tobytes()
    assert hashlib.sha256(content).hexdigest() == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def test_the_split_is_fixed_stratified_and_without_overlap():
    images, labels = load_digits()
    train, test = Digits(train=True), Digits(train=False)
    assert (len(train), len(test)) == (1442, 355)
    for c in range(10):
        n = int((labels == c).sum())
        assert int((test.targets.numpy() == c).sum()) == n // 5
    chosen = digits.is_test(labels)
    assert np.flatnonzero(chosen & (labels == 0)).tolist() == np.flatnonzero(labels == 0)[4::5].tolist()
    np.testing.assert_array_equal(test.data.numpy(), images[chosen])
    np.testing.assert_array_equal(train.data.numpy(), images[~chosen])


def test_samples():
    ds = Digits()
    image, label = ds[0]
    assert (image.shape, image.dtype, type(label), label) == ((1, 8, 8), np.float32, int, 0)
    np.testing.assert_array_equal(image.numpy()[0] * 16, ds.data.numpy()[0])
    assert ds[-1][1] == ds.targets.numpy()[-1]
    assert ds.classes[label] == "0"
    assert repr(ds) == "Digits(train=True, 1442 images)"


def test_transforms():
    ds = Digits(transform=lambda image: image.numpy().sum(), target_transform=lambda label: -label)
    assert ds[1][0] == Digits()[1][0].numpy().sum()
    assert ds[1][1] == -Digits()[1][1]
    sums, labels = next(iter(DataLoader(ds, 4)))
    assert (sums.shape, labels.tolist()) == ((4,), [-Digits()[i][1] for i in range(4)])


def test_batches_are_the_stacked_samples():
    ds = Digits(train=False)
    x, y = next(iter(DataLoader(ds, 5)))
    assert (x.shape, x.dtype, y.dtype) == ((5, 1, 8, 8), np.float32, np.int64)
    for i in range(5):
        np.testing.assert_array_equal(x.numpy()[i], ds[i][0].numpy())
        assert y[i].item() == ds[i][1]


def test_the_licence_travels_with_the_data():
    from pathlib import Path

    text = Path(digits.__file__).with_name("digits.txt").read_text()
    assert "CC BY 4.0" in text
    assert "Alpaydin" in text


@pytest.mark.parametrize("train", [True, False])
def test_a_batch_does_not_touch_the_data(train):
    ds = Digits(train)
    before = ds.data.numpy().copy()
    x, _ = next(iter(DataLoader(ds, 8)))
    with tg.no_grad():
        x.fill_(3)
    np.testing.assert_array_equal(ds.data.numpy(), before)
