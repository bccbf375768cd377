"""Policies of transforms that augment a data set: which changes are drawn, and how strong they are.

A change has a name and a magnitude; `SPACES` says for each how the magnitudes grow over the bins of a policy, and
whether the sign is drawn as well. AutoAugment's pairs of changes were found by search (Cubuk et al., 2019), RandAugment
draws some of one strength (Cubuk et al., 2020), TrivialAugmentWide one of any strength (Müller and Hutter, 2021).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...random import rng
from . import functional as F
from .base import Layer
from .functional import InterpolationMode, Picture

Fill = float | Sequence[float] | None


class AutoAugmentPolicy(enum.Enum):
    """The data set that a policy was found for.

    >>> AutoAugmentPolicy("svhn")
    <AutoAugmentPolicy.SVHN: 'svhn'>
    """

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


# Pairs of changes, each with its probability and, where it has magnitudes, the bin.
POLICIES = {
    AutoAugmentPolicy.IMAGENET: """
    Posterize 0.4 8 Rotate 0.6 9; Solarize 0.6 5 AutoContrast 0.6; Equalize 0.8 Equalize 0.6; Posterize 0.6 7
    Posterize 0.6 6; Equalize 0.4 Solarize 0.2 4; Equalize 0.4 Rotate 0.8 8; Solarize 0.6 3 Equalize 0.6; Posterize
    0.8 5 Equalize 1; Rotate 0.2 3 Solarize 0.6 8; Equalize 0.6 Posterize 0.4 6; Rotate 0.8 8 Color 0.4 0; Rotate
    0.4 9 Equalize 0.6; Equalize 0 Equalize 0.8; Invert 0.6 Equalize 1; Color 0.6 4 Contrast 1 8; Rotate 0.8 8 Color
    1 2; Color 0.8 8 Solarize 0.8 7; Sharpness 0.4 7 Invert 0.6; ShearX 0.6 5 Equalize 1; Color 0.4 0 Equalize 0.6;
    Equalize 0.4 Solarize 0.2 4; Solarize 0.6 5 AutoContrast 0.6; Invert 0.6 Equalize 1; Color 0.6 4 Contrast 1 8;
    Equalize 0.8 Equalize 0.6
    """,
    AutoAugmentPolicy.CIFAR10: """
    Invert 0.1 Contrast 0.2 6; Rotate 0.7 2 TranslateX 0.3 9; Sharpness 0.8 1 Sharpness 0.9 3; ShearY 0.5 8
    TranslateY 0.7 9; AutoContrast 0.5 Equalize 0.9; ShearY 0.2 7 Posterize 0.3 7; Color 0.4 3 Brightness 0.6 7;
    Sharpness 0.3 9 Brightness 0.7 9; Equalize 0.6 Equalize 0.5; Contrast 0.6 7 Sharpness 0.6 5; Color 0.7 7
    TranslateX 0.5 8; Equalize 0.3 AutoContrast 0.4; TranslateY 0.4 3 Sharpness 0.2 6; Brightness 0.9 6 Color 0.2 8;
    Solarize 0.5 2 Invert 0; Equalize 0.2 AutoContrast 0.6; Equalize 0.2 Equalize 0.6; Color 0.9 9 Equalize 0.6;
    AutoContrast 0.8 Solarize 0.2 8; Brightness 0.1 3 Color 0.7 0; Solarize 0.4 5 AutoContrast 0.9; TranslateY 0.9 9
    TranslateY 0.7 9; AutoContrast 0.9 Solarize 0.8 3; Equalize 0.8 Invert 0.1; TranslateY 0.7 9 AutoContrast 0.9
    """,
    AutoAugmentPolicy.SVHN: """
    ShearX 0.9 4 Invert 0.2; ShearY 0.9 8 Invert 0.7; Equalize 0.6 Solarize 0.6 6; Invert 0.9 Equalize 0.6; Equalize
    0.6 Rotate 0.9 3; ShearX 0.9 4 AutoContrast 0.8; ShearY 0.9 8 Invert 0.4; ShearY 0.9 5 Solarize 0.2 6; Invert
    0.9 AutoContrast 0.8; Equalize 0.6 Rotate 0.9 3; ShearX 0.9 4 Solarize 0.3 3; ShearY 0.8 8 Invert 0.7; Equalize
    0.9 TranslateY 0.6 6; Invert 0.9 Equalize 0.6; Contrast 0.3 3 Rotate 0.8 4; Invert 0.8 TranslateY 0 2; ShearY
    0.7 6 Solarize 0.4 8; Invert 0.6 Rotate 0.8 4; ShearY 0.3 7 TranslateX 0.9 3; ShearX 0.1 6 Invert 0.6; Solarize
    0.7 2 TranslateY 0.6 7; ShearY 0.8 4 Invert 0.8; ShearX 0.7 9 TranslateY 0.8 3; ShearY 0.8 5 AutoContrast 0.7;
    ShearX 0.7 2 Invert 0.1
    """,
}


def _sheared(img: Any, right: float, down: float, interpolation: Any, fill: Any) -> Any:
    """About the corner, by so many pixels a pixel."""
    degrees = [math.degrees(math.atan(m)) for m in (right, down)]
    return F.affine(img, 0.0, (0, 0), 1.0, degrees, interpolation, fill, (0, 0))


# What each change does to a picture, by a magnitude; `how` are the interpolation and the fill.
CHANGES: dict[str, Callable[[Any, float, tuple], Any]] = {
    "Identity": lambda img, m, how: img,
    "ShearX": lambda img, m, how: _sheared(img, m, 0.0, *how),
    "ShearY": lambda img, m, how: _sheared(img, 0.0, m, *how),
    "TranslateX": lambda img, m, how: F.affine(img, 0.0, (int(m), 0), 1.0, 0.0, *how),
    "TranslateY": lambda img, m, how: F.affine(img, 0.0, (0, int(m)), 1.0, 0.0, *how),
    "Rotate": lambda img, m, how: F.rotate(img, m, how[0], fill=how[1]),
    "Brightness": lambda img, m, how: F.adjust_brightness(img, 1 + m),
    "Color": lambda img, m, how: F.adjust_saturation(img, 1 + m),
    "Contrast": lambda img, m, how: F.adjust_contrast(img, 1 + m),
    "Sharpness": lambda img, m, how: F.adjust_sharpness(img, 1 + m),
    "Posterize": lambda img, m, how: F.posterize(img, int(m)),
    "Solarize": lambda img, m, how: F.solarize(img, m),
    "AutoContrast": lambda img, m, how: F.autocontrast(img),
    "Equalize": lambda img, m, how: F.equalize(img),
    "Invert": lambda img, m, how: F.invert(img),
}
SIGNED = "ShearX ShearY TranslateX TranslateY Rotate Brightness Color Contrast Sharpness".split()


def _space(bins: int, shear: float, right: float, down: float, turn: float, colour: float, bits: int) -> dict:
    """The magnitudes of each change from the weakest to the strongest; these are the strongest. None where it has none.

    >>> _space(3, 0.3, 8, 4, 30, 0.9, 4)["Posterize"].tolist()
    [8.0, 6.0, 4.0]
    """
    most = [shear, shear, right, down, turn, *[colour] * 4]
    space: dict[str, np.ndarray | None] = {"Identity": None}
    space |= {name: np.linspace(0, m, bins) for name, m in zip(SIGNED, most)}
    space["Posterize"] = 8 - np.round(np.arange(bins) / ((bins - 1) / bits))
    space["Solarize"] = np.linspace(255, 0, bins)
    return {**space, "AutoContrast": None, "Equalize": None, "Invert": None}


def _limited(img: Any, bins: int) -> dict:
    """The space of AutoAugment and RandAugment, whose shifts are parts of the picture."""
    _, h, w = F.get_dimensions(img)
    return _space(bins, 0.3, 150 / 331 * w, 150 / 331 * h, 30, 0.9, 4)


class _Augment(Layer):
    """A policy: it draws changes, and does them one after the other."""

    interpolation: InterpolationMode
    fill: Fill

    def drawn(self, img: Any) -> list[tuple[str, float]]:
        """The names of changes, each with its magnitude."""
        raise NotImplementedError

    def forward(self, img: Picture) -> Picture:
        for name, magnitude in self.drawn(img):
            if name in SIGNED and rng().random() < 0.5:
                magnitude = -magnitude
            img = CHANGES[name](img, magnitude, (self.interpolation, self.fill))
        return img

    def __repr__(self) -> str:
        kept = {k: v for k, v in vars(self).items() if k[0] != "_" and k not in self.hidden}
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in kept.items())})"


class AutoAugment(_Augment):
    """One of 25 pairs of changes, each done with its own probability, which suit this data set.

    Images of bytes, or PIL images: TypeError for others, from the changes that take no others.

    >>> AutoAugment(AutoAugmentPolicy.CIFAR10)
    AutoAugment(policy=AutoAugmentPolicy.CIFAR10, fill=None)
    """

    hidden = ("training", "interpolation", "policies")

    def __init__(
        self,
        policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Fill = None,
    ):
        super().__init__()
        if policy not in POLICIES:
            raise ValueError(f"AutoAugment: policy should be one of {[str(p) for p in POLICIES]}, got {policy!r}")
        self.policy = policy
        self.interpolation = interpolation
        self.fill = fill
        self.policies = [_pair(words.split()) for words in POLICIES[policy].split(";")]

    def drawn(self, img: Any) -> list[tuple[str, float]]:
        space = _limited(img, 10)
        pair = self.policies[int(rng().integers(len(self.policies)))]
        return [(name, 0.0 if m is None else float(space[name][m])) for name, p, m in pair if rng().random() <= p]


def _pair(words: list[str]) -> tuple[tuple[str, float, int | None], ...]:
    """
    >>> _pair("Invert 0.1 Contrast 0.2 6".split())
    (('Invert', 0.1, None), ('Contrast', 0.2, 6))
    """
    starts = [i for i, word in enumerate(words) if word.isalpha()]
    parts = (words[i:j] for i, j in zip(starts, [*starts[1:], None]))
    return tuple((name, float(p), int(m[0]) if m else None) for name, p, *m in parts)


class RandAugment(_Augment):
    """`num_ops` changes, all of the same strength: bin `magnitude` of num_magnitude_bins.

    >>> import tinygrad_cnn as tg
    >>> RandAugment(num_ops=1, magnitude=0)(tg.zeros(3, 8, 8, dtype=tg.uint8)).shape
    (3, 8, 8)
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Fill = None,
    ):
        super().__init__()
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation = interpolation
        self.fill = fill

    def drawn(self, img: Any) -> list[tuple[str, float]]:
        space = _limited(img, self.num_magnitude_bins)
        del space["Invert"]
        names = [list(space)[int(rng().integers(len(space)))] for _ in range(self.num_ops)]
        return [(n, 0.0 if space[n] is None else float(space[n][self.magnitude])) for n in names]


class TrivialAugmentWide(_Augment):
    """One change, of any strength.

    >>> import tinygrad_cnn as tg
    >>> TrivialAugmentWide()(tg.zeros(3, 8, 8, dtype=tg.uint8)).shape
    (3, 8, 8)
    """

    def __init__(
        self,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Fill = None,
    ):
        super().__init__()
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation = interpolation
        self.fill = fill

    def drawn(self, img: Any) -> list[tuple[str, float]]:
        space = _space(self.num_magnitude_bins, 0.99, 32, 32, 135, 0.99, 6)
        del space["Invert"]
        name = list(space)[int(rng().integers(len(space)))]
        return [(name, 0.0 if space[name] is None else float(rng().choice(space[name])))]
