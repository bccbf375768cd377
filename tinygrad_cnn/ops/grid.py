"""Pictures read at places that are computed: affine_grid makes the places, grid_sample reads them.

Both are made of other ops, so gradients go to the picture and to the places, of any order. Along each axis a place
falls on a few pixels, each with a share of it; what is read is the sum over all pairs (or triples) of these.

N batch, C channels, H·W (or D·H·W) pixels of the input, P·Q places to read. A place is (x, y), from -1 to 1.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays.lines import user_level
from ..arrays.types import Array
from ..engine.broadcast import in_float32
from ..engine.tensor import as_array
from .choice import where
from .declared import appears
from .gather import gather
from .join import unbind
from .linalg import matmul
from .shape import reshape, transpose, unsqueeze

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


def _aligned(align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please "
            "specify align_corners=True if the old behavior is desired.",
            stacklevel=user_level(),
        )
    return bool(align_corners)


@appears("functional")
@in_float32
def affine_grid(theta: Array, size: Sequence[int], align_corners: bool | None = None) -> Array:
    """The places (x, y) = theta @ (x_0, y_0, 1), where (x_0, y_0) are a picture's pixels        (N,2,3) -> (N,H,W,2)

    size: (N, C, H, W) of the picture to be made; or (N, C, D, H, W), with theta (N,3,4). -1 and 1 are the borders of
    the picture, or with align_corners the middles of its outermost pixels (Jaderberg et al., 2015).

    ValueError for shapes that do not fit, NotImplementedError for other sizes than these two.

    >>> import tinygrad_cnn as tg
    >>> mirror = tg.tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> tg.nn.functional.affine_grid(mirror, (1, 1, 1, 2), align_corners=False).tolist()
    [[[[0.5, 0.0], [-0.5, 0.0]]]]
    """
    align_corners = _aligned(align_corners)
    if theta.dtype.kind != "f":
        raise ValueError(f"affine_grid: expected theta to have floating point type, but got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError(f"affine_grid only supports 4D and 5D sizes, for 2D and 3D transforms; got {size}")
    d = len(size) - 2
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (d, d + 1):
        raise ValueError(
            f"affine_grid: expected a batch of {d}D affine matrices of shape ({size[0]}, {d}, {d + 1}) for size "
            f"{tuple(size)}; got {tuple(theta.shape)}"
        )
    if align_corners and min(size[2:]) == 1:
        warnings.warn("affine_grid: a side of one pixel has no two corners to align", stacklevel=user_level())
    if min(size) <= 0:
        raise ValueError(f"affine_grid: expected non-zero, positive output size; got {tuple(size)}")
    if theta.shape[0] != size[0]:
        raise RuntimeError(f"affine_grid: theta has {theta.shape[0]} matrices, size {tuple(size)} asks for {size[0]}")
    sides = [_middles(n, align_corners, theta.dtype) for n in size[2:]]
    at = np.stack([*np.meshgrid(*sides, indexing="ij")[::-1], np.ones(size[2:])], -1)  # (H,W,3): x, y, 1
    places = matmul(at.reshape(-1, d + 1).astype(theta.dtype), transpose(theta, 1, 2))
    return reshape(places, (size[0], *size[2:], d))


def _middles(n: int, align_corners: bool, dtype: np.dtype) -> np.ndarray:
    """Where the n pixels of a side are.

    Rounded as PyTorch does, once, and from both ends inwards: a picture that is read where its pixels are, as by an
    untrained spatial transformer, has one slope to the left and another to the right, and the last digit chooses.
    """
    if n == 1:
        return np.zeros(1, dtype)
    step, i = np.longdouble(dtype.type(2) / dtype.type(n - 1)), np.arange(n)
    side = np.where(i < n // 2, step * i - 1, 1 - step * i[::-1]).astype(dtype)
    return side if align_corners else side * dtype.type(n - 1) / dtype.type(n)


@appears("functional")
@in_float32
def grid_sample(
    input: Array,
    grid: Array,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Array:
    """out[n, c, p, q] = input[n, c] at grid[n, p, q] = (x, y)        (N,C,H,W) (N,P,Q,2) -> (N,C,P,Q)

    Or (N,C,D,H,W) (N,M,P,Q,3) -> (N,C,M,P,Q). -1 and 1 are the borders of the picture, or with align_corners the
    middles of its outermost pixels. mode: between pixels "bilinear", of "nearest" one, "bicubic" (in two dimensions).
    padding_mode: outside there are "zeros", or the "border", or the picture again by "reflection".

    ValueError for other words, RuntimeError for shapes and dtypes that do not fit.

    >>> import tinygrad_cnn as tg
    >>> picture = tg.tensor([[[[1.0, 3.0]]]])
    >>> places = tg.tensor([[[[0.0, 0.0], [0.25, 0.0]]]], requires_grad=True)
    >>> out = tg.nn.functional.grid_sample(picture, places, align_corners=False)
    >>> out.sum().backward()
    >>> out.tolist(), places.grad[0, 0, :, 0].tolist()  # the picture goes up by 2 over half its width of 2
    ([[[[2.0, 2.5]]]], [2.0, 2.0])
    """
    if mode not in MODES:
        raise ValueError(f"grid_sample: expected mode to be one of {MODES}, but got {mode!r}")
    if padding_mode not in PADDINGS:
        raise ValueError(f"grid_sample: expected padding_mode to be one of {PADDINGS}, but got {padding_mode!r}")
    align_corners = _aligned(align_corners)
    _check(input, grid, mode)
    (N, C, *sizes), places = input.shape, tuple(grid.shape[1:-1])
    P = math.prod(places)
    axes = []
    for size, at in zip(sizes, reversed(unbind(grid, -1)), strict=True):  # x, the first, runs along the last axis
        at = reshape(at, (N, P))
        x = (at + 1) * ((size - 1) / 2) if align_corners else (at + 1) * (size / 2) - 0.5
        axes.append(TAPS[mode](x, size, padding_mode, align_corners))
    pixels, out = reshape(input, (N, C, math.prod(sizes))), None
    for taps in itertools.product(*axes):
        pixel, inside, share = np.zeros((N, P), np.int64), np.ones((N, P), bool), 1
        for (index, part), size in zip(taps, sizes, strict=True):
            inside &= (index >= 0) & (index < size)
            pixel = pixel * size + np.clip(np.nan_to_num(index), 0, size - 1).astype(np.int64)
            share = share * part
        value = gather(pixels, 2, np.broadcast_to(pixel[:, None], (N, C, P)))
        value = where(np.broadcast_to(inside[:, None], (N, C, P)), value, 0.0)
        value = value * unsqueeze(share, 1)
        out = value if out is None else out + value
    return reshape(out, (N, C, *places))


def _check(input: Any, grid: Any, mode: str) -> None:
    shapes = f"got input {tuple(input.shape)} and grid {tuple(getattr(grid, 'shape', ()))}"
    if input.dtype.kind != "f":
        raise NotImplementedError(f"grid_sample: input is {input.dtype}, it must be floating; convert it with .float()")
    if input.dtype != grid.dtype:
        raise RuntimeError(f"grid_sample: input is {input.dtype} but grid is {grid.dtype}; they must be equal")
    if input.ndim not in (4, 5) or input.ndim != grid.ndim or (mode == "bicubic" and input.ndim == 5):
        raise RuntimeError(
            "grid_sample: expected input (N, C, H, W) and grid (N, P, Q, 2), or with one more axis each, but for "
            f"bicubic; {shapes}"
        )
    if input.shape[0] != grid.shape[0] or grid.shape[-1] != input.ndim - 2:
        raise RuntimeError(f"grid_sample: expected equal batches, and {input.ndim - 2} numbers for a place; {shapes}")
    if 0 in input.shape[2:]:
        raise RuntimeError(f"grid_sample: expected input to have non-empty spatial dimensions; {shapes}")


# Along one axis: the pixels that a place falls on, each with its share of it.

Taps = list[tuple[np.ndarray, Any]]


def _nearest(x: Any, size: int, padding: str, align_corners: bool) -> Taps:
    all_of_it = where(np.zeros(x.shape, bool), x, 1.0)  # with a gradient, which is zero
    return [(np.rint(_put_inside(as_array(x), size, padding, align_corners)[0]), all_of_it)]


def _linear(x: Any, size: int, padding: str, align_corners: bool) -> Taps:
    there, slope = _put_inside(as_array(x), size, padding, align_corners)
    if padding != "zeros":
        x = x * slope + (there - as_array(x) * slope)
    first = np.floor(there)
    return [(first, first + 1 - x), (first + 1, x - first)]


def _cubic(x: Any, size: int, padding: str, align_corners: bool) -> Taps:
    first = np.floor(as_array(x))
    taps = []
    for k in (-1, 0, 1, 2):
        e = abs(x - (first + k))  # Keys (1981), with a = -0.75
        near = k in (0, 1)
        share = (1.25 * e - 2.25) * e * e + 1 if near else ((-0.75 * e + 3.75) * e - 6) * e + 3
        taps.append((np.trunc(_put_inside(first + k, size, padding, align_corners)[0]), share))
    return taps


TAPS: dict[str, Callable[..., Taps]] = {"nearest": _nearest, "bilinear": _linear, "bicubic": _cubic}


def _put_inside(x: np.ndarray, size: int, padding: str, align_corners: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where a place is read that may be outside, and the slope of that: 1, -1 where mirrored, 0 at the border."""
    slope = np.ones_like(x)
    if padding == "zeros":
        return x, slope
    if padding == "reflection":
        low, span = (0.0, size - 1) if align_corners else (-0.5, size)
        if not span:
            return np.zeros_like(x), np.zeros_like(x)
        far = abs(x - low)
        slope = np.where(x < low, -1, 1).astype(x.dtype)
        times, rest = np.floor(far / span), np.fmod(far, span)
        odd = times % 2 == 1
        x, slope = np.where(odd, span - rest, rest) + low, np.where(odd, -slope, slope)
    slope = np.where((x > 0) & (x < size - 1), slope, 0)
    return np.clip(x, 0, size - 1).astype(slope.dtype), slope
