"""Whole networks: training steps, inference, the first step, and how cost grows; each beside the other libraries."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from .networks import BASE, Workload
from .table import Table, geometric_mean
from .turns import Job, Settings, Worker, take_turns

OURS = "tinygrad_cnn"


def train(settings: Settings, workloads: dict[str, Workload]) -> list[dict]:
    """A step of SGD on each network: its time, and the memory that it needs beyond the network at rest."""
    return _table("training step", "train", settings, workloads)


def infer(settings: Settings, workloads: dict[str, Workload]) -> list[dict]:
    """The outputs of each network, for one picture and for 128."""
    networks = {w.network: w for w in workloads.values()}
    sizes = (1,) if settings.quick else (1, 128)
    batches = {f"{name}_b{n}": replace(w, batch=n) for name, w in networks.items() for n in sizes}
    return _table("inference", "infer", settings, batches)


def first(settings: Settings, workloads: dict[str, Workload]) -> list[dict]:
    """From the start of a process to its first training step done, with the kernels compiled before."""
    return _table("to first step", "first", settings, workloads)


def growth(settings: Settings) -> list[dict]:
    """One factor at a time from the base network: by how much time and memory grow when it does."""
    columns = {"factor": "8.2f", "time": "8.2f", "memory": "8.2f", **_columns("growth", settings)}
    table = Table("growth", columns, settings.out)
    rows: list[dict] = []
    with ExitStack() as stack:
        base = _job(stack, OURS, "train", BASE, settings.threads)
        for what, value, factor, workload, threads in variants(settings):
            with ExitStack() as inner:
                jobs = [_job(inner, library, "train", workload, threads) for library in (OURS, *settings.against)]
                times = take_turns([*jobs, base], settings.rounds, settings.budget(0.1))
            row = _row(f"{what} {value}".strip(), workload, jobs, times[: len(jobs)])
            row["factor"], row["time"] = factor, _median_ratio(times[0], times[-1])
            row["memory"] = row["step_mb"] and base.facts["step_mb"] and row["step_mb"] / base.facts["step_mb"]
            rows.append(row)
            table.row(row["workload"], _shown(row))
    return rows


def variants(settings: Settings) -> list[tuple[str, Any, float, Workload, int]]:
    """The factor's name, its value, the value over the base's, and what it comes to."""
    C, size, _ = BASE.image
    n, team = BASE.batch, settings.threads
    found: list[tuple[str, Any, float, Workload, int]] = [("base", "", 1.0, BASE, team)]
    found += [("batch", v, v / n, replace(BASE, batch=v), team) for v in (8, 128)]
    found += [("image", v, (v / size) ** 2, replace(BASE, image=(C, v, v)), team) for v in (16, 64)]
    for what, values in (("channels", (16, 64, 128)), ("depth", (1, 6, 12))):
        for v in values:
            found.append((what, v, v / BASE.sizes[what], replace(BASE, sizes={**BASE.sizes, what: v}), team))
    threads = sorted({1, *(2**k for k in range(1, team.bit_length())), team} - {team})
    found += [("threads", v, v / team, BASE, v) for v in threads]
    return found[:2] if settings.quick else found


def _table(title: str, maker: str, settings: Settings, workloads: dict[str, Workload]) -> list[dict]:
    table = Table(title, _columns(maker, settings), settings.out)
    measure = _starts if maker == "first" else _rounds
    rows = []
    for name, workload in workloads.items():
        jobs, times = measure(maker, settings, workload)
        rows.append(_row(name, workload, jobs, times))
        table.row(name, _shown(rows[-1]))
    if mean := geometric_mean(row["ratio"] for row in rows if row.get("ratio")):
        table.row("geometric mean", {"ours/torch": mean})
    return rows


def _rounds(maker: str, settings: Settings, workload: Workload) -> tuple[list[Job], list[list[float]]]:
    """A process for each library, and rounds in which they take turns."""
    with ExitStack() as stack:
        jobs = [_job(stack, library, maker, workload, settings.threads) for library in (OURS, *settings.against)]
        return jobs, take_turns(jobs, settings.rounds, settings.budget(0.15))


def _starts(maker: str, settings: Settings, workload: Workload) -> tuple[list[Job], list[list[float]]]:
    """Rounds of a fresh process each, timed from its start to its answer; never more than five."""
    times: list[list[float]] = [[] for _ in (OURS, *settings.against)]
    for _ in range(min(settings.rounds, 5)):
        jobs = []
        for library, seconds in zip((OURS, *settings.against), times, strict=True):
            with ExitStack() as stack:
                jobs.append(_job(stack, library, maker, workload, settings.threads))
                seconds.append(jobs[-1].made - jobs[-1].worker.started)
    return jobs, times


def _job(stack: ExitStack, library: str, maker: str, workload: Workload, threads: int) -> Job:
    worker = stack.enter_context(Worker(library, threads))
    return worker.make(f"networks.{maker}", maker, library=library, workload=workload.described(), threads=threads)


def _row(name: str, workload: Workload, jobs: Sequence[Job], times: Sequence[list[float]]) -> dict:
    """Our figures, and beside them those of the fastest of the others."""
    seconds = [statistics.median(rounds) for rounds in times]
    row = {"workload": name, "batch": workload.batch, "ms": seconds[0] * 1e3}
    row |= {"images_per_second": workload.batch / seconds[0], "step_mb": jobs[0].facts.get("step_mb")}
    if len(jobs) == 1:
        return row
    best = min(range(1, len(jobs)), key=seconds.__getitem__)
    row |= {"torch": jobs[best].worker.library, "torch_ms": seconds[best] * 1e3}
    row["torch_step_mb"] = jobs[best].facts.get("step_mb")
    row["same_loss"] = all(equal(jobs[0].facts["losses"], job.facts["losses"]) for job in jobs[1:])
    if row["same_loss"]:
        low, middle, high = _quartiles([a / b for a, b in zip(times[0], times[best], strict=True)])
        row |= {"ratio": middle, "ratio_low": low, "ratio_high": high}
    return row


def equal(ours: list[float], theirs: list[float]) -> bool:
    """Whether losses agree: the first to 1e-4, those after updates to 1e-2, for rounding grows with every step.

    >>> equal([2.3, 1.0], [2.3, 1.004]), equal([2.3], [2.31]), equal([math.nan], [math.nan])
    (True, False, False)
    """
    return all(math.isclose(a, b, rel_tol=1e-2 if k else 1e-4) for k, (a, b) in enumerate(zip(ours, theirs)))


def _median_ratio(times: list[float], others: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(times, others, strict=True))


def _quartiles(values: list[float]) -> list[float]:
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3


COLUMNS = {
    "ours/torch": "12.2f",
    "low": "6.2f",
    "high": "6.2f",
    "ms": "10.2f",
    "torch ms": "10.2f",
    "images/s": "10,.0f",
    "MB": "7.0f",
    "torch MB": "10.0f",
    "fastest": ">21s",
}
KEYS = {
    "ours/torch": "ratio",
    "low": "ratio_low",
    "high": "ratio_high",
    "torch ms": "torch_ms",
    "images/s": "images_per_second",
    "MB": "step_mb",
    "torch MB": "torch_step_mb",
    "fastest": "torch",
}


def _columns(maker: str, settings: Settings) -> dict[str, str]:
    """Ratios first; of the comparison nothing where there is none."""
    left_out = {
        "train": set(),
        "infer": {"MB", "torch MB"},
        "first": {"MB", "torch MB", "images/s"},
        "growth": {"images/s", "low", "high"},
    }[maker]
    if not settings.against:
        left_out |= {"ours/torch", "low", "high", "torch ms", "torch MB"}
    if len(settings.against) < 2:
        left_out.add("fastest")
    return {heading: spec for heading, spec in COLUMNS.items() if heading not in left_out}


def _shown(row: dict) -> dict:
    """A row by the headings of the table."""
    return {**row, **{heading: row.get(key) for heading, key in KEYS.items()}}
