"""MobileNetV2 (Sandler, Howard, Zhu, Zhmoginov, Chen 2018, Inverted Residuals and Linear Bottlenecks)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import flatten, nn
from ...nn import functional as F
from ..ops.misc import Conv2dNormActivation
from ..weights import _make_divisible
from .trained import takes_weights


def _block(i: int, o: int, kernel_size: int, stride: int, groups: int, norm: Callable[..., nn.Module]) -> nn.Module:
    return Conv2dNormActivation(i, o, kernel_size, stride, None, groups, norm, nn.ReLU6)


class InvertedResidual(nn.Module):
    """A residual block that is wide inside: 1×1 to expand_ratio times as many channels, 3×3 each by itself, 1×1 back.

    >>> import tinygrad_cnn as tg
    >>> InvertedResidual(4, 4, stride=1, expand_ratio=6)(tg.zeros(1, 4, 5, 5)).shape
    (1, 4, 5, 5)
    """

    def __init__(
        self, inp: int, oup: int, stride: int, expand_ratio: int, norm_layer: Callable[..., nn.Module] | None = None
    ):
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"InvertedResidual: stride should be 1 or 2 instead of {stride}")
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        inside = round(inp * expand_ratio)
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(_block(inp, inside, 1, 1, 1, norm))
        layers.append(_block(inside, inside, 3, stride, inside, norm))
        layers += [nn.Conv2d(inside, oup, 1, bias=False), norm(oup)]
        self.stride = stride
        self.use_res_connect = stride == 1 and inp == oup
        self.conv = nn.Sequential(*layers)
        self.out_channels = oup

    def forward(self, x: Any) -> Any:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """A stem, seventeen inverted residuals, a 1×1 convolution, global average pooling, a linear classifier.

    width_mult: how many times the channels; inverted_residual_setting: rows of expand_ratio, channels, blocks, stride.

    >>> from tinygrad_cnn.vision.models import MobileNetV2
    >>> net = MobileNetV2(num_classes=10)  # doctest: +SKIP
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: list[list[int]] | None = None,
        round_nearest: int = 8,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        dropout: float = 0.2,
    ):
        super().__init__()
        block = InvertedResidual if block is None else block
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        rows = inverted_residual_setting
        if rows is None:
            rows = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2]]
            rows.append([6, 320, 1, 1])
        if not rows or len(rows[0]) != 4:
            raise ValueError(f"MobileNetV2: inverted_residual_setting should have rows of four numbers, got {rows}")
        channels = _make_divisible(32 * width_mult, round_nearest)
        self.last_channel = _make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features: list[nn.Module] = [_block(3, channels, 3, 2, 1, norm)]
        for t, c, n, s in rows:
            wanted = _make_divisible(c * width_mult, round_nearest)
            for i in range(n):
                features.append(block(channels, wanted, 1 if i else s, expand_ratio=t, norm_layer=norm))
                channels = wanted
        features.append(_block(channels, self.last_channel, 1, 1, 1, norm))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(self.last_channel, num_classes))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, 0, 0.01)
                nn.init.zeros_(m.bias)

    def forward(self, x: Any) -> Any:
        return self.classifier(flatten(F.adaptive_avg_pool2d(self.features(x), (1, 1)), 1))


@takes_weights
def mobilenet_v2(**kwargs: Any) -> MobileNetV2:
    """MobileNetV2: 3.5 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import mobilenet_v2
    >>> net = mobilenet_v2(num_classes=10)  # doctest: +SKIP
    """
    return MobileNetV2(**kwargs)
