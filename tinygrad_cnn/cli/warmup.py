"""Compile the fast kernels now.

Without it, a first program runs on the NumPy kernels while another process compiles.
"""

from __future__ import annotations

import argparse
import sys
import time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> None:
    from .. import kernels

    start = time.perf_counter()
    kernels.warmup(show if sys.stderr.isatty() else None)
    print(f"kernels are ready after {time.perf_counter() - start:.1f} s")
    for key, value in kernels.status().items():
        print(f"{key}: {value}")


def show(done: int, total: int) -> None:
    """One line on the terminal that is written over, and away in the end."""
    sys.stderr.write(f"\r{done} of {total} loops\x1b[K" if done < total else "\r\x1b[K")
    sys.stderr.flush()
