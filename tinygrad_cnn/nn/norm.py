"""Normalizing layers: a weight and a bias to learn, and for batch norm the statistics to remember."""

from __future__ import annotations

import warnings
from typing import Any

from ..arrays.dtypes import int64
from ..arrays.types import DType, Shape
from ..engine.tensor import Tensor
from ..surface.creation import empty, ones, tensor, zeros
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


class _WithStatistics(Module):
    """num_features channels, each with a weight, a bias, a running mean and a running variance, or without."""

    axes: tuple[int, ...]  # how many an input may have

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        made = dict(device=device, dtype=dtype)
        self.register_parameter("weight", Parameter(empty(num_features, **made)) if affine else None)
        self.register_parameter("bias", Parameter(empty(num_features, **made)) if affine and bias else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **made) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **made) if tracked else None)
        self.register_buffer("num_batches_tracked", tensor(0, dtype=int64) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the statistics: mean 0, variance 1, no batch seen."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Forget the statistics, and set weight to 1 and bias to 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        if not isinstance(input, Tensor):
            raise TypeError(f"{type(self).__name__}: expected a Tensor, got {type(input).__name__}")
        if input.ndim not in self.axes:
            expected = " or ".join(f"{n}D" for n in self.axes)
            raise ValueError(
                f"{type(self).__name__}: expected {expected} input, got {input.ndim}D input {tuple(input.shape)}"
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    _version = 2

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *lists: Any) -> None:
        key = f"{prefix}num_batches_tracked"
        if local_metadata.get("version", 1) < 2 and self.track_running_stats:  # the first version did not count batches
            state_dict.setdefault(key, self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *lists)


class _BatchNorm(_WithStatistics):
    def forward(self, input: Tensor) -> Tensor:
        mean, var, part = self.begin(input)
        training = self.training or mean is None
        return F.batch_norm(input, mean, var, self.weight, self.bias, training, part, self.eps)

    def begin(self, input: Tensor) -> tuple[Tensor | None, Tensor | None, float]:
        """Check and count a batch: the running statistics to use, and how far they move towards it."""
        self._check_input_dim(input)
        if not self.training:
            return self.running_mean, self.running_var, 0.0
        if not self.track_running_stats:
            return None, None, 0.0  # tracking was switched off: measured, not remembered
        self.num_batches_tracked.add_(1)
        if self.momentum is None:  # the mean over all batches so far
            return self.running_mean, self.running_var, 1 / self.num_batches_tracked.item()
        return self.running_mean, self.running_var, self.momentum


class BatchNorm1d(_BatchNorm):
    """weight·(input - mean) / √(var + eps) + bias for each channel of (N,C) or (N,C,L) (Ioffe and Szegedy, 2015)

    mean and var are the batch's in training, and running statistics after `eval()`. momentum: how far those move
    towards each batch; None: they are the mean of all batches. affine, bias: with weight and bias to learn.
    track_running_stats=False: evaluation measures the batch, too.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.BatchNorm1d(2)
    >>> layer(tg.tensor([[1.0, 10.0], [3.0, 30.0]])).detach()
    tensor([[-1., -1.],
            [ 1.,  1.]], shape=(2, 2), dtype=float32)
    >>> layer.running_mean
    tensor([0.2, 2. ], shape=(2,), dtype=float32)
    """

    axes = (2, 3)


class BatchNorm2d(_BatchNorm):
    """weight·(input - mean) / √(var + eps) + bias for each channel of (N,C,H,W); see BatchNorm1d.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.BatchNorm2d(3)
    >>> out = layer(tg.randn(16, 3, 8, 8) * 5 + 2)
    >>> bool(abs(out.mean()) < 1e-5), layer.num_batches_tracked.item()
    (True, 1)
    """

    axes = (4,)


class BatchNorm3d(_BatchNorm):
    """weight·(input - mean) / √(var + eps) + bias for each channel of (N,C,D,H,W); see BatchNorm1d.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.BatchNorm3d(2)
    >>> layer(tg.randn(4, 2, 3, 3, 3)).shape, layer.running_var.shape
    ((4, 2, 3, 3, 3), (2,))
    """

    axes = (5,)


class _InstanceNorm(_WithStatistics):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        batched = input.ndim == max(self.axes)
        channels = input.shape[1 if batched else 0]
        if channels != self.num_features:
            message = (
                f"{type(self).__name__}: input {tuple(input.shape)} has {channels} channels, "
                f"num_features is {self.num_features}"
            )
            if self.affine:
                raise ValueError(message)
            warnings.warn(f"{message}; without affine it makes no difference", stacklevel=3)
        use_input = self.training or not self.track_running_stats
        part = 0.0 if self.momentum is None else self.momentum
        out = F.instance_norm(
            input if batched else input.unsqueeze(0),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            use_input,
            part,
            self.eps,
        )
        return out if batched else out.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """(input - mean) / √(var + eps) for each channel of each sample of (N,C,L) or (C,L) (Ulyanov et al., 2016)

    affine=True: with a weight and a bias to learn for each channel. track_running_stats=True: with running statistics,
    which stand for the samples' own after `eval()`.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.InstanceNorm1d(2)(tg.tensor([[1.0, 3.0], [10.0, 30.0]]))
    tensor([[-1.,  1.],
            [-1.,  1.]], shape=(2, 2), dtype=float32)
    """

    axes = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """(input - mean) / √(var + eps) for each channel of each sample of (N,C,H,W) or (C,H,W); see InstanceNorm1d.

    >>> import tinygrad_cnn as tg
    >>> out = tg.nn.InstanceNorm2d(3)(tg.randn(2, 3, 4, 4) * 5 + 2)
    >>> tg.allclose(out.mean((2, 3)), tg.zeros(2, 3), atol=1e-6)
    True
    """

    axes = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """(input - mean) / √(var + eps) for each channel of each sample of (N,C,D,H,W) or (C,D,H,W); see InstanceNorm1d.

    >>> import tinygrad_cnn as tg
    >>> out = tg.nn.InstanceNorm3d(3)(tg.randn(2, 3, 2, 4, 4) * 5 + 2)
    >>> tg.allclose(out.mean((2, 3, 4)), tg.zeros(2, 3), atol=1e-6)
    True
    """

    axes = (4, 5)


class LayerNorm(Module):
    """weight·(input - mean) / √(var + eps) + bias, mean and var over the last axes of each sample (Ba et al., 2016)

    normalized_shape: the lengths of those axes, and the shape of weight and bias; elementwise_affine=False has neither.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LayerNorm(3)(tg.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])).detach()
    tensor([[-1.2247,  0.    ,  1.2247],
            [-1.2247,  0.    ,  1.2247]], shape=(2, 3), dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: Shape,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: DType | None = None,
    ):
        super().__init__()
        self.normalized_shape = (
            tuple(normalized_shape) if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
        )
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        shape, made = self.normalized_shape, dict(device=device, dtype=dtype)
        self.register_parameter("weight", Parameter(ones(shape, **made)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(zeros(shape, **made)) if elementwise_affine and bias else None)

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """weight·input / √(mean(input²) + eps), the mean over the last axes of each sample (Zhang and Sennrich, 2019)

    normalized_shape: the lengths of those axes, and the shape of weight; elementwise_affine=False has none. eps: by
    default the machine epsilon of input's dtype.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.RMSNorm(2)(tg.tensor([3.0, 4.0])).detach()
    tensor([0.8485, 1.1314], shape=(2,), dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: Shape,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: DType | None = None,
    ):
        super().__init__()
        self.normalized_shape = (
            tuple(normalized_shape) if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
        )
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = ones(self.normalized_shape, device=device, dtype=dtype) if elementwise_affine else None
        self.register_parameter("weight", weight if weight is None else Parameter(weight))

    def reset_parameters(self) -> None:
        """Set weight to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """weight[c]·(input - mean) / √(var + eps) + bias[c], mean and var over each group of channels (Wu and He, 2018)

    num_groups must divide num_channels, the length of axis 1: ValueError otherwise.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.GroupNorm(2, 4)(tg.tensor([[1.0, 3.0, 10.0, 30.0]])).detach()
    tensor([[-1.,  1., -1.,  1.]], shape=(1, 4), dtype=float32)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__()
        if num_groups <= 0:
            raise ValueError(f"GroupNorm: num_groups must be a positive integer, got {num_groups}")
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_channels={num_channels} must be divisible by num_groups={num_groups}")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        made = dict(device=device, dtype=dtype)
        self.register_parameter("weight", Parameter(ones(num_channels, **made)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_channels, **made)) if affine and bias else None)

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """input / (k + alpha·mean(input²))^beta, the mean over `size` neighbouring channels (Krizhevsky et al., 2012)

    Σ of the squares divided by size, also at the border, where there are fewer.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.LocalResponseNorm(2, alpha=2.0, beta=0.5)(tg.tensor([[[1.0], [2.0]]])).flatten()
    tensor([0.7071, 0.8165], shape=(2,), dtype=float32)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
