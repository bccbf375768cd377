"""What communication costs: the α-β model (Hockney 1994; Thakur, Rabenseifner and Gropp 2005).

A message of S bytes takes α + S/β seconds. An all-reduce of S bytes over N machines halves and doubles its way through
log₂ N neighbours twice, and moves each byte 2·(N - 1)/N times:

    t(S, N) = 2·⌈log₂ N⌉·α + 2·(N - 1)/N·S/β

A step computes for t_c, of which backward is two thirds, and sends its buckets meanwhile; the last bucket is ready only
at the end. So a step takes t_c + max(t(last bucket), Σ t(bucket) - 2/3·t_c).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

BACKWARD = 2 / 3  # of a training step


class Link(NamedTuple):
    """What connects machines."""

    latency: float  # α, seconds
    bandwidth: float  # β, bytes a second

    def all_reduce(self, size: float, machines: int) -> float:
        """Seconds for so many bytes.

        >>> round(Link(1e-5, 1e9).all_reduce(1e6, 2), 6), Link(1e-5, 1e9).all_reduce(1e6, 1)
        (0.00102, 0.0)
        """
        hops = 2 * math.ceil(math.log2(machines))
        return hops * self.latency + 2 * (machines - 1) / machines * size / self.bandwidth


def fitted(sizes: Sequence[float], seconds: Sequence[float], machines: int) -> Link:
    """The link whose all-reduces come nearest to what was measured, each size counting alike.

    Least squares of the relative errors, of numbers that are not negative.

    >>> link = Link(2e-5, 5e8)
    >>> sizes = [1e3, 1e5, 1e7]
    >>> found = fitted(sizes, [link.all_reduce(s, 4) for s in sizes], 4)
    >>> round(found.latency, 9), round(found.bandwidth)
    (2e-05, 500000000)
    """
    s, t = np.array(sizes, float), np.array(seconds, float)
    hops, moved = 2 * math.ceil(math.log2(machines)), 2 * (machines - 1) / machines
    (alpha, per_byte), *_ = np.linalg.lstsq(np.stack([hops / t, moved * s / t], 1), np.ones(len(t)), rcond=None)
    return Link(max(float(alpha), 0.0), 1 / max(float(per_byte), 1e-15))


def line(batches: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """(t_0, t_1) of a step that takes t_0 + t_1·batch, through the first and the last batch; neither is negative.

    >>> line([10, 20], [3.0, 5.0])
    (1.0, 0.2)
    """
    slope = max((seconds[-1] - seconds[0]) / (batches[-1] - batches[0]), 0.0)
    return max(seconds[0] - slope * batches[0], 0.0), slope


def step(compute: float, messages: Sequence[float], link: Link, machines: int) -> float:
    """Seconds of a training step: what is computed, and what is sent and not hidden behind backward.

    messages: the bytes of each, in the order of sending.

    >>> step(1.0, [1e9, 1e6], Link(0.0, 1e9), 1), step(1.0, [1e8, 1e6], Link(0.0, 1e9), 2)
    (1.0, 1.001)
    """
    times = [link.all_reduce(size, machines) for size in messages]
    return compute + max(times[-1], sum(times) - BACKWARD * compute)
