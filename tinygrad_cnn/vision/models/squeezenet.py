"""SqueezeNet (Iandola et al. 2016, AlexNet-level accuracy with 50x fewer parameters)."""

from __future__ import annotations

from typing import Any

from ... import cat, flatten, nn
from .trained import takes_weights


class Fire(nn.Module):
    """Few channels by a 1×1 convolution, then many by a 1×1 and a 3×3 beside each other.

    >>> import tinygrad_cnn as tg
    >>> Fire(8, 2, 4, 4)(tg.zeros(1, 8, 5, 5)).shape
    (1, 8, 5, 5)
    """

    def __init__(self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int):
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Any) -> Any:
        x = self.squeeze_activation(self.squeeze(x))
        small, large = self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))
        return cat([small, large], 1)


# The stem's channels and window, and the Fire modules with the poolings ("M") between them.
FIRES: dict[str, tuple] = {
    "1_0": (96, 7, ["M", 16, 16, 32, "M", 32, 48, 48, 64, "M", 64]),
    "1_1": (64, 3, ["M", 16, 16, "M", 32, 32, "M", 48, 48, 64, 64]),
}


class SqueezeNet(nn.Module):
    """A stem, eight Fire modules, and a 1×1 convolution whose average is the answer.

    >>> from tinygrad_cnn.vision.models import SqueezeNet
    >>> net = SqueezeNet("1_1", num_classes=10)  # doctest: +SKIP
    """

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5):
        super().__init__()
        if version not in FIRES:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        self.num_classes = num_classes
        channels, window, fires = FIRES[version]
        layers: list[nn.Module] = [nn.Conv2d(3, channels, kernel_size=window, stride=2), nn.ReLU(inplace=True)]
        for squeezed in fires:
            if squeezed == "M":
                layers.append(nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True))
            else:
                layers.append(Fire(channels, squeezed, 4 * squeezed, 4 * squeezed))
                channels = 8 * squeezed
        self.features = nn.Sequential(*layers)
        last = nn.Conv2d(512, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout), last, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1))
        )
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                if m is last:
                    nn.init.normal_(m.weight, mean=0.0, std=0.01)
                else:
                    nn.init.kaiming_uniform_(m.weight)
                nn.init.zeros_(m.bias)

    def forward(self, x: Any) -> Any:
        return flatten(self.classifier(self.features(x)), 1)


@takes_weights
def squeezenet1_0(**kwargs: Any) -> SqueezeNet:
    """SqueezeNet 1.0: 1.2 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import squeezenet1_0
    >>> net = squeezenet1_0(num_classes=10)  # doctest: +SKIP
    """
    return SqueezeNet("1_0", **kwargs)


@takes_weights
def squeezenet1_1(**kwargs: Any) -> SqueezeNet:
    """SqueezeNet 1.1: 1.2 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import squeezenet1_1
    >>> net = squeezenet1_1(num_classes=10)  # doctest: +SKIP
    """
    return SqueezeNet("1_1", **kwargs)
