"""Pictures of another size: the law is NumPy's repetition and interpolation, and windows' means."""

from __future__ import annotations

import numpy as np

from . import Case
from .pool import adaptive_avg_pool2d


def along(axis, input, new, f):
    return np.apply_along_axis(f, axis, input, new)


def linear(row, new):
    place = (np.arange(new) + 0.5) * len(row) / new - 0.5
    return np.interp(place, np.arange(len(row)), row)


def corners(row, new):
    return np.interp(np.linspace(0, len(row) - 1, new), np.arange(len(row)), row)


CASES = [
    Case(
        "interpolate",
        [(2, 3, 4)],
        dict(size=7, mode="linear"),
        expected=lambda x, size, mode: along(-1, x, size, linear),
    ),
    Case(
        "interpolate",
        [(1, 2, 3, 5)],
        dict(size=(5, 3), mode="bilinear"),
        expected=lambda x, size, mode: along(-1, along(-2, x, 5, linear), 3, linear),
    ),
    Case(
        "interpolate",
        [(1, 2, 3, 4)],
        dict(size=(5, 2), mode="bilinear", align_corners=True),
        expected=lambda x, size, mode, align_corners: along(-1, along(-2, x, 5, corners), 2, corners),
    ),
    Case(
        "interpolate",
        [(1, 1, 2, 3, 2)],
        dict(size=(3, 2, 4), mode="trilinear"),
        expected=lambda x, size, mode: along(-1, along(-2, along(-3, x, 3, linear), 2, linear), 4, linear),
    ),
    Case(
        "interpolate",
        [(1, 2, 2, 3)],
        dict(scale_factor=2),
        expected=lambda x, scale_factor: x.repeat(2, -1).repeat(2, -2),
    ),
    Case(
        "interpolate",
        [(1, 2, 5, 4)],
        dict(size=(3, 6), mode="area"),
        expected=lambda x, size, mode: adaptive_avg_pool2d(x, size),
    ),
]
