"""15. How do several processes train one network, and what do they send each other?

The loss of a batch is a mean over its B images, and so is its gradient. Cut the batch into N parts of B/N images:

    ∇L = 1/B·Σ ∇l[i] = 1/N·Σ_r (N/B·Σ_{i in part r} ∇l[i]) = 1/N·Σ_r g_r

The gradient of the large batch is the mean of the gradients g_r of the parts. So N processes, called ranks, take a part
each, and average before they step: all take the same step, which one process would have taken with the whole batch.

How does each of N ranks get the sum of N vectors of n numbers? If all send theirs to rank 0, which adds up and sends
the sum back, rank 0 handles 2·(N - 1)·n numbers. In a ring every rank talks to its neighbours only. The vector is cut
into N pieces. In N - 1 turns each rank passes a piece on to its right and adds what comes from its left; then rank r
holds the whole sum of piece r + 1. In N - 1 further turns the finished pieces go round. Each rank has sent

    2·(N - 1)·n/N numbers, less than 2·n, however many ranks there are.        (Patarasuk and Yuan, 2009)

    python examples/15_many_processes.py          starts itself on 4 ranks, if MPI is installed
"""

import os
import subprocess
import sys

import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist
from tinygrad_cnn import nn

if "WORLD_SIZE" not in os.environ and dist.is_mpi_available():
    command = [sys.executable, "-m", "tinygrad_cnn", "launch", "-n", "4", "--only-rank-0", __file__]
    sys.exit(subprocess.run(command, stderr=subprocess.STDOUT).returncode)

dist.init_process_group("mpi")
rank, N = dist.get_rank(), dist.get_world_size()


def say(text):
    """Each rank's line, in the order of the ranks."""
    lines = [None] * N
    dist.all_gather_object(lines, text)
    if rank == 0:
        for r, line in enumerate(lines):
            print(f"  rank {r}: {line}")


def title(text):
    if rank == 0:
        print(f"\n{text}", flush=True)


tg.manual_seed(0)  # the same on every rank: the same data, the same weight
B = 12
x, true = tg.randn(B, 2, dtype=tg.float64), tg.tensor([1.5, -0.5], dtype=tg.float64)
y = x @ true + 0.1 * tg.randn(B, dtype=tg.float64)


def gradient(w, images):
    w = w.detach().requires_grad_()
    ((x[images] @ w - y[images]) ** 2).mean().backward()
    return w.grad


title(f"The gradient of {B} images, in {N} parts")
w = tg.zeros(2, dtype=tg.float64)
mine = slice(rank * B // N, (rank + 1) * B // N)
g = gradient(w, mine)
say(f"images {mine.start:2} to {mine.stop - 1:2}, gradient {g.numpy().round(4)}")
dist.all_reduce(g, op=dist.ReduceOp.AVG)
whole = gradient(w, slice(None))
difference = float((g - whole).abs().max())
say(f"their mean {g.numpy().round(4)}, of the whole batch {whole.numpy().round(4)}, apart by {difference:.0e}")

title("A ring all-reduce, by hand: rank r begins with r + 1 in each of its pieces")
pieces = tg.full((N,), rank + 1.0)
right, left = (rank + 1) % N, (rank - 1) % N
sent = 0
for turn in range(2 * (N - 1)):
    go, come = (rank - turn) % N, (rank - turn - 1) % N
    arriving = tg.zeros(1)
    work = dist.isend(pieces[go : go + 1].clone(), right)
    dist.recv(arriving, left)
    work.wait()
    pieces[come] = arriving[0] + (pieces[come] if turn < N - 1 else 0)
    sent += 1
    if turn == N - 2:
        say(f"{pieces.tolist()}: the sum of piece {(rank + 1) % N} is complete")
say(f"{pieces.tolist()}: sent {sent} pieces of 1/{N}, {sent / N:.2f} times the vector")
assert pieces.tolist() == [N * (N + 1) / 2] * N

title("The same in three lines, for a network: DistributedDataParallel")
net = nn.Linear(2, 1, bias=False, dtype=tg.float64)
ddp = nn.parallel.DistributedDataParallel(net)  # all begin with the weights of rank 0
optimizer = tg.optim.SGD(ddp.parameters(), lr=0.2)
for _ in range(60):
    optimizer.zero_grad()
    ((ddp(x[mine]).squeeze(1) - y[mine]) ** 2).mean().backward()  # sends while it goes back, and averages
    optimizer.step()
say(f"weight {net.weight.detach().numpy()[0].round(6)} after 60 steps on {B // N} images of its own")
title(
    "Notice that all weights are equal although no rank saw the images of another, and that the ring of 1,000 ranks\n"
    "would send 1.998 times the vector from each: what grows with N is the number of turns, not what is sent."
)
dist.destroy_process_group()
