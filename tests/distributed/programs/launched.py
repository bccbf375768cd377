"""Under `tinygrad-cnn launch`: says who it is, and ends as it is told."""

from __future__ import annotations

import os
import signal
import sys
import time

import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist

print(*[os.environ[name] for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")], *sys.argv[1:])
print("threads", tg.get_num_threads(), file=sys.stderr)
dist.init_process_group()
assert (dist.get_rank(), dist.get_world_size()) == (int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
x = tg.ones(2, 3)
dist.all_reduce(x)
if dist.get_rank() == 1:
    if "exit" in sys.argv:
        sys.exit(7)
    if "killed" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    if "late" in sys.argv:
        time.sleep(600)
if len(sys.argv) > 1:
    dist.all_reduce(x)
    time.sleep(600)
