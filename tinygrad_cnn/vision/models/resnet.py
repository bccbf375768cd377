"""ResNet (He, Zhang, Ren, Sun 2016, Deep Residual Learning for Image Recognition), and what was made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import flatten, nn
from .trained import takes_weights

NormLayer = Callable[[int], nn.Module]


def conv3x3(i: int, o: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A 3×3 convolution that keeps the size, without a bias: i channels to o.

    >>> conv3x3(3, 8)
    Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
    """
    return nn.Conv2d(i, o, 3, stride=stride, padding=dilation, dilation=dilation, groups=groups, bias=False)


def conv1x1(i: int, o: int, stride: int = 1) -> nn.Conv2d:
    """A 1×1 convolution without a bias, which mixes channels: i to o.

    >>> conv1x1(3, 8)
    Conv2d(3, 8, kernel_size=(1, 1), stride=(1, 1), bias=False)
    """
    return nn.Conv2d(i, o, kernel_size=1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    """out = relu(x' + bn(conv(relu(bn(conv(x)))))), where x' is x, or its 1×1 convolution where shapes change.

    norm_layer: what makes a layer in the place of bn from a number of channels. ValueError for groups or another
    base_width than 64, NotImplementedError for a dilation: only Bottleneck has them.

    >>> import tinygrad_cnn as tg
    >>> BasicBlock(4, 4)(tg.zeros(1, 4, 5, 5)).shape
    (1, 4, 5, 5)
    """

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: NormLayer | None = None,
    ):
        super().__init__()
        if groups != 1 or base_width != 64:
            raise ValueError(f"BasicBlock: groups must be 1 and base_width 64, got {groups} and {base_width}")
        if dilation > 1:
            raise NotImplementedError(f"BasicBlock: dilation must be 1, got {dilation}; take Bottleneck")
        norm = norm_layer or nn.BatchNorm2d
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Any) -> Any:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


class Bottleneck(nn.Module):
    """A residual block of 1×1, 3×3 and 1×1 convolutions, four times as wide outside as inside.

    Inside it has planes · base_width/64 · groups channels, and the 3×3 convolution has the groups (Xie et al. 2017).

    >>> import tinygrad_cnn as tg
    >>> block = Bottleneck(8, 2)
    >>> block(tg.zeros(1, 8, 5, 5)).shape
    (1, 8, 5, 5)
    """

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: NormLayer | None = None,
    ):
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm(planes * self.expansion)
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
    zero_init_residual: each block begins as the identity (Goyal et al. 2017, 5.1).
    groups, width_per_group: of the 3×3 convolutions in a Bottleneck; groups make a ResNeXt, width a Wide ResNet.
    replace_stride_with_dilation: for each of the last three stages, whether it keeps the size, and looks further
    instead; ValueError for another number of them. norm_layer: what makes a layer in the place of BatchNorm2d.

    >>> from tinygrad_cnn.vision.models import BasicBlock, ResNet
    >>> resnet18 = ResNet(BasicBlock, [2, 2, 2, 2])  # doctest: +SKIP
    """

    def __init__(
        self,
        block: type,
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: Sequence[bool] | None = None,
        norm_layer: NormLayer | None = None,
    ):
        super().__init__()
        dilate = replace_stride_with_dilation or (False, False, False)
        if len(dilate) != 3:
            raise ValueError(f"ResNet: replace_stride_with_dilation should be None or have 3 elements, got {dilate}")
        self._norm_layer = norm_layer or nn.BatchNorm2d
        self.inplanes, self.dilation = 64, 1  # of what a next block gets
        self.groups, self.base_width = groups, width_per_group
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2, dilate=dilate[0])
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2, dilate=dilate[1])
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2, dilate=dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)  # type: ignore[attr-defined]
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        if zero_init_residual:
            for m in self.modules():
                last = m.bn3 if isinstance(m, Bottleneck) else m.bn2 if isinstance(m, BasicBlock) else None
                if last is not None and last.weight is not None:
                    nn.init.zeros_(last.weight)

    def _make_layer(self, block: Any, planes: int, blocks: int, stride: int = 1, dilate: bool = False) -> nn.Sequential:
        first_dilation = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        norm, out = self._norm_layer, planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != out:
            downsample = nn.Sequential(conv1x1(self.inplanes, out, stride), norm(out))
        made = [block(self.inplanes, planes, stride, downsample, self.groups, self.base_width, first_dilation, norm)]
        self.inplanes = out
        for _ in range(1, blocks):
            made.append(block(out, planes, 1, None, self.groups, self.base_width, self.dilation, norm))
        return nn.Sequential(*made)

    def _forward_impl(self, x: Any) -> Any:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(flatten(self.avgpool(x), 1))

    def forward(self, x: Any) -> Any:
        return self._forward_impl(x)


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


@takes_weights
def resnext50_32x4d(**kwargs: Any) -> ResNet:
    """ResNeXt-50 with 32 groups of 4 channels (Xie et al. 2017): 25.0 million parameters.

    RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnext50_32x4d
    >>> net = resnext50_32x4d(num_classes=10)  # doctest: +SKIP
    """
    return ResNet(Bottleneck, [3, 4, 6, 3], **{"groups": 32, "width_per_group": 4} | kwargs)


@takes_weights
def resnext101_32x8d(**kwargs: Any) -> ResNet:
    """ResNeXt-101 with 32 groups of 8 channels: 88.8 million parameters.

    RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnext101_32x8d
    >>> net = resnext101_32x8d(num_classes=10)  # doctest: +SKIP
    """
    return ResNet(Bottleneck, [3, 4, 23, 3], **{"groups": 32, "width_per_group": 8} | kwargs)


@takes_weights
def resnext101_64x4d(**kwargs: Any) -> ResNet:
    """ResNeXt-101 with 64 groups of 4 channels: 83.5 million parameters.

    RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import resnext101_64x4d
    >>> net = resnext101_64x4d(num_classes=10)  # doctest: +SKIP
    """
    return ResNet(Bottleneck, [3, 4, 23, 3], **{"groups": 64, "width_per_group": 4} | kwargs)


@takes_weights
def wide_resnet50_2(**kwargs: Any) -> ResNet:
    """ResNet-50, twice as wide inside (Zagoruyko and Komodakis 2016): 68.9 million parameters.

    RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import wide_resnet50_2
    >>> net = wide_resnet50_2(num_classes=10)  # doctest: +SKIP
    """
    return ResNet(Bottleneck, [3, 4, 6, 3], **{"width_per_group": 128} | kwargs)


@takes_weights
def wide_resnet101_2(**kwargs: Any) -> ResNet:
    """ResNet-101, twice as wide inside: 126.9 million parameters.

    RuntimeError for weights, which would have to be downloaded.

    >>> from tinygrad_cnn.vision.models import wide_resnet101_2
    >>> net = wide_resnet101_2(num_classes=10)  # doctest: +SKIP
    """
    return ResNet(Bottleneck, [3, 4, 23, 3], **{"width_per_group": 128} | kwargs)
