"""DenseNet (Huang, Liu, van der Maaten, Weinberger 2017, Densely Connected Convolutional Networks)."""

from __future__ import annotations

from typing import Any

from ... import cat, flatten, nn
from ...nn import functional as F
from .trained import takes_weights


class _DenseLayer(nn.Module):
    """growth_rate new channels from all that there are: a 1×1 and a 3×3 convolution, behind batch norm and ReLU."""

    def __init__(self, num_input_features: int, growth_rate: int, bn_size: int, drop_rate: float):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bn_size * growth_rate, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bn_size * growth_rate, growth_rate, kernel_size=3, padding=1, bias=False)
        self.drop_rate = float(drop_rate)

    def forward(self, x: Any) -> Any:
        inside = self.conv1(self.relu1(self.norm1(cat(x, 1) if isinstance(x, list) else x)))
        new = self.conv2(self.relu2(self.norm2(inside)))
        return F.dropout(new, p=self.drop_rate, training=self.training) if self.drop_rate > 0 else new


class _DenseBlock(nn.ModuleDict):
    """Layers each of which reads what all before it made."""

    def __init__(self, num_layers: int, num_input_features: int, bn_size: int, growth_rate: int, drop_rate: float):
        super().__init__()
        for i in range(num_layers):
            layer = _DenseLayer(num_input_features + i * growth_rate, growth_rate, bn_size, drop_rate)
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, x: Any) -> Any:
        features = [x]
        for layer in self.values():
            features.append(layer(features))
        return cat(features, 1)


class _Transition(nn.Sequential):
    """Fewer channels, and a quarter of the pixels."""

    def __init__(self, num_input_features: int, num_output_features: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """A stem, four dense blocks with transitions between, global average pooling, a linear classifier.

    growth_rate: how many channels a layer adds. block_config: how many layers each block has. bn_size: how many times
    growth_rate a layer is wide inside. memory_efficient is taken, and changes nothing.

    >>> from tinygrad_cnn.vision.models import DenseNet
    >>> net = DenseNet(block_config=(2, 2, 2, 2))  # doctest: +SKIP
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: tuple[int, ...] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ):
        super().__init__()
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, num_init_features, 7, stride=2, padding=3, bias=False))
        self.features.add_module("norm0", nn.BatchNorm2d(num_init_features))
        self.features.add_module("relu0", nn.ReLU(inplace=True))
        self.features.add_module("pool0", nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
        channels = num_init_features
        for i, layers in enumerate(block_config, 1):
            self.features.add_module(f"denseblock{i}", _DenseBlock(layers, channels, bn_size, growth_rate, drop_rate))
            channels += layers * growth_rate
            if i < len(block_config):
                self.features.add_module(f"transition{i}", _Transition(channels, channels // 2))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight)
            elif isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)

    def forward(self, x: Any) -> Any:
        out = F.relu(self.features(x), inplace=True)
        return self.classifier(flatten(F.adaptive_avg_pool2d(out, (1, 1)), 1))


@takes_weights
def densenet121(**kwargs: Any) -> DenseNet:
    """DenseNet-121: 8.0 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import densenet121
    >>> net = densenet121(num_classes=10)  # doctest: +SKIP
    """
    return DenseNet(32, (6, 12, 24, 16), 64, **kwargs)


@takes_weights
def densenet161(**kwargs: Any) -> DenseNet:
    """DenseNet-161: 28.7 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import densenet161
    >>> net = densenet161(num_classes=10)  # doctest: +SKIP
    """
    return DenseNet(48, (6, 12, 36, 24), 96, **kwargs)


@takes_weights
def densenet169(**kwargs: Any) -> DenseNet:
    """DenseNet-169: 14.1 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import densenet169
    >>> net = densenet169(num_classes=10)  # doctest: +SKIP
    """
    return DenseNet(32, (6, 12, 32, 32), 64, **kwargs)


@takes_weights
def densenet201(**kwargs: Any) -> DenseNet:
    """DenseNet-201: 20.0 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import densenet201
    >>> net = densenet201(num_classes=10)  # doctest: +SKIP
    """
    return DenseNet(32, (6, 12, 48, 32), 64, **kwargs)
