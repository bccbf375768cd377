"""Counts and waiting times drawn by chance, and functions of Python applied to each element, in place.

All draw from the generator that `manual_seed` seeds, or from `generator=`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.types import Array
from ..engine.tensor import Tensor, as_array, wrap
from ..random import Generator, rng
from .declared import appears


@appears("function")
def poisson(input: Array, generator: Generator | None = None) -> Array:
    """How many events happen where input are expected, for each element.

    RuntimeError for negative numbers, NotImplementedError for integers.

    >>> import tinygrad_cnn as tg
    >>> abs(tg.poisson(tg.full((10_000,), 4.0)).mean().item() - 4) < 0.2
    True
    """
    rate = as_array(input)
    if rate.dtype.kind != "f":
        raise NotImplementedError(f"poisson: takes floating tensors, got {rate.dtype}; convert it with .float()")
    if not np.all(rate >= 0):
        raise RuntimeError("poisson: the rates must not be negative")
    return wrap(np.asarray(rng(generator).poisson(rate)).astype(rate.dtype))


@appears("function")
def binomial(count: Array, prob: Array, generator: Generator | None = None) -> Array:
    """How many of count tries succeed where each does with probability prob; the shapes broadcast.

    ValueError unless both are floating.

    >>> import tinygrad_cnn as tg
    >>> tg.binomial(tg.tensor([5.0, 5.0]), tg.tensor([0.0, 1.0])).tolist()
    [0.0, 5.0]
    """
    n, p = as_array(count), as_array(prob)
    for name, given in (("count", n), ("prob", p)):
        if given.dtype.kind != "f":
            raise ValueError(f"binomial: {name} must be floating, got {given.dtype}; convert it with .float()")
    if n.dtype != p.dtype:
        raise RuntimeError(f"binomial: count and prob must be of one dtype, got {n.dtype} and {p.dtype}")
    drawn = rng(generator).binomial(np.maximum(np.floor(n), 0).astype(np.int64), np.clip(p, 0, 1))
    return wrap(np.asarray(drawn).astype(n.dtype))


@appears("in_place")
def cauchy(input: Array, median: float = 0, sigma: float = 1, *, generator: Generator | None = None) -> Array:
    """Random numbers of the density sigma / (π·(sigma² + (x - median)²)).

    RuntimeError unless sigma is positive, and for integers.

    >>> import tinygrad_cnn as tg
    >>> abs(tg.zeros(10_000).cauchy_(3.0).median().item() - 3) < 0.2
    True
    """
    if sigma <= 0:
        raise RuntimeError(f"cauchy_: sigma must be positive, got {sigma}")
    if input.dtype.kind != "f":
        raise RuntimeError(f"cauchy_: takes floating tensors, got {input.dtype}")
    return _drawn(input, rng(generator).standard_cauchy(tuple(input.shape)) * sigma + median)


@appears("in_place")
def log_normal(input: Array, mean: float = 1, std: float = 2, *, generator: Generator | None = None) -> Array:
    """Random numbers whose logarithms are normal, of this mean and standard deviation.

    RuntimeError unless std is positive, NotImplementedError for integers.

    >>> import tinygrad_cnn as tg
    >>> abs(tg.zeros(10_000).log_normal_(0, 0.5).log().mean().item()) < 0.05
    True
    """
    if std <= 0:
        raise RuntimeError(f"log_normal_: std must be positive, got {std}")
    if input.dtype.kind != "f":
        raise NotImplementedError(f"log_normal_: takes floating tensors, got {input.dtype}")
    return _drawn(input, np.exp(rng(generator).standard_normal(tuple(input.shape)) * std + mean))


@appears("in_place")
def geometric(input: Array, p: float, *, generator: Generator | None = None) -> Array:
    """How many tries it takes until one succeeds, each with probability p.

    RuntimeError unless 0 < p < 1.

    >>> import tinygrad_cnn as tg
    >>> abs(tg.zeros(10_000).geometric_(0.25).mean().item() - 4) < 0.3
    True
    """
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_: p must be between 0 and 1, got {p}")
    return _drawn(input, rng(generator).geometric(p, tuple(input.shape)))


def _drawn(input: Any, values: Any) -> Any:
    return wrap(np.asarray(values).astype(input.dtype))


# Functions of Python.


@appears("in_place")
def apply(input: Array, callable: Callable[[Any], Any]) -> Array:
    """callable(x) of each element, which is a number of Python: slow, and without gradient.

    RuntimeError for a tensor that requires grad.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([1.0, 2.0]).apply_(lambda x: 10 * x).tolist()
    [10.0, 20.0]
    """
    return _each("apply_", callable, input)


@appears("in_place")
def map(input: Array, tensor: Array, callable: Callable[[Any, Any], Any]) -> Array:
    """callable(x, y) of each element and that of another tensor, which broadcasts.

    RuntimeError for a tensor that requires grad.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([1.0, 5.0]).map_(tg.tensor([3.0, 4.0]), max).tolist()
    [3.0, 5.0]
    """
    return _each("map_", callable, input, tensor)


def _each(name: str, f: Callable, input: Any, *others: Any) -> Any:
    if any(isinstance(x, Tensor) and x.requires_grad for x in (input, *others)):
        raise RuntimeError(f"{name}: Python's functions have no gradient; use .detach().{name}(...)")
    arrays = [np.broadcast_to(as_array(x), tuple(input.shape)) for x in (input, *others)]
    values = [f(*numbers) for numbers in zip(*[a.ravel().tolist() for a in arrays], strict=True)]
    return wrap(np.array(values).reshape(tuple(input.shape)).astype(input.dtype))
