"""A long run holds what a short one does, and what is dropped is gone at once: no garbage collector is needed.

TINYGRAD_CNN_LONG_RUNS is the number of steps, and of models that are made and dropped (a fiftieth of it); with it,
the figures are printed (`pytest -s`).
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import threading
import time
import warnings
import weakref
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from small import training_step

import tinygrad_cnn as tg
from tinygrad_cnn import nn, optim, viz
from tinygrad_cnn.autograd import Function
from tinygrad_cnn.data import DataLoader, TensorDataset
from tinygrad_cnn.engine.node import Node
from tinygrad_cnn.nn import functional as F

STEPS = int(os.environ.get("TINYGRAD_CNN_LONG_RUNS", "0"))


@pytest.fixture(autouse=True, scope="module")
def no_collector():
    """What nobody holds is gone at once, or the tests see it."""
    held()  # which leaves caches behind when it is called first
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return (x + self.second(self.norm(self.first(x)).relu())).relu()


class Words(nn.Module):
    """A recurrent network on words."""

    def __init__(self):
        super().__init__()
        self.embedding, self.dropout = nn.Embedding(20, 8), nn.Dropout(0.3)
        self.word, self.state, self.out = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x):
        h = tg.zeros(len(x), 8)
        for t in range(x.shape[1]):
            h = (self.word(self.dropout(self.embedding(x[:, t]))) + self.state(h)).tanh()
        return self.out(h)


def narrow():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(36, 4))  # fmt: skip


NETWORKS = {
    "mlp": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 4)),
        lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
    ),
    "lenet": (
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(4, 8, 3), nn.Tanh(),
                              nn.Flatten(), nn.Linear(32, 4)),
        optim.Adam,
    ),
    "batch norm": (narrow, optim.AdamW),
    "residual": (
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), Residual(), Residual(), nn.AdaptiveAvgPool2d(1),
                              nn.Flatten(), nn.Linear(4, 4)),
        lambda p: optim.RMSprop(p, lr=1e-3),
    ),
    "depthwise": (
        lambda: nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=8),
                              nn.BatchNorm2d(8), nn.ReLU6(), nn.Conv2d(8, 8, 1), nn.Flatten(), nn.Linear(512, 4)),
        optim.Adagrad,
    ),
    "words": (Words, optim.Adadelta),
}  # fmt: skip


def training(name, compiled):
    """f(steps): train that long, on batches of a loader."""
    tg.manual_seed(0)
    draw = np.random.default_rng(0)
    x = draw.integers(0, 20, (40, 3)) if name == "words" else draw.normal(size=(40, 1, 8, 8)).astype(np.float32)
    loader = DataLoader(TensorDataset(tg.tensor(x), tg.tensor(draw.integers(0, 4, 40))), batch_size=10, shuffle=True)
    make, optimizer = NETWORKS[name]
    net = make()
    opt = optimizer(net.parameters())

    step = training_step(net, opt)
    run = tg.compile(step) if compiled else step

    def steps(n):
        while n > 0:
            for x, y in loader:
                run(x, y).item()
                n -= 1

    return steps


def held():
    """What this process holds: objects of each kind, threads, open files, megabytes of memory."""
    types = Counter(map(type, gc.get_objects()))
    kinds = {
        "objects": types.total(),
        **{kind.__name__: sum(n for t, n in types.items() if issubclass(t, kind)) for kind in (tg.Tensor, Node)},
        "threads": threading.active_count(),
    }
    system = Path("/proc/self")
    if system.exists():  # on Linux
        kinds["system threads"] = len(os.listdir(system / "task"))
        kinds["files"] = len(os.listdir(system / "fd"))
        kinds["MB"] = int((system / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 10**6
    return kinds


def assert_constant(work, what, objects=6):
    """Work leaves no more held than there was. What Python itself keeps, it keeps once: so there are three tries."""
    for _ in range(3):
        before = held()
        work()
        after = held()
        if STEPS:
            print(f"\n{what}: {before}\n{' ' * len(what)}  {after}", end="")
        more = {kind: after[kind] - before[kind] for kind in before}
        if all(n <= {"objects": objects, "MB": 4}.get(kind, 0) for kind, n in more.items()):
            return
    pytest.fail(f"more is held: {more}")


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", NETWORKS)
def test_training_holds_the_same_after_any_number_of_steps(name, compiled):
    train = training(name, compiled)
    warm = STEPS // 10 or 24  # compiled programs look at their kernels again at the 20th and the 200th call
    train(warm)
    assert_constant(lambda: train(STEPS - warm if STEPS else 12), f"{name}, {'compiled' if compiled else 'eager'}")


# What is dropped is gone. Each gives what is to die with it, by name.


def batch():
    return tg.randn(4, 1, 8, 8), tg.randint(0, 4, (4,))


def loss_of(net):
    x, y = batch()
    return F.cross_entropy(net(x), y)


def a_trained_model(how="eager"):
    net = narrow()
    opt = optim.Adam(net.parameters())
    fast = tg.compile(net) if how == "module" else net

    step = training_step(fast, opt)
    run = tg.compile(step) if how == "step" else step
    for _ in range(4):
        loss = run(*batch())
    return dict(net=net, weight=net[0].weight, opt=opt, loss=loss, run=run, fast=fast)


def a_refused_program(fullgraph):
    net = narrow()
    run = tg.compile(lambda x: net(x) * net(x).sum().item(), fullgraph=fullgraph)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(RuntimeError) if fullgraph else contextlib.nullcontext():
            run(batch()[0])
    return dict(net=net, run=run)


class Held:
    """Something that a hook holds."""

    def seen(self):
        return None


def hooks(remove):
    net, things = narrow(), {name: Held() for name in ("forward", "pre", "backward", "parameter", "output")}
    out = net(batch()[0])

    def holding(name):
        thing = things[name]
        return lambda *args: thing.seen()

    handles = [
        net[0].register_forward_hook(holding("forward")),
        net[0].register_forward_pre_hook(holding("pre")),
        net[0].register_full_backward_hook(holding("backward")),
        net[0].weight.register_hook(holding("parameter")),
        out.register_hook(holding("output")),
    ]
    (out + net(batch()[0])).sum().backward()
    if not remove:
        return dict(net=net, out=out, **things)
    for handle in handles:
        handle.remove()
    KEPT.append((net, out))
    return things


KEPT: list = []  # what outlives the test


def kept_outputs():
    net, seen = narrow(), []
    handle = net[0].register_forward_hook(lambda module, args, out: seen.append(out))
    loss_of(net).backward()
    handle.remove()
    return dict(net=net, seen=seen[0])


def a_recording():
    net = narrow()
    with viz.record(net) as record:
        loss = loss_of(net)
        loss.backward()
    viz.text(record)
    KEPT.append(record.document)
    return dict(net=net, loss=loss, record=record)


def a_history():
    net, history = narrow(), viz.History()
    loss = loss_of(net)
    loss.backward()
    history.step(loss=loss, gradients=viz.gradient_norms(net))
    history.epoch(loss=loss)
    KEPT.append(history)
    return dict(net=net, loss=loss)


def pictures():
    net = narrow()
    x = batch()[0][:1]
    loss = net(x).sum()
    KEPT.append([viz.snapshot(loss, net, values=True), viz.feature_maps(net, x), viz.saliency(net, x, 1)])
    return dict(net=net, loss=loss)


def an_error(where):
    net = narrow()
    loss = loss_of(net)

    def fails(g):
        raise ZeroDivisionError

    with contextlib.suppress(RuntimeError, ZeroDivisionError):
        if where == "forward":
            net(tg.zeros(5, 2, 8, 8))
        elif where == "hook":
            loss.register_hook(fails)
            loss.backward()
        else:
            loss.backward()
            loss.backward()
    return dict(net=net, loss=loss)


def a_second_derivative():
    net = narrow()
    loss = loss_of(net)
    grads = tg.autograd.grad(loss, list(net.parameters()), create_graph=True)
    penalty = sum((g * g).sum() for g in grads)
    penalty.backward()
    return dict(net=net, loss=loss, grad=grads[0], penalty=penalty)


def a_walk_again_and_again():
    net = narrow()
    loss = loss_of(net)
    for _ in range(5):
        loss.backward(retain_graph=True)
    return dict(net=net, loss=loss)


def views_changed_in_place():
    base = tg.randn(4, 4, requires_grad=True) * 1
    row, flat = base[0], base.view(-1)
    row.mul_(2)
    base.add_(1)
    (row.sum() + flat.sum()).backward()
    return dict(base=base, row=row, flat=flat)


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


def saved_results():
    """What a node keeps is its own result."""
    x = tg.randn(3, requires_grad=True)
    return dict(x=x, function=Exp.apply(x), op=x.exp().sigmoid().tanh())


def an_iterator_dropped_halfway(workers, persistent):
    data = TensorDataset(tg.randn(40, 3))
    loader = DataLoader(data, batch_size=4, num_workers=workers, persistent_workers=persistent)
    batches = iter(loader)
    next(batches)
    return dict(data=data, loader=loader, batches=batches)


def a_checkpoint():
    net = narrow()
    opt = optim.Adam(net.parameters())
    plan = optim.swa_utils.SWALR(opt, 0.1)
    averaged = optim.swa_utils.AveragedModel(net)
    loss_of(net).backward()
    opt.step()
    plan.step()
    averaged.update_parameters(net)
    file = io.BytesIO()
    tg.checkpoint.save_checkpoint(file, net, opt, plan, averaged=averaged.state_dict())
    file.seek(0)
    averaged.load_state_dict(tg.checkpoint.load_checkpoint(file, net, opt, plan)["averaged"])
    return dict(net=net, opt=opt, plan=plan, averaged=averaged)


DROPPED = {
    "a trained model": a_trained_model,
    "a compiled step": lambda: a_trained_model("step"),
    "a compiled module": lambda: a_trained_model("module"),
    "a refused program": lambda: a_refused_program(False),
    "an error of compile": lambda: a_refused_program(True),
    "hooks that are removed": lambda: hooks(True),
    "hooks that stay": lambda: hooks(False),
    "outputs that a hook keeps": kept_outputs,
    "a recording": a_recording,
    "a history": a_history,
    "pictures": pictures,
    "an error in forward": lambda: an_error("forward"),
    "an error in a hook": lambda: an_error("hook"),
    "an error in backward": lambda: an_error("backward"),
    "a second derivative": a_second_derivative,
    "retain_graph": a_walk_again_and_again,
    "views": views_changed_in_place,
    "saved results": saved_results,
    "an iterator": lambda: an_iterator_dropped_halfway(0, False),
    "an iterator with workers": lambda: an_iterator_dropped_halfway(2, False),
    "an iterator with workers that stay": lambda: an_iterator_dropped_halfway(2, True),
    "a checkpoint": a_checkpoint,
}


@pytest.mark.parametrize("case", DROPPED)
def test_what_is_dropped_is_gone(case):
    alive = {name: weakref.ref(thing) for name, thing in DROPPED[case]().items()}
    deadline = time.monotonic() + 10
    while "workers" in case and time.monotonic() < deadline and any(ref() is not None for ref in alive.values()):
        time.sleep(0.01)  # a thread ends as soon as it sees that nobody waits for it
    assert [name for name, ref in alive.items() if ref() is not None] == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["eager", "step", "module"])
def test_models_made_and_dropped_leave_nothing(how):
    a_trained_model(how)
    models = STEPS // 50 or 3

    def work():
        for _ in range(models):
            a_trained_model(how)

    assert_constant(work, f"models, {how}", 20 * models)  # memory of a new size brings a new type of ctypes
