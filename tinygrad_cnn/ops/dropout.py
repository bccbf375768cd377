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
from ..engine.call import op
from ..engine.tensor import Tensor, as_array, wrap
from ..kernels import kernel
from ..random import rng
from .declared import appears
from .pointwise import elementwise

# Where SELU sends minus infinity: what alpha_dropout puts in place of dropped numbers.
SELU_FLOOR = -1.7580993408473766


@appears("function function_ functional inplace")
def dropout(input: Array, p: float = 0.5, training: bool = True) -> Array:
    """input · mask / (1-p), each element kept with probability 1-p        any shape -> the same

    Without `training` it is the input itself. Raises a ValueError for p outside 0 to 1.

    >>> import tinygrad_cnn as tg
    >>> _ = tg.manual_seed(0)
    >>> sorted(set(tg.dropout(tg.ones(100), p=0.75, training=True).tolist()))
    [0.0, 4.0]
    """
    if not _drops("dropout", input, p, training):
        return input
    return _dropout(input, _key(), p, _axes_in_memory(as_array(input)))


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


@appears("function function_ functional inplace")
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
    return _drop_to_floor("alpha_dropout", input, p, training, input.ndim)


@appears("function function_ functional inplace")
def feature_alpha_dropout(input: Array, p: float = 0.5, training: bool = False) -> Array:
    """alpha_dropout of whole channels        (N,C,...) -> (N,C,...)

    ValueError for p outside 0 to 1.

    >>> import tinygrad_cnn as tg
    >>> _ = tg.manual_seed(0)
    >>> out = tg.nn.functional.feature_alpha_dropout(tg.zeros(1, 50, 3), p=0.5, training=True)
    >>> len({tuple(channel) for channel in out[0].tolist()})
    2
    """
    if training and p > 0 and input.ndim < 2:
        raise RuntimeError(f"feature_alpha_dropout: expected input (N, C, ...), got shape {tuple(input.shape)}")
    return _drop_to_floor("feature_alpha_dropout", input, p, training, 2)


def _drops(name: str, input: Any, p: float, training: bool) -> bool:
    """Whether there is anything to do."""
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is the probability of an element to be dropped, between 0 and 1, got {p}")
    if not training or p == 0:
        return False
    dtype = input.dtype
    if dtype.kind != "f":
        raise RuntimeError(
            f"{name}: input is {dtype}, it must be floating, for what is kept grows by 1/(1 - p); "
            "convert it with .float()"
        )
    return True


def _key() -> np.ndarray:
    """What decides about one mask: a draw of the generator, so its state tells what comes next."""
    return np.array([rng().bit_generator.random_raw()], np.uint64)


def _axes_in_memory(input: np.ndarray) -> tuple[int, ...]:
    """The axes from the slowest to the fastest: numbers are decided on in the order in which they lie."""
    axes = range(input.ndim)
    return tuple(axes if input.flags.c_contiguous else sorted(axes, key=lambda i: -abs(input.strides[i])))


@op(keeps="kept")
def _dropout(input: Array, key: Array, p: float, axes: tuple) -> Array:
    """input · mask / (1-p), and the mask in bits        any shape, (1,) -> the same"""
    return kernel.dropout(input, key, p, axes)


_dropout.grad(input=lambda g, kept, p, axes: _dropout_again(g, kept, p, axes), key=None)
_dropout.explain(
    "What was kept gets the gradient, as much larger as the number was made.",
    zero="it was dropped",
    input=lambda p=0.5: "g · mask / (1 − p)" if p < 1 else "0",
)


@op
def _dropout_again(input: Array, kept: Array, p: float, axes: tuple) -> Array:
    """The same by a mask that is there."""
    return kernel.dropout_again(input, kept, p, axes)


_dropout_again.grad(input=lambda g, kept, p, axes: _dropout_again(g, kept, p, axes), kept=None)
_dropout_again.explain(
    "What was kept gets the gradient, as much larger as the number was made.",
    zero="it was dropped",
    input=lambda p=0.5: "g · mask / (1 − p)" if p < 1 else "0",
)


def _mask(shape: tuple, lead: int, p: float, dtype: np.dtype) -> np.ndarray:
    """1/(1-p) where it stays, 0 where it goes; one for all that differs behind the first `lead` axes."""
    shape = (*shape[:lead], *(1,) * (len(shape) - lead))
    return kernel.dropout(np.ones(shape, dtype), _key(), p, tuple(range(len(shape))))[0]


def _mask_for(input: Any, lead: int, p: float) -> Any:
    """As a Tensor for a Tensor, for so it is saved without a copy."""
    mask = _mask(input.shape, lead, p, input.dtype)
    return wrap(mask) if isinstance(input, Tensor) else mask


def _drop_channels(name: str, input: Any, p: float, training: bool, lead: int) -> Any:
    if not _drops(name, input, p, training):
        return input
    return input * _mask_for(input, lead, p)


@in_float32
def _drop_to_floor(name: str, input: Any, p: float, training: bool, lead: int) -> Any:
    if not _drops(name, input, p, training):
        return input
    return _to_floor(input, _mask_for(input, lead, p), p)


@elementwise
def _to_floor(input: Array, mask: Array, p: float) -> Array:
    """Where the mask is 0, SELU's lower limit; then scaled and shifted to mean 0 and variance 1."""
    kept, scale = (mask > 0).astype(input.dtype), _scale(p)
    return input * (kept * scale) + ((1 - kept) * (scale * SELU_FLOOR) - scale * p * SELU_FLOOR)


def _scale(p: float) -> float:
    return 1 / math.sqrt((1 - p) * (1 + p * SELU_FLOOR**2)) if p < 1 else 0.0


_to_floor.grad(input=lambda g, mask, p: g * (mask * ((1 - p) * _scale(p))), mask=None)
_to_floor.explain(
    "What was kept gets the gradient times the scale.",
    zero="it was dropped",
    input="g · mask · scale",
    numbers={"scale": lambda p: (1 - p) * _scale(p)},
)
