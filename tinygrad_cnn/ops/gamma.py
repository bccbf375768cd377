"""The gamma function's logarithm and its derivatives, the last ones first: any shape -> the same shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..arrays import gamma
from ..arrays.gamma import widely
from ..arrays.types import Array
from ..engine.broadcast import in_float32
from ..engine.call import op
from .declared import appears
from .dims import whole
from .unary import real


@op(pointwise=True)
def _polygamma(input: Array, n: int) -> Array:
    """The n-th derivative of digamma."""
    return widely(lambda x: gamma.polygamma(n, x), real(input))


_polygamma.grad(input=lambda g, input, n: g * _polygamma(input, n + 1))
_polygamma.explain("The slope of a polygamma function is the next one.", input="g · polygamma(n + 1, input)")


@appears("function out method in_place")
@op(pointwise=True)
def digamma(input: Array) -> Array:
    """The derivative of ln Γ; -inf at 0, NaN at -1, -2, ...

    >>> import tinygrad_cnn as tg
    >>> [f"{v:.4f}" for v in tg.digamma(tg.tensor([1.0, 2.0, 0.0])).tolist()]
    ['-0.5772', '0.4228', '-inf']
    """
    return widely(gamma.digamma, real(input))


digamma.grad(input=lambda g, input: g * _polygamma(input, 1))
digamma.explain(
    "The slope of digamma is trigamma, the first of the polygamma functions.", input="g · polygamma(1, input)"
)


@appears("function out method in_place")
@op(pointwise=True)
def lgamma(input: Array) -> Array:
    """ln |Γ(input)|: ln((n - 1)!) for a positive integer n; inf at 0, -1, -2, ...

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 5.0, 0.5], requires_grad=True)
    >>> y = tg.lgamma(x)
    >>> [f"{v:.3f}" for v in y.exp().tolist()]
    ['1.000', '24.000', '1.772']
    >>> y.sum().backward()
    >>> [f"{v:.3f}" for v in x.grad.tolist()]
    ['-0.577', '1.506', '-1.964']
    """
    return widely(gamma.log_gamma, real(input))


lgamma.grad(input=lambda g, input: g * digamma(input))
lgamma.explain("The slope of ln Γ is the digamma function.")


@appears("function out")
def polygamma(n: int, input: Array) -> Array:
    """The n-th derivative of digamma, which is n = 0; infinite at 0, -1, -2, ...

    The method is `input.polygamma(n)`. RuntimeError for a negative n, TypeError for one that is no int.

    >>> import tinygrad_cnn as tg
    >>> [f"{v:.4f}" for v in tg.polygamma(1, tg.tensor([1.0, 2.0])).tolist()]
    ['1.6449', '0.6449']
    """
    return _of_order(n, input)


def _of_order(n: Any, input: Any) -> Any:
    if whole("polygamma", "n", n) < 0:
        raise RuntimeError(f"polygamma: n must not be negative, got {n}")
    return _polygamma(input, n) if n else digamma(input)


def _method() -> Callable:
    """polygamma as a method, where the tensor comes first."""

    def polygamma(input: Array, n: int) -> Array:
        """`tinygrad_cnn.polygamma(n, input)`: the n-th derivative of digamma.

        >>> import tinygrad_cnn as tg
        >>> [f"{v:.4f}" for v in tg.tensor([1.0, 2.0]).polygamma(1).tolist()]
        ['1.6449', '0.6449']
        """
        return _of_order(n, input)

    return polygamma


appears("method in_place")(_method())


@appears("function out method in_place")
@in_float32
def mvlgamma(input: Array, p: int) -> Array:
    """The logarithm of the gamma function in p dimensions: p·(p - 1)/4·ln π + Σ lgamma(input - i/2) over i < p.

    RuntimeError unless p is positive.

    >>> import tinygrad_cnn as tg
    >>> tg.mvlgamma(tg.tensor([3.0]), 1).exp().round().item()
    2.0
    """
    if whole("mvlgamma", "p", p) < 1:
        raise RuntimeError(f"mvlgamma: p must be greater than or equal to 1, got {p}")
    out = p * (p - 1) / 4 * math.log(math.pi)
    for i in range(p):
        out = lgamma(input - i / 2) + out
    return out
