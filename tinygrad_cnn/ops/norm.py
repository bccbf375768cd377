"""Normalization: numbers are shifted and scaled to mean 0 and variance 1, then by a learned weight and bias.

What differs is only over which axes the mean and the variance are taken:

    batch_norm       over the batch and all pixels, for each channel      (N, H, W)
    layer_norm       over the last axes, for each example                 (normalized_shape)
    group_norm       over a group of channels and all pixels              (C/G, H, W)
    instance_norm    over the pixels of each channel of each example      (H, W)

Variances are biased, divided by n; only running_var takes the unbiased one, divided by n - 1, as in PyTorch.

N batch, C channels, G groups; "..." any number of axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..arrays.half import widened
from ..arrays.types import Array, Axis
from ..engine.broadcast import in_float32
from ..engine.call import op
from ..engine.tensor import Tensor, as_array
from ..kernels import kernel
from ..kernels.numpy.norm import move
from .choice import clamp
from .declared import appears
from .magnitude import norm
from .pool import avg_pool2d
from .rearrange import pad
from .reduce import mean, variance
from .reduce import sum as total
from .shape import clone, reshape, squeeze
from .unary import rsqrt, square

# Over the batch.


@op(keeps=("mean", "invstd"))
def _batch_norm(input: Array, weight: Array | None, bias: Array | None, eps: float, running: tuple | None) -> Array:
    """batch_norm in training; running is (mean, var, momentum), arrays that are moved in place."""
    return kernel.batch_norm(input, weight, bias, eps, running)


def _batch_norm_back(g, input, weight, mean, invstd):
    """The gradients of all three inputs, of which two are also terms of the first."""
    return kernel.batch_norm_backward(g, input, weight, mean, invstd)


_batch_norm.joint_grad(_batch_norm_back, inputs=("input", "weight", "bias"))


@_batch_norm.meaning
def _(input, weight, bias, eps, running):
    over = (0, *range(2, input.ndim))
    return _affine((input - mean(input, over, True)) * rsqrt(variance(input, over, 0, True) + eps), weight, bias)


NORMALIZED = "(input − mean[c]) · invstd[c]"
OVER = {"axes": lambda input_shape: _axes((0, *range(2, len(input_shape))))}


def _axes(numbers: Iterable[int]) -> str:
    return f"axis {', '.join(map(str, numbers))}"


_batch_norm.explain(
    "The gradient less its mean and less its part along the normalised values, for mean and variance "
    "follow the input; the scale gets gradient times normalised value, the shift the sum.",
    zero="mean and variance take it back: the gradient is constant over the batch",
    input=lambda weight="weight": (
        f"{'' if weight is None else 'weight[c] · '}invstd[c] · (g − mean_{{axes}} g − z · mean_{{axes}} g · z), "
        f"where z = {NORMALIZED}"
    ),
    weight="Σ_{axes} g · z, where z = " + NORMALIZED,
    bias="Σ_{axes} g",
    numbers=OVER,
)


@op
def _batch_norm_eval(input: Array, weight: Array | None, bias: Array | None, mean: Any, var: Any, eps: float) -> Array:
    """batch_norm by statistics that are known: one scale and one shift for each channel."""
    return kernel.batch_norm_eval(input, weight, bias, as_array(mean), _invstd(var, eps))


def _batch_norm_eval_input(g, weight, var, eps):
    invstd = _invstd(var, eps)
    return g * _per_channel(invstd if weight is None else weight * invstd, g.ndim)


_batch_norm_eval.grad(
    input=_batch_norm_eval_input,
    weight=lambda g, input, mean, var, eps: (
        total(g * (input - _per_channel(mean, g.ndim)), (0, *range(2, g.ndim))) * _invstd(var, eps)
    ),
    bias=lambda g: total(g, (0, *range(2, g.ndim))),
)
_batch_norm_eval.explain(
    "One scale and one shift for each channel, so the gradient is scaled; the statistics are known and get none.",
    input="g · weight[c] / √(var[c] + eps)",
    weight="Σ_{axes} g · (input − mean[c]) / √(var[c] + eps)",
    bias="Σ_{axes} g",
    numbers=OVER,
)


def _per_channel(vector: Any, ndim: int) -> Any:
    """(C,) -> (C,1,...), which stands beside (N,C,...)"""
    return reshape(vector, (-1, *(1,) * (ndim - 2)))


@appears("function functional")
def batch_norm(
    input: Array,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None = None,
    bias: Array | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Array:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) (C,) (C,) -> (N,C,...)

    training: mean and var are those of each channel over the batch and all pixels, and running_mean and
    running_var, if there are any, move towards them by the part momentum. Otherwise they are the running ones.

    Raises a ValueError where there is one value per channel in training, a RuntimeError for shapes and dtypes
    that do not fit. (Ioffe and Szegedy, 2015.)

    >>> import tinygrad_cnn as tg
    >>> x, mean, var = tg.tensor([[1.0], [3.0]]), tg.zeros(1), tg.ones(1)
    >>> out = tg.nn.functional.batch_norm(x, mean, var, training=True, momentum=0.5)
    >>> [round(v, 4) for v in out.flatten().tolist()], mean.tolist(), var.tolist()
    ([-1.0, 1.0], [1.0], [1.5])
    """
    if as_array(input).shape == (0,):
        return clone(input)  # nothing, of no channel either
    if (running_mean is None) != (running_var is None):
        raise ValueError("batch_norm: running_mean and running_var must either both be None or neither be None")
    _check_channels("batch_norm", input, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    if not training:
        if running_mean is None:
            raise RuntimeError("batch_norm: running_mean and running_var must be defined in evaluation mode")
        if eps < 0:
            raise ValueError(f"batch_norm: eps must be non-negative, got {eps}")
        return _batch_norm_eval(input, weight, bias, running_mean, running_var, eps)
    _check_training(input, eps)
    running = None
    if running_mean is not None:
        running = as_array(running_mean), as_array(running_var), momentum
    out = _batch_norm(input, weight, bias, eps, running)
    _bump("batch_norm", running_mean, running_var)
    return out


def _check_training(input: Any, eps: float) -> None:
    shape = as_array(input).shape
    if math.prod(shape) == shape[1]:
        raise ValueError(
            f"batch_norm: expected more than 1 value per channel when training, got input size {shape}: "
            "one value has no variance"
        )
    if eps <= 0:
        raise ValueError(f"batch_norm: eps must be positive during training, got {eps}")


def _affine(input: Any, weight: Any, bias: Any) -> Any:
    """input · weight + bias with one of each for every channel        (N,C,...) (C,) (C,)"""
    if weight is not None:
        input = input * _per_channel(weight, input.ndim)
    return input if bias is None else input + _per_channel(bias, input.ndim)


def _invstd(var: Any, eps: float) -> np.ndarray:
    """1 / √(var + eps) of statistics that are known."""
    var = as_array(var)
    return 1 / np.sqrt(var + var.dtype.type(eps))


def _check_channels(name: str, input: Any, **vectors: Any) -> None:
    input = as_array(input)
    if input.dtype.kind != "f":
        raise NotImplementedError(f"{name}: input is {input.dtype}, it must be floating; convert it with .float()")
    if input.ndim < 2:
        raise RuntimeError(f"{name}: expected input (N, C, ...), got shape {input.shape}")
    C = input.shape[1]
    for what, vector in vectors.items():
        if vector is None:
            continue
        vector = as_array(vector)
        if vector.shape != (C,):
            raise RuntimeError(
                f"{name}: {what} should contain {C} elements, one for each channel of input {input.shape}, "
                f"got shape {vector.shape}"
            )
        if vector.dtype != input.dtype:
            raise RuntimeError(
                f"{name}: input is {input.dtype} but {what} is {vector.dtype}; all must share one dtype, "
                f"convert with .to({input.dtype})"
            )


def _bump(name: str, *changed: Any) -> None:
    for t in changed:
        if isinstance(t, Tensor):
            t.version().bump(name)


# Within each example.


@op(keeps=("mean", "invstd"))
def _group_norm(
    input: Array, weight: Array | None, bias: Array | None, groups: int, eps: float = 1e-5, centered: bool = True
) -> Array:
    """(input - mean) / √(var + eps) · weight + bias, for each group of channels; centered: False takes 0 for mean."""
    return kernel.group_norm(input, weight, bias, groups, eps, centered)


def _group_norm_back(g, input, weight, mean, invstd, centered):
    """The gradients of all three inputs, of which two are also terms of the first."""
    return kernel.group_norm_backward(g, input, weight, mean, invstd, centered)


_group_norm.joint_grad(_group_norm_back, inputs=("input", "weight", "bias"))


@_group_norm.meaning
def _(input, weight, bias, groups, eps, centered):
    N, C, *pixels = input.shape
    x = reshape(input, (N, groups, C // groups, *pixels))
    out = _normalised(x, range(2, x.ndim), eps, centered)
    return _affine(reshape(out, input.shape), weight, bias)


def _normalised(x: Any, over: Iterable[int], eps: float, centered: bool) -> Any:
    """(x - mean) / √(var + eps), with the mean and variance over these axes; centered: False takes 0 for mean."""
    axes = tuple(over)
    distance = x - mean(x, axes, True) if centered else x
    return distance * rsqrt(mean(square(distance), axes, True) + eps)


WITHIN = (
    "The gradient less its mean and less its part along the normalised values, for mean and variance follow the input; "
    "the scale gets gradient times normalised value, the shift the sum."
)


def _z(centered: bool) -> str:
    return "(input − mean) · invstd" if centered else "input · invstd"


def _of_input(over: str, scale: str) -> Callable:
    """The formula of the input's gradient, with means over what the name `over` stands for."""

    def formula(weight: Any = "weight", centered: bool = True) -> str:
        less, scaled = f"{over} h − " if centered else "", "" if weight is None else f" · {scale}"
        return f"invstd · (h − {less}z · {over} h · z), where h = g{scaled}, z = {_z(centered)}"

    return formula


_group_norm.explain(
    WITHIN,
    zero="mean and variance take it back: the gradient is constant over each group",
    input=_of_input("mean_{group}", "weight[c]"),
    weight=lambda centered=True: "Σ_{axes} g · z, where z = " + _z(centered),
    bias="Σ_{axes} g",
    numbers=OVER,
)


@op(keeps=("mean", "invstd"))
def _layer_norm(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    last: int = 1,
    eps: float = 1e-5,
    centered: bool = True,
) -> Array:
    """(input - mean) / √(var + eps) · weight + bias over so many last axes; centered: False takes 0 for mean."""
    rows, *vectors = _as_rows(input, weight, bias, last)
    out, mean, invstd = kernel.group_norm(rows, *vectors, 1, eps, centered)
    return out.reshape(input.shape), mean, invstd


def _as_rows(input, weight, bias, last):
    """Each example is a row, and one group; its numbers are the channels."""
    C = math.prod(input.shape[-last:])
    rows = input.reshape(math.prod(input.shape[:-last]), C)
    return rows, *(v if v is None or v.ndim == 1 else v.reshape(C) for v in (weight, bias))


def _layer_norm_back(g, input, weight, mean, invstd, last, centered):
    rows, vector, _ = _as_rows(input, weight, None, last)
    own, *shared = kernel.group_norm_backward(g.reshape(rows.shape), rows, vector, mean, invstd, centered)
    return own.reshape(input.shape), *(v.reshape(input.shape[-last:]) for v in shared)


_layer_norm.joint_grad(_layer_norm_back, inputs=("input", "weight", "bias"))


@_layer_norm.meaning
def _(input, weight, bias, last, eps, centered):
    out = _normalised(input, range(input.ndim - last, input.ndim), eps, centered)
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


_layer_norm.explain(
    WITHIN,
    zero="mean and variance take it back: the gradient is constant over each example",
    input=_of_input("mean_{last}", "weight"),
    weight=lambda centered=True: "Σ_{first} g · z, where z = " + _z(centered),
    bias="Σ_{first} g",
    numbers={
        "first": lambda input_shape, last=1: _axes(range(len(input_shape) - last)),
        "last": lambda input_shape, last=1: _axes(range(len(input_shape) - last, len(input_shape))),
    },
)


@appears("function functional")
def layer_norm(
    input: Array,
    normalized_shape: Sequence[int],
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
) -> Array:
    """(input - mean) / √(var + eps) · weight + bias        (..., *normalized_shape) -> the same

    mean and var over the last axes, whose lengths are normalized_shape; weight and bias have that shape.
    (Ba, Kiros and Hinton, 2016.)

    >>> import tinygrad_cnn as tg
    >>> [round(v, 4) for v in tg.nn.functional.layer_norm(tg.tensor([1.0, 2.0, 3.0]), (3,)).tolist()]
    [-1.2247, 0.0, 1.2247]
    """
    axes = _last_axes("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return _layer_norm(input, weight, bias, axes, eps)


@appears("function functional")
def rms_norm(
    input: Array, normalized_shape: Sequence[int], weight: Array | None = None, eps: float | None = None
) -> Array:
    """input / √(mean of input² + eps) · weight        (..., *normalized_shape) -> the same

    layer_norm without the mean. eps: the dtype's own if None. (Zhang and Sennrich, 2019.)

    >>> import tinygrad_cnn as tg
    >>> [round(v, 4) for v in tg.nn.functional.rms_norm(tg.tensor([1.0, 2.0, 2.0]), (3,)).tolist()]
    [0.5774, 1.1547, 1.1547]
    """
    axes = _last_axes("rms_norm", input, normalized_shape, weight=weight)
    eps = float(np.finfo(np.result_type(input.dtype, np.float32)).eps) if eps is None else eps
    return _layer_norm(input, weight, None, axes, eps, False)


def _last_axes(name: str, input: Any, normalized_shape: Any, **parameters: Any) -> int:
    """How many axes normalized_shape stands for."""
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(f"{name}: normalized_shape must be a tuple of ints, got {normalized_shape!r}")
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(f"{name}: normalized_shape must have at least one axis, got {normalized_shape!r}")
    input = as_array(input)
    if input.dtype.kind != "f":
        raise NotImplementedError(f"{name}: input is {input.dtype}, it must be floating; convert it with .float()")
    if input.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"{name}: given normalized_shape={shape}, expected input of shape (..., {', '.join(map(str, shape))}), "
            f"got {input.shape}"
        )
    for what, p in parameters.items():
        if p is None:
            continue
        p = as_array(p)
        if p.shape != shape:
            raise RuntimeError(f"{name}: {what} must have the shape normalized_shape {shape}, got {p.shape}")
        if p.dtype != input.dtype:
            raise RuntimeError(f"{name}: input is {input.dtype} but {what} is {p.dtype}; all must share one dtype")
    return len(shape)


@appears("function functional")
def group_norm(
    input: Array, num_groups: int, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5
) -> Array:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) -> (N,C,...)

    mean and var over each of num_groups groups of channels, with all their pixels. (Wu and He, 2018.)

    RuntimeError where num_groups does not divide C, ValueError where a group is one number.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[[1.0], [3.0], [10.0], [30.0]]])
    >>> out = tg.nn.functional.group_norm(x, 2, weight=tg.tensor([1.0, 1.0, 1.0, 5.0]))
    >>> [round(v, 3) for v in out.flatten().tolist()]
    [-1.0, 1.0, -1.0, 5.0]
    """
    _check_channels("group_norm", input, weight=weight, bias=bias)
    N, C, *pixels = input.shape
    if num_groups < 1 or C % num_groups:
        raise RuntimeError(
            f"group_norm: the {C} channels of input {tuple(input.shape)} must be divisible by num_groups={num_groups}"
        )
    if N * C // num_groups * math.prod(pixels) == 1:
        raise ValueError(f"group_norm: expected more than 1 value per group, got input size {tuple(input.shape)}")
    return _group_norm(input, weight, bias, num_groups, eps, True)


@appears("function functional")
def instance_norm(
    input: Array,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    weight: Array | None = None,
    bias: Array | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Array:
    """(input - mean) / √(var + eps) · weight + bias        (N,C,...) (C,) (C,) (C,) (C,) -> (N,C,...)

    mean and var over the pixels of each channel of each example; without use_input_stats, the running ones.
    running_mean and running_var move towards the mean over the batch. (Ulyanov et al., 2016.)

    ValueError where a channel is one pixel.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[[1.0, 3.0], [10.0, 30.0]]])
    >>> [round(v, 3) for v in tg.nn.functional.instance_norm(x).flatten().tolist()]
    [-1.0, 1.0, -1.0, 1.0]
    """
    _check_channels(
        "instance_norm", input, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var
    )
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "instance_norm: running_mean and running_var must be defined when use_input_stats is false"
            )
        return _batch_norm_eval(input, weight, bias, running_mean, running_var, eps)
    if math.prod(input.shape[2:]) == 1:
        raise ValueError(
            f"instance_norm: expected more than 1 spatial element when training, got input size {tuple(input.shape)}"
        )
    if running_mean is not None and running_var is not None:
        values, over = widened(as_array(input)), tuple(range(2, input.ndim))
        now = values.mean(over).mean(0), values.var(over, ddof=1).mean(0)
        move((as_array(running_mean), as_array(running_var), momentum), *now)
        _bump("instance_norm", running_mean, running_var)
    return _group_norm(input, weight, bias, max(1, input.shape[1]), eps, True)


# By length.


@in_float32
def normalize(input: Array, p: float = 2.0, dim: Axis = 1, eps: float = 1e-12) -> Array:
    """input / max(|input|, eps), the p-norm along dim        any shape -> the same

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.normalize(tg.tensor([[3.0, 4.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    return input / clamp(norm(input, p, dim, True), eps)


@appears("functional")
@in_float32
def local_response_norm(input: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Array:
    """input / (k + alpha · mean of input² over `size` channels around)^beta        (N,C,...) -> (N,C,...)

    Channels beyond the first and the last count as 0. (Krizhevsky, Sutskever and Hinton, 2012.)

    ValueError for fewer than three axes.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[[1.0], [2.0], [3.0]]])
    >>> out = tg.nn.functional.local_response_norm(x, size=1, alpha=1.0, beta=1.0)
    >>> [round(v, 4) for v in out.flatten().tolist()]
    [0.5, 0.4, 0.3]
    """
    if input.ndim < 3:
        raise ValueError(f"local_response_norm: expected input (N, C, L, ...), got shape {tuple(input.shape)}")
    N, C, *pixels = input.shape
    if 0 in input.shape:
        return clone(input)
    columns = reshape(square(input), (N, 1, C, math.prod(pixels)))
    around = avg_pool2d(pad(columns, (0, 0, size // 2, (size - 1) // 2)), (size, 1), 1)
    return input / (reshape(squeeze(around, 1), input.shape) * alpha + k) ** beta
