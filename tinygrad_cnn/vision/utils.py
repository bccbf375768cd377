"""Many images in one: grids of them, and pictures on disk."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from .. import files
from ..engine.tensor import Tensor, wrap
from .pillow import pillow


def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """(N, C, H, W), or N images (C, H, W) -> one (C, rows·(H + padding) + padding, columns·(W + padding) + padding).

    `nrow` images stand in a row, `padding` pixels of `pad_value` are around each. Images of one channel become three.
    With `normalize` the values go to 0 ... 1, from `value_range` or from the least and the greatest, of all images or,
    with `scale_each`, of each. One image alone is returned without a border.

    >>> import tinygrad_cnn as tg
    >>> make_grid(tg.zeros(5, 1, 4, 6), nrow=3).shape
    (3, 14, 26)
    """
    if isinstance(tensor, Tensor):
        images = tensor.detach().numpy()
    elif isinstance(tensor, (list, tuple)) and all(isinstance(t, Tensor) for t in tensor):
        images = np.stack([t.detach().numpy() for t in tensor])
    else:
        raise TypeError(f"make_grid: tensor or list of tensors expected, got {type(tensor).__name__}")
    if not 2 <= images.ndim <= 4:
        raise ValueError(f"make_grid: expected images (N, C, H, W), (C, H, W) or (H, W), got shape {images.shape}")
    if value_range is not None and not (isinstance(value_range, tuple) and len(value_range) == 2):
        raise TypeError(f"make_grid: value_range should be (least, greatest), got {value_range!r}")
    images = images.reshape((1,) * (4 - images.ndim) + images.shape)  # (N, C, H, W)
    n, c, h, w = images.shape  # type: ignore[misc]
    if c == 1:
        images, c = np.repeat(images, 3, axis=1), 3
    if normalize:
        images = np.stack([_norm(image, value_range) for image in images]) if scale_each else _norm(images, value_range)
    if n == 1:
        return wrap(images[0].copy())

    columns = min(nrow, n)
    rows = math.ceil(n / columns)
    grid = np.full((c, rows * (h + padding) + padding, columns * (w + padding) + padding), pad_value, images.dtype)
    for i, image in enumerate(images):
        y, x = padding + i // columns * (h + padding), padding + i % columns * (w + padding)
        grid[:, y : y + h, x : x + w] = image
    return wrap(grid)


def save_image(
    tensor: Tensor | Sequence[Tensor], fp: str | os.PathLike | IO[bytes], format: str | None = None, **kwargs: Any
) -> None:
    """Write images with values 0 to 1 as one picture; a batch as a grid, `kwargs` being those of `make_grid`.

    `format` is Pillow's name of one, by default the extension of the file.

    >>> import tinygrad_cnn as tg
    >>> import io
    >>> save_image(tg.rand(4, 3, 8, 8), file := io.BytesIO(), format="PNG", nrow=2)
    >>> pillow().open(file).size
    (22, 22)
    """
    grid = make_grid(tensor, **kwargs).numpy()
    pixels = np.clip(grid * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    picture = pillow().fromarray(np.ascontiguousarray(pixels))
    if not isinstance(fp, str | os.PathLike):
        picture.save(fp, format=format)
        return
    ending = os.path.splitext(fp)[1].lower()
    if format is None and ending not in pillow().registered_extensions():
        raise ValueError(f"save_image: unknown file extension {ending!r} of {os.fspath(fp)!r}; give a format")
    with files.whole(fp) as file:
        picture.save(file, format=format or pillow().registered_extensions()[ending])


def _norm(x: np.ndarray, value_range: tuple[float, float] | None) -> np.ndarray:
    low, high = value_range or (float(x.min()), float(x.max()))
    return (np.clip(x, low, high) - low) / max(high - low, 1e-5)
