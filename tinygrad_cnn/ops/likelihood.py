"""Negative log-likelihoods: how surprising a number is, where a distribution was expected."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.dtypes import floating
from ..arrays.types import Array, Number
from ..engine.broadcast import in_float32
from ..engine.tensor import Tensor
from ..kernels.at_once import how_many
from .checks import every
from .choice import where
from .compare import gt
from .declared import appears
from .elementwise import sub
from .loss import SHARE, averaged, elementwise_loss, reduction_of
from .pointwise import elementwise
from .shape import unsqueeze
from .unary import exp, log, square


@appears("function functional")
@in_float32
def poisson_nll_loss(
    input: Array,
    target: Array,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """mean of e^input - target·input: counts with a Poisson distribution        any shape twice -> ()

    input: the logarithm of the expected count, or that count itself with log_input=False (eps keeps its logarithm
    finite). full: add Stirling's approximation of log(target!), where target > 1.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.0, 1.0], requires_grad=True)
    >>> loss = tg.nn.functional.poisson_nll_loss(x, tg.tensor([1.0, 3.0]), reduction="none")
    >>> loss.sum().backward()
    >>> [round(v, 4) for v in loss.tolist()], [round(v, 4) for v in x.grad.tolist()]
    ([1.0, -0.2817], [0.0, -0.2817])
    """
    reduction = reduction_of(reduction, size_average, reduce)
    return _poisson_nll(input, target, log_input, full, eps, reduction)


@elementwise_loss
def _poisson_nll(input: Array, target: Array, log_input: bool, full: bool, eps: float, reduction: str) -> Array:
    """e^input - target·input, with the count's logarithm or the count        any shape twice -> () or the same"""
    input, target = floating(input, target)
    losses = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    if not full:
        return losses
    large = np.where(target > 1, target, 1)
    stirling = large * np.log(large) - large + np.log(large * (2 * math.pi)) * 0.5
    return losses + np.where(target > 1, stirling, 0)


def _poisson_nll_to_target(
    g: Any, input: Any, target: Any, log_input: bool, full: bool, eps: float, share: float
) -> Any:
    slope = -input if log_input else -log(input + eps)
    if full:
        large = where(gt(target, 1), target, 1.0)
        slope = slope + where(gt(target, 1), log(large) + 0.5 / large, 0.0)
    return g * share * slope


_poisson_nll.grad(
    input=lambda g, input, target, log_input, eps, share: (
        g * share * (exp(input) - target if log_input else 1 - target / (input + eps))
    ),
    target=_poisson_nll_to_target,
)
_poisson_nll.explain(
    "The expected count less the true one.",
    input=lambda log_input=True, reduction="mean": averaged(
        "g · (e^{input} − target)" if log_input else "g · (1 − target / (input + eps))", reduction
    ),
    target=lambda log_input=True, full=False, reduction="mean": averaged(
        f"g · ({'[target > 1] · (ln(max(target, 1)) + 0.5 / max(target, 1))' * full or '0'}"
        f" − {'input' if log_input else 'ln(input + eps)'})",
        reduction,
    ),
    numbers=SHARE,
)


@appears("functional")
@in_float32
def gaussian_nll_loss(
    input: Array, target: Array, var: Array | Number, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Array:
    """mean of (log var + (input - target)² / var) / 2: numbers with a normal distribution        any shape twice -> ()

    var: the variance, a number or a Tensor of the shape of input, or with the last axis of length 1 or missing.
    It counts as eps where it is smaller. full: add the constant log(2π)/2. (Nix and Weigend, 1994.)

    ValueError where a variance is negative or has another shape.

    >>> import tinygrad_cnn as tg
    >>> x, y = tg.tensor([1.0, 3.0]), tg.tensor([1.0, 1.0])
    >>> F = tg.nn.functional
    >>> F.gaussian_nll_loss(x, y, var=tg.ones(2), reduction="none").tolist(), F.gaussian_nll_loss(x, y, 1.0).item()
    ([0.0, 2.0], 1.0)
    """
    reduction = reduction_of(reduction)
    if how_many(_negative, np.asarray(every(var))):
        raise ValueError("gaussian_nll_loss: var has negative entries")
    if isinstance(var, Tensor | np.ndarray) and var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = unsqueeze(var, -1)
        elif var.ndim != input.ndim or [n for m, n in zip(input.shape, var.shape) if m != n] != [1]:
            raise ValueError(
                f"gaussian_nll_loss: var {tuple(var.shape)} is of incorrect size for input {tuple(input.shape)}; "
                "it may differ in one axis, of length 1"
            )
    if not isinstance(var, Tensor | np.ndarray):
        var = np.asarray(var, input.dtype)
    return _gaussian_nll(input, target, var, eps, 0.5 * math.log(2 * math.pi) if full else 0.0, reduction)


def _negative(value: np.ndarray) -> np.ndarray:
    return np.where(value < 0, np.float32(1), np.float32(0))


@elementwise
def _at_least(var: Array, eps: float) -> Array:
    """max(var, eps), but as in PyTorch, the gradient passes below eps, too        any shape -> the same"""
    return np.maximum(var, eps)


_at_least.grad(var=lambda g: g)
_at_least.explain("The gradient passes as if nothing had been held.", var="g")


@elementwise_loss
def _gaussian_nll(input: Array, target: Array, var: Array, eps: float, constant: float, reduction: str) -> Array:
    """(log v + (input - target)² / v) / 2 + constant, v = max(var, eps)        any shape thrice -> () or the same"""
    var = np.maximum(var, eps)
    return (np.log(var) + square(sub(input, target)) / var) * 0.5 + constant


def _gaussian_nll_to_var(g: Any, input: Any, target: Any, var: Any, eps: float, share: float) -> Any:
    var = _at_least(var, eps)
    return g * (0.5 * share) * (1 - square(sub(input, target)) / var) / var


_gaussian_nll.grad(
    input=lambda g, input, target, var, eps, share: g * share * sub(input, target) / _at_least(var, eps),
    target=lambda g, input, target, var, eps, share: g * share * sub(target, input) / _at_least(var, eps),
    var=_gaussian_nll_to_var,
)
_gaussian_nll.explain(
    "The error in units of the variance.",
    zero={"input and target are equal": lambda input, target: input == target},
    input=lambda reduction="mean": averaged("g · (input − target) / v", reduction) + ", where v = max(var, eps)",
    target=lambda reduction="mean": averaged("g · (target − input) / v", reduction) + ", where v = max(var, eps)",
    var=lambda reduction="mean": (
        averaged("g · (1 − (input − target)^2 / v) / (2 · v)", reduction) + ", where v = max(var, eps)"
    ),
    numbers=SHARE,
)
