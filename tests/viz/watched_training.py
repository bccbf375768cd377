"""Scripts with models and all that trains them, as in `watched_scripts.py`."""

from __future__ import annotations

import copy
import io
import pickle
import threading

import numpy as np
from watched_scripts import back, leaf

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz
from tinygrad_cnn.autograd import Function


def grads(net):
    return [p.grad for p in net.parameters()]


class Recomputed(Function):
    """What is between is not kept: backward computes it again, with a graph of its own."""

    @staticmethod
    def forward(ctx, f, x):
        ctx.f, ctx.state = f, tg.get_rng_state()
        ctx.save_for_backward(x)
        return f(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        x = x.detach().requires_grad_()
        now = tg.get_rng_state()
        tg.set_rng_state(ctx.state)
        with tg.enable_grad():
            out = ctx.f(x)
        tg.set_rng_state(now)
        tg.autograd.backward(out, g)
        return None, x.grad


def activations_computed_again():
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Dropout(0.5), nn.Linear(3, 2))
    x = leaf(4, 3)
    return [*back(Recomputed.apply(net, x * 1), x), *grads(net)]


def compiled_function():
    @tg.compile
    def f(x, w):
        return (x @ w).tanh() * 2

    x, w = leaf(3, 4), leaf(4, 2)
    return [g for _ in range(3) for g in back(f(x, w), x, w)]


def compiled_module_and_step():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    run, optimizer = tg.compile(net), tg.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(run(tg.randn(5, 3)), tg.zeros(5, 2)).backward()
        optimizer.step()
    return [*net.parameters(), *grads(net)]


def every_optimizer():
    found = []
    for make in (tg.optim.SGD, tg.optim.Adam, tg.optim.AdamW, tg.optim.RMSprop, tg.optim.Adagrad, tg.optim.Adadelta):
        net = nn.Linear(2, 2)
        optimizer = make(net.parameters(), lr=0.1)
        schedule = tg.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)

        def closure(net=net, optimizer=optimizer):
            optimizer.zero_grad(set_to_none=False)
            loss = net(tg.ones(1, 2)).square().sum()
            loss.backward()
            return loss

        for _ in range(2):
            found.append(optimizer.step(closure))
            schedule.step()
        found += net.parameters()
    return found


def gradients_that_accumulate():
    net = nn.Linear(3, 1)
    for batch in tg.randn(4, 2, 3).unbind():
        (net(batch).mean() / 4).backward()
    tg.nn.utils.clip_grad_norm_(net.parameters(), 0.1)
    return grads(net)


def frozen_and_thawed():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    net[0].requires_grad_(False)
    first = back(net(tg.ones(3, 2)), net[2].weight)
    net[0].requires_grad_(True)
    return [*first, *back(net(tg.ones(3, 2)), *net.parameters())]


def teacher_and_average():
    net = nn.Linear(2, 2)
    teacher = copy.deepcopy(net)
    with tg.no_grad():
        target = teacher(tg.ones(1, 2))
    loss = F.mse_loss(net(tg.ones(1, 2) * 2), target)
    loss.backward()
    with tg.no_grad():
        for p, q in zip(net.parameters(), teacher.parameters(), strict=True):
            p -= 0.1 * p.grad
            q.mul_(0.9).add_(p, alpha=0.1)
    for p in net.parameters():
        p.data.clamp_(-0.2, 0.2)
    return [loss, *net.parameters(), *teacher.parameters()]


def gan_with_a_penalty():
    g, d = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    real, fake = tg.randn(4, 3), g(tg.randn(4, 2))
    mixed = (0.5 * real + 0.5 * fake.detach()).requires_grad_()
    (slope,) = tg.autograd.grad(d(mixed).sum(), mixed, create_graph=True)
    (d(fake.detach()).mean() - d(real).mean() + (slope.norm(dim=1) - 1).square().mean()).backward()
    of_d = [p.grad.clone() for p in d.parameters()]
    d.zero_grad()
    d.requires_grad_(False)
    (-d(fake).mean()).backward()
    return [*of_d, *grads(g), *grads(d)]


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))

    def forward(self, a, b):
        return (self.body(a) - self.body(b)).norm(dim=1)


def siamese():
    net = Siamese()
    return [*back(net(tg.randn(2, 1, 6, 6), tg.randn(2, 1, 6, 6))), *grads(net)]


def down_and_up():
    down, up, out = nn.Conv2d(1, 2, 3, padding=1), nn.ConvTranspose2d(2, 2, 2, stride=2), nn.Conv2d(3, 1, 1)
    x = leaf(2, 1, 8, 8)
    small = F.max_pool2d(down(x).relu(), 2)
    both = tg.cat([x, up(small) + F.interpolate(small, scale_factor=2)], 1)
    return back(out(both), x, down.weight, up.weight, out.weight)


def tied_and_listed_weights():
    words = nn.Embedding(5, 3)
    layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))
    scales = nn.ParameterList(nn.Parameter(tg.ones(3)) for _ in range(2))
    x = words(tg.tensor([1, 4, 1]))
    for layer, scale in zip(layers, scales, strict=True):
        x = x + layer(x).tanh() * scale
    return back(F.cross_entropy(x @ words.weight.t(), tg.tensor([0, 1, 2])), words.weight, *scales)


def hooks_of_every_kind():
    seen, net = [], nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    net[0].register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    net[1].register_forward_hook(lambda module, args, out: out.detach() + out)
    net[0].register_full_backward_pre_hook(lambda module, g: (g[0] * 2,))
    handle = net[0].register_full_backward_hook(lambda module, into, of: seen.append(of[0].clone()))
    x = leaf(3, 2)
    y = net(x)
    y.retain_grad()
    once = y.register_hook(lambda g: once.remove())
    found = back(y, x, *net.parameters())
    handle.remove()
    return [*found, *seen, y.grad, *back(net(x), x)]


def hooks_that_cut():
    net = nn.Linear(2, 2)
    net.register_full_backward_hook(lambda module, into, of: (None,))
    x, y = leaf(3, 2), leaf(3, 2)
    z = y * 2
    z.register_hook(lambda g: g * 0)
    return back(net(x * 1) + net(z), x, y, net.weight)


def in_threads():
    found = {}

    def work(k):
        x = tg.full((3,), float(k)).requires_grad_()
        found[k] = back((x * k).exp(), x)

    for k in range(3):
        thread = threading.Thread(target=work, args=(k,))
        thread.start()
        thread.join()
    return [v for k in sorted(found) for v in found[k]]


def modes_by_decorator():
    @tg.no_grad()
    def quiet(x):
        with tg.enable_grad():
            y = x * 2
        with tg.set_grad_enabled(False):
            return y, y * 2

    @tg.inference_mode()
    def fixed(x):
        return x * 3

    x = leaf(2)
    y, z = quiet(x)
    return [*back(y * z + fixed(x).clone(), x), z.requires_grad]


def detached_in_every_way():
    x = leaf(4)
    y = x * 2
    z = y.detach() + y.data + tg.from_numpy(y.detach().numpy() * 2) + y.detach().numpy()[0].item()
    w = (x * 3).detach_()
    with tg.no_grad():
        z = z + y.exp()
    return back(y * z * w * x.tolist()[0], x)


def chosen_and_sorted():
    x = leaf(3, 4)
    y = x.max(dim=1).values + x.topk(2, dim=1).values.sum(1) + x.sort(dim=1).values[:, 1] + x.median(dim=1).values
    z = x.cummax(0).values + x.kthvalue(1, dim=0, keepdim=True).values + x.min(dim=0).values
    return back(y.sum() + z.sum() + x.amax() + x.max() + x.gather(1, x.argmax(1, keepdim=True)).sum(), x)


def written_with_out():
    x, out = leaf(3), tg.zeros(3)
    with tg.no_grad():
        tg.mul(x, 2, out=out)
        tg.add(out, 1, out=out)
    return [*back(x * out, x), out]


def expanded_and_strided():
    x = leaf(3, 1)
    y = x.expand(3, 4).t().contiguous()
    y[::2].mul_(2)
    y.view(-1)[3:].unsqueeze(0).add_(1)
    return back(y.reshape(2, 6) * y.reshape(2, 6).flip(0), x)


def saved_loaded_and_copied():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    first = back(net(tg.randn(4, 2)), *net.parameters())
    file = io.BytesIO()
    tg.save(net.state_dict(), file)
    file.seek(0)
    other = pickle.loads(pickle.dumps(net))
    other.load_state_dict(tg.load(file))
    return [*first, *back(other(tg.randn(4, 2)), *other.parameters()), *other.buffers()]


def loader_and_chance():
    data = tg.data.TensorDataset(tg.randn(8, 2), tg.arange(8) % 2)
    net = nn.Linear(2, 2)
    for x, y in tg.data.DataLoader(data, batch_size=3, shuffle=True):
        F.cross_entropy(F.dropout(net(x), 0.2), y).backward()
    return [*grads(net), tg.rand(2), *np.random.random(2)]


def derivatives_as_functions():
    f = lambda x: (x.exp() * x.flip(0)).cumsum(0)
    x, v = tg.randn(3), tg.randn(3)
    return [
        *tg.autograd.functional.vjp(f, x, v),
        *tg.autograd.functional.jvp(f, x, v),
        *tg.autograd.functional.hvp(lambda x: f(x).prod(), x, v),
    ]


def looked_at_from_inside():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    x = leaf(3, 2)
    y = net(x)
    texts = [repr(net), str(y), str(viz.summary(net, (2,), batch=1)), viz.text(y), str(y.grad_fn)]
    return [*texts, *back(y, x, *net.parameters())]


def parallel_on_one_machine():
    net = nn.DataParallel(nn.Linear(2, 2))
    return [*back(net(tg.randn(4, 2))), *grads(net), tg.distributed.is_initialized()]


def a_module_in_itself():
    class Tree(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x, depth=2):
            return self.layer(x) + (self(x * 2, depth - 1) if depth else 0)

    net = Tree()
    return [*back(net(tg.randn(2, 2))), *grads(net)]
