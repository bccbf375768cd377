"""Layers that only move numbers: flattening, padding, resizing, patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arrays.types import Window
from ..engine.tensor import Tensor
from ..ops.shape import flatten, unflatten
from . import functional as F
from .conv import each
from .module import Module


class Flatten(Module):
    """The axes start_dim to end_dim made one        (N, ...) -> (N, all)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Flatten()(tg.zeros(8, 16, 5, 5)).shape
    (8, 400)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Axis dim made several, of these sizes; one of them may be -1

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Unflatten(1, (16, -1, 5))(tg.zeros(8, 400)).shape
    (8, 16, 5, 5)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]):
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(f"Unflatten: dim must be an int, axes have no names here; got {dim!r}")
        if not isinstance(unflattened_size, tuple | list) or not all(isinstance(n, int) for n in unflattened_size):
            raise TypeError(f"Unflatten: unflattened_size must be a tuple of ints, got {unflattened_size!r}")
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class _Pad(Module):
    """padding: an int, or the widths (left, right, top, bottom), the last axis first."""

    mode: str
    spatial: int

    def __init__(self, padding: Window):
        super().__init__()
        self.padding = each(padding, 2 * self.spatial)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Window, value: float):
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """(..., L) with `value` at both ends

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ConstantPad1d((1, 2), 7.0)(tg.zeros(3)).tolist()
    [7.0, 0.0, 0.0, 0.0, 7.0, 7.0]
    """

    spatial = 1


class ConstantPad2d(_ConstantPad):
    """(..., H, W) with `value` on all sides

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ConstantPad2d((1, 0, 0, 1), 7.0)(tg.zeros(2, 2)).tolist()
    [[7.0, 0.0, 0.0], [7.0, 0.0, 0.0], [7.0, 7.0, 7.0]]
    """

    spatial = 2


class ConstantPad3d(_ConstantPad):
    """(..., D, H, W) with `value` on all sides

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ConstantPad3d(1, 7.0)(tg.zeros(1, 2, 3)).shape
    (3, 4, 5)
    """

    spatial = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Window):
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """(..., L) with zeros at both ends

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ZeroPad1d(1)(tg.ones(2)).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    spatial = 1


class ZeroPad2d(_ZeroPad):
    """(..., H, W) with zeros on all sides

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ZeroPad2d((1, 0, 2, 0))(tg.ones(1, 1, 3, 3)).shape
    (1, 1, 5, 4)
    """

    spatial = 2


class ZeroPad3d(_ZeroPad):
    """(..., D, H, W) with zeros on all sides

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ZeroPad3d((0, 0, 1, 1, 2, 2))(tg.ones(1, 1, 1)).shape
    (5, 3, 1)
    """

    spatial = 3


class ReflectionPad1d(_Pad):
    """(N, C, L) continued as in a mirror that stands on the last element

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ReflectionPad1d(2)(tg.arange(4.0).reshape(1, 4)).tolist()
    [[2.0, 1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    """

    mode, spatial = "reflect", 1


class ReflectionPad2d(_Pad):
    """(N, C, H, W) continued as in mirrors that stand on the border

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ReflectionPad2d(1)(tg.arange(4.0).reshape(1, 2, 2)).tolist()
    [[[3.0, 2.0, 3.0, 2.0], [1.0, 0.0, 1.0, 0.0], [3.0, 2.0, 3.0, 2.0], [1.0, 0.0, 1.0, 0.0]]]
    """

    mode, spatial = "reflect", 2


class ReflectionPad3d(_Pad):
    """(N, C, D, H, W) continued as in mirrors on the outermost elements

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ReflectionPad3d(1)(tg.zeros(1, 2, 3, 4)).shape
    (1, 4, 5, 6)
    """

    mode, spatial = "reflect", 3


class ReplicationPad1d(_Pad):
    """(N, C, L) continued by its last element

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ReplicationPad1d(2)(tg.arange(3.0).reshape(1, 3)).tolist()
    [[0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0]]
    """

    mode, spatial = "replicate", 1


class ReplicationPad2d(_Pad):
    """(N, C, H, W) continued by its border

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ReplicationPad2d((1, 0, 0, 1))(tg.arange(4.0).reshape(1, 2, 2)).tolist()
    [[[0.0, 0.0, 1.0], [2.0, 2.0, 3.0], [2.0, 2.0, 3.0]]]
    """

    mode, spatial = "replicate", 2


class ReplicationPad3d(_Pad):
    """(N, C, D, H, W) with its outermost elements repeated

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ReplicationPad3d(1)(tg.zeros(1, 2, 3, 4)).shape
    (1, 4, 5, 6)
    """

    mode, spatial = "replicate", 3


class CircularPad1d(_Pad):
    """(N, C, L) continued from its other end

    >>> import tinygrad_cnn as tg
    >>> tg.nn.CircularPad1d(1)(tg.arange(3.0).reshape(1, 3)).tolist()
    [[2.0, 0.0, 1.0, 2.0, 0.0]]
    """

    mode, spatial = "circular", 1


class CircularPad2d(_Pad):
    """(N, C, H, W) continued from its other side

    >>> import tinygrad_cnn as tg
    >>> tg.nn.CircularPad2d((1, 0, 0, 1))(tg.arange(4.0).reshape(1, 2, 2)).tolist()
    [[[1.0, 0.0, 1.0], [3.0, 2.0, 3.0], [1.0, 0.0, 1.0]]]
    """

    mode, spatial = "circular", 2


class CircularPad3d(_Pad):
    """(N, C, D, H, W) continued as if it began anew

    >>> import tinygrad_cnn as tg
    >>> tg.nn.CircularPad3d(1)(tg.zeros(1, 2, 3, 4)).shape
    (1, 4, 5, 6)
    """

    mode, spatial = "circular", 3


class Upsample(Module):
    """interpolate: pictures in another size        (N,C,H,W) -> (N,C,*size), or H·scale_factor and W·scale_factor

    mode: "nearest", "linear", "bilinear", "bicubic", "area", ... as `interpolate` explains, with align_corners.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Upsample(scale_factor=2)(tg.tensor([[[[1.0, 2.0]]]])).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """

    def __init__(
        self,
        size: Window | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ):
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor: Any = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        by = f"size={self.size!r}" if self.scale_factor is None else f"scale_factor={self.scale_factor!r}"
        return f"{by}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Upsample by repeating numbers

    >>> import tinygrad_cnn as tg
    >>> tg.nn.UpsamplingNearest2d(size=(1, 4))(tg.tensor([[[[1.0, 2.0]]]])).tolist()
    [[[[1.0, 1.0, 2.0, 2.0]]]]
    """

    def __init__(self, size: Window | None = None, scale_factor: float | tuple[float, ...] | None = None):
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Upsample by mode "bilinear" with align_corners=True

    >>> import tinygrad_cnn as tg
    >>> tg.nn.UpsamplingBilinear2d(size=(1, 3))(tg.tensor([[[[1.0, 2.0]]]])).tolist()
    [[[[1.0, 1.5, 2.0]]]]
    """

    def __init__(self, size: Window | None = None, scale_factor: float | tuple[float, ...] | None = None):
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class PixelShuffle(Module):
    """pixel_shuffle: channels become pixels (Shi et al., 2016)        (N, C·r², H, W) -> (N, C, H·r, W·r)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.PixelShuffle(2)(tg.arange(4).reshape(1, 4, 1, 1)).tolist()
    [[[[0, 1], [2, 3]]]]
    """

    def __init__(self, upscale_factor: int):
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """pixel_unshuffle: pixels become channels        (N, C, H·r, W·r) -> (N, C·r², H, W)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.PixelUnshuffle(2)(tg.arange(4).reshape(1, 1, 2, 2)).flatten(1).tolist()
    [[0, 1, 2, 3]]
    """

    def __init__(self, downscale_factor: int):
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """channel_shuffle: channel i·(C/g) + j becomes j·g + i, so that groups see each other (Zhang et al., 2018)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.ChannelShuffle(2)(tg.arange(4).reshape(1, 4, 1, 1)).flatten().tolist()
    [0, 2, 1, 3]
    """

    def __init__(self, groups: int):
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class Unfold(Module):
    """unfold: every window as a column        (N,C,H,W) -> (N, C·h·w, P·Q)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Unfold(2)(tg.arange(6.0).reshape(1, 1, 2, 3)).tolist()
    [[[0.0, 1.0], [1.0, 2.0], [3.0, 4.0], [4.0, 5.0]]]
    """

    def __init__(self, kernel_size: Window, dilation: Window = 1, padding: Window = 0, stride: Window = 1):
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """fold: columns added back into a picture        (N, C·h·w, P·Q) -> (N,C,H,W)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.Fold((2, 3), 2)(tg.ones(1, 4, 2)).tolist()
    [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]
    """

    def __init__(
        self, output_size: Window, kernel_size: Window, dilation: Window = 1, padding: Window = 0, stride: Window = 1
    ):
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
