"""Sums of powers by their logarithms, which neither overflow nor vanish: of two to base 2, running along an axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.dtypes import promote, result_type
from ..arrays.types import Array
from ..engine.call import op
from .choice import where
from .compare import eq, gt
from .declared import appears
from .dims import axis
from .pairs import pairwise
from .rearrange import flip
from .unary import exp, exp2, log


def _floating_pair(input: Any, other: Any) -> tuple:
    if result_type(input, other).kind not in "fc":
        raise NotImplementedError(f"logaddexp2: takes floating tensors, got {result_type(input, other)}")
    return promote(input, other)


@appears("function out method")
@pairwise(np.logaddexp2, _floating_pair)
def logaddexp2(input: Array, other: Array):
    """log2(2^input + 2^other), without overflow. NotImplementedError for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.logaddexp2(tg.tensor([1000.0]), tg.tensor([1000.0])).item()
    1001.0
    """


logaddexp2.grad(
    input=lambda g, input, other: g / (1 + exp2(other - input)),
    other=lambda g, input, other: g / (1 + exp2(input - other)),
)
logaddexp2.explain("Each gets its share, as in a softmax of two, to base 2.")


@appears("function out exact method")
@op
def logcumsumexp(input: Array, dim: int) -> Array:
    """out[i] = ln(e^input[0] + ... + e^input[i]) along dim, for inputs of any size.

    NotImplementedError for integers, IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> [round(v, 3) for v in tg.logcumsumexp(tg.tensor([1000.0, 1000.0, 1001.0]), 0).tolist()]
    [1000.0, 1000.693, 1001.551]
    """
    d = axis("logcumsumexp", dim, input.ndim)
    if input.dtype.kind != "f":
        raise NotImplementedError(f"logcumsumexp: takes floating tensors, got {input.dtype}; convert it with .float()")
    if not input.ndim:
        return input.copy()
    wide = input.astype(np.float64) if input.dtype == np.float32 else input
    return np.logaddexp.accumulate(wide, axis=d).astype(input.dtype, copy=False)


def _logcumsumexp_to_input(g: Any, input: Any, out: Any, dim: int) -> Any:
    """e^input[i] · Σ over j >= i of g[j] · e^-out[j], by the logarithms of what is positive in g and of what is not."""
    still, nothing = where(eq(out, -math.inf), 0, out), float(np.finfo(g.dtype).min) / 2

    def part(g: Any) -> Any:
        some = gt(g, 0)
        logs = where(some, log(where(some, g, 1)) - still, nothing)
        return exp(input + (flip(logcumsumexp(flip(logs, (dim,)), dim), (dim,)) if input.ndim else logs))

    return part(g) - part(-g)


logcumsumexp.grad(input=_logcumsumexp_to_input)
logcumsumexp.explain(
    "An element is in every later sum, in each with its share.", input="[i] = Σ_{j ≥ i} g[j] · e^{input[i] − out[j]}"
)
