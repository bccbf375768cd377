"""Methods that fill a tensor with random numbers, in place."""

from __future__ import annotations

import numpy as np

from ..arrays.arguments import forgiving
from ..engine.tensor import Tensor, as_array
from ..random import Generator, rng
from .attach import method
from .sampling import between, drawn_in, standard_normal, standard_uniform
from .writing import write


@method
@forgiving
def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """In place: normal random numbers.

    RuntimeError for a negative std.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(10_000).normal_(5, 0.1)
    >>> abs(x.mean().item() - 5) < 0.01, abs(x.std().item() - 0.1) < 0.01
    (True, True)
    """
    if std < 0:
        raise RuntimeError(f"normal_: std must not be negative, got {std}")
    values = standard_normal(rng(generator), self._array.shape, drawn_in(self._array.dtype))
    return write(self, "normal_", ..., values * std + mean)


@method
@forgiving
def uniform_(
    self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None, **named: float
) -> Tensor:
    """In place: random numbers from ≤ x < to, all equally likely.

    RuntimeError unless from <= to.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(1000).uniform_(-1, 1)
    >>> -1 <= x.min().item() < x.max().item() < 1
    True
    """
    low, high = named.get("from", from_), to
    if low > high:
        raise RuntimeError(f"uniform_: expects from <= to, got {low} and {high}")
    dtype = self._array.dtype
    values = standard_uniform(rng(generator), self._array.shape, drawn_in(dtype)) * (high - low) + low
    return write(self, "uniform_", ..., between(values, low, high, dtype))


@method
@forgiving
def random_(
    self: Tensor, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None
) -> Tensor:
    """In place: random integers from ≤ i < to; random_(to) begins at 0.

    Without numbers, up to the largest that the dtype has all integers to. RuntimeError unless from < to.

    >>> import tinygrad_cnn as tg
    >>> set(tg.zeros(100).random_(3, 5).tolist()) == {3.0, 4.0}
    True
    """
    if to is None:
        low, high = 0, _most(self._array.dtype) if from_ is None else from_
    else:
        low, high = from_ or 0, to
    if low >= high:
        raise RuntimeError(f"random_: expects from < to, got {low} and {high}")
    return write(self, "random_", ..., rng(generator).integers(low, high, self._array.shape))


@method
@forgiving
def bernoulli_(self: Tensor, p: Tensor | float = 0.5, *, generator: Generator | None = None) -> Tensor:
    """In place: 1 with probability p, a number or a tensor, else 0.

    RuntimeError for a p outside of 0 to 1.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).bernoulli_(tg.tensor([0.0, 1.0])).tolist()
    [0.0, 1.0]
    """
    chance = np.asarray(as_array(p))
    if chance.size and not (chance.min() >= 0 and chance.max() <= 1):
        raise RuntimeError(f"bernoulli_: p must be 0 to 1, got {chance.min()} to {chance.max()}")
    ones = rng(generator).random(self._array.shape) < chance
    return write(self, "bernoulli_", ..., ones.astype(self._array.dtype))


@method
@forgiving
def exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """In place: random numbers x ≥ 0 of the density λ·exp(-λx).

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(10_000).exponential_(4)
    >>> x.min().item() >= 0, abs(x.mean().item() - 0.25) < 0.02
    (True, True)
    """
    return write(self, "exponential_", ..., rng(generator).standard_exponential(self._array.shape) / lambd)


def _most(dtype: np.dtype) -> int:
    """One above the largest integer up to which this dtype has all."""
    if dtype.kind == "f":
        return 2 ** (np.finfo(dtype).nmant + 1) + 1
    return 2 if dtype.kind == "b" else int(np.iinfo(dtype).max)
