"""Graphs worth looking at, each with something to see. Draws one of them, or all, as a page and as a picture.

    python examples/graphs/draw.py                      all, into the folder graphs/
    python examples/graphs/draw.py lenet second         these
    tinygrad-cnn graph examples/graphs/draw.py:lenet -o lenet.html        the same from the command line

Open a page and press the right arrow: one step of the backward pass at a time.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz
from tinygrad_cnn.vision.models import get_model
from tinygrad_cnn.vision.models import resnet18 as make_resnet18


def neurons():
    """Two neurons, one of them off: follow the zero that the ReLU sends back."""
    layer = nn.Linear(2, 2)
    with tg.no_grad():
        layer.weight.copy_(tg.tensor([[0.5, 0.25], [0.1, -0.4]]))
        layer.bias.zero_()
    hidden = layer(tg.tensor([[1.0, 2.0]])).relu()
    return (hidden - 3).square().sum()


def lenet():
    """LeNet on four images: patches, routes of the maximum, p − y."""
    model = get_model("lenet", input_shape=(1, 28, 28), num_classes=10)
    return F.cross_entropy(model(tg.randn(4, 1, 28, 28)), tg.tensor([3, 1, 4, 1]))


def cs231n():
    """conv, ReLU, pool, affine, ReLU, affine, softmax: the three-layer network of Stanford's course."""
    model = nn.Sequential(
        nn.Conv2d(3, 32, 7, padding=3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 16 * 16, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
    return F.cross_entropy(model(tg.randn(2, 3, 32, 32)), tg.tensor([0, 9]))


def resnet18():
    """Eight blocks with shortcuts: fold them with the slider; at each sum, two gradients meet."""
    model = make_resnet18(num_classes=10)
    return F.cross_entropy(model(tg.randn(2, 3, 64, 64)), tg.tensor([3, 5]))


def shared():
    """One weight in three layers: its gradient arrives in three parts."""
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    model[2].weight = model[4].weight = model[0].weight
    return model(tg.randn(2, 4)).square().sum()


def second():
    """A gradient that is differentiated again: the rules' own ops are nodes of the second pass."""
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x.tanh().square().sum()
    (slope,) = tg.autograd.grad(y, x, create_graph=True)
    return slope.square().sum()


class UNet(nn.Module):
    """Down twice, up twice; what was seen on the way down goes over to the way up."""

    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.bottom = self.block(1, 8), self.block(8, 16), self.block(16, 32)
        self.up2, self.up1 = self.block(32 + 16, 16), self.block(16 + 8, 8)
        self.head = nn.Conv2d(8, 2, 1)

    def block(self, before: int, after: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU())

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.bottom(F.max_pool2d(b, 2))
        c = self.up2(tg.cat([F.interpolate(c, scale_factor=2), b], dim=1))
        c = self.up1(tg.cat([F.interpolate(c, scale_factor=2), a], dim=1))
        return self.head(c)


def unet():
    """A U-Net that tells two kinds of pixels apart: its skips carry gradient past the bottom."""
    return F.cross_entropy(UNet()(tg.randn(2, 1, 16, 16)), tg.arange(512).reshape(2, 16, 16) % 2)


def siamese():
    """One network called on three pictures: an anchor, its like, another; its gradient arrives three times."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))
    anchor, like, other = net(tg.randn(2, 4, 4)), net(tg.randn(2, 4, 4)), net(tg.randn(2, 4, 4))
    near, far = (anchor - like).square().sum(1), (anchor - other).square().sum(1)
    return (near - far + 1).relu().mean()


def gan():
    """Two passes: the judge learns from what the generator made, detached; then the generator learns from the judge."""
    generator = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 4))
    judge = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    made, real = generator(tg.randn(3, 2)), tg.randn(3, 4)
    judged = F.softplus(judge(made.detach())).mean() + F.softplus(-judge(real)).mean()
    judged.backward()
    return F.softplus(-judge(made)).mean()


class Block(nn.Module):
    """A transformer's block: every place looks at all others, then each thinks for itself; both are added."""

    def __init__(self, width: int = 8):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out, self.wide, self.narrow = nn.Linear(width, width), nn.Linear(width, 16), nn.Linear(16, width)

    def forward(self, x):
        seen = self.norm1(x)
        q, k, v = self.query(seen), self.key(seen), self.value(seen)
        weights = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1)  # (N, T, T)
        x = x + self.out(weights @ v)
        return x + self.narrow(F.gelu(self.wide(self.norm2(x))))


def transformer():
    """One block with attention of one head: softmax, two norms, two sums."""
    return Block()(tg.randn(1, 5, 8)).square().mean()


def dead():
    """A layer whose biases are far below zero: every unit is off, and what is before it gets no gradient."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    with tg.no_grad():
        net[2].bias.fill_(-10)
    return (net(tg.randn(5, 3)) - 1).square().mean()


def exploding():
    """Twelve layers with weights of three times their size: the gradient grows on its way back."""
    net = nn.Sequential(*(nn.Linear(6, 6, bias=False) for _ in range(12)))
    with tg.no_grad():
        for layer in net:
            layer.weight.mul_(3 * 6**0.5)
    return net(tg.randn(2, 6)).sum()


def nans():
    """The logarithm of a probability that is exactly zero: inf forward, NaN backward, and where it begins."""
    net = nn.Linear(3, 3)
    p = net(tg.tensor([[40.0, -40.0, 0.0]])).relu()
    share = p / p.sum()
    return -(share * share.log()).sum()


def rnn():
    """A recurrent network over 20 steps: the gradient fades on its way back."""
    cell = nn.Linear(3 + 4, 4)
    h = tg.zeros(1, 4)
    for _ in range(20):
        h = cell(tg.cat([tg.randn(1, 3), h], dim=1)).tanh()
    return h.sum()


GRAPHS = {
    f.__name__: f
    for f in (
        neurons, lenet, cs231n, resnet18, unet, rnn, siamese, gan, transformer, shared, second, dead, exploding, nans,
    )
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(GRAPHS)} (default: all)")
    parser.add_argument("--into", type=Path, default=Path("graphs"), help="folder to write to")
    args = parser.parse_args()
    unknown = set(args.names) - set(GRAPHS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose of {', '.join(GRAPHS)}")
    args.into.mkdir(parents=True, exist_ok=True)
    for name in args.names or GRAPHS:
        tg.manual_seed(0)
        with viz.record() as recording:
            loss = GRAPHS[name]()
            loss.backward()
        viz.html(recording, args.into / f"{name}.html")
        viz.svg(recording, args.into / f"{name}.svg")
        print(f"{name:10} {str(GRAPHS[name].__doc__).splitlines()[0]}")


if __name__ == "__main__":
    main()
