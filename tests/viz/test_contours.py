"""Lines of equal height: each end lies on a side, where the height is that of the line."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinygrad_cnn.viz.contours import lines


@pytest.mark.parametrize("seed", range(3))
def test_every_end_has_the_height_of_its_line_and_lines_end_at_the_border_alone(seed):
    heights = np.random.default_rng(seed).normal(size=(6, 7))
    found = lines(heights, 0.1)
    assert found
    ends: dict[tuple, int] = {}
    for piece in found:
        for c, r in piece:
            c0, r0, c1, r1 = math.floor(c), math.floor(r), math.ceil(c), math.ceil(r)
            assert c0 == c1 or r0 == r1
            t = (c - c0) + (r - r0)
            assert heights[r0, c0] * (1 - t) + heights[r1, c1] * t == pytest.approx(0.1)
            ends[c, r] = ends.get((c, r), 0) + 1
    for (c, r), n in ends.items():
        assert n == (1 if c in (0, 6) or r in (0, 5) else 2)


@pytest.mark.parametrize(
    ("heights", "level", "expected"),
    [
        ([[1, 0], [0, 1]], 0.4, {((0.6, 0.0), (1.0, 0.4)), ((0.4, 1.0), (0.0, 0.6))}),  # the middle is high
        ([[1, 0], [0, 1]], 0.6, {((0.4, 0.0), (0.0, 0.4)), ((1.0, 0.6), (0.6, 1.0))}),  # the middle is low
        ([[0, 0], [0, 0]], 0.5, set()),
        ([[0, math.nan], [1, 1]], 0.5, set()),
        ([[0, 1]], 0.5, set()),
    ],
)
def test_saddles_and_what_has_no_line(heights, level, expected):
    found = lines(heights, level)
    as_sets = {frozenset((round(c, 9), round(r, 9)) for c, r in piece) for piece in found}
    assert as_sets == {frozenset(piece) for piece in expected}
