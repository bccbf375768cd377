"""What can be done to an image that is a PIL image: the twin of arrays.py, function by function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..pillow import pillow
from . import arrays

# The numbers by which Pillow has always known its filters.
FILTERS = {"nearest": 0, "nearest-exact": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


def dimensions(img: Any) -> tuple[int, int, int]:
    return len(img.getbands()), img.height, img.width


# geometry


def hflip(img: Any) -> Any:
    return img.transpose(pillow().Transpose.FLIP_LEFT_RIGHT)


def vflip(img: Any) -> Any:
    return img.transpose(pillow().Transpose.FLIP_TOP_BOTTOM)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    return img.crop((left, top, left + width, top + height))


def pad(img: Any, sides: Sequence[int], fill: Any, mode: str) -> Any:
    left, top, right, bottom = sides
    out = img.crop((-left, -top, img.width + right, img.height + bottom))  # of the same mode, with the same palette
    if mode == "constant":
        out.paste(pillow().new(img.mode, out.size, _fill(img, fill)))
        out.paste(img, (left, top))
        return out
    pixels = np.asarray(img)  # (H, W) or (H, W, C)
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    padded = arrays.pad(planes, sides, fill, mode)
    padded = padded[0] if pixels.ndim == 2 else np.moveaxis(padded, 0, -1)
    out.frombytes(padded.tobytes(), "raw", "1;8" if img.mode == "1" else img.mode)
    return out


def resize(img: Any, height: int, width: int, interpolation: str, antialias: bool) -> Any:
    """Pillow's filters always smooth what they make smaller."""
    return img.resize((width, height), FILTERS[interpolation])


def rotate(img: Any, angle: float, interpolation: str, expand: bool, centre: Sequence[float] | None, fill: Any) -> Any:
    return img.rotate(angle, FILTERS[interpolation], expand, centre, fillcolor=_fill(img, fill))


def affine(img: Any, matrix: Sequence[float], interpolation: str, fill: Any) -> Any:
    affine, how = pillow().Transform.AFFINE, FILTERS[interpolation]
    return img.transform(img.size, affine, tuple(matrix), how, fillcolor=_fill(img, fill))


# colour


def grayscale(img: Any, channels: int) -> Any:
    grey = img.convert("L")
    return grey if channels == 1 else pillow().merge("RGB", (grey, grey, grey))


def adjust_brightness(img: Any, factor: float) -> Any:
    return pillow("ImageEnhance").Brightness(img).enhance(factor)


def adjust_contrast(img: Any, factor: float) -> Any:
    return pillow("ImageEnhance").Contrast(img).enhance(factor)


def adjust_saturation(img: Any, factor: float) -> Any:
    return pillow("ImageEnhance").Color(img).enhance(factor)


def adjust_hue(img: Any, factor: float) -> Any:
    if img.mode in ("L", "1", "I", "F"):
        return img
    h, s, v = img.convert("HSV").split()
    turned = (np.asarray(h).astype(np.int64) + int(factor * 255)) % 256  # a byte goes round once
    return pillow().merge("HSV", (pillow().fromarray(turned.astype(np.uint8)), s, v)).convert(img.mode)


def adjust_sharpness(img: Any, factor: float) -> Any:
    return pillow("ImageEnhance").Sharpness(img).enhance(factor)


def invert(img: Any) -> Any:
    return pillow("ImageOps").invert(img)


def solarize(img: Any, threshold: float) -> Any:
    return pillow("ImageOps").solarize(img, threshold)


def posterize(img: Any, bits: int) -> Any:
    return pillow("ImageOps").posterize(img, bits)


def autocontrast(img: Any) -> Any:
    return pillow("ImageOps").autocontrast(img)


def equalize(img: Any) -> Any:
    return pillow("ImageOps").equalize(img)


def _fill(img: Any, fill: Any) -> Any:
    """A number, or one a channel -> a colour of this image's mode."""
    bands = len(img.getbands())
    values: list[Any] = [fill or 0] if fill is None or np.isscalar(fill) else list(fill)
    if len(values) not in (1, bands):
        raise ValueError(f"fill has {len(values)} numbers, expected one or one for each of {bands} channels")
    if img.mode != "F":
        values = [int(value) for value in values]
    return values[0] if bands == 1 else tuple(values * bands if len(values) == 1 else values)
