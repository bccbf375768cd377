"""The networks that are timed, each described once, as a list of layers.

A workload is a network, the shape of its images, and a batch. Weights and images are the same numbers in all
libraries, so losses must be equal, and that is looked at before a time is believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .layers import (
    GPT,
    Activation,
    BatchNorm,
    Conv,
    Depthwise,
    Dropout,
    Layer,
    Linear,
    MaxPool,
    Mean,
    Reader,
    Residual,
    parameters,
)

NORM, MEAN, HALVED = BatchNorm(), Mean(), MaxPool(2, 2)
RELU, TANH, SIGMOID, GELU = (Activation(name) for name in ("relu", "tanh", "sigmoid", "gelu"))


def victorzhou(classes: int) -> list[Layer]:
    """The smallest network that reads digits."""
    return [Conv(8, 3), HALVED, Linear(classes)]


def mlp(classes: int) -> list[Layer]:
    """No convolution at all."""
    return [Linear(256), RELU, Linear(classes)]


def lenet(classes: int) -> list[Layer]:
    """LeNet-5, with ReLU and max-pooling."""
    features: list[Layer] = [Conv(6, 5, padding=2), RELU, HALVED, Conv(16, 5), RELU, HALVED]
    return [*features, Linear(120), RELU, Linear(84), RELU, Linear(classes)]


def keras_mnist(classes: int) -> list[Layer]:
    """The network of Keras' MNIST example, with its dropout."""
    features: list[Layer] = [Conv(32, 3), RELU, Conv(64, 3), RELU, HALVED, Dropout(0.25)]
    return [*features, Linear(128), RELU, Dropout(0.5), Linear(classes)]


def cs231n(classes: int) -> list[Layer]:
    """The three-layer network of Stanford's course, with its filters of 7×7."""
    return [Conv(32, 7, padding=3), RELU, HALVED, Linear(500), RELU, Linear(classes)]


def normed(channels: int, stride: int = 1, padding: int = 1, window: int = 3, bias: bool = True) -> list[Layer]:
    """Convolution, batch norm, ReLU."""
    return [Conv(channels, window, stride, padding, bias), NORM, RELU]


def hermosayhl(classes: int) -> list[Layer]:
    """Four strided convolutions with batch norm, and one matrix."""
    strided = [layer for channels in (32, 64, 128) for layer in normed(channels, stride=2, padding=0)]
    return [*normed(16, stride=2, padding=0), HALVED, *strided, Linear(classes)]


def vgg(classes: int, deep: bool = False) -> list[Layer]:
    """Three layers of VGG's kind, with batch norm, or six."""
    more = [*normed(128), HALVED, *normed(256), *normed(256)] if deep else []
    return [*normed(64), *normed(64), HALVED, *normed(128), *more, HALVED, Linear(classes)]


def strided(classes: int) -> list[Layer]:
    """Strides in place of pooling (Springenberg, Dosovitskiy, Brox, Riedmiller 2015)."""
    layers: list[Layer] = [Conv(32, 3, padding=1), RELU]
    for channels in (64, 96, 128):
        layers += [Conv(channels, 3, stride=2, padding=1), RELU]
    return [*layers, MEAN, Linear(classes)]


def separable(classes: int) -> list[Layer]:
    """Depthwise-separable blocks (Howard et al. 2017, MobileNets)."""

    layers = normed(32, stride=2, bias=False)
    for channels, stride in ((64, 1), (128, 2), (128, 1), (256, 2)):
        layers += [Depthwise(3, stride), NORM, RELU, *normed(channels, padding=0, window=1, bias=False)]
    return [*layers, MEAN, Linear(classes)]


def smooth(classes: int) -> list[Layer]:
    """Tanh, GELU and sigmoid in place of ReLU."""
    features: list[Layer] = [Conv(16, 5, padding=2), TANH, HALVED, Conv(32, 5, padding=2), GELU, HALVED]
    return [*features, Linear(128), SIGMOID, Linear(classes)]


def narrow(classes: int) -> list[Layer]:
    """Twenty small convolutions one behind the other."""
    convolutions: list[Layer] = [Conv(16, 3, padding=1), RELU] * 20
    return [*convolutions, MEAN, Linear(classes)]


def bridged(channels: int, stride: int = 1) -> Residual:
    """He et al.'s basic block; its shortcut is a convolution of 1×1 where it halves the image."""
    shortcut: list[Layer] = [Conv(channels, 1, stride, bias=False), NORM] if stride > 1 else []
    return Residual([*normed(channels, stride, bias=False), *normed(channels, bias=False)[:-1]], shortcut)


def residual(classes: int) -> list[Layer]:
    """A small residual network for small images (He, Zhang, Ren, Sun 2016)."""
    return [*normed(32, bias=False), bridged(32), bridged(64, stride=2), bridged(128, stride=2), MEAN, Linear(classes)]


def resnet18(classes: int) -> list[Layer]:
    """ResNet-18 as its paper has it."""
    stages = [bridged(channels, n) for channels, stride in ((64, 1), (128, 2), (256, 2), (512, 2)) for n in (stride, 1)]
    stem = normed(64, stride=2, padding=3, window=7, bias=False)
    return [*stem, MaxPool(3, 2, padding=1), *stages, MEAN, Linear(classes)]


def gpt(classes: int) -> list[Layer]:
    """A small GPT: four layers of 128 numbers a token, four heads (Radford et al. 2018)."""
    return [GPT(128, 4, 4, classes)]


def lstm(classes: int) -> list[Layer]:
    """An LSTM that writes character by character (Graves 2013), with a state of 128 numbers."""
    return [Reader("LSTM", 128, classes)]


def gru(classes: int) -> list[Layer]:
    """The same with a GRU (Cho et al. 2014)."""
    return [Reader("GRU", 128, classes)]


def blocks(classes: int, channels: int, depth: int) -> list[Layer]:
    """So many times convolution, batch norm and ReLU at full size, then the mean of each channel."""
    return [*normed(channels, bias=False) * depth, MEAN, Linear(classes)]


NETWORKS: dict[str, Callable[..., list[Layer]]] = {
    f.__name__: f
    for f in (
        *(victorzhou, mlp, lenet, keras_mnist, cs231n, hermosayhl, vgg),
        *(strided, separable, smooth, narrow, residual),
        *(resnet18, gpt, lstm, gru, blocks),
    )
}


@dataclass(frozen=True)
class Workload:
    network: str
    batch: int
    image: tuple[int, ...]  # (C, H, W), or (T,) for a text of so many tokens
    classes: int = 10
    sizes: dict[str, Any] = field(default_factory=dict)  # for a network that comes in several

    def described(self) -> dict:
        """As plain data, for the way to a worker."""
        return asdict(self)

    def layers(self) -> list[Layer]:
        return NETWORKS[self.network](self.classes, **self.sizes)

    def weights(self, draw: Callable, rng: np.random.Generator) -> list[np.ndarray]:
        """All parameters, in PyTorch's order and layout."""
        return [array for shapes in parameters(self.layers(), self.image) for array in draw(shapes, rng)]

    def images(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(N,C,H,W) random numbers, and N random labels; or (N,T) random tokens, and a label for each."""
        if len(self.image) == 1:
            tokens = rng.integers(0, self.classes, (2, self.batch, *self.image))
            return tokens[0], tokens[1].reshape(-1)
        images = rng.standard_normal((self.batch, *self.image), dtype=np.float32)
        return images, rng.integers(0, self.classes, self.batch)


def named(*workloads: Workload) -> dict[str, Workload]:
    return {f"{w.network}_b{w.batch}": w for w in workloads}


THIRTEEN = named(
    Workload("victorzhou", 1, (1, 28, 28)),
    Workload("victorzhou", 64, (1, 28, 28)),
    Workload("mlp", 64, (1, 28, 28)),
    Workload("lenet", 64, (1, 28, 28)),
    Workload("keras_mnist", 128, (1, 28, 28)),
    Workload("cs231n", 50, (3, 32, 32)),
    Workload("hermosayhl", 16, (3, 224, 224), classes=3),
    Workload("vgg", 32, (3, 32, 32)),
    Workload("strided", 32, (3, 32, 32)),
    Workload("separable", 16, (3, 64, 64)),
    Workload("smooth", 64, (1, 28, 28)),
    Workload("narrow", 16, (3, 16, 16)),
    Workload("residual", 32, (3, 32, 32)),
)
RESNETS = named(Workload("resnet18", 8, (3, 64, 64)), Workload("resnet18", 1, (3, 224, 224)))
TEXTS = named(*(Workload(network, 32, (64,), classes=64) for network in ("gpt", "lstm", "gru")))
WORKLOADS = THIRTEEN | RESNETS | TEXTS
ACCURACY = {  # whose gradients are looked at, with fewer images
    w.network: w
    for w in (
        Workload("lenet", 16, (1, 28, 28)),
        Workload("keras_mnist", 16, (1, 28, 28)),
        Workload("cs231n", 16, (3, 32, 32)),
        Workload("hermosayhl", 4, (3, 224, 224), classes=3),
        Workload("vgg", 8, (3, 32, 32), sizes={"deep": True}),
        Workload("resnet18", 8, (3, 64, 64)),
    )
}
BASE = Workload("blocks", 32, (3, 32, 32), sizes={"channels": 32, "depth": 3})  # what `growth` starts from
