"""Batch norm over the batches of all ranks: mean and variance are those of one large batch.

Each rank measures its own part; (count, mean, Σ (x - mean)²) of all parts make those of the whole (Chan, Golub and
LeVeque, 1979), in the order of the ranks, in float64, so that every rank has the same numbers to the bit. On the way
back the two sums that batch norm's gradient needs are added up over the ranks in the same way.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from ..arrays.quiet import quietly
from ..arrays.types import DType
from ..autograd.function import Function, once_differentiable
from ..distributed.collectives import add_up, bring_together
from ..distributed.group import Group, ProcessGroup, is_initialized, member
from ..distributed.reduce_op import ReduceOp
from ..distributed.staged import shown
from ..engine.tensor import Tensor, as_array, wrap
from ..kernels import kernel
from ..kernels.numpy.norm import move
from ..ops.norm import _bump, _check_channels
from .module import Module
from .norm import _BatchNorm

M = TypeVar("M", bound=Module)


class SyncBatchNorm(_BatchNorm):
    """Batch norm of (N,C,...) whose mean and variance in training are over the batches of all ranks.

    The arguments are those of BatchNorm2d; process_group: whose ranks, None for all. Batches may differ in size. In
    evaluation, in a world of one, and without a process group it is batch norm.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Sequential(tg.nn.Conv2d(1, 2, 3), tg.nn.BatchNorm2d(2))
    >>> tg.nn.SyncBatchNorm.convert_sync_batchnorm(net)[1]
    SyncBatchNorm(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Group = None,
        device: Any = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"SyncBatchNorm: expected at least 2D input, got {input.ndim}D input {tuple(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:
        """(N,C,...) -> the same, normalized by the mean and the variance over the batches of all ranks."""
        group = member("SyncBatchNorm", self.process_group) if is_initialized() else None
        measures = self.training or self.running_mean is None
        if group is None or group.size == 1 or not measures:
            return super().forward(input)
        self._check_input_dim(input)
        running_mean, running_var, part = self.begin(input)
        _check_channels("SyncBatchNorm", input, weight=self.weight, bias=self.bias)
        if input.dtype == np.float16:
            wide = [None if t is None else t.float() for t in (input, self.weight, self.bias)]
            return _Synced.apply(*wide, self.eps, group, (running_mean, running_var, part)).half()
        return _Synced.apply(input, self.weight, self.bias, self.eps, group, (running_mean, running_var, part))

    @classmethod
    def convert_sync_batchnorm(cls, module: M, process_group: Group = None) -> M:
        """The module with every batch norm in it replaced by a SyncBatchNorm that has its parameters and statistics."""
        result: Any = module
        if isinstance(module, _BatchNorm) and not isinstance(module, cls):
            result = cls(
                module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats,
                process_group, bias=module.bias is not None,
            )  # fmt: skip
            result._parameters.update(module._parameters)
            result._buffers.update(module._buffers)
            result.training = module.training
        for name, child in module.named_children():
            result._modules[name] = cls.convert_sync_batchnorm(child, process_group)
        return result


class _Synced(Function):
    """input, weight, bias -> (input - mean) / √(var + eps) · weight + bias, mean and var over all ranks"""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Any, bias: Any, eps: float, group: ProcessGroup, running: Any
    ) -> Tensor:
        x = as_array(input)
        n, mean, var = quietly(_measured, group, x)
        dtype = x.dtype.type
        ctx.mean, ctx.invstd = mean.astype(dtype), (1 / np.sqrt(var + eps)).astype(dtype)
        ctx.count, ctx.group = n, group
        ctx.save_for_backward(input, weight)
        running_mean, running_var, part = running
        if running_mean is not None:
            move(
                (as_array(running_mean), as_array(running_var), part), ctx.mean, (var * n / max(n - 1, 1)).astype(dtype)
            )
            _bump("SyncBatchNorm", running_mean, running_var)
        return wrap(kernel.batch_norm_eval(x, as_array(weight), as_array(bias), ctx.mean, ctx.invstd))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple:
        """weight·invstd·(g - ⟨g⟩ - x̂·⟨g·x̂⟩), where ⟨ ⟩ is the mean over all ranks.

        The kernel's means are those of this rank; what is missing to those of all is one scale and shift of x̂.
        """
        x, weight = (as_array(t) for t in ctx.saved_tensors)
        g, mean, invstd, group = as_array(grad), ctx.mean, ctx.invstd, ctx.group
        d_input, d_weight, d_bias = kernel.batch_norm_backward(g, x, weight, mean, invstd)
        own = np.stack([d_bias, d_weight]).astype(np.float64)  # Σ g and Σ g·x̂
        total = own.copy()
        add_up(group, f"SyncBatchNorm backward, all_reduce({shown(total)}, op=SUM)", total, ReduceOp.SUM)
        count = x.size // x.shape[1]
        scale = invstd if weight is None else invstd * weight
        shift, slope = ((own / max(count, 1) - total / ctx.count) * scale).astype(x.dtype)
        d_input += kernel.batch_norm_eval(x, slope, shift, mean, invstd)
        needs = ctx.needs_input_grad
        return wrap(d_input), wrap(d_weight) if needs[1] else None, wrap(d_bias) if needs[2] else None, None, None, None


def _measured(group: ProcessGroup, x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """How many numbers each channel has over all ranks, their mean (C,), and their biased variance (C,)."""
    C, over = x.shape[1], (0, *range(2, x.ndim))
    n = x.size // C if C else 0
    mean = x.mean(over, dtype=np.float64) if n else np.zeros(C)
    square = np.square(x - mean.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 2)))
    spread = square.sum(over, dtype=np.float64)
    mine = np.concatenate([[n], mean, spread])
    parts = np.empty((group.size, len(mine)))
    bring_together(group, f"SyncBatchNorm, all_gather({shown(mine)})", mine, parts, lambda: None)
    count, mean, spread = 0.0, np.zeros(C), np.zeros(C)
    for part in parts:
        n, its_mean, its_spread = part[0], part[1 : C + 1], part[C + 1 :]
        if n:
            apart, both = its_mean - mean, count + n
            mean = mean + apart * (n / both)
            spread = spread + its_spread + apart**2 * (count * n / both)
            count = both
    if count <= 1:
        raise ValueError(f"SyncBatchNorm: expected more than 1 value per channel when training, got input {x.shape}")
    return count, mean, spread / count
