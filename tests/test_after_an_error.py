"""An error in anything that a program calls or is called by comes out, and everything else is as it was."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from interrupted import state

import tinygrad_cnn as tg
from tinygrad_cnn import data, kernels, nn, optim, viz
from tinygrad_cnn.autograd import Function

F = nn.functional
armed: dict = {}  # the place at which an error is raised, and the error


def here(place):
    if place in armed:
        raise armed.pop(place)


@tg.op
def doubled(a):
    here("an op")
    return a * 2


def rule(g):
    here("a rule")
    return g * 2


doubled.grad(a=rule)


class Halved(Function):
    @staticmethod
    def forward(ctx, x):
        here("a Function's forward")
        return x * 0.5

    @staticmethod
    def backward(ctx, g):
        here("a Function's backward")
        return g * 0.5


class Layer(nn.Module):
    def forward(self, x):
        here("a forward")
        return Halved.apply(doubled(x))


class Items(data.Dataset):
    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        here("an item" if data.get_worker_info() is None else "a worker's item")
        return self.x[i] + tg.rand(1)


def collate(items):
    here("a batch")
    return tg.stack(items)


def failing(name, f):
    def fails(*args):
        here(name)
        return f(*args)

    return fails


class Everything:
    """Each of its parts is another one of the ways in which the library calls what is the user's, or fails itself."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "saved.tg")
        self.x, self.y = tg.randn(4, 2, 6, 6), tg.arange(4)
        self.model = nn.Sequential(
            nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), Layer(), nn.Flatten(), nn.Linear(48, 4)
        )
        self.start = {key: value.clone() for key, value in self.model.state_dict().items()}
        conv, norm = self.model[0], self.model[1]
        conv.register_forward_pre_hook(lambda *args: here("a forward pre-hook"))
        conv.register_forward_hook(lambda *args: here("a forward hook"))
        norm.register_full_backward_pre_hook(lambda *args: here("a backward pre-hook"))
        norm.register_full_backward_hook(lambda *args: here("a backward hook"))
        norm.weight.register_hook(lambda g: here("a tensor's hook"))
        norm.bias.register_post_accumulate_grad_hook(lambda leaf: here("a hook behind a gradient"))

    def __call__(self):
        self.model.load_state_dict(self.start)
        self.model.zero_grad()
        tg.manual_seed(1)
        found = [*self.epoch(), *self.derivatives()]
        with viz.record(self.model) as recording:
            here("a recording")
            loss = F.cross_entropy(self.model(self.x), self.y)
            loss.backward()
        found += loss.item(), len(recording.document["passes"][0]["steps"])
        tg.save(self.model.state_dict(), self.path)
        found += self.compiled()
        return [*found, *(p.sum().item() for p in self.model.parameters()), tg.rand(1).item()]

    def epoch(self):
        optimizer = optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        optimizer.register_step_pre_hook(lambda *args: here("an optimizer's pre-hook"))
        optimizer.register_step_post_hook(lambda *args: here("an optimizer's hook"))
        schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: here("a schedule") or 0.5**epoch)

        def closure(batch):
            optimizer.zero_grad()
            here("a closure")
            return F.cross_entropy(self.model(batch), self.y[:2])

        found = []
        for workers in (0, 1):
            for batch in data.DataLoader(Items(self.x), 2, True, num_workers=workers, collate_fn=collate):
                loss = closure(batch)
                loss.backward()
                with tg.no_grad():
                    here("a block without gradients")
                    optimizer.step(lambda batch=batch: closure(batch))
                schedule.step()
                found.append(loss.item())
        return found

    def compiled(self):
        def f(x):
            here("a captured function")
            return F.max_pool2d(x + 1, 2).sum()

        fast = tg.compile(f)
        return [fast(self.x).item() for _ in range(3)]

    def derivatives(self):
        x = self.x[0, 0].clone().requires_grad_()
        with tg.autograd.detect_anomaly(), kernels.use("numpy"), np.errstate(all="warn"):
            here("a block of another room")
            (g,) = tg.autograd.grad(Halved.apply(x**3).sum(), x, create_graph=True)
        with tg.inference_mode():
            here("a block of inference")
            return [g.sum().item(), (g * g).sum().item()]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    found = Everything(tmp_path_factory.mktemp("after"))
    found()
    return found, found()


PLACES = [
    "an op", "a rule", "a Function's forward", "a Function's backward", "a forward",
    "a forward pre-hook", "a forward hook", "a backward pre-hook", "a backward hook", "a tensor's hook",
    "a hook behind a gradient", "an optimizer's pre-hook", "an optimizer's hook", "a schedule", "a closure",
    "an item", "a worker's item", "a batch", "a captured function", "a recording",
    "a block without gradients", "a block of another room", "a block of inference",
    "conv2d", "conv2d_weight", "max_pool2d", "fsync", "replace",
]  # fmt: skip


def seen(model):
    """What no error may leave changed."""
    modules = list(model.modules())
    return state(model), [m.training for m in modules], [sorted(vars(m)) for m in modules], list(sys.path)


@pytest.mark.parametrize("place", PLACES)
def test_an_error_leaves_nothing_behind(program, place, monkeypatch):
    errors = [OSError(28, "x") if hasattr(os, place) else MemoryError("x"), KeyboardInterrupt("x")]
    program, want = program
    before, saved = seen(program.model), Path(program.path).read_bytes()
    for error in errors:
        with monkeypatch.context() as patch:
            if place in vars(kernels.kernel):
                patch.setitem(vars(kernels.kernel), place, failing(place, vars(kernels.kernel)[place]))
            elif hasattr(os, place):
                patch.setattr(os, place, failing(place, getattr(os, place)))
            patch.setitem(armed, place, error)
            with pytest.raises((type(error), RuntimeError, ValueError)) as raised:
                program()
            assert not armed
        assert raised.value is error or error in (raised.value.__cause__, raised.value.__context__)
        del raised
        assert seen(program.model) == before
        assert os.listdir(os.path.dirname(program.path)) == ["saved.tg"]
        assert Path(program.path).read_bytes() == saved
        assert program() == want
