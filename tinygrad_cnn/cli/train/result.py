"""The end of a training: weights and page are written, and it is said how good the network is."""

from __future__ import annotations

import json

from .. import UserError
from .training import Training


def finish(training: Training, interrupted: bool, remark: str) -> None:
    """Write what was asked for, then print the result; `remark` stands at the end of its line."""
    test_loss, correct = training.evaluate()
    if not training.ranks.first:
        return
    args, data = training.args, training.data
    n = len(data.test_y)
    lost = written(training, correct / n)
    done = training.epoch - training.begun
    speed = done * len(data.train_x) / training.seconds if training.seconds else 0.0
    if args.json:
        result = {
            "data": args.data,
            "model": training.name,
            "parameters": sum(p.numel() for p in training.model.parameters()),
            "test_accuracy": correct / n,
            "test_loss": test_loss,
            "epochs": training.epoch,
            "seconds": training.seconds,
            "images_per_second": speed,
            "seed": training.seed,
            "interrupted": interrupted,
            "saved": None if lost.startswith("--save") else args.save,
        }
        print(json.dumps(result))
    else:
        print(
            f"test accuracy {correct / n:.2%} ({correct} of {n}), test loss {test_loss:.4f}; "
            f"{done} epochs in {training.seconds:.1f} s, {speed:,.0f} images/s{remark}"
        )
    if lost:
        raise UserError(lost)


def written(training: Training, accuracy: float) -> str:
    """Write weights and page; why one could not be written, which is no reason to keep the result back."""
    import tinygrad_cnn as tg

    args, data, lost = training.args, training.data, ""
    if args.save:
        try:
            tg.save(training.model.state_dict(), args.save)
        except OSError as error:
            lost = f"--save: the weights were not written: {error}"
    if training.history is not None:
        facts = {"data": args.data, "model": training.name, "optimizer": args.optimizer}
        facts |= {"epochs": training.epoch, "seed": training.seed, "test accuracy": f"{accuracy:.2%}"}
        shown = {"model": training.model, "images": data.test_x, "labels": data.test_y}
        title = f"{training.name} on {args.data}"
        try:
            tg.viz.report(training.history, args.report, **shown, title=title, facts=facts)
        except OSError as error:
            lost = lost or f"--report: the page was not written: {error}"
    return lost
