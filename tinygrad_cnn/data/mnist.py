"""The MNIST family: four idx files, images and labels for training and for testing.

They are looked for where torchvision keeps them, `root/NAME/raw/`, and in `root` itself, plain or gzipped.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from .idx import read_idx

FILES = {
    True: ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    False: ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CLASSES = 10


def read_mnist(root: str | os.PathLike, train: bool = True, name: str = "MNIST") -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (N, H, W), and labels, int64 (N,), of the training part or the test part.

    `name` is the folder of the data set below `root`: MNIST, FashionMNIST, KMNIST. FileNotFoundError, listing what is
    missing and where it may be, if files are not there; ValueError if they are damaged or do not belong together.

    >>> import tempfile
    >>> from tinygrad_cnn.data import write_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for file, values in zip(FILES[True], [np.zeros((2, 28, 28)), np.array([7, 3])]):
    ...         write_idx(Path(folder, file), values.astype(np.uint8))
    ...     images, labels = read_mnist(folder)
    >>> images.shape, labels.tolist()
    ((2, 28, 28), [7, 3])
    """
    paths = {file: find(root, file, name) for file in FILES[bool(train)]}
    if missing := [file for file, path in paths.items() if path is None]:
        raise FileNotFoundError(
            f"{name}: missing {' and '.join(missing)}, plain or .gz; expected in {Path(root, name, 'raw')} or in "
            f"{Path(root)}. The library downloads nothing: put the published files there, or point root at them"
        )
    image_file, label_file = paths.values()
    images, labels = (read_idx(path) for path in paths.values() if path)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(f"{image_file}: found {images.dtype} of shape {images.shape}, expected uint8 images (N, H, W)")
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise ValueError(f"{label_file}: found {labels.dtype} of shape {labels.shape}, expected uint8 labels (N,)")
    if len(images) != len(labels):
        raise ValueError(
            f"{label_file}: found {len(labels)} labels, expected {len(images)}, one an image of {image_file}"
        )
    if (labels >= CLASSES).any():
        raise ValueError(f"{label_file}: found the label {labels.max()}, expected 0 to {CLASSES - 1}")
    return images, labels.astype(np.int64)


def find(root: str | os.PathLike, file: str, name: str = "MNIST") -> Path | None:
    """Where a file of the data set is; None if it is at none of its places."""
    for folder in (Path(root, name, "raw"), Path(root)):
        for path in (folder / file, folder / f"{file}.gz"):
            if path.is_file():
                return path
    return None
