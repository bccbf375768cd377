"""Dropout: random, so the table holds what is certain; tests of its own hold the rest."""

from __future__ import annotations

import numpy as np

from . import Case

CASES = [
    Case("dropout", [(2, 3)], dict(p=0.0), expected=lambda x, p: x),
    Case("dropout", [(2, 3)], dict(p=1.0), expected=lambda x, p: np.zeros_like(x)),
    Case("dropout", [(2, 3)], dict(p=0.9, training=False), expected=lambda x, p, training: x),
    Case("dropout2d", [(2, 3, 2, 2)], dict(p=1.0), expected=lambda x, p: np.zeros_like(x)),
    Case("alpha_dropout", [(2, 3)], dict(p=1.0, training=True), expected=lambda x, p, training: np.zeros_like(x)),
    Case("alpha_dropout", [(2, 3)], dict(p=0.5), expected=lambda x, p: x, note="eval"),
]
