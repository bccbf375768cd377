"""EfficientNet (Tan and Le 2019) and EfficientNetV2 (Tan and Le 2021): mobile blocks, in tables found by search.

B1 to B7 are B0 made wider and deeper. V2 begins with blocks whose two first convolutions are one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ... import flatten, nn
from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ..ops.stochastic_depth import StochasticDepth
from ..weights import _make_divisible
from .trained import takes_weights


@dataclass
class _MBConvConfig:
    """A stage: num_layers blocks, of which the first changes channels and stride."""

    expand_ratio: float
    kernel: int
    stride: int
    input_channels: int
    out_channels: int
    num_layers: int

    @staticmethod
    def adjust_channels(channels: float, width_mult: float, min_value: int | None = None) -> int:
        """The multiple of 8 that is nearest."""
        return _make_divisible(channels * width_mult, 8, min_value)


@dataclass
class MBConvConfig(_MBConvConfig):
    """A stage of MBConv; channels are times width_mult, layers times depth_mult."""

    width_mult: float = 1.0
    depth_mult: float = 1.0
    block: Callable[..., nn.Module] | None = None

    def __post_init__(self) -> None:
        self.input_channels = self.adjust_channels(self.input_channels, self.width_mult)
        self.out_channels = self.adjust_channels(self.out_channels, self.width_mult)
        self.num_layers = self.adjust_depth(self.num_layers, self.depth_mult)
        self.block = self.block or MBConv

    @staticmethod
    def adjust_depth(num_layers: int, depth_mult: float) -> int:
        """Rounded up."""
        return math.ceil(num_layers * depth_mult)


@dataclass
class FusedMBConvConfig(_MBConvConfig):
    """A stage of FusedMBConv."""

    block: Callable[..., nn.Module] | None = None

    def __post_init__(self) -> None:
        self.block = self.block or FusedMBConv


class _Residual(nn.Module):
    """x + block(x), where sizes allow it; left out at random while it learns, row by row."""

    def __init__(self, cnf: _MBConvConfig, stochastic_depth_prob: float, layers: list[nn.Module]):
        super().__init__()
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Any) -> Any:
        out = self.block(input)
        return self.stochastic_depth(out) + input if self.use_res_connect else out


def _checked(cnf: _MBConvConfig, norm_layer: Callable[..., nn.Module]) -> tuple[int, Callable[..., nn.Module]]:
    """The channels inside of a block, and what makes its convolutions."""
    if cnf.stride not in (1, 2):
        raise ValueError(f"MBConv: stride should be 1 or 2, got {cnf.stride}")
    step = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
    return cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio), step


class MBConv(_Residual):
    """1×1 to more channels, k×k each by itself, squeeze and excitation, 1×1 back.

    >>> import tinygrad_cnn as tg
    >>> MBConv(MBConvConfig(4, 3, 1, 8, 8, 1), 0.0, tg.nn.BatchNorm2d)(tg.zeros(1, 8, 5, 5)).shape
    (1, 8, 5, 5)
    """

    def __init__(
        self,
        cnf: MBConvConfig,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module],
        se_layer: Callable[..., nn.Module] = SqueezeExcitation,
    ):
        wide, step = _checked(cnf, norm_layer)
        excite = se_layer(wide, max(1, cnf.input_channels // 4), activation=partial(nn.SiLU, inplace=True))
        layers = [step(cnf.input_channels, wide, 1)] if wide != cnf.input_channels else []
        layers += [step(wide, wide, cnf.kernel, cnf.stride, groups=wide), excite]
        layers.append(step(wide, cnf.out_channels, 1, activation_layer=None))
        super().__init__(cnf, stochastic_depth_prob, layers)


class FusedMBConv(_Residual):
    """k×k to more channels and 1×1 back; one k×k where there are not more.

    >>> import tinygrad_cnn as tg
    >>> FusedMBConv(FusedMBConvConfig(4, 3, 2, 8, 8, 1), 0.0, tg.nn.BatchNorm2d)(tg.zeros(1, 8, 6, 6)).shape
    (1, 8, 3, 3)
    """

    def __init__(self, cnf: FusedMBConvConfig, stochastic_depth_prob: float, norm_layer: Callable[..., nn.Module]):
        wide, step = _checked(cnf, norm_layer)
        if wide == cnf.input_channels:
            layers = [step(cnf.input_channels, cnf.out_channels, cnf.kernel, cnf.stride)]
        else:
            layers = [step(cnf.input_channels, wide, cnf.kernel, cnf.stride)]
            layers.append(step(wide, cnf.out_channels, 1, activation_layer=None))
        super().__init__(cnf, stochastic_depth_prob, layers)


class EfficientNet(nn.Module):
    """A stem, the stages, a 1×1 convolution, global average pooling, dropout, a linear classifier.

    stochastic_depth_prob: of the last block; those before it are left out less. last_channel: by default four times
    the last stage's. ValueError without stages, TypeError where they are not MBConvConfig or FusedMBConvConfig.

    >>> import tinygrad_cnn as tg
    >>> stages = [FusedMBConvConfig(1, 3, 1, 8, 8, 1), MBConvConfig(4, 3, 2, 8, 8, 1)]
    >>> EfficientNet(stages, 0.2, num_classes=10).eval()(tg.zeros(1, 3, 16, 16)).shape
    (1, 10)
    """

    def __init__(
        self,
        inverted_residual_setting: Sequence[MBConvConfig | FusedMBConvConfig],
        dropout: float,
        stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000,
        norm_layer: Callable[..., nn.Module] | None = None,
        last_channel: int | None = None,
    ):
        super().__init__()
        stages = inverted_residual_setting
        if not stages:
            raise ValueError("EfficientNet: inverted_residual_setting should not be empty")
        if not isinstance(stages, Sequence) or not all(isinstance(stage, _MBConvConfig) for stage in stages):
            raise TypeError("EfficientNet: inverted_residual_setting should be a list of MBConvConfig")
        norm = norm_layer or nn.BatchNorm2d
        step = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.SiLU)
        layers: list[nn.Module] = [step(3, stages[0].input_channels, 3, 2)]
        made, total = 0, sum(stage.num_layers for stage in stages)
        for stage in stages:
            block: Any = stage.block
            blocks = []
            for i in range(stage.num_layers):
                later = {"input_channels": stage.out_channels, "stride": 1} if i else {}
                blocks.append(block(_with(stage, **later), stochastic_depth_prob * made / total, norm))
                made += 1
            layers.append(nn.Sequential(*blocks))
        last = stages[-1].out_channels
        width = 4 * last if last_channel is None else last_channel
        self.features = nn.Sequential(*layers, step(last, width, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout, inplace=True), nn.Linear(width, num_classes))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
            elif isinstance(m, nn.Linear):
                bound = 1 / math.sqrt(m.out_features)
                nn.init.uniform_(m.weight, -bound, bound)
            if isinstance(m, nn.Conv2d | nn.Linear) and m.bias is not None:
                nn.init.zeros_(m.bias)

    def forward(self, x: Any) -> Any:
        return self.classifier(flatten(self.avgpool(self.features(x)), 1))


def _with(stage: Any, **changed: int) -> Any:
    """The same stage with other values, which are taken as they are."""
    other = object.__new__(type(stage))
    vars(other).update(vars(stage), **changed)
    return other


# expand_ratio, kernel, stride, channels in and out, layers
B = "1 3 1 32 16 1; 6 3 2 16 24 2; 6 5 2 24 40 2; 6 3 2 40 80 3; 6 5 1 80 112 3; 6 5 2 112 192 4; 6 3 1 192 320 1"
V2 = {  # the first three are fused
    "s": "1 3 1 24 24 2; 4 3 2 24 48 4; 4 3 2 48 64 4; 4 3 2 64 128 6; 6 3 1 128 160 9; 6 3 2 160 256 15",
    "m": "1 3 1 24 24 3; 4 3 2 24 48 5; 4 3 2 48 80 5; 4 3 2 80 160 7; 6 3 1 160 176 14; 6 3 2 176 304 18; "
    "6 3 1 304 512 5",
    "l": "1 3 1 32 32 4; 4 3 2 32 64 7; 4 3 2 64 96 7; 4 3 2 96 192 10; 6 3 1 192 224 19; 6 3 2 224 384 25; "
    "6 3 1 384 640 7",
}  # fmt: skip


def _rows(table: str) -> list[Any]:
    return [[int(word) for word in row.split()] for row in table.split(";")]


def _scaled(width: float, depth: float, dropout: float, kwargs: dict, **norm: Any) -> EfficientNet:
    stage: Any = partial(MBConvConfig, width_mult=width, depth_mult=depth)
    stages = [stage(*row) for row in _rows(B)]
    if norm:
        kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, **norm))
    return EfficientNet(stages, **{"dropout": dropout, **kwargs})


def _second(size: str, dropout: float, kwargs: dict) -> EfficientNet:
    stages = [(FusedMBConvConfig if i < 3 else MBConvConfig)(*row) for i, row in enumerate(_rows(V2[size]))]
    kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=1e-3))
    return EfficientNet(stages, **{"dropout": dropout, "last_channel": 1280, **kwargs})


_SLOW = {"eps": 0.001, "momentum": 0.01}  # TensorFlow's norm, of which B5 to B7 keep the numbers


@takes_weights
def efficientnet_b0(**kwargs: Any) -> EfficientNet:
    """EfficientNet-B0: 5.3 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_b0
    >>> net = efficientnet_b0(num_classes=10)  # doctest: +SKIP
    """
    return _scaled(1.0, 1.0, 0.2, kwargs)


@takes_weights
def efficientnet_b1(**kwargs: Any) -> EfficientNet:
    """EfficientNet-B1: 7.8 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_b1
    >>> net = efficientnet_b1(num_classes=10)  # doctest: +SKIP
    """
    return _scaled(1.0, 1.1, 0.2, kwargs)


@takes_weights
def efficientnet_b2(**kwargs: Any) -> EfficientNet:
    """EfficientNet-B2: 9.1 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_b2
    >>> net = efficientnet_b2(num_classes=10)  # doctest: +SKIP
    """
    return _scaled(1.1, 1.2, 0.3, kwargs)


@takes_weights
def efficientnet_b3(**kwargs: Any) -> EfficientNet:
    """EfficientNet-B3: 12.2 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_b3
    >>> net = efficientnet_b3(num_classes=10)  # doctest: +SKIP
    """
    return _scaled(1.2, 1.4, 0.3, kwargs)


@takes_weights
def efficientnet_b4(**kwargs: Any) -> EfficientNet:
    """EfficientNet-B4: 19.3 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_b4
    >>> net = efficientnet_b4(num_classes=10)  # doctest: +SKIP
    """
    return _scaled(1.4, 1.8, 0.4, kwargs)


@takes_weights
def efficientnet_b5(**kwargs: Any) -> EfficientNet:
    """EfficientNet-B5: 30.4 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_b5
    >>> net = efficientnet_b5(num_classes=10)  # doctest: +SKIP
    """
    return _scaled(1.6, 2.2, 0.4, kwargs, **_SLOW)


@takes_weights
def efficientnet_b6(**kwargs: Any) -> EfficientNet:
    """EfficientNet-B6: 43.0 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_b6
    >>> net = efficientnet_b6(num_classes=10)  # doctest: +SKIP
    """
    return _scaled(1.8, 2.6, 0.5, kwargs, **_SLOW)


@takes_weights
def efficientnet_b7(**kwargs: Any) -> EfficientNet:
    """EfficientNet-B7: 66.3 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_b7
    >>> net = efficientnet_b7(num_classes=10)  # doctest: +SKIP
    """
    return _scaled(2.0, 3.1, 0.5, kwargs, **_SLOW)


@takes_weights
def efficientnet_v2_s(**kwargs: Any) -> EfficientNet:
    """EfficientNetV2-S: 21.5 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_v2_s
    >>> net = efficientnet_v2_s(num_classes=10)  # doctest: +SKIP
    """
    return _second("s", 0.2, kwargs)


@takes_weights
def efficientnet_v2_m(**kwargs: Any) -> EfficientNet:
    """EfficientNetV2-M: 54.1 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_v2_m
    >>> net = efficientnet_v2_m(num_classes=10)  # doctest: +SKIP
    """
    return _second("m", 0.3, kwargs)


@takes_weights
def efficientnet_v2_l(**kwargs: Any) -> EfficientNet:
    """EfficientNetV2-L: 118.5 million parameters at 1000 classes. RuntimeError for weights.

    >>> from tinygrad_cnn.vision.models import efficientnet_v2_l
    >>> net = efficientnet_v2_l(num_classes=10)  # doctest: +SKIP
    """
    return _second("l", 0.4, kwargs)
