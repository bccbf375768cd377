"""Measure speed, memory and accuracy on this machine, beside PyTorch where it is installed.

    tinygrad-cnn bench                          the machine, a few ops, training steps
    tinygrad-cnn bench ops                      every op
    tinygrad-cnn bench infer lenet --rounds 20  one network, with care
    tinygrad-cnn bench growth --against none    what a larger batch, image, ... costs
    tinygrad-cnn bench accuracy vgg --seeds 50  gradients of random networks, beside double precision

Each library runs in a process of its own, and where there are several they take turns, round by round (turns.py). A
time is the median of the rounds. A ratio is the median of the ratios of each round, so it need not be the ratio of
the times; the two numbers behind it are its quartiles. Not measured: reading data, and anything on a GPU.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec

from .. import UserError
from . import accuracy, alone, compared
from .networks import WORKLOADS, Workload
from .turns import Settings, environment

TORCH = ("torch", "torch-channels-last", "torch-compile")
SECTIONS = ("machine", "ops", "train", "infer", "growth", "first", "accuracy")


def positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


positive_int.__name__ = "int"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    things = f"{', '.join(SECTIONS)}, or a network: {', '.join(WORKLOADS)}"
    add("what", nargs="*", metavar="WHAT", help=f"{things} (default: machine, a few ops, train)")
    add("--rounds", type=positive_int, help="rounds of each figure (default: 9)")
    add("--seeds", type=positive_int, help="runs of each network whose gradients are compared (default: 16)")
    add("--threads", type=positive_int, help="threads of each library (default: all cores)")
    against = "whom to compare with; best is the fastest of the three (default: torch, where it is installed)"
    add("--against", choices=(*TORCH, "best", "none"), help=against)
    add("--json", action="store_true", help="print one JSON object; the tables go to standard error")
    add("--quick", action="store_true", help="one call a round and few rows, to see that it works")


def run(args: argparse.Namespace) -> int:
    from ... import get_num_threads

    sections, workloads = chosen(args.what)
    if args.quick and not args.what:
        workloads = {"victorzhou_b1": WORKLOADS["victorzhou_b1"]}
    settings = Settings(
        threads=args.threads or get_num_threads(),
        rounds=args.rounds or (2 if args.quick else 9),
        quick=args.quick,
        against=opponents(args.against),
        out=sys.stderr if args.json else sys.stdout,
        seeds=args.seeds or (2 if args.quick else 16),
    )
    compile_kernels(settings.threads)
    found: dict = {"threads": settings.threads, "rounds": settings.rounds, "against": settings.against}
    found["torch"] = metadata.version("torch") if settings.against else None
    beside = f", against {', '.join(settings.against)} {found['torch']}" if settings.against else ""
    settings.say(f"threads: {settings.threads}, rounds: {settings.rounds}{beside}")
    if "machine" in sections or "ops" in sections:
        found["machine"] = alone.machine(settings)
    if "ops" in sections:
        found["ops"] = alone.ops(settings, found["machine"], every="ops" in args.what)
    if "growth" in sections:
        found["growth"] = compared.growth(settings)
    for section in ("train", "infer", "first"):
        if section in sections:
            found[section] = getattr(compared, section)(settings, workloads)
    if "accuracy" in sections:
        found["accuracy"] = accuracy.accuracy(settings, workloads)
    if args.json:
        print(json.dumps(found))
    differ = [row["workload"] for name in SECTIONS[2:] for row in found.get(name, ()) if row.get("same_loss") is False]
    if differ:
        print(f"tinygrad-cnn bench: losses differ, so times are not compared: {', '.join(differ)}", file=sys.stderr)
    return 1 if differ else 0


def chosen(words: list[str]) -> tuple[set[str], dict[str, Workload]]:
    """The sections and the workloads that the words name; a network's name stands for all its batches."""
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
    elif workloads and not sections & {"train", "infer", "first", "accuracy"}:
        sections.add("train")
    return sections, workloads or WORKLOADS


def opponents(wish: str | None) -> tuple[str, ...]:
    """The libraries to compare with; whether PyTorch is there is seen without loading it."""
    installed = find_spec("torch") is not None
    if wish == "none" or (wish is None and not installed):
        return ()
    if not installed:
        raise UserError(f"--against {wish}: torch is not installed; pip install torch, or leave the option out")
    return TORCH if wish == "best" else (wish or "torch",)


def compile_kernels(threads: int) -> None:
    """Have the kernels compiled and kept on disk before any figure is taken; it takes a moment where they are."""
    from ... import kernels

    if kernels.room() == "fast":
        command = [sys.executable, "-m", "tinygrad_cnn", "warmup"]
        subprocess.run(command, stdout=subprocess.DEVNULL, env=environment(threads), check=False)
