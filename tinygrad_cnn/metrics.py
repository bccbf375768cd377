"""How good a classifier is: accuracy and the confusion matrix.

K classes, N samples. `input` holds the scores or probabilities (N, K), or the predicted classes (N,); `target` the
true classes (N,). All of them count and differentiate nothing, so that plain NumPy does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .engine.tensor import Tensor, as_array, wrap


def accuracy(input: Any, target: Any, k: int = 1) -> float:
    """The part of the samples whose true class is among the k of highest score: (N, K), (N,) -> a number

    Of equal scores those of lower class count as higher. Predicted classes (N,) may stand for the scores where k = 1.
    Raises a ValueError where shapes do not fit or there are no samples.

    >>> import tinygrad_cnn as tg
    >>> scores = tg.tensor([[0.1, 0.9, 0.0], [0.5, 0.3, 0.2]])
    >>> accuracy(scores, [1, 1]), accuracy(scores, [1, 1], k=2)
    (0.5, 1.0)
    """
    scores, true = _given("accuracy", input, target)
    if scores.ndim == 1:
        if k != 1:
            raise ValueError(f"accuracy: k is {k}, but classes {scores.shape} were given; k > 1 needs scores (N, K)")
        return float((scores == true).mean())
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"accuracy: k is {k}; with scores {scores.shape} it must be 1 to {scores.shape[1]}")
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float((best == true[:, None]).any(1).mean())


def confusion_matrix(input: Any, target: Any, num_classes: int | None = None) -> Tensor:
    """How many samples of class i were called j: (N, K) or (N,), (N,) -> int64 (K, K), a row for each true class

    num_classes: K; without it the number of scores, or the largest class and one.

    >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2]).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    """
    predicted, true = _given("confusion_matrix", input, target)
    if predicted.ndim == 2:
        num_classes = num_classes or predicted.shape[1]
        predicted = predicted.argmax(1)
    highest = int(max(predicted.max(), true.max()))
    classes = highest + 1 if num_classes is None else num_classes
    if min(predicted.min(), true.min()) < 0 or highest >= classes:
        raise ValueError(f"confusion_matrix: found classes outside of 0 to {classes - 1}; num_classes must cover them")
    counts = np.bincount(true.astype(np.int64) * classes + predicted.astype(np.int64), minlength=classes * classes)
    return wrap(counts.astype(np.int64).reshape(classes, classes))


def _given(name: str, input: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    first, true = _array(input), _array(target)
    if first.ndim not in (1, 2) or true.ndim != 1 or len(first) != len(true):
        raise ValueError(
            f"{name}: input {first.shape} and target {true.shape} do not fit; expected scores (N, K) or classes (N,), "
            "and true classes (N,)"
        )
    if len(true) == 0:
        raise ValueError(f"{name}: there are no samples")
    return first, true


def _array(values: Any) -> np.ndarray:
    return as_array(values) if isinstance(values, Tensor) else np.asarray(values)
