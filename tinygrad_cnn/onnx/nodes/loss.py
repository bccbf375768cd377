"""How losses are written: those of classes as ONNX's own nodes, the others by their formulas."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ...compiler.program import Value
from ...ops import loss, multilabel
from ..writing import Writer, onnx_type, writes
from .reduce import reduced


def reduced_to(w: Writer, losses: Any, reduction: str) -> str:
    kind = {"mean": "ReduceMean", "sum": "ReduceSum"}.get(reduction)
    return losses if kind is None else reduced(w, kind, losses, None, False)


def _reduction(reduction: str, size_average: Any, reduce: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it was said when the model ran
        return loss.reduction_of(reduction, size_average, reduce)


@writes(loss.cross_entropy)
def _(w, input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing):
    shape = w.shape(input)
    if target.dtype.kind == "f" or len(shape) < 2:
        return None
    reduction = _reduction(reduction, size_average, reduce)
    labels = w.cast(target, np.dtype(np.int64), target.dtype)
    if not label_smoothing:
        return w.node("SoftmaxCrossEntropyLoss", input, labels, weight, ignore_index=ignore_index, reduction=reduction)
    logs = w.node("LogSoftmax", input, axis=1)
    at_1 = np.array([1])
    kept = w.node("Not", w.node("Equal", labels, np.array(ignore_index)))
    safe = w.node("Where", kept, labels, np.array(0))
    counts = w.node("Cast", kept, to=onnx_type(input.dtype))
    weighed = logs
    if weight is not None:
        counts = w.node("Mul", counts, w.node("Gather", weight, safe, axis=0))
        weighed = w.node("Mul", logs, _per_class(w, weight, len(shape)))
    picked = w.node("GatherElements", logs, w.node("Unsqueeze", safe, at_1), axis=1)
    own = w.node("Mul", w.node("Neg", w.node("Squeeze", picked, at_1)), counts)
    each = w.node("Neg", reduced(w, "ReduceSum", weighed, [1], False))
    each = w.node("Where", kept, each, w.like(input, 0))
    if reduction == "mean":
        total = reduced(w, "ReduceSum", counts, None, False)
        own, each = (w.node("Div", reduced(w, "ReduceSum", x, None, False), total) for x in (own, each))
    elif reduction == "sum":
        own, each = (reduced(w, "ReduceSum", x, None, False) for x in (own, each))
    part = w.node("Mul", each, w.like(input, label_smoothing / shape[1]))
    return w.node("Add", w.node("Mul", own, w.like(input, 1 - label_smoothing)), part)


def _per_class(w: Writer, weight: Value, rank: int) -> Any:
    """(C,) -> (C,1,...), which stands beside (N,C,...)"""
    return w.node("Unsqueeze", weight, np.arange(1, rank - 1)) if rank > 2 else weight


@writes(loss.nll_loss)
def _(w, input, target, weight, size_average, ignore_index, reduce, reduction):
    if len(w.shape(input)) < 2:
        return None
    more = dict(ignore_index=ignore_index, reduction=_reduction(reduction, size_average, reduce))
    labels = w.cast(target, np.dtype(np.int64), target.dtype)
    return w.node("NegativeLogLikelihoodLoss", input, labels, weight, **more)


@writes("_cross_entropy")
def _(w, input, target, reduction):
    return w.node("SoftmaxCrossEntropyLoss", input, target, reduction=reduction)


@writes("pick_class")
def _(w, input, target):
    return picked(w, input, w.cast(target, np.dtype(np.int64), target.dtype))


def picked(w: Writer, input: Any, labels: Any) -> str:
    """input[n, labels[n]]"""
    at_1 = np.array([1])
    return w.node("Squeeze", w.node("GatherElements", input, w.node("Unsqueeze", labels, at_1), axis=1), at_1)


@writes(loss.multi_margin_loss)
def _(w, input, target, p, margin, weight, size_average, reduce, reduction):
    if len(w.shape(input)) != 2:
        return None
    C, at_1 = w.shape(input)[1], np.array([1])
    own = w.node("GatherElements", input, w.node("Unsqueeze", target, at_1), axis=1)
    beyond = w.node("Add", w.node("Sub", w.like(input, margin), own), input)
    is_own = w.node("Equal", w.node("Unsqueeze", target, at_1), np.arange(C))
    beyond = w.node("Where", is_own, w.like(input, 0), w.node("Relu", beyond))
    beyond = beyond if p == 1 else w.node("Mul", beyond, beyond)
    losses = w.node("Div", reduced(w, "ReduceSum", beyond, [1], False), w.like(input, C))
    if weight is not None:
        losses = w.node("Mul", losses, w.node("Gather", weight, target, axis=0))
    return reduced_to(w, losses, _reduction(reduction, size_average, reduce))


@writes(multilabel.multilabel_margin_loss)
def _(w, input, target, size_average, reduce, reduction):
    if len(w.shape(input)) != 2:
        return None
    C, zero = w.shape(input)[1], w.like(input, 0)
    ended = w.node("Cast", w.node("Less", target, np.array(0)), to=onnx_type(input.dtype))
    counted = w.node("Equal", w.node("CumSum", ended, np.array(1)), zero)  # the labels in front of the first -1
    own = w.node("GatherElements", input, w.node("Where", counted, target, np.array(0)), axis=1)
    beyond = w.node("Add", w.node("Sub", w.like(input, 1), w.node("Unsqueeze", own, np.array([2]))),
                    w.node("Unsqueeze", input, np.array([1])))  # fmt: skip
    labels = w.node("Unsqueeze", w.node("Where", counted, target, np.array(-1)), np.array([2]))
    hits = w.node("Cast", w.node("Equal", labels, np.arange(C)), to=onnx_type(input.dtype))
    other = w.node("Equal", reduced(w, "ReduceMax", hits, [1], True), zero)
    counts = w.node("And", w.node("Unsqueeze", counted, np.array([2])), other)
    beyond = w.node("Where", counts, w.node("Relu", beyond), zero)
    losses = w.node("Div", reduced(w, "ReduceSum", beyond, [1, 2], False), w.like(input, C))
    return reduced_to(w, losses, _reduction(reduction, size_average, reduce))


@writes("_mse_loss")
def _(w, input, target, reduction):
    error = w.node("Sub", input, target)
    return reduced_to(w, w.node("Mul", error, error), reduction)


@writes("_l1_loss")
def _(w, input, target, reduction):
    return reduced_to(w, w.node("Abs", w.node("Sub", input, target)), reduction)


@writes("_huber")
def _(w, input, target, delta, divisor, reduction):
    error = w.node("Sub", input, target)
    near = w.node("Clip", error, w.like(input, -delta), w.like(input, delta))
    losses = w.node("Mul", near, w.node("Sub", error, w.node("Mul", near, w.like(input, 0.5))))
    return reduced_to(w, losses if divisor == 1 else w.node("Div", losses, w.like(input, divisor)), reduction)


@writes("_binary_cross_entropy")
def _(w, input, target, reduction):
    one, least = w.like(input, 1), w.like(input, -100)
    no = w.node("Max", w.node("Log", w.node("Sub", one, input)), least)
    yes = w.node("Max", w.node("Log", input), least)
    losses = w.node("Sub", w.node("Mul", w.node("Sub", target, one), no), w.node("Mul", target, yes))
    return reduced_to(w, losses, reduction)


@writes("_logit_loss")
def _(w, input, target, pos_weight, reduction):
    one = w.like(input, 1)
    pull = target if pos_weight is None else w.node("Mul", pos_weight, target)
    rest = w.node("Sub", one, target)
    # -log(1 - sigmoid(x)) is softplus(x), -log sigmoid(x) is softplus(-x)
    losses = w.node("Add", w.node("Mul", rest, w.node("Softplus", input)),
                    w.node("Mul", pull, w.node("Softplus", w.node("Neg", input))))  # fmt: skip
    return reduced_to(w, losses, reduction)


@writes("_kl_div")
def _(w, input, target, reduction):
    none = w.node("Equal", target, w.like(target, 0))
    own = w.node("Where", none, target, w.node("Mul", target, w.node("Log", target)))
    return reduced_to(w, w.node("Sub", own, w.node("Mul", target, input)), reduction)


@writes("_poisson_nll")
def _(w, input, target, log_input, full, eps, reduction):
    if log_input:
        losses = w.node("Sub", w.node("Exp", input), w.node("Mul", target, input))
    else:
        logs = w.node("Log", w.node("Add", input, w.like(input, eps)))
        losses = w.node("Sub", input, w.node("Mul", target, logs))
    if full:
        one = w.like(input, 1)
        many = w.node("Greater", target, one)
        large = w.node("Where", many, target, one)
        stirling = w.node("Sub", w.node("Mul", large, w.node("Log", large)), large)
        root = w.node("Log", w.node("Mul", large, w.like(input, 2 * math.pi)))
        stirling = w.node("Add", stirling, w.node("Mul", root, w.like(input, 0.5)))
        losses = w.node("Add", losses, w.node("Where", many, stirling, w.like(input, 0)))
    return reduced_to(w, losses, reduction)


@writes("_gaussian_nll")
def _(w, input, target, var, eps, constant, reduction):
    error, var = w.node("Sub", input, target), w.node("Max", var, w.like(input, eps))
    losses = w.node("Add", w.node("Log", var), w.node("Div", w.node("Mul", error, error), var))
    losses = w.node("Mul", losses, w.like(input, 0.5))
    return reduced_to(w, losses if not constant else w.node("Add", losses, w.like(input, constant)), reduction)
