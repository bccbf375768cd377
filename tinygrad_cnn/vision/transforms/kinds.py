"""The ways between the kinds of image: PIL images, arrays (H, W, C), and Tensors (C, H, W)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays.dtypes import get_default_dtype
from ...arrays.types import DType
from ...engine.tensor import Tensor, wrap
from ..pillow import is_picture, pillow
from . import arrays


def to_tensor(pic: Any) -> Tensor:
    """A PIL image, or an array (H, W) or (H, W, C), as a Tensor (C, H, W); bytes 0 to 255 become numbers 0 to 1.

    These are of the default floating dtype.
    Images of other types (PIL modes I, F, I;16; arrays of other dtypes) keep their values. TypeError for what is
    neither, ValueError for an array of another number of dimensions.

    >>> to_tensor(np.array([[0, 51, 255]], np.uint8)).tolist()
    [[[0.0, 0.20000000298023224, 1.0]]]
    """
    planes = _planes(pic, "to_tensor")
    if is_picture(pic) and pic.mode == "1":
        planes = planes.astype(get_default_dtype())
    if planes.dtype != np.uint8:
        return wrap(np.ascontiguousarray(planes))
    return wrap(np.divide(planes, 255, dtype=get_default_dtype(), order="C"))


def pil_to_tensor(pic: Any) -> Tensor:
    """A PIL image as a Tensor (C, H, W) of the same values. TypeError for anything else.

    >>> from PIL import Image
    >>> pil_to_tensor(Image.new("RGB", (2, 1), (1, 2, 3))).tolist()
    [[[1, 1]], [[2, 2]], [[3, 3]]]
    """
    if not is_picture(pic):
        raise TypeError(f"pil_to_tensor: pic should be a PIL Image, got {type(pic).__name__}")
    return wrap(np.array(_planes(pic, "pil_to_tensor"), order="C"))


def _planes(pic: Any, function: str) -> np.ndarray:
    """Any picture as an array (C, H, W)"""
    if not is_picture(pic) and not isinstance(pic, np.ndarray):
        raise TypeError(f"{function}: pic should be a PIL Image or an array, got {type(pic).__name__}")
    pixels = np.asarray(pic)
    if is_picture(pic) and (pixels.dtype.kind, pixels.itemsize) == ("u", 2):  # I;16, whose values int16 would not hold
        pixels = pixels.astype(np.int32)
    if pixels.ndim not in (2, 3):
        raise ValueError(
            f"{function}: pic should have 2 or 3 dimensions, (H, W) or (H, W, C), got shape {pixels.shape}"
        )
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A Tensor (C, H, W) or (H, W), or an array (H, W, C) or (H, W), as a PIL image.

    Floating-point values go from 0 ... 1 to bytes, unless `mode` is "F". Without `mode`, 1, 2, 3 and 4 channels of
    bytes are L, LA, RGB and RGBA; one channel of int16 or int32 is I;16 or I. TypeError for another dtype, ValueError
    for another shape or a mode that does not fit.

    >>> import tinygrad_cnn as tg
    >>> image = to_pil_image(tg.ones(3, 2, 4))
    >>> image.mode, image.size, image.getpixel((0, 0))
    ('RGB', (4, 2), (255, 255, 255))
    """
    if isinstance(pic, Tensor):
        pixels = pic.detach().numpy()
        pixels = pixels.transpose(1, 2, 0) if pixels.ndim == 3 else pixels
    elif isinstance(pic, np.ndarray):
        pixels = pic
    else:
        raise TypeError(f"to_pil_image: pic should be a Tensor or an array, got {type(pic).__name__}")
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    if pixels.ndim not in (2, 3) or not 1 <= channels <= 4:
        raise ValueError(f"to_pil_image: pic should have 2 or 3 dimensions and 1 to 4 channels, got shape {pic.shape}")
    if pixels.dtype.kind == "f" and mode != "F":
        pixels = (pixels * pixels.dtype.type(255)).astype(np.int64).astype(np.uint8)
    modes = MODES.get((pixels.dtype.name, channels))
    if modes is None:
        raise TypeError(
            f"to_pil_image: no PIL mode for {channels} channels of {pixels.dtype}; expected 1 to 4 channels of "
            "uint8 or floating-point numbers, or one of int16 or int32"
        )
    if mode is not None and mode not in modes:
        raise ValueError(
            f"to_pil_image: mode for {channels} channels of {pixels.dtype} is one of {modes}, got {mode!r}"
        )
    height, width = pixels.shape[:2]
    return pillow().frombytes(mode or modes[0], (width, height), np.ascontiguousarray(pixels).tobytes())


MODES = {
    ("uint8", 1): ("L",),
    ("uint8", 2): ("LA",),
    ("uint8", 3): ("RGB", "YCbCr", "HSV"),
    ("uint8", 4): ("RGBA", "CMYK", "RGBX"),
    ("int16", 1): ("I;16",),
    ("int32", 1): ("I",),
    ("float32", 1): ("F",),
}


def convert_image_dtype(image: Tensor, dtype: DType = np.float32) -> Tensor:
    """The same picture in another dtype: 0 ... brightest of the one becomes 0 ... brightest of the other.

    RuntimeError from a floating-point dtype to an integer one that has more values than it tells apart.

    >>> import tinygrad_cnn as tg
    >>> convert_image_dtype(tg.tensor([[[0, 51, 255]]], dtype=tg.uint8))
    tensor([[[0. , 0.2, 1. ]]], shape=(1, 1, 3), dtype=float32)
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"convert_image_dtype: image should be a Tensor, got {type(image).__name__}")
    if not isinstance(dtype, np.dtype | type | str):
        raise TypeError(f"convert_image_dtype: dtype should be a dtype, got {type(dtype).__name__}")
    x, to = image.detach().numpy(), np.dtype(dtype)
    if x.dtype == to:
        return image
    if to.kind == x.dtype.kind == "f":
        return image.to(to)
    if to.kind == "f":
        return wrap(x.astype(to) / to.type(arrays.brightest(x.dtype)))
    if x.dtype.kind == "f":
        if to.itemsize > 4 or (to.itemsize == 4 and x.dtype.itemsize <= 4):
            raise RuntimeError(f"convert_image_dtype: {x.dtype} is not precise enough to fill the range of {to}")
        return wrap((x.astype(np.float64) * (arrays.brightest(to) + 1 - 1e-3)).astype(to))
    few, many = sorted((np.iinfo(x.dtype).max + 1, np.iinfo(to).max + 1))
    narrower = np.iinfo(to).max < np.iinfo(x.dtype).max
    return wrap((x // (many // few)).astype(to) if narrower else x.astype(to) * to.type(many // few))
