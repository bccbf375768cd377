"""What can be done to an image that is an array, (..., C, H, W): the twin of pictures.py, function by function.

Floating-point images run from 0 to 1, integer ones from 0 to the largest value of their type.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...arrays.quiet import quietly
from ...ops.linalg import weigh


def dimensions(x: np.ndarray) -> tuple[int, int, int]:
    """Channels, height, width; a (H, W) array has one channel."""
    if x.ndim < 2:
        raise TypeError(f"an image needs at least two dimensions (..., H, W), got shape {x.shape}")
    return (1 if x.ndim == 2 else x.shape[-3]), x.shape[-2], x.shape[-1]


def brightest(dtype: np.dtype) -> float:
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


# geometry


def hflip(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x[..., ::-1])


def vflip(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x[..., ::-1, :])


def crop(x: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """The window; what of it lies outside of the image is 0."""
    _, h, w = dimensions(x)
    inside = x[..., max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    if top >= 0 and left >= 0 and top + height <= h and left + width <= w:
        return inside
    out = np.zeros((*x.shape[:-2], height, width), x.dtype)
    y, z = min(max(-top, 0), height), min(max(-left, 0), width)
    out[..., y : y + inside.shape[-2], z : z + inside.shape[-1]] = inside
    return out


def pad(x: np.ndarray, sides: Sequence[int], fill: Any, mode: str) -> np.ndarray:
    """`sides` are left, top, right, bottom."""
    left, top, right, bottom = sides
    widths = [(0, 0)] * (x.ndim - 2) + [(top, bottom), (left, right)]
    if mode != "constant":
        return np.pad(x, widths, mode)  # type: ignore[call-overload]
    _, h, w = dimensions(x)
    out = np.empty((*x.shape[:-2], h + top + bottom, w + left + right), x.dtype)
    out[...] = _fill(x, fill)
    out[..., top : top + h, left : left + w] = x
    return out


def resize(x: np.ndarray, height: int, width: int, interpolation: str, antialias: bool) -> np.ndarray:
    """Every output row and column is a weighted mean of input rows and columns: two matrix products."""
    _, h, w = dimensions(x)
    if interpolation in ("nearest", "nearest-exact"):
        shift = 0.5 if interpolation == "nearest-exact" else 0.0
        rows, columns = (
            np.minimum(((np.arange(out) + shift) * (size / out)).astype(np.int64), size - 1)
            for size, out in ((h, height), (w, width))
        )
        return x[..., rows[:, None], columns]
    if interpolation not in KERNELS:
        raise ValueError(
            f"resize: tensors take {', '.join(('nearest', 'nearest-exact', *KERNELS))}, got {interpolation}"
        )
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)
    values = x.astype(dtype, copy=False)
    down, across = (resampling(*sizes, interpolation, antialias).astype(dtype) for sizes in ((h, height), (w, width)))
    return _as(x.dtype, quietly(_weighed, values, down, across))


def _weighed(values: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    out = down @ values @ across.T
    if not np.isfinite(out).all():  # an infinite pixel times the weight 0 is NaN, even where it is not seen
        return weigh(weigh(values, down, -2), across, -1)
    return out


def resampling(size: int, out: int, interpolation: str, antialias: bool) -> np.ndarray:
    """The weights, (out, size), with which `size` pixels become `out`; every row adds up to 1.

    With antialias the kernel is as wide as an output pixel, so that none of the input is skipped, and what hangs over
    the edge is left out; without, it is as wide as an input pixel, and beyond the edge the edge pixel goes on.
    """
    reach, kernel = KERNELS[interpolation]
    scale = size / out
    wide = max(scale, 1.0) if antialias else 1.0
    sharpness = -0.5 if antialias else -0.75
    centre = (np.arange(out) + 0.5) * scale
    taps = np.floor(centre - reach * wide)[:, None] + np.arange(math.ceil(2 * reach * wide) + 2)
    w = kernel(np.abs(taps + 0.5 - centre[:, None]) / wide, sharpness)
    if antialias:
        w[(taps < 0) | (taps >= size)] = 0
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out)[:, None], np.clip(taps, 0, size - 1).astype(np.int64)), w)
    return matrix / matrix.sum(1, keepdims=True)


def _triangle(d: np.ndarray, _: float) -> np.ndarray:
    return np.maximum(1 - d, 0)


def _cubic(d: np.ndarray, a: float) -> np.ndarray:
    """Keys (1981), Cubic convolution interpolation for digital image processing."""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d < 1, near, np.where(d < 2, far, 0))


KERNELS: dict[str, tuple[int, Callable]] = {"bilinear": (1, _triangle), "bicubic": (2, _cubic)}


def rotate(
    x: np.ndarray, angle: float, interpolation: str, expand: bool, centre: Sequence[float] | None, fill: Any
) -> np.ndarray:
    """Counter-clockwise by `angle` degrees: each output pixel looks back to where it came from."""
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"rotate: tensors take nearest and bilinear, got {interpolation}")
    _, h, w = dimensions(x)
    quarters, rest = divmod(angle % 360, 90)
    if not rest and (quarters % 2 == 0 or h == w or expand) and (centre is None or expand):
        return np.ascontiguousarray(np.rot90(x, int(quarters), (-2, -1)))  # pixel on pixel: nothing is to be found
    turn = math.radians(angle)
    cos, sin = (
        ((1.0, 0.0, -1.0, 0.0)[int(quarters) - k] for k in (0, 1)) if not rest else (math.cos(turn), math.sin(turn))
    )
    cx, cy = (w / 2, h / 2) if centre is None or expand else centre
    height, width, ox, oy = h, w, cx, cy
    if expand:
        width, height = (
            math.ceil(round(side / 2 + reach, 4)) - math.floor(round(side / 2 - reach, 4))
            for side, reach in ((w, (abs(cos) * w + abs(sin) * h) / 2), (h, (abs(sin) * w + abs(cos) * h) / 2))
        )
        ox, oy = width / 2, height / 2
    dy, dx = np.arange(height)[:, None] + 0.5 - oy, np.arange(width) + 0.5 - ox
    return _looked_up(x, cos * dx - sin * dy + cx, sin * dx + cos * dy + cy, interpolation, fill)


def affine(x: np.ndarray, matrix: Sequence[float], interpolation: str, fill: Any) -> np.ndarray:
    """`matrix`, two rows of three numbers, says of each output pixel where it comes from."""
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"affine: tensors take nearest and bilinear, got {interpolation}")
    _, h, w = dimensions(x)
    dy, dx = np.arange(h)[:, None] + 0.5, np.arange(w) + 0.5
    sx, sy = (a * dx + b * dy + c for a, b, c in (matrix[:3], matrix[3:]))
    return _looked_up(x, sx, sy, interpolation, fill)


def _looked_up(x: np.ndarray, sx: np.ndarray, sy: np.ndarray, interpolation: str, fill: Any) -> np.ndarray:
    """The image at these places (height, width), in pixels from its left and upper edge; `fill` outside of it."""
    _, h, w = dimensions(x)

    def pick(rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inside = (rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)
        values = x[..., np.clip(rows, 0, h - 1).astype(np.int64), np.clip(columns, 0, w - 1).astype(np.int64)]
        return values, inside

    background = _fill(x, fill)
    if interpolation == "nearest":
        # A rotation by 90° may land on pixel edges but for rounding errors, which must not decide on the side.
        values, inside = pick(np.floor(np.round(sy, 6)), np.floor(np.round(sx, 6)))
        return np.where(inside, values, background)
    total, share = (np.zeros(shape) for shape in ((*x.shape[:-2], *sx.shape), sx.shape))
    sx, sy = sx - 0.5, sy - 0.5  # from middle to middle
    left, top = np.floor(sx), np.floor(sy)
    for rows, below in ((top, sy - top), (top + 1, 1 - sy + top)):
        for columns, beside in ((left, sx - left), (left + 1, 1 - sx + left)):
            values, inside = pick(rows, columns)
            weight = (1 - below) * (1 - beside) * inside
            total, share = total + weight * values, share + weight
    # As in torchvision, where a fill is given it is mixed in by the share of a pixel that lies outside, and what lies
    # inside, which is as dark already, is weighed by its share once more.
    return _as(x.dtype, total if fill is None else total * share + (1 - share) * background)


# colour


def grayscale(x: np.ndarray, channels: int) -> np.ndarray:
    """0.2989 R + 0.587 G + 0.114 B, in 1 or 3 equal channels; an image of one channel is grey already."""
    c, _, _ = dimensions(x)
    if c not in (1, 3):
        raise TypeError(f"grayscale: an image has 1 or 3 channels, got {c} in shape {x.shape}")
    grey = _luma(x) if c == 3 else x
    return np.repeat(grey, 3, axis=-3) if channels == 3 else grey.copy()


def adjust_brightness(x: np.ndarray, factor: float) -> np.ndarray:
    return _blend(x, 0.0, factor)


def adjust_contrast(x: np.ndarray, factor: float) -> np.ndarray:
    grey = _luma(x) if dimensions(x)[0] == 3 else x
    return _blend(x, grey.mean((-3, -2, -1), dtype=_float(x), keepdims=True), factor)


def adjust_saturation(x: np.ndarray, factor: float) -> np.ndarray:
    return _blend(x, _luma(x), factor) if dimensions(x)[0] == 3 else x.copy()


def adjust_hue(x: np.ndarray, factor: float) -> np.ndarray:
    """Turn the hue by `factor` of the full circle, through HSV and back."""
    if dimensions(x)[0] != 3:
        return x.copy()
    bound = brightest(x.dtype)
    rgb = x.astype(_float(x)) / bound
    r, g, b = np.moveaxis(rgb, -3, 0)
    value, least = rgb.max(-3), rgb.min(-3)
    span = value - least
    safe = np.where(span == 0, 1, span)
    hue = np.select([value == r, value == g], [(g - b) / safe, 2 + (b - r) / safe], 4 + (r - g) / safe)
    hue = (hue / 6 + factor) % 1 * 6  # in sixths of the circle
    # Red is full up to one sixth away from hue 0, green from 2, blue from 4; two sixths away they are at their least.
    out = [value - span * np.clip(np.abs((hue - full + 3) % 6 - 3) - 1, 0, 1) for full in (0, 2, 4)]
    return _as(x.dtype, np.stack(out, -3) * bound)


def adjust_sharpness(x: np.ndarray, factor: float) -> np.ndarray:
    """Away from the blurred image, or towards it: a mean of 3 x 3 pixels, the middle five times; the edge stays."""
    _, h, w = dimensions(x)
    if h <= 2 or w <= 2:
        return x.copy()
    whole = x.astype(_float(x))
    windows = np.lib.stride_tricks.sliding_window_view(whole, (3, 3), (-2, -1))  # type: ignore[call-overload]
    whole[..., 1:-1, 1:-1] = (windows.sum((-2, -1)) + 4 * windows[..., 1, 1]) / 13
    return _blend(x, _as(x.dtype, whole), factor)


def invert(x: np.ndarray) -> np.ndarray:
    return (brightest(x.dtype) - x).astype(x.dtype)


def solarize(x: np.ndarray, threshold: float) -> np.ndarray:
    if threshold > brightest(x.dtype):
        raise TypeError(f"solarize: threshold should be at most {brightest(x.dtype)} for {x.dtype}, got {threshold}")
    return np.where(x >= threshold, invert(x), x)


def posterize(x: np.ndarray, bits: int) -> np.ndarray:
    return x & np.uint8(256 - 2 ** (8 - bits)) if _bytes("posterize", x) else x


def autocontrast(x: np.ndarray) -> np.ndarray:
    """Each channel stretched over all brightness there is; one of a single brightness stays."""
    values, bound = x.astype(_float(x)), brightest(x.dtype)
    least, most = (f(values, (-2, -1), keepdims=True) for f in (np.min, np.max))
    flat = least == most
    least[flat], most[flat] = 0, bound
    return np.clip((values - least) * (1 / (most - least) * bound), 0, bound).astype(x.dtype)


def equalize(x: np.ndarray) -> np.ndarray:
    """Each channel with its pixels spread evenly over all brightness there is."""
    out = x.copy()
    for place in np.ndindex(x.shape[:-2] if _bytes("equalize", x) else ()):
        counts = np.bincount(x[place].ravel(), minlength=256)
        step = (counts.sum() - counts[counts > 0][-1]) // 255
        if step:
            table = (np.cumsum(counts) - counts + step // 2) // step
            out[place] = np.clip(table, 0, 255).astype(np.uint8)[x[place]]
    return out


def _bytes(what: str, x: np.ndarray) -> bool:
    if x.dtype != np.uint8:
        raise TypeError(f"{what}: only images of uint8 are supported, got {x.dtype}; put it before ToTensor()")
    return True


def _luma(x: np.ndarray) -> np.ndarray:
    r, g, b = (x[..., i : i + 1, :, :] for i in range(3))
    return (0.2989 * r.astype(_float(x)) + 0.587 * g + 0.114 * b).astype(x.dtype)


def _blend(x: np.ndarray, other: Any, factor: float) -> np.ndarray:
    mixed = factor * x.astype(_float(x), copy=False) + (1 - factor) * np.asarray(other, _float(x))
    return np.clip(mixed, 0, brightest(x.dtype)).astype(x.dtype)


def _float(x: np.ndarray) -> np.dtype:
    return x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)


def _as(dtype: np.dtype, values: np.ndarray) -> np.ndarray:
    """Computed in floating point, stored as `dtype`: integers are rounded and kept in their range."""
    if dtype.kind == "f":
        return values.astype(dtype, copy=False)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)


def _fill(x: np.ndarray, fill: Any) -> np.ndarray:
    """A number, or one a channel -> an array that broadcasts over the image."""
    values = np.atleast_1d(np.asarray(0 if fill is None else fill))
    if len(values) not in (1, dimensions(x)[0]):
        raise ValueError(f"fill has {len(values)} numbers, expected one or one for each of {dimensions(x)[0]} channels")
    return values.astype(x.dtype)[:, None, None] if x.ndim > 2 else values.astype(x.dtype)[:1]
