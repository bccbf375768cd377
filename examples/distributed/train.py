"""Train a CNN on several processes, in the manner of a PyTorch script; run alone, it is an ordinary training.

    tinygrad-cnn launch -n 2 examples/distributed/train.py --epochs 4

On several machines that see the same files:

    tinygrad-cnn launch -n 8 --mpiexec "mpiexec -f hosts" examples/distributed/train.py
"""

import argparse
import os

import tinygrad_cnn as tg
from tinygrad_cnn import distributed as dist
from tinygrad_cnn import nn, optim
from tinygrad_cnn.checkpoint import load_checkpoint, save_checkpoint
from tinygrad_cnn.data import Digits
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.nn.parallel import DistributedDataParallel
from tinygrad_cnn.utils.data import DataLoader
from tinygrad_cnn.utils.data.distributed import DistributedSampler

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=4)
parser.add_argument("--batch-size", type=int, default=32, help="images a step of each rank")
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--checkpoint", help="go on from this file, if it is there, and write it after each epoch")
args = parser.parse_args()

dist.init_process_group("mpi")
rank, world_size = dist.get_rank(), dist.get_world_size()

tg.manual_seed(0)  # equal networks
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
    nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 4 * 4, 10),
)  # fmt: skip
tg.manual_seed(1 + rank)  # but no two ranks drop out, or distort images, alike
model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
ddp = DistributedDataParallel(model)
optimizer = optim.SGD(ddp.parameters(), lr=args.lr, momentum=0.9)
start = 0
if args.checkpoint and os.path.exists(args.checkpoint):
    start = load_checkpoint(args.checkpoint, model, optimizer)["epoch"]

sampler = DistributedSampler(Digits(train=True), seed=0)
loader = DataLoader(Digits(train=True), batch_size=args.batch_size, sampler=sampler)
test = DataLoader(Digits(train=False), 100, sampler=DistributedSampler(Digits(train=False), shuffle=False))

for epoch in range(start, args.epochs):
    sampler.set_epoch(epoch)
    ddp.train()
    total = tg.zeros(2)
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(ddp(images), labels)
        loss.backward()
        optimizer.step()
        total += tg.tensor([loss.item() * len(labels), len(labels)])
    dist.all_reduce(total)

    ddp.eval()
    right = tg.zeros(2)
    with tg.no_grad():
        for images, labels in test:
            right += tg.tensor([(ddp(images).argmax(1) == labels).sum().item(), len(labels)])
    dist.all_reduce(right)
    if rank == 0:
        print(f"epoch {epoch + 1}: loss {total[0] / total[1]:.4f}, test accuracy {right[0] / right[1]:.2%}", flush=True)
        if args.checkpoint:
            save_checkpoint(args.checkpoint, model, optimizer, epoch=epoch + 1)

print(f"rank {rank} of {world_size} trained on {len(sampler)} of {len(Digits(train=True))} images in each epoch")
dist.destroy_process_group()
