"""Numbers as pixels: greys, heats, signs; and pixels as a PNG that stands in a page.

C channels, H W picture.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

from tinygrad_cnn.engine.tensor import as_array

ABOVE, BELOW, GREY = (222, 100, 20), (62, 124, 226), (128, 128, 128, 110)
# A heat is shown by colours that also grow lighter, so that it can be read without seeing colours.
HEAT = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]]) / 255


def colours(heat: Any) -> np.ndarray:
    """Red, green and blue for numbers from 0 to 1, dark to light; outside they are clipped.  (...) -> (...,3)"""
    at = np.clip(np.nan_to_num(np.asarray(heat, dtype=np.float64)), 0, 1)
    return np.stack([np.interp(at, np.linspace(0, 1, len(HEAT)), channel) for channel in HEAT.T], -1)


def overlay(image: Any, heat: Any) -> np.ndarray:
    """½ image + ½ heat, in colours from 0 to 1.        (C,H,W), (H,W) -> (H,W,3)

    image: one or three channels, brought to 0 ... 1 by its own minimum and maximum; heat: from 0 to 1.

    >>> import numpy as np
    >>> overlay(np.zeros((1, 2, 2)), np.ones((2, 2)))[0, 0].round(2).tolist()
    [0.49, 0.5, 0.32]
    """
    image, heat = np.asarray(as_array(image)), np.asarray(as_array(heat))
    if image.ndim != 3 or image.shape[0] not in (1, 3) or image.shape[1:] != heat.shape:
        raise ValueError(
            "overlay: expected an image (1,H,W) or (3,H,W) and a heat (H,W) of its size, "
            f"got {image.shape} and {heat.shape}"
        )
    return unit(image).transpose(1, 2, 0) / 2 + colours(heat) / 2


def unit(a: Any) -> np.ndarray:
    """The numbers moved and scaled to 0 ... 1, all by the same; zeros where all are equal, or none is finite."""
    a = np.asarray(a, dtype=np.float64)
    finite = np.isfinite(a)
    low, high = (a[finite].min(), a[finite].max()) if finite.any() else (0.0, 0.0)
    return np.where(finite, a - low, 0) / (high - low if high > low else 1)


def signed(a: Any, scale: float | None = None) -> np.ndarray:
    """Numbers as colours on any background: orange above zero, blue below, clear at zero.  (H,W) -> (H,W,4) uint8

    scale: the magnitude that is opaque, by default the largest. What is not finite is grey.
    """
    a = np.asarray(a, dtype=np.float64)
    finite = np.isfinite(a)
    known = np.where(finite, a, 0)
    top = float(np.abs(known).max(initial=0)) if scale is None else scale
    out = np.full((*a.shape, 4), GREY, np.uint8)
    out[finite, :3] = np.where((known >= 0)[..., None], ABOVE, BELOW)[finite]
    out[finite, 3] = np.round(255 * np.clip(np.abs(known) / (top or 1), 0, 1))[finite]
    return out


def signed_or_colour(picture: np.ndarray) -> np.ndarray:
    """A grid of filters as bytes: signs as colours, or three channels as red, green and blue around grey."""
    if picture.ndim == 2:
        return signed(picture, 1.0)
    clear = np.isnan(picture).any(-1, keepdims=True)
    return np.concatenate([shades(picture / 2 + 0.5), np.where(clear, 0, 255).astype(np.uint8)], -1)


def data_uri(image: Any) -> str:
    """A uint8 image as the address of a PNG that is in the address itself."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()


def png(image: Any) -> bytes:
    """A PNG file of a uint8 image (H,W), (H,W,3) or (H,W,4).

    >>> import numpy as np
    >>> png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    a = np.asarray(image)
    if a.dtype != np.uint8 or a.ndim not in (2, 3) or (a.ndim == 3 and a.shape[2] not in (3, 4)) or not a.size:
        raise ValueError(f"png: expected a uint8 image (H,W), (H,W,3) or (H,W,4), got {a.dtype} {a.shape}")
    kind = 0 if a.ndim == 2 else {3: 2, 4: 6}[a.shape[2]]
    h, w = a.shape[:2]
    lines = np.zeros((h, 1 + a.size // h), np.uint8)  # each line starts with the number of its filter, 0: none
    lines[:, 1:] = a.reshape(h, -1)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", w, h, 8, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines.tobytes(), 9))
        + chunk(b"IEND", b"")
    )


def shades(a: Any) -> np.ndarray:
    """Numbers from 0 to 1 as bytes; outside they are clipped."""
    return np.round(255 * np.clip(np.nan_to_num(np.asarray(a, dtype=np.float64)), 0, 1)).astype(np.uint8)
