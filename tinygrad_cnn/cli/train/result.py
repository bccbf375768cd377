"""The end of a training: weights and page are written, and it is said how good the network is."""

from __future__ import annotations

import json
import math
import os
import shlex

import numpy as np

from ...training import read_jsonl
from .. import UserError
from .data import NAMES, Data
from .evaluation import Score
from .keep import REPORT, shown
from .metrics import Rows, history
from .training import Training

SHOWN = 64 << 20  # bytes of images, at most, that are in the page


def finish(training: Training, interrupted: bool, remark: str) -> None:
    """Write what was asked for, then print the result; `remark` stands at the end of its line."""
    if training.best is not None and training.best_epoch:
        training.best.restore()
        remark = f", weights of epoch {training.best_epoch}{remark}"
    data, options = training.data, training.options
    part = data.judged
    score = training.evaluate(part)
    if not training.ranks.first:
        return
    skipped = training.finite.skipped
    lost = written(training, score)
    done = training.epoch - training.begun
    n = len(data.parts["train"])
    speed = done * n / training.seconds if training.seconds else 0.0
    if options.json:
        result = {
            "data": options.data,
            "model": data.card.model,
            "parameters": sum(p.numel() for p in training.model.parameters()),
            f"{part}_accuracy": score.accuracy,
            f"{part}_loss": score.loss,
            "epochs": training.epoch,
            "seconds": training.seconds,
            "images_per_second": speed,
            "seed": training.seed,
            "interrupted": interrupted,
            "skipped": skipped,
            "saved": None if lost.startswith("--save") else options.save,
            "run": options.folder,
        }
        numbers = {k: v for k, v in result.items() if isinstance(v, float) and not math.isfinite(v)}
        print(json.dumps(result | dict.fromkeys(numbers)))  # JSON has no NaN
    else:
        print(
            f"{NAMES[part]} {score}, {NAMES[part]} loss {score.loss:.4f}; "
            f"{done} epochs in {training.seconds:.1f} s, {speed:,.0f} images/s{remark}"
            + f"; {skipped} steps were skipped, whose loss or gradients were not finite"
            * (skipped > 0)
        )
    if lost:
        raise UserError(lost)


def way_on(training: Training, options: str = "") -> str:
    """How a training that was stopped is gone on with, in words; options: what is to be said besides."""
    given, place = training.options, training.options.folder or training.options.checkpoint
    if place and os.path.exists(place):
        ranks = training.ranks
        how = f"launch -n {ranks.size} train --distributed" if ranks.together else "train"
        command = ["tinygrad-cnn", how, "--resume", shlex.quote(str(shown(place))), options]
        return f"go on with: {' '.join(command).strip()}"
    if given.save and training.learned:
        return f"its weights go to {shown(given.save)}, but it cannot be gone on with; with --run DIR it can"
    return "it cannot be gone on with; with --run DIR it can"


def written(training: Training, score: Score) -> str:
    """Write weights and pages; why one could not be written, which is no reason to keep the result back."""
    from ...checkpoint import save

    options, lost = training.options, ""
    if options.save:
        try:
            save(training.model.state_dict(), options.save, metadata=training.data.card.metadata())
        except (OSError, ValueError) as error:
            lost = f"--save: the weights were not written: {error}"
    pages = [options.report, options.folder and os.path.join(options.folder, REPORT)]
    for path in filter(None, pages):
        try:
            report(training, score, path)
        except (OSError, ValueError) as error:  # or of the lines that it is made of
            lost = lost or f"--report: the page was not written: {error}"
    return lost


def report(training: Training, score: Score, path: str) -> None:
    """The page of a training."""
    from ... import viz

    options, data = training.options, training.data
    rows = training.log.rows if isinstance(training.log, Rows) else read_jsonl(training.log.path)
    name = os.path.basename(options.root) if options.data == "folder" else options.data
    facts = {"data": name, "model": data.card.model, "optimizer": options.optimizer}
    facts |= {"epochs": training.epoch, "seed": training.seed}
    if best := training.best_epoch:
        facts["weights of epoch"] = best
    facts[f"{NAMES[data.judged]} accuracy"] = f"{score.accuracy:.2%}"
    images, labels = shown_images(data)
    if len(labels) < score.n:
        facts["images in this page"] = f"{len(labels):,} of {score.n:,}"
    viz.report(
        history(rows), path, model=training.model, images=images, labels=labels, classes=data.card.classes,
        balance={NAMES[part]: labels for part, labels in data.labels.items()},
        title=f"{data.card.model} on {name}", facts=facts,
    )  # fmt: skip


def shown_images(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Images of the part that is judged, as many as a page has room for, and their labels."""
    part, labels = data.parts[data.judged], data.labels[data.judged]
    most = max(1, SHOWN // (4 * int(np.prod(data.card.shape))))
    chosen = np.linspace(0, len(labels) - 1, min(most, len(labels))).astype(int)
    return np.stack([part[int(i)][0].numpy() for i in chosen]), labels[chosen]
