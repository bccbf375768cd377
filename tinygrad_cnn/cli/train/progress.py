"""What is seen of a training while it runs: a line for each epoch and, on a terminal, a bar until it is there."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from ..bar import bar


class Progress:
    def __init__(self, epochs: int, steps: int):
        self.epochs, self.steps = epochs, steps
        self.bar: Any = None
        self.epoch_of_bar = 0

    def step(self, epoch: int, step: int, loss: float, speed: float) -> None:
        with contextlib.suppress(OSError):  # the terminal is gone; the training is not
            if self.epoch_of_bar != epoch:
                self.epoch_of_bar = epoch
                self.bar = bar(self.steps, f"epoch {epoch}/{self.epochs}", step - 1)
            if self.bar is not None:
                self.bar.set_postfix_str(f"loss {loss:.4f}, {speed:,.0f} images/s", refresh=False)
                self.bar.update(step - self.bar.n)

    def epoch(self, epoch: int, loss: float, accuracy: float, seconds: float) -> None:
        line = f"epoch {epoch}/{self.epochs}: training loss {loss:.4f}, accuracy {accuracy:.2%}, {seconds:.1f} s"
        with contextlib.suppress(OSError):
            self.close()
            print(line, file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Print a line that stays, over the bar."""
        with contextlib.suppress(OSError):
            if self.bar is not None:
                self.bar.write(text, file=sys.stderr)
            else:
                print(text, file=sys.stderr, flush=True)

    def close(self, keep: bool = False) -> None:
        """Take the bar away, or keep it on the terminal as it is."""
        if self.bar is not None:
            self.bar.leave = keep
            self.bar.close()
            self.bar = None


class Silence:
    """The progress of a rank that prints none."""

    def step(self, *facts: Any) -> None: ...
    def epoch(self, *facts: Any) -> None: ...
    def say(self, text: str) -> None: ...
    def close(self, keep: bool = False) -> None: ...
