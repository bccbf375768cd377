"""What is seen of a training while it runs."""

from __future__ import annotations

import sys
import time
from typing import Any


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


class Silence:
    """The progress of a rank that prints none."""

    def step(self, *facts: Any) -> None: ...
    def epoch(self, *facts: Any) -> None: ...
    def close(self) -> None: ...
