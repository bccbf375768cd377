"""Every kernel call of real training steps, with its arrays as they come, against NumPy's in double precision."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import kernels, nn, optim
from tinygrad_cnn.kernels import kernel
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.testing.calls import Law, outcome


@contextmanager
def every_call_checked():
    """Each call of a kernel is compared with the law while it happens; gives the names of what was called."""
    called, inside = [], []

    def checked(name, version):
        def call(*args):
            if inside:  # the law itself, or a kernel within another
                return version(*args)
            inside.append(name)
            try:
                law = Law(name, args)
                found = version(*args)
                law.check(outcome(lambda *args: found, args))
            finally:
                inside.pop()
            called.append(name)
            return found

        return call

    kernels.stack("relu")  # opens all rooms, so that every version is there to be wrapped
    versions = dict(vars(kernel))
    try:
        for name, version in versions.items():
            setattr(kernel, name, checked(name, version))
        yield called
    finally:
        vars(kernel).update(versions)


class Block(nn.Module):
    """Two convolutions with a way around them."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()),
            *(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)),
        )

    def forward(self, x):
        return F.relu(x + self.body(x))


def pools():
    return nn.Sequential(
        *(nn.Conv2d(1, 9, 3), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2, 1), nn.Conv2d(9, 20, 2, stride=2)),
        *(nn.MaxPool2d(2, ceil_mode=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 10)),
    )


def lenet():
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)),
    )


def conv_norm_relu():
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 10)),
    )


def depthwise():
    return nn.Sequential(
        *(nn.Conv2d(1, 12, 3, stride=2), nn.ReLU6(), nn.Conv2d(12, 12, 3, padding=1, groups=12), nn.BatchNorm2d(12)),
        *(nn.ReLU(), nn.Conv2d(12, 24, 1), nn.Conv2d(24, 24, 3, groups=4), nn.Flatten(1), nn.Linear(2904, 10)),
    )


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 1), nn.Flatten(0))


def turned():
    return nn.Sequential(nn.ConvTranspose2d(1, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 3, 5, 4), nn.LayerNorm([3, 14, 14]))


def penalty(net, x, y):
    """A gradient that is itself differentiated."""
    (g,) = tg.autograd.grad(net(x).sum(), x, create_graph=True)
    return (g * g).sum()


TARGETS = np.arange(32) % 10
STEPS = {  # a network, its loss, and an optimizer
    "the sum of a layer": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 32)), lambda net, x, y: net(x).sum(), 0),
    "a wide layer": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 256)), lambda net, x, y: net(x).mean(), 1),
    "one output": (mlp, lambda net, x, y: F.mse_loss(net(x), y.float(), reduction="sum"), 0),
    "lenet": (lenet, lambda net, x, y: F.cross_entropy(net(x), y), 1),
    "losses one by one": (lenet, lambda net, x, y: F.cross_entropy(net(x), y, reduction="none").max(), 2),
    "conv, norm, relu": (conv_norm_relu, lambda net, x, y: F.cross_entropy(net(x), y, reduction="sum"), 0),
    "a residual block": (
        lambda: nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), Block(16), Block(16)),
        lambda net, x, y: net(x).sum(),
        1,
    ),
    "depthwise": (depthwise, lambda net, x, y: F.nll_loss(F.log_softmax(net(x), 1), y), 3),
    "pools": (pools, lambda net, x, y: F.cross_entropy(net(x), y, label_smoothing=0.1), 0),
    "pools, summed": (lambda: pools()[:5], lambda net, x, y: net(x).sum(), 4),
    "expanded": (mlp, lambda net, x, y: (net(x[:1].expand(32, -1, -1, -1)) * y).mean(), 1),
    "turned convolution": (turned, lambda net, x, y: net(x.transpose(2, 3)).flip(0).abs().mean(), 0),
    "second derivative": (lenet, penalty, 1),
    "second derivative of pools": (pools, penalty, 1),
}
OPTIMIZERS = [
    lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
    lambda p: optim.AdamW(p, lr=0.01, amsgrad=True),
    lambda p: optim.RMSprop(p, lr=0.01),
    lambda p: optim.Adagrad(p, lr=0.01),
    lambda p: optim.Adadelta(p),
]


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_training_step(step):
    make, loss, which = STEPS[step]
    net = make()
    optimizer = OPTIMIZERS[which](net.parameters())
    x = tg.randn(32, 1, 28, 28, requires_grad=True)
    with every_call_checked() as called:
        for _ in range(2):
            optimizer.zero_grad()
            loss(net, x, tg.tensor(TARGETS)).backward()
            optimizer.step()
    assert len(called) > 4
