"""Gamma numbers, which move with their parameter, though no formula makes them.

M. Figurnov, S. Mohamed, A. Mnih, Implicit reparameterization gradients (2018): with F the distribution function and f
the density, F(x; a) stays where it is, so dx/da = -(∂F/∂a) / f. F(x; a) / f = Σ over k of x^(k + 1) / (a ··· (a + k)).
"""

from __future__ import annotations

import numpy as np

from ..arrays.gamma import digamma
from ..engine.tensor import Tensor, wrap
from ..random import rng


def standard_gamma(concentration: Tensor) -> Tensor:
    """A draw of the gamma distribution with rate 1 for each concentration, never 0. It has a first derivative.

    >>> import tinygrad_cnn as tg
    >>> bool(standard_gamma(tg.full((100,), 0.01)).min() > 0)
    True
    """
    a = concentration.detach().numpy()
    drawn = np.asarray(rng().standard_gamma(a.astype(np.float64)), a.dtype)
    drawn = np.asarray(np.maximum(drawn, np.finfo(a.dtype).tiny))
    if not concentration.requires_grad:
        return wrap(drawn)
    slope = _slope(drawn.astype(np.float64).ravel(), a.astype(np.float64).ravel())
    return wrap(drawn) + (concentration - concentration.detach()) * wrap(slope.astype(a.dtype).reshape(a.shape))


def _slope(x: np.ndarray, a: np.ndarray) -> np.ndarray:
    """dx/da of draws x."""
    term, psi, logarithm = x / a, digamma(a) + 1 / a, np.log(x)
    total, k = np.zeros_like(x), 0
    while term.size and term.max() > 1e-17 * max(1.0, np.abs(total).max()):
        total += term * (psi - logarithm)
        k += 1
        term = term * x / (a + k)
        psi = psi + 1 / (a + k)
    return total
