"""A batch norm that is not trained any more, worked into the layer before it."""

from __future__ import annotations

import copy
from typing import TypeVar

from ...engine.tensor import Tensor
from ...surface.creation import ones_like, zeros_like
from ..conv import _Conv
from ..linear import Linear
from ..norm import _BatchNorm
from ..parameter import Parameter

C = TypeVar("C", bound=_Conv)
L = TypeVar("L", bound=Linear)


def fuse_conv_bn_eval(conv: C, bn: _BatchNorm, transpose: bool = False) -> C:
    """A convolution that computes bn(conv(x)), both in evaluation; transpose: for a transposed one.

    >>> import tinygrad_cnn as tg
    >>> conv, bn = tg.nn.Conv2d(3, 4, 3).eval(), tg.nn.BatchNorm2d(4).eval()
    >>> x = tg.randn(2, 3, 5, 5)
    >>> tg.allclose(tg.nn.utils.fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6)
    True
    """
    mean, var = _statistics(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, mean, var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """w·s and (b - mean)·s + bias, with s = weight / √(var + eps), for each channel of the output.

    >>> import tinygrad_cnn as tg
    >>> one = tg.ones(1)
    >>> w, b = tg.nn.utils.fuse_conv_bn_weights(tg.ones(1, 1, 1), None, one, one * 3, 1.0, one * 4, one)
    >>> w.item(), b.item()
    (2.0, -1.0)
    """
    scale = (ones_like(bn_rm) if bn_w is None else bn_w) * (bn_rv + bn_eps).rsqrt()
    bias = zeros_like(bn_rm) if conv_b is None else conv_b
    shift = zeros_like(bn_rm) if bn_b is None else bn_b
    channels = [1] * conv_w.ndim
    channels[1 if transpose else 0] = -1
    weight = (conv_w * scale.reshape(channels)).detach().to(conv_w.dtype)
    moved = ((bias - bn_rm) * scale + shift).detach().to(conv_w.dtype if conv_b is None else conv_b.dtype)
    return Parameter(weight, conv_w.requires_grad), Parameter(moved, bias.requires_grad)


def fuse_linear_bn_eval(linear: L, bn: _BatchNorm) -> L:
    """A Linear that computes bn(linear(x)), both in evaluation.

    >>> import tinygrad_cnn as tg
    >>> linear, bn = tg.nn.Linear(3, 4).eval(), tg.nn.BatchNorm1d(4).eval()
    >>> x = tg.randn(2, 3)
    >>> tg.allclose(tg.nn.utils.fuse_linear_bn_eval(linear, bn)(x), bn(linear(x)), atol=1e-6)
    True
    """
    mean, var = _statistics(linear, bn)
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            f"fuse_linear_bn_eval: the batch norm has {bn.num_features} features, the layer {linear.out_features}"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, mean, var, bn.eps, bn.weight, bn.bias)
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """w·s and (b - mean)·s + bias, with s = weight / √(var + eps), for each feature of the output.

    >>> import tinygrad_cnn as tg
    >>> one = tg.ones(1)
    >>> w, b = tg.nn.utils.fuse_linear_bn_weights(tg.ones(1, 1), None, one, one * 3, 1.0, one * 4, one)
    >>> w.item(), b.item()
    (2.0, -1.0)
    """
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _statistics(layer: _Conv | Linear, bn: _BatchNorm) -> tuple[Tensor, Tensor]:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    return bn.running_mean, bn.running_var
