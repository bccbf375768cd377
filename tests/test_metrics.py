"""Accuracy and the confusion matrix: tables of small cases."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.metrics import accuracy, confusion_matrix

SCORES = [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2]]


@pytest.mark.parametrize(
    ("input", "target", "k", "expected"),
    [
        (SCORES, [1, 0, 2, 0], 1, 1.0),
        (SCORES, [1, 0, 2, 1], 1, 0.75),  # of equal scores the first counts
        (SCORES, [1, 0, 2, 1], 2, 1.0),
        (SCORES, [0, 2, 1, 2], 2, 0.0),
        (SCORES, [0, 2, 1, 2], 3, 1.0),
        ([1, 0, 2, 0], [1, 1, 2, 2], 1, 0.5),
    ],
)
def test_accuracy(input, target, k, expected):
    assert accuracy(input, target, k) == expected
    assert accuracy(tg.tensor(input), tg.tensor(target), k) == expected


@pytest.mark.parametrize(
    ("input", "target", "num_classes", "expected"),
    [
        ([0, 1, 1], [0, 1, 0], None, [[1, 1], [0, 1]]),
        ([0, 1, 1], [0, 1, 0], 3, [[1, 1, 0], [0, 1, 0], [0, 0, 0]]),
        (SCORES, [1, 0, 2, 1], None, [[1, 0, 0], [1, 1, 0], [0, 0, 1]]),
    ],
)
def test_confusion_matrix(input, target, num_classes, expected):
    matrix = confusion_matrix(tg.tensor(input), target, num_classes)
    assert matrix.tolist() == expected
    assert matrix.dtype == tg.int64


def test_the_diagonal_counts_what_accuracy_counts():
    rng = np.random.default_rng(0)
    scores, target = rng.standard_normal((200, 7)), rng.integers(0, 7, 200)
    matrix = confusion_matrix(scores, target).numpy()
    assert matrix.sum() == 200
    assert matrix.trace() / 200 == accuracy(scores, target)
    assert matrix.sum(1).tolist() == np.bincount(target, minlength=7).tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy([[0.5, 0.5]], [0, 1]), r"\(1, 2\) and target \(2,\)"),
        (lambda: accuracy([0, 1], [0, 1], k=2), "k > 1 needs scores"),
        (lambda: accuracy(SCORES, [0, 0, 0, 0], k=4), "1 to 3"),
        (lambda: accuracy([], []), "no samples"),
        (lambda: confusion_matrix([0, 3], [0, 1], 3), "0 to 2"),
        (lambda: confusion_matrix([0, -1], [0, 1]), "outside"),
    ],
)
def test_errors_say_what_fits(call, message):
    with pytest.raises(ValueError, match=message):
        call()
