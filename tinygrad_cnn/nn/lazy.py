"""Layers that learn the size of their input from the first batch, and are ordinary layers from then on.

A Lazy layer is made with the other arguments of its twin. Its parameters are uninitialized until it is called; the
first call gives them their shapes, draws them, and makes the module an instance of the twin's class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..arrays.dtypes import int64
from ..arrays.types import DType, Window
from ..autograd.grad_mode import no_grad
from ..engine.tensor import Tensor
from ..surface.creation import tensor
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, _Conv
from .linear import Linear
from .module import Module
from .norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    _WithStatistics,
)
from .parameter import UninitializedBuffer, UninitializedParameter, is_lazy


class LazyModuleMixin:
    """Stands before a Module class whose parameters get their shapes from the first input.

    `__init__` makes them UninitializedParameters; `initialize_parameters(*input)` materializes and fills them, and is
    called with the arguments of the first call. Afterwards the module is a `cls_to_become`, if that is said.

    >>> import tinygrad_cnn as tg
    >>> class Scale(tg.nn.lazy.LazyModuleMixin, tg.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.weight = tg.nn.UninitializedParameter()
    ...     def initialize_parameters(self, x):
    ...         self.weight.materialize(x.shape[-1:])
    ...         tg.nn.init.ones_(self.weight)
    ...     def forward(self, x):
    ...         return x * self.weight
    >>> layer = Scale()
    >>> layer.has_uninitialized_params()
    True
    >>> layer(tg.ones(2, 3)).shape, layer.weight.shape
    ((2, 3), (3,))
    """

    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        hook = self._infer_parameters
        self._initialize_hook = self.register_forward_pre_hook(hook, with_kwargs=True)  # type: ignore[attr-defined]

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give every parameter its shape and its values, by the arguments of the first call."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or a buffer of the module itself has no shape yet."""
        mine = vars(self)
        return any(is_lazy(t) for room in ("_parameters", "_buffers") for t in mine[room].values())

    def _infer_parameters(self, module: Any, args: tuple, kwargs: dict | None = None) -> None:
        with no_grad():
            module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(
                f"module {type(self).__name__} has not been fully initialized: initialize_parameters must materialize "
                "every uninitialized parameter and buffer"
            )
        module._initialize_hook.remove()
        del module._initialize_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become


class _Lazy(LazyModuleMixin):
    """A layer of this library that waits for one number, the size of the input along its axis of features."""

    _waits_for: str

    def _size_in(self, input: Tensor) -> int:
        """The number, as this input has it."""
        raise NotImplementedError

    def _shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The names of what waits, and the shapes, now that the number is known."""
        raise NotImplementedError

    def _await_parameters(self, bias: bool, **made: Any) -> None:
        """Let weight and bias wait."""
        layer: Any = self
        layer.weight = UninitializedParameter(**made)
        if bias:
            layer.bias = UninitializedParameter(**made)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, once they are known."""
        if not self.has_uninitialized_params() and getattr(self, self._waits_for):
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor) -> None:
        """Infer shapes from an input; those that were loaded from a state stay as they are."""
        unknown = self.has_uninitialized_params()
        setattr(self, self._waits_for, self._size_in(input))
        for name, shape in self._shapes():
            waiting = getattr(self, name)
            if is_lazy(waiting):
                waiting.materialize(shape)
        if unknown:
            self.reset_parameters()


class LazyLinear(_Lazy, Linear):
    """A Linear whose in_features is the last axis of its first input        (..., I) -> (..., out_features)

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.LazyLinear(2)
    >>> layer
    LazyLinear(in_features=0, out_features=2, bias=True)
    >>> layer(tg.ones(5, 3)).shape, layer
    ((5, 2), Linear(in_features=3, out_features=2, bias=True))
    """

    cls_to_become = Linear
    _waits_for = "in_features"

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: DType | None = None):
        super().__init__(0, 0, False)
        self.out_features = out_features
        self._await_parameters(bias, device=device, dtype=dtype)

    def _size_in(self, input: Tensor) -> int:
        return input.shape[-1]

    def _shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield "weight", (self.out_features, self.in_features)
        yield "bias", (self.out_features,)


class _LazyConv(_Lazy, _Conv):
    _waits_for = "in_channels"

    def _size_in(self, input: Tensor) -> int:
        batched = self.spatial + 2
        if input.ndim not in (batched - 1, batched):
            raise RuntimeError(
                f"Expected {batched - 1}D (unbatched) or {batched}D (batched) input to {type(self).__name__}, but got "
                f"input of size: {tuple(input.shape)}"
            )
        channels = input.shape[-1 - self.spatial]
        if channels % self.groups:
            raise ValueError(
                f"{type(self).__name__}: in_channels={channels}, as the input {tuple(input.shape)} has it, must be "
                f"divisible by groups={self.groups}"
            )
        return channels

    def _shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        into, out = self.in_channels, self.out_channels
        channels = (into, out // self.groups) if self.transposed else (out, into // self.groups)
        yield "weight", (*channels, *self.kernel_size)
        yield "bias", (self.out_channels,)


class _LazyConvForward(_LazyConv):
    def __init__(
        self,
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
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self.out_channels = out_channels
        self._await_parameters(bias, device=device, dtype=dtype)


class LazyConv1d(_LazyConvForward, Conv1d):
    """A Conv1d whose in_channels is that of its first input        (N, C, L) -> (N, out_channels, P)

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.LazyConv1d(8, 3, padding=1)
    >>> layer(tg.zeros(4, 2, 10)).shape, layer
    ((4, 8, 10), Conv1d(2, 8, kernel_size=(3,), stride=(1,), padding=(1,)))
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConvForward, Conv2d):
    """A Conv2d whose in_channels is that of its first input        (N, C, H, W) -> (N, out_channels, P, Q)

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.LazyConv2d(8, kernel_size=3)
    >>> layer(tg.zeros(4, 3, 10, 10)).shape, layer
    ((4, 8, 8, 8), Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1)))
    """

    cls_to_become = Conv2d


class _LazyConvTranspose(_LazyConv):
    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode
        )  # fmt: skip
        self.out_channels = out_channels
        self._await_parameters(bias, device=device, dtype=dtype)

    def initialize_parameters(self, input: Tensor, output_size: Any = None) -> None:
        """Infer shapes from an input."""
        super().initialize_parameters(input)


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A ConvTranspose1d whose in_channels is that of its first input        (N, C, P) -> (N, out_channels, L)

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.LazyConvTranspose1d(1, 4, stride=2, padding=1)
    >>> layer(tg.zeros(4, 8, 5)).shape, layer.in_channels
    ((4, 1, 10), 8)
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A ConvTranspose2d whose in_channels is that of its first input        (N, C, P, Q) -> (N, out_channels, H, W)

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.LazyConvTranspose2d(8, 4, stride=2, padding=1)
    >>> layer(tg.zeros(1, 16, 7, 7)).shape, layer.in_channels
    ((1, 8, 14, 14), 16)
    """

    cls_to_become = ConvTranspose2d


class LazyConv3d(_LazyConvForward, Conv3d):
    """A Conv3d whose in_channels is that of its first input        (N, C, D, H, W) -> (N, out_channels, P, Q, R)

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.LazyConv3d(2, 3)
    >>> layer(tg.zeros(1, 4, 3, 3, 3)).shape, layer.in_channels
    ((1, 2, 1, 1, 1), 4)
    """

    cls_to_become = Conv3d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A ConvTranspose3d whose in_channels is that of its first input    (N, C, P, Q, R) -> (N, out_channels, D, H, W)

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.LazyConvTranspose3d(2, 2, stride=2)
    >>> layer(tg.zeros(1, 4, 2, 2, 2)).shape, layer.in_channels
    ((1, 2, 4, 4, 4), 4)
    """

    cls_to_become = ConvTranspose3d


class _LazyNorm(_Lazy, _WithStatistics):
    _waits_for = "num_features"

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__(0, eps, momentum, False, False, bias=False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        made = dict(device=device, dtype=dtype)
        if affine:
            self._await_parameters(bias, **made)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**made)
            self.running_var = UninitializedBuffer(**made)
            self.num_batches_tracked = tensor(0, dtype=int64)

    def _size_in(self, input: Tensor) -> int:
        return input.shape[1]

    def _shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for name in ("weight", "bias", "running_mean", "running_var"):
            yield name, (self.num_features,)


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A BatchNorm1d whose num_features is axis 1 of its first input: (N,C) or (N,C,L).

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.LazyBatchNorm1d()
    >>> layer(tg.randn(4, 3)).shape, layer.running_mean.shape
    ((4, 3), (3,))
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A BatchNorm2d whose num_features is axis 1 of its first input: (N,C,H,W).

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.LazyBatchNorm2d()
    >>> layer(tg.randn(4, 3, 2, 2)).shape, type(layer).__name__
    ((4, 3, 2, 2), 'BatchNorm2d')
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A BatchNorm3d whose num_features is axis 1 of its first input: (N,C,D,H,W).

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LazyBatchNorm3d()(tg.randn(4, 3, 2, 2, 2)).shape
    (4, 3, 2, 2, 2)
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """An InstanceNorm1d whose num_features is axis 1 of its first input; affine and with statistics, by default.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LazyInstanceNorm1d()(tg.randn(4, 3, 5)).shape
    (4, 3, 5)
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """An InstanceNorm2d whose num_features is axis 1 of its first input; affine and with statistics, by default.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LazyInstanceNorm2d()(tg.randn(4, 3, 5, 5)).shape
    (4, 3, 5, 5)
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """An InstanceNorm3d whose num_features is axis 1 of its first input; affine and with statistics, by default.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LazyInstanceNorm3d()(tg.randn(4, 3, 2, 5, 5)).shape
    (4, 3, 2, 5, 5)
    """

    cls_to_become = InstanceNorm3d
