"""Dropout: in training, some numbers are set to 0 at random; the rest grow, so that the mean stays the same.

Growing by 1/(1-p) in training ("inverted" dropout) leaves nothing to do afterwards. (Srivastava et al., 2014.)
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..arrays.lines import user_level
from ..arrays.types import Array
from ..engine.broadcast import in_float32
from ..engine.tensor import Tensor, wrap
from ..random import rng
from .declared import appears

# Where SELU sends minus infinity: what alpha_dropout puts in place of dropped numbers.
SELU_FLOOR = -1.7580993408473766


@appears("function functional inplace")
def dropout(input: Array, p: float = 0.5, training: bool = True) -> Array:
    """input · mask / (1-p), each element kept with probability 1-p        any shape -> the same

    Without `training` it is the input itself. Raises a ValueError for p outside 0 to 1.

    >>> import tinygrad_cnn as tg
    >>> _ = tg.manual_seed(0)
    >>> sorted(set(tg.dropout(tg.ones(100), p=0.75, training=True).tolist()))
    [0.0, 4.0]
    """
    _check("dropout", p)
    if not training or p == 0:
        return input
    return _masked(input, input.shape, p)


@appears("functional inplace")
def dropout1d(input: Array, p: float = 0.5, training: bool = True) -> Array:
    """Dropout of whole channels        (N,C,L) -> (N,C,L), or (C,L) -> (C,L)

    ValueError for p outside 0 to 1, RuntimeError for other inputs.

    >>> import tinygrad_cnn as tg
    >>> _ = tg.manual_seed(0)
    >>> out = tg.nn.functional.dropout1d(tg.ones(1, 50, 3), p=0.5)
    >>> {tuple(channel) for channel in out[0].tolist()} == {(0.0,) * 3, (2.0,) * 3}
    True
    """
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: expected input (C, L) or (N, C, L), got {input.ndim} axes {tuple(input.shape)}")
    return _drop_channels("dropout1d", input, p, training, input.ndim - 1)


@appears("functional inplace")
def dropout2d(input: Array, p: float = 0.5, training: bool = True) -> Array:
    """Dropout of whole channels        (N,C,H,W) -> (N,C,H,W)

    An input of three axes is taken for (N,C,L), with a warning, as in PyTorch.

    ValueError for p outside 0 to 1.

    >>> import tinygrad_cnn as tg
    >>> _ = tg.manual_seed(0)
    >>> out = tg.nn.functional.dropout2d(tg.ones(1, 50, 1, 3), p=0.75)
    >>> {tuple(channel) for channel in out[0, :, 0].tolist()} == {(0.0,) * 3, (4.0,) * 3}
    True
    """
    if input.ndim not in (3, 4):
        warnings.warn(
            f"dropout2d: expected input (N, C, H, W), got {input.ndim} axes {tuple(input.shape)}; for whole channels "
            "of other inputs use dropout1d or dropout3d",
            stacklevel=user_level(),
        )
    if input.ndim == 3:
        warnings.warn(
            f"dropout2d: input of three axes {tuple(input.shape)} is taken for (N, C, L), not (C, H, W); "
            "add an axis for the batch, or use dropout1d",
            stacklevel=user_level(),
        )
    return _drop_channels("dropout2d", input, p, training, 2)


@appears("functional inplace")
def dropout3d(input: Array, p: float = 0.5, training: bool = True) -> Array:
    """Dropout of whole channels        (N,C,D,H,W) -> (N,C,D,H,W)

    ValueError for p outside 0 to 1.

    >>> import tinygrad_cnn as tg
    >>> _ = tg.manual_seed(0)
    >>> out = tg.nn.functional.dropout3d(tg.ones(1, 50, 1, 1, 3), p=0.5)
    >>> {tuple(channel) for channel in out[0, :, 0, 0].tolist()} == {(0.0,) * 3, (2.0,) * 3}
    True
    """
    return _drop_channels("dropout3d", input, p, training, 2)


@appears("function functional inplace")
def alpha_dropout(input: Array, p: float = 0.5, training: bool = False) -> Array:
    """Dropout for SELU networks, which keeps mean 0 and variance 1        any shape -> the same

    Dropped elements become SELU's lower limit, then all is scaled and shifted. (Klambauer et al., 2017.)

    ValueError for p outside 0 to 1.

    >>> import tinygrad_cnn as tg
    >>> _ = tg.manual_seed(0)
    >>> out = tg.nn.functional.alpha_dropout(tg.zeros(10_000), p=0.5, training=True)
    >>> len(set(out.tolist())), abs(out.mean().item()) < 0.05
    (2, True)
    """
    return _drop_to_floor("alpha_dropout", input, p, training, input.shape)


@appears("function functional inplace")
def feature_alpha_dropout(input: Array, p: float = 0.5, training: bool = False) -> Array:
    """alpha_dropout of whole channels        (N,C,...) -> (N,C,...)

    ValueError for p outside 0 to 1.

    >>> import tinygrad_cnn as tg
    >>> _ = tg.manual_seed(0)
    >>> out = tg.nn.functional.feature_alpha_dropout(tg.zeros(1, 50, 3), p=0.5, training=True)
    >>> len({tuple(channel) for channel in out[0].tolist()})
    2
    """
    return _drop_to_floor("feature_alpha_dropout", input, p, training, _per_channel(input.shape, 2))


def _check(name: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is the probability of an element to be dropped, between 0 and 1, got {p}")


def _mask(shape: tuple, p: float, dtype: np.dtype) -> np.ndarray:
    """1/(1-p) where an element stays, 0 where it goes."""
    kept = rng().random(shape, np.float32) >= p
    return np.multiply(kept, 1 / (1 - p) if p < 1 else 0, dtype=dtype)


def _masked(input: Any, shape: tuple, p: float) -> Any:
    mask = _mask(shape, p, input.dtype)
    return input * (wrap(mask) if isinstance(input, Tensor) else mask)  # as a Tensor it is saved without a copy


def _per_channel(shape: tuple, lead: int) -> tuple:
    return (*shape[:lead], *(1,) * (len(shape) - lead))


def _drop_channels(name: str, input: Any, p: float, training: bool, lead: int) -> Any:
    _check(name, p)
    if not training or p == 0:
        return input
    return _masked(input, _per_channel(input.shape, lead), p)


@in_float32
def _drop_to_floor(name: str, input: Any, p: float, training: bool, shape: tuple) -> Any:
    _check(name, p)
    if not training or p == 0:
        return input
    if p == 1:
        return input * 0
    kept = (rng().random(shape, np.float32) >= p).astype(input.dtype)
    scale = 1 / math.sqrt((1 - p) * (1 + p * SELU_FLOOR**2))
    return input * (kept * scale) + ((1 - kept) * (scale * SELU_FLOOR) - scale * p * SELU_FLOOR)
