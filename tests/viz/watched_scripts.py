"""What scripts do with tensors: each is a function without arguments that returns what it has found."""

from __future__ import annotations

import copy

import numpy as np

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz


def leaf(*shape):
    return tg.randn(*shape).requires_grad_()


def back(loss, *leaves, **how):
    """The loss and the gradients that its backward leaves."""
    loss.sum().backward(**how)
    return [loss, *(t.grad for t in leaves)]


# in place and views


def assign_a_number():
    x = leaf(4)
    y = x * 1
    y[0] = 3.0
    return back(y * y, x)


def assign_rows_to_zeros():
    x, y = leaf(2), tg.zeros(4)
    y[1:3] = x * 2
    return back(y * y, x)


def assign_by_a_mask():
    x = leaf(3, 3)
    y = x * 2
    y[y > 0] = 0.5
    y[tg.tensor([0, 2]), 1] = x[0, :2]
    return back(y * y, x)


def change_a_view():
    x = leaf(4)
    y = x * 1
    y[1:].mul_(2)
    y.add_(1)
    y[tg.tensor([0])] = 3.0
    return back(y * y, x)


def chain_of_views():
    x = leaf(2, 3, 4)
    y = x * 1
    v = y.transpose(0, 1).reshape(3, 8)[1:].unsqueeze(0).squeeze(0)
    y.mul_(3)
    return back(v * v, x)


def unbind_and_stack():
    x = leaf(3, 2)
    a, b, c = x.unbind(0)
    return back(tg.stack([a * b, c.exp()]), x)


def in_place_activation():
    x = leaf(8)
    return back(F.relu(x * 2, inplace=True).sigmoid_(), x)


def augmented_assignment():
    x, total = leaf(3), tg.zeros(3)
    for k in range(4):
        total += x * k
    total *= total.detach()
    return back(total, x)


def changed_data():
    x = leaf(3)
    y = (x * x).sum()
    x.data.mul_(2)
    return back(y, x)


def assign_in_every_form():
    x, y = leaf(3, 3), tg.zeros(3, 3)
    y[0] = x[0]
    y[:, 1] = 1
    y[..., 2] = x[:, 2]
    y[tg.tensor([True, False, True])] = x[:2]
    y[1, 1] = x.sum()
    y[None, 0] = x[None, 2]
    return back(y * y, x)


def detached_and_changed():
    x = leaf(3)
    y = x * 2
    y.detach().add_(1)
    return [*back(y + 0, x), y]


# scatter and index


def scatter_and_gather():
    x, index = leaf(3, 4), tg.tensor([[0, 1, 2, 0], [1, 1, 0, 2]])
    y = tg.zeros(3, 4).scatter_add(0, index, x[:2])
    z = tg.zeros(3, 4).scatter(1, tg.tensor([[0], [1], [3]]), x[:, :1])
    return back(y * z + x.gather(0, index).sum(), x)


def index_add_and_put():
    x = leaf(2, 3)
    y = tg.zeros(4, 3).index_add(0, tg.tensor([1, 1]), x)
    y.index_put_((tg.tensor([0, 3]),), x, accumulate=True)
    return back((y * y).index_select(0, tg.tensor([3, 1])), x)


def where_and_masked_fill():
    x, y = leaf(3, 3), leaf(3)
    z = tg.where(x > 0, x, y).masked_fill(tg.eye(3).bool(), -1.0)
    return back(z * z, x, y)


# the graph


def detach_and_two_backwards():
    x = leaf(3)
    y = x.exp()
    z = y.detach() * x
    z.sum().backward()
    return back(y * y.detach(), x)


def backward_twice():
    x = leaf(3)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    return back(y, x)


def several_roots():
    x, y = leaf(2), leaf(2)
    a, b = x * y, x.exp()
    tg.autograd.backward([a, b], [tg.ones(2), tg.tensor([2.0, 3.0])])
    return [x.grad, y.grad]


def some_inputs():
    x, y = leaf(2), leaf(2)
    z = x * y
    z.sum().backward(inputs=[y])
    return [x.grad, y.grad]


def second_derivative():
    x = leaf(3)
    (g,) = tg.autograd.grad((x**3).sum(), x, create_graph=True)
    return [g, *back(g * g, x)]


def gradient_penalty():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x = leaf(5, 3)
    (g,) = tg.autograd.grad(net(x).sum(), x, create_graph=True)
    return back((g.norm(dim=1) - 1).square().mean(), *net.parameters())


def unused_inputs():
    x, y = leaf(2), leaf(2)
    return list(tg.autograd.grad((x * 2).sum(), [x, y], allow_unused=True))


def jacobian_and_hessian():
    x = tg.randn(3)
    return [
        tg.autograd.functional.jacobian(lambda x: x.exp() * x[0], x),
        tg.autograd.functional.hessian(lambda x: (x**3).sum(), x),
    ]


def a_loss_that_is_a_leaf():
    x = leaf()
    x.backward()
    return [x.grad]


def freed_graph():
    x = leaf(2)
    y = (x * x).sum()
    y.backward()
    try:
        y.backward()
    except RuntimeError as error:
        return [str(error), x.grad]


def error_in_the_middle():
    x = leaf(2, 3)
    y = x * 2
    try:
        y @ y
    except (ValueError, RuntimeError):
        y = y + 1
    return back(y, x)


def a_changed_input():
    x = leaf(2)
    y = x * 1
    z = y * y
    y.add_(1)
    try:
        z.sum().backward()
    except RuntimeError as error:
        return [type(error).__name__, x.grad]


def two_graphs_in_turns():
    x, y = leaf(2), leaf(2)
    a, b = x * 2, y * 3
    a.sum().backward()
    b.sum().backward()
    return back(x * y, x, y)


def under_no_grad():
    x = leaf(3)
    with tg.no_grad():
        y = x * 2
        y[0] = 1.0
        x.add_(y)
    return back(x * y, x)


def complex_numbers():
    x = tg.randn(4)
    y = tg.tensor(np.array([1 + 2j, 3 - 1j]))
    return [y * y, y.abs(), x]


def one_graph_many_times():
    x = leaf(3)
    h = x.exp()
    return [g for k in range(3) for g in back(h * k, x, retain_graph=True)]


def anomaly():
    x = leaf(3)
    with tg.autograd.detect_anomaly():
        try:
            (-x.abs()).sqrt().sum().backward()
        except RuntimeError as error:
            return [type(error).__name__, x.grad]


def for_inference():
    net = nn.Linear(2, 2)
    with tg.inference_mode():
        return [net(tg.ones(1, 2))]


def a_recorder_inside():
    x = leaf(3)
    with viz.record() as r:
        (x * 2).sum().backward()
    return [*back(x * 3, x), len(r.document["passes"])]


# hooks


def hooks_that_look_and_change():
    x, seen = leaf(3), []
    y = x * 2
    y.register_hook(lambda g: g * 3)
    y.register_hook(lambda g: seen.append(g.clone()))
    x.register_hook(lambda g: g.clamp(max=2))
    y.retain_grad()
    return [*back(y.exp(), x), y.grad, *seen]


def module_hooks():
    net, seen = nn.Sequential(nn.Linear(2, 2), nn.ReLU()), []
    net[0].register_forward_hook(lambda m, a, out: out * 2)
    net[1].register_forward_pre_hook(lambda m, a: (a[0] + 1,))
    net[0].register_full_backward_hook(lambda m, gi, go: seen.extend([*gi, *go]))
    return [*back(net(tg.randn(3, 2)), *net.parameters()), *seen]


def hook_that_raises():
    x = leaf(2)
    y = x * 2

    def hook(g):
        raise ZeroDivisionError("mine")

    y.register_hook(hook)
    try:
        y.sum().backward()
    except ZeroDivisionError as error:
        return [str(error), x.grad, *back(x * 3, x)]


def backward_inside_a_hook():
    x, y = leaf(2), leaf(2)
    z = x * 2
    z.register_hook(lambda g: tg.enable_grad()(lambda: (y * 3).sum().backward())())
    return [*back(z, x), y.grad]


def accumulate_hook():
    x, seen = leaf(2), []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.clone()))
    return [*back(x * 2, x), *seen]


# training


def step_of_a_classifier():
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3),
    )  # fmt: skip
    optimizer = tg.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(tg.randn(5, 1, 8, 8)), tg.arange(5) % 3)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        losses.append(loss)
    net.eval()
    with tg.no_grad():
        out = net(tg.randn(2, 1, 8, 8))
    return [*losses, out, *net.parameters(), *net.buffers()]


def step_of_a_gan():
    g, d = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 1))
    of_g, of_d = tg.optim.Adam(g.parameters()), tg.optim.Adam(d.parameters())
    real, fake = tg.randn(4, 3), g(tg.randn(4, 2))
    of_d.zero_grad()
    F.binary_cross_entropy_with_logits(d(real), tg.ones(4, 1)).backward()
    F.binary_cross_entropy_with_logits(d(fake.detach()), tg.zeros(4, 1)).backward()
    of_d.step()
    of_g.zero_grad()
    F.binary_cross_entropy_with_logits(d(fake), tg.ones(4, 1)).backward()
    of_g.step()
    return [p for m in (g, d) for p in m.parameters()] + [p.grad for p in d.parameters()]


def recurrent():
    layer, h = nn.Linear(2, 2), tg.zeros(1, 2)
    for _ in range(20):
        h = tg.tanh(layer(h) + 1)
    return back(h, *layer.parameters())


def attention_with_embedding():
    words, net = nn.Embedding(7, 4), nn.LayerNorm(4)
    x = net(words(tg.tensor([[1, 2, 2, 0]])))
    causal = tg.ones(4, 4).triu(1).bool()
    y = (x @ x.transpose(1, 2) / 2).masked_fill(causal, -tg.inf).softmax(-1) @ x
    return back(y * y, *words.parameters(), *net.parameters())


def dropout_and_chance():
    x = leaf(4, 4)
    return [*back(F.dropout(x, 0.3) * tg.rand(4, 4), x), tg.randn(3)]


def folded_in_eval():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
    net(tg.randn(6, 3, 9, 9))
    net.eval()
    with tg.no_grad():
        return [net(tg.randn(2, 3, 9, 9))]


def copies_of_modules():
    net = nn.Linear(2, 2)
    other = copy.deepcopy(net)
    return back(net(tg.ones(1, 2)) * other(tg.ones(1, 2)), *net.parameters(), *other.parameters())


def a_module_named_badly():
    net = nn.Module()
    net.add_module("a\\", nn.Linear(2, 2))
    net.add_module('ü"<b>', nn.Linear(2, 2))
    for name in ("a\\", 'ü"<b>'):
        out = getattr(net, name)(tg.ones(1, 2))
    return back(out, *net.parameters())


class Restless(nn.Module):
    """A module whose lists of parameters cannot be asked for."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def forward(self, x):
        return self.inner(x)

    def named_parameters(self, *args, **kwargs):
        raise LookupError("not now")

    parameters = named_modules = named_parameters


def a_module_that_refuses_to_be_looked_at():
    net = Restless()
    return back(net(tg.ones(1, 2)), net.inner.weight)


# values


def not_finite():
    x = tg.tensor([np.nan, np.inf, -np.inf, 1e-45, 3e38, 0.0], requires_grad=True)
    return back(x * 2 / x.log(), x)


def nothing_inside():
    x, v = leaf(0, 3), leaf(0)
    return back(x.sum(0) * 2 + (v * 2).sum(), x, v)


def one_number():
    x = tg.tensor(2.0, requires_grad=True)
    return back(x * 3, x)


def half_and_double():
    x = tg.randn(5000).half().requires_grad_()
    y = x.double() * 2
    return back((y.half() * 8).float(), x)


def numbers_as_errors():
    before = np.seterr(all="raise")
    try:
        x = tg.full((70,), 1e30).requires_grad_()
        return back(x * 1e-30, x, gradient=None)
    finally:
        np.seterr(**before)


def strange_memory():
    record = np.zeros(6, dtype=[("a", "i1"), ("x", "f4")])
    record["x"] = np.arange(6)
    x = tg.from_numpy(record["x"][::-1].copy()[::2]).requires_grad_()
    return back(x.expand(2, 3) * tg.from_numpy(np.arange(6.0, dtype="f4").reshape(3, 2).T), x)


def mesh_and_einsum():
    x, y = leaf(2), leaf(3)
    a, b = tg.meshgrid(x, y, indexing="ij")
    return back(tg.einsum("ij,ij->i", a, b) + tg.cat([x, x]).chunk(2)[0], x, y)
