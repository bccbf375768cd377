"""What can be done to an image whose gradient is asked for: the twin of arrays.py, function by function, in ops.

Where pixels only change places, arrays.py itself says which: it is given the numbers of the pixels in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine.tensor import Tensor, wrap
from . import arrays


def _moved(what: str, x: Any, *arguments: Any, fill: Any = 0) -> Tensor:
    """Each pixel from where a function of arrays takes it, and `fill` where it takes none."""
    _, h, w = arrays.dimensions(x._array)
    numbers = getattr(arrays, what)(np.arange(1, h * w + 1).reshape(h, w), *arguments)  # 0: from nowhere
    out = x.flatten(-2)[..., wrap(np.maximum(numbers - 1, 0))]
    return out if numbers.all() else out.where(wrap(numbers > 0), wrap(arrays._fill(x._array, fill)))


def hflip(x: Any) -> Tensor:
    return _moved("hflip", x)


def vflip(x: Any) -> Tensor:
    return _moved("vflip", x)


def crop(x: Any, *window: int) -> Tensor:
    return _moved("crop", x, *window)


def pad(x: Any, sides: Sequence[int], fill: Any, mode: str) -> Tensor:
    return _moved("pad", x, sides, 0, mode, fill=fill)


def resize(x: Any, height: int, width: int, interpolation: str, antialias: bool) -> Tensor:
    if interpolation not in arrays.KERNELS:
        return _moved("resize", x, height, width, interpolation, antialias)
    _, h, w = arrays.dimensions(x._array)
    sizes = (h, height), (w, width)
    down, across = (wrap(arrays.resampling(*s, interpolation, antialias).astype(x.dtype)) for s in sizes)
    return down @ x @ across.T


def rotate(x: Any, angle: float, interpolation: str, *rest: Any) -> Tensor:
    return _warped("rotate", x, angle, interpolation, *rest)


def affine(x: Any, matrix: Sequence[float], interpolation: str, fill: Any) -> Tensor:
    return _warped("affine", x, matrix, interpolation, fill)


def _warped(what: str, x: Any, how: Any, interpolation: str, *rest: Any) -> Tensor:
    *between, fill = rest
    if interpolation == "nearest":
        return _moved(what, x, how, interpolation, *between, 0, fill=fill)
    _, h, w = arrays.dimensions(x._array)
    # A weighted mean of pixels: what comes of each alone are the weights.
    ones = np.eye(h * w, dtype=x.dtype).reshape(h * w, 1, h, w)
    weights = getattr(arrays, what)(ones, how, interpolation, *between, None)[:, 0]
    out = (x.flatten(-2) @ wrap(weights.reshape(h * w, -1))).unflatten(-1, weights.shape[1:])
    if fill is None:
        return out
    share = weights.sum(0)
    return out * wrap(share) + wrap((1 - share) * arrays._fill(x._array, fill))


def grayscale(x: Any, channels: int) -> Tensor:
    c, _, _ = arrays.dimensions(x._array)
    if c not in (1, 3):
        raise TypeError(f"grayscale: an image has 1 or 3 channels, got {c} in shape {tuple(x.shape)}")
    grey = _luma(x) if c == 3 else x.clone()
    return grey.repeat_interleave(3, dim=-3) if channels == 3 else grey


def adjust_brightness(x: Any, factor: float) -> Tensor:
    return _blend(x, 0.0, factor)


def adjust_contrast(x: Any, factor: float) -> Tensor:
    grey = _luma(x) if arrays.dimensions(x._array)[0] == 3 else x
    return _blend(x, grey.mean((-3, -2, -1), keepdim=True), factor)


def adjust_saturation(x: Any, factor: float) -> Tensor:
    return _blend(x, _luma(x), factor) if arrays.dimensions(x._array)[0] == 3 else x.clone()


def adjust_hue(x: Any, factor: float) -> Tensor:
    if arrays.dimensions(x._array)[0] != 3:
        return x.clone()
    r, g, b = x.unbind(-3)
    value, least = x.amax(-3), x.amin(-3)
    span = value - least
    safe = span.where(span != 0, 1.0)
    hue = ((g - b) / safe).where(value == r, (2 + (b - r) / safe).where(value == g, 4 + (r - g) / safe))
    hue = (hue / 6 + factor) % 1 * 6
    out = [value - span * (((hue - full + 3) % 6 - 3).abs() - 1).clamp(0, 1) for full in (0, 2, 4)]
    return sum(plane.unsqueeze(-3) * wrap(one) for plane, one in zip(out, np.eye(3, dtype=x.dtype)[..., None, None]))


def adjust_sharpness(x: Any, factor: float) -> Tensor:
    _, h, w = arrays.dimensions(x._array)
    if h <= 2 or w <= 2:
        return x.clone()
    rows = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    middle = x[..., 1:-1, 1:-1]
    blurred = (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:] + 4 * middle) / 13
    other = x.clone()
    other[..., 1:-1, 1:-1] = blurred
    return _blend(x, other, factor)


def invert(x: Any) -> Tensor:
    return 1 - x


def solarize(x: Any, threshold: float) -> Tensor:
    arrays.solarize(x._array[..., :0, :0], threshold)  # refuses what it refuses
    return x.where(x < threshold, 1 - x)


def posterize(x: Any, bits: int) -> Tensor:
    return wrap(arrays.posterize(x._array, bits))


def autocontrast(x: Any) -> Tensor:
    least, most = x.amin((-2, -1), keepdim=True), x.amax((-2, -1), keepdim=True)
    flat = least == most
    stretched = (x - least) / (most - least).where(~flat, 1.0)
    return x.clamp(0, 1).where(flat, stretched.clamp(0, 1))


def equalize(x: Any) -> Tensor:
    return wrap(arrays.equalize(x._array))


def _luma(x: Any) -> Tensor:
    r, g, b = (x[..., i : i + 1, :, :] for i in range(3))
    return 0.2989 * r + 0.587 * g + 0.114 * b


def _blend(x: Any, other: Any, factor: float) -> Tensor:
    return (factor * x + (1 - factor) * other).clamp(0, 1)
