"""Transforms from one kind of image to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...arrays.types import DType
from ...engine.tensor import Tensor
from . import functional as F
from .base import Layer, Transform


class ToTensor(Transform):
    """PIL image or array (H, W, C), 0 to 255 -> Tensor (C, H, W), 0 to 1; see `functional.to_tensor`.

    >>> import numpy as np
    >>> ToTensor()(np.full((2, 4, 3), 255, np.uint8)).shape
    (3, 2, 4)
    """

    def __call__(self, img: Any) -> Tensor:
        return F.to_tensor(img)


class PILToTensor(Transform):
    """PIL image (H, W) -> Tensor (C, H, W) of the same values.

    >>> from PIL import Image
    >>> PILToTensor()(Image.new("L", (3, 2), 7)).tolist()
    [[[7, 7, 7], [7, 7, 7]]]
    """

    def __call__(self, img: Any) -> Tensor:
        return F.pil_to_tensor(img)


class ToPILImage(Transform):
    """Tensor (C, H, W) or array (H, W, C) -> PIL image; see `functional.to_pil_image`.

    >>> import tinygrad_cnn as tg
    >>> ToPILImage()(tg.zeros(3, 2, 4)).size  # width and height
    (4, 2)
    """

    def __init__(self, mode: str | None = None):
        self.mode = mode

    def shown(self) -> dict[str, Any]:
        return {} if self.mode is None else {"mode": self.mode}

    def __call__(self, img: Any) -> Any:
        return F.to_pil_image(img, self.mode)


class ConvertImageDtype(Layer):
    """The same picture in another dtype, with its range; see `functional.convert_image_dtype`.

    >>> import tinygrad_cnn as tg
    >>> ConvertImageDtype(tg.uint8)(tg.tensor([[[0.0, 0.5, 1.0]]])).tolist()
    [[[0, 127, 255]]]
    """

    hidden = ("training", "dtype")

    def __init__(self, dtype: DType):
        super().__init__()
        self.dtype = dtype

    def forward(self, img: Tensor) -> Tensor:
        return F.convert_image_dtype(img, self.dtype)


class Normalize(Layer):
    """(x - mean[c]) / std[c] for each channel c of a floating-point Tensor (..., C, H, W).

    >>> import tinygrad_cnn as tg
    >>> Normalize((0.5,), (0.5,))(tg.tensor([[[0.0, 0.5, 1.0]]])).tolist()
    [[[-1.0, 0.0, 1.0]]]
    """

    hidden = ("training", "inplace")

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False):
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def forward(self, img: Tensor) -> Tensor:
        return F.normalize(img, self.mean, self.std, self.inplace)
