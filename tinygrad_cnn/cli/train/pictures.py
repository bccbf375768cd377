"""Pictures of one's own: DIR/CLASS/*.png, or the same in DIR/train, DIR/val and DIR/test. They stay on the disk until
they are needed.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ...data import Dataset
from .. import UserError
from ..card import Card, pillow, pixels
from .data import Data, network, source, split
from .options import is_share

PARTS = {"train": ["train"], "val": ["val", "valid", "validation"], "test": ["test"]}
Sample = tuple[str, int]
VAL = 0.2  # the share that is held out where nothing else is said
SIZE = 32
OWN = 64  # the largest size that pictures keep unasked
MEASURED = 2000  # pictures that mean and deviation are taken of
GREY = ("1", "L", "LA", "I", "F")  # and I;16, I;16B, ...: Pillow's modes without colours


class Pictures(Dataset[tuple[Any, int]]):
    """(picture as the network takes it, class) of each file, which is opened when it is asked for."""

    def __init__(self, root: Path, samples: list[Sample], card: Card):
        self.samples, self.card = samples, card
        self.names = [os.path.relpath(path, root) for path, _ in samples]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from ... import from_numpy

        path, label = self.samples[index]
        return from_numpy(self.card.picture(path)), label


def load_folder(options: argparse.Namespace) -> Data:
    """The data of --data folder."""
    parts, classes = parted(options)
    return as_data(Path(options.root), parts, measured(options, parts, classes))


def parted(options: argparse.Namespace) -> tuple[dict[str, list[Sample]], list[str]]:
    """The files of each part with their classes, and the names of the classes."""
    root = Path(options.root)
    folders = parts_of(root)
    samples, classes = samples_of(folders.pop("train"))
    if len(classes) < 2:
        raise UserError(f"--root: {root} has the one class {classes[0]!r}; to tell classes apart takes two")
    others = {name: samples_of(folder, classes)[0] for name, folder in folders.items()}
    if options.val is not None and not is_share(options.val):
        others["val"] = samples_of(Path(options.val), classes)[0]
    if options.limit and options.limit < len(samples):  # spread over all classes
        samples = [samples[i * len(samples) // options.limit] for i in range(options.limit)]
    if "val" not in others or (options.val is not None and is_share(options.val)):
        kept, held = split(labels_of(samples), float(options.val or VAL), options.seed or 0)
        samples, others["val"] = [samples[i] for i in kept], [samples[i] for i in held]
    return {"train": samples, **others}, classes


def to_judge(options: argparse.Namespace, card: Card, own: bool) -> Data:
    """The held out pictures of the network's own folder, or all of another one, with the classes of the network."""
    root = Path(options.root)
    if own:
        parts, _ = parted(options)
    else:
        parts = {name: samples_of(folder, card.classes)[0] for name, folder in parts_of(root).items()}
        if len(parts) == 1:  # not divided, so all are to be judged
            parts["test"] = parts["train"]
    del parts["train"]
    return as_data(root, parts, card._replace(data=vars(options)))


def as_data(root: Path, parts: dict[str, list[Sample]], card: Card) -> Data:
    return Data(
        {name: Pictures(root, part, card) for name, part in parts.items()},
        {name: labels_of(part) for name, part in parts.items()},
        card,
    )


def labels_of(samples: list[Sample]) -> np.ndarray:
    return np.array([label for _, label in samples], np.int64)


def parts_of(root: Path) -> dict[str, Path]:
    """The folders of the parts, if there are "train" and another one or nothing else; otherwise all is "train"."""
    if not root.is_dir():
        raise UserError(f"--root: {root} is no folder; expected one with a folder of pictures for each class")
    inner = {p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")}
    known = {name: part for part, names in PARTS.items() for name in names}
    named = sorted(inner & known.keys())
    if "train" not in named or (named == ["train"] and len(inner) > 1):
        return {"train": root}
    return {known[name]: root / name for name in named}


def samples_of(folder: Path, classes: list[str] | None = None) -> tuple[list[Sample], list[str]]:
    """(file, class) of all pictures, and the names of the classes, which may be given."""
    from ...vision.datasets import ImageFolder

    found = ImageFolder(str(folder))
    if classes is None:
        return found.samples, found.classes
    if unknown := [name for name in found.classes if name not in classes]:
        raise UserError(f"{folder}: there is no class {unknown[0]!r} to train on; there are {', '.join(classes)}")
    return [(path, classes.index(found.classes[label])) for path, label in found.samples], classes


def measured(options: argparse.Namespace, parts: dict[str, list[Sample]], classes: list[str]) -> Card:
    """What the pictures are resized to, and their mean and deviation: those of the training, channel by channel."""
    heads = [head(path) for part in parts.values() for path, _ in part]  # also to find what is none before the training
    sizes = Counter(size for size, _ in heads)
    own = next(iter(sizes))
    height, width = options.size or (own if len(sizes) == 1 and max(own) <= OWN else (SIZE, SIZE))
    grey = options.grey or all(mode in GREY or mode.startswith("I;16") for _, mode in heads)
    shape = (1 if grey else 3, height, width)
    train = parts["train"]
    some = train if len(train) <= MEASURED else [train[i * len(train) // MEASURED] for i in range(MEASURED)]
    total = np.zeros((2, shape[0]))
    for path, _ in some:
        values = pixels(path, shape).astype(np.float64)
        total += values.mean((1, 2)), (values**2).mean((1, 2))
    mean, square = total / len(some)
    std = np.sqrt(np.maximum(square - mean**2, 0))
    std[std < 1e-4] = 1.0  # of pictures that are all one
    return Card(network(options, (height, width)), shape, classes, mean.tolist(), std.tolist(), source(options))


def head(path: str) -> tuple[tuple[int, int], str]:
    """((height, width), mode) of a picture, without its pixels. UserError, naming the file, where it is none."""
    image = pillow("Image")
    try:
        with image.open(path) as opened:
            return (opened.height, opened.width), opened.mode
    except Exception as error:  # a damaged file may fail in any way
        raise UserError(f"{path}: not a picture that can be read: {error}") from None
