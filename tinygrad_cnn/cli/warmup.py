"""Compile the fast kernels ahead, so that no first training step waits for them."""

from __future__ import annotations

import argparse
import time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> None:
    from .. import kernels

    start = time.perf_counter()
    kernels.warmup()
    print(f"kernels are ready after {time.perf_counter() - start:.1f} s")
    for key, value in kernels.status().items():
        print(f"{key}: {value}")
