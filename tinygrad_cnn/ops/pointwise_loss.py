"""Losses of one element at a time: input and target have one shape, and are compared place by place."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..arrays.dtypes import promote_types, result_type
from ..arrays.lines import user_level
from ..arrays.types import Array
from ..engine.broadcast import cast, in_float32
from ..engine.tensor import as_array
from ..kernels.at_once import how_many
from .activation import logsigmoid, sigmoid, softplus
from .checks import every
from .choice import clamp, where
from .compare import eq
from .declared import appears
from .elementwise import sub
from .loss import SHARE, averaged, elementwise_loss, reduce_to, reduction_of
from .rectifier import hardtanh
from .reduce import sum as total
from .shape import broadcast_shapes
from .unary import abs as absolute
from .unary import exp, log, sign, square

# Numbers.


@elementwise_loss
def _mse_loss(input: Array, target: Array, reduction: str) -> Array:
    """(input - target)²        any shape twice -> () or the same"""
    return square(sub(input, target))


_mse_loss.grad(
    input=lambda g, input, target, share: g * (2 * share) * sub(input, target),
    target=lambda g, input, target, share: g * (2 * share) * sub(target, input),
)
_mse_loss.explain(
    "Twice the error, towards the target; divided by how many there are if they are averaged.",
    zero={"input and target are equal": lambda input, target: input == target},
    input=lambda reduction="mean": averaged("2 · g · (input − target)", reduction),
    target=lambda reduction="mean": averaged("2 · g · (target − input)", reduction),
    numbers=SHARE,
)


@appears("functional")
@in_float32
def mse_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    """mean of (input - target)²        any shape twice -> ()

    weight: a factor for each element; the mean is then the weighted one.

    Other shapes are broadcast, with a warning.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> loss = tg.nn.functional.mse_loss(x, tg.tensor([3.0, 2.0]))
    >>> loss.backward()
    >>> loss.item(), x.grad.tolist()
    (2.0, [-2.0, 0.0])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    input, target = _compare("mse_loss", input, target)
    if weight is None:
        return _mse_loss(input, target, reduction)
    return _weighted("mse_loss", _mse_loss(input, target, "none"), input, weight, reduction)


@appears("functional")
@in_float32
def l1_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    """mean of |input - target|        any shape twice -> ()

    weight: a factor for each element; the mean is then the weighted one.

    The gradient is 0 where both are equal. Other shapes are broadcast, with a warning.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0, 5.0], requires_grad=True)
    >>> loss = tg.nn.functional.l1_loss(x, tg.tensor([3.0, 2.0, 1.0]), reduction="sum")
    >>> loss.backward()
    >>> loss.item(), x.grad.tolist()
    (6.0, [-1.0, 0.0, 1.0])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    compared = _compare("l1_loss", input, target)
    input, target = compared if target.dtype.kind == "f" else (input, target)
    if weight is None:
        return _l1_loss(input, target, reduction)
    return _weighted("l1_loss", _l1_loss(input, target, "none"), input, weight, reduction)


@elementwise_loss
def _l1_loss(input: Array, target: Array, reduction: str) -> Array:
    """|input - target|        any shape twice -> () or the same"""
    return absolute(sub(input, target))


_l1_loss.grad(
    input=lambda g, input, target, share: g * share * sign(sub(input, target)),
    target=lambda g, input, target, share: g * share * sign(sub(target, input)),
)
_l1_loss.explain(
    "The sign of the error; divided by how many there are if they are averaged.",
    zero={"input and target are equal": lambda input, target: input == target},
    input=lambda reduction="mean": averaged("g · sign(input − target)", reduction),
    target=lambda reduction="mean": averaged("g · sign(target − input)", reduction),
    numbers=SHARE,
)


@appears("functional")
@in_float32
def huber_loss(
    input: Array, target: Array, reduction: str = "mean", delta: float = 1.0, weight: Array | None = None
) -> Array:
    """mean of e²/2 where |e| < delta, else delta·(|e| - delta/2), with e = input - target        any shape twice -> ()

    Quadratic near 0, linear far away. weight: a factor for each element. (Huber, 1964.)

    RuntimeError unless delta is positive. Other shapes are broadcast, with a warning.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.5, 10.0], requires_grad=True)
    >>> loss = tg.nn.functional.huber_loss(x, tg.zeros(2), reduction="none", delta=2.0)
    >>> loss.sum().backward()
    >>> loss.tolist(), x.grad.tolist()
    ([0.125, 18.0], [0.5, 2.0])
    """
    reduction = reduction_of(reduction)
    _compare("huber_loss", input, target)
    target = _like("huber_loss", target, input)
    if delta <= 0:
        raise RuntimeError(f"huber_loss: delta must be positive, got {delta}")
    if weight is None:
        return _huber(input, target, delta, 1.0, reduction)
    if weight.shape != input.shape:
        raise ValueError(f"huber_loss: weight {tuple(weight.shape)} must have the shape of input {tuple(input.shape)}")
    return reduce_to(_huber(input, target, delta, 1.0, "none") * weight, reduction)


@appears("functional")
@in_float32
def smooth_l1_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Array:
    """mean of e²/(2·beta) where |e| < beta, else |e| - beta/2, with e = input - target        any shape twice -> ()

    huber_loss / beta; with beta = 0 it is l1_loss. (Girshick, Fast R-CNN, 2015.)

    RuntimeError for a negative beta. Other shapes are broadcast, with a warning.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.5, 10.0], requires_grad=True)
    >>> loss = tg.nn.functional.smooth_l1_loss(x, tg.zeros(2), reduction="none", beta=2.0)
    >>> loss.sum().backward()
    >>> loss.tolist(), x.grad.tolist()
    ([0.0625, 9.0], [0.25, 1.0])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    input, target = _compare("smooth_l1_loss", input, target)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    return _huber(input, target, beta, beta, reduction) if beta else _l1_loss(input, target, reduction)


@elementwise_loss
def _huber(input: Array, target: Array, delta: float, divisor: float, reduction: str) -> Array:
    """e²/2 where |e| < delta, else delta·(|e| - delta/2), over divisor        any shape twice -> () or the same"""
    error = sub(input, target)
    near = np.minimum(np.maximum(error, -delta), delta)
    return near * (error - near * 0.5) / divisor


_huber.grad(
    input=lambda g, input, target, delta, divisor, share: (
        g * (share / divisor) * hardtanh(sub(input, target), -delta, delta)
    ),
    target=lambda g, input, target, delta, divisor, share: (
        g * (share / divisor) * hardtanh(sub(target, input), -delta, delta)
    ),
)
_huber.explain(
    "The error itself, held between -delta and delta.",
    zero={"input and target are equal": lambda input, target: input == target},
    input=lambda reduction="mean": averaged("g · clamp(input − target, −d, d) / divisor", reduction),
    target=lambda reduction="mean": averaged("g · clamp(target − input, −d, d) / divisor", reduction),
    numbers=SHARE | {"d": lambda delta: delta},
)


def _like(name: str, target: Any, input: Any) -> Any:
    """The target in the dtype of the input, which is floating."""
    if not hasattr(target, "dtype"):
        raise TypeError(f"{name}: target must be a Tensor, got {type(target).__name__}")
    if input.dtype.kind != "f":
        raise NotImplementedError(f"{name}: input is {input.dtype}, it must be floating; convert it with .float()")
    return target if target.dtype == input.dtype else cast(target, input.dtype)


def _compare(name: str, input: Any, target: Any) -> tuple[Any, Any]:
    """Input and target, which should have one shape; broadcasting them is seldom what was meant."""
    if not hasattr(target, "dtype"):
        raise TypeError(f"{name}: target must be a Tensor, got {type(target).__name__}")
    if input.dtype.kind != "f" and target.dtype.kind != "f":
        raise NotImplementedError(f"{name}: input is {input.dtype}, it must be floating; convert it with .float()")
    if input.shape != target.shape:
        warnings.warn(
            f"{name}: using a target size {tuple(target.shape)} that is different to the input size "
            f"{tuple(input.shape)}. They are broadcast, which is seldom what was meant; give them one shape.",
            stacklevel=user_level(),
        )
        if name != "huber_loss" and input.dtype.kind == target.dtype.kind == "f":  # to the wider, as PyTorch's others
            common = promote_types(input.dtype, target.dtype)
            return tuple(x if x.dtype == common else cast(x, common) for x in (input, target))  # type: ignore[return-value]
    if target.dtype.kind == "b":
        return input, cast(target, input.dtype)
    return (cast(input, target.dtype) if input.dtype.kind == "b" else input), target


def _weighted(name: str, losses: Any, input: Any, weight: Any, reduction: str) -> Any:
    if weight.shape != input.shape:
        raise ValueError(f"{name}: weight {tuple(weight.shape)} must have the shape of input {tuple(input.shape)}")
    losses = losses * weight
    return total(losses) / total(weight) if reduction == "mean" else reduce_to(losses, reduction)


# Probabilities.


@elementwise_loss
def _binary_cross_entropy(input: Array, target: Array, reduction: str) -> Array:
    """-target·log(input) - (1-target)·log(1-input), logarithms at least -100        any shape twice -> the same"""
    return (target - 1) * np.maximum(np.log1p(-input), -100) - target * np.maximum(np.log(input), -100)


_binary_cross_entropy.grad(
    input=lambda g, input, target, share: g * share * (input - target) / clamp(input * (1 - input), 1e-12),
    target=lambda g, input, share: g * share * (clamp(log(1 - input), -100) - clamp(log(input), -100)),
)
_binary_cross_entropy.explain(
    "The error divided by the variance of a coin with this probability.",
    zero={"input and target are equal": lambda input, target: input == target},
    input=lambda reduction="mean": averaged("g · (input − target) / max(input · (1 − input), 1e-12)", reduction),
    target=lambda reduction="mean": averaged("g · (max(ln(1 − input), −100) − max(ln(input), −100))", reduction),
    numbers=SHARE,
)


@appears("functional")
@in_float32
def binary_cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """mean of -target·log(input) - (1-target)·log(1-input)        any shape twice -> ()

    input and target: probabilities between 0 and 1. Logarithms are at least -100, so that 0 and 1 have a finite
    loss. weight: a factor, broadcast. For logits, binary_cross_entropy_with_logits is more accurate.

    ValueError for two shapes, RuntimeError for two dtypes and for what is no probability.

    >>> import tinygrad_cnn as tg
    >>> round(tg.nn.functional.binary_cross_entropy(tg.tensor([0.5]), tg.tensor([1.0])).item(), 4)
    0.6931
    """
    reduction = reduction_of(reduction, size_average, reduce)
    _same_shape("binary_cross_entropy", input, target)
    if input.dtype != target.dtype or input.dtype.kind != "f":
        raise RuntimeError(
            f"binary_cross_entropy: found target dtype {target.dtype} but expected {input.dtype}, the input's; "
            f"convert it with .to({input.dtype})"
        )
    _refuse_improbable("input", every(input))
    _refuse_improbable("target", every(target))
    if weight is None:
        return _binary_cross_entropy(input, target, reduction)
    return reduce_to(_binary_cross_entropy(input, target, "none") * weight, reduction)


def _improbable(value: np.ndarray) -> np.ndarray:
    return np.where((value >= 0) & (value <= 1), np.float32(0), np.float32(1))


def _refuse_improbable(what: str, values: np.ndarray) -> None:
    if how_many(_improbable, values):
        raise RuntimeError(
            f"binary_cross_entropy: all elements of {what} should be between 0 and 1, it has {values.min()} to "
            f"{values.max()}; for logits use binary_cross_entropy_with_logits"
        )


@appears("function functional")
@in_float32
def binary_cross_entropy_with_logits(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Array | None = None,
) -> Array:
    """mean of -target·log σ(input) - (1-target)·log(1-σ(input)), σ the sigmoid        any shape twice -> ()

    input: logits of any size. weight: a factor, broadcast. pos_weight: a factor for the first term, broadcast.
    The loss has the dtype of target, which must be floating.

    ValueError for two shapes, RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.0, 1000.0, -1000.0], requires_grad=True)
    >>> F = tg.nn.functional
    >>> loss = F.binary_cross_entropy_with_logits(x, tg.tensor([1.0, 1.0, 1.0]), reduction="none")
    >>> loss.sum().backward()
    >>> [round(v, 4) for v in loss.tolist()], x.grad.tolist()
    ([0.6931, 0.0, 1000.0], [-0.5, 0.0, -1.0])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    _same_shape("binary_cross_entropy_with_logits", input, target)
    for what, x in (("input", input), ("target", target)):
        if x.dtype.kind != "f":
            raise RuntimeError(
                f"binary_cross_entropy_with_logits: {what} must be floating, got {x.dtype}; convert it with .float()"
            )
    if input.dtype != target.dtype:
        input = cast(input, target.dtype)
    if weight is None:
        return _logit_loss(input, target, pos_weight, reduction)
    return reduce_to(_logit_loss(input, target, pos_weight, "none") * weight, reduction)


@elementwise_loss
def _logit_loss(input: Array, target: Array, pos_weight: Array | None, reduction: str) -> Array:
    """-pos_weight·target·log σ(input) - (1-target)·log(1-σ(input)), exact where one of the two is almost 0."""
    pull = target if pos_weight is None else pos_weight * target
    straight = (1 - target) * np.maximum(input, 0) + pull * np.maximum(-input, 0)
    total = 1 if pos_weight is None else 1 - target + pull
    return straight + total * np.log1p(np.exp(-np.abs(input)))


def _logit_loss_to_input(g: Any, input: Any, target: Any, pos_weight: Any, share: float) -> Any:
    pull = target if pos_weight is None else pos_weight * target
    return g * share * ((1 - target) * sigmoid(input) - pull * sigmoid(-input))


def _logit_loss_to_target(g: Any, input: Any, pos_weight: Any, share: float) -> Any:
    g = g * share
    return -g * input if pos_weight is None else g * (logsigmoid(-input) - pos_weight * logsigmoid(input))


_logit_loss.grad(
    input=_logit_loss_to_input,
    target=_logit_loss_to_target,
    pos_weight=lambda g, input, target, share: -g * share * target * logsigmoid(input),
)
_logit_loss.explain(
    "The probability less the truth.",
    input=lambda pos_weight_shape=None, reduction="mean": averaged(
        "g · (sigmoid(input) − target)"
        if pos_weight_shape is None
        else "g · ((1 − target) · sigmoid(input) − pos_weight · target · sigmoid(−input))",
        reduction,
    ),
    target=lambda pos_weight_shape=None, reduction="mean": averaged(
        "−g · input" if pos_weight_shape is None else "g · (logsigmoid(−input) − pos_weight · logsigmoid(input))",
        reduction,
    ),
    pos_weight=lambda reduction="mean": averaged("−g · target · logsigmoid(input)", reduction),
    numbers=SHARE,
)


def _same_shape(name: str, input: Any, target: Any) -> None:
    if not hasattr(target, "dtype"):
        raise TypeError(f"{name}: target must be a Tensor, got {type(target).__name__}")
    if input.shape != target.shape:
        raise ValueError(
            f"{name}: target size {tuple(target.shape)} must be the same as input size {tuple(input.shape)}"
        )


@appears("function functional")
@in_float32
def kl_div(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Array:
    """mean of target·(log target - input): the Kullback-Leibler divergence        any shape twice -> ()

    input: log-probabilities; target: probabilities, or their logarithms with log_target.
    reduction: "batchmean", the sum divided by N, is the divergence of the definition; "mean" divides by all elements.

    RuntimeError for integers.

    >>> import tinygrad_cnn as tg
    >>> p, q = tg.tensor([[0.5, 0.5]]), tg.tensor([[0.25, 0.75]])
    >>> F = tg.nn.functional
    >>> round(F.kl_div(q.log(), p, reduction="batchmean").item(), 4), F.kl_div(p.log(), p, reduction="sum").item()
    (0.1438, 0.0)
    """
    by_batch = reduction == "batchmean"
    reduction = reduction_of("sum" if by_batch else reduction, size_average, reduce)
    if reduction == "mean":
        warnings.warn(
            "kl_div: reduction 'mean' divides by the number of elements, so it is not the divergence; 'batchmean' "
            "divides by the batch and is",
            stacklevel=user_level(),
        )
    if input.dtype.kind != "f" or target.dtype.kind != "f":
        raise RuntimeError(f"kl_div: both must be floating, got {input.dtype} and {target.dtype}; use .float()")
    if log_target:
        loss = reduce_to(exp(target) * (target - input), reduction)
    else:
        loss = _kl_div(input, target, reduction)
    return loss / input.shape[0] if by_batch and input.ndim else loss


@elementwise_loss
def _kl_div(input: Array, target: Array, reduction: str) -> Array:
    """target·(log target - input), without the logarithm where target is 0        any shape twice -> () or the same"""
    return np.where(target == 0, target, target * np.log(target)) - target * input


_kl_div.grad(
    input=lambda g, target, share: -g * share * target,
    target=lambda g, input, target, share: g * share * (where(eq(target, 0), 0, log(target)) + target / target - input),
)
_kl_div.explain(
    "The more probable a case is, the more its logarithm counts.",
    zero={"the target is 0": lambda target: target == 0},
    input=lambda reduction="mean": averaged("−g · target", reduction),
    target=lambda reduction="mean": averaged("g · (ln(target) + 1 − input)", reduction),
    numbers=SHARE,
)


# Labels of -1 and 1, or 0 and 1.


@appears("functional")
@in_float32
def soft_margin_loss(
    input: Array, target: Array, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Array:
    """mean of log(1 + e^(-target·input)), target -1 or 1        any shape twice -> ()

    RuntimeError where target does not broadcast to the shape of input.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.0, 100.0, 100.0])
    >>> loss = tg.nn.functional.soft_margin_loss(x, tg.tensor([1, 1, -1]), reduction="none")
    >>> [round(v, 4) for v in loss.tolist()]
    [0.6931, 0.0, 100.0]
    """
    reduction = reduction_of(reduction, size_average, reduce)
    target = _like("soft_margin_loss", target, input)
    if tuple(broadcast_shapes(tuple(input.shape), tuple(target.shape))) != tuple(input.shape):
        raise RuntimeError(
            f"soft_margin_loss: target {tuple(target.shape)} must have the shape of input {tuple(input.shape)}"
        )
    return reduce_to(softplus(-target * input), reduction)


@appears("function functional")
@in_float32
def hinge_embedding_loss(
    input: Array,
    target: Array,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """mean of input where target is 1, max(0, margin - input) where it is -1        any shape twice -> ()

    For input that measures how different a pair is: small for equal pairs, at least margin for the others.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.5, 0.25, 3.0])
    >>> tg.nn.functional.hinge_embedding_loss(x, tg.tensor([1, -1, -1]), reduction="none").tolist()
    [0.5, 0.75, 0.0]
    """
    reduction = reduction_of(reduction, size_average, reduce)
    losses = where(target != 1, clamp(margin - input, 0), 0.0) + where(target != -1, input, 0.0)
    return reduce_to(losses, reduction)


@appears("functional")
@in_float32
def multilabel_soft_margin_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """binary_cross_entropy_with_logits, its mean over the classes C        (N,C) (N,C) -> ()

    weight: (C,) a factor for each class.

    RuntimeError for a target of bool.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([[0.0, 100.0], [0.0, -100.0]])
    >>> F = tg.nn.functional
    >>> loss = F.multilabel_soft_margin_loss(x, tg.tensor([[1, 1], [0, 1]]), reduction="none")
    >>> [round(v, 4) for v in loss.tolist()]
    [0.3466, 50.3466]
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not hasattr(target, "dtype") or target.dtype.kind == "b":
        raise RuntimeError("multilabel_soft_margin_loss: target must be a Tensor of numbers, 0 or 1; use .float()")
    common = result_type(as_array(input), as_array(target))
    losses = _logit_loss(*(x if x.dtype == common else cast(x, common) for x in (input, target)), None, "none")
    losses = losses if weight is None else losses * weight
    return reduce_to(total(losses, input.ndim - 1) / input.shape[-1], reduction)
