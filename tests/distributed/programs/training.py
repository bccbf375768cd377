"""N ranks with a batch of B/N each train as one process with a batch of B, which every rank does beside it."""

from __future__ import annotations

import hashlib
import math

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist
from tinygrad_cnn import nn, optim
from tinygrad_cnn.nn import functional as F

dist.init_process_group("mpi")
RANK, SIZE = dist.get_rank(), dist.get_world_size()
B = 12  # can be divided by 1, 2, 3 and 4
PARTS = 2 if SIZE == 3 else 3  # of equal size
draw = np.random.default_rng(0)
IMAGES, LABELS = draw.normal(size=(B, 2, 6, 6)).astype(np.float32), draw.integers(0, 3, B)


def network(seed=1):
    tg.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
        nn.Linear(64, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3),
    )  # fmt: skip


def train(net, optimizer, mine, steps=3, parts=1, clip=None):
    """mine: which images a batch is for this network, as a slice."""
    losses = []
    for step in range(steps):
        optimizer.zero_grad(set_to_none=step % 2 == 0)
        indices = np.arange(B)[mine]
        for part in range(parts):
            chosen = indices[part::parts]
            x, y = tg.tensor(IMAGES[chosen]), tg.tensor(LABELS[chosen])
            last = part == parts - 1
            if last or not hasattr(net, "no_sync"):
                losses.append(F.cross_entropy(net(x), y) / parts)
                losses[-1].backward()
            else:
                with net.no_sync():
                    (F.cross_entropy(net(x), y) / parts).backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step(lambda: losses[-1])
    return losses[-1].item()


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01, amsgrad=True),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.05),
    "Adadelta": lambda p: optim.Adadelta(p),
    "Adafactor": lambda p: optim.Adafactor(p, lr=0.01),
    "Adamax": lambda p: optim.Adamax(p, lr=0.01),
    "ASGD": lambda p: optim.ASGD(p, lr=0.05, t0=1),
    "LBFGS": lambda p: optim.LBFGS(p, lr=0.1, max_iter=1),  # one look at the loss a step, as all others
    "NAdam": lambda p: optim.NAdam(p, lr=0.01),
    "RAdam": lambda p: optim.RAdam(p, lr=0.01),
    "Rprop": lambda p: optim.Rprop(p, lr=0.001),
}
assert {*OPTIMIZERS} == {n for n in optim.__all__ if n not in ("Optimizer", "lr_scheduler", "swa_utils")}
SETTINGS = {
    "as it is": {}, "small buckets": {"bucket_cap_mb": 1e-4}, "views": {"gradient_as_bucket_view": True},
    "small views": {"gradient_as_bucket_view": True, "bucket_cap_mb": 1e-4},
    "unused looked for": {"find_unused_parameters": True},
}  # fmt: skip
RUNS = [(name, "as it is", {}) for name in OPTIMIZERS]
RUNS += [("SGD", setting, {}) for setting in SETTINGS]
RUNS += [("SGD", setting, dict(clip=0.5)) for setting in ("as it is", "views")]
bits = hashlib.sha256()
for name, setting, how in RUNS:
    one = network()
    train(one, OPTIMIZERS[name](one.parameters()), slice(None), **how)
    net = nn.parallel.DistributedDataParallel(
        nn.SyncBatchNorm.convert_sync_batchnorm(network(seed=1 + RANK)), **SETTINGS[setting]
    )  # all begin as rank 0 does
    train(net, OPTIMIZERS[name](net.parameters()), slice(RANK, None, SIZE), **how)
    for (path, expected), (_, got) in zip(one.state_dict().items(), net.module.state_dict().items(), strict=True):
        np.testing.assert_allclose(got.numpy(), expected.numpy(), 2e-4, 2e-6, err_msg=f"{path}, {name}, {setting}")
        bits.update(got.numpy().tobytes())

# gradient accumulation: without batch norm, for a batch in parts has statistics of its own
for setting in SETTINGS:

    def plain():
        tg.manual_seed(2)
        return nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))

    one, net = plain(), nn.parallel.DistributedDataParallel(plain(), **SETTINGS[setting])
    train(one, optim.Adam(one.parameters(), lr=0.01), slice(None))
    train(net, optim.Adam(net.parameters(), lr=0.01), slice(RANK, None, SIZE), parts=PARTS, clip=math.inf)
    for expected, got in zip(one.parameters(), net.parameters(), strict=True):
        np.testing.assert_allclose(got.detach().numpy(), expected.detach().numpy(), 2e-4, 2e-6)
        bits.update(got.detach().numpy().tobytes())

everyones = [None] * SIZE
dist.all_gather_object(everyones, bits.hexdigest())
assert everyones == everyones[:1] * SIZE
if RANK == 0:
    print(bits.hexdigest())
