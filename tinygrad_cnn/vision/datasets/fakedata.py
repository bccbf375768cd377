"""Images of noise: to try a script out before its data is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine.tensor import wrap
from ...random import Generator
from ..transforms.functional import to_pil_image
from .vision import Transform, VisionDataset


class FakeData(VisionDataset):
    """`size` random PIL images of `image_size` (C, H, W) with random labels below `num_classes`.

    The i-th is the same every time; it is drawn from the seed i + `random_offset`.

    >>> image, label = FakeData(size=3, image_size=(3, 4, 5))[0]
    >>> image.size, 0 <= label < 10  # width and height
    ((5, 4), True)
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: Sequence[int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        random_offset: int = 0,
    ):
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.image_size = tuple(image_size)
        self.num_classes = num_classes
        self.random_offset = random_offset

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not 0 <= index < self.size:
            raise IndexError(f"FakeData: index {index} is out of range for {self.size} images")
        draw = Generator().manual_seed(index + self.random_offset).numpy
        noise = draw.standard_normal(self.image_size, np.float32)
        label = int(draw.integers(self.num_classes))
        return self._sample(to_pil_image(wrap(noise)), label)
