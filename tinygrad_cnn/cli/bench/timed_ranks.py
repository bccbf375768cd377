"""What every rank does while `bench scaling` measures: `mpiexec -n N python -m ... JOBS`, a list of jobs as JSON.

    {"job": "sweep", "sizes": [bytes, ...], "rounds": 9}          all-reduces of so many bytes
    {"job": "network", "workload": {...}, "rounds": 9}            steps of a network; batch is that of each rank

Rank 0 prints the results as JSON. A time is the median over the rounds of the slowest rank.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist
from tinygrad_cnn.nn.parallel import DistributedDataParallel

from .in_torch import Network
from .steps import compiled


def sweep(sizes: list[int], rounds: int) -> dict:
    """Seconds of an all-reduce in place, for each size."""
    arrays = [tg.ones(max(1, size // 4)) for size in sizes]
    return {"seconds": timed([partial(dist.all_reduce, x, dist.ReduceOp.AVG) for x in arrays], rounds)}


def network(workload: dict, rounds: int, threads: int) -> dict:
    """Seconds of a step that averages, of one that does not, and of the averages alone; and what is sent."""
    net = Network("tinygrad_cnn", workload, threads)
    with compiled("tinygrad_cnn"):
        ddp = DistributedDataParallel(net.net, broadcast_buffers=False)
        optimizer = tg.optim.SGD(ddp.parameters(), lr=0.001, momentum=0.9)

        def step() -> None:
            optimizer.zero_grad()
            tg.nn.functional.cross_entropy(ddp(net.x), net.y).backward()
            optimizer.step()

        def alone() -> None:
            with ddp.no_sync():
                step()

        def averages() -> None:
            for number, bucket in enumerate(ddp.buckets):
                bucket.send(ddp.process_group, number)
            for bucket in ddp.buckets:
                bucket.receive(None)

        together, computing, sending = timed([step, alone, averages], rounds)
    messages = [size for bucket in ddp.buckets for size in bucket.messages()]
    return {"step": together, "compute": computing, "communication": sending, "messages": messages}


def timed(calls: list[Callable[[], Any]], rounds: int) -> list[float]:
    """Each once to warm up, then in turns."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(rounds + 1):
        for call, kept in zip(calls, times, strict=True):
            dist.barrier()
            start = time.perf_counter()
            call()
            took = tg.tensor([time.perf_counter() - start], dtype=tg.float64)
            dist.all_reduce(took, dist.ReduceOp.MAX)
            if turn:
                kept.append(took.item())
    return [statistics.median(kept) for kept in times]


def main(jobs: list[dict], threads: int) -> None:
    dist.init_process_group()
    found = []
    for job in jobs:
        kind = job.pop("job")
        found.append(sweep(**job) if kind == "sweep" else network(**job, threads=threads))
    if dist.get_rank() == 0:
        print(json.dumps(found), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]))
