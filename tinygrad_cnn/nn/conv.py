"""Convolutional layers: a window's weights, and how it slides, kept in a Module.

Weights and biases start uniform within ±1/√fan_in, fan_in = in_channels/groups · |window|, as in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..arrays.types import DType, Window
from ..arrays.windows import covered
from ..engine.tensor import Tensor
from ..surface.creation import empty
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def each(value: Any, count: int) -> tuple:
    """One value for each spatial axis."""
    return tuple(value) if isinstance(value, tuple | list) else (value,) * count


class _Conv(Module):
    """What all convolutions share: the arguments, their checks, the parameters, the repr."""

    _op: Callable[..., Tensor]
    spatial: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Window,
        stride: Window = 1,
        padding: Window | str = 0,
        dilation: Window = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: DType | None = None,
    ):
        super().__init__()
        name = type(self).__name__
        if groups <= 0:
            raise ValueError(f"{name}: groups must be a positive integer, got {groups}")
        if in_channels % groups:
            raise ValueError(f"{name}: in_channels={in_channels} must be divisible by groups={groups}")
        if out_channels % groups:
            raise ValueError(f"{name}: out_channels={out_channels} must be divisible by groups={groups}")
        if padding_mode not in PADDING_MODES:
            raise ValueError(f"{name}: padding_mode must be one of {PADDING_MODES}, got {padding_mode!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = each(kernel_size, self.spatial)
        self.stride = each(stride, self.spatial)
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"{name}: padding must be ints, 'same' or 'valid', got {padding!r}")
            if padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError(
                    f"{name}: padding='same' is not supported for strided convolutions, got stride={stride}"
                )
            self.padding: Any = padding
        else:
            self.padding = each(padding, self.spatial)
        self.dilation = each(dilation, self.spatial)
        self.output_padding = (0,) * self.spatial
        self.groups = groups
        self.padding_mode = padding_mode
        channels = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty(*channels, *self.kernel_size, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = math.prod(self.weight.shape[1:])
            bound = 1 / math.sqrt(fan_in) if fan_in else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        none = (0,) * self.spatial
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != none:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self.spatial:
            text += f", dilation={self.dilation}"
        if self.output_padding != none:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What the layer does, with another weight and bias than its own: subclasses call it with what they compute."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._reversed_padding_repeated_twice, self.padding_mode), 0
        return self._op(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    @property
    def _reversed_padding_repeated_twice(self) -> list[int]:
        """The padding as `pad` takes it: before and behind each axis, from the last one to the first."""
        widths: list[int] = []
        for axis in reversed(range(self.spatial)):  # pad() counts axes from the last one
            if self.padding == "same":
                total = self.dilation[axis] * (self.kernel_size[axis] - 1)
                widths += [total // 2, total - total // 2]
            else:
                widths += [0, 0] if self.padding == "valid" else [self.padding[axis]] * 2
        return widths


class Conv1d(_Conv):
    """conv1d with a weight and a bias of its own        (N, in_channels, L) -> (N, out_channels, P)

    The arguments are those of conv1d; padding_mode: "zeros", "reflect", "replicate" or "circular".

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Conv1d(1, 8, 3, padding=1)(tg.zeros(4, 1, 10)).shape
    (4, 8, 10)
    """

    _op = staticmethod(F.conv1d)
    spatial = 1


class Conv2d(_Conv):
    """conv2d with a weight and a bias of its own        (N, in_channels, H, W) -> (N, out_channels, P, Q)

    The arguments are those of conv2d; padding_mode: "zeros", "reflect", "replicate" or "circular".

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.Conv2d(1, 8, kernel_size=3, padding=1)
    >>> layer
    Conv2d(1, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    >>> layer(tg.zeros(5, 1, 28, 28)).shape
    (5, 8, 28, 28)
    """

    _op = staticmethod(F.conv2d)
    spatial = 2


class Conv3d(_Conv):
    """conv3d with a weight and a bias of its own        (N, in_channels, D, H, W) -> (N, out_channels, P, Q, R)

    The arguments are those of conv3d, and a padding_mode as that of Conv2d.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Conv3d(1, 8, 3, padding=1)(tg.zeros(2, 1, 4, 5, 6)).shape
    (2, 8, 4, 5, 6)
    """

    _op = staticmethod(lambda *args: F.conv3d(*args))  # whose file opens when it is first called
    spatial = 3


class _ConvTranspose(_Conv):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Window,
        stride: Window = 1,
        padding: Window = 0,
        output_padding: Window = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Window = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: DType | None = None,
    ):
        if padding_mode != "zeros":
            raise ValueError(f"{type(self).__name__}: only 'zeros' padding mode is supported, got {padding_mode!r}")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self.output_padding = each(output_padding, self.spatial)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        more = self.output_padding if output_size is None else self._output_padding(input, output_size)
        return self._op(input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation)

    def _output_padding(self, input: Tensor, output_size: Sequence[int]) -> tuple:
        """The output_padding that gives this size."""
        if not isinstance(input, Tensor) or not isinstance(output_size, Sequence):
            raise TypeError(
                f"{type(self).__name__}: expected a Tensor and a sequence of ints, got {type(input).__name__} and "
                f"output_size={output_size!r:.60}"
            )
        n = self.spatial
        if len(output_size) not in (n, input.ndim):
            raise ValueError(
                f"{type(self).__name__}: output_size must have {n} or {input.ndim} elements for an input of shape "
                f"{tuple(input.shape)}, got {tuple(output_size)}"
            )
        wanted = tuple(output_size)[-n:]
        least = [*map(covered, input.shape[-n:], self.kernel_size, self.stride, self.padding, self.dilation)]
        if any(not low <= size < low + s for size, low, s in zip(wanted, least, self.stride)):
            raise ValueError(
                f"{type(self).__name__}: requested an output size of {wanted}, but valid sizes range from {least} to "
                f"{[low + s - 1 for low, s in zip(least, self.stride)]} for an input of {tuple(input.shape[-n:])}"
            )
        return tuple(size - low for size, low in zip(wanted, least))


class ConvTranspose1d(_ConvTranspose):
    """conv_transpose1d with a weight and a bias of its own        (N, in_channels, P) -> (N, out_channels, L)

    The arguments are those of conv_transpose1d; `layer(input, output_size)` chooses output_padding.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ConvTranspose1d(8, 1, 4, stride=2, padding=1)(tg.zeros(4, 8, 5)).shape
    (4, 1, 10)
    """

    _op = staticmethod(F.conv_transpose1d)
    spatial = 1


class ConvTranspose2d(_ConvTranspose):
    """conv_transpose2d with a weight and a bias of its own        (N, in_channels, P, Q) -> (N, out_channels, H, W)

    The arguments are those of conv_transpose2d; `layer(input, output_size)` chooses output_padding.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1)(tg.zeros(1, 16, 7, 7)).shape
    (1, 8, 14, 14)
    """

    _op = staticmethod(F.conv_transpose2d)
    spatial = 2


class ConvTranspose3d(_ConvTranspose):
    """conv_transpose3d with a weight and a bias of its own    (N, in_channels, P, Q, R) -> (N, out_channels, D, H, W)

    The arguments are those of conv_transpose3d; `layer(input, output_size)` chooses output_padding.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ConvTranspose3d(4, 1, 2, stride=2)(tg.zeros(1, 4, 2, 3, 3)).shape
    (1, 1, 4, 6, 6)
    """

    _op = staticmethod(lambda *args: F.conv_transpose3d(*args))  # whose file opens when it is first called
    spatial = 3
