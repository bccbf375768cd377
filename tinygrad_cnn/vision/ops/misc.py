"""The blocks that torchvision's networks are made of, with its names, arguments and parameters' names."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ... import nn
from ...engine.tensor import Tensor
from ...surface.creation import ones, zeros

Layer = Callable[..., nn.Module]


class ConvNormActivation(nn.Sequential):
    """Convolution, then norm, then activation; without a norm the convolution has a bias."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any = 3, stride: Any = 1, padding: Any = None,
        groups: int = 1, norm_layer: Layer | None = nn.BatchNorm2d, activation_layer: Layer | None = nn.ReLU,
        dilation: Any = 1, inplace: bool | None = True, bias: bool | None = None, conv_layer: Layer = nn.Conv2d,
    ):  # fmt: skip
        if padding is None:
            padding = _same(kernel_size, dilation)
        layers = [
            conv_layer(
                in_channels, out_channels, kernel_size, stride, padding, dilation=dilation, groups=groups,
                bias=norm_layer is None if bias is None else bias,
            )
        ]  # fmt: skip
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**_inplace(inplace)))
        super().__init__(*layers)
        self.out_channels = out_channels


def _same(kernel_size: Any, dilation: Any) -> Any:
    """The padding that keeps the size where the kernel is odd."""
    if isinstance(kernel_size, int) and isinstance(dilation, int):
        return (kernel_size - 1) // 2 * dilation
    axes = len(kernel_size if isinstance(kernel_size, Sequence) else dilation)
    kernel = kernel_size if isinstance(kernel_size, Sequence) else (kernel_size,) * axes
    dilations = dilation if isinstance(dilation, Sequence) else (dilation,) * axes
    return tuple((k - 1) // 2 * d for k, d in zip(kernel, dilations))


def _inplace(inplace: bool | None) -> dict[str, bool]:
    return {} if inplace is None else {"inplace": inplace}


class Conv2dNormActivation(ConvNormActivation):
    """Convolution, then norm, then activation; without a norm the convolution has a bias.

    padding: what keeps the size, unless it is given. inplace: the activation's; None where it takes none.

    >>> import tinygrad_cnn as tg
    >>> block = Conv2dNormActivation(3, 8, kernel_size=5, stride=2)
    >>> [type(layer).__name__ for layer in block], block(tg.zeros(1, 3, 32, 32)).shape
    (['Conv2d', 'BatchNorm2d', 'ReLU'], (1, 8, 16, 16))
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any = 3, stride: Any = 1, padding: Any = None,
        groups: int = 1, norm_layer: Layer | None = nn.BatchNorm2d, activation_layer: Layer | None = nn.ReLU,
        dilation: Any = 1, inplace: bool | None = True, bias: bool | None = None,
    ):  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, groups, norm_layer, activation_layer, dilation,
            inplace, bias,
        )  # fmt: skip


class SqueezeExcitation(nn.Module):
    """x · σ(fc2(δ(fc1(mean of x over its image)))): (N, C, H, W) -> (N, C, H, W), each channel scaled

    activation: makes δ. scale_activation: makes σ. After Hu et al., "Squeeze-and-Excitation Networks", 2018.

    >>> import tinygrad_cnn as tg
    >>> SqueezeExcitation(8, 2)(tg.ones(1, 8, 4, 4)).shape
    (1, 8, 4, 4)
    """

    def __init__(
        self, input_channels: int, squeeze_channels: int, activation: Layer = nn.ReLU,
        scale_activation: Layer = nn.Sigmoid,
    ):  # fmt: skip
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def _scale(self, input: Tensor) -> Tensor:
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(input)))))

    def forward(self, input: Tensor) -> Tensor:
        return self._scale(input) * input


class MLP(nn.Sequential):
    """Linear, norm, activation and dropout for each size but the last, and then Linear and dropout.

    >>> import tinygrad_cnn as tg
    >>> MLP(4, [8, 2])(tg.ones(3, 4)).shape
    (3, 2)
    """

    def __init__(
        self, in_channels: int, hidden_channels: Sequence[int], norm_layer: Layer | None = None,
        activation_layer: Layer | None = nn.ReLU, inplace: bool | None = None, bias: bool = True, dropout: float = 0.0,
    ):  # fmt: skip
        layers: list[nn.Module] = []
        sizes = [in_channels, *hidden_channels]
        for before, after in itertools.pairwise(sizes[:-1]):
            layers.append(nn.Linear(before, after, bias=bias))
            if norm_layer is not None:
                layers.append(norm_layer(after))
            if activation_layer is not None:
                layers.append(activation_layer(**_inplace(inplace)))
            layers.append(nn.Dropout(dropout, **_inplace(inplace)))
        layers += [nn.Linear(sizes[-2], sizes[-1], bias=bias), nn.Dropout(dropout, **_inplace(inplace))]
        super().__init__(*layers)


class Permute(nn.Module):
    """x.permute(dims), as a module.

    >>> import tinygrad_cnn as tg
    >>> Permute([0, 2, 1])(tg.zeros(1, 2, 3)).shape
    (1, 3, 2)
    """

    def __init__(self, dims: Sequence[int]):
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)


class FrozenBatchNorm2d(nn.Module):
    """(x - running_mean) / √(running_var + eps) · weight + bias, with buffers for all four: nothing learns

    >>> import tinygrad_cnn as tg
    >>> norm = FrozenBatchNorm2d(2, eps=0)
    >>> len(list(norm.parameters())), norm(tg.ones(1, 2, 1, 1)).flatten().tolist()
    (0, [1.0, 1.0])
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        for name, value in {"weight": ones, "bias": zeros, "running_mean": zeros, "running_var": ones}.items():
            self.register_buffer(name, value(num_features))

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *rest: Any) -> None:
        state_dict.pop(f"{prefix}num_batches_tracked", None)  # of the BatchNorm2d that was frozen
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight.reshape(1, -1, 1, 1) * (self.running_var.reshape(1, -1, 1, 1) + self.eps).rsqrt()
        return x * scale + (self.bias.reshape(1, -1, 1, 1) - self.running_mean.reshape(1, -1, 1, 1) * scale)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.weight.shape[0]}, eps={self.eps})"
