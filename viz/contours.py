"""Lines of equal height in a grid of numbers, by marching squares.

Between four neighbours a line goes from side to side, and crosses a side where the height between its two ends,
taken as straight, is that of the line. Where two opposite corners are high and two are low, the mean of the four says
which of them hang together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Place = tuple[float, float]  # column, row


def lines(heights: Any, level: float) -> list[tuple[Place, Place]]:
    """The pieces of the line of one level, each from one (column, row) to another; none beside a NaN.

    >>> lines([[0, 0], [1, 1]], 0.25)
    [((1.0, 0.25), (0.0, 0.25))]
    """
    heights = np.asarray(heights, dtype=np.float64)
    above = heights > level
    corners = np.stack([above[:-1, :-1], above[:-1, 1:], above[1:, 1:], above[1:, :-1]])  # around a square
    known = np.isfinite(heights)
    whole = known[:-1, :-1] & known[:-1, 1:] & known[1:, 1:] & known[1:, :-1]
    found = []
    for r, c in np.argwhere(whole & corners.any(0) & ~corners.all(0)):
        around = [(c, r), (c + 1, r), (c + 1, r + 1), (c, r + 1)]
        sides = list(zip(around, around[1:] + around[:1], strict=True))
        crossed = [_crossing(heights, level, a, b) for a, b in sides if above[a[::-1]] != above[b[::-1]]]
        if len(crossed) == 4 and (heights[r : r + 2, c : c + 2].mean() > level) != above[r, c]:
            crossed = crossed[1:] + crossed[:1]  # the first corner does not hang together with the one across
        found += list(zip(crossed[::2], crossed[1::2], strict=True))
    return found


def _crossing(heights: np.ndarray, level: float, a: tuple[int, int], b: tuple[int, int]) -> Place:
    """Where the line crosses the side between a and b: the same from both squares."""
    a, b = sorted((a, b))
    low, high = heights[a[::-1]], heights[b[::-1]]
    t = (level - low) / (high - low)
    return float(a[0] + t * (b[0] - a[0])), float(a[1] + t * (b[1] - a[1]))
