"""Judge a trained network, by the images that its training did not see or by others."""

from __future__ import annotations

import argparse
import json
import os

from . import UserError
from .ranks import Ranks
from .saved import WHERE, Saved, read
from .train.data import NAMES, SOURCE, Data, as_data, named_arrays
from .train.evaluation import evaluate
from .train.options import DEFAULTS, add_data_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("network", metavar="RUN|WEIGHTS", help=f"{WHERE}, of tinygrad-cnn train")
    add_data_arguments(parser, "what to judge it by (default: the images that its training held out)")
    add("--json", action="store_true", help="print the result as one JSON object")


def run(args: argparse.Namespace) -> None:
    saved = read(args.network)
    data = data_for(saved, args)
    part = data.judged
    score = evaluate(saved.model, data, part, Ranks(together=False))
    if args.json:
        result = {
            "network": str(saved.path),
            "model": saved.card.model,
            "data": data.card.data["data"],
            f"{part}_accuracy": score.accuracy,
            f"{part}_loss": score.loss,
            "correct": score.correct,
            "images": score.n,
        }
        print(json.dumps(result))
    else:
        print(f"{NAMES[part]} {score}, {NAMES[part]} loss {score.loss:.4f}")


def data_for(saved: Saved, args: argparse.Namespace) -> Data:
    """The images to judge by, as this network takes them."""
    card = saved.card
    known = {name: card.data.get(name) for name in SOURCE}
    known["root"] = known["root"] and os.path.abspath(known["root"])
    asked = {"data": args.data or known["data"], "root": known["root"]}
    if args.root:
        asked["root"] = os.path.abspath(os.path.expanduser(args.root))
    elif asked["data"] != known["data"]:
        asked["root"] = None
    own = asked == {name: known[name] for name in asked}
    options = argparse.Namespace(**{**DEFAULTS, **(known if own else {}), **asked})
    if options.data == "folder":
        from .train import pictures

        if not options.root:
            raise UserError("--data folder: say which with --root DIR")
        return pictures.to_judge(options, card, own)
    arrays = named_arrays(options)
    del arrays["train"]
    images, labels = arrays["test"]
    if images.shape[1:] != card.shape:
        there, taken = ("x".join(map(str, s)) for s in (images.shape[1:], card.shape))
        raise UserError(f"--data {options.data}: its images are {there}, {saved.path} takes {taken}")
    if labels.max() >= len(card.classes):
        raise UserError(f"--data {options.data}: it has a class {labels.max()}, {saved.path} tells {len(card.classes)}")
    return as_data(arrays, card._replace(data=vars(options)))
