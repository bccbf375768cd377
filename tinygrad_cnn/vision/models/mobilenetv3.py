"""MobileNetV3 (Howard et al. 2019, Searching for MobileNetV3): V2's blocks, some with squeeze and excitation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ... import flatten, nn
from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ..weights import _make_divisible
from .trained import takes_weights

_EXCITATION = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)


@dataclass
class InvertedResidualConfig:
    """A row of the paper's tables 1 and 2; activation: "RE" or "HS". All channels are times width_mult."""

    input_channels: int
    kernel: int
    expanded_channels: int
    out_channels: int
    use_se: bool
    activation: str
    stride: int
    dilation: int
    width_mult: float

    def __post_init__(self) -> None:
        for name in ("input_channels", "expanded_channels", "out_channels"):
            setattr(self, name, self.adjust_channels(getattr(self, name), self.width_mult))

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        """The multiple of 8 that is nearest."""
        return _make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """A residual block that is wide inside: 1×1 to more channels, k×k each by itself, excitation, 1×1 back.

    >>> import tinygrad_cnn as tg
    >>> row = InvertedResidualConfig(8, 5, 16, 8, True, "HS", 1, 1, 1.0)
    >>> InvertedResidual(row, tg.nn.BatchNorm2d)(tg.zeros(1, 8, 6, 6)).shape
    (1, 8, 6, 6)
    """

    def __init__(
        self,
        cnf: InvertedResidualConfig,
        norm_layer: Callable[..., nn.Module],
        se_layer: Callable[..., nn.Module] = _EXCITATION,
    ):
        super().__init__()
        if cnf.stride not in (1, 2):
            raise ValueError(f"InvertedResidual: stride should be 1 or 2, got {cnf.stride}")
        wide, activation = cnf.expanded_channels, nn.Hardswish if cnf.activation == "HS" else nn.ReLU
        step = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=activation)
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(step(cnf.input_channels, wide, 1))
        stride = cnf.stride if cnf.dilation == 1 else 1
        layers.append(step(wide, wide, cnf.kernel, stride, groups=wide, dilation=cnf.dilation))
        if cnf.use_se:
            layers.append(se_layer(wide, _make_divisible(wide // 4, 8)))
        layers.append(step(wide, cnf.out_channels, 1, activation_layer=None))
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels

    def forward(self, input: Any) -> Any:
        return input + self.block(input) if self.use_res_connect else self.block(input)


class MobileNetV3(nn.Module):
    """A stem, the blocks of these rows, a 1×1 convolution to six times the channels, pooling, two linear layers.

    ValueError without rows, TypeError where they are not InvertedResidualConfig.

    >>> import tinygrad_cnn as tg
    >>> rows = [InvertedResidualConfig(16, 3, 16, 8, True, "RE", 2, 1, 0.5)]
    >>> MobileNetV3(rows, last_channel=16, num_classes=10).eval()(tg.zeros(1, 3, 16, 16)).shape
    (1, 10)
    """

    def __init__(
        self,
        inverted_residual_setting: Sequence[InvertedResidualConfig],
        last_channel: int,
        num_classes: int = 1000,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        dropout: float = 0.2,
    ):
        super().__init__()
        rows = inverted_residual_setting
        if not rows:
            raise ValueError("MobileNetV3: inverted_residual_setting should not be empty")
        if not isinstance(rows, Sequence) or not all(isinstance(row, InvertedResidualConfig) for row in rows):
            raise TypeError("MobileNetV3: inverted_residual_setting should be a list of InvertedResidualConfig")
        norm = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        step = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.Hardswish)
        last = rows[-1].out_channels
        blocks = [(block or InvertedResidual)(row, norm) for row in rows]
        self.features = nn.Sequential(step(3, rows[0].input_channels, 3, 2), *blocks, step(last, 6 * last, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * last, last_channel),
            nn.Hardswish(inplace=True),
            nn.Dropout(p=dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, 0, 0.01)
            if isinstance(m, nn.Conv2d | nn.Linear) and m.bias is not None:
                nn.init.zeros_(m.bias)

    def forward(self, x: Any) -> Any:
        return self.classifier(flatten(self.avgpool(self.features(x)), 1))


# kernel, expanded, out, excitation, activation, stride; "tail" halves channels and takes the dilation, where asked for.
LARGE = """
    3 16 16 - RE 1;  3 64 24 - RE 2;  3 72 24 - RE 1;  5 72 40 SE RE 2;  5 120 40 SE RE 1;  5 120 40 SE RE 1
    3 240 80 - HS 2;  3 200 80 - HS 1;  3 184 80 - HS 1;  3 184 80 - HS 1;  3 480 112 SE HS 1;  3 672 112 SE HS 1
    5 672 160 SE HS 2 tail;  5 960 160 SE HS 1 tail;  5 960 160 SE HS 1 tail
"""
SMALL = """
    3 16 16 SE RE 2;  3 72 24 - RE 2;  3 88 24 - RE 1;  5 96 40 SE HS 2;  5 240 40 SE HS 1;  5 240 40 SE HS 1
    5 120 48 SE HS 1;  5 144 48 SE HS 1
    5 288 96 SE HS 2 tail;  5 576 96 SE HS 1 tail;  5 576 96 SE HS 1 tail
"""


def _network(
    table: str, last: int, width_mult: float = 1.0, reduced_tail: bool = False, dilated: bool = False, **kwargs: Any
) -> MobileNetV3:
    part, rows, channels = 2 if reduced_tail else 1, [], 16
    for words in table.replace("\n", ";").split(";"):
        if not words.strip():
            continue
        kernel, wide, out, excited, activation, stride, *tail = words.split()
        sizes = int(wide) // (part if tail and stride == "1" else 1), int(out) // (part if tail else 1)
        dilation = 2 if dilated and tail else 1
        args = channels, int(kernel), *sizes, excited == "SE", activation, int(stride), dilation, width_mult
        rows.append(InvertedResidualConfig(*args))
        channels = sizes[1]
    last = InvertedResidualConfig.adjust_channels(last // part, width_mult)
    return MobileNetV3(rows, last, **kwargs)


@takes_weights
def mobilenet_v3_large(**kwargs: Any) -> MobileNetV3:
    """MobileNetV3 Large: 5.5 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import mobilenet_v3_large
    >>> net = mobilenet_v3_large(num_classes=10)  # doctest: +SKIP
    """
    return _network(LARGE, 1280, **kwargs)


@takes_weights
def mobilenet_v3_small(**kwargs: Any) -> MobileNetV3:
    """MobileNetV3 Small: 2.5 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import mobilenet_v3_small
    >>> net = mobilenet_v3_small(num_classes=10)  # doctest: +SKIP
    """
    return _network(SMALL, 1024, **kwargs)
