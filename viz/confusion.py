"""Which classes are taken for which, and by which images.

counts[t, p] is how many images of class t were predicted to be of class p. Precision of a class: of the images
that were predicted to be it, how many are. Recall: of the images that are it, how many were predicted to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_cnn import metrics
from tinygrad_cnn.engine.tensor import as_array

from .names import printable
from .samples import number


class Confusion:
    """The result of `confusion_matrix`: `counts` (K,K), `classes`, and which images are in each cell.

    >>> Confusion(np.array([0, 1]), np.array([0, 0]), ["cat", "dog"]).counts.tolist()
    [[1, 1], [0, 0]]
    """

    def __init__(self, predictions: np.ndarray, labels: np.ndarray, classes: list[str]):
        self.predictions, self.labels, self.classes = predictions, labels, classes
        k = len(classes)
        self.counts = metrics.confusion_matrix(predictions, labels, k).numpy() if len(labels) else np.zeros((k, k), int)

    def images(self, label: int, prediction: int) -> np.ndarray:
        """The numbers of the images of class `label` that were predicted to be `prediction`."""
        return np.flatnonzero((self.labels == label) & (self.predictions == prediction))

    @property
    def accuracy(self) -> float:
        """The share of right predictions; NaN of none."""
        return float(np.trace(self.counts) / len(self.labels)) if len(self.labels) else float("nan")

    @property
    def precision(self) -> np.ndarray:
        """Right ones among those predicted, (K,); NaN for a class that was never predicted."""
        return _share(np.diag(self.counts), self.counts.sum(0))

    @property
    def recall(self) -> np.ndarray:
        """Right ones among those that are, (K,); NaN for a class without images."""
        return _share(np.diag(self.counts), self.counts.sum(1))

    @property
    def f1(self) -> np.ndarray:
        """2·right / (predicted + are), the harmonic mean of both, (K,); NaN where there is neither."""
        return _share(2 * np.diag(self.counts), self.counts.sum(0) + self.counts.sum(1))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, with the images of each cell that is not empty as [label, prediction, [numbers]]."""
        cells = [[int(t), int(p), self.images(t, p).tolist()] for t, p in np.argwhere(self.counts)]
        return {
            "classes": self.classes,
            "counts": self.counts.tolist(),
            "accuracy": number(self.accuracy),
            **{name: [number(x) for x in getattr(self, name)] for name in ("precision", "recall", "f1")},
            "cells": cells,
        }

    def __str__(self) -> str:
        classes = list(map(printable, self.classes))
        head = ["", *classes, "recall"]
        rows = [
            [name, *map(str, row), _percent(r)] for name, row, r in zip(classes, self.counts, self.recall, strict=True)
        ]
        rows.append(["precision", *map(_percent, self.precision), _percent(self.accuracy)])
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        return "\n".join("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in [head, *rows])

    def __repr__(self) -> str:
        return f"<Confusion of {len(self.labels)} images in {len(self.classes)} classes, accuracy {self.accuracy:.2%}>"


def confusion_matrix(input: Any, target: Any, classes: int | Sequence[str] | None = None) -> Confusion:
    """counts[t,p] = |{n : target[n] = t, input[n] = p}|        (N,) or (N,K), (N,) -> (K,K)

    The arguments of `metrics.confusion_matrix`. input: the predicted classes (N,), or logits (N,K), of which the
    largest counts. target: the true classes. classes: how many, or their names; by default up to the largest that
    occurs. Raises a ValueError where the shapes differ, and for a class that does not exist.

    >>> found = confusion_matrix([0, 1, 1, 1], [0, 0, 1, 2], ["cat", "dog", "bird"])
    >>> found.counts.tolist()
    [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    >>> found.images(0, 1).tolist(), found.recall.tolist()
    ([1], [0.5, 1.0, 0.0])
    """
    p, t = np.asarray(as_array(input)), np.asarray(as_array(target))
    shape, width = p.shape, 0
    if p.ndim == 2 and p.shape[1]:
        width, p = p.shape[1], p.argmax(1)
    if t.ndim != 1 or t.shape != p.shape:
        raise ValueError(f"confusion_matrix: expected input (N,) or (N,K) and target (N,), got {shape} and {t.shape}")
    if t.size and (t.dtype.kind not in "iub" or p.dtype.kind not in "iub"):
        raise TypeError(f"confusion_matrix: classes must be integers, got input {p.dtype} and target {t.dtype}")
    p, t = p.astype(np.int64), t.astype(np.int64)
    least = max(t.max(initial=-1), p.max(initial=-1)) + 1
    if classes is None:
        classes = int(max(least, width))
    names = [str(i) for i in range(classes)] if isinstance(classes, int) else [str(name) for name in classes]
    lowest = min(t.min(initial=0), p.min(initial=0))
    if lowest < 0 or least > len(names):
        wrong = lowest if lowest < 0 else least - 1
        raise ValueError(f"confusion_matrix: class {wrong} does not exist; there are {len(names)}, counted from 0")
    return Confusion(p, t, names)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _percent(x: float) -> str:
    return "-" if np.isnan(x) else f"{x:.1%}"
