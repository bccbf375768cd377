"""How pixels between pixels are found, by name, and by the numbers that Pillow has for its filters."""

from __future__ import annotations

import enum
from typing import Any

from . import pictures


class InterpolationMode(enum.Enum):
    """How pixels between pixels are found.

    >>> InterpolationMode("bicubic").name
    'BICUBIC'
    """

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


def mode_of(interpolation: Any) -> InterpolationMode:
    """What is meant by an InterpolationMode, or by the number that Pillow has for its filter.

    TypeError for others, KeyError for a number that no filter has.

    >>> mode_of(2)
    <InterpolationMode.BILINEAR: 'bilinear'>
    """
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    if not isinstance(interpolation, int):
        given = interpolation if isinstance(interpolation, str) else type(interpolation).__name__
        raise TypeError(f"interpolation should be an InterpolationMode or the number of a PIL filter, got {given!r}")
    for name, number in pictures.FILTERS.items():
        if interpolation == number:
            return InterpolationMode(name)
    raise KeyError(f"interpolation {interpolation} is not the number of a PIL filter; they are 0 to 5")
