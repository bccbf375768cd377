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


def rnn():
    """A recurrent network over 20 steps: the gradient fades on its way back."""
    cell = nn.Linear(3 + 4, 4)
    h = tg.zeros(1, 4)
    for _ in range(20):
        h = cell(tg.cat([tg.randn(1, 3), h], dim=1)).tanh()
    return h.sum()


GRAPHS = {f.__name__: f for f in (neurons, lenet, cs231n, resnet18, shared, second, rnn)}


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
            GRAPHS[name]().backward()
        viz.html(recording, args.into / f"{name}.html")
        viz.svg(recording, args.into / f"{name}.svg")
        print(f"{name:10} {str(GRAPHS[name].__doc__).splitlines()[0]}")


if __name__ == "__main__":
    main()
