"""Measure speed, memory and accuracy on this machine, beside the other libraries that are installed.

    tinygrad-cnn bench                          the machine, a few ops, training steps
    tinygrad-cnn bench ops                      every op
    tinygrad-cnn bench infer lenet --rounds 20  one network, with care
    tinygrad-cnn bench train --against best     beside PyTorch, TensorFlow and JAX, each as its guides recommend
    tinygrad-cnn bench growth --against none    what a larger batch, image, ... costs
    tinygrad-cnn bench accuracy vgg --seeds 50  gradients of random networks, beside double precision
    tinygrad-cnn bench scaling --plot s.svg     several processes, and a model of many machines
    tinygrad-cnn bench targets                  all that this library sets itself, and whether it is met

Each library runs in a process of its own, and where there are several they take turns, round by round (turns.py). A
time is the median of the rounds. A ratio is the median of the ratios of each round, so it need not be the ratio of
the times; low and high are its quartiles. Not measured: reading data, and anything on a GPU.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec

from .. import UserError
from ..options import positive_int
from . import accuracy, alone, compared, fresh, overhead, scaling, targets
from .networks import WORKLOADS, Workload
from .turns import Settings, Worker, environment

PEERS = {  # ways to compare with, and what must be installed for them
    "torch": "torch",
    "torch-channels-last": "torch",
    "torch-compile": "torch",
    "tensorflow": "tensorflow",
    "jax": "jax",
}
SECTIONS = (
    *("machine", "ops", "train", "infer", "growth", "first", "fresh", "overhead", "accuracy", "targets"),
    "scaling",  # on several processes, and so not with the others
)
OF_NETWORKS = {"train": compared.train, "infer": compared.infer, "first": compared.first, "fresh": fresh.fresh}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    things = f"{', '.join(SECTIONS)}, or a network: {', '.join(WORKLOADS)}"
    add("what", nargs="*", metavar="WHAT", help=f"{things} (default: machine, a few ops, train)")
    add("--rounds", type=positive_int, help="rounds of each figure (default: 9)")
    add("--seeds", type=positive_int, help="runs of each network whose gradients are compared (default: 16)")
    add("--threads", type=positive_int, help="threads of each library (default: all cores)")
    against = (
        "whom to compare with; best is the fastest of those installed (default: torch if installed; targets: best)"
    )
    add("--against", choices=(*PEERS, "best", "none"), help=against)
    add("--plot", metavar="FILE", help="draw what scaling finds into this file (.svg, .png, ...)")
    add("--json", action="store_true", help="print one JSON object; the tables go to standard error")
    add("--quick", action="store_true", help="one call a round and few rows, to see that it works")


def run(args: argparse.Namespace) -> int:
    from ... import get_num_threads

    sections, workloads = chosen(args.what)
    if args.quick and not args.what:
        workloads = {"victorzhou_b1": WORKLOADS["victorzhou_b1"]}
    wish = args.against or ("best" if "targets" in sections and any(map(installed, PEERS)) else None)
    settings = Settings(
        threads=args.threads or get_num_threads(),
        rounds=args.rounds or (2 if args.quick else 9),
        quick=args.quick,
        against=opponents(wish),
        out=sys.stderr if args.json else sys.stdout,
        seeds=args.seeds or (2 if args.quick else 16),
    )
    compile_kernels(settings, workloads if sections & {"train", "infer", "first"} else {})
    versions = {PEERS[library]: version(PEERS[library]) for library in settings.against}
    found: dict = {"threads": settings.threads, "rounds": settings.rounds, "against": settings.against}
    found |= {"torch": versions.get("torch"), "versions": versions}
    beside = ", ".join(f"{library} {versions[PEERS[library]]}" for library in settings.against)
    settings.say(f"threads: {settings.threads}, rounds: {settings.rounds}{beside and f', against {beside}'}")
    if "machine" in sections or "ops" in sections:
        found["machine"] = alone.machine(settings)
    if "ops" in sections:
        which = "every" if "ops" in args.what else "million" if "targets" in args.what else "short"
        found["ops"] = alone.ops(settings, found["machine"], which)
    if "growth" in sections:
        found["growth"] = compared.growth(settings)
    for section, measure in OF_NETWORKS.items():
        if section in sections:
            found[section] = measure(settings, workloads)
    if "overhead" in sections:
        found["overhead"] = overhead.overhead(settings)
    if "accuracy" in sections:
        found["accuracy"] = accuracy.accuracy(settings, workloads)
    if "scaling" in sections:
        found["scaling"] = scaling.scaling(settings, args.plot)
    if "targets" in sections:
        found["targets"] = targets.targets(settings, found)
    if args.json:
        print(json.dumps(found))
    differ = [
        row["workload"]
        for name in (*OF_NETWORKS, "growth")
        for row in found.get(name, ())
        if row.get("same_loss") is False
    ]
    if differ:
        print(f"tinygrad-cnn bench: losses differ, so times are not compared: {', '.join(differ)}", file=sys.stderr)
    return 1 if differ else 0


def chosen(words: list[str]) -> tuple[set[str], dict[str, Workload]]:
    """The sections and the workloads that the words name; a network's name stands for all its batches.

    Targets bring the sections that they are taken from, where no other is named.
    """
    sections: set[str] = set()
    workloads: dict[str, Workload] = {}
    for word in words:
        named = {name: w for name, w in WORKLOADS.items() if word in (name, w.network)}
        workloads.update(named)
        if word in SECTIONS:
            sections.add(word)
        elif not named:
            there_are = ", ".join([*SECTIONS, *WORKLOADS])
            raise UserError(f"there is nothing called {word!r} to measure; there are {there_are}")
    if not words:
        sections = {"machine", "ops", "train"}
    elif sections == {"targets"}:
        sections |= {*targets.SECTIONS}
    elif workloads and not sections & {*OF_NETWORKS, "accuracy"}:
        sections.add("train")
    return sections, workloads or WORKLOADS


def opponents(wish: str | None) -> tuple[str, ...]:
    """The libraries to compare with; whether one is there is seen without loading it."""
    if wish == "none":
        return ()
    if wish == "best":
        there = tuple(filter(installed, PEERS))
        if not there:
            raise UserError(f"--against best: none of {', '.join(dict.fromkeys(PEERS.values()))} is installed")
        return there
    if wish and not installed(wish):
        raise UserError(
            f"--against {wish}: {PEERS[wish]} is not installed; pip install {PEERS[wish]}, or leave the option out"
        )
    return (wish,) if wish else ("torch",) if installed("torch") else ()


def installed(library: str) -> bool:
    return find_spec(PEERS[library]) is not None


def version(module: str) -> str:
    """That of the distribution which holds a module: TensorFlow comes in several."""
    return metadata.version(metadata.packages_distributions()[module][0])


def compile_kernels(settings: Settings, workloads: dict[str, Workload]) -> None:
    """Have the kernels compiled and kept on disk before any figure is taken; it takes a moment where they are.

    Those that are made from formulas are known only when the networks have run.
    """
    from ... import kernels

    if kernels.room() == "fast":
        command = [sys.executable, "-m", "tinygrad_cnn", "warmup"]
        subprocess.run(command, stdout=subprocess.DEVNULL, env=environment(settings.threads), check=False)
        for library in compared.WAYS.values():
            with Worker(library, settings.threads) as worker:
                for w in () if settings.quick else workloads.values():
                    what = {"library": library, "workload": w.described(), "threads": worker.threads}
                    for maker in ("train", "infer"):
                        worker.make(f"steps.{maker}", "compiled", **what)
