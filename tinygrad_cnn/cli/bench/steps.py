"""What is timed of a network, the same for every library: a training step, inference, the first step.

A Network, in the file of its library, has `step`, `losses`, `inference` and `loss`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

CHECKED = 3  # training steps whose losses are compared
EARLY = 3  # calls of a network before it is timed


def network(library: str, workload: dict, threads: int) -> Any:
    home = {"tensorflow": "in_tensorflow", "jax": "in_jax"}.get(library.partition("-")[0], "in_torch")
    return import_module(f".{home}", __package__).Network(library, workload, threads)


class PeakMemory:
    """By how many MB this process has grown at most since it was here; None where the system does not tell.

    Linux does: the resident memory now and its highest value since that was reset.
    """

    def __init__(self) -> None:
        try:
            with open("/proc/self/clear_refs", "w") as f:
                f.write("5")
            self.start: float | None = self._kilobytes("VmRSS")
        except OSError:
            self.start = None

    def grown(self) -> float | None:
        return None if self.start is None else (self._kilobytes("VmHWM") - self.start) / 1024

    @staticmethod
    def _kilobytes(what: str) -> float:
        with open("/proc/self/status") as f:
            return next(float(line.split()[1]) for line in f if line.startswith(what))


def compiled(library: str) -> AbstractContextManager:
    """In this block tinygrad_cnn waits for its compiler, which by itself works in the background; others never do."""
    if library.startswith("tinygrad_cnn"):
        from tinygrad_cnn import kernels

        if kernels.status()["kernels"] == "fast":
            kernels.warmup()
            return kernels.use("fast")
    return nullcontext()


def train(library: str, workload: dict, threads: int) -> tuple[Callable, dict]:
    """A step of SGD with momentum: zero_grad, forward, loss, backward, update.

    Its memory is what the process grows by over imports, kernels, network and data, at the highest: activations,
    gradients, the momentum, what kernels need on the way. Those that compile with a compiler of their own have none,
    for it would count.
    """
    net = network(library, workload, threads)
    with compiled(library):
        memory = PeakMemory()
        losses = net.losses(CHECKED)
        net.step()
    counts = library in ("torch", "torch-channels-last") or library.startswith("tinygrad_cnn")
    return net.step, {"losses": losses, "step_mb": memory.grown() if counts else None}


def infer(library: str, workload: dict, threads: int) -> tuple[Callable, dict]:
    """The network's outputs in eval mode, without a graph; what a compiler does at first is done in the making."""
    net = network(library, workload, threads)
    with compiled(library):
        outputs = net.inference()
        for _ in range(EARLY):
            loss = net.loss(outputs())
        return outputs, {"losses": [loss]}


def first(library: str, workload: dict, threads: int) -> tuple[Callable, dict]:
    """One training step, done in the making: who asks for it looks at the clock; `seconds` are those of the step."""
    net = network(library, workload, threads)
    start = time.perf_counter()
    losses = net.losses(1)
    return lambda: None, {"losses": losses, "seconds": time.perf_counter() - start}


def command(line: list[str], threads: int) -> tuple[Callable, dict]:
    """A run of the tinygrad-cnn command, done in the making; `seconds` are those after the import."""
    import tinygrad_cnn as tg
    from tinygrad_cnn.cli import main

    tg.set_num_threads(threads)
    start = time.perf_counter()
    code = main(line)
    return lambda: None, {"code": code, "seconds": time.perf_counter() - start}
