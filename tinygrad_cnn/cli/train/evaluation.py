"""How good a network is on images that it was not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ranks import Ranks

BATCH = 500


def evaluate(model: Any, images: np.ndarray, labels: np.ndarray, ranks: Ranks) -> tuple[float, int]:
    """The mean loss on these images, and how many are classified right; each rank looks at a share of them."""
    import tinygrad_cnn as tg

    model.eval()
    total, correct, n = 0.0, 0, len(images)
    images, labels = images[ranks.rank :: ranks.size], labels[ranks.rank :: ranks.size]
    with tg.no_grad():
        for i in range(0, len(images), BATCH):
            logits = model(tg.from_numpy(images[i : i + BATCH]))
            target = tg.from_numpy(labels[i : i + BATCH])
            total += tg.nn.functional.cross_entropy(logits, target, reduction="sum").item()
            correct += int((logits.argmax(1) == target).sum().item())
    total, correct = ranks.summed(total, correct)
    return total / n, correct
