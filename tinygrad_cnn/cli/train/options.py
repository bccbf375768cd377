"""What `train` is told: its options, what those that were not given are, and what is said against them."""

from __future__ import annotations

import argparse
import importlib
import os
import re
from pathlib import Path
from typing import Any, NoReturn

from .. import UserError
from ..options import fraction, natural, positive_int, rate
from .finite import CHOICES
from .keep import CHECKPOINTS, CONFIG, METRICS, REPORT, begun_with, shown

DATA = ("digits", "mnist", "fashion-mnist", "folder")
MODELS = ("digits", "lenet", "keras_mnist", "victorzhou", "mlp", "resnet18", "resnet34", "resnet50")
LEARNING_RATES = {"sgd": 0.05, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3, "adagrad": 1e-2, "adadelta": 1.0}

DEFAULTS: dict[str, Any] = {
    "data": "digits", "root": None, "val": None, "size": None, "grey": False, "limit": None, "workers": 0,
    "model": None, "epochs": None, "batch_size": 64, "optimizer": "sgd", "lr": None, "momentum": 0.9, "patience": None,
    "on_nan": "stop", "seed": None, "distributed": False,
    "folder": None, "checkpoint": None, "checkpoint_every": None, "keep": 3, "resume": None, "save": None,
    "report": None, "json": False,
}  # fmt: skip
NUMBERED = ""  # the value of --run where none is given
LIBRARIES = {".safetensors": "safetensors.numpy", ".onnx": "onnx"}
PATHS = ("root", "val", "folder", "checkpoint", "resume", "save", "report")
FREE = frozenset("on_nan resume json workers keep checkpoint_every checkpoint save report".split())  # in a resumed run


def size(text: str) -> list[int]:
    """32 -> [32, 32], 24x32 -> [24, 32]"""
    found = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if not found or not int(found[1]) or not int(found[2] or 1):
        raise argparse.ArgumentTypeError(f"expected a size such as 32, or 24x32 of height and width, got {text!r}")
    return [int(found[1]), int(found[2] or found[1])]


# fmt: off


def add_data_arguments(parser: Any, about: str) -> None:
    """What `train` and `eval` are told of the images."""
    add = parser.add_argument
    add("--data", choices=DATA, help=f"{about}; folder: pictures of your own")
    add("--root", metavar="DIR",
        help="where the files of mnist or fashion-mnist are (default: ./data); of folder: DIR/CLASS/*.png, or the same "
             "in DIR/train, DIR/val and DIR/test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.argument_default = argparse.SUPPRESS  # only what is given is there, so that --resume can tell

    images = parser.add_argument_group("what is learned")
    add_data_arguments(images, "what to learn (default: digits, which is packaged)")
    add = images.add_argument
    add("--val", metavar="SHARE|DIR",
        help="images to watch the training by, held out of it: a share of the training images, such as 0.1, or of "
             "folder another folder (default: of folder DIR/val, or else 0.2; of others the test images)")
    add("--size", type=size, metavar="HxW", help="resize the pictures of folder (default: their own up to 64, else 32)")
    add("--grey", action="store_true", help="take the pictures of folder without their colours")
    add("--limit", type=positive_int, metavar="N", help="train on the first N images only; of folder on any N")
    add("--workers", type=natural, metavar="N", help="threads that open pictures ahead of the training (default: 0)")

    add = parser.add_argument_group("how").add_argument
    add("--model", choices=MODELS, help="the network (default: digits for images below 28x28, else lenet)")
    add("--epochs", type=positive_int, metavar="N",
        help="passes over the training images (default: 12 for digits and folder, else 3)")
    add("--batch-size", type=positive_int, metavar="N", help=f"images a step (default: {DEFAULTS['batch_size']})")
    add("--optimizer", choices=tuple(LEARNING_RATES), help=f"default: {DEFAULTS['optimizer']}")
    add("--lr", type=rate, help="learning rate at the start; it falls to 0 along a cosine (default: by optimizer)")
    add("--momentum", type=fraction, help=f"momentum of sgd and rmsprop (default: {DEFAULTS['momentum']})")
    add("--patience", type=positive_int, metavar="N",
        help="stop when for N epochs the loss on the images of --val was not the lowest; the best weights are taken")
    add("--on-nan", choices=CHOICES,
        help="a step whose loss or gradients are NaN or infinite stops the run, is left out, or is taken as it is "
             f"(default: {DEFAULTS['on_nan']})")
    add("--seed", type=natural, help="two runs with one seed are equal to the bit: kernels are waited for (default: 0)")
    add("--distributed", action="store_true", help="share each batch out among the ranks of tinygrad-cnn launch")

    add = parser.add_argument_group("what is kept and told").add_argument
    add("--run", dest="folder", nargs="?", const=NUMBERED, metavar="DIR",
        help="keep all of this run in the new folder DIR (without DIR: runs/DATA-1, -2, ...): config.json, "
             "metrics.jsonl, checkpoints/, report.html; kernels are waited for, as with --seed")
    add("--resume", metavar="DIR|FILE",
        help="go on from the newest checkpoint of such a folder, or from a file of --checkpoint, with the options that "
             "it was begun with, to the same end as without the pause")
    add("--checkpoint", metavar="FILE", help="write all that a training needs to go on, after each epoch")
    add("--checkpoint-every", type=positive_int, metavar="N", help="write checkpoints also after every N steps")
    add("--keep", type=positive_int, metavar="N",
        help=f"how many checkpoints a run keeps, beside the best (default: {DEFAULTS['keep']})")
    add("--save", metavar="FILE", help="write the trained weights, a state_dict, here (also .safetensors, .npz)")
    add("--report", metavar="FILE.html", help="write curves, mistakes, filters and more into one page")
    add("--json", action="store_true", help="print the result as one JSON object")


# fmt: on
def flag(name: str) -> str:
    """How an option is written: folder -> --run."""
    return "--run" if name == "folder" else f"--{name.replace('_', '-')}"


def spelled(name: str, value: Any) -> str:
    """An option with its value, as it is written."""
    if value is True:
        return flag(name)
    return f"{flag(name)} {'x'.join(map(str, value)) if isinstance(value, list) else value}"


def settled(args: argparse.Namespace) -> argparse.Namespace:
    """All options, of a resumed run those that it was begun with. UserError for what cannot be, or would fail later."""
    given = {name: value for name, value in vars(args).items() if name in DEFAULTS}
    for name in PATHS:
        if given.get(name) and not (name == "val" and is_share(given[name])):
            given[name] = os.path.abspath(os.path.expanduser(given[name]))
    base = dict(DEFAULTS)
    if "resume" in given:
        base |= resumed_options(given)
    options = argparse.Namespace(**{**base, **given})
    options.epochs = options.epochs or (12 if options.data in ("digits", "folder") else 3)
    options.lr = options.lr or LEARNING_RATES[options.optimizer]
    check_together(options, given)
    for name in ("save", "report", "checkpoint"):
        if getattr(options, name):
            check_writable(flag(name), Path(getattr(options, name)))
    if options.save:
        check_library("--save", Path(options.save))
        if Path(options.save).suffix.lower() == ".onnx":
            raise UserError("--save: ONNX files are made of a run, or of saved weights, by tinygrad-cnn export")
    if options.folder and not options.resume:
        check_folder(Path(options.folder))
    return options


def resumed_options(given: dict[str, Any]) -> dict[str, Any]:
    """What the run was begun with that is to go on; what is given again must agree."""
    place = Path(given["resume"])
    if "folder" in given:
        raise UserError("--run: a run that is resumed stays in its folder; leave --run out")
    try:
        found = begun_with(place)
    except UserError as error:
        raise UserError(f"--resume: {error}") from None
    begun = said_again(found, place) if found else {}
    told = {"distributed": False, **given}  # which is said of the ranks, each time
    for name, value in told.items() if begun else ():
        was = begun[name]
        if name not in FREE and was != value:
            there = f"without {flag(name)}" if was is None or was is False else f"with {spelled(name, was)}"
            cure = "leave it out" if name in given else "give it too"
            raise UserError(
                f"{flag(name)}: {shown(place)} was begun {there}, and goes on so; {cure}, or begin a new run"
            )
    return {**begun, "folder": str(place)} if place.is_dir() else begun


def said_again(options: dict[str, Any], place: Path) -> dict[str, Any]:
    """Options that were written down, as they would be of a command line. UserError where they would not be taken."""

    class Strict(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UserError(f"--resume: the options of {shown(place)} are damaged: {message}")

    words = []
    for name, value in options.items():
        if name in DEFAULTS and value is not None and value is not False:
            words += spelled(name, value).split(" ", 1)
    parser = Strict(add_help=False)
    if any("\0" in word for word in words):  # which no command line can hold, and no path
        parser.error("they hold a null character")
    add_arguments(parser)
    return {**DEFAULTS, **vars(parser.parse_args(words))}


def check_together(options: argparse.Namespace, given: dict[str, Any]) -> None:
    """Refuse options that have no meaning beside the others."""
    of_folder = options.data == "folder"
    refused = [
        ("root", options.data == "digits", "the digits are packaged; it goes with --data mnist, fashion-mnist, folder"),
        ("size", not of_folder, "it goes with --data folder; other images are as they are"),
        ("grey", not of_folder, "it goes with --data folder; other images are grey"),
        ("momentum", options.optimizer not in ("sgd", "rmsprop"), f"--optimizer {options.optimizer} has none"),
        ("checkpoint", options.folder is not None, "--run keeps checkpoints by itself; leave one of the two out"),
        ("keep", options.folder is None, "it goes with --run, which keeps several checkpoints"),
        ("checkpoint_every", options.folder is None and not options.checkpoint,
         "it goes with --run or --checkpoint, which say where"),
    ]  # fmt: skip
    for name, wrong, why in refused:
        if name in given and wrong:
            raise UserError(f"{flag(name)}: {why}")
    if of_folder and not options.root:
        raise UserError("--data folder: say which with --root DIR")
    if options.val is not None and not is_share(options.val):
        if not of_folder:
            raise UserError(
                f"--val: {shown(options.val)} is no share between 0 and 1, which --data {options.data} takes"
            )
        if not Path(options.val).is_dir():
            raise UserError(f"--val: {shown(options.val)} is neither a share between 0 and 1 nor a folder")
    if options.patience and options.val is None and not of_folder:
        raise UserError("--patience: say with --val 0.1 how many of the training images are to be watched")
    files = [os.path.realpath(f) for f in (options.save, options.report, options.checkpoint) if f]
    if len(set(files)) < len(files):
        raise UserError("--save, --report and --checkpoint name one file; give each a file of its own")


def is_share(text: str) -> bool:
    """Whether this is a number between 0 and 1."""
    try:
        return 0 < float(text) < 1
    except ValueError:
        return False


def check_writable(option: str, path: Path) -> None:
    """Refuse a file that cannot be written."""
    if path.is_dir():
        raise UserError(f"{option}: {shown(path)} is a directory; name a file in it")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{option}: there is no directory {path.absolute().parent}; make it first")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UserError(f"{option}: {shown(path)} cannot be written")


def check_folder(path: Path) -> None:
    """Refuse a folder that cannot be that of a new run."""
    if path.exists() and not path.is_dir():
        raise UserError(f"--run: {shown(path)} is a file; name a folder")
    if there := [name for name in (CONFIG, METRICS, CHECKPOINTS, REPORT) if is_filled(path / name)]:
        raise UserError(
            f"--run: {shown(path)} holds a run already ({there[0]}); go on with it by --resume {shown(path)}, or name "
            "another folder"
        )
    nearest = next(p for p in (path, *path.parents) if p.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise UserError(f"--run: {shown(path)} cannot be made: {shown(nearest)} cannot be written to")


def is_filled(path: Path) -> bool:
    """Whether there is a file or a folder with something in it."""
    return any(path.iterdir()) if path.is_dir() else path.exists() and path.stat().st_size > 0


def check_library(option: str, path: Path) -> None:
    """Refuse a file whose format needs a library that is not installed."""
    ending = Path(os.path.realpath(path)).suffix
    if ending in LIBRARIES:
        try:
            importlib.import_module(LIBRARIES[ending])
        except ImportError:
            raise UserError(
                f"{option}: files in {ending} need the library of that name: pip install 'tinygrad_cnn[io]'; or write "
                "a file with another ending"
            ) from None
