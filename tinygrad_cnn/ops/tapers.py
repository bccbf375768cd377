"""Windows for signals: weights that fall off towards both ends. (n,); periodic ones are the first n of n + 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.device import device as Device
from ..arrays.dtypes import get_default_dtype
from ..arrays.types import Array, DType
from ..engine.tensor import wrap
from .declared import appears
from .dims import flag, whole
from .special import i0


@appears("function")
def hann_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Array:  # fmt: skip
    """sin²(πk / n), k = 0 ... n - 1; for one that is not periodic n is window_length - 1.

    RuntimeError for a negative length, and for a dtype that is not floating.

    >>> import tinygrad_cnn as tg
    >>> tg.hann_window(5, periodic=False).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _window("hann_window", window_length, periodic, _cosines(0.5, 0.5), dtype, device, requires_grad)


@appears("function")
def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, dtype: DType | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False,
) -> Array:  # fmt: skip
    """alpha - beta·cos(2πk / n), k = 0 ... n - 1; for one that is not periodic n is window_length - 1.

    >>> import tinygrad_cnn as tg
    >>> [round(v, 2) for v in tg.hamming_window(5, periodic=False).tolist()]
    [0.08, 0.54, 1.0, 0.54, 0.08]
    """
    return _window("hamming_window", window_length, periodic, _cosines(alpha, beta), dtype, device, requires_grad)


@appears("function")
def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Array:  # fmt: skip
    """0.42 - 0.5·cos(2πk / n) + 0.08·cos(4πk / n), k = 0 ... n - 1; not periodic, n is window_length - 1.

    >>> import tinygrad_cnn as tg
    >>> [round(v, 2) + 0.0 for v in tg.blackman_window(5, periodic=False).tolist()]
    [0.0, 0.34, 1.0, 0.34, 0.0]
    """
    return _window("blackman_window", window_length, periodic, _cosines(0.42, 0.5, 0.08), dtype, device, requires_grad)


def _cosines(*weights: float) -> Callable:
    """a - b·cos(2πx) + c·cos(4πx) ..."""
    return lambda x: sum((-1) ** k * w * np.cos(2 * np.pi * k * x) for k, w in enumerate(weights))


@appears("function")
def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Array:  # fmt: skip
    """A triangle: 1 - |2k / n - 1|, k = 0 ... n - 1; for one that is not periodic n is window_length - 1.

    >>> import tinygrad_cnn as tg
    >>> tg.bartlett_window(5, periodic=False).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def triangle(x: np.ndarray) -> np.ndarray:
        return 1 - np.abs(2 * x - 1)

    return _window("bartlett_window", window_length, periodic, triangle, dtype, device, requires_grad)


@appears("function")
def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: DType | None = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Array:  # fmt: skip
    """I0(beta·√(1 - (2k / n - 1)²)) / I0(beta), k = 0 ... n - 1; not periodic, n is window_length - 1. (Kaiser 1974.)

    >>> import tinygrad_cnn as tg
    >>> [round(v, 3) for v in tg.kaiser_window(5, periodic=False, beta=3.0).tolist()]
    [0.205, 0.727, 1.0, 0.727, 0.205]
    """

    def bell(x: np.ndarray) -> Any:
        return i0(beta * np.sqrt(np.maximum(1 - (2 * x - 1) ** 2, 0))) / i0(np.array(float(beta)))

    return _window("kaiser_window", window_length, periodic, bell, dtype, device, requires_grad)


def _window(
    name: str, length: Any, periodic: bool, shape: Callable, dtype: Any, device: Any, requires_grad: bool
) -> Any:
    """The values of `shape` at k / n."""
    if whole(name, "window_length", length) < 0:
        raise RuntimeError(f"{name}: window_length must not be negative, got {length}")
    kind = np.dtype(get_default_dtype() if dtype is None else dtype)
    if kind.kind != "f":
        raise RuntimeError(f"{name}: dtype must be floating, got {kind}")
    if device is not None:
        Device(device)
    n = length if flag(name, "periodic", periodic) else length - 1
    out = wrap((shape(np.arange(length) / n) if length > 1 else np.ones(length)).astype(kind))
    return out.requires_grad_() if requires_grad else out
