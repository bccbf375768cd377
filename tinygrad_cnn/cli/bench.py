"""Time ops and whole training steps on this machine, beside PyTorch where that is installed.

Every figure is a median over rounds; where two libraries are compared they take turns, so that a busy
machine slows both alike, and the ratio is the one to believe.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

# (name, batch, channels, size, filters, window): 3×3 convolutions from a first layer to a deep one
CONVOLUTIONS = [
    ("conv 1→32, 28²", 128, 1, 28, 32, 3),
    ("conv 32→64, 26²", 128, 32, 26, 64, 3),
    ("conv 64→64, 32²", 32, 64, 32, 64, 3),
    ("conv 128→128, 16²", 32, 128, 16, 128, 3),
    ("conv 256→256, 8²", 32, 256, 8, 256, 3),
]
PICTURES = (128, 32, 32, 32)  # for ops whose limit is the memory
# (model, batch, image)
STEPS = [
    ("victorzhou", 1, (1, 28, 28)),
    ("victorzhou", 64, (1, 28, 28)),
    ("mlp", 64, (1, 28, 28)),
    ("lenet", 64, (1, 28, 28)),
    ("keras_mnist", 128, (1, 28, 28)),
    ("resnet18", 8, (3, 64, 64)),
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--rounds", type=int, default=7, help="rounds of each figure (default: %(default)s)")
    add("--threads", type=int, help="threads of both libraries (default: all cores)")
    add("--only", choices=("ops", "steps"), help="one of the two tables")
    add("--no-torch", action="store_true", help="do not compare, even where torch is installed")
    add("--json", action="store_true", help="print one JSON object")


def rounds_of(functions: list[Callable[[], Any]], rounds: int, budget: float = 0.05) -> list[float]:
    """The median seconds of one call of each function, called in turn, about `budget` seconds a round."""
    repeat = []
    for f in functions:
        f()
        start = time.perf_counter()
        f()
        repeat.append(max(1, int(budget / max(time.perf_counter() - start, 1e-6))))
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(max(rounds, 1)):
        for f, n, held in zip(functions, repeat, times, strict=True):
            start = time.perf_counter()
            for _ in range(n):
                f()
            held.append((time.perf_counter() - start) / n)
    return [statistics.median(held) for held in times]


def machine(rounds: int) -> dict:
    """What this machine can do at best: SGEMM in GFLOP/s, and a big copy in GB/s."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((1536, 1536), dtype=np.float32)
    out = np.empty_like(a)
    source = np.ones(32_000_000, np.float32)
    target = np.empty_like(source)
    gemm, copy = rounds_of([lambda: np.matmul(a, a, out=out), lambda: np.copyto(target, source)], rounds)
    return {"sgemm_gflops": 2 * 1536**3 / gemm / 1e9, "copy_gb_per_s": 2 * source.nbytes / copy / 1e9}


def torch_or_none(args: argparse.Namespace) -> Any:
    if args.no_torch:
        return None
    try:
        import torch
    except ImportError:
        return None
    return torch


def convolution_calls(lib: Any, shape: tuple[int, int, int, int, int], rng: np.random.Generator) -> list[Callable]:
    """Forward, input gradient and weight gradient of one convolution, as functions without arguments."""
    n, c, size, filters, window = shape
    x = lib.tensor(rng.standard_normal((n, c, size, size), dtype=np.float32))
    w = lib.tensor(rng.standard_normal((filters, c, window, window), dtype=np.float32))
    if lib.__name__ == "torch":
        x, w = x.contiguous(memory_format=lib.channels_last), w.contiguous(memory_format=lib.channels_last)
    conv2d = lib.nn.functional.conv2d

    def forward() -> Any:
        with lib.no_grad():
            return conv2d(x, w, padding=1)

    def graph(a: Any, b: Any) -> Any:
        out = conv2d(a, b, padding=1)
        seed = lib.ones_like(out)
        return lambda wanted: lib.autograd.grad(out, wanted, seed, retain_graph=True)

    x_wants, w_wants = x.detach().clone().requires_grad_(), w.detach().clone().requires_grad_()
    to_input, to_weight = graph(x_wants, w), graph(x, w_wants)
    return [forward, lambda: to_input(x_wants), lambda: to_weight(w_wants)]


def bench_ops(args: argparse.Namespace, limits: dict) -> list[dict]:
    import tinygrad_cnn as tg

    torch = torch_or_none(args)
    rows = []
    for name, *shape in CONVOLUTIONS:
        n, c, size, filters, window = shape
        flop = 2 * n * size * size * filters * c * window * window
        ours = convolution_calls(tg, tuple(shape), np.random.default_rng(0))  # type: ignore[arg-type]
        theirs = convolution_calls(torch, tuple(shape), np.random.default_rng(0)) if torch else [None] * 3  # type: ignore[arg-type]
        for what, f, g in zip(("forward", "to input", "to weight"), ours, theirs, strict=True):
            times = rounds_of([f, g] if g else [f], args.rounds)
            rows.append(
                {
                    "op": f"{name} {what}",
                    "ms": times[0] * 1e3,
                    "gflops": flop / times[0] / 1e9,
                    "of_sgemm": flop / times[0] / 1e9 / limits["sgemm_gflops"],
                    "ratio_to_torch": times[0] / times[1] if g else None,
                }
            )
    x = tg.randn(*PICTURES)
    for name, f, passes in (
        ("relu", lambda: tg.relu(x), 2),
        ("add", lambda: x + x, 3),
        ("max_pool2d 2", lambda: tg.nn.functional.max_pool2d(x, 2), 1.25),
        ("sum", lambda: x.sum(), 1),
    ):
        (t,) = rounds_of([f], args.rounds)
        rate = passes * x.nbytes / t / 1e9
        rows.append({"op": f"{name} {PICTURES}", "ms": t * 1e3, "gb_per_s": rate,
                     "of_copy": rate / limits["copy_gb_per_s"]})  # fmt: skip
    return rows


def training_step(lib: Any, model: str, batch: int, image: tuple[int, int, int]) -> Callable[[], Any]:
    """One step of SGD with momentum, on the same network in either library."""
    import tinygrad_cnn as tg

    rng = np.random.default_rng(0)
    x = lib.tensor(rng.standard_normal((batch, *image), dtype=np.float32))
    y = lib.tensor(rng.integers(0, 10, batch))
    net = tg.vision.models.get_model(model, input_shape=image, num_classes=10)
    if lib is not tg:
        net = translated(net, lib)
    optimizer = lib.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        lib.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    return step


def translated(net: Any, lib: Any) -> Any:
    """The same Sequential made of another library's layers: their reprs are their constructors."""
    from .. import nn

    if not isinstance(net, nn.Sequential):
        return None
    return lib.nn.Sequential(*(eval(f"nn.{layer!r}", {"nn": lib.nn}) for layer in net))


def bench_steps(args: argparse.Namespace) -> list[dict]:
    import tinygrad_cnn as tg

    torch = torch_or_none(args)
    rows = []
    for model, batch, image in STEPS:
        functions = [training_step(tg, model, batch, image)]
        if torch is not None and model != "resnet18":
            functions.append(training_step(torch, model, batch, image))
        times = rounds_of(functions, args.rounds, budget=0.1)
        rows.append(
            {
                "model": model,
                "batch": batch,
                "ms": times[0] * 1e3,
                "images_per_second": batch / times[0],
                "ratio_to_torch": times[0] / times[1] if len(times) > 1 else None,
            }
        )
    return rows


def run(args: argparse.Namespace) -> None:
    import tinygrad_cnn as tg

    torch = torch_or_none(args)
    threads = args.threads or os.cpu_count() or 1
    tg.set_num_threads(threads)
    if torch is not None:
        torch.set_num_threads(threads)
    limits = machine(args.rounds)
    found: dict[str, Any] = {"threads": threads, "machine": limits, "torch": getattr(torch, "__version__", None)}
    if args.only != "steps":
        found["ops"] = bench_ops(args, limits)
    if args.only != "ops":
        found["steps"] = bench_steps(args)
    if args.json:
        print(json.dumps(found))
        return
    show(found)


def show(found: dict) -> None:
    beside = f"torch {found['torch']}" if found["torch"] else "no torch to compare with"
    print(
        f"{found['threads']} threads; SGEMM {found['machine']['sgemm_gflops']:.0f} GFLOP/s, "
        f"copy {found['machine']['copy_gb_per_s']:.1f} GB/s; {beside}",
        file=sys.stderr,
    )
    if "ops" in found:
        print(f"\n{'op':34s} {'ms':>8s} {'rate':>14s} {'of the best':>12s} {'of torch':>9s}")
        for r in found["ops"]:
            if "gflops" in r:
                rate, share = f"{r['gflops']:.0f} GFLOP/s", r["of_sgemm"]
            else:
                rate, share = f"{r['gb_per_s']:.1f} GB/s", r["of_copy"]
            print(f"{r['op']:34s} {r['ms']:8.2f} {rate:>14s} {share:12.0%} {ratio(r.get('ratio_to_torch')):>9s}")
    if "steps" in found:
        print(f"\n{'training step':24s} {'ms':>9s} {'images/s':>10s} {'of torch':>9s}")
        for r in found["steps"]:
            name = f"{r['model']}, batch {r['batch']}"
            print(f"{name:24s} {r['ms']:9.2f} {r['images_per_second']:10,.0f} {ratio(r['ratio_to_torch']):>9s}")


def ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
