"""A training in the making: the network, what moves it, and how far it has come."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...stopping import stop
from ...training import JSONL, EarlyStopping, KeepBest
from .. import UserError
from ..ranks import Ranks
from .data import Data
from .evaluation import Score, evaluate
from .finite import Finite
from .keep import METRICS, File, Folder, config, lasting, newest, newest_first
from .metrics import Rows


class Training:
    """The loop that a user would write: batches, a loss, backward, a step.

    `model` is the network, `net` what is called in its place to train it. `epoch` is the last one that is complete,
    `step` counts the steps of the next one that are done, `begun` is the epoch that this process came after.
    `place` is where checkpoints go and `log` what takes down each step and epoch, if anything does.
    """

    def __init__(self, options: argparse.Namespace, data: Data, ranks: Ranks):
        import tinygrad_cnn as tg

        self.options, self.data, self.ranks = options, data, ranks
        self.digest = data.digest()
        self.seed = options.seed or 0
        tg.manual_seed(self.seed)
        self.model, self.net = ranks.shared(data.card.build())
        self.epochs = options.epochs
        self.optimizer = make_optimizer(options, self.model)
        self.loader = ranks.loader(data.numbered("train"), options.batch_size, self.seed, options.workers)
        steps = self.epochs * len(self.loader)
        self.schedule = tg.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=steps)
        self.stopper = EarlyStopping(options.patience or self.epochs + 1)
        self.best = KeepBest(self.model) if options.patience else None
        self.finite = Finite(options.on_nan, self.model, self.net, ranks)
        self.learned = False  # whether this process has done a step
        self.place: File | Folder | None = None
        self.log: Any = None
        self.sums = (0.0, 0, 0)  # of the epoch so far: loss, right ones, images
        self.seconds = 0.0
        self.begun = self.epoch = self.step = 0

    @property
    def steps(self) -> int:
        """All steps that are done."""
        return self.epoch * len(self.loader) + self.step

    @property
    def complete(self) -> bool:
        return self.epoch == self.epochs or self.stopper.num_bad_epochs >= self.stopper.patience

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights are the result of --patience; 0 where they are those of the last step."""
        kept = self.best is not None and self.best.weights is not None
        return self.epoch - self.stopper.num_bad_epochs if kept else 0

    def run(self, progress: Any, wanted: Callable[[], bool] = lambda: stop.told > 0) -> None:
        """All steps that are left, or those until a stop is `wanted`, which is asked after each; then it is saved.

        UserError where the first step after --resume shows that the checkpoint is none of this training.
        """
        try:
            self._run(progress, wanted)
        except (UserError, OSError, MemoryError):
            raise
        except Exception as error:
            if self.learned or not self.options.resume:
                raise
            raise UserError(f"--resume: {self.options.resume} does not go on from here: {error!r}") from error

    def _run(self, progress: Any, wanted: Callable[[], bool]) -> None:
        while not self.complete:
            start = time.perf_counter()
            stopped = self._epoch(progress, wanted)
            self.seconds += time.perf_counter() - start
            if stopped:
                self.save()
                return
            self._close_epoch(progress, time.perf_counter() - start)
            if self.ranks.any(wanted()):
                return

    def _epoch(self, progress: Any, wanted: Callable[[], bool]) -> bool:
        """What is left of a pass over the training images; whether it was stopped before its end."""
        if not self.step:
            self.ranks.begin(self.loader, self.seed, self.epoch + 1)
            self.sums = 0.0, 0, 0
        self.net.train()
        start, before = time.perf_counter(), self.sums[2]
        for images, labels, numbers in self.loader:
            self.step += 1
            self._step(images, labels, numbers, progress.say)
            self.learned = True
            total, _, seen = self.sums
            speed = (seen - before) / (time.perf_counter() - start)
            progress.step(self.epoch + 1, self.step, mean(total, seen), speed)
            if self.step < len(self.loader):  # the end of an epoch is saved when it is judged
                if self.ranks.any(wanted()):
                    return True
                if self.options.checkpoint_every and self.steps % self.options.checkpoint_every == 0:
                    self.save()
        return False

    def _step(self, images: Any, labels: Any, numbers: Any, say: Callable) -> None:
        """Learn from a batch, and add to the sums of the epoch what was thought of it before."""
        import tinygrad_cnn as tg

        cross_entropy = tg.nn.functional.cross_entropy
        self.finite.begin()
        self.optimizer.zero_grad()
        logits = self.net(images)
        loss = cross_entropy(logits, labels)
        value = loss.item()
        loss.backward()
        again = lambda: cross_entropy(self.net(images), labels)
        if not self.finite.passes(value, again, self.where(), numbers.tolist(), say):
            return
        if self.log is not None:
            row = {"epoch": self.epoch + 1, "step": self.steps, "loss": value, "lr": self.schedule.get_last_lr()[0]}
            self.log.write(row, gradients=tg.viz.gradient_norms(self.net))
        self.optimizer.step()
        self.schedule.step()
        total, correct, seen = self.sums
        right = int((logits.argmax(1) == labels).sum().item())
        self.sums = total + value * len(labels), correct + right, seen + len(labels)

    def where(self) -> str:
        """Which step is the last that was begun."""
        epoch, step = (self.epoch + 1, self.step) if self.step else (self.epoch, len(self.loader))
        return f"epoch {epoch}, step {step}{self.ranks.here}"

    def _close_epoch(self, progress: Any, seconds: float) -> None:
        """Judge the epoch if anybody wants to know, and keep it."""
        total, correct, seen = self.ranks.summed(*self.sums)
        loss, accuracy = mean(total, seen), mean(correct, seen)
        self.epoch, self.step = self.epoch + 1, 0
        progress.epoch(self.epoch, loss, accuracy, seconds)
        improved, options = False, self.options
        if options.report or options.patience or options.folder is not None:
            part = self.data.watched
            score = self.evaluate(part)
            self.stopper.step(score.loss)
            improved = self.stopper.num_bad_epochs == 0
            if self.best is not None:
                self.best.step(score.loss)
            if self.log is not None:
                row = {"epoch": self.epoch, "loss": loss, "accuracy": accuracy, "lr": self.schedule.get_last_lr()[0]}
                self.log.write(row, **{f"{part}_loss": score.loss, f"{part}_accuracy": score.accuracy})
        self.save(improved)

    def evaluate(self, part: str) -> Score:
        return evaluate(self.model, self.data, part, self.ranks)

    # what is kept

    def open(self) -> None:
        """Make the place for checkpoints and the log, where the options ask for them and this is the first rank."""
        options = self.options
        if not self.ranks.first:
            return
        if options.folder is not None:
            if options.resume:
                folder = Folder(Path(options.folder), options.keep)
            else:
                folder = Folder.new(
                    options.folder, options.data, options.keep, config(options, self.seed, self.data.card)
                )
                options.folder = str(folder.path)
            self.place = folder
            try:
                self.log = JSONL(folder.path / METRICS)
            except ValueError as error:
                raise UserError(f"--resume: {error}") from None
        else:
            self.place = File(Path(options.checkpoint)) if options.checkpoint else None
            self.log = Rows() if options.report else None

    def close(self) -> None:
        if self.place is not None:
            self.place.close()

    def _tools(self) -> dict[str, Any]:
        """What remembers something, by the name that it has in a checkpoint."""
        tools = {"stopper": self.stopper, "best": self.best, "log": self.log, "finite": self.finite}
        return {name: tool for name, tool in tools.items() if tool is not None}

    def _mine(self) -> dict[str, Any]:
        """Where this rank is in the epoch, which is another place on every rank."""
        from ... import get_rng_state

        return {"random": get_rng_state(), "loader": self.loader.state_dict(), "sums": list(self.sums)}

    def _go_on(self, ranks: list[dict[str, Any]]) -> None:
        """The rest of an epoch, from where each rank was."""
        from ... import set_rng_state

        if len(ranks) != self.ranks.size:
            raise UserError(f"it was stopped within an epoch on {len(ranks)} ranks, and goes on on as many")
        mine = ranks[self.ranks.rank]
        self.ranks.begin(self.loader, self.seed, self.epoch + 1)
        self.loader.load_state_dict(mine["loader"])
        total, correct, seen = mine["sums"]
        self.sums = float(total), int(correct), int(seen)
        set_rng_state(mine["random"])

    def save(self, improved: bool = False) -> None:
        """Write a checkpoint, if there is a place for it; all ranks come here, the first one writes."""
        from ...checkpoint import save_checkpoint

        if self.options.folder is None and not self.options.checkpoint:
            return
        self.finite.check_weights(self.where())
        ranks = self.ranks.gathered(self._mine())
        if self.place is None:
            return
        values: dict[str, Any] = {
            "epoch": self.epoch,
            "step": self.step,
            "ranks": ranks,
            "options": lasting(self.options),
            "digest": self.digest,
            "metadata": self.data.card.metadata(),
        }
        values |= self._tools()
        self.place.save(
            lambda path: save_checkpoint(path, self.model, self.optimizer, self.schedule, **values),
            self.steps,
            improved,
        )

    def resume(self) -> None:
        """Go on from the newest checkpoint of --resume."""
        from ...checkpoint import load_checkpoint

        place = self.options.resume
        try:
            if (folder := Path(place)).is_dir() and not newest_first(folder):  # it ended before the first checkpoint
                if self.log is not None:
                    self.log.load_state_dict({"lines": 0})
                return
            path, held = newest(folder)
            tools = {name: tool for name, tool in self._tools().items() if name in held.get("parts", ())}
            if held.get("checkpoint") == 1 and held["more"].get("digest") != self.digest:
                raise UserError("it was begun with other images than there are now")
            values = load_checkpoint(path, self.model, self.optimizer, self.schedule, **tools)
            self.begun = self.epoch = int(values["epoch"])
            self.step = int(values["step"])
            if not (0 <= self.epoch <= self.epochs and 0 <= self.step < len(self.loader)):
                raise ValueError(f"it was in epoch {self.epoch}, step {self.step}, which this training has not")
            if self.step:
                self._go_on(values["ranks"])
        except MemoryError:
            raise
        except Exception as error:  # what a damaged checkpoint holds may fail in any way
            why = str(error) if isinstance(error, UserError | RuntimeError | ValueError) else repr(error)
            raise UserError(f"--resume: {place} does not go on from here: {why}") from None


def mean(total: float, n: int) -> float:
    return total / n if n else math.nan


def make_optimizer(options: argparse.Namespace, model: Any) -> Any:
    from ... import optim

    parameters, lr = model.parameters(), options.lr
    if options.optimizer == "sgd":
        return optim.SGD(parameters, lr=lr, momentum=options.momentum)
    if options.optimizer == "rmsprop":
        return optim.RMSprop(parameters, lr=lr, momentum=options.momentum)
    kinds = {"adam": optim.Adam, "adamw": optim.AdamW, "adagrad": optim.Adagrad, "adadelta": optim.Adadelta}
    return kinds[options.optimizer](parameters, lr=lr)
