"""ShuffleNet V2 (Ma, Zhang, Zheng, Sun 2018, Practical Guidelines for Efficient CNN Architecture Design)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import cat, nn
from ...nn import functional as F
from .trained import takes_weights


def _mixed(i: int, o: int) -> list[nn.Module]:
    """1×1, norm, ReLU."""
    return [nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True)]


def _each(channels: int, stride: int) -> list[nn.Module]:
    """3×3 of each channel by itself, and norm."""
    conv = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
    return [conv, nn.BatchNorm2d(channels)]


class InvertedResidual(nn.Module):
    """Two branches of half the channels each, then shuffled: so the next block's halves have seen both.

    With stride 1 the first branch is the first half of the input itself; with 2 both see all of it.

    >>> import tinygrad_cnn as tg
    >>> InvertedResidual(4, 8, 2)(tg.zeros(1, 4, 6, 6)).shape
    (1, 8, 3, 3)
    """

    def __init__(self, inp: int, oup: int, stride: int):
        super().__init__()
        half = oup // 2
        if not 1 <= stride <= 3 or (stride == 1 and inp != half * 2):
            raise ValueError(f"InvertedResidual: stride {stride} does not go with {inp} channels to {oup}")
        self.stride = stride
        self.branch1 = nn.Sequential(*_each(inp, stride), *_mixed(inp, half)) if stride > 1 else nn.Sequential()
        self.branch2 = nn.Sequential(
            *_mixed(inp if stride > 1 else half, half), *_each(half, stride), *_mixed(half, half)
        )

    def forward(self, x: Any) -> Any:
        one, two = x.chunk(2, dim=1) if self.stride == 1 else (self.branch1(x), x)
        return F.channel_shuffle(cat((one, self.branch2(two)), dim=1), 2)


class ShuffleNetV2(nn.Module):
    """A stem, three stages of blocks, a 1×1 convolution, the mean of each channel, a linear classifier.

    stages_repeats: blocks of each stage. stages_out_channels: channels of the stem, the stages, and the end.

    >>> from tinygrad_cnn.vision.models import ShuffleNetV2
    >>> net = ShuffleNetV2([4, 8, 4], [24, 48, 96, 192, 1024], num_classes=10)  # doctest: +SKIP
    """

    def __init__(
        self,
        stages_repeats: list[int],
        stages_out_channels: list[int],
        num_classes: int = 1000,
        inverted_residual: Callable[..., nn.Module] = InvertedResidual,
    ):
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("ShuffleNetV2: expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("ShuffleNetV2: expected stages_out_channels as list of 5 positive ints")
        first, *stages, last = stages_out_channels
        stem = nn.Conv2d(3, first, 3, 2, 1, bias=False)
        self.conv1 = nn.Sequential(stem, nn.BatchNorm2d(first), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        channels = first
        for number, (blocks, out) in enumerate(zip(stages_repeats, stages), 2):
            rest = [inverted_residual(out, out, 1) for _ in range(blocks - 1)]
            self.add_module(f"stage{number}", nn.Sequential(inverted_residual(channels, out, 2), *rest))
            channels = out
        self.conv5 = nn.Sequential(*_mixed(channels, last))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Any) -> Any:
        x = self.stage4(self.stage3(self.stage2(self.maxpool(self.conv1(x)))))
        return self.fc(self.conv5(x).mean([2, 3]))


@takes_weights
def shufflenet_v2_x0_5(**kwargs: Any) -> ShuffleNetV2:
    """ShuffleNet V2 of half the channels: 1.4 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import shufflenet_v2_x0_5
    >>> net = shufflenet_v2_x0_5(num_classes=10)  # doctest: +SKIP
    """
    return ShuffleNetV2([4, 8, 4], [24, 48, 96, 192, 1024], **kwargs)


@takes_weights
def shufflenet_v2_x1_0(**kwargs: Any) -> ShuffleNetV2:
    """ShuffleNet V2: 2.3 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import shufflenet_v2_x1_0
    >>> net = shufflenet_v2_x1_0(num_classes=10)  # doctest: +SKIP
    """
    return ShuffleNetV2([4, 8, 4], [24, 116, 232, 464, 1024], **kwargs)


@takes_weights
def shufflenet_v2_x1_5(**kwargs: Any) -> ShuffleNetV2:
    """ShuffleNet V2 of 1.5 times the channels: 3.5 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import shufflenet_v2_x1_5
    >>> net = shufflenet_v2_x1_5(num_classes=10)  # doctest: +SKIP
    """
    return ShuffleNetV2([4, 8, 4], [24, 176, 352, 704, 1024], **kwargs)


@takes_weights
def shufflenet_v2_x2_0(**kwargs: Any) -> ShuffleNetV2:
    """ShuffleNet V2 of twice the channels: 7.4 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import shufflenet_v2_x2_0
    >>> net = shufflenet_v2_x2_0(num_classes=10)  # doctest: +SKIP
    """
    return ShuffleNetV2([4, 8, 4], [24, 244, 488, 976, 2048], **kwargs)
