"""What an op costs beside its arithmetic: chains of ops on four numbers, in tinygrad_cnn and in PyTorch."""

from __future__ import annotations

import statistics
from contextlib import ExitStack

from .compared import OURS, quartiles
from .table import Table
from .turns import Settings, Worker, take_turns

OPS = 400


def overhead(settings: Settings) -> list[dict]:
    """Microseconds of an op: forward without a graph, forward with one, and forward with backward."""
    libraries = [OURS, *(library for library in settings.against if library == "torch")]
    columns = {"eager/torch": "13.2f", "low": "6.2f", "high": "6.2f"} if len(libraries) > 1 else {}
    table = Table(f"chain of {OPS} ops", columns | {f"{name} µs/op": f"{len(name) + 9}.2f" for name in libraries},
                  settings.out, name=30)  # fmt: skip
    rows = []
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(library, settings.threads)) for library in libraries]
        for what in ("forward, no_grad", "forward", "forward and backward"):
            jobs = [worker.make("in_torch.chain", "chain", library=worker.library, ops=OPS, what=what,
                                threads=settings.threads) for worker in workers]  # fmt: skip
            times = take_turns(jobs, settings.rounds, settings.budget(0.1))
            row: dict = {"chain": what}
            row |= {f"{name} µs/op": statistics.median(t) / OPS * 1e6 for name, t in zip(libraries, times, strict=True)}
            if len(libraries) > 1:
                row |= zip(("low", "eager/torch", "high"), quartiles(*times), strict=True)
            rows.append(row)
            table.row(what, row)
    return rows
