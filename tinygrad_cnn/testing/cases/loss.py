"""Losses: the law is the formula of the docstring, example by example where classes are concerned."""

from __future__ import annotations

import itertools
import math

import numpy as np

from . import Case, Labels, Positive, Probability, Unit
from .softmax import log_softmax

REDUCE = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}
SIGNS = np.array([1.0, -1.0, -1.0, 1.0])


def nll_loss(input, target, weight=None, ignore_index=-100, reduction="mean"):
    losses, counts = np.zeros(target.shape), np.zeros(target.shape)
    for at in np.ndindex(*target.shape):
        k = target[at]
        if k != ignore_index:
            counts[at] = 1 if weight is None else weight[k]
            place = (*at[:1], k, *at[1:])
            losses[at] = -input[place] * counts[at]
    return losses.sum() / counts.sum() if reduction == "mean" else REDUCE[reduction](losses)


def cross_entropy(input, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    dim = min(input.ndim - 1, 1)
    C = input.shape[dim]
    logs = log_softmax(input, dim)
    if target.shape == input.shape:
        target = target * (1 - label_smoothing) + label_smoothing / C
        factors = 1 if weight is None else weight.reshape(C, *[1] * (input.ndim - dim - 1))
        return REDUCE[reduction](-(logs * target * factors).sum(dim))
    if dim == 0:
        logs, target = logs[None], target.reshape(1)
    hard = nll_loss(logs, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return hard
    each = [nll_loss(logs, np.where(target == ignore_index, target, k), weight, ignore_index, "none") for k in range(C)]
    even = np.sum(each, 0)
    if reduction == "mean":
        kept = target != ignore_index
        even = even.sum() / (kept.sum() if weight is None else weight[target[kept]].sum())
    else:
        even = REDUCE[reduction](even)
    return (1 - label_smoothing) * hard + label_smoothing / C * even


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, reduction="mean"):
    losses = np.zeros(len(input))
    for n, k in enumerate(target):
        beyond = np.maximum(0, margin - input[n, k] + np.delete(input[n], k)) ** p
        losses[n] = beyond.sum() / input.shape[1] * (1 if weight is None else weight[k])
    return REDUCE[reduction](losses)


def paths_that_say(text, times, classes):
    """Every path of so many classes that says a text: repeated ones are one, and blanks, 0, are left out."""
    said = lambda path: [k for k, _ in itertools.groupby(path) if k]
    return [path for path in itertools.product(range(classes), repeat=times) if said(path) == list(text)]


def ctc_loss(log_probs, targets, times, letters):
    losses = []
    for n, (T, S) in enumerate(zip(times, letters, strict=True)):
        paths = paths_that_say(targets[n, :S], T, log_probs.shape[2])
        losses.append(-np.log(sum(np.exp(log_probs[range(T), n, path].sum()) for path in paths)) / S)
    return np.mean(losses)


def elementwise(f):
    """A loss of its formula for one element."""

    def loss(input, target, *more, reduction="mean", **attributes):
        return REDUCE[reduction](f(input, target, *more, **attributes))

    return loss


def huber(x, t, delta=1.0):
    e = np.abs(x - t)
    return np.where(e < delta, e**2 / 2, delta * (e - delta / 2))


def smooth_l1(x, t, beta=1.0):
    e = np.abs(x - t)
    return np.where(e < beta, e**2 / 2 / beta, e - beta / 2) if beta else e


def bce(p, t, weight=1):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)) * weight


def bce_with_logits(x, t, weight=1, pos_weight=1):
    p = 1 / (1 + np.exp(-x))
    return -(pos_weight * t * np.log(p) + (1 - t) * np.log(1 - p)) * weight


def kl_div(x, t, reduction="sum", log_target=False):
    t = np.exp(t) if log_target else t
    total = (t * (np.log(t) - x)).sum()
    return total / len(x) if reduction == "batchmean" else total


def distance(a, b, p=2.0, eps=1e-6):
    return (np.abs(a - b + eps) ** p).sum(-1) ** (1 / p)


def cosine(a, b, dim=1):
    return (a * b).sum(dim) / np.sqrt((a * a).sum(dim) * (b * b).sum(dim))


def triplet(a, p, n, margin=1.0, swap=False):
    far = np.minimum(distance(a, n), distance(p, n)) if swap else distance(a, n)
    return np.maximum(0, distance(a, p) - far + margin).mean()


FOUR = np.array([0, 2, 1, 2])
IGNORING = np.array([0, -100, 1, 2])
PLACES = np.array([[0, 2], [1, 1]])
WEIGHTS = np.array([0.5, 2.0, 1.5])
BYTE = np.array([1, 0, 2, 2], np.uint8)

TEXTS = [np.array([[1, 2, 2], [2, 0, 0]]), np.array([5, 3]), np.array([3, 1])]

CASES = [
    Case("ctc_loss", [(5, 2, 3), *TEXTS], expected=ctc_loss, orders=0, note="whose gradient is that of the scores"),
    Case("_ctc_loss", [(5, 2, 3), *TEXTS], dict(blank=0, zero_infinity=True), orders=1),
    Case("cross_entropy", [(4, 3), FOUR], expected=cross_entropy),
    Case("cross_entropy", [(4, 3), BYTE], dict(reduction="sum"), expected=cross_entropy),
    Case("cross_entropy", [(4, 3), FOUR], dict(reduction="none"), expected=cross_entropy),
    Case("cross_entropy", [(4, 3), IGNORING], expected=cross_entropy),
    Case("cross_entropy", [(4, 3), FOUR], dict(ignore_index=2, reduction="none"), expected=cross_entropy),
    Case("cross_entropy", [(3,), np.array(1)], expected=cross_entropy),
    Case("cross_entropy", [(2, 3, 2), PLACES], expected=cross_entropy),
    Case("cross_entropy", [(2, 3, 2), PLACES], dict(reduction="none", label_smoothing=0.1), expected=cross_entropy),
    Case("cross_entropy", [(4, 3), FOUR], dict(label_smoothing=0.2), expected=cross_entropy),
    Case("cross_entropy", [(4, 3), IGNORING], dict(label_smoothing=0.2), expected=cross_entropy, note="ignoring"),
    Case(
        "cross_entropy",
        [(4, 3), IGNORING, WEIGHTS],
        dict(label_smoothing=0.3),
        expected=cross_entropy,
        orders=0,
    ),
    Case("cross_entropy", [(4, 3), FOUR, WEIGHTS], expected=cross_entropy, orders=0),
    Case("cross_entropy", [(4, 3), Probability(4, 3)], expected=cross_entropy, note="soft"),
    Case(
        "cross_entropy",
        [(2, 3, 2), Probability(2, 3, 2), Positive(3)],
        dict(label_smoothing=0.2, reduction="sum"),
        expected=cross_entropy,
        note="soft",
    ),
    Case("nll_loss", [(4, 3), FOUR], expected=nll_loss),
    Case("nll_loss", [(4, 3), IGNORING, WEIGHTS], expected=nll_loss, orders=0),
    Case("nll_loss", [(2, 3, 2), PLACES], dict(reduction="none"), expected=nll_loss),
    Case("multi_margin_loss", [(4, 3), FOUR], expected=multi_margin_loss),
    Case("multi_margin_loss", [(4, 3), FOUR, 2, 0.6], expected=multi_margin_loss),
    Case("multi_margin_loss", [(4, 3), FOUR, 1, 0.5, WEIGHTS], expected=multi_margin_loss, orders=0),
    Case("multi_margin_loss", [(4, 3), Labels(4, classes=3)], dict(reduction="none"), expected=multi_margin_loss),
    Case("mse_loss", [(2, 3), (2, 3)], expected=elementwise(lambda x, t: (x - t) ** 2)),
    Case("mse_loss", [(2, 3), Unit(2, 3)], dict(reduction="none"), expected=elementwise(lambda x, t: (x - t) ** 2)),
    Case("mse_loss", [(3,), Unit(3)], dict(reduction="sum"), expected=elementwise(lambda x, t: (x - t) ** 2)),
    Case("l1_loss", [(2, 3), Unit(2, 3)], expected=elementwise(lambda x, t: np.abs(x - t))),
    Case("huber_loss", [(2, 4), Unit(2, 4)], dict(delta=0.7), expected=elementwise(huber)),
    Case("smooth_l1_loss", [(2, 4), Unit(2, 4)], dict(beta=0.7), expected=elementwise(smooth_l1)),
    Case("smooth_l1_loss", [(2, 4), Unit(2, 4)], dict(beta=0.0), expected=elementwise(smooth_l1)),
    Case("binary_cross_entropy", [Probability(2, 3), Probability(2, 3)], expected=elementwise(bce)),
    Case("binary_cross_entropy", [Probability(2, 3), Probability(2, 3), Positive(3)], expected=elementwise(bce)),
    Case("binary_cross_entropy_with_logits", [(2, 3), Probability(2, 3)], expected=elementwise(bce_with_logits)),
    Case(
        "binary_cross_entropy_with_logits",
        [(2, 3), Probability(2, 3), Positive(2, 1)],
        dict(reduction="sum"),
        expected=elementwise(bce_with_logits),
    ),
    Case("kl_div", [Unit(2, 3), Probability(2, 3)], dict(reduction="sum"), expected=kl_div),
    Case("kl_div", [Unit(2, 3), Unit(2, 3)], dict(reduction="batchmean", log_target=True), expected=kl_div),
    Case("poisson_nll_loss", [(2, 3), Positive(2, 3)], expected=elementwise(lambda x, t: np.exp(x) - t * x)),
    Case(
        "poisson_nll_loss",
        [Positive(2, 3), Positive(2, 3)],
        dict(log_input=False),
        expected=elementwise(lambda x, t, log_input: x - t * np.log(x + 1e-8)),
    ),
    Case(
        "gaussian_nll_loss",
        [(2, 3), (2, 3), Positive(2, 1)],
        dict(full=True),
        expected=elementwise(lambda x, t, v, full: (np.log(2 * math.pi * v) + (x - t) ** 2 / v) / 2),
    ),
    Case("soft_margin_loss", [(4,), SIGNS], expected=elementwise(lambda x, t: np.log(1 + np.exp(-t * x)))),
    Case(
        "hinge_embedding_loss",
        [Positive(4), SIGNS],
        expected=elementwise(lambda x, t: np.where(t == 1, x, np.maximum(0, 1 - x))),
    ),
    Case(
        "multilabel_soft_margin_loss",
        [(2, 3), Probability(2, 3)],
        expected=lambda x, t: bce_with_logits(x, t).mean(1).mean(),
    ),
    Case("cosine_similarity", [(2, 3), (2, 3)], expected=cosine),
    Case("cosine_similarity", [(2, 3), (2, 1)], dict(dim=0), expected=cosine),
    Case("pairwise_distance", [(2, 3), (2, 3)], expected=distance),
    Case("pairwise_distance", [(2, 3), Unit(2, 3)], dict(p=3.0), expected=distance),
    Case(
        "cosine_embedding_loss",
        [(4, 3), (4, 3), SIGNS],
        dict(margin=-0.5),
        expected=lambda a, b, t, margin: np.where(
            t == 1, 1 - cosine(a, b), np.maximum(0, cosine(a, b) - margin)
        ).mean(),
    ),
    Case(
        "margin_ranking_loss",
        [(4,), Unit(4), SIGNS],
        dict(margin=0.1),
        expected=lambda a, b, t, margin: np.maximum(0, margin - t * (a - b)).mean(),
    ),
    Case("triplet_margin_loss", [(3, 4), Unit(3, 4), Unit(3, 4)], expected=triplet),
    Case("triplet_margin_loss", [(3, 4), Unit(3, 4), Unit(3, 4)], dict(margin=2.0, swap=True), expected=triplet),
]
