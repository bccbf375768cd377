"""The process that measures. It makes a job when it is told to, and runs a round of it whenever it is asked.

It reads a line of JSON from its standard input, and answers with one; between two lines it sleeps.

    {"job": "ours", "make": "steps.train", "with": {...}}        the facts that were found in making it
    {"job": "ours", "calls": 20}                                 seconds of one call, the mean of so many

This file is run by path, and makers stand in its neighbours, which are a package of their own here and import a
library only to measure it: so a worker for PyTorch never loads tinygrad_cnn, nor one for tinygrad_cnn PyTorch. They
run from a copy, for they are the user's code here, which `tinygrad_cnn.compile` tells from the library's by its place.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(folder: str) -> None:
    package = sys.modules["measured"] = types.ModuleType("measured")
    package.__path__ = [str(shutil.copytree(Path(__file__).parent, Path(folder) / "measured"))]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    jobs: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["job"]
        if "make" in request:
            jobs.pop(name, None)  # its memory is free before the next takes some
            module, _, maker = request["make"].rpartition(".")
            jobs[name], answer = getattr(importlib.import_module(f"measured.{module}"), maker)(**request["with"])
        else:
            answer = seconds(jobs[name], request["calls"])
        print(json.dumps(answer), file=answers, flush=True)


def seconds(job: Callable[[], Any], calls: int) -> float:
    """The mean time of so many calls, one after the other."""
    last: Any = None
    start = time.perf_counter()
    for _ in range(calls):
        last = job()
    getattr(last, "block_until_ready", int)()  # JAX answers before it is done
    return (time.perf_counter() - start) / calls


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is told to the one that asks, who ends this one
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
