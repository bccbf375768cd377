"""What `train` is told: its options, and what can be said against them before anything is loaded."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .. import UserError
from ..options import fraction, natural, positive_int, rate

DATA = ("digits", "mnist", "fashion-mnist")
MODELS = ("digits", "lenet", "keras_mnist", "victorzhou", "mlp")
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", choices=DATA, default="digits", help="what to learn (default: %(default)s, which is packaged)")
    add("--root", metavar="DIR", help="where the files of mnist or fashion-mnist are (default: ./data)")
    add("--model", choices=MODELS, help="the network (default: digits for 8x8 images, lenet for 28x28)")
    add("--epochs", type=positive_int, help="passes over the training images (default: 12 for digits, else 3)")
    add("--batch-size", type=positive_int, default=64, help="images a step (default: %(default)s)")
    add("--lr", type=rate, help="learning rate at the start; it falls to 0 along a cosine (default: by optimizer)")
    add("--momentum", type=fraction, default=0.9, help="momentum of sgd and rmsprop (default: %(default)s)")
    add("--optimizer", choices=OPTIMIZERS, default="sgd", help="default: %(default)s")
    add("--seed", type=natural, help="two runs with one seed are equal to the bit: kernels are waited for (default: 0)")
    add("--limit", type=positive_int, metavar="N", help="train on the first N images only")
    add("--save", metavar="FILE", help="write the trained weights, a state_dict, to this file")
    add("--report", metavar="FILE.html", help="write curves, mistakes, filters and more into one page")
    add("--checkpoint", metavar="FILE", help="write all that a training needs to go on, after each epoch")
    add("--resume", metavar="FILE", help="go on from such a file, to the same end as without the pause")
    add("--distributed", action="store_true", help="share each batch out among the ranks of tinygrad-cnn launch")
    add("--json", action="store_true", help="print the result as one JSON object")


def check(args: argparse.Namespace) -> None:
    """Refuse before the training what would fail after it."""
    for option in ("save", "report", "checkpoint"):
        if getattr(args, option):
            check_writable(f"--{option}", Path(getattr(args, option)))


def check_writable(option: str, path: Path) -> None:
    """Refuse a file that cannot be written."""
    if path.is_dir():
        raise UserError(f"{option}: {path} is a directory; name a file in it")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{option}: there is no directory {path.absolute().parent}; make it first")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UserError(f"{option}: {path} cannot be written")
