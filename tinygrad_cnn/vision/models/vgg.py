"""VGG (Simonyan and Zisserman 2015, Very Deep Convolutional Networks for Large-Scale Image Recognition)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import flatten, nn
from .trained import takes_weights

# How many channels the convolutions have, and where a pooling stands.
cfgs: dict[str, list[int | str]] = {
    "A": [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "B": [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "D": [64, 64, "M", 128, 128, "M", *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"],
    "E": [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
}


class VGG(nn.Module):
    """3×3 convolutions, `features`, and three linear layers with dropout.

    >>> from tinygrad_cnn.vision.models import VGG
    >>> net = VGG(tg.nn.Sequential(), num_classes=10)  # doctest: +SKIP
    """

    def __init__(self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5):
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                    if m.bias is not None:
                        nn.init.zeros_(m.bias)
                elif isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, 0, 0.01)
                    nn.init.zeros_(m.bias)

    def forward(self, x: Any) -> Any:
        return self.classifier(flatten(self.avgpool(self.features(x)), 1))


def make_layers(cfg: Sequence[int | str], batch_norm: bool = False) -> nn.Sequential:
    """A convolution and a ReLU for each number, with a batch norm between or without, a pooling for each "M"."""
    layers: list[nn.Module] = []
    channels = 3
    for wanted in cfg:
        if isinstance(wanted, str):
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        layers.append(nn.Conv2d(channels, wanted, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(wanted))
        layers.append(nn.ReLU(inplace=True))
        channels = wanted
    return nn.Sequential(*layers)


@takes_weights
def vgg11(**kwargs: Any) -> VGG:
    """VGG-11: 132.9 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vgg11
    >>> net = vgg11(num_classes=10)  # doctest: +SKIP
    """
    return VGG(make_layers(cfgs["A"]), **kwargs)


@takes_weights
def vgg11_bn(**kwargs: Any) -> VGG:
    """VGG-11 with batch norm: 132.9 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vgg11_bn
    >>> net = vgg11_bn(num_classes=10)  # doctest: +SKIP
    """
    return VGG(make_layers(cfgs["A"], batch_norm=True), **kwargs)


@takes_weights
def vgg13(**kwargs: Any) -> VGG:
    """VGG-13: 133.0 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vgg13
    >>> net = vgg13(num_classes=10)  # doctest: +SKIP
    """
    return VGG(make_layers(cfgs["B"]), **kwargs)


@takes_weights
def vgg13_bn(**kwargs: Any) -> VGG:
    """VGG-13 with batch norm: 133.0 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vgg13_bn
    >>> net = vgg13_bn(num_classes=10)  # doctest: +SKIP
    """
    return VGG(make_layers(cfgs["B"], batch_norm=True), **kwargs)


@takes_weights
def vgg16(**kwargs: Any) -> VGG:
    """VGG-16: 138.4 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vgg16
    >>> net = vgg16(num_classes=10)  # doctest: +SKIP
    """
    return VGG(make_layers(cfgs["D"]), **kwargs)


@takes_weights
def vgg16_bn(**kwargs: Any) -> VGG:
    """VGG-16 with batch norm: 138.4 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vgg16_bn
    >>> net = vgg16_bn(num_classes=10)  # doctest: +SKIP
    """
    return VGG(make_layers(cfgs["D"], batch_norm=True), **kwargs)


@takes_weights
def vgg19(**kwargs: Any) -> VGG:
    """VGG-19: 143.7 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vgg19
    >>> net = vgg19(num_classes=10)  # doctest: +SKIP
    """
    return VGG(make_layers(cfgs["E"]), **kwargs)


@takes_weights
def vgg19_bn(**kwargs: Any) -> VGG:
    """VGG-19 with batch norm: 143.7 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import vgg19_bn
    >>> net = vgg19_bn(num_classes=10)  # doctest: +SKIP
    """
    return VGG(make_layers(cfgs["E"], batch_norm=True), **kwargs)
