"""Pictures of another size.

Along each axis, a new number is a weighted mean of old ones: a matrix (new, old). A picture is resized by
one matrix for its rows and one for its columns, and the modes differ only in how these are filled.

N batch, C channels, H W old size, P Q new size.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..arrays.dtypes import float32, uint8
from ..arrays.kept import kept
from ..arrays.lines import user_level
from ..arrays.types import Array, Shape
from ..engine.broadcast import cast, in_float32
from .declared import appears
from .dims import whole
from .linalg import weigh
from .pool import adaptive_avg_pool1d, adaptive_avg_pool2d
from .shape import apart, clone, flatten, permute, reshape, squeeze, unsqueeze
from .volumes import adaptive_avg_pool3d

SPATIAL = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
}


@appears("functional")
@in_float32
def interpolate(
    input: Array,
    size: Shape | None = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Array:
    """The picture in another size        (N,C,H,W) -> (N,C,P,Q), or (N,C,L) -> (N,C,P), or of volumes (N,C,D,H,W)

    size or scale_factor: a number, or one for each axis; P = ⌊H · scale_factor⌋.
    mode: "nearest", "nearest-exact", "area" (the mean of what a new place covers), "linear" for (N,C,L),
    "bilinear" or "bicubic" for (N,C,H,W), "trilinear" for (N,C,D,H,W).
    align_corners: the outermost numbers stay where they are.
    recompute_scale_factor: places are computed from P and H, not from scale_factor.

    NotImplementedError for another mode, and for antialias.
    ValueError unless just one of size and scale_factor is given.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.interpolate(tg.tensor([[[1.0, 3.0]]]), scale_factor=2, mode="linear").tolist()
    [[[1.0, 1.5, 2.5, 3.0]]]
    """
    spatial = input.ndim - 2
    if mode not in SPATIAL or spatial not in SPATIAL[mode]:
        raise NotImplementedError(
            f"interpolate: mode {mode!r} for an input of {input.ndim} axes {tuple(input.shape)}; there are "
            "nearest, nearest-exact, area, linear (N,C,L), bilinear and bicubic (N,C,H,W), trilinear (N,C,D,H,W)"
        )
    if antialias:
        raise NotImplementedError(
            "interpolate: antialias=True is not supported; use mode='area' to make pictures smaller"
        )
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueError(f"interpolate: align_corners has no meaning for mode {mode!r}; leave it out")
    if input.dtype == uint8 and mode.startswith("nearest"):  # which moves numbers, in float32 exactly
        moved = interpolate(cast(input, float32), size, scale_factor, mode, None, recompute_scale_factor)
        return cast(moved, uint8)
    if input.dtype.kind != "f":
        raise NotImplementedError(f"interpolate: input is {input.dtype}, it must be floating; convert it with .float()")
    old = tuple(input.shape[2:])
    new, scales = _sizes(old, size, scale_factor, bool(recompute_scale_factor))
    if mode == "area":
        pool = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}[spatial]
        return pool(input, new)
    matrices = [_matrix(mode, *sizes, bool(align_corners)) for sizes in zip(old, new, scales)]
    *depth, rows, columns = matrices if spatial > 1 else [*matrices, None]
    out = input if spatial > 1 else unsqueeze(input, -1)
    if depth:  # a line of it is as many numbers as a picture has
        out = reshape(weigh(flatten(out, -2), depth[0], -2), (*out.shape[:2], new[0], *old[1:]))
    out = weigh(out, rows, -2)
    return squeeze(out, -1) if columns is None else weigh(out, columns, -1)


def _sizes(old: tuple, size: Any, scale_factor: Any, recompute: bool) -> tuple[tuple, tuple]:
    """The new sizes, and how far apart in the old picture two new places are (None: as the sizes say)."""
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: only one of size or scale_factor should be defined, and one must be")
    given = scale_factor if size is None else size
    given = tuple(given) if isinstance(given, tuple | list) else (given,) * len(old)
    if len(given) != len(old):
        raise ValueError(
            f"interpolate: input has {len(old)} spatial axes {old}, so give one number or {len(old)}, got {given}"
        )
    if size is None:
        new = tuple(math.floor(n * float(factor)) for n, factor in zip(old, given))
        scales = tuple(None if recompute else 1 / float(factor) for factor in given)
    else:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor is not meaningful with an explicit size")
        new, scales = tuple(int(n) for n in given), (None,) * len(old)
    if min(old) < 1 or min(new) < 1:
        raise RuntimeError(f"interpolate: input and output sizes should be greater than 0, got {old} and {new}")
    return new, scales


@kept
def _matrix(mode: str, old: int, new: int, scale: float | None, align_corners: bool) -> np.ndarray:
    """The weights of the old numbers in each new one        (new, old)"""
    p = np.arange(new)
    out = np.zeros((new, old))
    if mode.startswith("nearest"):
        middle = mode == "nearest-exact"
        if scale is None:  # in integers: 11 · (30 / 22) is a little less than 15
            pixel = (2 * p + middle) * old // (2 * new)
        else:
            begin = p.astype(np.float32) + np.float32(middle / 2)
            pixel = np.floor(begin * np.float32(scale)).astype(int)  # as PyTorch rounds
        out[p, np.minimum(pixel, old - 1)] = 1
        return out
    scale = old / new if scale is None else scale
    if align_corners:
        place = p * ((old - 1) / (new - 1) if new > 1 else 0)
    else:
        place = (p + 0.5) * scale - 0.5
    if mode != "bicubic":
        place = np.maximum(place, 0)
    left = np.floor(place)
    t = place - left
    if mode == "bicubic":  # Keys 1981, with a = -0.75
        taps = {k: _cubic(np.abs(t - k)) for k in (-1, 0, 1, 2)}
    else:
        taps = {0: 1 - t, 1: t}
    for k, weight in taps.items():
        np.add.at(out, (p, np.clip(left + k, 0, old - 1).astype(int)), weight)
    return out


def _cubic(x: np.ndarray, a: float = -0.75) -> np.ndarray:
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x <= 1, near, far)


OLD = "`nn.functional.{}` is deprecated. Use `nn.functional.interpolate` instead."


@appears("functional")
def upsample(
    input: Array,
    size: Shape | None = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Array:
    """interpolate, under its old name.

    It warns that it is old.

    >>> import warnings
    >>> import tinygrad_cnn as tg
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     y = tg.nn.functional.upsample(tg.tensor([[[1.0, 3.0]]]), scale_factor=2)
    >>> y.tolist()
    [[[1.0, 1.0, 3.0, 3.0]]]
    """
    warnings.warn(OLD.format("upsample"), stacklevel=user_level())
    return interpolate(input, size, scale_factor, mode, align_corners)


@appears("functional")
def upsample_nearest(input: Array, size: Shape | None = None, scale_factor: Any = None) -> Array:
    """interpolate by the nearest pixel, under its old name. It warns that it is old.

    >>> import warnings
    >>> import tinygrad_cnn as tg
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     y = tg.nn.functional.upsample_nearest(tg.tensor([[[[1.0, 3.0]]]]), scale_factor=2)
    >>> y.tolist()
    [[[[1.0, 1.0, 3.0, 3.0], [1.0, 1.0, 3.0, 3.0]]]]
    """
    warnings.warn(OLD.format("upsample_nearest"), stacklevel=user_level())
    return interpolate(input, size, scale_factor, "nearest")


@appears("functional")
def upsample_bilinear(input: Array, size: Shape | None = None, scale_factor: Any = None) -> Array:
    """interpolate by straight lines, corner on corner, under its old name. It warns that it is old.

    >>> import warnings
    >>> import tinygrad_cnn as tg
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     y = tg.nn.functional.upsample_bilinear(tg.tensor([[[[1.0, 4.0]]]]), scale_factor=2)
    >>> y.tolist()
    [[[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]]]
    """
    warnings.warn(OLD.format("upsample_bilinear"), stacklevel=user_level())
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)


@appears("function functional")
def pixel_shuffle(input: Array, upscale_factor: int) -> Array:
    """input[n, (c,i,j), y, x] at [n, c, y·r+i, x·r+j]        (..., C·r², H, W) -> (..., C, H·r, W·r)

    Channels become pixels; r is upscale_factor. (Shi et al., 2016.)

    RuntimeError where r² does not divide the channels.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.pixel_shuffle(tg.arange(4.0).reshape(4, 1, 1), 2).tolist()
    [[[0.0, 1.0], [2.0, 3.0]]]
    """
    r = whole("pixel_shuffle", "upscale_factor", upscale_factor)
    if input.ndim < 3 or r < 1 or input.shape[-3] % (r * r):
        raise RuntimeError(
            f"pixel_shuffle: expected (..., C·{r}², H, W) for upscale_factor={r}, got {tuple(input.shape)}"
        )
    *lead, C, H, W = input.shape
    n = len(lead)
    split = reshape(input, (*lead, C // (r * r), r, r, H, W))
    mixed = permute(split, (*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return apart(reshape(mixed, (*lead, C // (r * r), H * r, W * r)), input)


@appears("function functional")
def pixel_unshuffle(input: Array, downscale_factor: int) -> Array:
    """The way back from pixel_shuffle        (..., C, H·r, W·r) -> (..., C·r², H, W)

    Pixels become channels; r is downscale_factor. RuntimeError where it does not divide H·r and W·r.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.pixel_unshuffle(tg.tensor([[[0, 1], [2, 3]]]), 2).tolist()
    [[[0]], [[1]], [[2]], [[3]]]
    """
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-2] % r or input.shape[-1] % r:
        raise RuntimeError(
            f"pixel_unshuffle: expected (..., C, H·{r}, W·{r}) for downscale_factor={r}, got {tuple(input.shape)}"
        )
    if 0 in input.shape:  # nothing moves, as in PyTorch
        return clone(input)
    *lead, C, H, W = input.shape
    n = len(lead)
    split = reshape(input, (*lead, C, H // r, r, W // r, r))
    mixed = permute(split, (*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return apart(reshape(mixed, (*lead, C * r * r, H // r, W // r)), input)


@appears("function functional")
def channel_shuffle(input: Array, groups: int) -> Array:
    """Channels (group, k) in the order (k, group)        (N,C,...) -> (N,C,...)

    What a convolution with groups needs to let the groups see each other. (Zhang et al., 2018.)

    RuntimeError where groups does not divide C.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.channel_shuffle(tg.arange(6).reshape(1, 6, 1), 2).flatten().tolist()
    [0, 3, 1, 4, 2, 5]
    """
    if input.ndim < 3 or whole("channel_shuffle", "groups", groups) < 1 or input.shape[1] % groups:
        raise RuntimeError(
            f"channel_shuffle: expected (N, C, ...) with C divisible by groups={groups}, got {tuple(input.shape)}"
        )
    N, C, *rest = input.shape
    split = reshape(input, (N, groups, C // groups, *rest))
    return apart(reshape(permute(split, (0, 2, 1, *range(3, split.ndim))), (N, C, *rest)), input)
