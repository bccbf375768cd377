"""What goes wrong on one rank of several: `faults.py WHAT`."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist

what = sys.argv[1]
dist.init_process_group("mpi", timeout=timedelta(seconds=3 if what == "late" else 600))
rank = dist.get_rank()
x = tg.ones(2, 3)
dist.all_reduce(x)
if rank == 1:
    if what == "raises":
        raise KeyError("no such thing")
    if what == "exits":
        sys.exit(7)
    if what == "ends":
        sys.exit()
    if what == "late":
        time.sleep(600)
    if what == "another call":
        dist.broadcast(x, src=0)
    if what == "another shape":
        dist.all_reduce(tg.ones(40, 3))
    if what == "goes on":
        try:
            dist.broadcast(x, src=0)
        except dist.DistBackendError:
            dist.all_reduce(x)  # what is out of step stays so
if what == "nan":
    net = tg.nn.parallel.DistributedDataParallel(tg.nn.Linear(3, 2))
    net(x * float("nan") if rank == 1 else x).sum().backward()
work = dist.all_reduce(x, async_op=True)
work.wait()
dist.barrier()
time.sleep(600)
