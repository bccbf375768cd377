"""What several seeds need and none of them teaches: options, digits in one size or the other, honest evaluation."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import data, nn


def parser(doc: str | None, root: str) -> argparse.ArgumentParser:
    """The options of every seed. `doc` is the docstring of the script."""
    options = argparse.ArgumentParser(description=str(doc).splitlines()[0], allow_abbrev=False)
    options.add_argument("--root", default=root, help=f"where the data is (default: {root})")
    options.add_argument("--quick", action="store_true", help="seconds instead of minutes, on data that needs no files")
    options.add_argument("--out", help="a folder for pictures; none are written without it")
    options.add_argument("--seed", type=int, default=0, help="of all random numbers (default: 0)")
    return options


def read_digits(quick: bool, root: str) -> tuple[tg.Tensor, tg.Tensor, tg.Tensor, tg.Tensor]:
    """MNIST (N,1,28,28), or the packaged digits (N,1,8,8): training images and labels, test images and labels."""
    x, y, test_x, test_y = map(tg.from_numpy, data.load("digits") if quick else data.load("mnist", root))
    return x, y, test_x, test_y


def ascii_image(image: tg.Tensor) -> str:
    """A grey picture (H,W) as text, two characters a pixel so that it is not squeezed; bright is dense."""
    low, high = image.min().item(), image.max().item()
    shades = ((image - low) / max(high - low, 1e-12) * 9).round().long().tolist()
    return "\n".join("".join(" .:-=+*#%@"[shade] * 2 for shade in row).rstrip() for row in shades)


def shuffled(images: tg.Tensor, labels: tg.Tensor, batch_size: int) -> Iterator[tuple[tg.Tensor, tg.Tensor]]:
    """One epoch of batches, every image once, in a new order."""
    order = tg.randperm(len(images))
    for start in range(0, len(images), batch_size):
        chosen = order[start : start + batch_size]
        yield images[chosen], labels[chosen]


def evaluate(model: nn.Module, images: tg.Tensor, labels: tg.Tensor, batch_size: int = 500) -> tuple[float, float]:
    """Mean loss and accuracy; layers behave as they do in use, and nothing is recorded."""
    was_training = model.training
    model.eval()
    loss, right = 0.0, 0
    with tg.no_grad():
        for start in range(0, len(images), batch_size):
            x, y = images[start : start + batch_size], labels[start : start + batch_size]
            logits = model(x)
            loss += F.cross_entropy(logits, y, reduction="sum").item()
            right += (logits.argmax(1) == y).sum().item()
    model.train(was_training)
    return loss / len(images), right / len(images)


def ascii_curve(values: list[float], width: int = 64, height: int = 8) -> str:
    """Means of equally many values each, as columns of a text picture with the largest and the smallest beside it."""
    width = min(width, len(values))
    cuts = [len(values) * i // width for i in range(width + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(cuts)]
    low, high = min(means), max(means)
    levels = [round((mean - low) / max(high - low, 1e-12) * (height - 1)) for mean in means]
    rows = ["".join("*" if level == row else " " for level in levels) for row in reversed(range(height))]
    margin = [f"{high:7.3f}", *["       "] * (height - 2), f"{low:7.3f}"]
    return "\n".join(f"{label} |{row.rstrip()}" for label, row in zip(margin, rows))
