"""Train a small CNN, with no argument on handwritten digits in seconds.

The loop is the one that a user would write: batches, a loss, backward, a step.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from . import UserError
from .options import fraction, natural, positive_int, rate
from .ranks import Ranks, Silence

DATA = ("digits", "mnist", "fashion-mnist")
MODELS = ("digits", "lenet", "keras_mnist", "victorzhou", "mlp")
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta")
LEARNING_RATES = {"sgd": 0.05, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3, "adagrad": 1e-2, "adadelta": 1.0}


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


class Progress:
    """On a terminal one line that is written over; elsewhere one plain line an epoch."""

    def __init__(self, epochs: int, steps: int):
        self.epochs, self.steps = epochs, steps
        self.terminal = sys.stderr.isatty()
        self.shown = 0.0

    def step(self, epoch: int, step: int, loss: float, speed: float) -> None:
        now = time.perf_counter()
        if self.terminal and now - self.shown > 0.1:
            self.shown = now
            width = 20
            done = width * step // self.steps
            bar = "#" * done + "." * (width - done)
            text = f"epoch {epoch}/{self.epochs} [{bar}] loss {loss:.4f}  {speed:,.0f} images/s"
            sys.stderr.write(f"\r{text}\x1b[K")
            sys.stderr.flush()

    def epoch(self, epoch: int, loss: float, accuracy: float, seconds: float) -> None:
        line = f"epoch {epoch}/{self.epochs}: training loss {loss:.4f}, accuracy {accuracy:.2%}, {seconds:.1f} s"
        if self.terminal:
            sys.stderr.write(f"\r{line}\x1b[K")
            sys.stderr.flush()
        else:
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.terminal:
            sys.stderr.write("\n")


def run(args: argparse.Namespace) -> int:
    import tinygrad_cnn as tg

    before = tg.are_deterministic_algorithms_enabled()
    tg.use_deterministic_algorithms(before or args.seed is not None)
    try:
        ranks = Ranks(args)
        try:
            code = train(args, ranks)
        except (UserError, OSError) as error:
            ranks.fail(error)
            raise
        ranks.close()
        return code
    finally:
        tg.use_deterministic_algorithms(before)


def train(args: argparse.Namespace, ranks: Ranks) -> int:
    import tinygrad_cnn as tg

    for option in ("save", "report", "checkpoint"):
        if getattr(args, option):
            check_writable(f"--{option}", Path(getattr(args, option)))
    train_x, train_y, test_x, test_y = load(args)
    classes = int(max(train_y.max(), test_y.max())) + 1
    seed = args.seed or 0
    tg.manual_seed(seed)
    name = args.model or ("digits" if train_x.shape[-1] < 28 else "lenet")
    try:
        model = tg.vision.models.get_model(name, input_shape=train_x.shape[1:], num_classes=classes)
    except ValueError as error:
        raise UserError(error) from None
    model, net = ranks.shared(model)
    mean, std = float(train_x.mean()), float(train_x.std())
    train_x, test_x = (train_x - mean) / std, (test_x - mean) / std
    epochs = args.epochs or (12 if args.data == "digits" else 3)
    optimizer = make_optimizer(args, model)
    loader = ranks.loader(tg.data.TensorDataset(tg.from_numpy(train_x), tg.from_numpy(train_y)), args.batch_size, seed)
    steps = epochs * len(loader)
    schedule = tg.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    progress = Progress(epochs, len(loader)) if ranks.first else Silence()
    history = tg.viz.History() if args.report else None  # drawing is loaded only where it is asked for
    interrupted, done, training = False, resumed(args, model, optimizer, schedule), 0.0
    begun = done
    slower = " (NumPy did the work of kernels that were not compiled yet)" if tg.kernels.not_compiled() else ""
    try:
        for epoch in range(done + 1, epochs + 1):
            start = time.perf_counter()
            ranks.begin(loader, seed, epoch)
            loss, accuracy = train_epoch(net, loader, optimizer, schedule, epoch, progress, history, ranks)
            seconds = time.perf_counter() - start
            training += seconds
            done = epoch
            progress.epoch(epoch, loss, accuracy, seconds)
            if history is not None:
                test_loss, correct = evaluate(model, test_x, test_y, ranks)
                lr, test_accuracy = schedule.get_last_lr()[0], correct / len(test_y)
                history.epoch(loss=loss, test_loss=test_loss, accuracy=accuracy, test_accuracy=test_accuracy, lr=lr)
            if args.checkpoint and ranks.first:
                tg.checkpoint.save_checkpoint(args.checkpoint, model, optimizer, schedule, epoch=epoch)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        progress.close()
    test_loss, correct = evaluate(model, test_x, test_y, ranks)
    if not ranks.first:
        return 130 if interrupted else 0
    lost = ""  # why something could not be written, which is no reason to keep the result back
    if args.save:
        try:
            tg.save(model.state_dict(), args.save)
        except OSError as error:
            lost = f"--save: the weights were not written: {error}"
    if history is not None:
        facts = {"data": args.data, "model": name, "optimizer": args.optimizer, "epochs": done, "seed": seed}
        facts["test accuracy"] = f"{correct / len(test_y):.2%}"
        title = f"{name} on {args.data}"
        try:
            tg.viz.report(history, args.report, model=model, images=test_x, labels=test_y, title=title, facts=facts)
        except OSError as error:
            lost = lost or f"--report: the page was not written: {error}"
    result = {
        "data": args.data,
        "model": name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "test_accuracy": correct / len(test_y),
        "test_loss": test_loss,
        "epochs": done,
        "seconds": training,
        "images_per_second": (done - begun) * len(train_x) / training if training else 0.0,
        "seed": seed,
        "interrupted": interrupted,
        "saved": None if lost.startswith("--save") else args.save,
    }
    if args.json:
        print(json.dumps(result))
    else:
        print(
            f"test accuracy {correct / len(test_y):.2%} ({correct} of {len(test_y)}), test loss {test_loss:.4f}; "
            f"{done - begun} epochs in {training:.1f} s, {result['images_per_second']:,.0f} images/s{slower}"
        )
    if lost:
        raise UserError(lost)
    return 130 if interrupted else 0


def load(args: argparse.Namespace) -> tuple[np.ndarray, ...]:
    """The images and labels that the options ask for."""
    from ..data import load as load_data

    try:
        train_x, train_y, test_x, test_y = load_data(args.data, args.root)
    except ValueError as error:
        raise UserError(error) from None
    n = args.limit or len(train_x)
    return train_x[:n], train_y[:n], test_x, test_y


def resumed(args: argparse.Namespace, *parts: Any) -> int:
    """Take over model, optimizer and schedule of --resume; the epoch that they have come to."""
    if not args.resume:
        return 0
    from ..checkpoint import load_checkpoint

    try:
        return load_checkpoint(args.resume, *parts)["epoch"]
    except (RuntimeError, ValueError, KeyError) as error:
        raise UserError(f"--resume: {args.resume} does not go on from here: {error}") from None


def check_writable(option: str, path: Path) -> None:
    """Refuse before the training, not after it, a file that cannot be written."""
    if path.is_dir():
        raise UserError(f"{option}: {path} is a directory; name a file in it")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{option}: there is no directory {path.absolute().parent}; make it first")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UserError(f"{option}: {path} cannot be written")


def make_optimizer(args: argparse.Namespace, model: Any) -> Any:
    from .. import optim

    parameters = model.parameters()
    lr = args.lr or LEARNING_RATES[args.optimizer]
    if args.optimizer == "sgd":
        return optim.SGD(parameters, lr=lr, momentum=args.momentum)
    if args.optimizer == "rmsprop":
        return optim.RMSprop(parameters, lr=lr, momentum=args.momentum)
    kinds = {"adam": optim.Adam, "adamw": optim.AdamW, "adagrad": optim.Adagrad, "adadelta": optim.Adadelta}
    return kinds[args.optimizer](parameters, lr=lr)


def train_epoch(
    model: Any, loader: Any, optimizer: Any, schedule: Any, epoch: int, progress: Any, history: Any, ranks: Ranks
) -> tuple[float, float]:
    """One pass over the training images: the mean loss and the accuracy on the way."""
    import tinygrad_cnn as tg

    model.train()
    total, correct, seen = 0.0, 0, 0
    start = time.perf_counter()
    for step, (images, labels) in enumerate(loader, 1):
        optimizer.zero_grad()
        logits = model(images)
        loss = tg.nn.functional.cross_entropy(logits, labels)
        value = loss.item()
        if not math.isfinite(value):
            raise UserError(
                f"the loss became {value} in epoch {epoch}, step {step}{ranks.here}; the first value that is not "
                f"finite is in {first_bad_module(model, images)}; try a smaller --lr"
            )
        loss.backward()
        if history is not None:
            history.step(loss=value, gradients=tg.viz.gradient_norms(model))
        optimizer.step()
        schedule.step()
        n = len(labels)
        total += value * n
        correct += int((logits.argmax(1) == labels).sum().item())
        seen += n
        progress.step(epoch, step, total / seen, seen / (time.perf_counter() - start))
    total, correct, seen = ranks.summed(total, correct, seen)
    return total / seen, correct / seen


def first_bad_module(model: Any, images: Any) -> str:
    """The first module in order of computation with a NaN or Inf in its weights or its output."""
    from .. import no_grad

    names = {module: name for name, module in model.named_modules()}
    found: list[str] = []

    def look(module: Any, inputs: Any, output: Any) -> None:
        for what, t in [*module.named_parameters(recurse=False), ("its output", output)]:
            if not found and not np.isfinite(t.detach().numpy()).all():
                found.append(f"{what} of module {names[module]!r}, {module}")

    handles = [m.register_forward_hook(look) for m in names if not list(m.children())]
    try:
        with no_grad():
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else "the loss"


def evaluate(model: Any, images: np.ndarray, labels: np.ndarray, ranks: Ranks) -> tuple[float, int]:
    """The mean loss on these images, and how many are classified right; each rank looks at a share of them."""
    import tinygrad_cnn as tg

    model.eval()
    total, correct, n = 0.0, 0, len(images)
    images, labels = images[ranks.rank :: ranks.size], labels[ranks.rank :: ranks.size]
    with tg.no_grad():
        for i in range(0, len(images), 500):
            logits = model(tg.from_numpy(images[i : i + 500]))
            target = tg.from_numpy(labels[i : i + 500])
            total += tg.nn.functional.cross_entropy(logits, target, reduction="sum").item()
            correct += int((logits.argmax(1) == target).sum().item())
    total, correct = ranks.summed(total, correct)
    return total / n, correct
