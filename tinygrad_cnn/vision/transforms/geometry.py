"""Transforms of size and place. `get_params` draws what a random one will do, to do the same to a second image."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

from ...arrays.types import Window
from ...random import rng
from ...surface.creation import tensor
from ...surface.sampling import randn
from . import functional as F
from .base import Layer
from .functional import InterpolationMode, Picture


class Resize(Layer):
    """To (height, width); one number is the length of the shorter side. See `functional.resize`.

    >>> import tinygrad_cnn as tg
    >>> Resize(16)(tg.zeros(3, 32, 48)).shape, Resize((16, 16))(tg.zeros(3, 32, 48)).shape
    ((3, 16, 24), (3, 16, 16))
    """

    def __init__(
        self,
        size: Window,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool = True,
    ):
        super().__init__()
        if not isinstance(size, int | Sequence):
            raise TypeError(f"Resize: size should be an int or a sequence, got {type(size).__name__}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError(f"Resize: size should have 1 or 2 numbers, got {size}")
        self.size = size
        self.interpolation = F.mode_of(interpolation)
        self.max_size = max_size
        self.antialias = antialias

    def forward(self, img: Picture) -> Picture:
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)


class CenterCrop(Layer):
    """The middle, `size` = (height, width) or one number for both.

    >>> import tinygrad_cnn as tg
    >>> CenterCrop(2)(tg.arange(16).reshape(1, 4, 4)).tolist()
    [[[5, 6], [9, 10]]]
    """

    def __init__(self, size: Window):
        super().__init__()
        self.size = F.pair(size, "CenterCrop: size")

    def forward(self, img: Picture) -> Picture:
        return F.center_crop(img, self.size)


class Pad(Layer):
    """A border; see `functional.pad`.

    >>> import tinygrad_cnn as tg
    >>> Pad((1, 0), fill=7)(tg.zeros(1, 1, 2)).tolist()
    [[[7.0, 0.0, 0.0, 7.0]]]
    """

    def __init__(self, padding: Window, fill: float | Sequence[float] = 0, padding_mode: str = "constant"):
        super().__init__()
        for name, value in (("padding", padding), ("fill", fill)):
            if not isinstance(value, numbers.Number | tuple | list):
                raise TypeError(f"Pad: {name} should be a number or a sequence, got {type(value).__name__}")
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ValueError(f"Pad: padding_mode should be constant, edge, reflect or symmetric, got {padding_mode!r}")
        if isinstance(padding, tuple | list) and len(padding) not in (1, 2, 4):
            raise ValueError(f"Pad: padding should be 1, 2 or 4 numbers, got {padding}")
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def forward(self, img: Picture) -> Picture:
        return F.pad(img, self.padding, self.fill, self.padding_mode)


class RandomCrop(Layer):
    """A window of `size` at a random place, after `padding` on all sides if given.

    ValueError where the image is smaller than the window, unless `pad_if_needed`.

    >>> import tinygrad_cnn as tg
    >>> RandomCrop(28, padding=2)(tg.zeros(1, 28, 28)).shape
    (1, 28, 28)
    """

    hidden = ("training", "pad_if_needed", "fill", "padding_mode")

    def __init__(
        self,
        size: Window,
        padding: Window | None = None,
        pad_if_needed: bool = False,
        fill: float | Sequence[float] = 0,
        padding_mode: str = "constant",
    ):
        super().__init__()
        self.size = F.pair(size, "RandomCrop: size")
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """top, left, height, width"""
        (_, h, w), (height, width) = F.get_dimensions(img), output_size
        if h < height or w < width:
            raise ValueError(
                f"RandomCrop: the window {(height, width)} is larger than the image {(h, w)}; "
                "use pad_if_needed=True, or Resize first"
            )
        return int(rng().integers(h - height + 1)), int(rng().integers(w - width + 1)), height, width

    def forward(self, img: Picture) -> Picture:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            _, h, w = F.get_dimensions(img)
            missing = [max(self.size[1] - w, 0), max(self.size[0] - h, 0)]
            if any(missing):
                img = F.pad(img, missing, self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))


class RandomResizedCrop(Layer):
    """A window of random area and proportion, resized to `size`: Szegedy et al. (2014), Going deeper with convolutions.

    The area is a part of the image's between the two of `scale`, width / height is between the two of `ratio`.

    >>> import tinygrad_cnn as tg
    >>> RandomResizedCrop(24)(tg.zeros(3, 32, 48)).shape
    (3, 24, 24)
    """

    def __init__(
        self,
        size: Window,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        antialias: bool = True,
    ):
        super().__init__()
        for name, bounds in (("scale", scale), ("ratio", ratio)):
            if not isinstance(bounds, Sequence):
                raise TypeError(f"RandomResizedCrop: {name} should be (least, most), got {type(bounds).__name__}")
            if len(bounds) != 2 or not 0 < bounds[0] <= bounds[1]:
                raise ValueError(f"RandomResizedCrop: {name} should be (least, most), both positive, got {bounds}")
        self.size = F.pair(size, "RandomResizedCrop: size")
        self.scale = scale
        self.ratio = ratio
        self.interpolation = F.mode_of(interpolation)
        self.antialias = antialias

    def shown(self) -> dict[str, Any]:
        return {k: tuple(round(b, 4) for b in v) if k in ("scale", "ratio") else v for k, v in super().shown().items()}

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """top, left, height, width"""
        _, h, w = F.get_dimensions(img)
        for _ in range(10):
            area = h * w * rng().uniform(scale[0], scale[1])
            proportion = math.exp(rng().uniform(math.log(ratio[0]), math.log(ratio[1])))
            width, height = round(math.sqrt(area * proportion)), round(math.sqrt(area / proportion))
            if 0 < width <= w and 0 < height <= h:
                return int(rng().integers(h - height + 1)), int(rng().integers(w - width + 1)), height, width
        # No window fits: the largest in the middle whose proportion is allowed.
        width, height = min(w, round(h * ratio[1])), min(h, round(w / ratio[0]))
        return (h - height) // 2, (w - width) // 2, height, width

    def forward(self, img: Picture) -> Picture:
        window = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *window, self.size, self.interpolation, self.antialias)


class RandomHorizontalFlip(Layer):
    """Left becomes right with probability p.

    >>> import tinygrad_cnn as tg
    >>> RandomHorizontalFlip(p=1.0)(tg.tensor([[[1, 2, 3]]])).tolist()
    [[[3, 2, 1]]]
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = p

    def forward(self, img: Picture) -> Picture:
        return F.hflip(img) if rng().random() < self.p else img


class RandomVerticalFlip(Layer):
    """Top becomes bottom with probability p.

    >>> import tinygrad_cnn as tg
    >>> RandomVerticalFlip(p=1.0)(tg.tensor([[[1], [2]]])).tolist()
    [[[2], [1]]]
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = p

    def forward(self, img: Picture) -> Picture:
        return F.vflip(img) if rng().random() < self.p else img


class RandomRotation(Layer):
    """By an angle between -degrees and degrees, or between the two of `degrees`; see `functional.rotate`.

    ValueError for one number that is negative, or more than two.

    >>> import tinygrad_cnn as tg
    >>> RandomRotation((90, 90))(tg.tensor([[[1, 2], [3, 4]]])).tolist()
    [[[2, 4], [1, 3]]]
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: float | Sequence[float] = 0,
    ):
        super().__init__()
        if not isinstance(center, Sequence | None):
            raise TypeError(f"RandomRotation: center should be a sequence of two numbers, got {center!r}")
        if center is not None and len(center) != 2:
            raise ValueError(f"RandomRotation: center should be two numbers, got {center}")
        if not isinstance(fill, numbers.Number | Sequence | None):
            raise TypeError(f"RandomRotation: fill should be a number or a sequence, got {type(fill).__name__}")
        self.degrees = _angles("RandomRotation: degrees", degrees, (2,))
        self.interpolation = F.mode_of(interpolation)
        self.expand = expand
        self.center = center
        self.fill = 0 if fill is None else fill

    def shown(self) -> dict[str, Any]:
        return {k: v for k, v in super().shown().items() if v is not None}

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """The angle."""
        return float(rng().uniform(degrees[0], degrees[1]))

    def forward(self, img: Picture) -> Picture:
        angle = self.get_params(self.degrees)
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, self.fill)


class RandomAffine(Layer):
    """Turned, moved, scaled and sheared at random; see `functional.affine`.

    degrees: as of RandomRotation. translate: the most, as parts of width and height. scale: (least, most). shear: one
    number or (least, most) along x; four for x and y. ValueError for other numbers.

    >>> import tinygrad_cnn as tg
    >>> RandomAffine(10, translate=(0.1, 0.1))(tg.zeros(1, 28, 28)).shape
    (1, 28, 28)
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: float | Sequence[float] | None = 0,
        center: Sequence[float] | None = None,
    ):
        super().__init__()
        for name, given in (("translate", translate), ("scale", scale), ("center", center)):
            if not isinstance(given, Sequence | None):
                raise TypeError(f"RandomAffine: {name} should be two numbers, got {given!r}")
            if given is not None and len(given) != 2:
                raise ValueError(f"RandomAffine: {name} should have two numbers, got {given}")
        if translate is not None and not all(0 <= t <= 1 for t in translate):
            raise ValueError(f"RandomAffine: translate should be parts of the image, between 0 and 1, got {translate}")
        if scale is not None and min(scale) <= 0:
            raise ValueError(f"RandomAffine: scale should be positive, got {scale}")
        if not isinstance(fill, Sequence | numbers.Number | None):
            raise TypeError(f"RandomAffine: fill should be a number or one a channel, got {fill!r}")
        self.degrees = _angles("RandomAffine: degrees", degrees, (2,))
        self.translate = translate
        self.scale = scale
        self.shear = None if shear is None else _angles("RandomAffine: shear", shear, (2, 4))
        self.interpolation = F.mode_of(interpolation)
        self.fill = 0 if fill is None else fill
        self.center = center

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """The angle, how far right and down, the scale, and the shear along x and y; img_size: (width, height)"""

        def between(bounds: Sequence[float]) -> float:
            return float(rng().uniform(bounds[0], bounds[1]))

        angle = between(degrees)
        right, down = (round(between((-part * size, part * size))) for part, size in zip(translate or (0, 0), img_size))
        scale = between(scale_ranges) if scale_ranges is not None else 1.0
        along_x, along_y = ([*shears, 0, 0][i : i + 2] if shears is not None else (0, 0) for i in (0, 2))
        return angle, (right, down), scale, (between(along_x), between(along_y))

    def forward(self, img: Picture) -> Picture:
        _, h, w = F.get_dimensions(img)
        how = self.get_params(self.degrees, self.translate, self.scale, self.shear, (w, h))
        return F.affine(img, *how, self.interpolation, self.fill, self.center)

    def __repr__(self) -> str:
        plain: dict[str, Any] = {"degrees": True, "translate": None, "scale": None, "shear": None}
        plain |= {"interpolation": InterpolationMode.NEAREST, "fill": 0, "center": None}
        shown = (f"{k}={getattr(self, k)}" for k, usual in plain.items() if getattr(self, k) != usual)
        return f"RandomAffine({', '.join(shown)})"


def _angles(name: str, given: float | Sequence[float], counts: Sequence[int]) -> list[float]:
    """One number d for (-d, d), or as many as there may be. ValueError for others."""
    both: Any = given
    if isinstance(given, numbers.Real):
        if given < 0:
            raise ValueError(f"{name}, one number, must not be negative, got {given}")
        both = (-given, given)
    if not isinstance(both, Sequence):
        raise TypeError(f"{name} should be a number or a sequence, got {given!r}")
    if len(both) not in counts:
        raise ValueError(f"{name} should be one or two numbers{', or four' * (4 in counts)}, got {given}")
    return [float(d) for d in both]


class FiveCrop(Layer):
    """The corners and the middle, as a tuple of five pictures; see `functional.five_crop`.

    >>> import tinygrad_cnn as tg
    >>> len(FiveCrop(2)(tg.zeros(3, 4, 4)))
    5
    """

    def __init__(self, size: Window):
        super().__init__()
        self.size = F.pair(size, "FiveCrop: size")

    def forward(self, img: Picture) -> tuple[Picture, ...]:
        return F.five_crop(img, self.size)


class TenCrop(Layer):
    """The corners and the middle, and those of the image turned over; see `functional.ten_crop`.

    >>> import tinygrad_cnn as tg
    >>> len(TenCrop(2)(tg.zeros(3, 4, 4)))
    10
    """

    def __init__(self, size: Window, vertical_flip: bool = False):
        super().__init__()
        self.size = F.pair(size, "TenCrop: size")
        self.vertical_flip = vertical_flip

    def forward(self, img: Picture) -> tuple[Picture, ...]:
        return F.ten_crop(img, self.size, self.vertical_flip)


class RandomErasing(Layer):
    """With probability p, a window of a tensor becomes `value`: Zhong et al. (2020), Random erasing data augmentation.

    Its area is a part of the image's between the two of `scale`, its height / width between the two of `ratio`.
    value: a number, one for each channel, or "random" for noise. TypeError and ValueError for others, and for a p
    outside of 0 to 1.

    >>> import tinygrad_cnn as tg
    >>> int((RandomErasing(1.0, scale=(0.25, 0.25), ratio=(1.0, 1.0))(tg.ones(1, 4, 4)) == 0).sum())
    4
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | str | Sequence[float] = 0,
        inplace: bool = False,
    ):
        super().__init__()
        if not isinstance(value, numbers.Number | str | tuple | list):
            raise TypeError(f"RandomErasing: value should be a number, a sequence or 'random', got {value!r}")
        if isinstance(value, str) and value != "random":
            raise ValueError(f"RandomErasing: value as a word can only be 'random', got {value!r}")
        for name, bounds in (("scale", scale), ("ratio", ratio)):
            if not isinstance(bounds, Sequence):
                raise TypeError(f"RandomErasing: {name} should be (least, most), got {bounds!r}")
        if not (scale[0] >= 0 and scale[1] <= 1):
            raise ValueError(f"RandomErasing: scale should be between 0 and 1, got {scale}")
        if not 0 <= p <= 1:
            raise ValueError(f"RandomErasing: p should be between 0 and 1, got {p}")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float], value: Any = None) -> tuple:
        """top, left, height, width, and the numbers to write there: noise for None. The image, where none fits."""
        c, h, w = F.get_dimensions(img)
        for _ in range(10):
            area = h * w * rng().uniform(scale[0], scale[1])
            proportion = math.exp(rng().uniform(math.log(ratio[0]), math.log(ratio[1])))
            height, width = round(math.sqrt(area * proportion)), round(math.sqrt(area / proportion))
            if height < h and width < w:
                v = randn(c, height, width) if value is None else tensor(value, dtype=img.dtype)[:, None, None]
                return int(rng().integers(h - height + 1)), int(rng().integers(w - width + 1)), height, width, v
        return 0, 0, h, w, img

    def forward(self, img: Any) -> Any:
        if rng().random() >= self.p:
            return img
        if self.value == "random":
            value: Any = None
        else:
            value = list(self.value) if isinstance(self.value, tuple | list) else [self.value]
            if len(value) not in (1, img.shape[-3]):
                raise ValueError(
                    f"RandomErasing: value should have one number, or one for each of {img.shape[-3]} channels: {value}"
                )
        i, j, h, w, v = self.get_params(img, self.scale, self.ratio, value)
        return F.erase(img, i, j, h, w, v, self.inplace)
