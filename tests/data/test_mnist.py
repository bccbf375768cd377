"""Finding and reading the four files of an MNIST-like data set, and data sets by name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tinygrad_cnn.data import load, read_idx, read_mnist, write_idx

REAL = Path(__file__).parents[3] / "shared" / "data" / "mnist"


def write(folder, train, images=None, labels=None, suffix=""):
    """A small data set; returns what was written."""
    rng = np.random.default_rng(int(train))
    images = rng.integers(0, 256, (6, 5, 4), np.uint8) if images is None else images
    labels = rng.integers(0, 10, 6).astype(np.uint8) if labels is None else labels
    part = "train" if train else "t10k"
    folder.mkdir(parents=True, exist_ok=True)
    write_idx(folder / f"{part}-images-idx3-ubyte{suffix}", images)
    write_idx(folder / f"{part}-labels-idx1-ubyte{suffix}", labels)
    return images, labels


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("place", ["", "MNIST/raw"])
@pytest.mark.parametrize("train", [True, False])
def test_the_places(tmp_path, suffix, place, train):
    images, labels = write(tmp_path / place, train, suffix=suffix)
    x, y = read_mnist(tmp_path, train)
    np.testing.assert_array_equal(x, images)
    np.testing.assert_array_equal(y, labels)
    assert (x.dtype, y.dtype) == (np.uint8, np.int64)


def test_torchvisions_folder_comes_first(tmp_path):
    write(tmp_path, True)
    images, _ = write(tmp_path / "FashionMNIST" / "raw", True, images=np.zeros((6, 2, 2), np.uint8))
    np.testing.assert_array_equal(read_mnist(tmp_path, name="FashionMNIST")[0], images)
    assert read_mnist(tmp_path, name="MNIST")[0].shape == (6, 5, 4)


def test_missing_files_are_listed_with_their_places(tmp_path):
    write(tmp_path, True)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        read_mnist(tmp_path)
    text = str(caught.value)
    assert "missing train-labels-idx1-ubyte, plain or .gz" in text
    assert str(tmp_path / "MNIST" / "raw") in text
    assert "images" not in text
    with pytest.raises(FileNotFoundError, match="t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"):
        read_mnist(tmp_path, train=False)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((5, 4, 4), np.uint8), None, "found 6 labels, expected 5"),
        (np.zeros((6, 16), np.uint8), None, r"found uint8 of shape \(6, 16\), expected uint8 images \(N, H, W\)"),
        (np.zeros((6, 4, 4), np.int32), None, "found int32"),
        (None, np.zeros((6, 1), np.uint8), r"found uint8 of shape \(6, 1\), expected uint8 labels"),
        (None, np.full(6, 10, np.uint8), "found the label 10, expected 0 to 9"),
    ],
)
def test_files_that_do_not_fit(tmp_path, images, labels, message):
    write(tmp_path, True, images, labels)
    with pytest.raises(ValueError, match=message):
        read_mnist(tmp_path)


if REAL.is_dir():  # the published files, where they are beside the project

    @pytest.mark.parametrize(
        ("file", "md5"),
        [
            ("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb"),
            ("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624"),
            ("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea"),
            ("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637"),
        ],
    )
    def test_the_published_files_are_read_to_the_last_byte_and_written_again(tmp_path, file, md5):
        write_idx(tmp_path / file, read_idx(REAL / f"{file}.gz"))
        assert hashlib.md5((tmp_path / file).read_bytes()).hexdigest() == md5


# data sets by name


def test_load_digits():
    train_images, train_labels, test_images, test_labels = load("digits")
    assert (train_images.shape, test_images.shape) == ((1442, 1, 8, 8), (355, 1, 8, 8))
    assert (train_labels.shape, test_labels.shape) == ((1442,), (355,))
    assert (train_images.dtype, train_labels.dtype) == (np.float32, np.int64)
    assert (train_images.min(), train_images.max()) == (0, 1)


@pytest.mark.parametrize(
    ("name", "folder"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST")]
)
def test_load_from_files(tmp_path, name, folder):
    images, labels = write(tmp_path / folder / "raw", True)
    test_images, _ = write(tmp_path / folder / "raw", False)
    x, y, tx, _ = load(name, tmp_path)
    np.testing.assert_allclose(x, images[:, None] / 255, rtol=1e-6)
    np.testing.assert_array_equal(y, labels)
    assert (x.dtype, y.dtype, tx.shape) == (np.float32, np.int64, (6, 1, 5, 4))
    np.testing.assert_allclose(tx[:, 0] * 255, test_images, rtol=1e-6)


def test_load_mnist(mnist):
    x, y, tx, ty = load("mnist", mnist)
    assert (x.shape, y.shape, tx.shape, ty.shape) == ((960, 1, 28, 28), (960,), (192, 1, 28, 28), (192,))
    np.testing.assert_array_equal(y, read_idx(mnist / "train-labels-idx1-ubyte.gz"))


@pytest.mark.parametrize(
    ("name", "root", "error", "message"),
    [
        ("cifar", None, ValueError, "'cifar' is unknown; expected one of digits, mnist, fashion-mnist, kmnist"),
        ("mnist", None, FileNotFoundError, "MNIST: missing .* in data.MNIST.raw or in data"),
        (
            "fashion-mnist",
            "nowhere",
            FileNotFoundError,
            "FashionMNIST: missing .* in nowhere.FashionMNIST.raw",
        ),
    ],
)
def test_load_refuses(tmp_path, monkeypatch, name, root, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        load(name, root)
