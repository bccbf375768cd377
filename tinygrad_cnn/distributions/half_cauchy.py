"""The magnitude of a Cauchy number."""

from __future__ import annotations

import math
from typing import Any

from ..surface.creation import full
from .cauchy import Cauchy
from .magnitude import Magnitude


class HalfCauchy(Magnitude):
    """|x| with x of Cauchy(0, scale)

    >>> import tinygrad_cnn as tg
    >>> tg.distributions.HalfCauchy(1.0).cdf(tg.tensor(0.0)).item()
    0.0
    """

    two_sided = Cauchy

    @property
    def mean(self) -> Any:
        return full(self._batch_shape, math.inf, dtype=self.scale.dtype)

    @property
    def variance(self) -> Any:
        return self._base.variance
