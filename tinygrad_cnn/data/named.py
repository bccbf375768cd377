"""Data sets by name, whole and as arrays: what the command line trains on."""

from __future__ import annotations

import os

import numpy as np

from .digits import is_test, load_digits
from .mnist import read_mnist

FOLDERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
NAMES = ("digits", *FOLDERS)


def load(
    name: str, root: str | os.PathLike | None = None, download: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(train images, train labels, test images, test labels); images float32 (N, 1, H, W) in 0 to 1, labels int64 (N,).

    `name` is one of `NAMES`. All but the packaged digits are read from files below `root`, by default ./data; with
    `download`, those that are missing are fetched.
    ValueError for another name or damaged files; FileNotFoundError, saying what is expected where.

    >>> train_images, train_labels, test_images, test_labels = load("digits")
    >>> train_images.shape, test_images.shape
    ((1442, 1, 8, 8), (355, 1, 8, 8))
    """
    if name == "digits":
        images, labels = load_digits()
        test = is_test(labels)
        parts = [(images[~test], labels[~test]), (images[test], labels[test])]
        brightest = 16
    elif name in FOLDERS:
        place = "data" if root is None else root
        parts = [read_mnist(place, train, FOLDERS[name], download) for train in (True, False)]
        brightest = 255
    else:
        raise ValueError(f"data {name!r} is unknown; expected one of {', '.join(NAMES)}")
    (train_images, train_labels), (test_images, test_labels) = parts
    return _scale(train_images, brightest), train_labels, _scale(test_images, brightest), test_labels


def _scale(images: np.ndarray, brightest: int) -> np.ndarray:
    """(N, H, W) uint8 -> (N, 1, H, W) float32"""
    return images[:, None] / np.float32(brightest)
