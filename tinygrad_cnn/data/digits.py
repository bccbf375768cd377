"""The handwritten digits that come with the library: real data that needs no download.

1,797 images by 13 people, 8 x 8, each pixel the number of ink dots (0 to 16) in a 4 x 4 block of a scan; source and
licence (CC BY 4.0) stand in digits.txt. The split into training and test images is fixed and stratified: of each
class, in the order of the file, every fifth image is for testing. The file goes from writer to writer, so that both
parts know all hands.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.tensor import wrap
from .dataset import Columns, Dataset

EVERY = 5


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """All images, uint8 (1797, 8, 8) with values 0 to 16, and their labels, int64 (1797,).

    >>> images, labels = load_digits()
    >>> images.shape, int(images.max()), labels[:3].tolist()
    ((1797, 8, 8), 16, [0, 1, 2])
    """
    return read_digits(Path(__file__).with_name("digits.npz"))


def read_digits(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of such a file; ValueError if it is damaged."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            images, labels = arrays["images"], arrays["labels"].astype(np.int64)
    except Exception as error:  # a damaged file may fail in any way
        raise ValueError(f"{path}: the file is damaged ({error}); install the library again") from error
    if images.dtype != np.uint8 or images.shape != (len(labels), 8, 8) or labels.ndim != 1:
        raise ValueError(f"{path}: found {images.dtype} images of shape {images.shape}, labels of {labels.shape}")
    return images, labels


def is_test(labels: np.ndarray) -> np.ndarray:
    """Which images are for testing: (N,) labels -> (N,) bool, every fifth of each class."""
    rank = np.empty(len(labels), np.int64)
    for c in np.unique(labels):
        of_class = labels == c
        rank[of_class] = np.arange(of_class.sum())
    return rank % EVERY == EVERY - 1


class Digits(Dataset[tuple[Any, Any]]):
    """The packaged digits: 1,442 training images, or with `train=False` the other 355.

    `ds[i]` is (image, label): a float32 Tensor (1, 8, 8) with values 0 to 1 (the pixels divided by 16) and an int,
    each passed through `transform` and `target_transform` if given. `data` holds the uint8 pixels (N, 8, 8),
    `targets` the labels, int64 (N,).

    >>> image, label = Digits(train=False)[0]
    >>> image.shape, image.dtype, label
    ((1, 8, 8), dtype('float32'), 5)
    """

    classes = [str(digit) for digit in range(10)]
    class_to_idx = {name: i for i, name in enumerate(classes)}

    def __init__(
        self,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ):
        images, labels = load_digits()
        chosen = is_test(labels) != train
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        self.data = wrap(images[chosen])
        self.targets = wrap(labels[chosen])

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, label = wrap(self._pixels(index)), int(self.targets.numpy()[index])
        return (
            image if self.transform is None else self.transform(image),
            label if self.target_transform is None else self.target_transform(label),
        )

    def __getitems__(self, indices: list[int]) -> Any:
        if self.transform is None and self.target_transform is None:
            return Columns(wrap(self._pixels(indices)), wrap(self.targets.numpy()[indices]))
        return [self[i] for i in indices]

    def _pixels(self, index: Any) -> np.ndarray:
        """(..., 8, 8) uint8 0 to 16 -> (..., 1, 8, 8) float32 0 to 1"""
        return np.expand_dims(self.data.numpy()[index], -3) / np.float32(16)

    def __repr__(self) -> str:
        return f"Digits(train={self.train}, {len(self)} images)"
