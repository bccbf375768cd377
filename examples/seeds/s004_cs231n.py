"""S004. CS231n, assignment 2: convolutional networks, layer by layer.

What the assignment teaches. Write convolution and max-pooling as loops, forward and backward; check forward against
given numbers and backward against finite differences; put layers together (conv-relu-pool); build a network of
three layers with an L2 penalty, check its first loss (ln 10 for ten classes) and its gradients; overfit 100 images;
train one epoch on CIFAR-10 with Adam; look at filters; and normalise: over batches, layers, groups.

    ThreeLayerConvNet: conv 7x7 - relu - max-pool 2x2 - affine - relu - affine - softmax

Where ours differs. The loops below are the law that the library's kernels are held to, and nobody has to use them.
  - A frame of zeros is removed by its width, so that a width of 0 removes nothing (dx_pad[:, :, 0:-0] is empty).
  - Of equal maxima the first gets the gradient; with `==` as a mask each of them gets all of it.
  - The relative error of two zeros is 0, not 0/0; a filter of equal numbers is drawn, not divided by 0.
  - The best weights are kept with the running statistics that batch norm needs, as one state_dict.
  - Dropout's p is what is dropped; batch norm's momentum 0.1 is the assignment's 0.9; the variance that is kept for
    test time is the unbiased one.
The data are the images below --root, train/CLASS/*.jpg and test/CLASS/*.jpg: 5,000 of CIFAR-10's 50,000, so that an
epoch of 50 a batch is 100 steps, and not 980. --epochs 10 gives as many steps as the assignment's one.
"""

import copy
import os
import time

import numpy as np
from common import ascii_curve, ascii_image, evaluate, parser, read_digits, shuffled

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import kernels, nn, optim, viz
from tinygrad_cnn.vision import datasets, transforms

# Layers as loops. N images, C channels, H W pixels, F filters of h x w, stride s, a frame of `pad` zeros.


def conv_naive(x, w, b, s, pad):
    """(N,C,H,W) (F,C,h,w) (F,) -> (N,F,P,Q)"""
    (N, _, H, W), (filters, _, h, width) = x.shape, w.shape
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((N, filters, (H + 2 * pad - h) // s + 1, (W + 2 * pad - width) // s + 1), x.dtype)
    for n, f, p, q in np.ndindex(out.shape):
        out[n, f, p, q] = (x[n, :, p * s : p * s + h, q * s : q * s + width] * w[f]).sum() + b[f]
    return out


def conv_naive_backward(g, x, w, s, pad):
    """What each output's slope means for the window and the filter that it came from: dx, dw, db"""
    h, width = w.shape[2:]
    framed = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx, dw = np.zeros_like(framed), np.zeros_like(w)
    for n, f, p, q in np.ndindex(g.shape):
        window = n, slice(None), slice(p * s, p * s + h), slice(q * s, q * s + width)
        dx[window] += g[n, f, p, q] * w[f]
        dw[f] += g[n, f, p, q] * framed[window]
    return dx[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]], dw, g.sum((0, 2, 3))


def pool_naive(x, size, s):
    """(N,C,H,W) -> (N,C,P,Q)"""
    N, C, H, W = x.shape
    out = np.zeros((N, C, (H - size) // s + 1, (W - size) // s + 1), x.dtype)
    for n, c, p, q in np.ndindex(out.shape):
        out[n, c, p, q] = x[n, c, p * s : p * s + size, q * s : q * s + size].max()
    return out


def pool_naive_backward(g, x, size, s):
    """Each slope goes to the first maximum of its window; += as windows may overlap."""
    dx = np.zeros_like(x)
    for n, c, p, q in np.ndindex(g.shape):
        window = x[n, c, p * s : p * s + size, q * s : q * s + size]
        i, j = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, p * s + i, q * s + j] += g[n, c, p, q]
    return dx


def milliseconds(call):
    call()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return min(times)


def naive_and_fast(quick):
    """The same numbers from loops, from the NumPy kernels, and from whatever kernels are installed."""
    rng = np.random.default_rng(0)
    shapes = (2 if quick else 100, 3, 31, 31), (25, 3, 3, 3), (25,)
    x, w, b = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    g, g_pool = (rng.standard_normal((len(x), *rest)).astype(np.float32) for rest in ((25, 16, 16), (3, 15, 15)))
    tx, tw, tb = (tg.tensor(a, requires_grad=True) for a in (x, w, b))
    conv, pool = F.conv2d(tx, tw, tb, 2, 1), F.max_pool2d(tx, 2)

    def backward(out, inputs, g):
        return [t.numpy() for t in tg.autograd.grad(out, inputs, tg.tensor(g), retain_graph=True)]

    print("layer           loops        NumPy         fast   differ by")
    for name, loops, library in [
        ("conv forward", lambda: conv_naive(x, w, b, 2, 1), lambda: F.conv2d(tx, tw, tb, 2, 1).detach().numpy()),
        ("conv backward", lambda: conv_naive_backward(g, x, w, 2, 1), lambda: backward(conv, [tx, tw, tb], g)),
        ("pool forward", lambda: pool_naive(x, 2, 2), lambda: F.max_pool2d(tx, 2).detach().numpy()),
        ("pool backward", lambda: [pool_naive_backward(g_pool, x, 2, 2)], lambda: backward(pool, [tx], g_pool)),
    ]:
        start = time.perf_counter()
        expected = loops()
        slow = 1000 * (time.perf_counter() - start)
        found = library()
        pairs = zip(expected, found) if isinstance(found, list) else [(expected, found)]
        differ = max(abs(one - other).max() / abs(one).max() for one, other in pairs)
        with kernels.use("numpy"):
            plain = milliseconds(library)
        print(f"{name:13} {slow:7.1f} ms {plain:9.3f} ms {milliseconds(library):9.3f} ms   {differ:.0e}")


# Checks against given numbers and finite differences.


def relative_error(a, b):
    """max |a - b| / (|a| + |b|), where both together are no less than 1e-8"""
    return float((np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))).max())


def given_numbers():
    """The first of the assignment's numbers, which have eight digits."""

    def line(low, high, *shape):
        return tg.linspace(low, high, int(np.prod(shape)), dtype=tg.float64).reshape(*shape)

    x, w, b = line(-0.1, 0.5, 2, 3, 4, 4), line(-0.2, 0.3, 3, 3, 4, 4), line(-0.1, 0.2, 3)
    conv = F.conv2d(x, w, b, stride=2, padding=1)[0, 0].numpy()
    pool = F.max_pool2d(line(-0.3, 0.4, 2, 3, 4, 4), 2)[0, 0].numpy()
    first_conv = np.array([[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]])
    first_pool = np.array([[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]])
    print(f"\nconv differs from the given numbers by {relative_error(conv, first_conv):.2e}, ", end="")
    print(f"pool by {relative_error(pool, first_pool):.2e}: their last digit")


def numeric_gradient(f, x, g, h):
    """Σ g·df/dx by central differences of step h, one element of x at a time."""
    values, gradient = x.detach().numpy(), np.zeros(x.shape)
    with tg.no_grad():
        for i in np.ndindex(values.shape):
            kept = values[i]
            values[i] = kept + h
            above = f().numpy()
            values[i] = kept - h
            gradient[i] = ((above - f().numpy()) * g).sum() / (2 * h)
            values[i] = kept
    return gradient


def gradient_errors(f, inputs, h):
    out = f()
    g = np.random.default_rng(1).standard_normal(out.shape) if out.ndim else np.ones(())
    exact = tg.autograd.grad(out, inputs, tg.from_numpy(g))
    return [relative_error(e.numpy(), numeric_gradient(f, t, g, h)) for e, t in zip(exact, inputs)]


def gradient_checks(seed):
    """Ours beside the assignment's. Steps are as large as the function is straight, which keeps rounding small."""

    def normal(*shape):
        return tg.randn(*shape, dtype=tg.float64, requires_grad=True)

    tg.manual_seed(seed)
    print("\ngradient         of        our error   the assignment's")
    x, w, b = normal(4, 3, 5, 5), normal(2, 3, 3, 3), normal(2)
    errors = gradient_errors(lambda: F.conv2d(x, w, b, 1, 1), [x, w, b], h=1.0)
    table = [("conv", zip("xwb", errors, (2.63e-9, 5.72e-10, 2.68e-11)))]
    p = normal(3, 2, 8, 8)
    table.append(("pool", zip("x", gradient_errors(lambda: F.max_pool2d(p, 2), [p], h=1e-4), (3.28e-12,))))
    x2, w2, b2 = normal(2, 3, 8, 8), normal(3, 3, 3, 3), normal(3)
    errors = gradient_errors(lambda: conv_relu(x2, w2, b2), [x2, w2, b2], h=1e-4)
    table.append(("conv relu", zip("xwb", errors, (8.63e-9, 1.12e-9, 1.76e-11))))
    x3, w3, b3 = normal(2, 3, 16, 16), normal(3, 3, 3, 3), normal(3)
    errors = gradient_errors(lambda: conv_relu_pool(x3, w3, b3), [x3, w3, b3], h=1e-4)
    table.append(("conv relu pool", zip("xwb", errors, (9.40e-8, 6.34e-8, 2.34e-10))))
    # With weights of 0.001 the sums before the last ReLU are so small that every step crosses its corner.
    net = ThreeLayerConvNet((3, 16, 16), filters=3, window=3, hidden=7, weight_scale=0.1).double()
    images, labels = tg.randn(2, 3, 16, 16, dtype=tg.float64), tg.tensor([1, 7])
    errors = gradient_errors(lambda: net.loss(images, labels), list(net.parameters()), h=1e-5)
    names = ("W1", "b1", "W2", "b2", "W3", "b3")
    table.append(("three layers", zip(names, errors, (4.38e-4, 1.08e-5, 4.10e-3, 2.54e-7, 6.59e-5, 1.51e-9))))
    worse = 0
    for name, rows in table:
        for of, ours, theirs in rows:
            print(f"{name:15}  {of:7}  {ours:10.2e}  {theirs:15.2e}")
            worse += ours > theirs
    print(f"gradients with a larger error than the assignment's: {worse}")


# Layers put together, and the network.


def conv_relu(x, w, b, stride=1):
    return F.relu(F.conv2d(x, w, b, stride, padding=w.shape[-1] // 2))


def conv_relu_pool(x, w, b):
    return F.max_pool2d(conv_relu(x, w, b), 2)


class ThreeLayerConvNet(nn.Module):
    """(N,C,H,W) -> (N,10) logits; with `batch_norm`, after the convolution and the first affine layer."""

    def __init__(self, image, filters=32, window=7, hidden=100, weight_scale=0.001, reg=0.0, batch_norm=False):
        super().__init__()
        C, H, W = image
        self.reg = reg
        self.layers = nn.Sequential(
            nn.Conv2d(C, filters, window, padding=window // 2),
            *([nn.BatchNorm2d(filters)] if batch_norm else []),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(filters * (H // 2) * (W // 2), hidden),
            *([nn.BatchNorm1d(hidden)] if batch_norm else []),
            nn.ReLU(),
            nn.Linear(hidden, 10),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, std=weight_scale)
                nn.init.zeros_(layer.bias)

    def forward(self, x):
        return self.layers(x)

    def loss(self, x, y):
        """Cross-entropy and reg/2 · Σ W² over the weights, not the biases"""
        weights = [p for name, p in self.named_parameters() if name.endswith("weight") and p.ndim > 1]
        return F.cross_entropy(self(x), y) + self.reg / 2 * sum((w * w).sum() for w in weights)


def first_losses():
    x, y = tg.randn(50, 3, 32, 32), tg.randint(0, 10, (50,))
    net = ThreeLayerConvNet((3, 32, 32))
    plain = net.loss(x, y).item()
    net.reg = 0.5
    print(f"\nfirst loss {plain:.5f} (ln 10 = {np.log(10):.5f}), with reg=0.5 {net.loss(x, y).item():.5f}")


def solve(model, train, valid, optimizer, epochs, batch_size=50, print_every=20):
    """The assignment's Solver: train, keep what validates best, and end with it. Returns the losses."""
    losses, best, kept, step = [], -1.0, None, 0
    last = epochs * -(-len(train[0]) // batch_size)
    for epoch in range(1, epochs + 1):
        for x, y in shuffled(train[0], train[1], batch_size):
            step += 1
            loss = model.loss(x, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if print_every and (step % print_every == 0 or step in (1, last)):
                print(f"(iteration {step} / {last}) loss: {losses[-1]:.4f}", flush=True)
        accuracy = evaluate(model, *valid)[1]
        if accuracy > best:  # a state_dict holds running statistics as well
            best, kept = accuracy, copy.deepcopy(model.state_dict())
        if print_every:
            seen = evaluate(model, train[0][:1000], train[1][:1000])[1]
            print(f"(epoch {epoch} / {epochs}) train acc: {seen:.3f}; val acc: {accuracy:.3f}", flush=True)
    model.load_state_dict(kept)
    return losses


def overfit(train):
    few = train[0][:100], train[1][:100]
    model = ThreeLayerConvNet(few[0].shape[1:], weight_scale=0.01)
    losses = solve(model, few, few, optim.Adam(model.parameters(), lr=0.001), 20, print_every=0)
    print(
        f"\n100 images learned by heart: loss {losses[0]:.3f} -> {losses[-1]:.4f}, accuracy {evaluate(model, *few)[1]}"
    )


# Pictures.


def hand_set_filters(photo, out):
    """The first filter makes grey of colours; the second finds horizontal edges in blue.        (3,H,W) of 0 to 255"""
    w = tg.zeros(2, 3, 3, 3)
    w[0, :, 1, 1] = tg.tensor([0.3, 0.6, 0.1])
    w[1, 2] = tg.tensor([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])
    grey, edges = F.conv2d(photo[None], w, tg.tensor([0.0, 128.0]), padding=1)[0]
    print(f"\nhorizontal edges by a filter set by hand\n{ascii_image(small((edges - 128).abs()))}")
    if out:
        save_picture(grey / 255, out, "grey.png")
        save_picture((edges / 255).clip(0, 1), out, "edges.png")


def small(image):
    return F.adaptive_avg_pool2d(image[None], (min(image.shape[0], 24), min(image.shape[1], 32)))[0]


def save_picture(image, out, name):
    from tinygrad_cnn.vision.utils import save_image

    os.makedirs(out, exist_ok=True)
    save_image(image, os.path.join(out, name))


# Normalisation.


def normalisation():
    tg.set_default_dtype(tg.float64)
    x = 4 * tg.randn(2, 3, 4, 5) + 10
    bn = nn.BatchNorm2d(3)
    with tg.no_grad():
        bn.weight.copy_(tg.tensor([3, 4, 5]))
        bn.bias.copy_(tg.tensor([6, 7, 8]))
        out = bn(x)

        def say(t):
            return "[" + ", ".join(f"{v:.3f}" for v in t.tolist()) + "]"

        print(f"\nspatial batch norm   means {say(out.mean((0, 2, 3)))}  stds {say(out.std((0, 2, 3), correction=0))}")
        columns = x.permute(0, 2, 3, 1).reshape(-1, 3)  # (N·H·W, C)
        flat = F.batch_norm(columns, None, None, bn.weight, bn.bias, training=True)
        same = flat.reshape(2, 4, 5, 3).permute(0, 3, 1, 2)
        print(f"it is batch norm of (N·H·W, C): {tg.allclose(out, same)}")
        test = nn.BatchNorm2d(4)
        for _ in range(50):
            test(2.3 * tg.randn(10, 4, 11, 12) + 13)
        out = test.eval()(2.3 * tg.randn(10, 4, 11, 12) + 13)
        print(f"at test time         means {say(out.mean((0, 2, 3)))}  stds {say(out.std((0, 2, 3)))}")
        layer, group = F.layer_norm(x, x.shape[1:]), F.group_norm(tg.randn(2, 6, 4, 5) * 3 + 1, 2)
        groups = group.reshape(2, 2, -1)
        stds = layer.std((1, 2, 3), correction=0)
        print(f"layer norm           means {say(layer.mean((1, 2, 3)).abs())}  stds {say(stds)}")
        print(f"group norm           shape {tuple(group.shape)}  stds {say(groups.std(2, correction=0).flatten())}")
    tg.set_default_dtype(tg.float32)


def read_images(args):
    """Images of 0 to 255 with the mean image taken away, labels, and the mean image; --quick: digits made as large."""
    if args.quick:
        train_x, train_y, test_x, test_y = read_digits(True, "")
        train_x, test_x = (F.interpolate(x, size=32).repeat(1, 3, 1, 1) for x in (train_x[:300], test_x))
        train_y = train_y[:300]
    else:
        (train_x, train_y), (test_x, test_y) = (
            map(tg.stack, zip(*((image, tg.tensor(label)) for image, label in part)))
            for part in (
                datasets.ImageFolder(os.path.join(args.root, name), transforms.ToTensor()) for name in ("train", "test")
            )
        )
    mean = 255 * train_x.mean(0)
    order = tg.randperm(len(train_x))
    return (255 * train_x[order] - mean, train_y[order]), (255 * test_x - mean, test_y), mean


def main():
    options = parser(__doc__, "data/cifar10")
    options.add_argument("--epochs", type=int, default=1)
    options.add_argument("--photo", help="a picture for the filters set by hand (default: one of the images)")
    args = options.parse_args()

    naive_and_fast(args.quick)
    given_numbers()
    gradient_checks(args.seed)
    tg.manual_seed(args.seed)
    first_losses()
    train, test, mean = read_images(args)
    overfit(train)

    print(f"\ntraining on {len(train[0])} images, validating on {len(test[0])}")
    for batch_norm in (False, True):
        tg.manual_seed(args.seed)
        model = ThreeLayerConvNet((3, 32, 32), hidden=100 if args.quick else 500, reg=0.001, batch_norm=batch_norm)
        start = time.perf_counter()
        epochs = args.epochs * (3 if args.quick else 1)
        losses = solve(model, train, test, optim.Adam(model.parameters(), lr=0.001), epochs)
        seconds = time.perf_counter() - start
        name = "with batch norm" if batch_norm else "ThreeLayerConvNet"
        print(f"{name}: val acc {evaluate(model, *test)[1]:.3f} after {epochs} epochs, {seconds:.1f} s")
        if not batch_norm:
            print(ascii_curve(losses))
            filters = viz.filters(model, "layers.0")
    print(f"\nthe first filter that was learned, its first channel\n{ascii_image(tg.from_numpy(filters.weight[0, 0]))}")
    if args.out:
        picture = np.nan_to_num(filters.picture / 2 + 0.5).transpose(2, 0, 1)
        save_picture(tg.from_numpy(picture), args.out, "filters.png")
    photo = train[0][0] + mean
    if args.photo:
        photo = 255 * transforms.ToTensor()(datasets.folder.default_loader(args.photo))
    hand_set_filters(photo, args.out)
    normalisation()
    print("\nNotice how early a mistake would show: in the first loss, or in one gradient check, long before training.")


if __name__ == "__main__":
    main()
