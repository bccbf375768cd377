"""Networks whose backward passes are right: ordinary ones, exploding, dead, saturated, tied, and full of NaN."""

from __future__ import annotations

import functools

import numpy as np

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz


def labels(n, classes):
    return tg.arange(n) % classes


def mlp(depth=4, width=8, std=None, act=nn.ReLU, bias=0.0, n=6):
    layers = []
    for _ in range(depth):
        layer = nn.Linear(width, width)
        if std is not None:
            nn.init.normal_(layer.weight, std=std)
        nn.init.constant_(layer.bias, bias)
        layers += [layer, act()]
    net = nn.Sequential(*layers, nn.Linear(width, 3))
    loss = F.cross_entropy(net(tg.randn(n, width)), labels(n, 3))
    loss.backward()


def plain():
    mlp()


def exploding():
    mlp(depth=12, std=20.0)


def exploding_beyond_float32():
    mlp(depth=24, std=30.0)


def exploding_with_tanh():
    mlp(depth=6, std=30.0, act=nn.Tanh)


def exploding_with_sigmoid():
    mlp(depth=6, std=50.0, act=nn.Sigmoid)


def exploding_with_gelu():
    mlp(depth=8, std=30.0, act=nn.GELU)


def vanishing():
    mlp(depth=10, std=1e-3)


def vanishing_with_sigmoid():
    mlp(depth=12, std=1e-2, act=nn.Sigmoid)


def dead():
    mlp(bias=-100.0)


def dead_in_part():
    mlp(bias=-1.0, std=0.3, n=2)


def leaky():
    mlp(act=lambda: nn.LeakyReLU(0.1), bias=-10.0)


def elu_and_selu():
    mlp(act=nn.ELU)
    mlp(act=nn.SELU)


def without_weights():
    mlp(std=0.0)


def of_one_example():
    mlp(n=1)


def convolutions(std=None, pool=nn.MaxPool2d, norm=True, x=None, act=nn.ReLU):
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), *([nn.BatchNorm2d(4)] if norm else []), act(), pool(2),
        nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=2), act(), nn.Flatten(), nn.Linear(16, 3),
    )  # fmt: skip
    if std is not None:
        for p in net.parameters():
            nn.init.normal_(p, std=std)
    x = tg.randn(3, 2, 8, 8) if x is None else x
    F.cross_entropy(net(x), labels(3, 3)).backward()


def convolutional():
    convolutions()


def convolutional_exploding():
    convolutions(std=1e6)


def convolutional_exploding_without_norm():
    convolutions(std=1e8, norm=False)


def convolutional_of_constant_images():
    convolutions(x=tg.ones(3, 2, 8, 8))


def convolutional_of_black_images():
    convolutions(x=tg.zeros(3, 2, 8, 8), pool=nn.AvgPool2d)


def convolutional_of_tied_images():
    convolutions(x=tg.randint(0, 2, (3, 2, 8, 8)).float(), norm=False)


def convolutional_with_nan():
    x = np.random.default_rng(0).normal(size=(3, 2, 8, 8))
    x[1, 0, 3, 3] = np.nan
    convolutions(x=tg.tensor(x.astype(np.float32)))


def convolutional_with_infinity():
    x = np.random.default_rng(0).normal(size=(3, 2, 8, 8))
    x[0, 1, 0, 0] = np.inf
    convolutions(x=tg.tensor(x.astype(np.float32)), norm=False)


def batch_norm_of_two():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    net(tg.randn(2, 3)).square().sum().backward()


def batch_norm_of_equals():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
    net(tg.ones(5, 3)).square().sum().backward()


def layer_and_group_norm():
    x = tg.randn(2, 4, 3, 3).requires_grad_()
    h = nn.GroupNorm(2, 4)(x) * 1e3
    nn.LayerNorm((4, 3, 3))(h).sum().backward()


def nan_from_a_logarithm():
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2), nn.ReLU())
    net(tg.randn(5, 4)).log().mean().backward()


def nan_from_zero_by_zero():
    w = tg.zeros(3).requires_grad_()
    x = tg.ones(4, 3) * w
    (x / x.norm(dim=1, keepdim=True)).sum().backward()


def infinite_loss():
    w = tg.full((3,), 60.0).requires_grad_()
    (w.exp() * w.exp()).sum().backward()


def recurrent(std=1.0):
    cell, h = nn.Linear(4, 4), tg.zeros(2, 4)
    nn.init.normal_(cell.weight, std=std)
    for _ in range(12):
        h = tg.tanh(cell(h) + 1)
    h.square().sum().backward()


def recurrent_saturated():
    recurrent(std=8.0)


def attention(scale=1.0):
    x = (tg.randn(2, 5, 6) * scale).requires_grad_()
    q, k = nn.Linear(6, 6), nn.Linear(6, 6)
    p = (q(x) @ k(x).transpose(1, 2)).masked_fill(tg.ones(5, 5).triu(1).bool(), -tg.inf).softmax(-1)
    nn.LayerNorm(6)(p @ x + x).square().mean().backward()


def attention_saturated():
    attention(scale=30.0)


def binary_and_certain():
    z = tg.tensor([40.0, -40.0, 0.0, 200.0]).requires_grad_()
    y = tg.tensor([1.0, 0.0, 1.0, 0.0])
    F.binary_cross_entropy_with_logits(z, y).backward()
    F.binary_cross_entropy((z / 3).sigmoid(), y).backward()


def certain_classes():
    z = tg.tensor([[100.0, 0.0, -100.0], [0.0, 0.0, 0.0]]).requires_grad_()
    F.cross_entropy(z, tg.tensor([0, 1])).backward()
    F.cross_entropy(z, tg.tensor([2, 2]), reduction="sum").backward()


def losses_without_error():
    x = tg.randn(3, 4)
    z = x.clone().requires_grad_()
    for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss):
        loss(z, x).backward()


def half_precision():
    w = (tg.randn(16, 16) * 10).half().requires_grad_()
    h = tg.randn(4, 16).half()
    for _ in range(3):
        h = F.relu(h @ w)
    F.softmax(h, 1).sum().backward()


def dropped_and_scaled():
    x = tg.randn(4, 8).requires_grad_()
    (F.dropout(x, 0.5) * 1e20).square().mean().backward()


def ties_everywhere():
    x = tg.ones(4, 6).requires_grad_()
    (x.max(1).values + x.min(1).values + x.sort(1).values.sum(1) + x.topk(2, 1).values.sum(1)).sum().backward()
    (x.median() + x.amax() + tg.maximum(x, x.detach()).sum() + x.cummax(1).values.sum()).backward()


def gradient_penalty():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x = tg.randn(5, 3).requires_grad_()
    (g,) = tg.autograd.grad(net(x).sum(), x, create_graph=True)
    (g.norm(dim=1) - 1).square().mean().backward()


def siamese():
    net = nn.Linear(4, 3)
    a, b = net(tg.randn(2, 4)), net(tg.randn(2, 4))
    d = (a - b).norm(dim=1)
    (d.square() + F.relu(1 - d).square()).sum().backward()
    F.pairwise_distance(a.detach().requires_grad_(), a.detach()).sum().backward()


NETWORKS = [
    plain, exploding, exploding_beyond_float32, exploding_with_tanh, exploding_with_sigmoid, exploding_with_gelu,
    vanishing, vanishing_with_sigmoid, dead, dead_in_part, leaky, elu_and_selu, without_weights, of_one_example,
    convolutional, convolutional_exploding, convolutional_exploding_without_norm, convolutional_of_constant_images,
    convolutional_of_black_images, convolutional_of_tied_images, convolutional_with_nan, convolutional_with_infinity,
    batch_norm_of_two, batch_norm_of_equals, layer_and_group_norm, nan_from_a_logarithm, nan_from_zero_by_zero,
    infinite_loss, recurrent, recurrent_saturated, attention, attention_saturated, binary_and_certain, certain_classes,
    losses_without_error, half_precision, dropped_and_scaled, ties_everywhere, gradient_penalty, siamese,
]  # fmt: skip


@functools.cache
def recorded(network, check=True):
    """The document of a network's backward pass."""
    tg.manual_seed(7)
    with viz.record(check=check) as r:
        network()
    return r.document
