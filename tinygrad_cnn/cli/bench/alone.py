"""The machine and the ops: what tinygrad_cnn makes of the limits of this computer.

The limit of an op, SGEMM or the memory's bandwidth, runs in turn with it, so that its share of the limit stays what
it is on a machine that is busy with something else.
"""

from __future__ import annotations

import os
import platform
import statistics
from contextlib import ExitStack

from .ops import OPS, Op
from .table import Table, geometric_mean
from .turns import Job, Settings, Worker, take_turns

QUICK = ("conv 3×3 32→32, 32×32² forward", "relu, 32×64×64² forward")

MEANS = (
    ("GFLOP/s", "direct", "of SGEMM"),
    ("GFLOP/s", "winograd", "winograd, of SGEMM"),
    ("GB/s", "direct", "of bandwidth"),
)


def sizes(settings: Settings) -> tuple[int, int]:
    """Rows of the matrices to multiply, megabytes of the arrays to copy."""
    return (512, 32) if settings.quick else (2048, 128)


def machine(settings: Settings) -> dict:
    """The limits: the best round of each, in GFLOP/s and GB/s."""
    size, megabytes = sizes(settings)
    threads = settings.threads
    with Worker("tinygrad_cnn", threads) as ours, Worker("numpy", threads) as numpy:
        kernels = ours.make("machine.status", "status", threads=threads).facts
        products = [
            ours.make("machine.product", "sgemm", size=size, threads=threads),
            numpy.make("machine.numpy_product", "numpy_sgemm", size=size),
        ]
        streams = [numpy.make(f"machine.{name}", name, megabytes=megabytes, threads=threads)
                   for name in ("copy", "triad")]  # fmt: skip
        rounds = max(settings.rounds, 5)
        best = {job.name: min(times) for job, times in zip(products, take_turns(products, rounds, 0), strict=True)}
        best |= {job.name: min(times) for job, times in zip(streams, take_turns(streams, rounds, 0), strict=True)}
    found = {"cpu": cpu(), "cores": os.cpu_count(), "kernels": kernels}
    found |= {f"{job.name}_gflops": job.facts["flop"] / best[job.name] / 1e9 for job in products}
    found |= {f"{job.name}_gb_per_s": job.facts["bytes"] / best[job.name] / 1e9 for job in streams}
    settings.say(f"{found['cpu']}, {found['cores']} cores")
    settings.say("kernels: " + ", ".join(str(kernels[key]) for key in ("kernels", "why", "cache") if key in kernels))
    settings.say(f"SGEMM {size}²: {found['sgemm_gflops']:.0f} GFLOP/s, NumPy's {found['numpy_sgemm_gflops']:.0f}")
    settings.say(f"memory: copy {found['copy_gb_per_s']:.1f} GB/s, triad {found['triad_gb_per_s']:.1f} GB/s")
    return found


def cpu() -> str:
    """What the processor calls itself."""
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.partition(":")[2].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def ops(settings: Settings, limits: dict, which: str) -> list[dict]:
    """A row for each op: the short ones, those of a million numbers, or every one.

    Of the latter, direct convolutions apart where the transformed one was chosen.
    """
    every = which == "every"
    names = QUICK if settings.quick else [name for name, op in OPS.items() if every or getattr(op, which)]
    table = Table("op", {"ms": "9.2f", "GFLOP/s": "9.0f", "GB/s": "7.1f", "of limit": "10.0%"}, settings.out, name=50)
    rows: list[dict] = []

    def add(row: dict) -> None:
        rows.append(row)
        table.row(row["op"], {"ms": row["ms"], row["unit"]: row["rate"], "of limit": row["of_limit"]})

    with ExitStack() as stack:
        bench = Ops(stack, settings, limits, direct=False)
        directly: Ops | None = None
        for name in names:
            add(bench.row(OPS[name]))
            if every and rows[-1]["algorithm"] == "winograd":
                directly = directly or Ops(stack, settings, limits, direct=True)
                add(directly.row(OPS[name]))
    for unit, algorithm, what in MEANS:
        shares = [row["of_limit"] for row in rows if (row["unit"], row["algorithm"]) == (unit, algorithm)]
        if shares:
            table.row(f"geometric mean, {what}", {"of limit": geometric_mean(shares)})
    return rows


class Ops:
    """A process that measures ops, with the two limits to take turns with."""

    def __init__(self, stack: ExitStack, settings: Settings, limits: dict, direct: bool):
        self.settings, self.direct = settings, direct
        self.worker = stack.enter_context(Worker("tinygrad_cnn", settings.threads))
        size, megabytes = sizes(settings)
        product = self.worker.make("machine.product", "sgemm", size=size, threads=settings.threads)
        copy = self.worker.make("machine.copy", "copy", megabytes=megabytes, threads=settings.threads)
        # the better of two is the limit, and stands in a fixed proportion to the one that runs here
        gflops, rate = limits["sgemm_gflops"], limits["copy_gb_per_s"]
        self.limits: dict[str, tuple[Job, float]] = {
            "GFLOP/s": (product, product.facts["flop"] * max(1, limits["numpy_sgemm_gflops"] / gflops)),
            "GB/s": (copy, copy.facts["bytes"] * max(1, limits["triad_gb_per_s"] / rate)),
        }

    def row(self, op: Op) -> dict:
        unit, work = ("GFLOP/s", op.flop) if op.flop else ("GB/s", op.bytes)
        job = self.worker.make("ops.make", "op", name=op.name, threads=self.settings.threads, direct=self.direct)
        limit, limit_work = self.limits[unit]
        times, limit_times = take_turns([job, limit], self.settings.rounds, self.settings.budget(0.05))
        seconds, algorithm = statistics.median(times), job.facts["algorithm"]
        share = statistics.median(b / a for a, b in zip(times, limit_times, strict=True)) * work / limit_work
        return {
            "op": f"{op.name}, {algorithm}" if self.direct or algorithm == "winograd" else op.name,
            "algorithm": algorithm,
            "ms": seconds * 1e3,
            "unit": unit,
            "rate": work / seconds / 1e9,
            "of_limit": share,
        }
