"""Pooling layers: the arguments of a pooling, kept in a Module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..arrays.types import Window
from ..engine.tensor import Tensor
from . import functional as F
from .conv import each
from .module import Module

Size = int | Sequence[int | None] | None  # of the output; None keeps an axis as it is


class _Pool(Module):
    """A window and how it slides; by itself each window starts where the last one ends."""

    _op: Callable[..., Any]

    def __init__(self, kernel_size: Window, stride: Window | None, padding: Window):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _MaxPool(_Pool):
    def __init__(
        self,
        kernel_size: Window,
        stride: Window | None = None,
        padding: Window = 0,
        dilation: Window = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        super().__init__(kernel_size, stride, padding)
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return self._op(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, dilation={self.dilation}, ceil_mode={self.ceil_mode}"


class MaxPool1d(_MaxPool):
    """max_pool1d: the largest number of every window        (N,C,L) -> (N,C,P)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.MaxPool1d(2)(tg.tensor([[1.0, 5.0, 2.0, 3.0]])).tolist()
    [[5.0, 3.0]]
    """

    _op = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """max_pool2d: the largest number of every window        (N,C,H,W) -> (N,C,P,Q)

    return_indices: also where it was. ceil_mode: windows may end outside.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.MaxPool2d(2)(tg.zeros(1, 8, 28, 28)).shape
    (1, 8, 14, 14)
    """

    _op = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """max_pool3d: the largest number of every window        (N,C,D,H,W) -> (N,C,P,Q,R)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.MaxPool3d(2)(tg.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[[[7.0]]]]
    """

    _op = staticmethod(lambda *args: F.max_pool3d(*args))  # whose file opens when it is first called


class _MaxUnpool(_Pool):
    spatial: int

    def __init__(self, kernel_size: Window, stride: Window | None = None, padding: Window = 0):
        n = self.spatial
        super().__init__(each(kernel_size, n), stride if stride is None else each(stride, n), each(padding, n))

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._op(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpool):
    """max_unpool1d: numbers put back where they were pooled, 0 elsewhere        (N,C,P) and indices -> (N,C,L)

    >>> import tinygrad_cnn as tg
    >>> out, indices = tg.nn.MaxPool1d(2, return_indices=True)(tg.tensor([[1.0, 5.0, 2.0, 3.0]]))
    >>> tg.nn.MaxUnpool1d(2)(out, indices).tolist()
    [[0.0, 5.0, 0.0, 3.0]]
    """

    _op = staticmethod(lambda *args: F.max_unpool1d(*args))
    spatial = 1


class MaxUnpool2d(_MaxUnpool):
    """max_unpool2d: numbers put back where they were pooled, 0 elsewhere        (N,C,P,Q) and indices -> (N,C,H,W)

    >>> import tinygrad_cnn as tg
    >>> out, indices = tg.nn.MaxPool2d(2, return_indices=True)(tg.tensor([[[[1.0, 5.0], [2.0, 3.0]]]]))
    >>> tg.nn.MaxUnpool2d(2)(out, indices).tolist()
    [[[[0.0, 5.0], [0.0, 0.0]]]]
    """

    _op = staticmethod(lambda *args: F.max_unpool2d(*args))
    spatial = 2


class MaxUnpool3d(_MaxUnpool):
    """max_unpool3d: numbers put back where they were pooled, 0 elsewhere        (N,C,P,Q,R) and indices -> (N,C,D,H,W)

    >>> import tinygrad_cnn as tg
    >>> out, indices = tg.nn.MaxPool3d(2, return_indices=True)(tg.arange(8.0).reshape(1, 2, 2, 2))
    >>> tg.nn.MaxUnpool3d(2)(out, indices).flatten().tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 7.0]
    """

    _op = staticmethod(lambda *args: F.max_unpool3d(*args))
    spatial = 3


class AvgPool1d(_Pool):
    """avg_pool1d: the mean of every window        (N,C,L) -> (N,C,P)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.AvgPool1d(2)(tg.tensor([[1.0, 5.0, 2.0, 3.0]])).tolist()
    [[3.0, 2.5]]
    """

    def __init__(
        self,
        kernel_size: Window,
        stride: Window | None = None,
        padding: Window = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        super().__init__(each(kernel_size, 1), stride if stride is None else each(stride, 1), each(padding, 1))
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class _AvgPool(_Pool):
    def __init__(
        self,
        kernel_size: Window,
        stride: Window | None = None,
        padding: Window = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        super().__init__(kernel_size, stride, padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return self._op(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool2d(_AvgPool):
    """avg_pool2d: the mean of every window        (N,C,H,W) -> (N,C,P,Q)

    count_include_pad=False: padding is not counted. divisor_override: what the sum is divided by instead.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.AvgPool2d(2)(tg.tensor([[[1.0, 5.0], [2.0, 4.0]]])).tolist()
    [[[3.0]]]
    """

    _op = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """avg_pool3d: the mean of every window        (N,C,D,H,W) -> (N,C,P,Q,R)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.AvgPool3d(2)(tg.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[[[3.5]]]]
    """

    _op = staticmethod(lambda *args: F.avg_pool3d(*args))  # whose file opens when it is first called


class _LPPool(Module):
    _op: Callable[..., Tensor]

    def __init__(self, norm_type: float, kernel_size: Window, stride: Window | None = None, ceil_mode: bool = False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return self._op(input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """lp_pool1d: (Σ input^norm_type)^(1/norm_type) over every window        (N,C,L) -> (N,C,P)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LPPool1d(2, 2)(tg.tensor([[3.0, 4.0, 0.0, 5.0]])).tolist()
    [[5.0, 5.0]]
    """

    _op = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """lp_pool2d: (Σ input^norm_type)^(1/norm_type) over every window        (N,C,H,W) -> (N,C,P,Q)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LPPool2d(1, 2)(tg.tensor([[[1.0, 5.0], [2.0, 4.0]]])).tolist()
    [[[12.0]]]
    """

    _op = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """lp_pool3d: (Σ input^norm_type)^(1/norm_type) over every window        (N,C,D,H,W) -> (N,C,P,Q,R)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LPPool3d(1, 2)(tg.ones(1, 2, 2, 2)).tolist()
    [[[[8.0]]]]
    """

    _op = staticmethod(lambda *args: F.lp_pool3d(*args))  # whose file opens when it is first called


class _AdaptivePool(Module):
    _op: Callable[..., Any]

    def __init__(self, output_size: Size):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class _AdaptiveAvgPool(_AdaptivePool):
    def forward(self, input: Tensor) -> Tensor:
        return self._op(input, self.output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """adaptive_avg_pool1d: means of output_size windows that cover the input        (N,C,L) -> (N,C,output_size)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.AdaptiveAvgPool1d(2)(tg.tensor([[1.0, 2.0, 3.0, 4.0]])).tolist()
    [[1.5, 3.5]]
    """

    _op = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """adaptive_avg_pool2d: means of output_size windows that cover the input        (N,C,H,W) -> (N,C,*output_size)

    AdaptiveAvgPool2d(1) is the mean of each channel; None in output_size keeps that axis as it is.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.AdaptiveAvgPool2d(1)(tg.ones(2, 8, 7, 5)).shape
    (2, 8, 1, 1)
    """

    _op = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """adaptive_avg_pool3d: means of windows that cover the input        (N,C,D,H,W) -> (N,C,*output_size)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.AdaptiveAvgPool3d(1)(tg.ones(2, 8, 7, 5, 3)).shape
    (2, 8, 1, 1, 1)
    """

    _op = staticmethod(lambda *args: F.adaptive_avg_pool3d(*args))  # whose file opens when it is first called


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Size, return_indices: bool = False):
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return self._op(input, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """adaptive_max_pool1d: the largest of output_size windows that cover the input        (N,C,L) -> (N,C,output_size)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.AdaptiveMaxPool1d(2)(tg.tensor([[1.0, 2.0, 3.0, 4.0]])).tolist()
    [[2.0, 4.0]]
    """

    _op = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """adaptive_max_pool2d: the largest of output_size windows that cover it        (N,C,H,W) -> (N,C,*output_size)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.AdaptiveMaxPool2d((2, 1))(tg.arange(6.0).reshape(1, 2, 3)).tolist()
    [[[2.0], [5.0]]]
    """

    _op = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """adaptive_max_pool3d: the largest of windows that cover it        (N,C,D,H,W) -> (N,C,*output_size)

    >>> import tinygrad_cnn as tg
    >>> tg.nn.AdaptiveMaxPool3d(1)(tg.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[[[7.0]]]]
    """

    _op = staticmethod(lambda *args: F.adaptive_max_pool3d(*args))  # whose file opens when it is first called
