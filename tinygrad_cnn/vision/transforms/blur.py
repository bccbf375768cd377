"""Transforms that blur."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

from ...random import rng
from . import functional as F
from .base import Layer
from .functional import Picture


class GaussianBlur(Layer):
    """The mean around each pixel, by the weights of a bell curve whose width is drawn between the two of `sigma`.

    kernel_size: of the window, odd, one number or (width, height). sigma: (least, most), or one number for both.
    ValueError for others.

    >>> import tinygrad_cnn as tg
    >>> GaussianBlur(3)(tg.ones(3, 8, 8)).shape
    (3, 8, 8)
    """

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)):
        super().__init__()
        sizes = tuple(kernel_size) if isinstance(kernel_size, Sequence) else (kernel_size,) * 2
        if len(sizes) != 2:
            raise ValueError(f"GaussianBlur: kernel_size should be one number or two, got {kernel_size}")
        if any(n <= 0 or n % 2 == 0 for n in sizes):
            raise ValueError(f"GaussianBlur: kernel_size should be odd and positive, got {kernel_size}")
        bounds = tuple(sigma) if isinstance(sigma, tuple | list) else (sigma,) * 2
        if len(bounds) != 2 or not all(isinstance(bound, numbers.Real) for bound in bounds):
            raise ValueError(f"GaussianBlur: sigma should be a number or (least, most), got {sigma!r}")
        if not 0 < bounds[0] <= bounds[1]:
            raise ValueError(f"GaussianBlur: sigma should be positive, and the least before the most, got {sigma}")
        self.kernel_size, self.sigma = sizes, bounds

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """A width between the two."""
        return rng().uniform(sigma_min, sigma_max)

    def forward(self, img: Picture) -> Picture:
        return F.gaussian_blur(img, self.kernel_size, self.get_params(*self.sigma))
