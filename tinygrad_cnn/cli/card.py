"""What must be known of a network besides its weights, to feed it and to read its answers; saved along with them."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from . import UserError

KEY = "tinygrad_cnn"  # of the metadata of a file


class Card(NamedTuple):
    """A network of `vision.models`, the images that it takes, and the names of its classes.

    model: its name. shape: (C, H, W) of an image. mean, std: a number a channel, of values from 0 to 1; the network is
    given (image - mean) / std. data: the options that say what it was trained on.

    >>> card = Card("mlp", (1, 2, 2), ["no", "yes"], [0.5], [0.25], {})
    >>> card.normalised(np.ones((1, 2, 2), np.float32)).tolist()
    [[[2.0, 2.0], [2.0, 2.0]]]
    >>> Card.read(card.metadata(), "a file") == card
    True
    """

    model: str
    shape: tuple[int, int, int]
    classes: list[str]
    mean: list[float]
    std: list[float]
    data: dict[str, Any]

    def metadata(self) -> dict[str, str]:
        """As the metadata of a file."""
        return {KEY: json.dumps(self._asdict())}

    @classmethod
    def read(cls, metadata: Mapping[str, str], name: str) -> Card:
        """The card in the metadata of the file of this name. UserError where there is none, or a damaged one."""
        if KEY not in metadata:
            raise UserError(
                f"{name} does not say what network its weights are of: `tinygrad-cnn train` did not write it"
            )
        try:
            said = json.loads(metadata[KEY])
            c, h, w = map(int, said["shape"])
            classes, mean, std = list(map(str, said["classes"])), list(map(float, said["mean"])), said["std"]
            if len(mean) != c or len(std) != c or min(c, h, w) < 1:
                raise ValueError("shape, mean and std do not belong together")
            return cls(str(said["model"]), (c, h, w), classes, mean, list(map(float, std)), dict(said["data"]))
        except (ValueError, OverflowError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError(f"{name} is damaged where it says what network its weights are of: {error!r}") from None

    def build(self) -> Any:
        """The network, freshly initialised. UserError where its images are too small for it."""
        from ..vision.models import get_model

        try:
            return get_model(self.model, input_shape=self.shape, num_classes=len(self.classes))
        except ValueError as error:
            raise UserError(error) from None

    def normalised(self, images: np.ndarray) -> np.ndarray:
        """(..., C, H, W) with values from 0 to 1 -> the same as the network takes them"""
        mean, std = (np.array(x, np.float32)[:, None, None] for x in (self.mean, self.std))
        return (images - mean) / std

    def picture(self, path: str | os.PathLike) -> np.ndarray:
        """The picture in a file as the network takes it, (C, H, W)."""
        return self.normalised(pixels(path, self.shape))


def pillow(module: str) -> Any:
    """The module of Pillow; UserError where it is not installed."""
    from ..vision import pillow as door

    try:
        return door.pillow(module)
    except ImportError as error:
        raise UserError(error) from None


def pixels(path: str | os.PathLike, shape: tuple[int, int, int]) -> np.ndarray:
    """The picture in a file, grey or in colour and resized, as float32 (C, H, W) from 0 to 1.

    UserError, naming the file, for what cannot be read.
    """
    c, h, w = shape
    image = pillow("Image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Pillow finds odd, and reads
            with image.open(path) as opened:
                upright = pillow("ImageOps").exif_transpose(opened)
                picture = _bytes(upright, image).convert("L" if c == 1 else "RGB")
                picture = picture.resize((w, h), image.Resampling.BILINEAR)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except Exception as error:  # a damaged file may fail in any way
        raise UserError(f"{path}: not a picture that can be read: {error}") from None
    return np.asarray(picture, np.float32).reshape(h, w, c).transpose(2, 0, 1) / 255


def _bytes(image: Any, pillow: Any) -> Any:
    """A picture of 16 bits a pixel as one of 8, which `convert` would cut off."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).clip(0, 65535) // 257
    return pillow.fromarray(values.astype(np.uint8))
