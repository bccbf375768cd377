"""The process that measures. It makes a job when it is told to, and runs a round of it whenever it is asked.

It reads a line of JSON from its standard input, and answers with one; between two lines it sleeps.

    {"job": "ours", "make": "networks.train", "with": {...}}     the facts that were found in making it
    {"job": "ours", "calls": 20}                                 seconds of one call, the mean of so many

This file and those that makers stand in are run by path, and import tinygrad_cnn only to measure it: so a worker
for PyTorch never loads it, nor one for tinygrad_cnn PyTorch.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    jobs: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["job"]
        if "make" in request:
            jobs.pop(name, None)  # its memory is free before the next takes some
            module, _, maker = request["make"].rpartition(".")
            jobs[name], answer = getattr(importlib.import_module(module), maker)(**request["with"])
        else:
            answer = seconds(jobs[name], request["calls"])
        print(json.dumps(answer), file=answers, flush=True)


def seconds(job: Callable[[], Any], calls: int) -> float:
    """The mean time of so many calls, one after the other."""
    start = time.perf_counter()
    for _ in range(calls):
        job()
    return (time.perf_counter() - start) / calls


if __name__ == "__main__":
    main()
