"""Layers as functions: what networks compute with, without parameters of their own. PyTorch's names and signatures.

Most are the library's ops, which say themselves that they appear here. Written out are those that take here what they
do not take elsewhere: a `dim` that may be left out, a weight that is a vector, `out=`.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

from ..engine.tensor import Tensor
from ..ops import linalg as _linalg
from ..ops import norm as _norm
from ..ops import softmax as _softmax
from ..ops.declared import open_place
from ..surface import forms
from ..surface.out import into


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias: (..., I) (O, I) (O,) -> (..., O); of a vector weight (I,) -> (...)"""
    if getattr(weight, "ndim", 2) != 1:
        return _linalg.linear(input, weight, bias)
    out = _linalg.matmul(input, weight)
    return out if bias is None else out + bias


# Softmax: PyTorch still chooses an axis where none is given, with a warning.


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(input) / Σ exp(input) along dim"""
    return _softmax.softmax(input, _axis("softmax", dim, input, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """input - log Σ exp(input) along dim"""
    return _softmax.log_softmax(input, _axis("log_softmax", dim, input, _stacklevel), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(-input) / Σ exp(-input) along dim"""
    return _softmax.softmin(input, _axis("softmin", dim, input, _stacklevel), dtype)


def _axis(name: str, dim: int | None, input: Tensor, stacklevel: int) -> int:
    if dim is not None:
        return dim
    chosen = 0 if input.ndim in (0, 1, 3) else 1
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim={chosen}.",
        stacklevel=stacklevel,
    )
    return chosen


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """input / max(|input|, eps), the p-norm along dim; written to `out` if that is given"""
    result = _norm.normalize(input, p, dim, eps)
    return result if out is None else into("normalize", out, result)


_here = [name for name, f in globals().items() if getattr(f, "__module__", "") == __name__ and name[0] != "_"]
__all__ = sorted([*_here, *open_place(sys.modules[__name__], forms.of_functional)])
