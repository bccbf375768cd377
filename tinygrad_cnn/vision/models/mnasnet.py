"""MNASNet (Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le 2019, MnasNet: Platform-Aware Architecture Search)."""

from __future__ import annotations

from typing import Any

from ... import nn
from ..weights import _make_divisible
from .trained import takes_weights

MOMENTUM = 1 - 0.9997  # of the norms
# Of each stack: channels, window, stride, expansion, blocks.
STACKS = ((24, 3, 2, 3, 3), (40, 5, 2, 3, 3), (80, 5, 2, 6, 3), (96, 3, 1, 6, 2), (192, 5, 2, 6, 4), (320, 3, 1, 6, 1))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, momentum=MOMENTUM)


def _each(channels: int, kernel_size: int, stride: int) -> list[nn.Module]:
    """A convolution of each channel by itself, norm and ReLU."""
    pad = kernel_size // 2
    conv = nn.Conv2d(channels, channels, kernel_size, stride, pad, groups=channels, bias=False)
    return [conv, _norm(channels), nn.ReLU(inplace=True)]


class _InvertedResidual(nn.Module):
    """1×1 to expansion times as many channels, each by itself, 1×1 back; added to the input where shapes allow."""

    def __init__(self, i: int, o: int, kernel_size: int, stride: int, expansion: int):
        super().__init__()
        inside = i * expansion
        self.apply_residual = i == o and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(i, inside, 1, bias=False),
            _norm(inside),
            nn.ReLU(inplace=True),
            *_each(inside, kernel_size, stride),
            nn.Conv2d(inside, o, 1, bias=False),
            _norm(o),
        )

    def forward(self, input: Any) -> Any:
        return self.layers(input) + input if self.apply_residual else self.layers(input)


class MNASNet(nn.Module):
    """A stem, six stacks of inverted residuals, a 1×1 convolution, the mean of each channel, a linear classifier.

    alpha: how many times the channels; ValueError where it is not positive.

    >>> from tinygrad_cnn.vision.models import MNASNet
    >>> net = MNASNet(0.5, num_classes=10)  # doctest: +SKIP
    """

    def __init__(self, alpha: float, num_classes: int = 1000, dropout: float = 0.2):
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"MNASNet: alpha should be greater than 0.0 instead of {alpha}")
        self.alpha = alpha
        self.num_classes = num_classes
        # A number of channels that would be rounded down by more than a tenth is rounded up.
        first, second, *depths = (_make_divisible(c * alpha, 8) for c in (32, 16, *(stack[0] for stack in STACKS)))
        layers: list[nn.Module] = [nn.Conv2d(3, first, 3, 2, 1, bias=False), _norm(first), nn.ReLU(inplace=True)]
        layers += [*_each(first, 3, 1), nn.Conv2d(first, second, 1, bias=False), _norm(second)]
        channels = second
        for depth, (_, window, stride, expansion, blocks) in zip(depths, STACKS):
            stack = [_InvertedResidual(channels, depth, window, stride, expansion)]
            stack += [_InvertedResidual(depth, depth, window, 1, expansion) for _ in range(blocks - 1)]
            layers.append(nn.Sequential(*stack))
            channels = depth
        layers += [nn.Conv2d(channels, 1280, 1, bias=False), _norm(1280), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(1280, num_classes))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.kaiming_uniform_(m.weight, mode="fan_out", nonlinearity="sigmoid")
                nn.init.zeros_(m.bias)

    def forward(self, x: Any) -> Any:
        return self.classifier(self.layers(x).mean([2, 3]))


@takes_weights
def mnasnet0_5(**kwargs: Any) -> MNASNet:
    """MNASNet of half the channels: 2.2 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import mnasnet0_5
    >>> net = mnasnet0_5(num_classes=10)  # doctest: +SKIP
    """
    return MNASNet(0.5, **kwargs)


@takes_weights
def mnasnet0_75(**kwargs: Any) -> MNASNet:
    """MNASNet of three quarters of the channels: 3.2 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import mnasnet0_75
    >>> net = mnasnet0_75(num_classes=10)  # doctest: +SKIP
    """
    return MNASNet(0.75, **kwargs)


@takes_weights
def mnasnet1_0(**kwargs: Any) -> MNASNet:
    """MNASNet: 4.4 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import mnasnet1_0
    >>> net = mnasnet1_0(num_classes=10)  # doctest: +SKIP
    """
    return MNASNet(1.0, **kwargs)


@takes_weights
def mnasnet1_3(**kwargs: Any) -> MNASNet:
    """MNASNet of 1.3 times the channels: 6.3 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import mnasnet1_3
    >>> net = mnasnet1_3(num_classes=10)  # doctest: +SKIP
    """
    return MNASNet(1.3, **kwargs)
