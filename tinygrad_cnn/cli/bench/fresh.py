"""What nobody is to wait for: the first run on a machine where no kernel has been compiled so far.

Each process finds an empty cache. One that compiles in the background would go on when the program has ended, and take
a core from what is measured next: on Linux, which tells whose cache is whose, it is ended.
"""

from __future__ import annotations

import os
import signal
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from .accuracy import NUMPY
from .compared import OURS
from .networks import Workload
from .table import Table, geometric_mean
from .turns import Settings, Worker

COMMAND = "tinygrad-cnn train"


def fresh(settings: Settings, workloads: dict[str, Workload]) -> list[dict]:
    """Seconds of the first step with an empty cache, beside those of the NumPy kernels; of `train` after the import."""
    columns = {"empty cache, s": "16.2f", "NumPy, s": "10.2f", "ratio": "7.2f"}
    table = Table("first run", columns, settings.out)
    rows = []
    for name, workload in {COMMAND: None, **workloads}.items():
        rounds = [_first_run(settings, workload) for _ in range(min(settings.rounds, 3))]
        ours, numpy = (statistics.median(seconds) for seconds in zip(*rounds, strict=True))
        rows.append({"workload": name, "seconds": ours, "numpy_seconds": numpy})
        rows[-1]["ratio"] = statistics.median(a / b for a, b in rounds)
        table.row(name, dict(zip(columns, (ours, numpy, rows[-1]["ratio"]), strict=True)))
    table.row("geometric mean", {"ratio": geometric_mean(row["ratio"] for row in rows)})
    return rows


def _first_run(settings: Settings, workload: Workload | None) -> list[float]:
    facts = []
    for library in (OURS, NUMPY):
        with ExitStack() as stack:
            cache = stack.enter_context(empty_cache())
            worker = stack.enter_context(Worker(library, settings.threads, NUMBA_CACHE_DIR=cache))
            if workload:
                described = workload.described()
                job = worker.make("steps.first", "first", library=library, workload=described, threads=worker.threads)
            else:
                job = worker.make("steps.command", "command", line=COMMAND.split()[1:], threads=worker.threads)
            facts.append(job.facts)
    return [fact["seconds"] for fact in facts]


@contextmanager
def empty_cache() -> Iterator[str]:
    """A folder for compiled kernels; behind the block it is gone, and so is any process that was told to fill it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield folder
        told = f"NUMBA_CACHE_DIR={folder}".encode()
        for environment in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if told in environment.read_bytes().split(b"\0"):
                    os.kill(int(environment.parent.name), signal.SIGKILL)
