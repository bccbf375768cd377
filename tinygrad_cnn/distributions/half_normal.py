"""The magnitude of a normal number."""

from __future__ import annotations

import math
from typing import Any

from .magnitude import Magnitude
from .normal import Normal


class HalfNormal(Magnitude):
    """|x| with x of Normal(0, scale)

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.HalfNormal(1.0).cdf(tg.tensor(0.0)).item()
    0.0
    """

    two_sided = Normal

    @property
    def mean(self) -> Any:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Any:
        return self.scale**2 * (1 - 2 / math.pi)
