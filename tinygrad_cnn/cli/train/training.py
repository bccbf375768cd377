"""A training in the making: the network, what moves it, and how far it has come."""

from __future__ import annotations

import argparse
import time
from typing import Any

from .. import UserError
from ..ranks import Ranks
from . import evaluation
from .data import Data
from .finite import check_finite

LEARNING_RATES = {"sgd": 0.05, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3, "adagrad": 1e-2, "adadelta": 1.0}


class Training:
    """The loop that a user would write: batches, a loss, backward, a step.

    `model` is the network, `net` what is called in its place to train it; `epoch` is the last one that is complete,
    `begun` the one that this process came after.
    """

    def __init__(self, args: argparse.Namespace, data: Data, ranks: Ranks):
        import tinygrad_cnn as tg

        self.args, self.data, self.ranks = args, data, ranks
        self.seed = args.seed or 0
        tg.manual_seed(self.seed)
        self.name = args.model or ("digits" if data.train_x.shape[-1] < 28 else "lenet")
        try:
            model = tg.vision.models.get_model(self.name, input_shape=data.train_x.shape[1:], num_classes=data.classes)
        except ValueError as error:
            raise UserError(error) from None
        self.model, self.net = ranks.shared(model)
        self.epochs = args.epochs or (12 if args.data == "digits" else 3)
        self.optimizer = make_optimizer(args, self.model)
        self.loader = ranks.loader(data.dataset(), args.batch_size, self.seed)
        steps = self.epochs * len(self.loader)
        self.schedule = tg.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=steps)
        self.history = tg.viz.History() if args.report else None  # drawing is loaded only where it is asked for
        self.seconds = 0.0
        self.begun = self.epoch = self._resumed() if args.resume else 0

    def _resumed(self) -> int:
        """Take over model, optimizer and schedule of --resume; the epoch that they have come to."""
        from ...checkpoint import load_checkpoint

        try:
            return load_checkpoint(self.args.resume, self.model, self.optimizer, self.schedule)["epoch"]
        except (RuntimeError, ValueError, KeyError) as error:
            raise UserError(f"--resume: {self.args.resume} does not go on from here: {error}") from None

    def run(self, progress: Any) -> None:
        """All epochs that are left."""
        for epoch in range(self.epoch + 1, self.epochs + 1):
            start = time.perf_counter()
            self.ranks.begin(self.loader, self.seed, epoch)
            loss, accuracy = self._epoch(epoch, progress)
            seconds = time.perf_counter() - start
            self.seconds += seconds
            self.epoch = epoch
            progress.epoch(epoch, loss, accuracy, seconds)
            self._write_down(loss, accuracy)

    def _epoch(self, epoch: int, progress: Any) -> tuple[float, float]:
        """One pass over the training images: the mean loss and the accuracy on the way."""
        self.net.train()
        total, correct, seen = 0.0, 0, 0
        start = time.perf_counter()
        for step, (images, labels) in enumerate(self.loader, 1):
            value, right = self._step(epoch, step, images, labels)
            n = len(labels)
            total += value * n
            correct += right
            seen += n
            progress.step(epoch, step, total / seen, seen / (time.perf_counter() - start))
        total, correct, seen = self.ranks.summed(total, correct, seen)
        return total / seen, correct / seen

    def _step(self, epoch: int, step: int, images: Any, labels: Any) -> tuple[float, int]:
        """The loss of a batch, and how many of it were classified right before the step."""
        import tinygrad_cnn as tg

        self.optimizer.zero_grad()
        logits = self.net(images)
        loss = tg.nn.functional.cross_entropy(logits, labels)
        value = loss.item()
        check_finite(value, self.net, images, f"epoch {epoch}, step {step}{self.ranks.here}")
        loss.backward()
        if self.history is not None:
            self.history.step(loss=value, gradients=tg.viz.gradient_norms(self.net))
        self.optimizer.step()
        self.schedule.step()
        return value, int((logits.argmax(1) == labels).sum().item())

    def _write_down(self, loss: float, accuracy: float) -> None:
        """What an epoch leaves behind: a point of the curves, a checkpoint."""
        from ...checkpoint import save_checkpoint

        if self.history is not None:
            test_loss, correct = self.evaluate()
            lr, test_accuracy = self.schedule.get_last_lr()[0], correct / len(self.data.test_y)
            self.history.epoch(loss=loss, test_loss=test_loss, accuracy=accuracy, test_accuracy=test_accuracy, lr=lr)
        if self.args.checkpoint and self.ranks.first:
            save_checkpoint(self.args.checkpoint, self.model, self.optimizer, self.schedule, epoch=self.epoch)

    def evaluate(self) -> tuple[float, int]:
        """The mean loss on the test images, and how many are classified right."""
        return evaluation.evaluate(self.model, self.data.test_x, self.data.test_y, self.ranks)


def make_optimizer(args: argparse.Namespace, model: Any) -> Any:
    from ... import optim

    parameters = model.parameters()
    lr = args.lr or LEARNING_RATES[args.optimizer]
    if args.optimizer == "sgd":
        return optim.SGD(parameters, lr=lr, momentum=args.momentum)
    if args.optimizer == "rmsprop":
        return optim.RMSprop(parameters, lr=lr, momentum=args.momentum)
    kinds = {"adam": optim.Adam, "adamw": optim.AdamW, "adagrad": optim.Adagrad, "adadelta": optim.Adadelta}
    return kinds[args.optimizer](parameters, lr=lr)
