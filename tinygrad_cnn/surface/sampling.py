"""Tensors made of chance. All draw from the generator that `manual_seed` seeds, or from `generator=`."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from ..arrays.dtypes import get_default_dtype, number
from ..arrays.quiet import quietly
from ..arrays.types import DType, Shape
from ..engine.broadcast import by_cases
from ..engine.tensor import Tensor, as_array
from ..ops.declared import appears
from ..random import Generator, rng
from .creation import empty_like, finish, shape_of, wanted

MOST = 2**63 - 1  # the largest int64


def standard_normal(g: np.random.Generator, shape: tuple, dtype: Any) -> np.ndarray:
    """Normal random numbers of mean 0 and variance 1, drawn in the precision of dtype."""
    return g.standard_normal(shape, drawn_in(dtype)).astype(dtype, copy=False)


def standard_uniform(g: np.random.Generator, shape: tuple, dtype: Any) -> np.ndarray:
    """Random numbers 0 ≤ x < 1, drawn in the precision of dtype."""
    values: np.ndarray = g.random(shape, drawn_in(dtype))
    if dtype == np.float16:  # cut to its digits, for the largest would be rounded to 1
        values = np.floor(values * 2**11) / 2**11
    return values.astype(dtype, copy=False)


def between(values: np.ndarray, low: float, high: float, dtype: Any) -> np.ndarray:
    """Numbers low ≤ x < high in this dtype, where the largest may not be rounded up to high."""
    number = np.dtype(dtype).type
    return np.minimum(values.astype(dtype, copy=False), np.nextafter(number(high), number(low)))


def drawn_in(dtype: Any) -> type:
    """What random numbers of this dtype are computed in."""
    return np.float64 if dtype == np.float64 else np.float32


def _floating(name: str, dtype: Any) -> np.dtype:
    dtype = np.dtype(dtype or get_default_dtype())
    if dtype.kind != "f":
        raise NotImplementedError(
            f"{name}: only floating dtypes can hold these numbers, got {dtype}; use randint for integers"
        )
    return dtype


@appears("function")
def rand(
    *sizes: Shape,
    size: Shape | None = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers 0 ≤ x < 1, all equally likely.

    NotImplementedError for dtypes of integers.

    >>> import tinygrad_cnn as tg
    >>> x = tg.rand(1000)
    >>> 0 <= x.min().item() and x.max().item() < 1
    True
    """
    values = standard_uniform(rng(generator), shape_of("rand", sizes, size), _floating("rand", wanted(dtype, out)))
    return finish(values, device, requires_grad, out)


@appears("function")
def randn(
    *sizes: Shape,
    size: Shape | None = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal random numbers of mean 0 and variance 1.

    NotImplementedError for dtypes of integers.

    >>> import tinygrad_cnn as tg
    >>> tg.randn(2, 3).shape, tg.randn(()).shape
    ((2, 3), ())
    """
    values = standard_normal(rng(generator), shape_of("randn", sizes, size), _floating("randn", wanted(dtype, out)))
    return finish(values, device, requires_grad, out)


@appears("function")
def rand_like(input: Tensor, *, generator: Generator | None = None, dtype: DType | None = None, device: Any = None,
              requires_grad: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """`rand` in the shape and dtype of input.

    >>> import tinygrad_cnn as tg
    >>> tg.rand_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    out = empty_like(input, dtype=dtype, memory_format=memory_format)
    out = rand(input.shape, generator=generator, dtype=out.dtype, device=device, out=out)
    return out.requires_grad_() if requires_grad else out  # type: ignore[attr-defined]


@appears("function")
def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: DType | None = None, device: Any = None,
               requires_grad: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """`randn` in the shape and dtype of input.

    >>> import tinygrad_cnn as tg
    >>> tg.randn_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    out = empty_like(input, dtype=dtype, memory_format=memory_format)
    out = randn(input.shape, generator=generator, dtype=out.dtype, device=device, out=out)
    return out.requires_grad_() if requires_grad else out  # type: ignore[attr-defined]


@appears("function")
def randint(
    *bounds: Any,
    low: int = 0,
    high: int | None = None,
    size: Shape | None = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random integers low ≤ i < high, int64: randint(low, high, size), or randint(high, size), which begins at 0.

    RuntimeError unless low < high, and where the dtype does not hold them. TypeError for what is no int.

    >>> import tinygrad_cnn as tg
    >>> set(tg.randint(3, 5, (100,)).tolist()) == {3, 4}
    True
    >>> tg.randint(2, size=(2, 3)).shape
    (2, 3)
    """
    named: dict[str, Any] = {"low": low} if low else {}
    named |= {name: value for name, value in (("high", high), ("size", size)) if value is not None}
    whole = len(bounds) + len(named) > 2  # else low is left out
    order = ["low", "high", "size"] if whole or "low" in named else ["high", "size"]
    free = [name for name in order if name not in named]
    if len(bounds) != len(free) or "high" not in order:
        raise TypeError("randint: expected randint(high, size) or randint(low, high, size)")
    given = {"low": 0, **named, **dict(zip(free, bounds, strict=True))}
    low, high = (_whole("randint", name, given[name]) for name in ("low", "high"))
    if not isinstance(given["size"], tuple | list):
        raise TypeError(f"randint: size must be a tuple of ints, got {given['size']!r:.60}")
    if not low < high:
        raise RuntimeError(f"randint: expects low < high, got {low} and {high}")
    kind = np.dtype(wanted(dtype, out) or np.int64)
    number(low, kind), number(high - 1, kind)  # which it can hold
    values = rng(generator).integers(low, high, shape_of("randint", (given["size"],)))
    return finish(values.astype(kind), device, requires_grad, out)


def _whole(name: str, what: str, value: Any) -> int:
    """A bound as an int: also one that stands in a tensor."""
    value = value.item() if isinstance(value, Tensor) else value
    if not hasattr(value, "__index__"):
        raise TypeError(f"{name}: {what} must be int, not {type(value).__name__}")
    if not -MOST - 1 <= index(value) <= MOST:
        raise ValueError(f"{name}: {what} {index(value)} is more than int64 holds")
    return index(value)


@appears("function")
def randint_like(input: Tensor, *bounds: Any, low: int = 0, high: int | None = None, dtype: DType | None = None,
                 device: Any = None, requires_grad: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """`randint` in the shape and dtype of input.

    >>> import tinygrad_cnn as tg
    >>> set(tg.randint_like(tg.zeros(100), 2).tolist()) == {0.0, 1.0}
    True
    """
    options: dict = {"dtype": dtype or input.dtype, "device": device, "requires_grad": requires_grad}
    return randint(*bounds, low=low, high=high, size=tuple(input.shape), **options)


@appears("function")
def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers 0 to n - 1 in random order, int64.

    RuntimeError for a negative n.

    >>> import tinygrad_cnn as tg
    >>> sorted(tg.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    if n < 0:
        raise RuntimeError(f"randperm: n must not be negative, got {n}")
    return finish(rng(generator).permutation(n).astype(wanted(dtype, out) or np.int64), device, requires_grad, out)


@appears("function")
def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    size: Shape | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal random numbers: one for each element of mean and std, or a tensor of this size for two numbers.

    RuntimeError where an element of std is negative.

    >>> import tinygrad_cnn as tg
    >>> tg.normal(tg.tensor([1.0, 100.0]), 0.0).tolist()
    [1.0, 100.0]
    >>> tg.normal(0.0, 1.0, (2, 3)).shape
    (2, 3)
    """
    given = (mean, std)
    mean, std = as_array(mean), as_array(std)
    if np.any(np.less(std, 0)):
        raise RuntimeError("normal: expects all elements of std to be at least 0")
    if (
        size is None
        and not np.ndim(mean)
        and not np.ndim(std)
        and not hasattr(mean, "ndim")
        and not hasattr(std, "ndim")
    ):
        raise TypeError("normal: two numbers need a size: normal(mean, std, size)")
    shape = np.broadcast_shapes(np.shape(mean), np.shape(std)) if size is None else shape_of("normal", (size,))
    kind = _floating("normal", dtype or next((x.dtype for x in (mean, std) if hasattr(x, "dtype")), None))
    values = standard_normal(rng(generator), shape, drawn_in(kind)) * std + mean
    drawn = finish(np.asarray(values, kind), device, requires_grad, out)
    return drawn if out is not None else _drawn_with(drawn, *given)


@appears("function method")
def bernoulli(
    input: Tensor, p: Tensor | float | None = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """1 with the probability that stands in input (or with probability p everywhere), else 0.

    RuntimeError for probabilities outside of 0 to 1.

    >>> import tinygrad_cnn as tg
    >>> tg.bernoulli(tg.tensor([0.0, 1.0])).tolist()
    [0.0, 1.0]
    """
    chance = as_array(input if p is None else p)
    if np.size(chance) and not (np.min(chance) >= 0 and np.max(chance) <= 1):
        raise RuntimeError(f"bernoulli: probabilities must be 0 to 1, got {np.min(chance)} to {np.max(chance)}")
    ones = rng(generator).random(tuple(input.shape)) < chance
    drawn = finish(np.asarray(ones, input.dtype), out=out)
    return _drawn_with(drawn, input) if p is None and out is None else drawn


def _drawn_with(drawn: Tensor, *chances: Any) -> Tensor:
    """What was drawn, as a result of these: how they move it is a matter of chance, and counts as 0, as in PyTorch."""
    for t in chances:
        drawn = by_cases(drawn, t) if isinstance(t, Tensor) and t.requires_grad else drawn
    return drawn


@appears("function method")
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Numbers of columns, drawn for each row with the weights that stand in it: (C,) or (N, C) -> (..., num_samples).

    Without replacement (Efraimidis and Spirakis 2006): an exponential waiting time for each, the shortest win.

    RuntimeError for negative weights, for a row without any, and for more draws than columns without replacement.

    >>> import tinygrad_cnn as tg
    >>> tg.multinomial(tg.tensor([[0.0, 3.0], [1.0, 0.0]]), 1).tolist()
    [[1], [0]]
    """
    weights = input._array
    if weights.ndim not in (1, 2):
        raise RuntimeError(f"multinomial: expects a vector or a matrix of weights, got shape {weights.shape}")
    if weights.dtype.kind != "f":
        raise RuntimeError(f"multinomial: weights must be floating, got {weights.dtype}; convert them with .float()")
    totals = np.cumsum(weights, -1, dtype=np.float64)
    if not (weights >= 0).all() or not np.isfinite(totals).all() or not (totals[..., -1:] > 0).all():
        raise RuntimeError("multinomial: weights must not be negative, NaN or infinite, and not all of a row 0")
    possible = weights.shape[-1] if replacement else int((weights > 0).sum(-1).min())
    if num_samples < 1 or (not replacement and num_samples > possible):
        raise RuntimeError(
            f"multinomial: cannot draw {num_samples} of {possible} columns with a weight; use replacement=True"
        )
    g = rng(generator)
    if replacement:
        edges = totals / totals[..., -1:]  # the last is 1, which no draw reaches
        draws = g.random((*weights.shape[:-1], num_samples))
        chosen = (draws[..., None] >= edges[..., None, :]).sum(-1)
    else:
        waiting = quietly(np.divide, g.standard_exponential(weights.shape), weights)
        chosen = np.argsort(waiting, -1)[..., :num_samples]
    return finish(chosen.astype(np.int64), out=out)
