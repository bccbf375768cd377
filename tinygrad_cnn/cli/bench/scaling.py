"""Training on several ranks: what is sent, what it costs, and what that makes of 2 to 1,024 machines.

First what was measured, on this machine; then what a model makes of it (cost.py), which says itself to be one: its
compute times are measured here, its links are assumptions. Ranks have one thread each. The model is fitted on
all-reduces between two ranks, and held against the averages of whole networks, which it has not seen.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ... import files
from .. import UserError
from ..launch import starter
from .cost import Link, fitted, line, step
from .networks import WORKLOADS, Workload
from .table import Table
from .turns import Settings, environment

FIVE = ("lenet_b64", "keras_mnist_b128", "vgg_b32", "residual_b32", "resnet18_b8")
SIZES = [1 << n for n in range(8, 24, 2)] + [1 << 23]  # bytes
MACHINES = [1 << n for n in range(1, 11)]
STRONG, WEAK = 1024, 64  # images a step of all machines, and of each
# Ethernet with TCP: a tenth of the bandwidth is lost to headers, and a message takes so long to begin.
LINKS = {"10 Gbit/s": Link(30e-6, 0.9 * 10e9 / 8), "100 Gbit/s": Link(10e-6, 0.9 * 100e9 / 8)}
KERAS = "keras_mnist_b128"
SMALL = "victorzhou_b64"  # when it is to be quick
CARRIED = {"Keras' MNIST CNN": (KERAS, (16, 256)), "ResNet-18, 64²": ("resnet18_b8", (2, 16))}


def scaling(settings: Settings, plot: str | None) -> dict:
    """All of it, as plain data; tables on the way, and the picture if a file is named."""
    if plot:
        _figure()  # before anything takes time
    few = settings.quick
    rounds = min(settings.rounds, 2) if few else settings.rounds
    workloads = {name: WORKLOADS[name] for name in ((SMALL,) if few else FIVE)}
    found: dict[str, Any] = {"links": {name: link._asdict() for name, link in LINKS.items()}}

    jobs = [{"job": "sweep", "sizes": SIZES, "rounds": rounds}]
    jobs += [{"job": "network", "workload": _share(w, 2).described(), "rounds": rounds} for w in workloads.values()]
    swept, *networks = measure(2, jobs)
    link = fitted(SIZES, swept["seconds"], 2)
    fit = f"α {link.latency * 1e6:.0f} µs, β {link.bandwidth / 1e9:.2f} GB/s"
    settings.say(f"\nmeasured: all-reduce between 2 ranks; the model is fitted on it: {fit}")
    table = Table("bytes", {"ms": "9.3f", "model, ms": "12.3f"}, settings.out)
    for size, seconds in zip(SIZES, swept["seconds"], strict=True):
        table.row(f"{size:,}", {"ms": seconds * 1e3, "model, ms": link.all_reduce(size, 2) * 1e3})
    found["all_reduce"] = {"sizes": SIZES, "seconds": swept["seconds"], "fitted": link._asdict()}

    settings.say("\nmeasured: steps on 2 ranks, the batch shared out; the model has not seen them")
    columns = {"messages": "10.0f", "MB": "8.2f", "step, ms": "10.2f", "without, ms": "13.2f", "sending, ms": "13.2f",
               "model, ms": "11.2f", "hidden": "9.0%"}  # fmt: skip
    table = Table("network", columns, settings.out, name=18)
    found["networks"] = {}
    for name, row in zip(workloads, networks, strict=True):
        row["model"] = sum(link.all_reduce(size, 2) for size in row["messages"])
        row["hidden"] = min(max(1 - (row["step"] - row["compute"]) / row["communication"], 0.0), 1.0)
        found["networks"][name] = row
        times = {f"{what}, ms": row[key] * 1e3 for what, key in (
            ("step", "step"), ("without", "compute"), ("sending", "communication"), ("model", "model"))}  # fmt: skip
        counts = {"messages": len(row["messages"]), "MB": sum(row["messages"]) / 1e6, "hidden": row["hidden"]}
        table.row(name, times | counts)

    found["ranks"] = steps(settings, rounds)
    found["carried"] = carried(settings, rounds)
    if plot:
        draw(found["carried"], plot)
        settings.say(f"\nthe model's picture: {plot}")
    return found


def steps(settings: Settings, rounds: int) -> list[dict]:
    """A network on 1, 2 and 4 ranks with one thread each, beside one process with all threads."""
    name = SMALL if settings.quick else KERAS
    settings.say(f"\nmeasured: {WORKLOADS[name].network}, ms a step; threads of the one process: {settings.threads}")
    columns = {"one process": "13.2f", **{f"{n} ranks": "10.2f" for n in (1, 2, 4)}, "2 ranks / one": "15.2f"}
    table = Table("batch", columns, settings.out, name=8)
    rows = []
    for batch in (64,) if settings.quick else (64, 512):
        w = replace(WORKLOADS[name], batch=batch)
        job = lambda n, w=w: [{"job": "network", "workload": _share(w, n).described(), "rounds": rounds}]
        row = {"batch": batch, "one process": measure(1, job(1), settings.threads)[0]["compute"]}
        row |= {f"{n} ranks": measure(n, job(n))[0]["step"] for n in (1, 2, 4)}
        rows.append(row)
        ratio = row["2 ranks"] / row["one process"]
        table.row(str(batch), {k: v * 1e3 for k, v in row.items() if k != "batch"} | {"2 ranks / one": ratio})
    return rows


def carried(settings: Settings, rounds: int) -> dict:
    """What the model makes of more machines: each is this one, and computes as fast."""
    result = {}
    for title, (name, batches) in ({SMALL: (SMALL, (16, 64))} if settings.quick else CARRIED).items():
        jobs = [{"job": "network", "workload": replace(WORKLOADS[name], batch=b).described(), "rounds": rounds}
                for b in batches]  # fmt: skip
        measured = measure(1, jobs, settings.threads)
        begin, per_image = line(batches, [row["compute"] for row in measured])
        messages = measured[0]["messages"]
        compute = lambda batch, begin=begin, per_image=per_image: begin + per_image * batch
        rows = []
        for n in MACHINES:
            row: dict[str, float] = {"machines": n}
            for speed, link in LINKS.items():
                together = step(compute(STRONG / n), messages, link, n)
                row[f"strong, {speed}"] = compute(STRONG) / together
                row[f"weak, {speed}"] = compute(WEAK) / step(compute(WEAK), messages, link, n)
            rows.append(row)
        result[title] = {"begin": begin, "per_image": per_image, "messages": messages, "rows": rows}
        settings.say(
            f"\nthe model's: {title}, {sum(messages) / 1e6:.1f} MB a step; a step of one machine takes "
            f"{begin * 1e3:.2f} + {per_image * 1e3:.3f}·batch ms (measured)\n"
            f"strong: how many times as fast, {STRONG:,} images a step in all; weak: efficiency, {WEAK} images each"
        )
        table = Table("machines", {k: "20.1f" if "strong" in k else "18.0%" for k in rows[0] if k != "machines"},
                      settings.out, name=9)  # fmt: skip
        for row in rows:
            table.row(f"{row['machines']:,}", row)
    return result


def measure(ranks: int, jobs: list[dict], threads: int = 1) -> list[dict]:
    """The results of jobs on so many ranks."""
    command = [*starter(ranks), sys.executable, "-m", f"{__package__}.timed_ranks", json.dumps(jobs), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(threads))
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise UserError(f"scaling: {ranks} ranks ended with exit code {done.returncode}: {last}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def draw(found: dict, path: str) -> None:
    """Speed-up and efficiency of each network over the number of machines."""
    figure, axes = _figure().subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for title, network in found.items():
        for k, speed in enumerate(LINKS):
            for axis, kind in zip(axes, ("strong", "weak"), strict=True):
                values = [row[f"{kind}, {speed}"] for row in network["rows"]]
                axis.plot(MACHINES, values, "-" if k else "--", marker=".", label=f"{title}, {speed}")
    axes[0].plot(MACHINES, MACHINES, color="0.7", label="as many times as machines")
    axes[0].set(xscale="log", yscale="log", title=f"Strong scaling: {STRONG:,} images a step", ylabel="times as fast")
    axes[1].set(xscale="log", ylim=(0, 1.05), title=f"Weak scaling: {WEAK} images a machine", ylabel="efficiency")
    for axis in axes:
        axis.set(xlabel="machines (a model; compute measured)")
        axis.legend(fontsize=7)
    with files.whole(path) as file:
        figure.savefig(file, format=Path(path).suffix[1:] or None)


def _figure() -> Any:
    try:
        import matplotlib
    except ImportError:
        raise UserError('--plot: matplotlib is not installed; pip install "tinygrad_cnn[plot]"') from None
    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot


def _share(w: Workload, ranks: int) -> Workload:
    return replace(w, batch=max(1, w.batch // ranks))
