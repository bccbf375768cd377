"""Networks and training steps to look for problems in: healthy ones, and ones that are each broken in one way."""

from __future__ import annotations

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn


def learn(net, x, y=None):
    """The step's gradients: cross entropy with these labels, or with any."""
    out = net(x)
    F.cross_entropy(out, tg.arange(len(out)) % out.shape[-1] if y is None else y).backward()


def stack(depth, activation=nn.ReLU, width=16, scale=1.0, bias=None):
    layers = []
    for _ in range(depth):
        layer = nn.Linear(width, width)
        with tg.no_grad():
            layer.weight.mul_(scale)
            if bias is not None:
                layer.bias.fill_(bias)
        layers += [layer, activation()]
    return nn.Sequential(*layers, nn.Linear(width, 3))


class Block(nn.Module):
    """A transformer's, its norms before what they feed."""

    def __init__(self, width=16, heads=2):
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = (
            part.reshape(n, t, self.heads, -1).transpose(1, 2) for part in self.qkv(self.first(x)).chunk(3, dim=-1)
        )
        scores = (q @ k.transpose(-1, -2)) / (c // self.heads) ** 0.5
        scores = scores.masked_fill(tg.ones(t, t).triu(1).bool(), -tg.inf)
        x = x + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, c))
        return x + self.mlp(self.second(x))


class Language(nn.Module):
    def __init__(self, blocks=2):
        super().__init__()
        self.words, self.places = nn.Embedding(11, 16), nn.Parameter(tg.randn(6, 16) * 0.02)
        self.blocks, self.norm, self.head = (
            nn.Sequential(*[Block() for _ in range(blocks)]),
            nn.LayerNorm(16),
            nn.Linear(16, 11),
        )

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.words(x) + self.places))).flatten(0, 1)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()

        def double(a, b):
            return nn.Sequential(
                nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), nn.Conv2d(b, b, 3, padding=1), nn.ReLU()
            )

        self.down, self.bottom, self.up = double(1, 4), double(4, 8), nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.last, self.out = double(8, 4), nn.Conv2d(4, 1, 1)

    def forward(self, x):
        d = self.down(x)
        u = self.up(self.bottom(F.max_pool2d(d, 2)))
        return self.out(self.last(tg.cat([d, u], 1)))


class Branches(nn.Module):
    """An encoder, a head, a second head, and one parameter more."""

    def __init__(self):
        super().__init__()
        self.encoder, self.head, self.other = stack(1), nn.Linear(3, 3), nn.Linear(3, 3)
        self.temperature = nn.Parameter(tg.ones(1))

    def forward(self, x):
        return self.head(self.encoder(x)) * self.temperature + self.other(self.encoder(x))


# healthy


def mlp():
    learn(stack(3), tg.randn(8, 16))


def mlp_of_one_example():
    learn(stack(2), tg.randn(1, 16))


def tanh_and_dropout():
    learn(nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Dropout(0.5), nn.Linear(16, 3)), tg.randn(4, 16))


def convolutions_with_norms():
    layers = [layer for _ in range(4) for layer in (nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())]
    learn(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), tg.randn(4, 4, 8, 8))


def transformer():
    learn(Language(), tg.arange(12).reshape(2, 6) % 11)


def unet():
    F.binary_cross_entropy_with_logits(UNet()(tg.randn(2, 1, 8, 8)), tg.ones(2, 1, 8, 8)).backward()


def siamese():
    net = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))
    a, b = net(tg.randn(4, 16)), net(tg.randn(4, 16))
    F.relu((a - b).norm(dim=1) - 0.1).mean().backward()


def gan():
    g = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8))
    d = nn.Sequential(nn.Linear(8, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    of_g, of_d = tg.optim.Adam(g.parameters()), tg.optim.Adam(d.parameters())
    real, fake = tg.randn(8, 8), g(tg.randn(8, 4))
    of_d.zero_grad()
    F.binary_cross_entropy_with_logits(d(real), tg.ones(8, 1)).backward()
    F.binary_cross_entropy_with_logits(d(fake.detach()), tg.zeros(8, 1)).backward()
    of_d.step()
    of_g.zero_grad()
    F.binary_cross_entropy_with_logits(d(fake), tg.ones(8, 1)).backward()
    of_g.step()


def rnn_by_hand():
    wx, wh, b = tg.randn(8, 4) * 0.3, tg.randn(8, 8) * 0.3, tg.zeros(8)
    for t in (wx, wh, b):
        t.requires_grad_()
    h = tg.zeros(2, 8)
    for _ in range(20):
        h = tg.tanh(tg.randn(2, 4) @ wx.T + h @ wh.T + b)
    h.square().mean().backward()


def lstm():
    cell, head, h, c = nn.Linear(4 + 8, 32), nn.Linear(8, 3), tg.zeros(2, 8), tg.zeros(2, 8)
    for _ in range(5):
        i, f, o, new = cell(tg.cat([tg.randn(2, 4), h], 1)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * new.tanh()
        h = o.sigmoid() * c.tanh()
    F.cross_entropy(head(h), tg.tensor([0, 2])).backward()


def no_zero_grad():
    """Gradients that add up over steps are no problem of the graph."""
    net = stack(1)
    optimizer = tg.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(2):
        learn(net, tg.randn(8, 16))
        optimizer.step()


def masked_attention():
    x = tg.randn(2, 4, 4).requires_grad_()
    scores = (x @ x.transpose(1, 2)).masked_fill(tg.ones(4, 4).triu(1).bool(), -tg.inf)
    (scores.softmax(-1) @ x).square().sum().backward()


def loss_that_is_scaled():
    net = stack(3)
    (F.cross_entropy(net(tg.randn(8, 16)), tg.arange(8) % 3) * 1e-6).backward()


HEALTHY = [
    mlp, mlp_of_one_example, tanh_and_dropout, convolutions_with_norms, transformer, unet, siamese, gan, rnn_by_hand,
    lstm, no_zero_grad, masked_attention, loss_that_is_scaled,
]  # fmt: skip


# broken


def dead_relu():
    net = stack(2)
    with tg.no_grad():
        net[2].bias.fill_(-100.0)
    learn(net, tg.randn(8, 16))


def dead_units():
    net = stack(2)
    with tg.no_grad():
        net[2].bias[3] = -50.0
        net[2].bias[7] = -60.0
    learn(net, tg.randn(8, 16))


def dead_channel():
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 3))
    with tg.no_grad():
        net[0].bias[5] = -50.0
    learn(net, tg.randn(4, 1, 8, 8))


def exploding():
    learn(stack(8, scale=20.0), tg.randn(8, 16))


def vanishing():
    learn(stack(8, nn.Sigmoid), tg.randn(8, 16))


def nan_loss():
    net = stack(1)
    (net(tg.randn(4, 16)) - 10).log().sum().backward()


def nan_input():
    x = tg.randn(4, 16)
    x[2, 3] = tg.nan
    learn(stack(1), x)


def infinite_slope():
    net = stack(1)
    (net(tg.randn(4, 16)) * 0.0).square().sum().sqrt().backward()


def where_trap():
    """where keeps the NaN out of the result, and its gradient's zero times infinity is NaN."""
    x = tg.tensor([0.0, 1.0, 2.0], requires_grad=True)
    tg.where(x > 0, x.log() * x, x).sum().backward()


class Forgotten(Branches):
    def forward(self, x):
        return self.head(self.encoder(x))


def forgotten_parameter():
    learn(Forgotten(), tg.randn(8, 16))


class Unused(Branches):
    def forward(self, x):
        h = self.encoder(x)
        self.other(h)
        return self.head(h) * self.temperature


def unused_output():
    learn(Unused(), tg.randn(8, 16))


class Detached(Branches):
    def forward(self, x):
        h = self.encoder(x).detach()
        return self.head(h) * self.temperature + self.other(h)


def detached():
    learn(Detached(), tg.randn(8, 16))


class Ungraded(Branches):
    def forward(self, x):
        with tg.no_grad():
            h = self.encoder(x)
        return self.head(h) * self.temperature + self.other(h)


def under_no_grad():
    learn(Ungraded(), tg.randn(8, 16))


def frozen():
    net = Branches()
    for p in net.encoder.parameters():
        p.requires_grad_(False)
    learn(net, tg.randn(8, 16))


def zero_factor():
    net = Branches()
    with tg.no_grad():
        net.temperature.fill_(0.0)
    learn(Zeroed(net), tg.randn(8, 16))


class Zeroed(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net.head(self.net.encoder(x)) * self.net.temperature + self.net.other(x[:, :3])


# what is found: its kind, and the node that is its first cause (None: a parameter that the graph does not have)
BROKEN = [
    (dead_relu, "dead", "3/relu"),
    (dead_units, "dead", "3/relu"),
    (dead_channel, "dead", "1/relu"),
    (exploding, "exploding", "14/linear"),
    (vanishing, "vanishing", "15/sigmoid"),
    (nan_loss, "nan", "log"),
    (nan_input, "nan", "input"),
    (infinite_slope, "nan", "sqrt"),
    (where_trap, "nan", "log"),
    (forgotten_parameter, "no_gradient", None),
    (unused_output, "unused", None),
    (detached, "unreached", "encoder.2/linear"),
    (under_no_grad, "unreached", "encoder.2/linear"),
    (frozen, "frozen", "encoder.0.bias"),
    (zero_factor, "zero", "net.temperature"),
]
