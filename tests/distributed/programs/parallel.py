"""DistributedDataParallel on N ranks: what is equal, what is refused, buffers, unused parameters, samplers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist
from tinygrad_cnn import nn
from tinygrad_cnn.data import DataLoader, DistributedSampler, TensorDataset
from tinygrad_cnn.nn.parallel import DistributedDataParallel

dist.init_process_group("mpi")
RANK, SIZE = dist.get_rank(), dist.get_world_size()


def everyones(value):
    found = [None] * SIZE
    dist.all_gather_object(found, value)
    return found


def refused(message, call):
    with pytest.raises(RuntimeError, match=message):
        call()


# parameters and buffers of rank 0 for all; those that differ are named, on every rank
tg.manual_seed(RANK)
net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
net[1].running_mean.fill_(RANK)
mine = net[0].weight.tolist()
ddp = DistributedDataParallel(net)
assert net[0].weight.tolist() == everyones(mine)[0]
assert net[1].running_mean.tolist() == [0.0, 0.0]
if SIZE > 1:
    odd = nn.Linear(3, 5 if RANK == SIZE - 1 else 4)
    message = rf"rank 0 has parameter weight float32 \(4, 3\), rank {SIZE - 1} has parameter weight float32 \(5, 3\)"
    refused(message, lambda: DistributedDataParallel(odd))
    odd = nn.Linear(3, 4, bias=RANK != 1)
    refused(r"rank 0 has parameter bias float32 \(4,\), rank 1 has no more", lambda: DistributedDataParallel(odd))

# gradients are the mean, .grad keeps its memory, and buffers are equal when backward is done
for step in range(3):
    for p in ddp.parameters():
        if step:
            p.grad.zero_()
    held = [p.grad for p in ddp.parameters()]
    ddp(tg.full((4, 3), RANK + 1.0) * tg.randn(4, 3)).square().sum().backward()
    assert step == 0 or all(p.grad is g for p, g in zip(ddp.parameters(), held, strict=True))
    state = [net[0].weight.grad.tolist(), net[1].running_mean.tolist(), net[1].running_var.tolist()]
    assert everyones(state) == [state] * SIZE
ddp.eval()
if RANK == 0:
    with tg.no_grad():
        ddp(tg.ones(2, 3))  # alone
ddp.train()


class Holder(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(tg.zeros(3))
        self.big = nn.Parameter(tg.zeros(200, 200))

    def forward(self, x):
        return (self.w * x).sum() + (self.big * x[0]).sum()


mean = sum(range(1, SIZE + 1)) / SIZE
for view in (False, True):
    ddp = DistributedDataParallel(Holder(), gradient_as_bucket_view=view)
    w, big = ddp.module.w, ddp.module.big
    x = tg.full((3,), RANK + 1.0)
    ddp(x).backward()
    assert w.grad.tolist() == [mean] * 3
    assert set(big.grad.unique().tolist()) == {mean}
    if view:  # all of them in one memory
        assert np.shares_memory(w.grad.numpy(), ddp.buckets[0].flat)
        assert np.shares_memory(big.grad.numpy(), ddp.buckets[0].flat)
        assert len(ddp.buckets[0].messages()) == 1
    else:  # the large one is sent from where it lies
        assert ddp.buckets[0].messages() == [160000, 12]
    with ddp.no_sync():
        ddp(x).backward()
        assert w.grad.tolist() == [mean + RANK + 1] * 3
    ddp(x).backward()
    assert w.grad.tolist() == [3 * mean] * 3
    dist.all_reduce(w.grad)
    ddp.zero_grad()
    (ddp(x) + ddp(x)).backward()  # two forwards, one backward
    assert w.grad.tolist() == [2 * mean] * 3
    loss = ddp(x)
    loss.backward(retain_graph=True)
    loss.backward()
    assert w.grad.tolist() == [4 * mean] * 3


class Branches(nn.Module):
    """Each input goes through one of the branches, or all but one."""

    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleList([nn.Linear(2, 1, bias=False) for _ in range(SIZE + 1)])

    def forward(self, x, chosen):
        return {"out": [self.branches[i](x) for i in chosen]}


tg.manual_seed(0)
for view in (False, True):
    ddp = DistributedDataParallel(Branches(), find_unused_parameters=True, gradient_as_bucket_view=view)
    for turn in range(2):
        ddp.zero_grad()
        out = ddp(tg.ones(1, 2), [(RANK + turn) % SIZE])
        sum(out["out"]).sum().backward()
        got = [b.weight.grad for b in ddp.module.branches]
        assert got[-1] is None  # which no rank has used
        np.testing.assert_allclose([g.tolist() for g in got[:-1]], np.full((SIZE, 1, 2), 1 / SIZE), 1e-6)
strict = DistributedDataParallel(Branches())
sum(strict(tg.ones(1, 2), [0])["out"]).sum().backward()
refused(
    "Expected to have finished reduction in the prior iteration .* no gradient arrived at branches.*"
    "find_unused_parameters=True",
    lambda: strict(tg.ones(1, 2), [0]),
)
twice = DistributedDataParallel(Branches())
out = twice(tg.ones(1, 2), [0])["out"][0]
out.sum().backward(retain_graph=True)
refused("Expected to mark a variable ready only once: branches.0.weight", lambda: out.sum().backward())
frozen = nn.Linear(2, 2).requires_grad_(False)
refused("no parameter that requires a gradient", lambda: DistributedDataParallel(frozen))
with pytest.raises(ValueError, match="bucket_cap_mb must be positive"):
    DistributedDataParallel(nn.Linear(1, 1), bucket_cap_mb=0)


# a compiled step is no other
def trained(compiled):
    net = DistributedDataParallel(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)))
    for p in net.parameters():
        p.data.fill_(0.1)
    optimizer = tg.optim.SGD(net.parameters(), lr=0.1)

    def step(x):
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    run = tg.compile(step) if compiled else step
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which say why it runs as it stands
        for _ in range(4):
            run(tg.full((2, 3), RANK + 1.0))
    return [p.tolist() for p in net.parameters()]


eager = trained(compiled=False)
assert trained(compiled=True) == eager
assert everyones(eager) == [eager] * SIZE

# SyncBatchNorm: batches of different sizes, half precision, statistics and second network alike
x = np.random.default_rng(5).normal(3, 2, (2 * SIZE + 1, 3, 4)).astype(np.float64)
whole = nn.BatchNorm1d(3, dtype=tg.float64)
sync = nn.SyncBatchNorm(3, dtype=tg.float64)
mine = slice(2 * RANK, 2 * RANK + (3 if RANK == SIZE - 1 else 2))
a, b = tg.tensor(x, requires_grad=True), tg.tensor(x[mine], requires_grad=True)
(whole(a) ** 3).sum().backward()
out = sync(b)
(out**3).sum().backward()
np.testing.assert_allclose(b.grad.numpy(), a.grad.numpy()[mine], 1e-9, 1e-9)
dist.all_reduce(sync.weight.grad)
dist.all_reduce(sync.bias.grad)
for name in ("weight", "bias"):
    np.testing.assert_allclose(getattr(sync, name).grad.numpy(), getattr(whole, name).grad.numpy(), 1e-9, 1e-9)
for name in ("running_mean", "running_var", "num_batches_tracked"):
    np.testing.assert_allclose(getattr(sync, name).numpy(), getattr(whole, name).numpy(), 1e-12)
half = nn.SyncBatchNorm(3).half()(tg.tensor(x[mine], dtype=tg.float16))
np.testing.assert_allclose(half.detach().numpy(), whole(tg.tensor(x)).detach().numpy()[mine], 1e-2, 1e-2)
assert sync.eval()(b).shape == b.shape

# every sample once, and once more where they cannot be divided
data = TensorDataset(tg.arange(10))
for drop_last in (False, True):
    sampler = DistributedSampler(data, drop_last=drop_last)
    orders = []
    for epoch in (0, 1):
        sampler.set_epoch(epoch)
        got = [int(i) for (batch,) in DataLoader(data, batch_size=2, sampler=sampler) for i in batch]
        assert len(got) == len(sampler)
        taken = [i for theirs in everyones(got) for i in theirs]
        assert set(taken) == set(range(10)) if not drop_last else len(set(taken)) == len(taken) == 10 // SIZE * SIZE
        orders.append(taken)
    assert orders[0] != orders[1]
dist.destroy_process_group()
if RANK == 0:
    print(f"{SIZE} ranks are done")
