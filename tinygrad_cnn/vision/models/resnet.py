"""ResNet (He, Zhang, Ren, Sun 2016, Deep Residual Learning for Image Recognition)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import flatten, nn
from .trained import takes_weights


def conv3x3(i: int, o: int, stride: int = 1) -> nn.Conv2d:
    """A 3×3 convolution that keeps the size, without a bias: i channels to o.

    >>> conv3x3(3, 8)
    Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
    """
    return nn.Conv2d(i, o, kernel_size=3, stride=stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    """out = relu(x' + bn(conv(relu(bn(conv(x)))))), where x' is x, or its 1×1 convolution where shapes change.

    >>> import tinygrad_cnn as tg
    >>> BasicBlock(4, 4)(tg.zeros(1, 4, 5, 5)).shape
    (1, 4, 5, 5)
    """

    expansion = 1

    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None):
        super().__init__()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Any) -> Any:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


class Bottleneck(nn.Module):
    """A residual block of 1×1, 3×3 and 1×1 convolutions, four times as wide outside as inside.

    >>> import tinygrad_cnn as tg
    >>> block = Bottleneck(8, 2)
    >>> block(tg.zeros(1, 8, 5, 5)).shape
    (1, 8, 5, 5)
    """

    expansion = 4

    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = conv3x3(planes, planes, stride)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Any) -> Any:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class ResNet(nn.Module):
    """A stem, four stages of residual blocks, global average pooling, a linear classifier (He et al., 2016).

    block: BasicBlock or Bottleneck. layers: how many of them in each of the four stages.

    >>> from tinygrad_cnn.vision.models import BasicBlock, ResNet
    >>> resnet18 = ResNet(BasicBlock, [2, 2, 2, 2])  # doctest: +SKIP
    """

    def __init__(self, block: type, layers: Sequence[int], num_classes: int = 1000):
        super().__init__()
        self.inplanes = 64
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2)
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2)
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)  # type: ignore[attr-defined]
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def _make_layer(self, block: Any, planes: int, blocks: int, stride: int = 1) -> nn.Sequential:
        downsample = None
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(
                nn.Conv2d(self.inplanes, planes * block.expansion, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(planes * block.expansion),
            )
        first = block(self.inplanes, planes, stride, downsample)
        self.inplanes = planes * block.expansion
        return nn.Sequential(first, *(block(self.inplanes, planes) for _ in range(1, blocks)))

    def forward(self, x: Any) -> Any:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(flatten(self.avgpool(x), 1))


@takes_weights
def resnet18(**kwargs: Any) -> ResNet:
    """ResNet-18: 11.7 million parameters at 1000 classes. RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnet18
    >>> net = resnet18(num_classes=10)  # doctest: +SKIP
    """
    return ResNet(BasicBlock, [2, 2, 2, 2], **kwargs)


@takes_weights
def resnet34(**kwargs: Any) -> ResNet:
    """ResNet-34: 21.8 million parameters at 1000 classes. RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnet34
    >>> net = resnet34(num_classes=10)  # doctest: +SKIP
    """
    return ResNet(BasicBlock, [3, 4, 6, 3], **kwargs)


@takes_weights
def resnet50(**kwargs: Any) -> ResNet:
    """ResNet-50: 25.6 million parameters at 1000 classes. RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnet50
    >>> net = resnet50(num_classes=10)  # doctest: +SKIP
    """
    return ResNet(Bottleneck, [3, 4, 6, 3], **kwargs)


@takes_weights
def resnet101(**kwargs: Any) -> ResNet:
    """ResNet-101: 44.5 million parameters at 1000 classes. RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnet101
    >>> net = resnet101(num_classes=10)  # doctest: +SKIP
    """
    return ResNet(Bottleneck, [3, 4, 23, 3], **kwargs)


@takes_weights
def resnet152(**kwargs: Any) -> ResNet:
    """ResNet-152: 60.2 million parameters at 1000 classes. RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnet152
    >>> net = resnet152(num_classes=10)  # doctest: +SKIP
    """
    return ResNet(Bottleneck, [3, 8, 36, 3], **kwargs)
