"""Transforms of colour."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

from ...random import rng
from ...surface.creation import tensor
from . import functional as F
from .base import Layer
from .functional import Picture

Factor = float | Sequence[float]
Bounds = Sequence[float] | None


class Grayscale(Layer):
    """Black and white, 0.2989 R + 0.587 G + 0.114 B, in 1 or 3 equal channels.

    >>> import tinygrad_cnn as tg
    >>> Grayscale()(tg.ones(3, 4, 4)).shape
    (1, 4, 4)
    """

    def __init__(self, num_output_channels: int = 1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Picture) -> Picture:
        return F.rgb_to_grayscale(img, self.num_output_channels)


class RandomGrayscale(Layer):
    """Black and white with probability p, in as many channels as the image has.

    >>> import tinygrad_cnn as tg
    >>> RandomGrayscale(p=1.0)(tg.tensor([[[100]], [[50]], [[0]]], dtype=tg.uint8)).flatten().tolist()
    [59, 59, 59]
    """

    def __init__(self, p: float = 0.1):
        super().__init__()
        self.p = p

    def forward(self, img: Picture) -> Picture:
        return F.rgb_to_grayscale(img, F.get_image_num_channels(img)) if rng().random() < self.p else img


class _Sometimes(Layer):
    """A change of colour with probability p: what `change` does to the picture."""

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = p

    def change(self, img: Picture) -> Picture:
        """What is done, where it is done."""
        raise NotImplementedError

    def forward(self, img: Picture) -> Picture:
        return self.change(img) if rng().random() < self.p else img

    def __repr__(self) -> str:
        kept = {k: v for k, v in vars(self).items() if k[0] != "_" and k not in ("training", "p")}
        shown = ",".join(f"{k}={v}" for k, v in {**kept, "p": self.p}.items())
        return f"{type(self).__name__}({shown})"


class RandomInvert(_Sometimes):
    """Bright becomes dark with probability p; see `functional.invert`.

    >>> import tinygrad_cnn as tg
    >>> RandomInvert(p=1.0)(tg.tensor([[[0.25]]])).item()
    0.75
    """

    def change(self, img: Picture) -> Picture:
        return F.invert(img)


class RandomPosterize(_Sometimes):
    """Only the upper `bits` of each byte, with probability p; see `functional.posterize`.

    >>> import tinygrad_cnn as tg
    >>> RandomPosterize(2, p=1.0)(tg.tensor([[[100]]], dtype=tg.uint8)).item()
    64
    """

    def __init__(self, bits: int, p: float = 0.5):
        super().__init__(p)
        self.bits = bits

    def change(self, img: Picture) -> Picture:
        return F.posterize(img, self.bits)


class RandomSolarize(_Sometimes):
    """What is as bright as `threshold` inverted, with probability p; see `functional.solarize`.

    >>> import tinygrad_cnn as tg
    >>> RandomSolarize(0.5, p=1.0)(tg.tensor([[[0.25, 0.75]]])).tolist()
    [[[0.25, 0.25]]]
    """

    def __init__(self, threshold: float, p: float = 0.5):
        super().__init__(p)
        self.threshold = threshold

    def change(self, img: Picture) -> Picture:
        return F.solarize(img, self.threshold)


class RandomAdjustSharpness(_Sometimes):
    """Sharper or blurred, with probability p; see `functional.adjust_sharpness`.

    >>> RandomAdjustSharpness(2.0)
    RandomAdjustSharpness(sharpness_factor=2.0,p=0.5)
    """

    def __init__(self, sharpness_factor: float, p: float = 0.5):
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: Picture) -> Picture:
        return F.adjust_sharpness(img, self.sharpness_factor)


class RandomAutocontrast(_Sometimes):
    """Each channel stretched over all brightness, with probability p; see `functional.autocontrast`.

    >>> import tinygrad_cnn as tg
    >>> RandomAutocontrast(p=1.0)(tg.tensor([[[0.25, 0.75]]])).tolist()
    [[[0.0, 1.0]]]
    """

    def change(self, img: Picture) -> Picture:
        return F.autocontrast(img)


class RandomEqualize(_Sometimes):
    """Pixels spread evenly over all brightness, with probability p; see `functional.equalize`.

    >>> RandomEqualize()
    RandomEqualize(p=0.5)
    """

    def change(self, img: Picture) -> Picture:
        return F.equalize(img)


class ColorJitter(Layer):
    """Brightness, contrast, saturation and hue, each changed by a random factor, in a random order.

    The first three are one number v, for a factor between max(0, 1 - v) and 1 + v, or (least, most). `hue` is one
    number v up to 0.5, for a turn between -v and v, or (least, most) of those. ValueError outside of these.

    >>> import tinygrad_cnn as tg
    >>> ColorJitter(brightness=(0.5, 0.5))(tg.ones(3, 1, 1)).flatten().tolist()
    [0.5, 0.5, 0.5]
    """

    def __init__(self, brightness: Factor = 0, contrast: Factor = 0, saturation: Factor = 0, hue: Factor = 0):
        super().__init__()
        self.brightness = _bounds("brightness", brightness, 1, 0, float("inf"))
        self.contrast = _bounds("contrast", contrast, 1, 0, float("inf"))
        self.saturation = _bounds("saturation", saturation, 1, 0, float("inf"))
        self.hue = _bounds("hue", hue, 0, -0.5, 0.5)

    @staticmethod
    def get_params(brightness: Bounds, contrast: Bounds, saturation: Bounds, hue: Bounds) -> tuple:
        """The order, as a tensor of the numbers 0 to 3, and the four factors, None where nothing is to be changed."""
        order = tensor(rng().permutation(4))
        factors = [
            None if bounds is None else float(rng().uniform(bounds[0], bounds[1]))
            for bounds in (brightness, contrast, saturation, hue)
        ]
        return order, *factors

    def forward(self, img: Picture) -> Picture:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        steps = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in order.tolist():
            if factors[i] is not None:
                img = steps[i](img, factors[i])
        return img


def _bounds(name: str, value: Any, middle: float, least: float, most: float) -> tuple[Any, Any] | None:
    """The range of a factor; None where nothing is to be changed."""
    low: Any
    high: Any
    if isinstance(value, numbers.Real):
        if value < 0:
            raise ValueError(f"ColorJitter: {name} as one number must not be negative, got {value}")
        low, high = float(middle - value), float(middle + value)  # type: ignore[arg-type]
        if name != "hue":
            low = max(low, float(least))
    elif isinstance(value, Sequence) and len(value) == 2:
        low, high = value
    else:
        raise TypeError(f"ColorJitter: {name} should be one number or (least, most), got {value!r}")
    if not least <= low <= high <= most:
        raise ValueError(f"ColorJitter: {name} should lie between {least} and {most}, got {value}")
    return None if low == high == middle else (low, high)
