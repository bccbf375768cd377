"""Layers as functions: what networks compute with, without parameters of their own. PyTorch's names and signatures.

Most are the library's ops themselves. Written out here are those that take a flag which is no matter of
mathematics: `inplace=` (the input itself becomes the result) and a `dim` that may be left out.
"""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

from .. import ops
from ..engine.inplace import change
from ..engine.tensor import Tensor, wrap
from ..ops import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    batch_norm,
    bilinear,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    channel_shuffle,
    conv1d,
    conv2d,
    conv_transpose1d,
    conv_transpose2d,
    cosine_embedding_loss,
    cosine_similarity,
    cross_entropy,
    embedding,
    gaussian_nll_loss,
    gelu,
    glu,
    group_norm,
    gumbel_softmax,
    hardshrink,
    hinge_embedding_loss,
    huber_loss,
    instance_norm,
    kl_div,
    l1_loss,
    layer_norm,
    local_response_norm,
    logsigmoid,
    lp_pool1d,
    lp_pool2d,
    margin_ranking_loss,
    max_pool1d,
    max_pool2d,
    max_unpool2d,
    mse_loss,
    multi_margin_loss,
    multilabel_soft_margin_loss,
    nll_loss,
    one_hot,
    pad,
    pairwise_distance,
    pixel_shuffle,
    pixel_unshuffle,
    poisson_nll_loss,
    prelu,
    rms_norm,
    sigmoid,
    smooth_l1_loss,
    soft_margin_loss,
    softplus,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
    triplet_margin_loss,
)
from ..ops.out import into
from ..ops.patches import fold, unfold
from ..ops.resize import interpolate, upsample
from ..random import rng

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "elu_",
    "embedding",
    "feature_alpha_dropout",
    "fold",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "max_unpool2d",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "unfold",
    "upsample",
]

# Activations. With inplace=True the memory of the input is reused, and the input itself is returned.


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0)

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([-1.0, 2.0])
    >>> tg.nn.functional.relu(x, inplace=True) is x, x.tolist()
    (True, [0.0, 2.0])
    """
    return change(input, "relu_", ops.relu) if inplace else ops.relu(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input, 0), 6)"""
    return change(input, "relu6_", ops.relu6) if inplace else ops.relu6(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """input where it is positive, negative_slope · input elsewhere"""
    if inplace:
        return change(input, "leaky_relu_", lambda t: ops.leaky_relu(t, negative_slope))
    return ops.leaky_relu(input, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where it is positive, alpha · (e^input - 1) elsewhere"""
    return change(input, "elu_", lambda t: ops.elu(t, alpha)) if inplace else ops.elu(input, alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where it is positive, alpha · (e^(input/alpha) - 1) elsewhere"""
    return change(input, "celu_", lambda t: ops.celu(t, alpha)) if inplace else ops.celu(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """elu with the scale and the alpha that keep mean 0 and variance 1"""
    return change(input, "selu_", ops.selu) if inplace else ops.selu(input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """input · sigmoid(input)"""
    return change(input, "silu_", ops.silu) if inplace else ops.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """input · tanh(softplus(input))"""
    return change(input, "mish_", ops.mish) if inplace else ops.mish(input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """min(max(input, min_val), max_val)"""
    if inplace:
        return change(input, "hardtanh_", lambda t: ops.hardtanh(t, min_val, max_val))
    return ops.hardtanh(input, min_val, max_val)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input / 6 + 1/2, 0), 1)"""
    return change(input, "hardsigmoid_", ops.hardsigmoid) if inplace else ops.hardsigmoid(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """input · hardsigmoid(input)"""
    return change(input, "hardswish_", ops.hardswish) if inplace else ops.hardswish(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """input where it is larger than threshold, value elsewhere"""
    if inplace:
        return change(input, "threshold_", lambda t: ops.threshold(t, threshold, value))
    return ops.threshold(input, threshold, value)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """leaky_relu with a random slope between lower and upper for each element; their mean when not training"""
    if not -math.inf < lower <= upper < math.inf:
        raise RuntimeError(f"rrelu: expects lower <= upper, both finite, got {lower} and {upper}")
    slope: Any = (lower + upper) / 2
    if training:
        slope = wrap(rng().uniform(lower, upper, tuple(input.shape)).astype(input.dtype))

    def leak(t: Tensor) -> Tensor:
        return ops.where(t >= 0, t, t * slope)

    return change(input, "rrelu_", leak) if inplace else leak(input)


relu_ = functools.partial(relu, inplace=True)
leaky_relu_ = functools.partial(leaky_relu, inplace=True)
elu_ = functools.partial(elu, inplace=True)
celu_ = functools.partial(celu, inplace=True)
selu_ = functools.partial(selu, inplace=True)
hardtanh_ = functools.partial(hardtanh, inplace=True)
threshold_ = functools.partial(threshold, inplace=True)
rrelu_ = functools.partial(rrelu, inplace=True)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias: (..., I) (O, I) (O,) -> (..., O); of a vector weight (I,) -> (...)"""
    if getattr(weight, "ndim", 2) != 1:
        return ops.linear(input, weight, bias)
    out = ops.matmul(input, weight)
    return out if bias is None else out + bias


# Dropout. Nothing is dropped without `training`.


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """input · mask / (1-p), each element kept with probability 1-p"""
    return (
        change(input, "dropout_", lambda t: ops.dropout(t, p, training)) if inplace else ops.dropout(input, p, training)
    )


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """dropout of whole channels of (N,C,L) or (C,L)"""
    if inplace:
        return change(input, "dropout1d_", lambda t: ops.dropout1d(t, p, training))
    return ops.dropout1d(input, p, training)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """dropout of whole channels of (N,C,H,W)"""
    if inplace:
        return change(input, "dropout2d_", lambda t: ops.dropout2d(t, p, training))
    return ops.dropout2d(input, p, training)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """dropout of whole channels of (N,C,D,H,W)"""
    if inplace:
        return change(input, "dropout3d_", lambda t: ops.dropout3d(t, p, training))
    return ops.dropout3d(input, p, training)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """dropout that keeps mean 0 and variance 1 of what comes out of selu"""
    if inplace:
        return change(input, "alpha_dropout_", lambda t: ops.alpha_dropout(t, p, training))
    return ops.alpha_dropout(input, p, training)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """alpha_dropout of whole channels"""
    if inplace:
        return change(input, "feature_alpha_dropout_", lambda t: ops.feature_alpha_dropout(t, p, training))
    return ops.feature_alpha_dropout(input, p, training)


# Softmax: PyTorch still chooses an axis where none is given, with a warning.


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(input) / Σ exp(input) along dim"""
    return ops.softmax(input, _axis("softmax", dim, input, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """input - log Σ exp(input) along dim"""
    return ops.log_softmax(input, _axis("log_softmax", dim, input, _stacklevel), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(-input) / Σ exp(-input) along dim"""
    return ops.softmin(input, _axis("softmin", dim, input, _stacklevel), dtype)


def _axis(name: str, dim: int | None, input: Tensor, stacklevel: int) -> int:
    if dim is not None:
        return dim
    chosen = 0 if input.ndim in (0, 1, 3) else 1
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim={chosen}.",
        stacklevel=stacklevel,
    )
    return chosen


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """input / max(|input|, eps), the p-norm along dim; written to `out` if that is given"""
    result = ops.normalize(input, p, dim, eps)
    return result if out is None else into("normalize", out, result)
