"""Whole networks: training steps, inference, the first step, and how cost grows; each beside the other libraries.

tinygrad_cnn runs in two ways, eager and compiled: there the whole step is one function under `tinygrad_cnn.compile`.
A ratio is named by its two sides, such as "compile/best", where best is the fastest of those that are compared with.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from .. import UserError
from .networks import BASE, Workload
from .table import Table, geometric_mean
from .turns import Job, Settings, Worker, take_turns

OURS, COMPILED = "tinygrad_cnn", "tinygrad_cnn-compile"
WAYS = {"eager": OURS, "compile": COMPILED}
COMPILABLE = ("train", "infer")


def train(settings: Settings, workloads: dict[str, Workload]) -> list[dict]:
    """A step of SGD on each network: its time, and the memory that it needs beyond the network at rest."""
    return _table("training step", "train", settings, workloads)


def infer(settings: Settings, workloads: dict[str, Workload]) -> list[dict]:
    """The outputs of each network, for one picture and for 128."""
    networks = {w.network: w for w in workloads.values()}
    sizes = (1,) if settings.quick else (1, 128)
    batches = {f"{name}_b{n}": replace(w, batch=n) for n in sizes for name, w in networks.items()}
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
            row["factor"], row["time"] = factor, quartiles(times[0], times[-1])[1]
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
    libraries = [*(WAYS.values() if maker in COMPILABLE else [OURS]), *settings.against]
    rows = []
    for name, workload in workloads.items():
        jobs, times = measure(maker, settings, libraries, workload)
        rows.append(_row(name, workload, jobs, times))
        table.row(name, _shown(rows[-1]))
    compared = [row["ratios"] for row in rows if row.get("ratios")]
    if compared:
        table.row("geometric mean", {name: geometric_mean(r[name][1] for r in compared) for name in compared[0]})
    return rows


def _rounds(
    maker: str, settings: Settings, libraries: Sequence[str], workload: Workload
) -> tuple[list[Job], list[list[float]]]:
    """A process for each library, and rounds in which they take turns."""
    with ExitStack() as stack:
        jobs = []
        for library in libraries:
            try:
                jobs.append(_job(stack, library, maker, workload, settings.threads))
            except UserError as error:  # PyTorch's compiler, for one, needs that of the system
                if library not in settings.against[1:]:
                    raise
                settings.say(f"without {library}: {error}")
        return jobs, take_turns(jobs, settings.rounds, settings.budget(0.15))


def _starts(
    maker: str, settings: Settings, libraries: Sequence[str], workload: Workload
) -> tuple[list[Job], list[list[float]]]:
    """Rounds of a fresh process each, timed from its start to its answer; never more than five."""
    times: list[list[float]] = [[] for _ in libraries]
    for _ in range(min(settings.rounds, 5)):
        jobs = []
        for library, seconds in zip(libraries, times, strict=True):
            with ExitStack() as stack:
                jobs.append(_job(stack, library, maker, workload, settings.threads))
                seconds.append(jobs[-1].made - jobs[-1].worker.started)
    return jobs, times


def _job(stack: ExitStack, library: str, maker: str, workload: Workload, threads: int) -> Job:
    worker = stack.enter_context(Worker(library, threads))
    return worker.make(f"steps.{maker}", maker, library=library, workload=workload.described(), threads=threads)


def _row(name: str, workload: Workload, jobs: Sequence[Job], times: Sequence[list[float]]) -> dict:
    """Our figures, those of each library, and where all losses agree the ratios, each between its quartiles.

    What is called torch is the fastest of PyTorch's ways, and "ratio" that of ours to it.
    """
    rounds = {job.worker.library: seconds for job, seconds in zip(jobs, times, strict=True)}
    libraries: dict[str, dict] = {
        job.worker.library: {"ms": statistics.median(seconds) * 1e3, "step_mb": job.facts.get("step_mb")}
        for job, seconds in zip(jobs, times, strict=True)
    }
    ours = libraries[OURS]
    row = {"workload": name, "batch": workload.batch, "ms": ours["ms"]}
    row |= {"images_per_second": workload.batch / ours["ms"] * 1e3, "step_mb": ours["step_mb"], "libraries": libraries}
    others = [library for library in libraries if library not in WAYS.values()]
    if not others:
        return row
    row["same_loss"] = all(equal(jobs[0].facts["losses"], job.facts["losses"]) for job in jobs[1:])
    fastest = sorted(others, key=lambda library: libraries[library]["ms"])
    peers = {others[0]: others[0], **({"best": fastest[0]} if len(others) > 1 else {})}
    row["best"] = fastest[0]
    if row["same_loss"]:
        row["ratios"] = {
            f"{way}/{peer}": quartiles(rounds[library], rounds[theirs])
            for peer, theirs in peers.items()
            for way, library in WAYS.items()
            if library in rounds
        }
    for library in [library for library in fastest if library.startswith("torch")][:1]:
        row |= {"torch": library, **{f"torch_{key}": value for key, value in libraries[library].items()}}
        if row["same_loss"]:
            row |= zip(("ratio_low", "ratio", "ratio_high"), quartiles(rounds[OURS], rounds[library]), strict=True)
    return row


def equal(ours: list[float], theirs: list[float]) -> bool:
    """Whether losses agree: the first to 1e-4, those after updates to 1e-2, for rounding grows with every step.

    >>> equal([2.3, 1.0], [2.3, 1.004]), equal([2.3], [2.31]), equal([math.nan], [math.nan])
    (True, False, False)
    """
    return all(
        math.isclose(a, b, rel_tol=1e-2 if k else 1e-4, abs_tol=1e-6)
        for k, (a, b) in enumerate(zip(ours, theirs, strict=True))
    )


def quartiles(times: list[float], others: list[float]) -> list[float]:
    """Lower quartile, median and upper quartile of the ratios of the rounds."""
    values = [a / b for a, b in zip(times, others, strict=True)]
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3


def _columns(maker: str, settings: Settings) -> dict[str, str]:
    """Ratios first; of the comparison nothing where there is none."""
    ways = WAYS if maker in COMPILABLE else ["eager"]
    several = len(settings.against) > 1
    peers = [*settings.against[:1], *(["best"] if several else [])]
    ratios = [f"{way}/{peer}" for peer in peers for way in ways]
    columns = {heading: f"{len(heading) + 2}.2f" for heading in ratios}
    if ratios and not several and maker != "growth":
        columns |= {"low": "6.2f", "high": "6.2f"}
    milliseconds = [f"{name} ms" for name in (*ways, *peers)]
    columns |= {heading: f"{max(9, len(heading) + 2)}.2f" for heading in milliseconds}
    if maker in COMPILABLE:
        columns["images/s"] = "10,.0f"
    if maker in ("train", "growth"):
        measured = [*ways, *(peer for peer in peers if peer.startswith("torch"))]
        columns |= {heading: f"{max(7, len(heading) + 2)}.0f" for heading in (f"{name} MB" for name in measured)}
    if several:
        columns["fastest"] = ">21s"
    return columns


def _shown(row: dict) -> dict:
    """A row by the headings of the table."""
    names = {**{library: library for library in row["libraries"]}, **WAYS, "best": row.get("best")}
    shown = {**row, "images/s": row["images_per_second"], "fastest": row.get("best")}
    for name, library in names.items():
        figures = row["libraries"].get(library, {})
        shown |= {f"{name} ms": figures.get("ms"), f"{name} MB": figures.get("step_mb")}
    ratios = row.get("ratios", {})
    shown |= {name: middle for name, (_, middle, _) in ratios.items()}
    if ratios:
        shown["low"], _, shown["high"] = next(iter(ratios.values()))
    return shown
