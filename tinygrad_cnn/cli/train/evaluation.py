"""How good a network is on images that it was not trained on."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..ranks import Ranks
from .data import Data


class Score(NamedTuple):
    """The mean loss on n images, and how many of them are classified right."""

    loss: float
    correct: int
    n: int

    @property
    def accuracy(self) -> float:
        return self.correct / self.n

    def __str__(self) -> str:
        return f"accuracy {self.accuracy:.2%} ({self.correct} of {self.n})"


def evaluate(model: Any, data: Data, part: str, ranks: Ranks) -> Score:
    """Judge the network by a part of the data; each rank looks at a share of it."""
    import tinygrad_cnn as tg

    model.eval()
    total, correct = 0.0, 0
    with tg.no_grad():
        for images, labels in data.batches(part, ranks.rank, ranks.size):
            logits = model(images)
            total += tg.nn.functional.cross_entropy(logits, labels, reduction="sum").item()
            correct += int((logits.argmax(1) == labels).sum().item())
    total, correct = ranks.summed(total, correct)
    n = len(data.parts[part])
    return Score(total / n, correct, n)
