"""What is learned: images and labels, as the options ask for them and as the network takes them."""

from __future__ import annotations

import argparse
import hashlib
from typing import Any, NamedTuple

import numpy as np

from .. import UserError
from ..card import Card
from .keep import shown

NAMES = {"train": "training", "val": "validation", "test": "test"}
CLASSES = {"fashion-mnist": "T-shirt Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Boot".split()}
SOURCE = ("data", "root", "val", "seed", "limit")  # the options that say which images are of which part
SMALL = 28  # pixels; the network for smaller images is `digits`
BATCH = 500  # images that are judged at once
ROOM = 2_000_000  # numbers in them, which large images reach first


class Data(NamedTuple):
    """Datasets of (image, label): the one to train on, and those that it is judged by.

    parts: "train", and "val" or "test" or both. labels: of each part, (N,). card: what the network takes.
    """

    parts: dict[str, Any]
    labels: dict[str, np.ndarray]
    card: Card

    @property
    def watched(self) -> str:
        """The part that is looked at after each epoch."""
        return "val" if "val" in self.parts else "test"

    @property
    def judged(self) -> str:
        """The part that the result is of."""
        return "test" if "test" in self.parts else "val"

    def digest(self) -> str:
        """What changes when it is other images, or another share of them, that are trained on."""
        total = hashlib.sha256()
        for name, part in self.parts.items():
            total.update(name.encode() + self.labels[name].tobytes())
            total.update("\n".join(getattr(part, "names", ())).encode(errors="surrogateescape"))
        return total.hexdigest()[:16]

    def numbered(self, part: str) -> Any:
        """(image, label, number) of a part."""
        return Numbered(self.parts[part])

    def batches(self, part: str, rank: int = 0, size: int = 1) -> Any:
        """The share of a rank of the images and labels of a part, in order; no random number is drawn."""
        import tinygrad_cnn as tg

        images = self.parts[part]
        mine = tg.data.Subset(images, range(rank, len(images), size)) if size > 1 else images
        batch = max(1, min(BATCH, ROOM // int(np.prod(self.card.shape))))
        return tg.data.DataLoader(mine, batch_size=batch, generator=tg.Generator())


class Numbered:
    """The samples of a dataset, each with its number at the end."""

    def __init__(self, dataset: Any):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple:
        return (*self.dataset[index], index)

    @property
    def __getitems__(self) -> Any:
        from ... import tensor
        from ...data.dataset import Columns

        together = self.dataset.__getitems__  # without it this one has none either
        return lambda indices: Columns(*together(indices).fields, tensor(indices))


def load(options: argparse.Namespace) -> Data:
    """The data that the options ask for."""
    if options.data == "folder":
        from .pictures import load_folder

        return load_folder(options)
    arrays = named_arrays(options)
    images = arrays["train"][0]
    count = int(max(labels.max() for _, labels in arrays.values())) + 1
    card = Card(
        network(options, images.shape[2:]),
        images.shape[1:],
        CLASSES.get(options.data, [str(i) for i in range(count)])[:count],
        [float(images.mean())],
        [float(images.std()) or 1.0],
        source(options),
    )
    return as_data(arrays, card)


def named_arrays(options: argparse.Namespace) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images with values from 0 to 1, and labels, of each part of a data set that has a name."""
    from ...data import load as load_data

    try:
        train_x, train_y, test_x, test_y = load_data(options.data, options.root)
    except ValueError as error:
        raise UserError(error) from None
    n = options.limit or len(train_x)
    train_x, train_y = train_x[:n], train_y[:n]
    if options.val is None:
        return {"train": (train_x, train_y), "test": (test_x, test_y)}
    kept, held = split(train_y, float(options.val), options.seed or 0)
    return {"train": (train_x[kept], train_y[kept]), "val": (train_x[held], train_y[held]), "test": (test_x, test_y)}


def as_data(arrays: dict[str, tuple[np.ndarray, np.ndarray]], card: Card) -> Data:
    """Data of images with values from 0 to 1, and labels."""
    import tinygrad_cnn as tg

    parts = {
        name: tg.data.TensorDataset(tg.from_numpy(card.normalised(images)), tg.from_numpy(labels))
        for name, (images, labels) in arrays.items()
    }
    return Data(parts, {name: labels for name, (_, labels) in arrays.items()}, card)


def network(options: argparse.Namespace, size: Any) -> str:
    """The name of the network."""
    return options.model or ("digits" if min(size) < SMALL else "lenet")


def source(options: argparse.Namespace) -> dict[str, Any]:
    """What a card says of where the images are from."""
    found = {name: getattr(options, name) for name in SOURCE}
    return {**found, "root": options.root and shown(options.root)}


def split(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of those to train on and of those held out: this share of each class, drawn from the seed.

    >>> labels = np.array([0, 0, 0, 0, 1, 1])
    >>> kept, held = split(labels, 0.5, seed=0)
    >>> len(kept), labels[held].tolist(), sorted([*kept, *held]) == [0, 1, 2, 3, 4, 5]
    (3, [0, 0, 1], True)
    """
    rng = np.random.default_rng(seed)
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        held[own[: min(max(round(share * len(own)), 1), len(own) - 1)]] = True
    if not held.any():
        raise UserError("--val: no class has two images, of which one could be held out")
    return np.flatnonzero(~held), np.flatnonzero(held)
