"""S002. Huxiaoman: a convolutional layer written by hand, forward and backward.

What the article teaches. A ConvLayer takes its zero padding, its stride and its activation as arguments. Backward
spreads the error map out by the stride, puts zeros around it, and convolves it with the filters turned by 180
degrees: the error of the layer below. A 5x5x3 image and two 3x3x3 filters with whole numbers show every step, and
the filters after one update are printed.

Where ours differs. The layer below is a few lines, since backward is the library's; its numbers are the article's
to the last digit. It also does what the article wishes for or gets wrong:
  - one stride, one padding, one window for each axis (the article's closing question); its backward computes one
    amount of zeros, from the width, and so breaks for windows that are not square;
  - a batch of images; any function of a Tensor as the activation;
  - overlapping windows in max-pooling: the article assigns gradients where it should add them;
  - the derivation for max-pooling, which the article left open. Here it is.

Max-pooling's gradient. Let a window of h x w move by strides s, t over x (H,W):

    out[p,q] = max over i < h, j < w of x[ps+i, qt+j]                          (H,W) -> (P,Q)

Let (y,x)*(p,q) be the place where the window (p,q) has its maximum, the first one in reading order if there are
several. While the inputs move so little that no other place overtakes it, out[p,q] is the number at that place:
its derivative is 1 there and 0 everywhere else. With g[p,q] = dL/d(out[p,q]), the chain rule sums over all windows:

    dx[y,x] = Σ_{p,q} g[p,q] · [ (y,x)*(p,q) = (y,x) ]                         (P,Q) -> (H,W)

A place that wins in no window gets 0. Where windows overlap (s < h or t < w) one place may win in several and gets
the sum of their g: hence += and not =. At a tie the maximum has a corner and no derivative; one winner is a
subgradient, while the whole g for every tied place would multiply the sum of dx. Σ dx = Σ g, always: a good test.
"""

from typing import Any

import numpy as np
from common import parser

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, optim, testing

ACTIVATIONS = {"identity": lambda x: x, "relu": F.relu, "sigmoid": F.sigmoid, "tanh": F.tanh}


class ConvLayer(nn.Module):
    """activation(conv(x)): windows (h,w), strides and paddings are one number or one for each axis."""

    def __init__(self, channels, filters, window, stride: Any = 1, zero_padding: Any = 0, activation: Any = "identity"):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, window, stride, zero_padding)
        self.activation = ACTIVATIONS.get(activation, activation)  # a name, or any function of your own

    def forward(self, x):
        return self.activation(self.conv(x))


IMAGE = [
    [[0, 1, 1, 0, 2], [2, 2, 2, 2, 1], [1, 0, 0, 2, 0], [0, 1, 1, 0, 0], [1, 2, 0, 0, 2]],
    [[1, 0, 2, 2, 0], [0, 0, 0, 2, 0], [1, 2, 1, 2, 1], [1, 0, 0, 0, 0], [1, 2, 1, 1, 1]],
    [[2, 1, 2, 0, 0], [1, 0, 0, 1, 0], [0, 2, 1, 0, 1], [0, 1, 2, 2, 2], [2, 1, 0, 0, 1]],
]
FILTERS = [
    [[[-1, 1, 0], [0, 1, 0], [0, 1, 1]], [[-1, -1, 0], [0, 0, 0], [0, -1, 0]], [[0, 0, -1], [0, 1, 0], [1, -1, -1]]],
    [[[1, 1, -1], [-1, -1, 1], [0, -1, 1]], [[0, 1, 0], [-1, 0, -1], [-1, 1, 0]], [[-1, 0, 0], [-1, 0, 1], [-1, 0, 0]]],
]
ERROR = [[[0, 1, 1], [2, 2, 2], [1, 0, 0]], [[1, 0, 2], [0, 0, 0], [1, 2, 1]]]  # dL/d(out)


def the_article_s_example():
    """Forward, backward, and one step of gradient descent with learning rate 0.001."""
    image = tg.tensor([IMAGE], dtype=tg.float64, requires_grad=True)
    layer = ConvLayer(3, 2, window=3, stride=2, zero_padding=1).double()
    with tg.no_grad():
        layer.conv.weight.copy_(tg.tensor(FILTERS))
        layer.conv.bias.copy_(tg.tensor([1, 0]))
    out = layer(image)  # (1,3,5,5) -> (1,2,3,3)
    print("forward:", *out[0].detach().numpy(), sep="\n")
    out.backward(tg.tensor([ERROR], dtype=tg.float64))
    optim.SGD(layer.parameters(), lr=0.001).step()
    for i in range(2):
        print(f"filter{i + 1} after the update:", *layer.conv.weight[i].detach().numpy(), sep="\n")
        print("bias:", layer.conv.bias[i].item())
    print("error of the layer below, channel 1:", image.grad[0, 0].numpy().astype(int), sep="\n")


def every_axis_of_its_own():
    """Other windows, strides and paddings down and across, with every activation; all gradients checked."""
    x = tg.randn(2, 3, 7, 9, dtype=tg.float64, requires_grad=True)
    print("\nactivation   window  stride  padding  output            gradients right")
    for name in [*ACTIVATIONS, "softplus"]:
        activation = F.softplus if name == "softplus" else name
        layer = ConvLayer(3, 4, (3, 2), (2, 3), (1, 0), activation).double()
        weight, bias = layer.conv.weight, layer.conv.bias

        def run(x, weight, bias, act=layer.activation):
            return act(F.conv2d(x, weight, bias, (2, 3), (1, 0)))

        right = testing.gradcheck(run, (x, weight, bias))
        print(f"{name:11}  (3, 2)  (2, 3)  (1, 0)   {tuple(layer(x).shape)!s:16}  {right}")


def overlapping_windows():
    """3x3 windows with stride 1 over 4x4 numbers: the 9 in the middle wins in all four."""
    x = tg.tensor([[[[1.0, 2, 0, 1], [3, 9, 4, 2], [0, 5, 6, 1], [2, 1, 3, 0]]]], requires_grad=True)
    g = tg.tensor([[[[1.0, 2], [3, 4]]]])
    out = F.max_pool2d(x, 3, stride=1)
    out.backward(g)
    lost = np.zeros((4, 4))
    for p, q in np.ndindex(2, 2):
        window = x[0, 0, p : p + 3, q : q + 3].detach().numpy()
        i, j = np.unravel_index(window.argmax(), window.shape)
        lost[p + i, q + j] = g[0, 0, p, q].item()  # the article's "="
    print("\noverlapping max-pool: the 9 wins in four windows, whose gradients are 1, 2, 3, 4")
    print(f"gradient of the 9: {x.grad[0, 0, 1, 1].item():.0f}; with = instead of +=: {lost[1, 1]:.0f}")
    print(f"sum of dx {x.grad.sum().item():.0f} = sum of g {g.sum().item():.0f}")
    ties = tg.ones(1, 1, 2, 2, requires_grad=True)
    F.max_pool2d(ties, 2).sum().backward()
    print(f"four equal numbers: dx = {ties.grad.flatten().tolist()}")


def main():
    args = parser(__doc__, "nothing: the numbers stand in this file").parse_args()
    tg.manual_seed(args.seed)
    np.set_printoptions(precision=3, suppress=True)
    the_article_s_example()
    every_axis_of_its_own()
    overlapping_windows()
    print("\nNotice that nobody wrote a backward here: the sums of the article are those of the chain rule.")


if __name__ == "__main__":
    main()
