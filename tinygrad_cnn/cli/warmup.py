"""Compile the fast kernels now.

Without it, a first program runs on the NumPy kernels while another process compiles.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from typing import Any

from .bar import bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> None:
    from .. import kernels

    start = time.perf_counter()
    with contextlib.closing(Loops()) as loops:
        kernels.warmup(loops.show)
    print(f"kernels are ready after {time.perf_counter() - start:.1f} s")
    for key, value in kernels.status().items():
        print(f"{key}: {value}")


class Loops:
    """The bar of the loops that are compiled, which are counted when the first one is."""

    def __init__(self) -> None:
        self.bar: Any = None

    def show(self, done: int, total: int) -> None:
        if self.bar is None:
            self.bar = bar(total, "loops")
        if self.bar is not None:
            self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
