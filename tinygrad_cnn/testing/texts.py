"""Calls of the kernels of texts: probabilities of letters, and texts of several lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels import kernel, use

Rng = np.random.Generator


def ctc(rng: Rng) -> tuple:
    """Some texts have letters twice, some none, some more than there are times."""
    T, N, C, S = (int(n) for n in rng.integers((1, 1, 2, 1), (7, 4, 5, 4)))
    P = rng.standard_normal((T, N, C)).astype(np.float32)
    P -= np.log(np.exp(P).sum(2, keepdims=True))
    texts, blank = rng.integers(0, C, (N, S)), int(rng.integers(C))
    return P, texts, rng.integers(0, T + 1, N), rng.integers(0, S + 1, N), blank


def ctc_backward(rng: Rng) -> tuple:
    P, texts, times, letters, blank = ctc(rng)
    with use("numpy"):
        losses, alpha = kernel.ctc_loss(P, texts, times, letters, blank)
    return P, texts, times, letters, losses, alpha, blank, bool(rng.integers(2) or np.isinf(losses).any())


def bounds(law: Any, args: tuple, expected: list) -> list:
    """Of logarithms, and of what they are exponents of."""
    return [np.maximum(np.abs(e), 1) for e in expected]
