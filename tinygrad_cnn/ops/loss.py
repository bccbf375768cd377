"""Losses of classification: one number that says how far the scores of C classes are from the true class.

Every loss gives a number for each element or example, then their mean, their sum, or as they are:
`reduction="mean" | "sum" | "none"`. `size_average` and `reduce` are PyTorch's old way to say the same.

N batch, C classes. Scores are (N,C), or (N,C,d1,...) for a class at each place, or (C,) for one example.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..arrays.dtypes import result_type
from ..arrays.lines import user_level
from ..arrays.types import Array
from ..engine.broadcast import in_float32
from ..engine.call import op
from ..engine.tensor import as_array
from ..kernels import kernel
from ..kernels.at_once import at_once, summed_in_one_pass
from .checks import every
from .choice import where
from .compare import gt
from .declared import appears
from .index import getitem
from .pairs import apart
from .reduce import average, mean
from .reduce import sum as total
from .shape import movedim, reshape, unsqueeze
from .softmax import log_softmax
from .unary import square


def reduction_of(reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> str:
    """One of mean, sum and none, from it or from the old flags."""
    if size_average is None and reduce is None:
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"{reduction} is not a valid value for reduction; there are 'mean', 'sum' and 'none'")
        return reduction
    size_average = size_average is None or size_average
    chosen = "none" if reduce is not None and not reduce else "mean" if size_average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction={chosen!r} instead.",
        stacklevel=user_level(),
    )
    return chosen


def reduce_to(losses: Any, reduction: str) -> Any:
    if reduction == "mean":
        return mean(losses)
    return total(losses) if reduction == "sum" else losses


def reduce_array(losses: np.ndarray, reduction: str) -> Any:
    """The same for an array inside an op, where every microsecond counts."""
    if reduction == "none":
        return losses
    everything = tuple(range(losses.ndim))
    return kernel.sum(losses, everything, False) if reduction == "sum" else average(losses, everything)


def elementwise_loss(each: Callable) -> Any:
    """`op` of a function that does the same to every number, `each(input, target, ..., reduction)`, reduced as it says.

    Function and sum are one loop on big arrays, and so is each rule, which is handed `share`: how much of the result
    each number's loss is, 1/n in a mean. Where inputs broadcast it has the shape that they have together: so has the
    gradient, then, by a rule that names only one of them.
    """
    run = at_once(each)

    @wraps(each)
    def forward(*args: Any) -> Any:
        reduction = args[-1]
        if not isinstance(args[0], np.ndarray):
            raise TypeError(f"{each.__name__.strip('_')}: input must be a Tensor, got {type(args[0]).__name__}")
        arrays = [a for a in args if isinstance(a, np.ndarray)]
        if any(a.dtype is not arrays[0].dtype for a in arrays):  # NumPy would count those without axes as well
            common = result_type(*arrays)
            wrong = lambda a: isinstance(a, np.ndarray) and a.dtype.kind != "b" and a.dtype != common
            args = tuple([a.astype(common) if wrong(a) else a for a in args])
            arrays = [a for a in args if isinstance(a, np.ndarray)]
        if reduction == "none":
            return run(*args), 1.0
        try:
            shape = np.broadcast_shapes(*[a.shape for a in arrays])
        except ValueError:
            raise RuntimeError(apart(each.__name__.strip("_"), *arrays)) from None
        divisor = math.prod(shape) if reduction == "mean" else 1
        out = summed_in_one_pass(each, args, divisor)
        share: Any = 1 / max(divisor, 1)
        if any(a.shape != shape for a in arrays):
            share = np.broadcast_to(np.asarray(share, np.result_type(*arrays)), shape)
        return reduce_array(each(*args), reduction) if out is None else out, share

    return op(forward, keeps="share", pointwise=True)


def averaged(formula: str, reduction: str) -> str:
    """The formula of a loss's gradient, with the share of each number in a mean."""
    return f"{formula} / n" if reduction == "mean" else formula


SHARE = {"n": lambda input_shape, target_shape: math.prod(np.broadcast_shapes(input_shape, target_shape))}


@op(keeps=("highest", "powers"))
def _cross_entropy(input: Array, target: Array, reduction: str) -> Array:
    """log Σ exp(input[n]) - input[n, target[n]], reduced        (N,C) (N,) -> () or (N,)"""
    losses, highest, powers = kernel.cross_entropy(input, target)
    return reduce_array(losses, reduction), highest, powers


def _cross_entropy_back(g, input, target, reduction, highest, powers):
    """(softmax(input) - one-hot(target)) times each example's share of g."""
    if reduction != "none":
        share, g = g / len(input) if reduction == "mean" else g, np.empty(len(input), input.dtype)
        g[...] = share
    return (kernel.cross_entropy_backward(g, input, highest, powers, target),)


_cross_entropy.joint_grad(_cross_entropy_back, inputs=("input",))


@_cross_entropy.meaning
def _(input, target, reduction):
    return reduce_to(-pick_class(log_softmax(input, 1), target), reduction)


_cross_entropy.explain(
    "Softmax and logarithm cancel: the probabilities p less the truth y, 1 at the label and 0 elsewhere.",
    input=lambda reduction="mean": (
        f"{dict(mean='g / N', sum='g', none='g[n]')[reduction]} · (p − y), "
        "where p = softmax(input), y = onehot(target, C)"
    ),
    numbers={"N": lambda input_shape: input_shape[0], "C": lambda input_shape: input_shape[1]},
)


@op
def pick_class(input: Array, target: Array) -> Array:
    """input[n, target[n]]        (N,C) (N,) -> (N,)"""
    return input[np.arange(len(input)), target]


pick_class.grad(input=lambda g, target, input_shape: place_class(g, target, input_shape), target=None)
pick_class.explain(
    "The gradient of a row goes to the class that was picked; the others get zero.",
    zero="these classes were not picked",
    input="g[n] · onehot(target, C)",
    numbers={"C": lambda input_shape: input_shape[1]},
)


@op
def place_class(grad: Array, target: Array, input_shape: tuple) -> Array:
    """grad[n] at [n, target[n]], 0 elsewhere        (N,) (N,) -> (N,C)"""
    out = np.zeros(input_shape, grad.dtype)
    out[np.arange(len(out)), target] = grad
    return out


place_class.grad(grad=lambda g, target: pick_class(g, target), target=None)
place_class.explain("The gradient is picked where the value was placed.", grad="[n] = g[n, target[n]]")


@appears("functional")
@in_float32
def cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Array:
    """-log softmax(input)[target]: the surprise of the true class        (N,C) (N,) -> ()

    input: logits (N,C), (N,C,d1,...) or (C,); softmax is inside.
    target: the class of each example, int64 (N,), (N,d1,...) or (); or probabilities of the shape of input.
    weight: (C,) a factor for each class; the mean is then the weighted one. ignore_index: examples of this class
    count for nothing. label_smoothing: ε; the target becomes (1-ε)·target + ε/C.

    Raises a ValueError for another number of examples, an IndexError for a class outside 0..C-1, a RuntimeError
    for other shapes and dtypes.

    >>> import tinygrad_cnn as tg
    >>> logits = tg.zeros(1, 4, requires_grad=True)
    >>> loss = tg.nn.functional.cross_entropy(logits, tg.tensor([2]))
    >>> round(loss.item(), 4)
    1.3863
    >>> loss.backward()
    >>> logits.grad.tolist()
    [[0.25, 0.25, -0.75, 0.25]]
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"cross_entropy: label_smoothing must be between 0 and 1, got {label_smoothing}")
    _check_logits("cross_entropy", input, target, weight)
    scores, classes = as_array(input), as_array(target)
    if scores.shape == classes.shape and scores.ndim and (scores.ndim > 1 or classes.dtype.kind == "f"):
        return _soft_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
    rows, labels, kept, shape = _examples("cross_entropy", input, target, ignore_index)
    if weight is None and kept is None and not label_smoothing:
        losses = _cross_entropy(rows, labels, reduction)
        return losses if reduction != "none" else reshape(losses, shape)
    logs = log_softmax(rows, 1)
    loss = _class_loss(logs, labels, kept, weight, reduction)
    if label_smoothing:
        # A target of 1/C for every class: the mean of the losses that each class would have given.
        each = -total(logs if weight is None else logs * weight, 1)
        counts = _counts(labels, kept, weight, logs.dtype)
        even = _reduce_counted(each if kept is None else where(kept, each, 0.0), counts, reduction)
        loss = (1 - label_smoothing) * loss + label_smoothing / rows.shape[1] * even
    return loss if reduction != "none" else reshape(loss, shape)


@appears("functional")
@in_float32
def nll_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """-input[n, target[n]], the negative log-likelihood        (N,C) (N,) -> ()

    input: log-probabilities, as log_softmax gives them; the rest as in cross_entropy with classes.

    It raises what cross_entropy does.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.nll_loss(tg.tensor([[-1.0, -2.0]]), tg.tensor([1])).item()
    2.0
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if input.ndim == 0:
        raise ValueError("nll_loss: expected input (C,), (N, C) or (N, C, d1, ...), got a number")
    _check_logits("nll_loss", input, target, weight)
    rows, labels, kept, shape = _examples("nll_loss", input, target, ignore_index)
    loss = _class_loss(rows, labels, kept, weight, reduction)
    return loss if reduction != "none" else reshape(loss, shape)


@appears("functional")
@in_float32
def multi_margin_loss(
    input: Array,
    target: Array,
    p: int = 1,
    margin: float = 1.0,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """Σ over j ≠ target of max(0, margin - input[target] + input[j])^p / C        (N,C) (N,) -> ()

    The multi-class hinge, the loss of a support vector machine. p: 1 or 2. weight: (C,) a factor for each class.
    (Crammer and Singer, 2001.)

    ValueError for another p, RuntimeError for shapes that do not fit and classes that are not there.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.functional.multi_margin_loss(tg.tensor([[3.0, 2.5, -1.0]]), tg.tensor([0])).item()
    0.1666666716337204
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p must be 1 or 2, got {p}")
    if input.ndim > 2:
        raise RuntimeError(f"multi_margin_loss: expected input (N, C) or (C,), got {tuple(input.shape)}")
    _check_logits("multi_margin_loss", input, target, weight)
    shape, classes = tuple(target.shape), reshape(target, (-1,))
    labels = as_array(classes)
    rows = input if input.ndim == 2 else reshape(input, (1, -1))
    N, C = rows.shape
    if labels.dtype != np.int64:
        raise RuntimeError(f"multi_margin_loss: expected target dtype int64, got {labels.dtype}; use .long()")
    if target.ndim > 1 or len(labels) != N:
        raise RuntimeError(f"multi_margin_loss: target must be one class for each of the {N} examples, got {shape}")
    if N and not 0 <= labels.min() <= labels.max() < C:
        raise RuntimeError(
            f"multi_margin_loss: target out of range: the classes are 0 to {C - 1}, got {labels.tolist()}"
        )
    beyond = margin - unsqueeze(pick_class(rows, classes), 1) + rows
    counts = as_array(gt(beyond, 0)) & (labels[:, None] != np.arange(C))  # none at the margin itself
    beyond = where(counts, beyond, 0)
    losses = total(beyond if p == 1 else square(beyond), 1) / C
    if weight is not None:
        losses = losses * as_array(weight)[labels]
    return reduce_to(losses, reduction) if reduction != "none" else reshape(losses, shape)


def _check_logits(name: str, input: Any, target: Any, weight: Any) -> None:
    if not hasattr(target, "dtype"):
        raise TypeError(f"{name}: target must be a Tensor, got {type(target).__name__}")
    if input.dtype.kind != "f":
        raise NotImplementedError(f"{name}: input is {input.dtype}, it must be floating; convert it with .float()")
    if weight is not None:
        C = input.shape[min(input.ndim - 1, 1)] if input.ndim else 0
        if weight.shape != (C,):
            raise RuntimeError(
                f"{name}: weight must have one factor for each of the {C} classes, got shape {tuple(weight.shape)}"
            )
        if weight.dtype != input.dtype:
            raise RuntimeError(f"{name}: input is {input.dtype} but weight is {weight.dtype}; they must be equal")


def _examples(name: str, input: Any, target: Any, ignore_index: int) -> tuple:
    """Logits as rows (M,C), their classes (M,), which of them count (None for all), the shape of the losses."""
    scores, labels, classes = as_array(input), as_array(target), target
    if labels.dtype != np.int64 and labels.dtype != np.uint8:
        raise RuntimeError(
            f"{name}: expected target dtype int64 or uint8, the class of each example, got {labels.dtype}; "
            "use .long(), or probabilities of the shape of input"
        )
    shape = labels.shape
    if scores.ndim == 2:
        if labels.ndim == 1 and len(labels) != len(scores):
            raise ValueError(
                f"{name}: expected input batch_size ({len(scores)}) to match target batch_size ({len(labels)})"
            )
        if labels.ndim != 1:
            raise RuntimeError(
                f"{name}: expected one class for each of the {len(scores)} examples of input {scores.shape}, "
                f"a target of shape ({len(scores)},), got {shape}"
            )
    elif scores.ndim < 2:
        if labels.size != 1 or labels.ndim > 1:
            raise ValueError(f"{name}: for one example (C,), target must have size 1, got target size {shape}")
        input, classes = reshape(input, (1, -1)), reshape(target, (1,))
    else:
        if shape[:1] != scores.shape[:1]:
            raise ValueError(
                f"{name}: expected input batch_size ({scores.shape[0]}) to match target batch_size ({shape[:1]})"
            )
        if shape[1:] != scores.shape[2:]:
            raise RuntimeError(
                f"{name}: input {scores.shape} has a class at each of {scores.shape[2:]} places, target "
                f"must be {(scores.shape[0], *scores.shape[2:])}, got {shape}"
            )
        input, classes = reshape(movedim(input, 1, -1), (-1, scores.shape[1])), reshape(target, (-1,))
    C = as_array(input).shape[1]
    labels = as_array(classes)
    if not _all_count(every(classes), C, ignore_index):
        kept = labels != ignore_index
        outside = kept & ((labels < 0) | (labels >= C))
        if outside.any():
            raise IndexError(
                f"{name}: target {labels[outside][0]} is out of bounds: input {tuple(input.shape)} has {C} classes, "
                f"0 to {C - 1}"
            )
        if not kept.all():
            return input, np.where(kept, labels, 0), kept, shape
    return input, classes, None, shape


def _all_count(labels: np.ndarray, C: int, ignore_index: int) -> bool:
    """Whether these are classes from 0 to C - 1, none of which is to be ignored."""
    if 0 <= ignore_index < C and (labels == ignore_index).any():
        return False
    # As unsigned numbers the negative ones are very large, so one comparison is enough.
    unsigned = labels.view(np.uint64 if labels.itemsize == 8 else np.uint8)
    return not (labels.size and np.maximum.reduce(unsigned, axis=None) >= C)


def _counts(labels: Any, kept: Any, weight: Any, dtype: Any) -> np.ndarray | None:
    """How much each example counts in the mean; None if all count 1."""
    if weight is None:
        return None if kept is None else kept.astype(dtype)
    counts = as_array(getitem(as_array(weight), labels))
    return counts if kept is None else counts * kept


def _class_loss(logs: Any, labels: Any, kept: Any, weight: Any, reduction: str) -> Any:
    """-logs[n, labels[n]], times the weight of the class, reduced        (N,C) (N,) -> () or (N,)"""
    losses = -pick_class(logs, labels)
    counts = _counts(labels, kept, weight, logs.dtype)
    if weight is not None:
        losses = losses * counts
    if kept is not None:
        losses = where(kept, losses, 0.0)  # not a product: what is ignored may be infinite
    return _reduce_counted(losses, counts, reduction)


def _reduce_counted(losses: Any, counts: np.ndarray | None, reduction: str) -> Any:
    if reduction == "mean" and counts is not None:
        sum_of_counts = counts.sum()
        return total(losses) * (1 / sum_of_counts.item() if sum_of_counts else math.nan)
    return reduce_to(losses, reduction)


def _soft_cross_entropy(input, target, weight, ignore_index, reduction, smoothing):
    """-Σ target · log softmax(input) over the classes        (N,C,...) (N,C,...) -> () or (N,...)"""
    if target.dtype.kind != "f":
        raise RuntimeError(
            f"cross_entropy: expected floating point type for target with class probabilities {tuple(target.shape)}, "
            f"got {target.dtype}; a target of classes has no axis for them"
        )
    if ignore_index >= 0:
        raise RuntimeError("cross_entropy: ignore_index is not supported for a target of probabilities")
    dim = min(input.ndim - 1, 1)
    C = input.shape[dim]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / C
    if weight is not None:
        target = target * reshape(weight, (C, *(1,) * (input.ndim - dim - 1)))
    losses = -total(log_softmax(input, dim) * target, dim)
    return reduce_to(losses, reduction)
