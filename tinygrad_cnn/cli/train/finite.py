"""What is done about a step whose loss or gradients are NaN or infinite: --on-nan stop, skip or continue.

Whatever a step changes before its gradients are known, the statistics of batch norms and the place among the random
numbers, is noted before it, and taken back when the step is not to have been. So nothing of it reaches the weights, the
moments of the optimizer or a checkpoint.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...arrays.quiet import quietly
from .. import UserError
from .culprit import culprit, kind

CHOICES = ("stop", "skip", "continue")
MOST = 64  # numbers of samples that are said


class NotFinite(UserError):
    """A training cannot go on; why."""


class Finite:
    """Judges each step of a training: call `begin` before it and `passes` between backward and the optimizer's step.

    `skipped` counts those that were left out.
    """

    def __init__(self, on_nan: str, model: Any, net: Any, ranks: Any):
        self.on_nan, self.model, self.net, self.ranks = on_nan, model, net, ranks
        self.parameters, self.buffers = list(model.parameters()), list(model.buffers())
        self.skipped = 0

    def begin(self) -> None:
        """Note what a step may change before its end."""
        from ... import get_rng_state

        self.before = [b._array.copy() for b in self.buffers], get_rng_state()

    def take_back(self) -> None:
        """Let everything be as when the step began; its gradients are gone."""
        from ... import set_rng_state

        arrays, random = self.before
        for b, array in zip(self.buffers, arrays, strict=True):
            np.copyto(b._array, array)
        set_rng_state(random)
        for p in self.parameters:
            p.grad = None

    def passes(self, loss: float, again: Callable[[], Any], where: str, numbers: Sequence[int], say: Callable) -> bool:
        """Whether the optimizer may go on; NotFinite where the training is to stop.

        loss: the step's. again: computes it once more, as a Tensor. where: which step it is. numbers: of its samples.
        say: prints a line.
        """
        if self.on_nan == "continue":
            return True
        wrong = self._wrong(loss)
        if not self.ranks.any(bool(wrong)):
            return True
        self.take_back()
        if self.on_nan == "stop" or not self.skipped:
            wrong = wrong or "a loss or gradient of another rank is not finite"
            with getattr(self.net, "no_sync", contextlib.nullcontext)():
                source = culprit(self.model, again, backward=not self.ranks.any(not math.isfinite(loss)))
            self.take_back()
            more = f" and {len(numbers) - MOST} more" if len(numbers) > MOST else ""
            message = (
                f"{wrong} in {where}{source and '; it comes from '}{source}; "
                f"the samples of its batch are {', '.join(map(str, numbers[:MOST]))}{more}"
            )
            if self.on_nan == "stop":
                raise NotFinite(message)
            say(f"tinygrad-cnn train: {message}; it is skipped")
        self.skipped += 1
        return False

    def check_weights(self, where: str) -> None:
        """NotFinite if the weights or statistics after a step are what no checkpoint is to keep."""
        for name, t in self.model.state_dict().items() if self.on_nan != "continue" else ():
            if what := kind(t._array):
                raise NotFinite(f"{name} became {what} by the optimizer's step, {where}")

    def _wrong(self, loss: float) -> str:
        """What is not finite in this step, in words; "" if everything is."""
        if not math.isfinite(loss):
            return f"the loss became {loss}"
        if math.isfinite(quietly(self._squares)):  # one pass over the gradients, and seldom a second
            return ""
        for name, p in self.model.named_parameters():
            if p.grad is not None and (what := kind(p.grad._array)):
                return f"the gradient of {name} became {what}"
        return ""  # only the squares are too large

    def _squares(self) -> float:
        """The sum of the squares of all gradients."""
        total = 0.0
        for p in self.parameters:
            if p.grad is not None:
                g = p.grad._array.ravel(order="K")
                total += float(g.dot(g))
        return total

    def state_dict(self) -> dict[str, int]:
        return {"skipped": self.skipped}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self.skipped = state["skipped"]
