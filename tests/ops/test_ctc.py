"""ctc_loss, as PyTorch's: texts in rows and in one, lengths, what is too long; and its gradient through log_softmax."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.testing import gradcheck

T, N, C = 6, 3, 4
SCORES = np.random.default_rng(0).normal(size=(T, N, C))
TEXTS = np.array([[1, 2, 2], [3, 0, 0], [2, 1, 3]])  # the first needs a blank between its twos

CALLS = {
    "rows": (SCORES, TEXTS, [6, 5, 4], [3, 1, 3], {}),
    "one behind the other": (SCORES, np.array([1, 2, 2, 3, 2, 1]), [6, 5, 4], [3, 1, 2], {"reduction": "sum"}),
    "another blank": (SCORES, TEXTS[:, 1:], [6, 6, 6], [2, 1, 1], {"blank": 3, "reduction": "none"}),
    "no letters": (SCORES, TEXTS, [6, 3, 1], [0, 0, 1], {"reduction": "none"}),
    "too long": (SCORES, TEXTS, [3, 1, 2], [3, 1, 3], {"reduction": "none"}),
    "too long, but zero": (SCORES, TEXTS, [3, 1, 2], [3, 1, 3], {"zero_infinity": True}),
    "of one example": (SCORES[:, 0], TEXTS[0], [6], [3], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_is_pytorchs(pytorch, name):
    def results(m):
        scores, texts, times, letters, how = CALLS[name]
        x = m.tensor(scores, requires_grad=True)
        f = m.nn.functional.ctc_loss if how.get("reduction") == "none" else m.nn.CTCLoss(**how)
        if how.get("reduction") == "none":
            loss = f(x.log_softmax(-1), m.tensor(texts), m.tensor(times), m.tensor(letters), **how)
        else:
            loss = f(x.log_softmax(-1), m.tensor(texts), tuple(times), tuple(letters))
        loss.sum().backward()
        return loss, x.grad, repr(m.nn.CTCLoss(blank=1))

    pytorch.agrees(results, rtol=1e-9, atol=1e-12)


def test_it_is_the_sum_over_all_paths():
    """Of scores that are no probabilities either; and a text in every path once."""
    logs = SCORES[:4, 0]

    def share(text):
        says = lambda path: [k for k, _ in itertools.groupby(path) if k]
        return sum(np.exp(logs[range(4), p].sum()) for p in itertools.product(range(C), repeat=4) if says(p) == text)

    assert share([1, 2, 2, 3]) == 0  # two twos need a blank between them, and a fifth time
    loss = F.ctc_loss(tg.tensor(logs), tg.tensor([1, 2, 2]), [4], [3], reduction="sum")
    assert loss.item() == pytest.approx(-np.log(share([1, 2, 2])))


def test_its_gradient_is_the_one_of_the_scores():
    texts, times, letters = tg.tensor(TEXTS), [6, 5, 6], [3, 1, 3]
    loss = lambda x: F.ctc_loss(x.log_softmax(2), texts, times, letters, reduction="none")
    assert gradcheck(loss, tg.tensor(SCORES, requires_grad=True))


def test_it_is_not_differentiated_again(pytorch):
    def kind(m):
        x = m.tensor(SCORES, requires_grad=True)
        loss = m.nn.functional.ctc_loss(x.log_softmax(2), m.tensor(TEXTS), (6, 5, 6), (3, 1, 3))
        (g,) = m.autograd.grad(loss, x, create_graph=True)
        try:
            g.square().sum().backward()
        except RuntimeError as error:
            return type(error).__name__

    pytorch.agrees(kind)


@pytest.mark.parametrize(
    "change",
    [
        {"log_probs": SCORES[0, 0]},
        {"input_lengths": [7, 6, 6]},
        {"input_lengths": [6, 6]},
        {"target_lengths": [4, 1, 1]},
        {"targets": np.array([1, 2, 3])},
        {"blank": 4},
        {"blank": -1},
        {"reduction": "most"},
        {"log_probs": np.ones((T, N, C), int)},
    ],
    ids=str,
)
def test_refusals_are_pytorchs(pytorch, change):
    def kind(m):
        given = dict(log_probs=SCORES, targets=TEXTS, input_lengths=[6, 6, 6], target_lengths=[3, 1, 3]) | change
        tensors = {k: m.tensor(v) if isinstance(v, np.ndarray | list) else v for k, v in given.items()}
        try:
            m.nn.functional.ctc_loss(**tensors)
        except (RuntimeError, ValueError) as error:
            return type(error).__name__

    pytorch.agrees(kind)
