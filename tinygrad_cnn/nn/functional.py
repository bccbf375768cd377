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
from ..ops.declared import asked, open_place
from ..surface import forms
from ..surface.out import into


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias: (..., I) (O, I) (O,) -> (..., O); of a vector weight (I,) -> (...)

    RuntimeError where shapes or dtypes do not fit.

    >>> import tinygrad_cnn as tg
    >>> x, weight = tg.tensor([[1.0, 2.0]]), tg.tensor([[1.0, 1.0], [10.0, 0.0]])
    >>> tg.nn.functional.linear(x, weight, tg.tensor([0.5, 0.0])).tolist()
    [[3.5, 10.0]]
    >>> tg.nn.functional.linear(x, tg.tensor([1.0, 10.0])).tolist()
    [21.0]
    """
    if getattr(weight, "ndim", 2) != 1:
        return _linalg.linear(input, weight, bias)
    out = _linalg.matmul(input, weight)
    return out if bias is None else out + bias


# Softmax: PyTorch still chooses an axis where none is given, with a warning.


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(input) / Σ exp(input) along dim

    dtype: convert the input to it first. NotImplementedError for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.softmax(tg.tensor([[5000.0, 5000.0], [0.0, -5000.0]]), dim=1).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    return _softmax.softmax(input, _axis("softmax", dim, input, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """input - log Σ exp(input) along dim

    Finite where softmax is too small for a number. NotImplementedError for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.log_softmax(tg.tensor([5000.0, 5040.0]), dim=0).tolist()
    [-40.0, 0.0]
    """
    return _softmax.log_softmax(input, _axis("log_softmax", dim, input, _stacklevel), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(-input) / Σ exp(-input) along dim

    NotImplementedError for integers.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.softmin(tg.tensor([[5000.0, 5000.0], [0.0, -5000.0]]), dim=1).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    return _softmax.softmin(input, _axis("softmin", dim, input, _stacklevel), dtype)


def _axis(name: str, dim: int | None, input: Tensor, stacklevel: int) -> int:
    if dim is not None:
        return dim
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(input).__name__}")
    chosen = 0 if input.ndim in (0, 1, 3) else 1
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim={chosen}.",
        stacklevel=stacklevel,
    )
    return chosen


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """input / max(|input|, eps), the p-norm along dim; written to `out` if that is given

    What is shorter than eps is divided by eps, so that zeros stay zeros.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[3.0, -1.0], [0.0, 0.0]])
    >>> tg.nn.functional.normalize(x, p=1).tolist()
    [[0.75, -0.25], [0.0, 0.0]]
    """
    result = _norm.normalize(input, p, dim, eps)
    return result if out is None else into("normalize", out, result)


_here = [name for name, f in globals().items() if getattr(f, "__module__", "") == __name__ and name[0] != "_"]
__all__ = sorted([*_here, *open_place(sys.modules[__name__], forms.of_functional)])


def __getattr__(name: str) -> Any:
    return asked(__name__, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
