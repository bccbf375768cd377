"""Say what is in pictures, with a trained network."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np

from . import UserError
from .card import pillow
from .options import positive_int
from .output import harmless
from .saved import Saved, read

BATCH = 64  # pictures that are looked at together


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="a picture of any kind; it is made as large and grey as those learned",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", dest="network", metavar="DIR", help="the folder of a run of tinygrad-cnn train")
    which.add_argument(
        "--weights", dest="network", metavar="FILE", help="weights that train --save or export has written"
    )
    add("--top", type=positive_int, default=5, metavar="N", help="how many classes to name (default: %(default)s)")
    add("--json", action="store_true", help="print the result as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Every picture that can be read has an answer; the others are named, and make the exit code 2."""
    pillow("Image")  # which every picture needs
    saved = read(args.network)
    answers, errors = [], []
    for i in range(0, len(args.images), BATCH):
        pictures = {}
        for path in args.images[i : i + BATCH]:
            try:
                pictures[path] = saved.card.picture(path)
            except UserError as error:
                errors.append({"image": path, "error": str(error)})
                print(harmless(f"tinygrad-cnn predict: {error}"), file=sys.stderr)
        answers += predicted(saved, pictures, args.top)
    if args.json:
        print(json.dumps({"network": str(saved.path), "predictions": answers, "errors": errors}, ensure_ascii=False))
    elif answers:
        print(harmless(table(answers)))
    return 2 if errors else 0


def predicted(saved: Saved, pictures: dict[str, np.ndarray], top: int) -> list[dict[str, Any]]:
    """The most probable classes of each picture, the best first."""
    from .. import from_numpy, no_grad

    if not pictures:
        return []
    with no_grad():
        logits = saved.model(from_numpy(np.stack([*pictures.values()])))
        probabilities = logits.softmax(1).numpy()
    answers = []
    for path, p in zip(pictures, probabilities, strict=True):
        order = np.argsort(-p, kind="stable")[:top]
        named = [{"label": saved.card.classes[k], "probability": float(p[k])} for k in order]
        answers.append({"image": path, **named[0], "top": named})
    return answers


def table(answers: list[dict[str, Any]]) -> str:
    """A line for each picture: its file, the label, how probable that is, and what else it might be."""
    rows = [["image", "label", "probability", "or"]]
    for answer in answers:
        others = ", ".join(f"{other['label']} {other['probability']:.1%}" for other in answer["top"][1:])
        rows.append([answer["image"], answer["label"], f"{answer['probability']:.1%}", others])
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = []
    for image, label, probability, others in rows:
        lines.append(f"{image:{widths[0]}}  {label:{widths[1]}}  {probability:>{widths[2]}}  {others}".rstrip())
    return "\n".join(lines)
