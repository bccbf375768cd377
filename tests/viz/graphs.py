"""Graphs that the viewer's tests draw: small, each with something to see."""

from __future__ import annotations

import numpy as np

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


def lenet(n: int = 4):
    tg.manual_seed(0)
    return LeNet(), tg.randn(n, 1, 28, 28), tg.arange(n) % 10


def lenet_step(n: int = 4, **options):
    model, x, y = lenet(n)
    with viz.record(model, names={"x": x, "y": y}, **options) as r:
        F.cross_entropy(model(x), y).backward()
    return r


def two_neurons(**options):
    """Two neurons on one example, with a use of `h` on two ways."""
    rng = np.random.default_rng(1)
    w1, w2 = (tg.tensor(rng.normal(size=(2, 2)), requires_grad=True) for _ in range(2))
    x = tg.tensor(rng.normal(size=(1, 2)))
    with viz.record(names={"x": x, "w1": w1, "w2": w2}, **options) as r:
        h = (x @ w1).relu()
        y = h @ w2 + h
        (y * y).sum().backward()
    return r, (x, w1, w2)


def chain(n: int):
    x = tg.tensor([0.5, -0.5], requires_grad=True)
    out = x
    for _ in range(n):
        out = out * 1.001
    return out.sum()


def doubled(n: int):
    """x + x, n times over: 2ⁿ paths in n nodes."""
    x = tg.tensor(1.0, requires_grad=True)
    for _ in range(n):
        x = x + x
    return x


def cycle(seen):
    """Two boxes each of which needs the other one, if there are such."""
    follow = {}
    for a in seen.arrows:
        follow.setdefault(a.source, set()).add(a.target)
    done, open_ = set(), []

    def visit(box):
        open_.append(box)
        for after in follow.get(box, ()):
            if after in open_:
                return box, after
            if after not in done and (found := visit(after)):
                return found
        done.add(open_.pop())

    return next((found for box in seen.boxes if box not in done and (found := visit(box))), None)
