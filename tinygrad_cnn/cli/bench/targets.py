"""What this library sets itself, each in a row: the figure that was measured, the target, whether it is met.

A figure is a median; one that several workloads share is their geometric mean, or the worst of them, which is named.
What was not measured has none.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import NamedTuple

from .compared import WAYS
from .fresh import COMMAND
from .networks import RESNETS, THIRTEEN
from .ops import OPS
from .table import Table, geometric_mean
from .turns import Settings

SECTIONS = ("machine", "ops", "train", "infer", "overhead", "fresh")  # that they are taken from
MEMORY = 410.0  # MB: what the thirteen need when each op makes its result anew, with 2 threads
NOISE = 1.1  # two equal times come out as far apart


class Target(NamedTuple):
    what: str
    figure: float | None
    target: float
    where: str = ""  # which workload it is that is the worst
    least: bool = False  # the target is a least value; else a highest

    @property
    def met(self) -> bool | None:
        if self.figure is None:
            return None
        return self.figure >= self.target if self.least else self.figure <= self.target


def targets(settings: Settings, found: dict) -> list[dict]:
    """The rows, from what the other sections have found."""
    table = Table("target", {"figure": "9.2f", "target": "9.2f", "met": ">6s", "worst": ">52s"}, settings.out, name=50)
    rows = []
    for target in _targets(found):
        met = {None: None, True: "yes", False: "no"}[target.met]
        table.row(target.what, {**target._asdict(), "met": met, "worst": target.where})
        rows.append({**target._asdict(), "met": target.met})
    return rows


def _targets(found: dict) -> list[Target]:
    steps = {way: _ratios(found, "train", f"{way}/torch", THIRTEEN) for way in WAYS}
    against_all = _ratios(found, "train", "compile/best", THIRTEEN)
    single = {name: ratio for name, ratio in steps["compile"].items() if THIRTEEN[name].batch == 1}
    rows = [
        _mean("training step, eager / PyTorch", steps["eager"], 0.42),
        _worst("training step, eager / PyTorch", steps["eager"], 0.80),
        _mean("training step, compile / PyTorch", steps["compile"], 0.36),
        _worst("training step, compile / PyTorch", steps["compile"], 0.70),
        _worst("training step, compile / PyTorch, batch 1", single, 0.40),
        _worst("training step, compile / fastest of all others", against_all, 0.90),
    ]
    chain = {row["chain"]: row["eager/torch"] for row in found.get("overhead", ()) if "eager/torch" in row}
    rows.append(Target("400 ops, forward and backward / PyTorch", chain.get("forward and backward"), 0.80))
    shares = {row["op"]: row["of_limit"] for row in found.get("ops", ()) if row["op"] in OPS and OPS[row["op"]].million}
    rows.append(_worst("ops of 1 M numbers, share of the limit", shares, 0.70, least=True))
    for batch, target in ((1, 0.50), (128, 0.25)):
        names = [f"{w.network}_b{batch}" for w in THIRTEEN.values()]
        for way in WAYS:
            outputs = _ratios(found, "infer", f"{way}/torch", names)
            rows.append(_mean(f"inference, batch {batch}, {way} / PyTorch", outputs, target))
    for name, workload in RESNETS.items():
        for way in WAYS:
            step = _ratios(found, "train", f"{way}/torch", [name]).get(name)
            rows.append(
                Target(f"ResNet-18, {workload.image[-1]}², batch {workload.batch}, {way} / PyTorch", step, 0.70)
            )
    runs = {row["workload"]: row for row in found.get("fresh", ())}
    command = runs.pop(COMMAND, {}).get("seconds")
    first = {name: row["ratio"] for name, row in runs.items()}
    rows.append(Target(f"{COMMAND}, empty cache, seconds after the import", command, 3.0))
    rows.append(_worst("first step, empty cache / NumPy kernels", first, NOISE))
    memory = {row["workload"]: row["libraries"] for row in found.get("train", ()) if row["workload"] in THIRTEEN}
    for way, library in WAYS.items():
        megabytes = [libraries[library]["step_mb"] for libraries in memory.values()]
        total = sum(megabytes) if len(megabytes) == len(THIRTEEN) and None not in megabytes else None
        rows.append(Target(f"memory of the thirteen steps, {way}, MB", total, MEMORY))
    return rows


def _ratios(found: dict, section: str, name: str, workloads: Container[str]) -> dict[str, float]:
    """The medians of a ratio, by workload, as far as they were measured."""
    rows = [row for row in found.get(section, ()) if row["workload"] in workloads]
    return {row["workload"]: row["ratios"][name][1] for row in rows if name in row.get("ratios", {})}


def _mean(what: str, figures: dict[str, float], target: float) -> Target:
    return Target(f"{what}: mean", geometric_mean(figures.values()), target)


def _worst(what: str, figures: dict[str, float], target: float, least: bool = False) -> Target:
    choose: Callable = min if least else max
    where = choose(figures, key=figures.__getitem__, default="")
    return Target(f"{what}: worst", figures.get(where), target, where, least)
