"""Small things that several tests use: a leaf, a Function, modules, a dataset, a training step."""

from __future__ import annotations

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.autograd import Function
from tinygrad_cnn.data import Dataset


def leaf(*values, dtype=tg.float32):
    return tg.tensor(values if len(values) > 1 else values[0], dtype=dtype, requires_grad=True)


class Double(Function):
    """x becomes 2x in place."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return g * 2


class Scale(nn.Module):
    """x·w + b, with a buffer that counts calls."""

    def __init__(self, n: int = 2):
        super(Scale, self).__init__()  # noqa: UP008  (how older scripts say it)
        self.n = n
        self.w = nn.Parameter(tg.ones(n))
        self.b = nn.Parameter(tg.zeros(n))
        self.register_buffer("calls", tg.tensor(0))
        self.register_buffer("scratch", tg.zeros(n), persistent=False)

    def forward(self, x):
        return x * self.w + self.b

    def extra_repr(self):
        return f"n={self.n}"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = Scale(2)
        self.two = nn.Sequential(Scale(2), Scale(2))

    def forward(self, x):
        return self.two(self.one(x))


class Tied(nn.Module):
    def __init__(self, n=3):
        super().__init__()
        self.w = nn.Parameter(tg.randn(n))
        self.tied = self.w
        self.b = nn.Parameter(tg.zeros(()))
        self.register_buffer("seen", tg.tensor(0))

    def forward(self, x):
        self.seen += 1
        return x @ self.w + self.b


class Mapped(Dataset):
    """function(i) for i below n"""

    def __init__(self, n, function=lambda i: i):
        self.n = n
        self.function = function

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return self.function(i)


def training_step(net, optimizer):
    """A step that learns from a batch, and returns its loss."""

    def step(x, y):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step
